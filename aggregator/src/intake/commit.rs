//! Commits what an agent sent, however long the database is away; only then it is acknowledged.

use std::sync::Arc;
use std::time::Duration;

use fieldward_shared::alert::Severity;
use fieldward_shared::loss::{Loss, Reason};
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{Ack, Hello, Reports};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};

use super::Shared;
use super::batch::{self, BatchError, LANES};
use super::gate::Peer;
use super::now;
use super::pressure::Trouble;
use super::told;
use crate::store::{Body, Committed, Report, StoreError};

/// Commits a batch. Gives what to tell of it, and of lanes in which its loss records have closed gaps; the
/// credit is added when it is told.
pub async fn commit(shared: Arc<Shared>, peer: Arc<Peer>, batch: Reports) -> Result<Vec<Ack>, BatchError> {
    let (lane, incarnation) = (batch::lane(&batch)?, batch::incarnation(&batch.incarnation)?);
    let records = batch.records.len() as u64;
    let committed = until_done(&shared, || batch::reports(&batch, &peer, now())).await?;
    let counters = &shared.counters;
    counters.batches.add();
    counters.records.add_many(records);
    let sum = |count: fn(&Committed) -> u64| committed.iter().map(count).sum::<u64>();
    counters.again.add_many(sum(|one| one.again));
    let contradicted = sum(|one| one.contradicted);
    if contradicted > 0 {
        counters.contradicted.add_many(contradicted);
        shared.fleet.contradict(peer.agent, contradicted);
        tracing::warn!(
            security = true, agent = %peer.agent, facility = peer.facility, contradicted,
            "records came with keys that were committed with another payload: this agent was cloned, or set \
             back to an earlier state"
        );
    }
    let mine = committed.iter().filter(|one| one.incarnation == incarnation);
    let acks = mine.map(|one| Ack {
        batch: if one.lane == lane { batch.batch } else { 0 },
        lane: LANES.iter().position(|lane| *lane == one.lane).map_or(0, |at| at as u32),
        committed: one.cum_seq,
        credit: 0,
    });
    Ok(acks.collect())
}

/// How far each lane of a hello's incarnation is committed. What the agent cannot send any more and this
/// database lacks becomes a loss, so that it is counted and holds up nothing.
pub async fn positions(shared: &Shared, peer: &Peer, hello: &Hello) -> Result<[u64; 4], BatchError> {
    let incarnation = batch::incarnation(&hello.incarnation)?;
    if hello.lanes.len() != LANES.len() {
        return Err(BatchError::Odd("a hello without its lanes"));
    }
    let mut trouble = None;
    let known = loop {
        match shared.store.positions(peer.agent).await {
            Ok(known) => break known,
            Err(error) => wait(shared, &mut trouble, &error).await,
        }
    };
    drop(trouble);
    let place = |lane: Severity, known: &[Committed]| {
        let mine = known.iter().find(|one| one.incarnation == incarnation && one.lane == lane);
        mine.map_or(0, |one| one.cum_seq)
    };
    let mut committed = LANES.map(|lane| place(lane, &known));
    for (at, (lane, start)) in LANES.into_iter().zip(&hello.lanes).enumerate() {
        if start.floor <= committed[at] {
            continue;
        }
        if start.floor > 1 << 62 {
            return Err(BatchError::Odd("a lane that begins nowhere"));
        }
        let first = committed[at] + 1;
        let count = if start.fresh { 0 } else { start.floor - committed[at] };
        if count > 0 {
            shared.counters.lost.add_many(count);
            tracing::error!(
                agent = %peer.agent, facility = peer.facility, ?lane, first, last = start.floor,
                "this database lacks records that the agent no longer keeps: it was set back further than the \
                 agent remembers"
            );
        }
        let done = until_done(shared, || {
            let time = now();
            Ok(vec![gone(peer, incarnation, lane, (first, start.floor), count, time)])
        });
        committed[at] = place(lane, &done.await?).max(start.floor);
    }
    Ok(committed)
}

/// The report of what will never come, in the place of its first record.
fn gone(
    peer: &Peer,
    incarnation: u128,
    lane: Severity,
    range: (u64, u64),
    count: u64,
    now: Timestamp,
) -> Report {
    let loss = Loss { lane, range: Some(range), count, reason: Reason::Damaged, since: now, until: now };
    let digest = Sha256::digest(serde_json::to_vec(&loss).unwrap_or_default()).into();
    let body = Body::Loss(loss);
    Report {
        agent: peer.agent,
        facility: peer.facility.clone(),
        incarnation,
        lane,
        seq: range.0,
        received: now,
        digest,
        body,
    }
}

/// Commits what `make` gives, again and again until it is done. Only a failure costs making it twice.
async fn until_done(
    shared: &Shared,
    make: impl Fn() -> Result<Vec<Report>, BatchError>,
) -> Result<Vec<Committed>, BatchError> {
    let mut trouble = None;
    loop {
        let reports = make()?;
        let alerts = shared.told.get().map(|_| told::alerts(&reports)).unwrap_or_default();
        let start = Instant::now();
        match shared.store.commit(reports).await {
            Ok(committed) => {
                shared.pressure.took(start.elapsed());
                if let Some(told) = shared.told.get() {
                    told.committed(alerts);
                }
                return Ok(committed);
            }
            Err(StoreError::Report { what, .. }) => return Err(BatchError::Odd(what)),
            Err(error) => wait(shared, &mut trouble, &error).await,
        }
    }
}

/// The database is away.
async fn wait<'a>(shared: &'a Shared, trouble: &mut Option<Trouble<'a>>, error: &StoreError) {
    shared.counters.commit_errors.add();
    let mut is_new = false;
    if trouble.is_none() {
        let (mine, new) = shared.pressure.failed();
        (*trouble, is_new) = (Some(mine), new);
    }
    if is_new {
        tracing::error!(%error, "nothing is committed or acknowledged until the database is back; agents keep all");
    }
    sleep(Duration::from_millis(fastrand::u64(250..1000))).await;
}
