//! The book of facts: learnt, kept as text that people can read, compare and edit.
//!
//! One fact a line, sorted: `aspect | actor | what | low..high | seen N times`. A line that a person
//! adds or changes counts as learnt.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fieldward_shared::time::Timestamp;
use hashbrown::HashMap;

use super::aspects::ASPECTS;
use super::{Broken, Fact};

/// Everything that was learnt.
#[derive(Clone, Debug, Default)]
pub struct Book {
    facts: Vec<Known>,
    /// Where a fact stands, by its text.
    by_text: HashMap<String, usize, foldhash::fast::FixedState>,
    /// The same by its number; filled as facts are met, unknown ones included.
    by_key: HashMap<u64, Option<usize>, foldhash::fast::FixedState>,
    /// Seconds of packet time that were learnt from, and how many facts were new in the last quarter.
    span: Option<(Timestamp, Timestamp)>,
    last_new: Timestamp,
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
    /// Whether a value lies beyond the range, by more than a share of it.
    pub fn is_beyond(&self, value: f64, margin: f64) -> bool {
        let Some((low, high)) = self.range else { return false };
        let slack = (high - low).max(high.abs() * LEAST_RANGE) * margin;
        value < low - slack || value > high + slack
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
        let Some((first, last)) = self.span else { return 0.0 };
        let whole = last.since(first).max(1) as f64;
        last.since(self.last_new) as f64 / whole
    }

    /// Writes a fact into the book.
    pub fn learn(&mut self, ts: Timestamp, fact: &Fact<'_>) {
        let first = self.span.map_or(ts, |(first, _)| first);
        self.span = Some((first, ts));
        let at = match self.place(fact) {
            Some(at) => at,
            None if self.facts.len() >= MOST_FACTS => {
                self.left_out += 1;
                return;
            }
            None => {
                self.last_new = ts;
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

    /// A sentence on how a fact breaks the baseline.
    pub fn explain(&self, fact: &Fact<'_>, broken: Broken) -> String {
        let (actor, what) = (fact.actor, fact.what.to_string());
        let mut text = format!("{actor} {} {what}", fact.aspect.sentence);
        let value = |text: &mut String| {
            if let Some(value) = fact.value {
                let _ = write!(text, " = {}", Short(value));
            }
        };
        match broken {
            Broken::Beyond => {
                value(&mut text);
                let known = self.by_text.get(&line(fact.aspect.name, &actor.to_string(), &what));
                if let Some((low, high)) = known.and_then(|at| self.facts[*at].range) {
                    let _ = write!(text, "; learnt: {} to {}", Short(low), Short(high));
                }
            }
            Broken::New => {
                value(&mut text);
                let others =
                    self.facts.iter().filter(|known| known.aspect == fact.aspect.name && known.what == what);
                let others: Vec<_> = others.map(|known| known.actor.as_str()).take(3).collect();
                match others.as_slice() {
                    [] => text += "; never seen before",
                    known => {
                        let _ = write!(text, "; until now only {} did", known.join(", "));
                    }
                }
            }
        }
        text
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

    /// Reads a book.
    pub fn read(text: &str) -> Result<Self, BookError> {
        let mut book = Self::default();
        for (nth, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| BookError { line: nth + 1, what: what.to_owned() };
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
            let count = rest.first().and_then(|seen| seen.split(' ').nth(1)?.parse().ok()).unwrap_or(1);
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
            return *place;
        }
        let text = line(fact.aspect.name, &fact.actor.to_string(), &fact.what.to_string());
        let place = self.by_text.get(&text).copied();
        if self.by_key.len() >= 2 * MOST_FACTS {
            self.by_key.clear();
        }
        self.by_key.insert(fact.key, place);
        place
    }

    fn enter(&mut self, known: Known, key: Option<u64>) -> usize {
        let at = self.facts.len();
        self.by_text.insert(line(&known.aspect, &known.actor, &known.what), at);
        if let Some(key) = key {
            self.by_key.insert(key, Some(at));
        }
        self.facts.push(known);
        at
    }
}

/// A value without digits that say nothing.
struct Short(f64);

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

const HEAD: &str = "# What this plant does, as Fieldward learnt it. A line is: aspect | actor | what | low..high | seen N times.
# Lines may be added, changed and removed; a removed fact is a finding when it is seen again.
";
/// A plant of 500 devices has a tenth of this.
const MOST_FACTS: usize = 262_144;
/// A range that was only ever one value is taken to be this share of it wide.
const LEAST_RANGE: f64 = 0.05;
