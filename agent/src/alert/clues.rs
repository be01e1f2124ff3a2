//! Clues: what the findings of an incident show, counted by kind and sort, and how fast it went. From them
//! the classifier names the technique, and titles are written. A clue is its line in [`CLUES`]; what has
//! none counts as something else.

use crate::detect::Finding;
use crate::flow::Addr;
use crate::window::{ASSET_SECONDS, Window, hash};

/// Kind and sort of findings that count as one thing. A finding with no sort of its own that shows what is
/// known of others is of the sort `others`.
pub static CLUES: &[(&str, &str)] = &[
    ("something else", ""),
    ("asset", ""),
    ("card", ""),
    ("card", "others"),
    ("impersonation", ""),
    ("link", ""),
    ("link", "modbus"),
    ("link", "mqtt"),
    ("link", "dns"),
    ("link", "web"),
    ("link", "remote"),
    ("broadcast", ""),
    ("talk", ""),
    ("asks", ""),
    ("peers", ""),
    ("tcp overlap", ""),
    ("malformed", ""),
    ("modbus function", ""),
    ("modbus function", "read"),
    ("modbus function", "identify"),
    ("modbus function", "diagnose"),
    ("modbus write", "coil"),
    ("modbus write", "register"),
    ("modbus service", "restart"),
    ("modbus service", "silence"),
    ("modbus service", "clear"),
    ("modbus service", "file read"),
    ("modbus service", "file write"),
    ("modbus service", "vendor"),
    ("modbus service", "vendor read"),
    ("modbus service", "vendor write"),
    ("modbus place", ""),
    ("modbus place", "others"),
    ("modbus value", ""),
    ("modbus value", "others"),
    ("modbus value", "coil"),
    ("modbus value", "zero"),
    ("modbus exception", ""),
    ("modbus exception", "function"),
    ("modbus exception", "place"),
    ("modbus exception", "unit"),
    ("reading step", ""),
    ("reading range", ""),
    ("reading repeat", ""),
    ("mqtt client", ""),
    ("mqtt client", "others"),
    ("mqtt refusal", ""),
    ("mqtt publish", ""),
    ("mqtt publish", "others"),
    ("mqtt erase", ""),
    ("mqtt subscribe", ""),
    ("mqtt subscribe", "wide"),
    ("mqtt wildcard", ""),
    ("dns domain", ""),
    ("dns name length", ""),
    ("http page", ""),
    ("http page", "firmware"),
    ("http change", ""),
    ("http change", "firmware"),
    ("http login", ""),
    ("http program", ""),
    ("http refusal", ""),
    ("http refusal", "login"),
    ("http refusal", "missing"),
    ("silence", ""),
    ("silence over", ""),
    ("connect rate", ""),
    ("called rate", ""),
    ("reset rate", ""),
    ("host rate", ""),
    ("port rate", ""),
    ("arp rate", ""),
    ("modbus rate", ""),
    ("modbus write rate", ""),
    ("modbus exception rate", ""),
    ("modbus unit rate", ""),
    ("modbus place rate", ""),
    ("modbus point rate", ""),
    ("mqtt connect rate", ""),
    ("mqtt publish rate", ""),
    ("dns rate", ""),
    ("dns name rate", ""),
    ("http rate", ""),
    ("http refusal rate", ""),
    ("web traversal", ""),
    ("web injection", ""),
    ("web command", ""),
    ("web script", ""),
    (UNUSUAL, ""),
];

/// How many clues there are.
pub const COUNT: usize = 89;
const _: () = assert!(CLUES.len() == COUNT && COUNT <= 128, "COUNT says how many clues there are");

/// The clues of an incident.
#[derive(Debug)]
pub struct Clues {
    /// Different things that show each clue, and how sure they are, added up.
    counts: [u32; COUNT],
    sure: [f32; COUNT],
    /// What was counted, so that the same thing is not counted twice.
    seen: hashbrown::HashSet<u64, foldhash::fast::FixedState>,
    /// The most in one second, of whoever did it.
    pub peak: Peak,
}

impl Default for Clues {
    fn default() -> Self {
        Self {
            counts: [0; COUNT],
            sure: [0.0; COUNT],
            seen: hashbrown::HashSet::default(),
            peak: Peak::default(),
        }
    }
}

/// How fast it went: messages a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    /// Connections tried.
    pub attempts: u32,
    /// Modbus requests.
    pub requests: u32,
    /// Modbus writes.
    pub writes: u32,
    /// MQTT logins.
    pub connects: u32,
    /// MQTT messages.
    pub publishes: u32,
    /// Web requests.
    pub pages: u32,
}

impl Clues {
    /// How many different things of this kind and sort there are.
    pub fn of(&self, kind: &str, sort: &str) -> u32 {
        place(kind, sort).map_or(0, |at| self.counts[at])
    }

    /// How many of this kind, whatever the sort.
    pub fn all(&self, kind: &str) -> u32 {
        CLUES.iter().zip(self.counts).filter(|((known, _), _)| *known == kind).map(|(_, count)| count).sum()
    }

    /// How many different things there are.
    pub fn different(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// How sure the findings of each clue are, added up.
    pub const fn sure(&self) -> &[f32; COUNT] {
        &self.sure
    }

    /// Which clues there are, a bit each.
    pub fn kinds(&self) -> u128 {
        self.counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .fold(0, |kinds, (at, _)| kinds | 1 << at)
    }

    /// A finding; whether it tells something that was not told before.
    pub fn read(&mut self, finding: &Finding) -> bool {
        let thing = identity(finding);
        if self.seen.contains(&thing) {
            return false;
        }
        if self.seen.len() < MOST_SEEN {
            self.seen.insert(thing);
        }
        let at = clue(finding);
        self.counts[at] += 1;
        self.sure[at] += finding.confidence;
        true
    }

    /// Counts these findings and no others.
    pub fn count<'a>(&mut self, findings: impl Iterator<Item = &'a Finding>) {
        self.forget();
        findings.for_each(|finding| {
            self.read(finding);
        });
    }

    /// Counts anew; how fast it went stays.
    pub fn forget(&mut self) {
        *self = Self { peak: self.peak, ..Self::default() };
    }

    /// How fast someone goes in the seconds around this one.
    pub fn measure(&mut self, actor: Addr, second: u64, window: &Window) {
        let bucket = window.of(actor, second);
        let rate = |count: u32| count.div_ceil(ASSET_SECONDS as u32);
        let peak = &mut self.peak;
        for (most, count) in [
            (&mut peak.attempts, bucket.traffic.syn),
            (&mut peak.requests, bucket.modbus.requests),
            (&mut peak.writes, bucket.modbus.writes),
            (&mut peak.connects, bucket.mqtt.connects),
            (&mut peak.publishes, bucket.mqtt.publishes),
            (&mut peak.pages, bucket.http.requests),
        ] {
            *most = (*most).max(rate(count));
        }
    }
}

impl Peak {
    /// All of them.
    pub const fn rates(&self) -> [u32; 6] {
        [self.attempts, self.requests, self.writes, self.connects, self.publishes, self.pages]
    }
}

/// The same number for findings of the same thing.
pub fn identity(finding: &Finding) -> u64 {
    finding.about ^ hash(finding.kind.as_bytes()) ^ hash(finding.sort.as_bytes()).rotate_left(17)
}

/// The bit of the clue that a finding is.
pub fn kind(finding: &Finding) -> u128 {
    1 << clue(finding)
}

/// Which clue a finding is. What models say of the plant as a whole is one, whichever says it.
fn clue(finding: &Finding) -> usize {
    if finding.actor.is_none() && finding.target.is_none() {
        return place(UNUSUAL, "").unwrap_or(0);
    }
    let sort = if finding.sort.is_empty() && finding.is_others { OTHERS } else { finding.sort };
    place(finding.kind, sort).or_else(|| place(finding.kind, "")).unwrap_or(0)
}

fn place(kind: &str, sort: &str) -> Option<usize> {
    CLUES.iter().position(|clue| *clue == (kind, sort))
}

const UNUSUAL: &str = "unusual traffic";
const OTHERS: &str = "others";
/// Different things that are counted exactly in one incident; beyond, repetitions are counted too.
const MOST_SEEN: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::baseline::ASPECTS;
    use fieldward_shared::time::Timestamp;

    #[test]
    fn every_clue_stands_once_and_every_aspect_is_one() {
        for (at, clue) in CLUES.iter().enumerate() {
            assert!(!CLUES[..at].contains(clue), "{clue:?}");
        }
        for aspect in ASPECTS {
            assert!(CLUES.iter().any(|(kind, _)| *kind == aspect.name), "{}", aspect.name);
        }
    }

    #[test]
    fn what_is_told_again_counts_once_and_what_is_unheard_of_counts_as_something_else() {
        let mut finding =
            Finding::of_plant(Timestamp::from_micros(0), "x", "mqtt client", 0.5, String::new());
        finding.actor = Some(Addr::v4([10, 0, 0, 1]));
        let mut clues = Clues::default();
        assert!(clues.read(&finding));
        assert!(!clues.read(&finding));
        finding.is_others = true;
        finding.about = 1;
        assert!(clues.read(&finding));
        assert_eq!((clues.of("mqtt client", ""), clues.of("mqtt client", "others")), (1, 1));
        assert_eq!(clues.all("mqtt client"), 2);
        finding.kind = "a new kind";
        assert!(clues.read(&finding));
        assert_eq!(clues.of("something else", ""), 1);
    }
}
