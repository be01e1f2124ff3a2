//! Decoders that wait for their next flow, and what becomes of those that panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::protocol::{DECODERS, Decoder};

/// Decoders that wait for their next flow.
#[derive(Default)]
pub struct Pool {
    spare: Vec<Vec<Box<dyn Decoder>>>,
    /// How often a decoder of each protocol panicked.
    panics: Vec<u8>,
}

impl Pool {
    /// A decoder of the protocol at an index of the registry.
    pub fn take(&mut self, service: usize) -> Option<Box<dyn Decoder>> {
        let protocol = DECODERS.get(service)?;
        if self.panics.get(service).is_some_and(|panics| *panics >= MOST_PANICS) {
            return None;
        }
        Some(self.spare.get_mut(service).and_then(Vec::pop).unwrap_or_else(protocol.decoder))
    }

    /// Takes a decoder back.
    pub fn give_back(&mut self, service: usize, mut decoder: Box<dyn Decoder>) {
        if self.spare.len() <= service {
            self.spare.resize_with(DECODERS.len(), Vec::new);
        }
        if let Some(spare) = self.spare.get_mut(service).filter(|spare| spare.len() < MOST_SPARE) {
            decoder.reset();
            spare.push(decoder);
        }
    }
}

impl Pool {
    /// A decoder has panicked. When others of its protocol did so before, nobody reads that any more.
    pub fn panicked(&mut self, service: usize) {
        self.panics.resize(DECODERS.len().max(self.panics.len()), 0);
        let Some(panics) = self.panics.get_mut(service) else { return };
        *panics = panics.saturating_add(1);
        let protocol = DECODERS.get(service).map_or("", |protocol| protocol.name);
        if *panics == MOST_PANICS {
            tracing::error!(
                protocol,
                "its decoder panicked {MOST_PANICS} times; it is not read until a restart"
            );
        } else {
            tracing::error!(protocol, "its decoder panicked; the flow is not read any more");
        }
    }
}

/// Lets a decoder work. No byte may make it panic, and should one do so all the same, it ends its flow and not
/// the watch.
pub fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Most decoders kept for later per protocol.
const MOST_SPARE: usize = 4096;
/// So many panics of a protocol's decoders are no accident.
const MOST_PANICS: u8 = 3;
