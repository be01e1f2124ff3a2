//! The baseline: what this plant does. Aspects turn what is seen into facts ("10.1.0.2 writes holding
//! register 40 of unit 1 at 10.1.1.4", between 2.6 and 4.0); facts that were not learnt, and values beyond
//! what was learnt, are findings.
//!
//! A fact is known by its text. Beside it stands a number for quick look-up, made by its aspect from the
//! same parts; the text is made only for facts that are new.

mod aspects;
mod book;

use fieldward_shared::time::Timestamp;
use hashbrown::HashMap;

pub use aspects::ASPECTS;
pub use book::{Book, BookError, Known};

use super::{Detector, Finding, Kind};
use crate::flow::Addr;
use crate::frame::{Arp, Frame};
use crate::model::ModelError;
use crate::protocol::ProtocolEvent;
use crate::window::Window;

/// One side of what a plant does.
pub struct Aspect {
    /// Its name in files and findings.
    pub name: &'static str,
    /// The protocol in which it shows.
    pub protocol: &'static str,
    /// How sure a fact that is new is a finding.
    pub confidence: f32,
    /// How much it could hurt.
    pub consequence: f32,
    /// A new fact in words: who, does what.
    pub sentence: &'static str,
    /// How far beyond the learnt range a value may lie, as a share of that range.
    pub margin: f64,
}

/// One thing that was seen.
pub struct Fact<'a> {
    /// Which side of the plant's doings.
    pub aspect: &'static Aspect,
    /// Who.
    pub actor: Addr,
    /// To whom.
    pub target: Option<Addr>,
    /// The same number for the same fact.
    pub key: u64,
    /// What, without the actor: the same text for the same fact.
    pub what: &'a dyn std::fmt::Display,
    /// How much, where that counts.
    pub value: Option<f64>,
}

/// What becomes of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are written into the book.
    Learn,
    /// They are compared with it.
    Watch,
}

/// The detector.
pub struct Baseline {
    book: Book,
    mode: Mode,
    /// What was said already: a fact is a finding once in a while, not with every packet.
    said: HashMap<u64, Timestamp, foldhash::fast::FixedState>,
    state: aspects::State,
}

impl Baseline {
    /// Learns, or compares with what `book` holds.
    pub fn new(book: Book, mode: Mode) -> Self {
        Self { book, mode, said: HashMap::default(), state: aspects::State::default() }
    }

    /// What was learnt.
    pub fn into_book(self) -> Book {
        self.book
    }

    /// What was learnt so far.
    pub const fn book(&self) -> &Book {
        &self.book
    }

    fn judge(
        book: &mut Book,
        mode: Mode,
        said: &mut Said,
        ts: Timestamp,
        fact: &Fact<'_>,
        found: &mut Vec<Finding>,
    ) {
        if mode == Mode::Learn {
            book.learn(ts, fact);
            return;
        }
        let known = book.find(fact);
        let broken = match (known, fact.value) {
            (None, _) => Broken::New,
            (Some(known), Some(value)) if known.is_beyond(value, fact.aspect.margin) => Broken::Beyond,
            _ => return,
        };
        if said.len() >= MOST_SAID {
            said.retain(|_, at| ts.since(*at) < AGAIN);
        }
        let key = fact.key ^ broken as u64;
        if said.get(&key).is_some_and(|at| ts.since(*at) < AGAIN) {
            return;
        }
        said.insert(key, ts);
        let evidence = book.explain(fact, broken);
        found.push(Finding {
            at: ts,
            detector: NAME,
            kind: fact.aspect.name,
            actor: Some(fact.actor),
            target: fact.target,
            protocol: fact.aspect.protocol,
            confidence: fact.aspect.confidence,
            consequence: fact.aspect.consequence,
            evidence,
        });
    }
}

type Said = HashMap<u64, Timestamp, foldhash::fast::FixedState>;

/// How a fact breaks the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It was never seen.
    New = 1,
    /// Its value lies beyond what was seen.
    Beyond = 2,
}

impl Detector for Baseline {
    fn name(&self) -> &'static str {
        NAME
    }

    fn learnt(&self) -> Option<Vec<u8>> {
        (self.mode == Mode::Learn).then(|| self.book.write().into_bytes())
    }

    fn frame(&mut self, ts: Timestamp, frame: &Frame<'_>, found: &mut Vec<Finding>) {
        let Self { book, mode, said, state } = self;
        aspects::frame(state, frame, &mut |fact| Self::judge(book, *mode, said, ts, fact, found));
    }

    fn arp(&mut self, ts: Timestamp, arp: &Arp, found: &mut Vec<Finding>) {
        let Self { book, mode, said, state } = self;
        aspects::arp(state, arp, &mut |fact| Self::judge(book, *mode, said, ts, fact, found));
    }

    fn event(&mut self, event: &ProtocolEvent<'_>, found: &mut Vec<Finding>) {
        let Self { book, mode, said, state } = self;
        aspects::event(state, event, &mut |fact| Self::judge(book, *mode, said, event.ts, fact, found));
    }

    fn second(&mut self, _: u64, _: &Window, _: &mut Vec<Finding>) {}
}

/// Its line among the detectors.
pub const KIND: Kind = Kind {
    name: NAME,
    file: "baseline.txt",
    learn: |_| Box::new(Baseline::new(Book::default(), Mode::Learn)),
    load: |bytes| {
        let text = std::str::from_utf8(bytes).map_err(|error| ModelError::Damaged(error.to_string()))?;
        let book = Book::read(text).map_err(|error| ModelError::Damaged(error.to_string()))?;
        Ok(Box::new(Baseline::new(book, Mode::Watch)))
    },
};
const NAME: &str = "baseline";
/// A fact that goes on is said again after this: microseconds.
const AGAIN: u64 = 60_000_000;
/// Facts of which it is remembered that they were said.
const MOST_SAID: usize = 65_536;
