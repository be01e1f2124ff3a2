//! The baseline: what this plant does. Aspects turn what is seen into facts ("10.1.0.2 writes holding
//! register 40 of unit 1 at 10.1.1.4", between 2.6 and 4.0); facts that were not learnt, and values beyond
//! what was learnt, are findings.
//!
//! A fact is known by its text. Beside it stands a number for quick look-up, made by its aspect from the
//! same parts; the text is made only for facts that are new.

mod aspect;
mod aspects;
mod book;
mod judge;
mod saying;
#[cfg(test)]
mod tests;

use fieldward_shared::time::Timestamp;

pub use aspect::{Aspect, Fact, Unknown};
pub use aspects::ASPECTS;
pub use book::{Book, BookError, Known};
pub use judge::Broken;

use super::{Detector, Finding, Kind};
use crate::frame::{Arp, Frame};
use crate::model::ModelError;
use crate::protocol::ProtocolEvent;
use crate::window::Window;
use saying::Saying;

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
    judge: Judge,
    state: aspects::State,
}

/// Takes facts and says which are findings.
struct Judge {
    book: Book,
    mode: Mode,
    saying: Saying,
}

impl Baseline {
    /// Learns, or compares with what `book` holds.
    pub fn new(book: Book, mode: Mode) -> Self {
        let state = aspects::State::of(&book);
        Self { judge: Judge { book, mode, saying: Saying::default() }, state }
    }

    /// What was learnt.
    pub fn into_book(self) -> Book {
        self.judge.book
    }

    /// What was learnt so far.
    pub const fn book(&self) -> &Book {
        &self.judge.book
    }
}

impl Judge {
    /// Whether the fact is as it should be.
    fn take(&mut self, ts: Timestamp, fact: &Fact<'_>, found: &mut Vec<Finding>) -> bool {
        if self.mode == Mode::Learn {
            self.book.learn(ts, fact);
            return true;
        }
        let Some(broken) = judge::broken(&mut self.book, fact) else { return true };
        let stranger = || !self.book.knows(&fact.actor.to_string());
        let Some(hushed) = self.saying.may_say(ts, fact, broken, stranger) else { return false };
        let mut told = judge::explain(&self.book, fact, broken);
        if hushed > 0 {
            told.evidence += &format!("; {hushed} more like this were not listed");
        }
        found.push(Finding {
            at: ts,
            detector: NAME,
            kind: fact.aspect.name,
            sort: fact.sort,
            about: told.about,
            is_others: told.is_others,
            is_more: fact.aspect.is_volume,
            actor: Some(fact.actor),
            target: fact.target,
            protocol: fact.aspect.protocol,
            confidence: told.confidence,
            consequence: fact.aspect.consequence,
            evidence: told.evidence,
        });
        false
    }
}

impl Detector for Baseline {
    fn name(&self) -> &'static str {
        NAME
    }

    fn learnt(&self) -> Option<Vec<u8>> {
        (self.judge.mode == Mode::Learn && !self.judge.book.is_empty())
            .then(|| self.judge.book.write().into_bytes())
    }

    fn convergence(&self) -> Option<f64> {
        (self.judge.mode == Mode::Learn).then(|| self.judge.book.convergence())
    }

    fn gathers(&self) -> bool {
        self.judge.mode == Mode::Learn
    }

    fn gathered(&self) -> Option<Vec<u8>> {
        (self.judge.mode == Mode::Learn).then(|| self.judge.book.write().into_bytes())
    }

    /// What aspects count within a minute or between two packets begins anew.
    fn resume(&mut self, gathered: &[u8]) -> Result<(), ModelError> {
        let book = read(gathered)?;
        self.state = aspects::State::of(&book);
        self.judge.book = book;
        Ok(())
    }

    fn lesson(&self) -> String {
        let (facts, quiet) = (self.judge.book.len(), self.judge.book.convergence() * 100.0);
        let mut said = format!("{facts} facts, none of them new in the last {quiet:.0} % of the time");
        if quiet < SETTLED {
            said += "; more traffic would teach more";
        }
        if self.judge.book.left_out > 0 {
            said += &format!("; no room for {} more", self.judge.book.left_out);
        }
        said
    }

    fn frame(&mut self, ts: Timestamp, frame: &Frame<'_>, found: &mut Vec<Finding>) {
        let Self { judge, state } = self;
        aspects::frame(state, ts, frame, &mut |fact| judge.take(ts, fact, found));
    }

    fn arp(&mut self, ts: Timestamp, arp: &Arp, found: &mut Vec<Finding>) {
        let Self { judge, state } = self;
        aspects::arp(state, ts, arp, &mut |fact| judge.take(ts, fact, found));
    }

    fn event(&mut self, event: &ProtocolEvent<'_>, found: &mut Vec<Finding>) {
        let Self { judge, state } = self;
        aspects::event(state, event, &mut |fact| judge.take(event.ts, fact, found));
    }

    fn second(&mut self, second: u64, window: &Window, found: &mut Vec<Finding>) {
        let Self { judge, state } = self;
        let ts = Timestamp::from_micros((second + 1) * 1_000_000);
        let heard = window.second(second).traffic.packets > 0;
        aspects::second(state, heard, &mut |fact| judge.take(ts, fact, found));
    }
}

/// Its line among the detectors.
pub const KIND: Kind = Kind {
    name: NAME,
    file: "baseline.txt",
    learn: |_| Box::new(Baseline::new(Book::default(), Mode::Learn)),
    load: |bytes| Ok(Box::new(Baseline::new(read(bytes)?, Mode::Watch))),
};

/// The book in the bytes of a file.
pub fn read(bytes: &[u8]) -> Result<Book, ModelError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ModelError::Damaged(error.to_string()))?;
    Book::read(text).map_err(|error| ModelError::Damaged(error.to_string()))
}

const NAME: &str = "baseline";
/// When nothing was new for less than this share of the time, in percent, learning was too short.
const SETTLED: f64 = 10.0;
