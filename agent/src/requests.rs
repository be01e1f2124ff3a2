//! Web requests by endpoint, minute by minute of packet time: how many, how they were answered, how long that
//! took. Counts only: of a target its pattern is kept, and no value. Tables are made once; an endpoint for
//! which there is no room counts as one of all others.

use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};

use fieldward_shared::pattern::Pattern;
use fieldward_shared::telemetry::{ENDPOINTS, EndpointCounts, RequestMinute, method};
use fieldward_shared::time::Timestamp;

use crate::flow::{Addr, Transport};
use crate::protocol::{ProtocolEvent, Value};

mod waiting;

use waiting::{Asked, Waiting};

/// Counts them.
pub struct Requests {
    /// The minute that is counted.
    minute: Option<u64>,
    table: Table,
    /// The minute before, until it is taken.
    over: Option<u64>,
    before: Table,
    waiting: Waiting,
}

type Table = std::collections::HashMap<Key, Counts, foldhash::fast::FixedState>;

/// An endpoint, and how it answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    server: Addr,
    method: &'static str,
    path: Pattern,
    status: u8,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    requests: u64,
    errors: u64,
    bytes: u64,
    answered: u64,
    micros: u64,
    most_micros: u64,
}

impl Default for Requests {
    fn default() -> Self {
        let table = || Table::with_capacity_and_hasher(ENDPOINTS + 1, foldhash::fast::FixedState::default());
        Self { minute: None, table: table(), over: None, before: table(), waiting: Waiting::default() }
    }
}

impl Requests {
    /// Time goes on: this second is counted from here on.
    pub fn pass(&mut self, second: u64) {
        let minute = second / 60;
        if self.minute.is_some_and(|now| now != minute) {
            self.close();
        }
        self.minute = Some(minute);
    }

    /// The capture is over, and with it the minute.
    pub fn finish(&mut self) {
        if self.minute.is_some() {
            self.close();
            self.minute = None;
        }
    }

    /// The last minute that is over; once.
    pub fn take(&mut self, facility: &str) -> Option<RequestMinute> {
        let minute = self.over.take()?;
        let mut rows: Vec<(&Key, &Counts)> = self.before.iter().collect();
        // The table has no order of its own.
        rows.sort_unstable_by_key(|(key, _)| **key);
        Some(RequestMinute {
            timestamp: Timestamp::from_micros(minute.saturating_mul(60_000_000)),
            facility_id: facility.to_owned(),
            endpoints: rows.into_iter().map(|(key, counts)| counts.of(key)).collect(),
        })
    }

    /// An event of whatever kind.
    pub fn event(&mut self, event: &ProtocolEvent<'_>) {
        match event.proto {
            // What devices announce by UDP asks for no page.
            "http" if event.flow.transport == Transport::Tcp => match event.get("kind") {
                Some(Value::Str("request")) => self.request(event),
                Some(Value::Str("response")) => self.response(event),
                _ => {}
            },
            "conn" => {
                while let Some(asked) = self.waiting.pop(event.flow.id) {
                    self.count(&asked, UNANSWERED, None);
                }
                self.waiting.forget(event.flow.id);
            }
            _ => {}
        }
    }

    fn request(&mut self, event: &ProtocolEvent<'_>) {
        let text = |name| match event.get(name) {
            Some(Value::Text(text)) => *text,
            _ => &[][..],
        };
        let asked = Asked {
            at: event.ts,
            server: event.dst().addr,
            method: method(text("method")),
            path: Pattern::of(text("uri")),
            bytes: body(event),
        };
        if !self.waiting.push(event.flow.id, asked) {
            // Nobody will know how it was answered.
            self.count(&asked, OTHERWISE, None);
        }
    }

    fn response(&mut self, event: &ProtocolEvent<'_>) {
        // Interim answers, and those whose request was not seen, have none.
        let Some(Value::Span(took)) = event.get("rtt") else { return };
        let since = Timestamp::from_micros(event.ts.as_micros().saturating_sub(*took));
        // A hole in the capture may have swallowed the answers of those before.
        while self.waiting.is_later_one_since(event.flow.id, since) {
            if let Some(stale) = self.waiting.pop(event.flow.id) {
                self.count(&stale, UNANSWERED, None);
            }
        }
        if let Some(mut asked) = self.waiting.pop(event.flow.id) {
            asked.bytes = asked.bytes.saturating_add(body(event));
            let status = event.get("status").and_then(Value::number).unwrap_or_default() / 100;
            let status = u8::try_from(status).ok().filter(|class| (1..=5).contains(class));
            self.count(&asked, status.unwrap_or(OTHERWISE), Some(*took));
        }
    }

    fn count(&mut self, asked: &Asked, status: u8, took: Option<u64>) {
        if self.minute.is_none() {
            return;
        }
        let Asked { server, method, path, .. } = *asked;
        let key = Key { server, method, path, status };
        let is_full = self.table.len() >= ENDPOINTS;
        let counts = match self.table.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) if !is_full => free.insert(Counts::default()),
            Entry::Vacant(_) => self.table.entry(OTHERS).or_default(),
        };
        counts.requests += 1;
        counts.errors += u64::from(matches!(status, 4 | 5));
        counts.bytes = counts.bytes.saturating_add(asked.bytes);
        if let Some(took) = took {
            counts.answered += 1;
            counts.micros = counts.micros.saturating_add(took);
            counts.most_micros = counts.most_micros.max(took);
        }
    }

    /// The minute is over. One before it that nobody took is let go: nobody wants them.
    fn close(&mut self) {
        std::mem::swap(&mut self.table, &mut self.before);
        self.table.clear();
        self.over = self.minute;
    }
}

impl Counts {
    fn of(&self, key: &Key) -> EndpointCounts {
        let is_other = *key == OTHERS;
        EndpointCounts {
            server: if is_other { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { key.server.ip() },
            method: key.method,
            path: key.path,
            status: key.status,
            requests: self.requests,
            errors: self.errors,
            bytes: self.bytes,
            answered: self.answered,
            micros: self.micros,
            most_micros: self.most_micros,
        }
    }
}

fn body(event: &ProtocolEvent<'_>) -> u64 {
    event.get("body_len").and_then(Value::number).unwrap_or_default()
}

/// No answer was seen until the connection ended.
const UNANSWERED: u8 = 0;
/// An answer of no class, or one that cannot be told.
const OTHERWISE: u8 = 6;
/// All for which there is no room.
const OTHERS: Key =
    Key { server: Addr::v6([0; 16]), method: "OTHER", path: Pattern::OTHER, status: OTHERWISE };

#[cfg(test)]
mod tests;
