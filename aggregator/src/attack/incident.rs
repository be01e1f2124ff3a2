//! Incidents: alerts that belong together. Alerts of a plant are one incident when they concern the same assets within
//! a day; incidents of several plants are one campaign when the same public address shows up, or the same two
//! techniques one after the other within six hours. Plain values: the store keeps them, `watch` moves them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use fieldward_shared::alert::{Alert, Severity};
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A technique that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its id, as the catalogue has it.
    pub id: String,
    /// When it was seen first: microseconds.
    pub at: u64,
}

/// Alerts that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Made from its first alert: whoever does it again gets the same.
    pub id: Uuid,
    /// Which plant.
    pub facility: String,
    /// The same where several plants are attacked.
    pub campaign: Uuid,
    /// The first packet.
    pub first: Timestamp,
    /// The last so far.
    pub last: Timestamp,
    /// Of its worst alert.
    pub severity: Severity,
    /// How many alerts.
    pub alerts: u64,
    /// In the order in which they were seen.
    pub techniques: Vec<Seen>,
    /// Who was touched, and who did it.
    pub assets: BTreeSet<String>,
    /// The tactic of what was seen last.
    pub stage: Option<String>,
    /// Grows with each change.
    pub serial: u64,
}

impl Incident {
    /// Of its first alert.
    pub fn begin(alert: &Alert) -> Self {
        let id = Uuid::new_v5(&OWN, &alert.id.as_u128().to_be_bytes());
        Self {
            id,
            facility: alert.facility_id.clone(),
            campaign: id,
            first: alert.first_seen,
            last: alert.last_seen.max(alert.first_seen),
            severity: alert.severity,
            alerts: 0,
            techniques: Vec::new(),
            assets: BTreeSet::new(),
            stage: None,
            serial: 0,
        }
    }

    /// Whether an alert belongs to it: the same plant, within a day, and an asset that both concern. An alert about
    /// nobody in particular belongs to what went on within the hour.
    pub fn holds(&self, alert: &Alert) -> bool {
        if self.facility != alert.facility_id {
            return false;
        }
        let apart = alert.first_seen.since(self.last).max(self.first.since(alert.last_seen));
        let mut assets = alert.src_assets.iter().chain(&alert.dst_assets).peekable();
        if assets.peek().is_none() || self.assets.is_empty() {
            return apart <= HOUR;
        }
        apart <= DAY && assets.any(|asset| self.assets.contains(asset))
    }

    /// Takes an alert in that it did not have.
    pub fn take(&mut self, alert: &Alert) {
        self.alerts += 1;
        self.touch(alert);
    }

    /// Takes in what is new of an alert that it has.
    pub fn touch(&mut self, alert: &Alert) {
        self.first = self.first.min(alert.first_seen);
        self.last = self.last.max(alert.last_seen);
        self.severity = self.severity.max(alert.severity);
        for asset in alert.src_assets.iter().chain(&alert.dst_assets) {
            if self.assets.len() < MOST_ASSETS {
                self.assets.insert(asset.clone());
            }
        }
    }

    /// Takes a technique in; whether it is new to the incident.
    pub fn see(&mut self, id: &str, at: Timestamp, tactic: Option<&str>) -> bool {
        self.stage = tactic.map(str::to_owned).or(self.stage.take());
        if self.techniques.iter().any(|seen| seen.id == id) || self.techniques.len() >= MOST_TECHNIQUES {
            return false;
        }
        self.techniques.push(Seen { id: id.to_owned(), at: at.as_micros() });
        self.techniques.sort_by_key(|seen| seen.at);
        true
    }

    /// Whether an incident of another plant is of the same campaign.
    pub fn is_like(&self, other: &Self) -> bool {
        if self.facility == other.facility {
            return false;
        }
        let is_shared = |asset: &&String| is_public(asset) && other.assets.contains(*asset);
        self.assets.iter().any(|asset| is_shared(&asset)) || self.goes_like(other)
    }

    fn goes_like(&self, other: &Self) -> bool {
        let Some([one, two]) = self.techniques.last_chunk::<2>() else { return false };
        other.techniques.windows(2).any(|pair| {
            pair[0].id == one.id && pair[1].id == two.id && pair[1].at.abs_diff(two.at) <= 6 * HOUR
        })
    }

    /// What was seen, in order; of others of its campaign what was seen before the last of its own. And the other
    /// plants that had a part in it: who does not see them must not be told what was seen there.
    pub fn history<'a>(&self, others: impl Iterator<Item = &'a Self>) -> (Vec<String>, BTreeSet<String>) {
        let last = self.techniques.last().map_or(0, |seen| seen.at);
        let mine: BTreeSet<&str> = self.techniques.iter().map(|seen| seen.id.as_str()).collect();
        let mut plants = BTreeSet::new();
        let theirs = others
            .filter(|other| other.campaign == self.campaign && other.id != self.id)
            .flat_map(|other| other.techniques.iter().map(move |seen| (seen, &other.facility)))
            .filter(|(seen, _)| seen.at < last && !mine.contains(seen.id.as_str()));
        let theirs = theirs.map(|(seen, plant)| {
            if *plant != self.facility {
                plants.insert(plant.clone());
            }
            seen
        });
        let mut all: Vec<&Seen> = self.techniques.iter().chain(theirs).collect();
        all.sort_by_key(|seen| seen.at);
        let mut told = BTreeSet::new();
        let ids = all.into_iter().filter(|seen| told.insert(&seen.id)).map(|seen| seen.id.clone()).collect();
        (ids, plants)
    }

    /// The same of this plant alone.
    pub fn history_here<'a>(&self, others: impl Iterator<Item = &'a Self>) -> Vec<String> {
        self.history(others.filter(|other| other.facility == self.facility)).0
    }

    /// Seconds from each technique to the next.
    pub fn intervals(&self) -> impl Iterator<Item = f64> {
        self.techniques.windows(2).map(|two| two[1].at.saturating_sub(two[0].at) as f64 / 1e6)
    }
}

/// An address that is the same everywhere, unlike those inside of plants.
fn is_public(asset: &str) -> bool {
    match asset.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            let is_shared = address.octets()[0] == 100 && (64..128).contains(&address.octets()[1]);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_unspecified()
                || is_shared)
        }
        // Those that are given out to the world.
        Ok(IpAddr::V6(address)) => address.segments()[0] & 0xe000 == 0x2000,
        Err(_) => false,
    }
}

const OWN: Uuid = Uuid::from_u128(0x91d8_44a1_6f4e_4c53_8a63_0f2a_1ce7_5b0e);
/// In microseconds.
const HOUR: u64 = 3_600_000_000;
/// Likewise.
pub const DAY: u64 = 24 * HOUR;
const MOST_ASSETS: usize = 128;
const MOST_TECHNIQUES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(facility: &str, assets: &[&str], techniques: &[(&str, u64)]) -> Incident {
        Incident {
            id: Uuid::new_v5(&OWN, facility.as_bytes()),
            facility: facility.to_owned(),
            campaign: Uuid::new_v5(&OWN, facility.as_bytes()),
            first: Timestamp::from_micros(0),
            last: Timestamp::from_micros(0),
            severity: Severity::Low,
            alerts: 1,
            techniques: techniques.iter().map(|(id, at)| Seen { id: (*id).to_owned(), at: *at }).collect(),
            assets: assets.iter().map(|asset| (*asset).to_owned()).collect(),
            stage: None,
            serial: 0,
        }
    }

    #[test]
    fn plants_are_one_campaign_by_a_public_source_or_a_pattern() {
        let north = incident("north", &["10.0.0.5", "203.0.113.9"], &[("T0846", 1), ("T0888", 2)]);
        let same_inside = incident("south", &["10.0.0.5"], &[("T0846", 1), ("T0855", 9)]);
        let same_source = incident("south", &["203.0.113.9"], &[]);
        let same_pattern = incident("south", &["10.1.0.1"], &[("T0846", HOUR), ("T0888", 2 * HOUR)]);
        let long_ago = incident("south", &[], &[("T0846", HOUR), ("T0888", 7 * HOUR)]);
        assert!(!north.is_like(&same_inside), "inside addresses are the same in many plants");
        assert!(north.is_like(&same_source) && north.is_like(&same_pattern));
        assert!(!north.is_like(&long_ago));
        assert!(!north.is_like(&north.clone()));
    }

    #[test]
    fn a_history_begins_with_what_other_plants_saw_before() {
        let mut south = incident("south", &[], &[("T0888", 5), ("T0855", 9)]);
        let mut north = incident("north", &[], &[("T0846", 1), ("T0888", 2), ("T0816", 99)]);
        assert_eq!(south.history([&north].into_iter()).0, ["T0888", "T0855"]);
        north.campaign = south.campaign;
        let (ids, plants) = south.history([&north].into_iter());
        assert_eq!(ids, ["T0846", "T0888", "T0855"]);
        assert_eq!(plants.into_iter().collect::<Vec<_>>(), ["north"]);
        assert_eq!(south.history_here([&north].into_iter()), ["T0888", "T0855"]);
        assert!(!south.see("T0855", Timestamp::from_micros(3), None));
        assert!(south.see("T0846", Timestamp::from_micros(3), Some("Discovery")));
        assert_eq!(south.stage.as_deref(), Some("Discovery"));
        assert_eq!(south.techniques[0].id, "T0846");
        assert_eq!(south.intervals().collect::<Vec<_>>(), [2e-6, 4e-6]);
    }
}
