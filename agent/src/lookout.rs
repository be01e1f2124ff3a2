//! From packet to alert as one plain struct, the same for `replay` and the service: the watch, the
//! correlator, and beside it one for what is found while people work on the plant. Synchronous, no clock,
//! no lock.

use std::ops::Range;

use fieldward_shared::alert::{Alert, AlertId, Severity};
use fieldward_shared::telemetry::RequestMinute;
use fieldward_shared::time::Timestamp;

use crate::alert::{Correlator, Counts, Loss, Told};
use crate::capture::Packet;
use crate::classify::{Classifier, Input};
use crate::detect::{Detector, Finding};
use crate::maintenance::Maintenance;
use crate::model;
use crate::pipeline::Limits;
use crate::watch::Watch;
use crate::window::LENGTH;

/// Packets in, alerts out.
pub struct Lookout {
    facility: String,
    watch: Watch,
    correlator: Correlator,
    /// Correlates what is found about hosts that are worked on.
    worked: Correlator,
    maintenance: Option<Maintenance>,
    /// Why there was work last.
    reason: String,
    /// Bytes that the capture is known to have lost before they got here.
    uncaptured: u64,
    restarts: u64,
    /// Findings so far.
    pub findings: u64,
}

impl Lookout {
    /// Looks out for a facility with these detectors.
    pub fn new(facility: &str, limits: Limits, detectors: Vec<Box<dyn Detector>>) -> Self {
        Self {
            facility: facility.to_owned(),
            watch: Watch::new(limits, detectors),
            correlator: Correlator::new(facility),
            worked: Correlator::new(facility),
            maintenance: None,
            reason: String::new(),
            uncaptured: 0,
            restarts: 0,
            findings: 0,
        }
    }

    /// One packet, in capture order. Tells the seconds that are over, if any are; none after a restart.
    pub fn packet(&mut self, packet: &Packet<'_>, told: &mut Vec<Told>) -> Option<Range<u64>> {
        let before = self.watch.second();
        self.watch.packet(packet);
        self.restarted(before, told);
        self.correlate(before, told)
    }

    /// The capture is over: what is open is closed.
    pub fn finish(&mut self, told: &mut Vec<Told>) {
        let before = self.watch.second();
        self.watch.finish();
        self.correlate(before, told);
        self.correlator.finish(told);
        self.mark(told, Correlator::finish);
    }

    /// Web requests of the minute that is over, once.
    pub fn requests(&mut self) -> Option<RequestMinute> {
        self.watch.requests().take(&self.facility)
    }

    /// People work on something, or no longer.
    pub fn maintain(&mut self, maintenance: Option<Maintenance>) {
        if let Some(maintenance) = &maintenance {
            self.reason.clone_from(&maintenance.reason);
        }
        self.maintenance = maintenance;
    }

    /// Names techniques by another classifier from now on.
    pub fn name_by(&mut self, classifier: Classifier) {
        self.correlator.name_by(classifier);
    }

    /// What the classifier sees of an alert that goes on.
    pub fn seen(&self, alert: &AlertId) -> Option<Input> {
        self.correlator.seen(alert)
    }

    /// So many packets more were lost before they got here.
    pub fn lose(&mut self, packets: u64) {
        let pipeline = self.watch.pipeline();
        let size = pipeline.bytes() / pipeline.packets().max(1);
        self.uncaptured = self.uncaptured.saturating_add(packets.saturating_mul(size));
    }

    /// What was captured and what not. A packet that the kernel lost is a hole in its stream too, so the
    /// larger of the two counts.
    pub fn loss(&self) -> Loss {
        let pipeline = self.watch.pipeline();
        let missed = pipeline.flow_counts().missed_bytes.max(self.uncaptured);
        Loss { bytes: pipeline.bytes(), missed }
    }

    /// What was let go for want of room.
    pub const fn counts(&self) -> Counts {
        self.correlator.counts
    }

    /// What stands before the correlator.
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The same, to exchange detectors.
    pub const fn watch_mut(&mut self) -> &mut Watch {
        &mut self.watch
    }

    /// The detectors, to take what they learnt.
    pub fn into_detectors(self) -> Vec<Box<dyn Detector>> {
        self.watch.into_detectors()
    }

    /// Takes what was found and, when a second has passed, what that means.
    fn correlate(&mut self, before: Option<u64>, told: &mut Vec<Told>) -> Option<Range<u64>> {
        let Self { watch, correlator, worked, maintenance, findings, .. } = self;
        let mut marked = Vec::new();
        watch.drain(|finding, window| {
            *findings += 1;
            tracing::debug!(
                at = %finding.at, detector = finding.detector, kind = finding.kind,
                confidence = finding.confidence, "{}", finding.evidence
            );
            if maintenance.as_ref().is_none_or(|maintenance| !hushes(maintenance, &finding)) {
                correlator.find(finding, window, told);
                return;
            }
            if finding.kind == NEWCOMER {
                // Who came for the work is remembered as new when it is over.
                correlator.find(finding.clone(), window, told);
            }
            worked.find(finding, window, &mut marked);
        });
        self.put(marked, told);
        let (before, now) = (before?, self.watch.second()?);
        if before == now {
            return None;
        }
        let (second, loss) = (now.saturating_sub(1), self.loss());
        self.correlator.second(second, self.watch.window(), loss, told);
        let mut marked = Vec::new();
        self.worked.second(second, self.watch.window(), loss, &mut marked);
        self.put(marked, told);
        let whole = before < now && now - before <= LENGTH as u64;
        Some(if whole { before..now } else { now..now })
    }

    /// Says when the windows began anew; what was open before a clock was set back would never end.
    fn restarted(&mut self, before: Option<u64>, told: &mut Vec<Told>) {
        let restarts = self.watch.window().restarts;
        if restarts == self.restarts {
            return;
        }
        self.restarts = restarts;
        let (before, now) = (before.unwrap_or_default(), self.watch.second().unwrap_or_default());
        let (was, is) = (time(before), time(now));
        if now < before {
            self.correlator.finish(told);
            self.mark(told, Correlator::finish);
        }
        // A capture of two ports with two clocks would say so with every packet.
        if restarts.is_power_of_two() {
            let what = if now < before { "the clock was set back" } else { "a pause, or the clock was set" };
            tracing::warn!(restarts, "{what}: from {was} to {is}; the windows begin anew");
        }
    }

    fn mark(&mut self, told: &mut Vec<Told>, close: impl Fn(&mut Correlator, &mut Vec<Told>)) {
        let mut marked = Vec::new();
        close(&mut self.worked, &mut marked);
        self.put(marked, told);
    }

    fn put(&self, marked: Vec<Told>, told: &mut Vec<Told>) {
        let mark = |alert| marked_alert(alert, &self.facility, &self.reason);
        told.extend(marked.into_iter().map(|one| match one {
            Told::Raised(alert) => Told::Raised(mark(alert)),
            Told::Updated(alert) => Told::Updated(mark(alert)),
            Told::Closed(alert) => Told::Closed(mark(alert)),
        }));
    }
}

/// Whether a finding is about what is worked on. What concerns nobody in particular cannot be told apart
/// from the work; what needs no learning to be wrong stays wrong.
fn hushes(maintenance: &Maintenance, finding: &Finding) -> bool {
    let learnt = model::learns(finding.detector);
    let about = [finding.actor, finding.target];
    let concerns =
        about.iter().all(Option::is_none) || about.iter().flatten().any(|addr| maintenance.concerns(*addr));
    learnt && concerns && maintenance.goes_on(finding.at)
}

/// An alert that is kept and not raised. Its id is its own: the same host may be in an alert besides.
fn marked_alert(alert: Alert, facility: &str, reason: &str) -> Alert {
    Alert {
        id: AlertId::new(facility, "maintenance", &alert.id.to_string(), alert.first_seen),
        severity: Severity::Low,
        title: format!("During maintenance: {}", alert.title),
        maintenance: Some(reason.to_owned()),
        ..alert
    }
}

fn time(second: u64) -> String {
    Timestamp::from_micros(second.saturating_mul(1_000_000)).rfc3339()
}

/// The kind of a finding that someone is new.
const NEWCOMER: &str = "asset";
