//! Detectors: from what was seen to findings.
//!
//! A detector is one file and its line in [`DETECTORS`] or, if it needs no learning, in [`INNATE`]. One
//! of the former learns from normal traffic, is kept in a file, and then watches. A detector sees frames,
//! events and closed seconds in packet time, and says what is not as it should be, with the numbers that
//! show it.

pub mod autoencoder;
pub mod baseline;
pub mod drift;
pub mod forest;
pub mod mean;
pub mod minutes;
pub mod rarity;
pub mod subspace;
#[cfg(test)]
mod tests;
pub mod threshold;
pub mod web;

use std::sync::Arc;

use fieldward_shared::time::Timestamp;

use crate::flow::Addr;
use crate::frame::{Arp, Frame};
use crate::model::ModelError;
use crate::protocol::ProtocolEvent;
use crate::window::Window;

/// Every detector that learns.
pub static DETECTORS: &[Kind] =
    &[baseline::KIND, rarity::KIND, subspace::KIND, mean::KIND, drift::KIND, autoencoder::KIND];

/// Every detector that knows what to look for without having learnt.
pub static INNATE: &[fn() -> Watcher] = &[web::new];

/// A kind of detector that learns.
pub struct Kind {
    /// Its name in findings.
    pub name: &'static str,
    /// Its file in a model directory.
    pub file: &'static str,
    /// One that learns; chance is derived from the seed.
    pub learn: fn(seed: u64) -> Box<dyn Detector>,
    /// One that watches, from the bytes of its file.
    pub load: fn(&[u8]) -> Result<Watcher, ModelError>,
}

/// A detector that watches.
pub type Watcher = Box<dyn Detector>;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// When it was seen.
    pub at: Timestamp,
    /// Which detector says so.
    pub detector: &'static str,
    /// What kind of thing it is: a stable word.
    pub kind: &'static str,
    /// What sort of that kind, where there are several: a stable word.
    pub sort: &'static str,
    /// The same number for the same thing, whoever does it.
    pub about: u64,
    /// It is known here, but of others.
    pub is_others: bool,
    /// More of what goes on, and no other thing that begins.
    pub is_more: bool,
    /// Who did it, as far as known.
    pub actor: Option<Addr>,
    /// To whom.
    pub target: Option<Addr>,
    /// In which protocol.
    pub protocol: &'static str,
    /// How sure, from 0 to 1.
    pub confidence: f32,
    /// How much it could hurt, from 0 to 1.
    pub consequence: f32,
    /// A sentence with the numbers.
    pub evidence: String,
}

impl Finding {
    /// One about the plant as a whole.
    pub const fn of_plant(
        at: Timestamp,
        detector: &'static str,
        kind: &'static str,
        confidence: f32,
        evidence: String,
    ) -> Self {
        let (actor, target, protocol, consequence) = (None, None, "ip", 0.3);
        let (sort, about, is_others, is_more) = ("", 0, false, false);
        Self {
            at,
            detector,
            kind,
            sort,
            about,
            is_others,
            is_more,
            actor,
            target,
            protocol,
            confidence,
            consequence,
            evidence,
        }
    }
}

/// Looks for something.
pub trait Detector: Send {
    /// Its name in findings and files.
    fn name(&self) -> &'static str;

    /// The bytes of its file, from what it has learnt; none from one that watches.
    fn learnt(&self) -> Option<Vec<u8>> {
        None
    }

    /// What it has learnt so far, or what it lacked, in words with numbers; from one that learns.
    fn lesson(&self) -> String {
        String::new()
    }

    /// For how long nothing was new, as a share of the time learnt from; from one that learns and knows.
    fn convergence(&self) -> Option<f64> {
        None
    }

    /// Whether it learns and does not watch yet.
    fn gathers(&self) -> bool {
        false
    }

    /// What one that learns has gathered so far, to go on after a restart.
    fn gathered(&self) -> Option<Vec<u8>> {
        None
    }

    /// Goes on with what was gathered before a restart.
    fn resume(&mut self, _gathered: &[u8]) -> Result<(), ModelError> {
        Ok(())
    }

    /// Its error of the last day, and what it was; from one that watches and knows.
    fn error(&self) -> Option<minutes::Error> {
        None
    }

    /// How far features have moved from what was learnt, the furthest first; from one that watches and knows.
    fn drift(&self) -> Option<Arc<[drift::Moved]>> {
        None
    }

    /// A frame.
    fn frame(&mut self, _ts: Timestamp, _frame: &Frame<'_>, _found: &mut Vec<Finding>) {}

    /// Someone says which network card has which address.
    fn arp(&mut self, _ts: Timestamp, _arp: &Arp, _found: &mut Vec<Finding>) {}

    /// An event.
    fn event(&mut self, _event: &ProtocolEvent<'_>, _found: &mut Vec<Finding>) {}

    /// A second is over; the window holds it.
    fn second(&mut self, _second: u64, _window: &Window, _found: &mut Vec<Finding>) {}
}
