//! Around the engine: the status file, what is gathered while learning, maintenance, the mirror, the
//! watchdog. All that waits for a disk or another program is here.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use fieldward_shared::service::Notify;
use fieldward_shared::wire::{Drift, Health};

use super::learning;
use super::status::{Redis, State, Status};
use super::{Order, Report};
use crate::config::Config;
use crate::detect::drift::Moved;
use crate::detect::{Watcher, baseline};
use crate::learn::local::Look;
use crate::maintenance::{Maintenance, replace};
use crate::mirror::Mirror;
use crate::model;
use crate::spool::{Counts, Spool};
use crate::uplink::Uplink;

/// What it works with.
pub struct Rim<'a> {
    config: &'a Config,
    mirror: Option<Mirror>,
    uplink: Option<Uplink>,
    spool: Arc<Spool>,
    orders: Sender<Order>,
    pulse: Arc<AtomicU64>,
    status: Status,
    maintenance: Option<Maintenance>,
    /// What was wrong with the maintenance file last, and how often something was.
    refused: (String, u64),
    /// What the plant learns with others.
    learnt: Option<Look>,
    /// Whether a file could not be written the last time: that is said once.
    unwritten: bool,
    silent: u64,
    turns: u64,
}

impl<'a> Rim<'a> {
    /// For a service that is about to start.
    pub fn new(
        config: &'a Config,
        mirror: Option<Mirror>,
        uplink: Option<Uplink>,
        spool: Arc<Spool>,
        orders: Sender<Order>,
        pulse: Arc<AtomicU64>,
        learnt: Option<Look>,
    ) -> Self {
        Self {
            config,
            mirror,
            uplink,
            spool,
            orders,
            pulse,
            status: Status::default(),
            maintenance: None,
            refused: (String::new(), 0),
            learnt,
            unwritten: false,
            silent: 0,
            turns: 0,
        }
    }

    /// Says how the service begins.
    pub fn begin(&mut self, status: Status) {
        self.status = status;
        self.write();
    }

    /// Works until the engine hangs up.
    pub fn run(&mut self, reports: &Receiver<Report>, notify: &Notify) {
        let mut beat = self.pulse.load(Ordering::Relaxed);
        loop {
            match reports.recv_timeout(TURN) {
                Ok(report) => {
                    self.silent = 0;
                    self.take(report);
                }
                Err(RecvTimeoutError::Timeout) => self.quiet(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.read_maintenance();
            let now = self.pulse.load(Ordering::Relaxed);
            if now != beat {
                beat = now;
                notify.alive();
            }
            self.turns += 1;
            if self.turns.is_multiple_of(WRITE_EVERY) {
                notify.status(&self.status.line());
                self.write();
            }
        }
    }

    /// A report of the engine.
    pub fn take(&mut self, report: Report) {
        match report {
            Report::Second(status) => {
                if let (Some(mirror), Some(data)) = (&self.mirror, &status.network_data) {
                    let json = serde_json::to_string(data).unwrap_or_default();
                    mirror.second(data.timestamp.as_secs(), json);
                }
                if let (Some(uplink), Some(data)) = (&self.uplink, &status.network_data) {
                    uplink.second(data);
                }
                self.status = *status;
            }
            Report::Requests(minute) => {
                if let Some(uplink) = &self.uplink {
                    uplink.requests(&minute);
                }
            }
            Report::News(status) => self.status = *status,
            Report::Gathered(gathered) => {
                let written = gathered.write(self.config.state());
                self.note(written, "what was gathered while learning");
            }
            Report::Learnt => {
                let forgotten = learning::forget(self.config.state());
                self.note(forgotten, "what was gathered while learning");
            }
            Report::Worked(book, work) => self.add(&book, &work),
        }
    }

    /// The last word.
    pub fn end(mut self, status: Status) -> Status {
        self.status = Status { state: State::Stopped, ..status };
        // All that was put before is on disk when this returns, or counted.
        self.spool.sync();
        self.write();
        self.status
    }

    /// Tells the engine when people begin to work, or stop.
    pub fn read_maintenance(&mut self) {
        let told = match Maintenance::read(self.config.state()) {
            Ok(told) => {
                self.refused.0.clear();
                told
            }
            Err(wrong) => {
                let wrong = wrong.to_string();
                if self.refused.0 != wrong {
                    tracing::error!("maintenance is ignored: {wrong}");
                    self.refused = (wrong, self.refused.1 + 1);
                }
                None
            }
        };
        if told != self.maintenance {
            self.maintenance.clone_from(&told);
            // An engine that has ended needs no orders.
            drop(self.orders.send(Order::Maintain(told)));
        }
    }

    /// Nothing came for a while.
    fn quiet(&mut self) {
        self.silent += 1;
        if self.silent == SILENCE {
            tracing::warn!(
                "no packet on {} for a minute: is the mirror port on, does the filter pass anything?",
                self.config.interface
            );
        }
    }

    /// What was done during maintenance belongs to the plant from now on.
    fn add(&mut self, book: &[u8], work: &Maintenance) {
        match add(&self.config.model, book, work) {
            Ok((new, watcher)) => {
                tracing::info!("{new} facts of {} were added to the baseline", work.hosts_in_words());
                drop(self.orders.send(Order::Replace(watcher)));
            }
            Err(error) => tracing::error!("what was done during maintenance could not be learnt: {error}"),
        }
    }

    fn write(&mut self) {
        self.status.silent_seconds = self.silent;
        self.status.maintenance_refused = self.refused.1;
        self.status.memory_mib = memory_mib();
        let redis = |mirror: &Mirror| Redis { written: mirror.written(), dropped: mirror.dropped() };
        self.status.redis = self.mirror.as_ref().map(redis);
        self.status.spool = in_words(self.spool.counts());
        if let Some(learnt) = &self.learnt {
            self.status.windows = learnt.counts();
            self.status.together = learnt.report();
        }
        if let Some(uplink) = &self.uplink {
            uplink.tell(health(&self.status, &self.config.model));
            self.status.uplink = Some(uplink.status());
        }
        let written = self.status.write(self.config.state());
        self.note(written, "its status");
    }

    /// Says once that something cannot be written.
    fn note(&mut self, written: std::io::Result<()>, what: &str) {
        if let (Err(error), false) = (&written, self.unwritten) {
            tracing::error!(
                "{what} cannot be written to (or removed from) {}: {error}",
                self.config.state().display()
            );
        }
        self.unwritten = written.is_err();
    }
}

/// Adds what hosts did to the baseline file, which a person may have changed meanwhile.
fn add(
    models: &Path,
    book: &[u8],
    work: &Maintenance,
) -> Result<(usize, Watcher), Box<dyn std::error::Error>> {
    let file = baseline::KIND.file;
    let mut known = baseline::read(&std::fs::read(models.join(file))?)?;
    let hosts: Vec<String> = work.hosts.iter().map(ToString::to_string).collect();
    let whose = |actor: &str| hosts.is_empty() || hosts.iter().any(|host| host == actor);
    let new = known.add(&baseline::read(book)?, whose);
    let text = known.write();
    replace(models, file, text.as_bytes(), true)?;
    Ok((new, (baseline::KIND.load)(text.as_bytes())?))
}

/// What became of the records: what counts always, and what is lost where something is.
fn in_words(counts: Counts) -> BTreeMap<String, u64> {
    let sum = |lanes: [u64; 4]| lanes.iter().sum::<u64>();
    let always = [
        ("accepted", sum(counts.accepted)),
        ("waiting_for_disk", counts.waiting),
        ("unacknowledged", counts.unacknowledged),
        ("bytes", counts.bytes),
    ];
    let lost = [
        ("shed", sum(counts.shed)),
        ("overrun", sum(counts.overrun)),
        ("oversize", sum(counts.oversize)),
        ("damaged", sum(counts.damaged)),
        ("unreadable", counts.unreadable),
        ("errors", counts.errors),
        ("memory_only", u64::from(counts.memory_only)),
    ];
    let lost = lost.into_iter().filter(|(_, count)| *count > 0);
    always.into_iter().chain(lost).map(|(name, count)| (name.to_owned(), count)).collect()
}

/// What the aggregator is told of the service; the uplink adds what the system tells.
fn health(status: &Status, models: &Path) -> Health {
    Health {
        capture_loss: status.loss_share,
        kernel_drops: status.kernel_drops.saturating_add(status.interface_drops),
        models: status.models.clone(),
        state: status.state.to_string(),
        drift: status.drift.iter().map(drift).collect(),
        oldest_model: model::oldest(models),
        model_error: status.model_error.map(|error| error.now),
        usual_error: status.model_error.map(|error| error.usual),
        ..Health::default()
    }
}

fn drift(moved: &Moved) -> Drift {
    let Moved { feature, index, distance, chance, differs } = moved.clone();
    Drift { feature, index, distance, chance: Some(chance), differs }
}

/// Resident memory, where the system tells.
fn memory_mib() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok());
    kib.map_or(0.0, |kib| (kib / 102.4).round() / 10.0)
}

/// A turn lasts no longer.
const TURN: Duration = Duration::from_secs(1);
/// Turns between two writings of the status.
const WRITE_EVERY: u64 = 2;
/// Turns without a packet before that is said.
const SILENCE: u64 = 60;
