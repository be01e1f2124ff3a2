//! Between bytes in order and a decoder: keeps unfinished messages, passes over what nobody reads,
//! carries the decoder across holes.
//!
//! One feed per direction. Bytes are handed through without a copy while messages end where
//! segments end; only the unfinished rest is kept, never more than the protocol's `most_held`.

use crate::flow::Direction;
use crate::protocol::{Context, Decoder, Resume, Search, Then};

/// The state of one direction of a decoded flow.
#[derive(Debug, Default)]
pub struct Feed {
    /// The beginning of an unfinished message.
    held: Vec<u8>,
    /// The decoder asked not to be called before this many bytes are held.
    need: usize,
    /// Bytes still to come that the decoder has no use for.
    pass: u64,
    /// Out of step: the decoder looks for the next message.
    lost: bool,
}

/// What became of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The flow changes its protocol here; unread bytes are still held.
    Change(Option<&'static str>),
    /// Read, or kept for later.
    Going,
    /// Not this protocol after all.
    Leave,
    /// More than `most_held` bytes without an end of message; they were dropped.
    Overfull,
}

impl Feed {
    /// How many bytes are held.
    pub const fn held(&self) -> usize {
        self.held.len()
    }

    /// The decoder has to look for a beginning before it reads on.
    pub const fn lose(&mut self) {
        self.lost = true;
    }

    /// Takes over bytes that were held before a decoder was chosen.
    pub fn hold(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Gives what is held to the caller; from now on `held` is.
    pub const fn replace_held(&mut self, held: Vec<u8>) -> Vec<u8> {
        std::mem::replace(&mut self.held, held)
    }

    /// The next bytes in order.
    pub fn bytes(
        &mut self,
        from: Direction,
        bytes: &[u8],
        most_held: usize,
        decoder: &mut dyn Decoder,
        ctx: &mut Context<'_>,
    ) -> Outcome {
        let bytes = self.pass_over(bytes);
        if self.held.is_empty() {
            let (used, outcome) = self.offer(from, bytes, decoder, ctx);
            self.held.extend_from_slice(bytes.get(used..).unwrap_or_default());
            return self.check(outcome, most_held);
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() < self.need {
            return Outcome::Going;
        }
        let mut held = std::mem::take(&mut self.held);
        let (used, outcome) = self.offer(from, &held, decoder, ctx);
        held.drain(..used.min(held.len()));
        // One long message must not pin its memory for the life of the flow.
        if held.is_empty() && held.capacity() > USUAL_CAPACITY {
            held = Vec::new();
        }
        self.held = held;
        self.check(outcome, most_held)
    }

    /// `missing` bytes will never come.
    pub fn gap(&mut self, from: Direction, missing: u64, decoder: &mut dyn Decoder, ctx: &mut Context<'_>) {
        let unread = missing.saturating_sub(self.pass);
        self.pass = self.pass.saturating_sub(missing);
        if unread == 0 || self.lost {
            self.held.clear();
            return;
        }
        match decoder.gap(from, &self.held, unread, ctx) {
            Resume::After(pass) => self.pass = pass,
            Resume::Search => self.lost = true,
        }
        self.held.clear();
        self.need = 0;
    }

    /// Nothing more will come.
    pub fn end(&mut self, from: Direction, decoder: &mut dyn Decoder, ctx: &mut Context<'_>) {
        decoder.end(from, if self.lost { &[] } else { &self.held }, ctx);
        self.reset();
    }

    /// Back to new; a buffer of usual size stays for the next flow.
    pub fn reset(&mut self) {
        self.held.clear();
        self.held.shrink_to(USUAL_CAPACITY);
        self.need = 0;
        self.pass = 0;
        self.lost = false;
    }

    fn pass_over<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if self.pass == 0 {
            return bytes;
        }
        let passed = usize::try_from(self.pass).unwrap_or(usize::MAX).min(bytes.len());
        self.pass = self.pass.saturating_sub(passed as u64);
        bytes.get(passed..).unwrap_or_default()
    }

    /// Lets the decoder read; returns how many of the bytes are done with.
    fn offer(
        &mut self,
        from: Direction,
        bytes: &[u8],
        decoder: &mut dyn Decoder,
        ctx: &mut Context<'_>,
    ) -> (usize, Outcome) {
        let mut at = 0_usize;
        self.need = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return (at, Outcome::Going);
            }
            if self.lost {
                match decoder.resync(from, rest, ctx) {
                    Search::At(found) => {
                        at = at.saturating_add(found);
                        self.lost = false;
                        continue;
                    }
                    Search::Nothing { discard } => {
                        return (at.saturating_add(discard.min(rest.len())), Outcome::Going);
                    }
                }
            }
            let progress = decoder.data(from, rest, ctx);
            let here = usize::try_from(progress.used).unwrap_or(usize::MAX).min(rest.len());
            self.pass = progress.used.saturating_sub(here as u64);
            at = at.saturating_add(here);
            match progress.then {
                Then::Change(name) => return (at, Outcome::Change(name)),
                Then::Leave => return (bytes.len(), Outcome::Leave),
                Then::More(need) => {
                    self.need = need;
                    return (at, Outcome::Going);
                }
                // A search that began where it stopped would find the same bytes again.
                Then::Search => {
                    at = at.saturating_add(usize::from(here == 0));
                    self.lost = true;
                }
            }
        }
    }

    fn check(&mut self, outcome: Outcome, most_held: usize) -> Outcome {
        if self.held.len() <= most_held {
            return outcome;
        }
        self.held.clear();
        self.need = 0;
        self.lost = true;
        Outcome::Overfull
    }
}

/// Buffers up to this size are kept for use again.
const USUAL_CAPACITY: usize = 4096;
