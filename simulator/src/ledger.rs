//! The ledger: which attacks and which odd but benign events there were, and from it the label file.
//!
//! An attack's interval is that of its packets: from the first to the last, as they were seen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::Serialize;

use crate::attack::Attack;
use crate::record::Span;

/// What was done.
#[derive(Default)]
pub struct Ledger {
    attacks: Vec<Run>,
    /// When each began and ended, and what it was.
    events: Vec<(u64, Option<u64>, &'static str)>,
}

/// An attack that was played.
pub struct Run {
    attack: &'static Attack,
    variant: &'static str,
    intensity: &'static str,
    slow: bool,
    campaign: Option<&'static str>,
    src: BTreeSet<Ipv4Addr>,
    dst: BTreeSet<Ipv4Addr>,
    changed: Vec<String>,
    /// Its effect outlasts its packets, until then: microseconds.
    until: Option<u64>,
    /// Seconds in which the plant recovers.
    aftermath: f64,
}

impl Ledger {
    /// An attack begins; gives its tag.
    pub fn begins(
        &mut self,
        attack: &'static Attack,
        variant: &'static str,
        intensity: &'static str,
        slow: bool,
        campaign: Option<&'static str>,
    ) -> u16 {
        self.attacks.push(Run {
            attack,
            variant,
            intensity,
            slow,
            campaign,
            src: BTreeSet::new(),
            dst: BTreeSet::new(),
            changed: Vec::new(),
            until: None,
            aftermath: 0.0,
        });
        self.attacks.len() as u16
    }

    /// Its effect lasts until then, though it sends nothing any more.
    pub fn lasts(&mut self, tag: u16, until: u64) {
        if let Some(run) = self.run(tag) {
            run.until = Some(until);
        }
    }

    /// It reached from one host to another.
    pub fn met(&mut self, tag: u16, from: Ipv4Addr, to: Ipv4Addr) {
        if let Some(run) = self.run(tag) {
            run.src.insert(from);
            if run.dst.len() < MOST_TARGETS {
                run.dst.insert(to);
            }
        }
    }

    /// It changed something.
    pub fn changed(&mut self, tag: u16, what: String) {
        if let Some(run) = self.run(tag).filter(|run| run.changed.len() < MOST_CHANGES) {
            run.changed.push(what);
        }
    }

    /// The plant recovers for so many seconds after it.
    pub fn recovers(&mut self, tag: u16, seconds: f64) {
        if let Some(run) = self.run(tag) {
            run.aftermath = run.aftermath.max(seconds);
        }
    }

    /// Something benign that may look odd begins; gives its number.
    pub fn event_begins(&mut self, name: &'static str, at: u64) -> usize {
        self.events.push((at, None, name));
        self.events.len() - 1
    }

    /// It is over.
    pub fn event_ends(&mut self, number: usize, at: u64) {
        self.events[number].1 = Some(at);
    }

    fn run(&mut self, tag: u16) -> Option<&mut Run> {
        self.attacks.get_mut(usize::from(tag).checked_sub(1)?)
    }

    /// The labels of a capture whose packets of each attack were seen in `spans`.
    pub fn labels(&self, spans: &BTreeMap<u16, Span>, about: About) -> Labels {
        let mut attacks = Vec::new();
        let mut ignore = Vec::new();
        for (run, tag) in self.attacks.iter().zip(1_u16..) {
            let Some(span) = spans.get(&tag) else { continue };
            attacks.push(Label::new(run, span));
            if run.aftermath > 0.0 {
                let end = seconds(span.last.max(run.until.unwrap_or(0)));
                ignore.push(Interval { start: end, end: end + run.aftermath });
            }
        }
        let mut benign: Vec<Benign> = self
            .events
            .iter()
            .map(|(from, to, name)| Benign {
                start: seconds(*from),
                end: to.map_or(about.capture_end, seconds),
                name,
            })
            .collect();
        benign.sort_by(|one, other| one.start.total_cmp(&other.start));
        attacks.sort_by(|one, other| one.start.total_cmp(&other.start));
        let normal_until = attacks.first().map_or(about.capture_end, |first| first.start);
        Labels {
            file: about.file,
            plant: about.plant,
            seed: about.seed,
            train: attacks.is_empty(),
            attack_version: "18.1",
            attacks,
            benign,
            ignore,
            normal_until,
            capture_start: about.capture_start,
            capture_end: about.capture_end,
        }
    }
}

impl Labels {
    /// The same by a clock that is so many seconds ahead of the plant's.
    pub fn ahead(mut self, seconds: f64) -> Self {
        let labels = self.attacks.iter_mut().map(|label| (&mut label.start, &mut label.end));
        let benign = self.benign.iter_mut().map(|label| (&mut label.start, &mut label.end));
        let ignore = self.ignore.iter_mut().map(|label| (&mut label.start, &mut label.end));
        let own = std::iter::once((&mut self.capture_start, &mut self.capture_end));
        for (start, end) in labels.chain(benign).chain(ignore).chain(own) {
            *start += seconds;
            *end += seconds;
        }
        self.normal_until += seconds;
        self
    }
}

/// What the labels say of the capture itself.
pub struct About {
    /// Name of the file.
    pub file: String,
    /// Kind of plant.
    pub plant: &'static str,
    /// Seed.
    pub seed: u64,
    /// Epoch seconds of its beginning.
    pub capture_start: f64,
    /// Of its end.
    pub capture_end: f64,
}

/// A label file.
#[derive(Serialize)]
pub struct Labels {
    file: String,
    plant: &'static str,
    seed: u64,
    /// Nothing but normal traffic: fit to learn from.
    train: bool,
    /// The ATT&CK version of `technique`.
    attack_version: &'static str,
    /// What must be found.
    pub attacks: Vec<Label>,
    /// What must not.
    pub benign: Vec<Benign>,
    /// Where the plant recovers: alarms count for nothing.
    ignore: Vec<Interval>,
    normal_until: f64,
    capture_start: f64,
    capture_end: f64,
}

impl Labels {
    /// How long the capture is.
    pub fn seconds(&self) -> f64 {
        self.capture_end - self.capture_start
    }
}

/// An attack, labelled.
#[derive(Serialize)]
pub struct Label {
    /// Epoch seconds of its first packet.
    pub start: f64,
    /// Of its last.
    pub end: f64,
    /// Which attack.
    pub name: &'static str,
    variant: &'static str,
    intensity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<&'static str>,
    technique: &'static str,
    technique_v19: &'static str,
    acceptable: Vec<&'static str>,
    grade: &'static str,
    kind: &'static str,
    src: Vec<Ipv4Addr>,
    dst: Vec<Ipv4Addr>,
    proto: &'static str,
    /// How many packets it sent or caused.
    pub packets: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
}

/// Something benign, labelled.
#[derive(Serialize)]
pub struct Benign {
    start: f64,
    end: f64,
    /// What it was.
    pub name: &'static str,
}

#[derive(Serialize)]
struct Interval {
    start: f64,
    end: f64,
}

impl Label {
    fn new(run: &Run, span: &Span) -> Self {
        let technique = run.attack.technique;
        let mut acceptable = vec![technique.id, technique.v19];
        acceptable.extend_from_slice(run.attack.acceptable);
        acceptable.dedup();
        Self {
            start: seconds(span.first),
            end: seconds(span.last.max(run.until.unwrap_or(0))),
            name: run.attack.name,
            variant: run.variant,
            intensity: run.intensity,
            campaign: run.campaign,
            technique: technique.id,
            technique_v19: technique.v19,
            acceptable,
            grade: run.attack.grade,
            kind: if run.slow { "context" } else { run.attack.kind },
            src: run.src.iter().copied().collect(),
            dst: run.dst.iter().copied().collect(),
            proto: run.attack.proto,
            packets: span.packets,
            changed: run.changed.clone(),
        }
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// A label names no more targets than this.
const MOST_TARGETS: usize = 600;
/// And no more changes.
const MOST_CHANGES: usize = 40;
