//! Alerts: findings of all detectors about the same thing become one alert, which grows while it goes on.
//!
//! Findings of one actor (without an actor, about one target) are one incident until it has been quiet
//! for [`QUIET`]. It waits, up to five minutes, until its evidence is enough ([`weigh`]); then it is raised.
//! Findings about nobody in particular join what goes on, or make an incident of their own when they
//! last. Packet time only; the same capture gives the same alerts, to the byte.

mod context;
mod incident;
mod signs;
mod technique;
#[cfg(test)]
mod tests;
mod weigh;
mod words;

use std::collections::{BTreeMap, VecDeque};

use fieldward_shared::alert::Alert;
use fieldward_shared::time::Timestamp;

use crate::detect::Finding;
use crate::flow::Addr;
use crate::window::Window;
use incident::{Incident, Key};
pub use technique::{Technique, technique};

/// Findings in, alerts out.
pub struct Correlator {
    facility: String,
    /// In the order in which they began.
    open: Vec<Incident>,
    /// Who was not there in learning, and since when.
    strangers: BTreeMap<Addr, Timestamp>,
    /// Whose a network card is that was not there in learning.
    cards: BTreeMap<String, Addr>,
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
    /// It goes on; this replaces what was told of it.
    Updated(Alert),
    /// It is over; this is its last state.
    Closed(Alert),
}

impl Correlator {
    /// Correlates for a facility.
    pub fn new(facility: impl Into<String>) -> Self {
        Self {
            facility: facility.into(),
            open: Vec::new(),
            strangers: BTreeMap::new(),
            cards: BTreeMap::new(),
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
        }
        let key = match (finding.actor, finding.target) {
            (Some(actor), _) => Key::Actor(actor),
            (None, Some(target)) => Key::Target(target),
            (None, None) => self.going_on(finding.at).unwrap_or(Key::Plant),
        };
        let stranger = matches!(key, Key::Actor(actor) if self.strangers.contains_key(&actor));
        let at = self.place(key, finding.at, told);
        let loss = self.lost();
        let Some(incident) = self.open.get_mut(at) else { return };
        let second = finding.at.as_secs();
        incident.find(finding, stranger);
        incident.measure(second, window);
        incident.rise(&self.facility, loss, window, told);
    }

    /// A second is over: what was quiet for long is closed, what goes on is told again.
    pub fn second(&mut self, second: u64, window: &Window, loss: Loss, told: &mut Vec<Told>) {
        let now = Timestamp::from_micros((second + 1) * 1_000_000);
        self.losses.push_back((second, loss));
        while self.losses.front().is_some_and(|(first, _)| first + 60 < second || *first > second) {
            self.losses.pop_front();
        }
        for incident in &mut self.open {
            incident.measure(second, window);
            incident.second(now, window, &self.facility, told);
        }
        self.close(|incident| now.since(incident.last()) > incident.patience(), told);
    }

    /// The capture is over: what is open is closed.
    pub fn finish(&mut self, told: &mut Vec<Told>) {
        self.close(|_| true, told);
    }

    fn close(&mut self, ended: impl Fn(&Incident) -> bool, told: &mut Vec<Told>) {
        let facility = &self.facility;
        self.open.retain(|incident| {
            let ended = ended(incident);
            if ended {
                told.extend(incident.alert(facility).map(Told::Closed));
            }
            !ended
        });
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
            told.extend(incident.alert(&self.facility).map(Told::Closed));
        }
        self.open.push(Incident::new(key, at));
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
        let card = finding.evidence.split_whitespace().map(|word| word.trim_end_matches([';', ',', '.']));
        let card = card.filter(|word| word.len() == 17).find(|word| word.matches(':').count() == 5)?;
        if let Some(owner) = self.cards.get(card) {
            return Some(*owner);
        }
        if self.cards.len() >= MOST_STRANGERS {
            self.counts.strangers += self.cards.len() as u64;
            self.cards.clear();
        }
        self.cards.insert(card.to_owned(), actor);
        None
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
/// What is found within this time of another finding may belong to it: microseconds.
const SAME_TIME: u64 = 5_000_000;
/// Incidents that go on at the same time.
const MOST_OPEN: usize = 256;
/// Newcomers, and their network cards, that are remembered.
const MOST_STRANGERS: usize = 4096;
