//! The book of facts: learnt, kept as text that people can read, compare and edit.
//!
//! One fact a line, sorted: `aspect | actor | what | low..high | seen N times`. A line that a person
//! adds or changes counts as learnt.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fieldward_shared::time::Timestamp;
use hashbrown::{HashMap, HashSet};

use super::Fact;
use super::aspects::ASPECTS;

/// Everything that was learnt.
#[derive(Clone, Debug, Default)]
pub struct Book {
    facts: Vec<Known>,
    /// Where a fact stands, by its text.
    by_text: HashMap<String, usize, foldhash::fast::FixedState>,
    /// The same by its number; filled as facts are met.
    by_key: HashMap<u64, usize, foldhash::fast::FixedState>,
    /// Numbers of facts that are not known.
    unknown: HashSet<u64, foldhash::fast::FixedState>,
    /// The text of a fact while it is looked for.
    text: String,
    /// What [`Book::most`] found before.
    most: HashMap<&'static str, Option<(f64, f64)>, foldhash::fast::FixedState>,
    /// Microseconds of packet time that were learnt from, and those since a fact was new. Pauses between
    /// captures, or while the agent did not run, are neither.
    whole: u64,
    quiet: u64,
    last: Option<Timestamp>,
    /// Facts for which there was no room.
    pub left_out: u64,
}

/// A learnt fact.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Name of its aspect.
    pub aspect: String,
    /// Who.
    pub actor: String,
    /// What.
    pub what: String,
    /// The least and the most, where that counts.
    pub range: Option<(f64, f64)>,
    /// How often it was seen.
    pub count: u64,
}

/// Why a book cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {what}; a line is: aspect | actor | what | low..high | seen N times")]
pub struct BookError {
    line: usize,
    what: String,
}

impl Known {
    fn widen(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.range = match (self.range, other.range) {
            (Some((low, high)), Some((lower, higher))) => Some((low.min(lower), high.max(higher))),
            (one, other) => one.or(other),
        };
    }
}

impl Book {
    /// How many facts there are.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether nothing was learnt.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// How long, in packet time, nothing new was learnt, as a share of the time that was learnt from: near
    /// one, everything came early and the plant is known.
    pub fn convergence(&self) -> f64 {
        self.quiet as f64 / self.whole.max(1) as f64
    }

    fn pass(&mut self, ts: Timestamp) {
        let step = self.last.map_or(0, |last| ts.since(last));
        if step < PAUSE {
            self.whole += step;
            self.quiet += step;
        }
        self.last = Some(ts);
    }

    /// Seconds of traffic that were learnt from, if that is known.
    pub const fn seconds(&self) -> Option<u64> {
        match self.whole {
            0 => None,
            whole => Some(whole / 1_000_000),
        }
    }

    /// How much it says that something was not seen in learning, from 0 to 1: after a minute half of what
    /// it says after days. A book that does not tell how long was learnt is taken at its word.
    pub fn sureness(&self) -> f64 {
        self.seconds().map_or(1.0, |seconds| seconds as f64 / (seconds as f64 + HALF_SURE))
    }

    /// Writes a fact into the book.
    pub fn learn(&mut self, ts: Timestamp, fact: &Fact<'_>) {
        self.pass(ts);
        let at = match self.place(fact) {
            Some(at) => at,
            None if self.facts.len() >= MOST_FACTS => {
                self.left_out += 1;
                return;
            }
            None => {
                self.quiet = 0;
                let known = Known {
                    aspect: fact.aspect.name.to_owned(),
                    actor: fact.actor.to_string(),
                    what: fact.what.to_string(),
                    range: fact.value.map(|value| (value, value)),
                    count: 0,
                };
                self.enter(known, Some(fact.key))
            }
        };
        let known = &mut self.facts[at];
        known.count += 1;
        if let (Some((low, high)), Some(value)) = (&mut known.range, fact.value) {
            (*low, *high) = (low.min(value), high.max(value));
        }
    }

    /// What is known of a fact.
    pub fn find(&mut self, fact: &Fact<'_>) -> Option<&Known> {
        self.place(fact).map(|at| &self.facts[at])
    }

    /// Every fact.
    pub fn facts(&self) -> impl Iterator<Item = &Known> {
        self.facts.iter()
    }

    /// What is known of a fact by its parts.
    pub fn known(&self, aspect: &str, actor: &str, what: &str) -> Option<&Known> {
        self.by_text.get(&line(aspect, actor, what)).map(|at| &self.facts[*at])
    }

    /// Whether this address was seen on the network.
    pub fn knows(&self, actor: &str) -> bool {
        self.known(ASSET, actor, "").is_some()
    }

    /// The least and the most that anybody was seen to do in an aspect.
    pub fn most(&mut self, aspect: &'static str) -> Option<(f64, f64)> {
        if let Some(most) = self.most.get(aspect) {
            return *most;
        }
        let most = self.most_seen(aspect);
        self.most.insert(aspect, most);
        most
    }

    /// The same, from all facts.
    pub fn most_seen(&self, aspect: &str) -> Option<(f64, f64)> {
        let ranges = self.facts.iter().filter(|known| known.aspect == aspect).filter_map(|known| known.range);
        ranges.reduce(|(low, high), (lower, higher)| (low.min(lower), high.max(higher)))
    }

    /// The book as text.
    pub fn write(&self) -> String {
        let mut sections: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for known in &self.facts {
            let section =
                ASPECTS.iter().position(|aspect| aspect.name == known.aspect).unwrap_or(ASPECTS.len());
            let range = known.range.map_or(String::new(), |(low, high)| format!("{low}..{high}"));
            let line = format!(
                "{} | {} | {} | {range} | seen {} times",
                known.aspect, known.actor, known.what, known.count
            );
            sections.entry(section).or_default().push(line);
        }
        let mut text = String::from(HEAD);
        if self.whole > 0 {
            text += &format!("{PROGRESS}{} {}\n", self.whole, self.quiet);
        }
        for lines in sections.values_mut() {
            lines.sort();
            text.push('\n');
            for line in lines {
                text += line;
                text.push('\n');
            }
        }
        text
    }

    /// Takes over the facts of `other` that are about `whose` doings, and widens what is known already;
    /// tells how many facts were new.
    pub fn add(&mut self, other: &Self, whose: impl Fn(&str) -> bool) -> usize {
        let before = self.facts.len();
        for fact in other.facts.iter().filter(|fact| whose(&fact.actor)) {
            match self.by_text.get(&line(&fact.aspect, &fact.actor, &fact.what)).copied() {
                Some(at) => self.facts[at].widen(fact),
                None if self.facts.len() < MOST_FACTS => {
                    self.enter(fact.clone(), None);
                }
                None => self.left_out += 1,
            }
        }
        self.facts.len() - before
    }

    /// Reads a book.
    pub fn read(text: &str) -> Result<Self, BookError> {
        let mut book = Self::default();
        for (nth, line) in text.lines().enumerate() {
            let wrong = |what: &str| BookError { line: nth + 1, what: what.to_owned() };
            if let Some((whole, quiet)) = line.strip_prefix(PROGRESS).and_then(parse_progress) {
                (book.whole, book.quiet) = (whole, quiet.min(whole));
            }
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let [aspect, actor, what, range, rest @ ..] = parts.as_slice() else {
                return Err(wrong("fewer than four parts"));
            };
            if !ASPECTS.iter().any(|known| known.name == *aspect) {
                return Err(wrong(&format!("no aspect is called \"{aspect}\"")));
            }
            let range = match *range {
                "" => None,
                range => Some(parse_range(range).ok_or_else(|| wrong(&format!("\"{range}\" is no range")))?),
            };
            let count = match rest {
                [] => 1,
                [seen] => parse_count(seen).ok_or_else(|| wrong(&format!("\"{seen}\" is no count")))?,
                _ => return Err(wrong("more than five parts")),
            };
            if book.known(aspect, actor, what).is_some() {
                return Err(wrong("this fact stands here twice"));
            }
            if book.facts.len() >= MOST_FACTS {
                return Err(wrong(&format!("more than {MOST_FACTS} facts")));
            }
            book.enter(
                Known {
                    aspect: (*aspect).into(),
                    actor: (*actor).into(),
                    what: (*what).into(),
                    range,
                    count,
                },
                None,
            );
        }
        Ok(book)
    }

    fn place(&mut self, fact: &Fact<'_>) -> Option<usize> {
        if let Some(place) = self.by_key.get(&fact.key) {
            return Some(*place);
        }
        if self.unknown.contains(&fact.key) {
            return None;
        }
        self.text.clear();
        let _ = write!(self.text, "{} | {} | {}", fact.aspect.name, fact.actor, fact.what);
        let place = self.by_text.get(&self.text).copied();
        if let Some(place) = place {
            if self.by_key.len() >= 2 * MOST_FACTS {
                self.by_key.clear();
            }
            self.by_key.insert(fact.key, place);
        } else {
            if self.unknown.len() >= MOST_UNKNOWN {
                self.unknown.clear();
            }
            self.unknown.insert(fact.key);
        }
        place
    }

    fn enter(&mut self, known: Known, key: Option<u64>) -> usize {
        let at = self.facts.len();
        self.by_text.insert(line(&known.aspect, &known.actor, &known.what), at);
        if let Some(key) = key {
            self.unknown.remove(&key);
            self.by_key.insert(key, at);
        }
        self.facts.push(known);
        at
    }
}

/// A value without digits that say nothing.
pub struct Short(pub f64);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.fract() == 0.0 { write!(f, "{:.0}", self.0) } else { write!(f, "{:.3}", self.0) }
    }
}

fn line(aspect: &str, actor: &str, what: &str) -> String {
    format!("{aspect} | {actor} | {what}")
}

fn parse_range(text: &str) -> Option<(f64, f64)> {
    let (low, high) = text.split_once("..")?;
    let (low, high): (f64, f64) = (low.parse().ok()?, high.parse().ok()?);
    (low.is_finite() && high.is_finite() && low <= high).then_some((low, high))
}

fn parse_progress(text: &str) -> Option<(u64, u64)> {
    let (whole, quiet) = text.split_once(' ')?;
    Some((whole.parse().ok()?, quiet.parse().ok()?))
}

fn parse_count(text: &str) -> Option<u64> {
    text.strip_prefix("seen ")?.strip_suffix(" times")?.parse().ok()
}

/// The aspect that says who is there.
const ASSET: &str = "asset";
const HEAD: &str = "# What this plant does, as Fieldward learnt it. A line is: aspect | actor | what | low..high | seen N times.
# Lines may be added, changed and removed; a removed fact is a finding when it is seen again.
";
/// Seconds of learning after which what was not seen says half.
const HALF_SURE: f64 = 60.0;
/// How the line begins that says how long was learnt, and for how long of it nothing was new.
const PROGRESS: &str = "# learnt, quiet microseconds: ";
/// A longer silence is the time between two captures: microseconds.
const PAUSE: u64 = 60_000_000;
/// A plant of 500 devices has a tenth of this.
const MOST_FACTS: usize = 262_144;
/// Unknown facts whose numbers are remembered.
const MOST_UNKNOWN: usize = 65_536;
