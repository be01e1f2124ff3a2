//! The one task that commits what agents report. Calls that come while it commits share the next
//! transaction; a lone call is committed at once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use fieldward_shared::alert::AlertId;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::alerts::{self, AlertRow};
use super::counts::Changes;
use super::db::{Db, Kind, Tx, Value};
use super::positions::{self, Position, committed};
use super::report::{Committed, LaneKey, Prepared, Row};
use super::{StoreError, losses, now};

/// Reports of one caller.
#[derive(Debug)]
pub struct Call {
    pub rows: Vec<Prepared>,
    pub reply: oneshot::Sender<Result<Vec<Committed>, StoreError>>,
}

/// Writes.
pub struct Writer {
    db: Db,
}

impl Writer {
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Writes until nobody is left who could call.
    pub async fn run(self, mut waiting: mpsc::Receiver<Call>) {
        while let Some(first) = waiting.recv().await {
            let calls = gather(first, &mut waiting);
            self.write(calls).await;
        }
    }

    async fn write(&self, calls: Vec<Call>) {
        let (rows, replies): (Vec<_>, Vec<_>) = calls.into_iter().map(|call| (call.rows, call.reply)).unzip();
        let mut done = self.transaction(&rows).await;
        for _ in 0..RACES {
            if !matches!(done, Err(StoreError::Raced)) {
                break;
            }
            done = self.transaction(&rows).await;
        }
        match done {
            Ok(done) => replies.into_iter().zip(done).for_each(|(reply, done)| drop(reply.send(Ok(done)))),
            // What one brings must not harm the others.
            Err(error) if rows.len() > 1 && !error.passes() => {
                tracing::warn!(%error, calls = rows.len(), "committing together failed; each is tried alone");
                for (rows, reply) in rows.into_iter().zip(replies) {
                    let done = self.transaction(std::slice::from_ref(&rows)).await;
                    drop(reply.send(done.map(|mut done| done.pop().unwrap_or_default())));
                }
            }
            Err(error) => replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone())))),
        }
    }

    async fn transaction(&self, calls: &[Vec<Prepared>]) -> Result<Vec<Vec<Committed>>, StoreError> {
        let rows: Vec<&Prepared> = calls.iter().flatten().collect();
        let lanes: BTreeSet<LaneKey> =
            rows.iter().flat_map(|row| [Some(row.lane), row.lost_lane()]).flatten().collect();
        let facilities = rows.iter().map(|row| (row.lane.agent, row.facility.as_str())).collect();
        let mut tx = self.db.begin("begin to commit reports").await?;
        let mut held = positions::hold(&mut tx, &lanes).await?;
        let missing: Vec<LaneKey> = lanes.iter().copied().filter(|lane| !held.contains_key(lane)).collect();
        if !missing.is_empty() {
            tx.commit("commit nothing").await?;
            positions::add(&self.db, &missing, &facilities, now()).await?;
            tx = self.db.begin("begin to commit reports").await?;
            held = positions::hold(&mut tx, &lanes).await?;
        }
        let outcomes = judge(&mut tx, &rows, &held).await?;
        let new = rows.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == Outcome::Stored);
        let new: Vec<&Prepared> = new.map(|(row, _)| *row).collect();
        let changes = write_bodies(&mut tx, &new, &held).await?;
        rows.iter().zip(&outcomes).for_each(|(row, outcome)| settle(row, *outcome, &mut held));
        positions::write(&mut tx, &held).await?;
        changes.note(&mut tx).await?;
        tx.commit("commit reports").await?;
        let mut outcomes = outcomes.into_iter();
        Ok(calls.iter().map(|call| answer(call, &held, outcomes.by_ref().take(call.len()))).collect())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Stored,
    Again,
    Contradicted,
}

/// A report's place: the number of its lane, and its sequence.
type Place = (i64, i64);

/// Inserts the keys of these reports, and says what became of each. Whoever holds a lane is alone in it, and
/// knows what it has: mostly nothing has to be looked up.
async fn judge(
    tx: &mut Tx,
    rows: &[&Prepared],
    held: &HashMap<LaneKey, Position>,
) -> Result<Vec<Outcome>, StoreError> {
    let lanes: Vec<Option<&Position>> = rows
        .iter()
        .map(|row| held.get(&row.lane).filter(|lane| row.seq.cast_unsigned() > lane.forgotten))
        .collect();
    let maybe_there = rows.iter().zip(&lanes).filter_map(|(row, lane)| {
        lane.filter(|lane| !lane.is_beyond(row.seq.cast_unsigned())).map(|lane| (lane.id, row.seq))
    });
    let maybe_there: HashSet<Place> = maybe_there.collect();
    let maybe_there = maybe_there.into_iter().map(|(lane, seq)| vec![lane.into(), seq.into()]).collect();
    let mut known: HashMap<Place, [u8; 32]> = HashMap::with_capacity(rows.len());
    for row in tx.table("read digests", DIGESTS, maybe_there).await? {
        let digest: Vec<u8> = row.get("digest")?;
        known.insert((row.get("position_id")?, row.get("seq")?), digest.try_into().unwrap_or_default());
    }
    let mut table = Vec::with_capacity(rows.len());
    let judged = rows.iter().zip(lanes).map(|(row, lane)| match lane {
        // What it was is forgotten, but it was committed.
        None => Outcome::Again,
        Some(lane) => match known.entry((lane.id, row.seq)) {
            Entry::Occupied(there) if *there.get() == row.digest => Outcome::Again,
            Entry::Occupied(_) => Outcome::Contradicted,
            // The same place again within one transaction is held against it.
            Entry::Vacant(place) => {
                place.insert(row.digest);
                table.push(row.key(lane.id));
                Outcome::Stored
            }
        },
    });
    let judged = judged.collect();
    tx.table("insert reports", INSERT, table).await?;
    Ok(judged)
}

/// Writes what new reports say. The keys are there already.
async fn write_bodies(
    tx: &mut Tx,
    new: &[&Prepared],
    held: &HashMap<LaneKey, Position>,
) -> Result<Changes, StoreError> {
    let mut newest: HashMap<AlertId, &AlertRow> = HashMap::new();
    let (mut lost, mut dead) = (Vec::new(), Vec::new());
    for row in new {
        let Some(lane) = held.get(&row.lane) else { continue };
        match &row.body {
            Row::Alert(alert) => {
                let kept = newest.entry(alert.id).or_insert(alert);
                if alert.is_newer_than(kept) {
                    *kept = alert;
                }
            }
            Row::Loss(loss) => lost.push(losses::row(lane.id, row.seq, loss, row.received)),
            Row::Dead { reason, payload } => dead.push(vec![
                lane.id.into(),
                row.seq.into(),
                (*reason).into(),
                payload.clone().into(),
                row.received.into(),
            ]),
        }
    }
    let changes = alerts::write(tx, newest.into_values()).await?;
    tx.table("insert losses", losses::INSERT, lost).await?;
    tx.table("insert what could not be read", DEAD, dead).await?;
    Ok(changes)
}

/// Moves the positions on.
fn settle(row: &Prepared, outcome: Outcome, held: &mut HashMap<LaneKey, Position>) {
    if let Some(lane) = held.get_mut(&row.lane) {
        if outcome == Outcome::Contradicted {
            lane.contradict();
        }
        lane.add(row.seq.cast_unsigned(), row.seq.cast_unsigned());
    }
    let Row::Loss(loss) = &row.body else { return };
    let lane = held.get_mut(&row.lane.of(loss.lane));
    // What was contradicted was not stored, and moves nothing.
    if let (Some((first, last)), Some(lane), true) = (loss.range, lane, outcome != Outcome::Contradicted) {
        lane.add(first.max(1), last.min(i64::MAX.cast_unsigned()));
    }
}

/// What a caller is told.
fn answer(
    call: &[Prepared],
    held: &HashMap<LaneKey, Position>,
    outcomes: impl Iterator<Item = Outcome>,
) -> Vec<Committed> {
    let lanes = call.iter().flat_map(|row| [Some(row.lane), row.lost_lane()]).flatten();
    let so_far = |lane: LaneKey| committed(lane, held.get(&lane).map_or(0, |lane| lane.cum_seq));
    let mut told: BTreeMap<LaneKey, Committed> = lanes.map(|lane| (lane, so_far(lane))).collect();
    for (row, outcome) in call.iter().zip(outcomes) {
        let Some(lane) = told.get_mut(&row.lane) else { continue };
        match outcome {
            Outcome::Stored => lane.stored += 1,
            Outcome::Again => lane.again += 1,
            Outcome::Contradicted => lane.contradicted += 1,
        }
    }
    told.into_values().collect()
}

/// What waits, up to about [`MOST`] reports.
fn gather(first: Call, waiting: &mut mpsc::Receiver<Call>) -> Vec<Call> {
    let mut rows = first.rows.len();
    let mut calls = vec![first];
    while rows < MOST {
        let Ok(call) = waiting.try_recv() else { break };
        rows += call.rows.len();
        calls.push(call);
    }
    calls
}

impl Prepared {
    /// The lane whose records it says are lost.
    fn lost_lane(&self) -> Option<LaneKey> {
        match &self.body {
            Row::Loss(loss) => Some(self.lane.of(loss.lane)),
            _ => None,
        }
    }

    fn key(&self, lane: i64) -> Vec<Value> {
        let alert = match &self.body {
            Row::Alert(alert) => Uuid::from_u128(alert.id.as_u128()).into(),
            _ => Value::Null(Kind::Uuid),
        };
        vec![lane.into(), self.seq.into(), self.digest.to_vec().into(), self.received.into(), alert]
    }
}

/// How often it is tried at once when another was faster.
const RACES: usize = 5;
/// Reports in one transaction, about: what waits shares the sync, and pages that many rows change.
const MOST: usize = 4096;
const INSERT: &str = "INSERT INTO reports (position_id, seq, digest, received, alert_id) {rows}";
const DIGESTS: &str = "WITH wanted (position_id, seq) AS ({rows})
    SELECT reports.position_id, reports.seq, reports.digest FROM wanted JOIN reports
    ON reports.position_id = wanted.position_id AND reports.seq = wanted.seq";
const DEAD: &str = "INSERT INTO dead_letter (position_id, seq, reason, payload, received) {rows}";
