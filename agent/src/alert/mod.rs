//! Alerts: findings of all detectors about the same thing become one alert, which grows while it goes on.
//!
//! Findings of one actor (without an actor, about one target) are one incident until it has been quiet
//! for [`QUIET`]. It waits, up to five minutes, until its evidence is enough ([`weigh`]); then it is raised.
//! When whoever did it goes on to something else, that is the next alert; when he does the same again, it
//! is the same alert, which slept meanwhile ([`asleep`]). Findings about nobody in particular join what
//! goes on, or make an incident of their own when they last. Packet time only; the same capture gives the
//! same alerts, to the byte.

mod asleep;
pub mod clues;
mod context;
mod incident;
mod raised;
pub mod surge;
#[cfg(test)]
mod tests;
pub mod weigh;
mod words;

use std::collections::{BTreeMap, VecDeque};

use fieldward_shared::alert::{Alert, AlertId};
use fieldward_shared::time::Timestamp;

use crate::classify::{Classifier, Input};
use crate::detect::Finding;
use crate::flow::Addr;
use crate::window::{Window, hash};
use asleep::Asleep;
use incident::{Incident, Key};
use surge::Pulses;

/// Findings in, alerts out.
pub struct Correlator {
    facility: String,
    classifier: Option<Classifier>,
    /// In the order in which they began.
    open: Vec<Incident>,
    /// Those that have been quiet.
    asleep: Asleep,
    /// Who was not there in learning, and since when.
    strangers: BTreeMap<Addr, Timestamp>,
    /// Which techniques were told of whom, and when last.
    reported: BTreeMap<Addr, (Timestamp, Vec<String>)>,
    /// Whose a network card is that was not there in learning.
    cards: BTreeMap<u64, Addr>,
    /// What the plant sent in the last minute.
    pulses: Pulses,
    /// Packets and lost bytes, as they stood at the end of each of the last seconds.
    losses: VecDeque<(u64, Loss)>,
    /// What had to be let go.
    pub counts: Counts,
}

/// What had to be let go for want of room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Incidents that were dropped before they were raised, or closed while they went on.
    pub incidents: u64,
    /// Newcomers and network cards that were forgotten.
    pub strangers: u64,
}

/// How much was captured, and how much not, since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Bytes that were captured.
    pub bytes: u64,
    /// Bytes that are known to be missing.
    pub missed: u64,
}

/// What became of an alert.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// It is new.
    Raised(Alert),
    /// It goes on, or is quiet; this replaces what was told of it.
    Updated(Alert),
    /// It is over; this is its last state.
    Closed(Alert),
}

impl Correlator {
    /// Correlates for a facility, and names what it finds.
    pub fn new(facility: impl Into<String>) -> Self {
        let classifier = Classifier::base();
        let classifier = classifier.inspect_err(|error| tracing::warn!("no technique is named: {error}"));
        Self::with(facility, classifier.ok())
    }

    /// Correlates for a facility; without a classifier no technique is named.
    pub fn with(facility: impl Into<String>, classifier: Option<Classifier>) -> Self {
        Self {
            facility: facility.into(),
            classifier,
            open: Vec::new(),
            asleep: Asleep::default(),
            strangers: BTreeMap::new(),
            reported: BTreeMap::new(),
            cards: BTreeMap::new(),
            pulses: Pulses::default(),
            losses: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// A finding, in packet time.
    pub fn find(&mut self, mut finding: Finding, window: &Window, told: &mut Vec<Told>) {
        if let Some(owner) = self.remember(&finding).filter(|owner| Some(*owner) != finding.actor) {
            // The address did nothing: it happened to it.
            finding.kind = IMPERSONATION;
            finding.target = finding.actor.replace(owner);
            finding.about ^= finding.target.map_or(0, |target| hash(target.bytes()));
        }
        let key = match (finding.actor, finding.target) {
            (Some(actor), _) => Key::Actor(actor),
            (None, Some(target)) => Key::Target(target),
            (None, None) => self.going_on(finding.at).unwrap_or(Key::Plant),
        };
        let stranger = matches!(key, Key::Actor(actor) if self.strangers.contains_key(&actor));
        let at = self.place(key, finding.at, told);
        let loss = self.lost();
        let classifier = self.classifier.as_ref();
        let surge = classifier.map(|_| self.pulses.begin());
        let Some(incident) = self.open.get_mut(at) else { return };
        let (finding_at, second) = (finding.at, finding.at.as_secs());
        incident.find(finding, stranger, surge);
        let already = match key {
            Key::Actor(actor) => self.reported.get(&actor),
            _ => None,
        };
        let already = already.filter(|(last, _)| finding_at.since(*last) < NEWS);
        let already = already.map(|(_, told)| told.as_slice()).unwrap_or_default();
        if let Some(next) = incident.turn(classifier, already) {
            let before = std::mem::replace(incident, next);
            self.asleep.put(before, &self.facility, classifier, told);
        }
        incident.measure(second, window);
        if !incident.is_raised() && self.asleep.covers(incident, classifier) {
            return;
        }
        let before = told.len();
        incident.rise(&self.facility, classifier, already, loss, window, told);
        if let (Key::Actor(actor), Some(Told::Raised(alert))) = (key, told.get(before)) {
            let technique = alert.candidates.first().map(|first| first.technique.clone());
            self.report(actor, finding_at, technique);
        }
    }

    /// A second is over: what was quiet for long is closed, what goes on is told again.
    pub fn second(&mut self, second: u64, window: &Window, loss: Loss, told: &mut Vec<Told>) {
        let now = Timestamp::from_micros((second + 1) * 1_000_000);
        self.losses.push_back((second, loss));
        while self.losses.front().is_some_and(|(first, _)| first + 60 < second || *first > second) {
            self.losses.pop_front();
        }
        let pulse = self.pulses.push(&window.second(second));
        for incident in &mut self.open {
            incident.measure(second, window);
            incident.pass(&pulse);
            incident.second(now, window, &self.facility, self.classifier.as_ref(), told);
        }
        let Self { open, asleep, facility, classifier, .. } = self;
        for incident in open.extract_if(.., |one| now.since(one.last()) > one.patience()) {
            asleep.put(incident, facility, classifier.as_ref(), told);
        }
        asleep.second(now, facility, classifier.as_ref(), told);
    }

    /// What goes on just now, alert or not, as the classifier sees it.
    pub fn pictures(&self) -> impl Iterator<Item = Picture> {
        self.open.iter().map(Incident::picture)
    }

    /// Names techniques by another classifier from now on.
    pub fn name_by(&mut self, classifier: Classifier) {
        self.classifier = Some(classifier);
    }

    /// What the classifier sees of an alert that goes on.
    pub fn seen(&self, alert: &AlertId) -> Option<Input> {
        let raised = self.open.iter().filter(|incident| incident.is_raised());
        let mut same = raised.filter(|incident| incident.id(&self.facility) == *alert);
        same.next().map(|incident| incident.picture().input)
    }

    /// The capture is over: what is open is closed.
    pub fn finish(&mut self, told: &mut Vec<Told>) {
        let Self { open, asleep, facility, classifier, .. } = self;
        for mut incident in open.drain(..) {
            incident.settle();
            match incident.alert(facility, classifier.as_ref()) {
                Some(alert) => told.push(Told::Closed(alert)),
                None => asleep.put(incident, facility, classifier.as_ref(), told),
            }
        }
        asleep.finish(facility, classifier.as_ref(), told);
    }

    /// Where the incident with this key stands; a new one if there is none.
    fn place(&mut self, key: Key, at: Timestamp, told: &mut Vec<Told>) -> usize {
        if let Some(place) = self.open.iter().position(|incident| incident.key() == key) {
            return place;
        }
        if self.open.len() >= MOST_OPEN {
            self.counts.incidents += 1;
            // What waits longest without having been raised goes first, then what was quiet longest.
            let (_, _, oldest) = (0..)
                .zip(&self.open)
                .map(|(place, incident)| (incident.is_raised(), incident.last(), place))
                .min()
                .unwrap_or_default();
            let incident = self.open.remove(oldest);
            self.asleep.put(incident, &self.facility, self.classifier.as_ref(), told);
        }
        self.open.push(Incident::new(key, at, self.pulses.begin()));
        self.open.len() - 1
    }

    /// What goes on already when something is found about nobody in particular.
    fn going_on(&self, at: Timestamp) -> Option<Key> {
        let raised = self.open.iter().filter(|incident| incident.is_raised());
        let fresh = raised.filter(|incident| at.since(incident.last()) <= SAME_TIME);
        fresh.max_by_key(|incident| incident.last()).map(Incident::key)
    }

    /// Notes who is new, and says whose network card a finding tells of.
    fn remember(&mut self, finding: &Finding) -> Option<Addr> {
        let actor = finding.actor?;
        if finding.kind == "asset" {
            if self.strangers.len() >= MOST_STRANGERS {
                self.counts.strangers += 1;
                let oldest = self.strangers.iter().min_by_key(|(_, since)| **since).map(|(addr, _)| *addr);
                oldest.and_then(|addr| self.strangers.remove(&addr));
            }
            self.strangers.entry(actor).or_insert(finding.at);
        }
        if finding.kind != "card" {
            return None;
        }
        let card = finding.about;
        if let Some(owner) = self.cards.get(&card) {
            return Some(*owner);
        }
        if self.cards.len() >= MOST_STRANGERS {
            self.counts.strangers += self.cards.len() as u64;
            self.cards.clear();
        }
        self.cards.insert(card, actor);
        None
    }

    /// Notes what was told of whom.
    fn report(&mut self, actor: Addr, at: Timestamp, technique: Option<String>) {
        if self.reported.len() >= MOST_STRANGERS {
            self.reported.retain(|_, (last, _)| at.since(*last) < NEWS);
            if self.reported.len() >= MOST_STRANGERS {
                self.reported.clear();
            }
        }
        let (last, known) = self.reported.entry(actor).or_insert((at, Vec::new()));
        if at.since(*last) >= NEWS {
            known.clear();
        }
        *last = at;
        known.extend(technique.filter(|technique| !known.contains(technique)));
    }

    /// What was lost in the last minute.
    fn lost(&self) -> Loss {
        match (self.losses.front(), self.losses.back()) {
            (Some((_, first)), Some((_, last))) => Loss {
                bytes: last.bytes.saturating_sub(first.bytes),
                missed: last.missed.saturating_sub(first.missed),
            },
            _ => Loss::default(),
        }
    }
}

/// What goes on, as the classifier sees it: to learn from.
#[derive(Clone, Debug)]
pub struct Picture {
    /// In numbers.
    pub input: Input,
    /// How sure all evidence together is.
    pub sure: f32,
    /// It is an alert.
    pub is_raised: bool,
    /// The first finding.
    pub first: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// How many there are.
    pub findings: u64,
    /// Whom it concerns.
    pub named: Vec<String>,
}

impl Loss {
    /// Missing bytes as a share of all.
    pub fn share(self) -> f32 {
        self.missed as f32 / (self.bytes.saturating_add(self.missed)).max(1) as f32
    }
}

/// The kind of a finding that shows one's network card behind another's address.
const IMPERSONATION: &str = "impersonation";
/// Microseconds without a finding after which an incident is over.
pub const QUIET: u64 = 120_000_000;
/// What was told of somebody is no news for so long: microseconds.
const NEWS: u64 = 24 * 3_600_000_000;
/// What is found within this time of another finding may belong to it: microseconds.
const SAME_TIME: u64 = 5_000_000;
/// Incidents that go on at the same time.
const MOST_OPEN: usize = 256;
/// Newcomers, and their network cards, that are remembered.
const MOST_STRANGERS: usize = 4096;
