//! The thread between the interface and the alerts: takes packets, learns or watches, and once a second
//! of packet time says how it is. It waits for nobody: what does not fit is counted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::thread::JoinHandle;

use fieldward_shared::alert::Alert;
use fieldward_shared::time::Timestamp;
use serde::Serialize;

use super::learning::{Gathered, Learning};
use super::status::{State, Status};
use super::{Order, Report, training};
use crate::alert::Told;
use crate::capture::{CaptureError, Drops, Next, Source};
use crate::detect::{Watcher, baseline};
use crate::learn::windows::Tap;
use crate::lookout::Lookout;
use crate::maintenance::Maintenance;
use crate::spool::Spool;
use crate::telemetry::network_data;

/// What the engine works with.
pub struct Engine {
    /// Packets to alerts.
    pub lookout: Lookout,
    /// What it does.
    pub phase: Phase,
    /// How it is.
    pub status: Status,
    /// Where models are kept.
    pub models: PathBuf,
    /// Where alerts go.
    pub spool: Arc<Spool>,
    /// What it is told, and a way to tell it.
    pub orders: (Sender<Order>, Receiver<Order>),
    /// Where it tells how it is.
    pub reports: SyncSender<Report>,
    /// Grows while the thread lives.
    pub pulse: Arc<AtomicU64>,
    /// Whether to stop.
    pub stop: Arc<AtomicBool>,
    /// The work that was told of, and the one that goes on.
    pub maintenance: Option<Maintenance>,
    /// The one that goes on.
    pub active: Option<Maintenance>,
    /// What must not get lost and did not fit.
    pub unsent: Vec<Report>,
    /// How it is did not fit: it is told when no packet comes, since the next second may be long.
    pub untold: bool,
    /// What the capture has lost so far.
    pub drops: Drops,
    /// Where minutes go from which plants learn together.
    pub tap: Option<Tap>,
}

/// What the engine does.
pub enum Phase {
    /// It learns.
    Learning(Learning),
    /// Models are made, since so many packets.
    Training(JoinHandle<()>, u64),
    /// It watches.
    Watching,
}

/// What is left when the engine has ended.
pub struct Ended {
    /// How it was.
    pub status: Status,
    /// What was gathered, if it was still learning.
    pub gathered: Option<Gathered>,
    /// What is to be done yet.
    pub unsent: Vec<Report>,
    /// Why the source ended before it was told to.
    pub damage: Option<CaptureError>,
}

/// What is put into the spool.
#[derive(Serialize)]
struct Record<'a> {
    told: &'static str,
    alert: &'a Alert,
}

impl Engine {
    /// Takes packets until the source ends or the stop signal comes; then nothing is left open.
    pub fn run(mut self, mut source: Box<dyn Source>) -> Ended {
        let mut told = Vec::new();
        self.obey();
        let damage = loop {
            let mut turn = true;
            let over = match source.next_packet() {
                Ok(Next::Packet(packet)) => {
                    self.status.packet_time = packet.ts;
                    let over = self.lookout.packet(&packet, &mut told);
                    turn = self.lookout.watch().pipeline().packets().is_multiple_of(STEP);
                    over
                }
                Ok(Next::Idle) => {
                    self.idle();
                    None
                }
                Ok(Next::End) => break None,
                Err(error) => break Some(error),
            };
            self.put(&mut told);
            if let Some(seconds) = over {
                self.second(seconds, source.drops());
            }
            if turn {
                self.pulse.fetch_add(1, Ordering::Relaxed);
                if self.stop.load(Ordering::Relaxed) {
                    break None;
                }
            }
        };
        self.lookout.finish(&mut told);
        self.put(&mut told);
        self.unsent.extend(self.lookout.requests().map(|minute| Report::Requests(Box::new(minute))));
        self.obey();
        self.work(None);
        self.look(source.drops());
        let gathered = match &self.phase {
            Phase::Learning(learning) => Some(learning.gather(self.lookout.watch().detectors())),
            _ => None,
        };
        Ended { status: self.status, gathered, unsent: self.unsent, damage }
    }

    /// No packet came for a moment: what has changed meanwhile is told all the same.
    fn idle(&mut self) {
        let before = self.status.state;
        self.obey();
        self.untold |= self.status.state != before;
        if self.untold {
            self.look(self.drops);
            let news = Report::News(Box::new(self.status.clone()));
            self.untold = self.reports.try_send(news).is_err();
        }
        self.send();
    }

    /// Seconds of packet time are over.
    fn second(&mut self, seconds: Range<u64>, drops: Drops) {
        let now = self.lookout.watch().second().unwrap_or_default();
        self.obey();
        self.learn(now);
        let goes_on = |work: &Maintenance| work.goes_on(Timestamp::from_micros(now * 1_000_000));
        self.work(self.maintenance.clone().filter(goes_on));
        self.look(drops);
        for second in seconds {
            if let Some(tap) = &mut self.tap {
                tap.second(second, self.lookout.watch().window());
            }
            let bucket = self.lookout.watch().window().second(second);
            self.status.network_data = Some(network_data(&self.status.facility_id, second, &bucket));
            self.untold = self.reports.try_send(Report::Second(Box::new(self.status.clone()))).is_err();
            self.status.seconds_untold += u64::from(self.untold);
        }
        if let Some(minute) = self.lookout.requests() {
            let told = self.reports.try_send(Report::Requests(Box::new(minute)));
            self.status.minutes_untold += u64::from(told.is_err());
        }
        self.send();
    }

    /// Sends what must not get lost, in its order.
    fn send(&mut self) {
        while !self.unsent.is_empty() {
            if let Err(full) = self.reports.try_send(self.unsent.remove(0)) {
                self.unsent.insert(0, super::returned(full));
                return;
            }
        }
    }

    /// Does what it was told.
    fn obey(&mut self) {
        while let Ok(order) = self.orders.1.try_recv() {
            match order {
                Order::Maintain(maintenance) => {
                    self.maintenance.clone_from(&maintenance);
                    self.lookout.maintain(maintenance);
                }
                Order::Join(Ok(watcher)) => self.replace(watcher),
                Order::Join(Err(said)) => self.status.refused.push(said),
                Order::Replace(watcher) => self.replace(watcher),
                Order::Name(classifier) => self.lookout.name_by(*classifier),
                Order::Trained(whole) => {
                    if whole {
                        // By the same way as what was gathered, so that this is not written after it.
                        self.unsent.push(Report::Learnt);
                    }
                    self.watch();
                }
            }
        }
        if matches!(&self.phase, Phase::Training(thread, _) if thread.is_finished()) {
            // It ended without saying so: what it had made until then works.
            self.status.refused.push(TRAINING_FAILED.to_owned());
            tracing::error!("{TRAINING_FAILED}");
            self.watch();
        }
    }

    /// Watches with another one of its kind; one that learns goes on.
    fn replace(&mut self, watcher: Watcher) {
        let mut detectors = self.lookout.watch_mut().exchange(Vec::new());
        detectors.retain(|old| old.name() != watcher.name() || old.gathers());
        detectors.push(watcher);
        self.lookout.watch_mut().exchange(detectors);
    }

    /// Learning goes on, or is over.
    fn learn(&mut self, now: u64) {
        let Phase::Learning(learning) = &mut self.phase else { return };
        learning.pass(now);
        let detectors = self.lookout.watch().detectors();
        let convergence = detectors.iter().find_map(|detector| detector.convergence()).unwrap_or(0.0);
        let progress = learning.progress(convergence);
        self.status.learning = Some(progress);
        let enough = learning.is_enough(convergence);
        if learning.tells() || enough {
            tracing::info!("learning: {progress}");
        }
        if learning.keeps() || enough {
            let gathered = Report::Gathered(learning.gather(detectors));
            // What does not fit now is gathered again in a while, but not what was gathered last.
            if let (Err(full), true) = (self.reports.try_send(gathered), enough) {
                self.unsent.push(super::returned(full));
            }
        }
        if enough {
            self.train();
        }
    }

    /// Makes models of what was learnt, beside the capture.
    fn train(&mut self) {
        tracing::info!("learnt enough: the models are trained, what is ready watches");
        let detectors = self.lookout.watch_mut().exchange(Vec::new());
        let (learners, watching) = detectors.into_iter().partition(|one| one.gathers());
        self.lookout.watch_mut().exchange(watching);
        let (models, orders) = (self.models.clone(), self.orders.0.clone());
        let thread = std::thread::Builder::new().name("training".to_owned());
        let thread = thread.spawn(move || {
            training::train(learners, &models, &orders);
        });
        let packets = self.lookout.watch().pipeline().packets();
        self.status.learning = None;
        match thread {
            Ok(thread) => {
                self.phase = Phase::Training(thread, packets);
                self.status.state = State::Training;
            }
            Err(error) => {
                tracing::error!("no thread to train in: {error}; only what needs no learning works");
                self.status.refused.push(TRAINING_FAILED.to_owned());
                self.phase = Phase::Watching;
                self.status.state = State::Watching;
            }
        }
    }

    fn watch(&mut self) {
        if let Phase::Training(_, since) = self.phase {
            let meanwhile = self.lookout.watch().pipeline().packets() - since;
            self.status.packets_in_training = meanwhile;
            tracing::info!("watching; {meanwhile} packets came by while the models were trained");
        }
        self.phase = Phase::Watching;
        self.status.state = State::Watching;
    }

    /// Work begins, changes or ends.
    fn work(&mut self, now: Option<Maintenance>) {
        if now == self.active {
            return;
        }
        if let Some(over) = self.active.take() {
            tracing::info!("maintenance of {} is over: {}", over.hosts_in_words(), over.reason);
            let mut detectors = self.lookout.watch_mut().exchange(Vec::new());
            let learner = detectors.iter().position(|one| one.convergence().is_some());
            if over.learn
                && matches!(self.phase, Phase::Watching)
                && let Some(learner) = learner.map(|at| detectors.remove(at))
                && let Some(book) = learner.learnt()
            {
                self.unsent.push(Report::Worked(book, over));
            }
            self.lookout.watch_mut().exchange(detectors);
        }
        if let Some(work) = &now {
            let (hosts, until) = (work.hosts_in_words(), work.until.rfc3339());
            tracing::info!("maintenance of {hosts} until {until}: {}", work.reason);
            if work.learn && matches!(self.phase, Phase::Watching) {
                self.lookout.watch_mut().join((baseline::KIND.learn)(0));
            }
        }
        self.active = now;
    }

    /// Notes how it is.
    fn look(&mut self, drops: Drops) {
        let lost = drops.kernel.saturating_sub(self.drops.kernel);
        let lost = lost.saturating_add(drops.interface.saturating_sub(self.drops.interface));
        self.lookout.lose(lost);
        self.drops = drops;
        let lookout = &self.lookout;
        let learns = matches!(self.phase, Phase::Learning(_));
        let (watch, status) = (lookout.watch(), &mut self.status);
        let pipeline = watch.pipeline();
        status.packets = pipeline.packets();
        status.bytes = pipeline.bytes();
        status.uptime_seconds = pipeline.span() / 1_000_000;
        status.kernel_drops = drops.kernel;
        status.interface_drops = drops.interface;
        status.loss_share = lookout.loss().share();
        status.findings = lookout.findings;
        status.clock_restarts = watch.window().restarts;
        status.maintenance.clone_from(&self.active);
        // Those that learn watch nothing; they are at work all together or not at all.
        let detectors = watch.detectors().iter();
        let watching = detectors.filter(|one| !(learns && one.gathers()) && one.convergence().is_none());
        let moved = watch.detectors().iter().find_map(|one| one.drift());
        status.drift = moved.iter().flat_map(|all| all.iter().take(TOLD)).cloned().collect();
        status.model_error = watch.detectors().iter().find_map(|one| one.error());
        status.models = watching.map(|one| one.name().to_owned()).collect();
    }

    /// Gives away what was told.
    fn put(&mut self, told: &mut Vec<Told>) {
        for one in told.drain(..) {
            let (word, alert) = match &one {
                Told::Raised(alert) => ("raised", alert),
                Told::Updated(alert) => ("updated", alert),
                Told::Closed(alert) => ("closed", alert),
            };
            if let Some(tap) = &mut self.tap {
                tap.touched(alert.first_seen, alert.last_seen);
                if let Some(input) = self.lookout.seen(&alert.id) {
                    tap.case(alert.id.to_string(), input, alert.attack_type.clone());
                }
            }
            if word == "raised" {
                count(&mut self.status, alert);
            }
            // An alert has no map whose keys are not text and no number that is none: it has a form.
            let bytes = serde_json::to_vec(&Record { told: word, alert }).unwrap_or_default();
            self.spool.put(alert.severity, bytes);
        }
    }
}

fn count(status: &mut Status, alert: &Alert) {
    if alert.maintenance.is_some() {
        status.kept_in_maintenance += 1;
        return;
    }
    let alerts: &mut BTreeMap<_, _> = &mut status.alerts;
    *alerts.entry(alert.severity).or_default() += 1;
    tracing::warn!(severity = ?alert.severity, id = %alert.id, "{}", alert.title);
}

/// After so many packets the stop signal is looked at.
const STEP: u64 = 256;
/// Features whose drift is told.
const TOLD: usize = 5;
const TRAINING_FAILED: &str =
    "training failed: what was ready works; the service trains again after a restart";
