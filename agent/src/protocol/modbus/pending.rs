//! Requests that wait for their response.
//!
//! A response belongs to the oldest request of the same transaction id, unit and function. Many
//! masters count no transactions (the id is always 0) and poll one by one; there, a response that
//! never came must not shift all later pairs by one. So a request that uses a key again drops the
//! older one when that has waited eight times as long as responses take, or when its response may lie in
//! a hole. At most 64 wait, the oldest makes room; after 5 s of packet time none is waited for.

use std::collections::VecDeque;

use fieldward_shared::time::Timestamp;

use super::request::Asked;

/// What pairs a response with its request: transaction id, unit and function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) struct Key {
    /// Transaction id; 0 where the framing has none.
    pub tid: u16,
    /// Unit id.
    pub unit: u8,
    /// Function, without the bit that marks exceptions.
    pub func: u8,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    key: Key,
    asked: Asked,
    since: Timestamp,
    /// A hole in the responses came after it.
    doubtful: bool,
}

/// The requests of one flow that wait.
#[derive(Debug)]
pub(in crate::protocol) struct Pending {
    waiting: VecDeque<Waiting>,
    /// About the longest that responses take lately, in microseconds.
    usual: Option<u64>,
}

impl Default for Pending {
    fn default() -> Self {
        Self { waiting: VecDeque::with_capacity(MOST), usual: None }
    }
}

impl Pending {
    /// A request was seen.
    #[inline]
    pub(in crate::protocol) fn ask(&mut self, key: Key, asked: Asked, now: Timestamp) {
        if !self.waiting.is_empty() {
            self.make_room(key, now);
        }
        self.waiting.push_back(Waiting { key, asked, since: now, doubtful: false });
    }

    #[inline(never)]
    fn make_room(&mut self, key: Key, now: Timestamp) {
        while self.waiting.front().is_some_and(|oldest| now.since(oldest.since) > EXPIRY) {
            self.waiting.pop_front();
        }
        let lost = self.usual.map_or(PATIENCE_AT_FIRST, |usual| usual.saturating_mul(8).max(LEAST_PATIENCE));
        let given_up = |one: &Waiting| one.key == key && (one.doubtful || now.since(one.since) > lost);
        if let Some(at) = self.waiting.iter().position(given_up) {
            self.waiting.remove(at);
        }
        if self.waiting.len() >= MOST {
            self.waiting.pop_front();
        }
    }

    /// The request that a response answers, and how many microseconds it waited. Of several with the
    /// same key it is the oldest that `fits`.
    #[inline]
    pub(in crate::protocol) fn answer(
        &mut self,
        key: Key,
        now: Timestamp,
        fits: impl Fn(&Asked) -> bool,
    ) -> Option<(Asked, u64)> {
        let found = if self.waiting.len() == 1 && self.waiting.front()?.key == key {
            self.waiting.pop_front()?
        } else {
            self.search(key, now, fits)?
        };
        let waited = now.since(found.since);
        if waited > EXPIRY {
            return None;
        }
        let usual = self.usual.unwrap_or_default();
        self.usual = Some(waited.max(usual.saturating_sub(usual / 8)));
        Some((found.asked, waited))
    }

    #[inline(never)]
    fn search(&mut self, key: Key, now: Timestamp, fits: impl Fn(&Asked) -> bool) -> Option<Waiting> {
        while self.waiting.front().is_some_and(|oldest| now.since(oldest.since) > EXPIRY) {
            self.waiting.pop_front();
        }
        let first = self.waiting.iter().position(|one| one.key == key)?;
        let fitting = self.waiting.iter().skip(first).position(|one| one.key == key && fits(&one.asked));
        self.waiting.remove(first.saturating_add(fitting.unwrap_or(0)))
    }

    /// A request of this transaction and unit waits, and asks for another function.
    pub(in crate::protocol) fn contradicts(&self, key: Key) -> bool {
        let same = |one: &&Waiting| one.key.tid == key.tid && one.key.unit == key.unit;
        let mut others = self.waiting.iter().filter(same).peekable();
        others.peek().is_some() && others.all(|one| !one.doubtful && one.key.func != key.func)
    }

    /// A request with this key waits.
    pub(in crate::protocol) fn waits(&self, key: Key) -> bool {
        self.waiting.iter().any(|one| one.key == key)
    }

    /// Responses may have been lost.
    pub(in crate::protocol) fn doubt(&mut self) {
        self.waiting.iter_mut().for_each(|one| one.doubtful = true);
    }

    /// Nothing waits, nothing is known.
    pub(in crate::protocol) fn clear(&mut self) {
        self.waiting.clear();
        self.usual = None;
    }
}

/// The most requests that wait in one flow; the standard lets a server have 16 open (Messaging on
/// TCP/IP, 4.2.1).
const MOST: usize = 64;

/// How long a request is waited for, in microseconds.
const EXPIRY: u64 = 5_000_000;

/// How long a request stands against one with the same key before any response told how long they
/// take, in microseconds.
const PATIENCE_AT_FIRST: u64 = 1_000_000;

/// The same with fast responses, in microseconds.
const LEAST_PATIENCE: u64 = 50_000;
