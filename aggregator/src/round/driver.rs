//! Drives rounds: takes the one whose turn it is under a lease, brings it what happens, keeps each step, and only then
//! does what follows of it. One replica drives; when it goes, the next finds the round after its last step.

use std::sync::Arc;
use std::time::Duration;

use fieldward_shared::supervisor::Stop;
use fieldward_shared::time::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::drive::Drive;
use super::plan::RoundsConfig;
use super::planned::{Unplanned, begin, resume};
use super::sums::Judged;
use super::talk::Room;
use crate::intake::Tasks;
use crate::store::driving::{Guarded, Seat, Sent, Step, Verdict};
use crate::store::rounds::{Cause, Client, Phase, Round as Row, Status, Wanted};
use crate::store::versions::NewVersion;
use crate::store::{Store, StoreError, now};

/// Drives rounds.
pub struct Driver {
    pub(super) store: Store,
    pub(super) tasks: Tasks,
    config: RoundsConfig,
    runner: Uuid,
    /// Somebody has planned a round.
    planned: Arc<Notify>,
    pub(super) room: Room,
    lease: u64,
    began: Instant,
    /// How many were kept.
    steps: watch::Sender<u64>,
}

/// What goes into a step besides the round.
#[derive(Clone, Copy, Default)]
pub(super) struct Kept<'a> {
    pub sent: &'a [Sent],
    pub clients: &'a [Client],
    pub seats: &'a [Seat],
    pub candidate: Option<&'a NewVersion>,
    pub judged: Option<&'a Judged>,
    pub verdict: Option<&'a Verdict>,
}

/// Somebody else drives the round now, or the database is away for too long.
pub(super) struct Lost;

impl Driver {
    /// With what it works with.
    pub fn new(store: Store, tasks: Tasks, config: RoundsConfig, planned: Arc<Notify>) -> Self {
        let (runner, room) = (Uuid::new_v4(), Room::default());
        let (began, steps) = (Instant::now(), watch::Sender::default());
        Self { store, tasks, config, runner, planned, room, lease: LEASE, began, steps }
    }

    /// Seconds for which plants are waited for at first.
    const fn patience(&self) -> f64 {
        self.config.terms.patience_seconds
    }

    /// How many steps it has kept.
    pub fn steps(&self) -> watch::Receiver<u64> {
        self.steps.subscribe()
    }

    pub(super) fn stepped(&self) {
        self.steps.send_modify(|steps| *steps += 1);
    }

    /// With another lease, in microseconds: so long nobody takes a round over whose driver has gone.
    #[must_use]
    pub fn with_lease(mut self, lease: u64) -> Self {
        self.lease = lease;
        self
    }

    /// Runs until the stop; a round under way is left for whoever comes next.
    pub async fn run(self, mut stop: Stop) {
        self.until(stop.asked()).await;
    }

    /// The same with another way to be stopped.
    pub async fn until(self, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = self.turn() => {}
            () = stop => {}
        }
        if let Err(error) = self.store.leave_rounds(self.runner).await {
            tracing::debug!(%error, "rounds wait until the lease of this process has ended");
        }
    }

    async fn turn(&self) {
        if let Err(error) = self.store.inherit_rounds().await {
            tracing::debug!(%error, "a round under way waits until the lease of a killed process has ended");
        }
        loop {
            if let Err(error) = self.plan_in_time(now()).await {
                tracing::debug!(%error, "whether a round is due is not known");
            }
            match self.store.take_round(self.runner, now(), now().plus(self.lease)).await {
                Ok(Some(row)) if row.paused && row.status == Status::Planned && row.stopped.is_none() => {
                    self.rest().await;
                }
                Ok(Some(row)) => {
                    if self.drive(row).await.is_err() {
                        self.rest().await;
                    }
                }
                Ok(None) => self.rest().await,
                Err(error) => {
                    tracing::warn!(%error, "rounds stand still; it is tried again");
                    self.rest().await;
                }
            }
        }
    }

    async fn rest(&self) {
        tokio::select! {
            () = self.planned.notified() => {}
            () = sleep(LOOK) => {}
        }
    }

    /// Plans what is due.
    async fn plan_in_time(&self, now: Timestamp) -> Result<(), StoreError> {
        if self.config.every_hours <= 0.0 {
            return Ok(());
        }
        let every = (self.config.every_hours * 3600e6) as u64;
        for network in &self.config.networks {
            let last = self.store.last_round(network).await?;
            if last.is_some_and(|(_, planned)| now.since(planned) < every) {
                continue;
            }
            let wanted = Wanted {
                network: network.clone(),
                strategy: self.config.strategy.clone(),
                requested_by: "timer".to_owned(),
                cause: Cause::Timer,
                settings: serde_json::Value::Null,
            };
            self.store.plan_round(&wanted, now).await?;
        }
        Ok(())
    }

    /// Drives a round to its end.
    async fn drive(&self, mut row: Row) -> Result<(), Lost> {
        let is_new = row.phase == Phase::Planned;
        let playing = match (&row.stopped, is_new) {
            (Some((by, why)), true) => Err(Unplanned::Cannot(format!("stopped by {by}: {why}"))),
            (_, true) => begin(&self.store, &self.tasks, &self.config, &row, now()).await,
            (_, false) => resume(&self.store, &row, now()).await,
        };
        let playing = match playing {
            Ok(playing) => playing,
            // Plants come back one by one after this process has started.
            Err(Unplanned::TooFew { .. }) if self.began.elapsed().as_secs_f64() < self.patience() => {
                return Err(Lost);
            }
            Err(Unplanned::Store(error)) if error.passes() => {
                tracing::warn!(%error, round = row.number, "a round cannot be read; it is tried again");
                return Err(Lost);
            }
            Err(error) => {
                let why = error.to_string();
                tracing::warn!(round = row.number, "a round does not go on: {why}");
                (row.status, row.phase) = (Status::Failed, Phase::Failed);
                (row.end, row.reason, row.progress) = (Some(now()), Some(why), 100);
                return self.keep(&row, Kept::default()).await.map(drop).inspect(|()| self.stepped());
            }
        };
        if is_new {
            row.status = Status::InProgress;
            row.start = now();
            row.base = Some(playing.round.state.base.version);
        }
        tracing::info!(round = row.number, network = row.network, is_new, "a round");
        Drive::new(self, row, playing).run().await
    }

    /// Keeps a step, however long the database is away.
    pub(super) async fn keep(&self, row: &Row, kept: Kept<'_>) -> Result<Option<u64>, Lost> {
        let Kept { sent, clients, seats, candidate, judged, verdict } = kept;
        let guard = judged.and_then(|judged| {
            let memory = judged.guard.as_deref()?;
            Some(Guarded { memory, damaged: judged.damaged.as_deref() })
        });
        if guard.as_ref().is_some_and(|guard| guard.damaged.is_some()) {
            tracing::error!(
                security = true,
                round = row.number,
                network = row.network,
                "what the guard remembered of groups is damaged; it is set aside, and groups that were shut out come back"
            );
        }
        let notes = judged.map_or(&[][..], |judged| &judged.notes);
        loop {
            let at = now();
            let (runner, lease) = (self.runner, at.plus(self.lease));
            let step =
                Step { round: row, runner, lease, sent, clients, seats, candidate, guard, notes, verdict };
            match self.store.keep_step(&step, at).await {
                Ok(Some(added)) => return Ok(added),
                Ok(None) => {
                    tracing::warn!(round = row.number, "another drives this round now");
                    return Err(Lost);
                }
                Err(error) if error.passes() => {
                    tracing::warn!(%error, round = row.number, "a step is not kept yet; nothing is said of it");
                    sleep(LOOK).await;
                }
                Err(error) => {
                    tracing::error!(%error, round = row.number, "a step cannot be kept");
                    return Err(Lost);
                }
            }
        }
    }
}

/// Microseconds for which a process has a round alone.
const LEASE: u64 = 15_000_000;
/// How often it is looked whether there is a round.
pub(super) const LOOK: Duration = Duration::from_secs(1);
