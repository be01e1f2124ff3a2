//! Requests that wait for their response: what kind they are, and since when.
//!
//! Responses come in the order of their requests (RFC 9112 section 9.3.2). The queue is bounded;
//! requests beyond it are only counted, so that those after them are not matched wrongly.

use std::collections::VecDeque;

use fieldward_shared::time::Timestamp;

/// What of a request its response depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Connect,
    Head,
    Other,
}

impl Asked {
    pub(super) fn of(method: &[u8]) -> Self {
        match method {
            b"CONNECT" => Self::Connect,
            b"HEAD" => Self::Head,
            _ => Self::Other,
        }
    }
}

#[derive(Default)]
pub(super) struct Pending {
    queue: VecDeque<(Asked, Timestamp)>,
    /// Requests after those in the queue.
    beyond: u64,
    ever: bool,
}

impl Pending {
    pub(super) fn push(&mut self, asked: Asked, ts: Timestamp) {
        self.ever = true;
        if self.beyond > 0 || self.queue.len() >= MOST {
            self.beyond = self.beyond.saturating_add(1);
        } else {
            self.queue.push_back((asked, ts));
        }
    }

    /// The request that is answered next.
    pub(super) fn pop(&mut self) -> Option<(Asked, Timestamp)> {
        let request = self.queue.pop_front();
        if request.is_none() {
            self.beyond = self.beyond.saturating_sub(1);
        }
        request
    }

    /// The newest request that was kept.
    pub(super) fn last(&self) -> Option<Asked> {
        self.queue.back().map(|(asked, _)| *asked)
    }

    /// Whether a request was seen in this flow at all.
    pub(super) const fn ever(&self) -> bool {
        self.ever
    }

    /// Forgets the requests: nobody knows which of them were answered.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.beyond = 0;
    }

    pub(super) fn reset(&mut self) {
        self.clear();
        self.ever = false;
    }
}

/// As many as others keep too; browsers pipeline fewer than ten.
const MOST: usize = 100;
