//! What a capture holds, counted while it was made: the yardstick for every decoder.
//!
//! Counts have names such as `modbus.request.fc3`. `modbus` alone is the number of messages;
//! `modbus.malformed`, where it stands, how many of them are rightly framed and wrong in content;
//! `modbus.odd` how many pieces come on top that a decoder may tell or pass over, since their very
//! frame is wrong or cut. Lists have the name of an event field, such as `modbus.func` (of which the
//! high bit of an exception is taken away), and its value in each event that has it, in order;
//! `mqtt.connect.client_id` speaks of CONNECT alone. Where `tcp.lost` stands, only the order within a
//! direction counts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Counts and lists by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    counts: BTreeMap<String, u64>,
    lists: BTreeMap<String, Vec<Value>>,
    /// First to last packet.
    pub(super) micros: u64,
}

impl Truth {
    /// Counts one more `key`.
    pub fn one(&mut self, key: &str) {
        self.add(key, 1);
    }

    /// Counts `count` more of `key`.
    pub fn add(&mut self, key: &str, count: u64) {
        match self.counts.get_mut(key) {
            Some(sum) => *sum += count,
            None => {
                self.counts.insert(key.to_owned(), count);
            }
        }
    }

    /// Counts a message, once under its name and once under its kind: `dns.query`, `dns.query.type1`.
    pub fn message(&mut self, name: &str, kind: impl std::fmt::Display) {
        self.one(name);
        self.one(&format!("{name}.{kind}"));
    }

    /// How many `key` there are.
    pub fn count(&self, key: &str) -> u64 {
        self.counts.get(key).copied().unwrap_or_default()
    }

    /// The values that the field `key` (`modbus.func`) has in one event after the other.
    pub fn list<V: Into<Value>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        self.lists.entry(key.to_owned()).or_default().extend(values.into_iter().map(Into::into));
    }

    /// Every list by the name of its field.
    pub const fn lists(&self) -> &BTreeMap<String, Vec<Value>> {
        &self.lists
    }

    /// Gives each protocol its number of messages, from the counts by kind unless it was said.
    pub(super) fn total(&mut self) {
        for protocol in PROTOCOLS {
            if self.counts.contains_key(protocol) {
                continue;
            }
            let sum = self.counts.iter().filter(|(key, _)| is_message(key, protocol)).map(|(_, n)| n).sum();
            self.counts.insert(protocol.to_owned(), sum);
        }
    }

    /// As written beside the capture.
    pub fn json(&self) -> Value {
        let mut all: Map<_, _> =
            self.counts.iter().map(|(key, count)| (key.clone(), (*count).into())).collect();
        all.extend(self.lists.iter().map(|(key, list)| (key.clone(), list.clone().into())));
        all.insert("seconds".to_owned(), (self.micros as f64 / 1e6).into());
        Value::Object(all)
    }
}

/// The protocols whose messages are counted.
pub const PROTOCOLS: [&str; 4] = ["dns", "http", "modbus", "mqtt"];

/// `modbus.request` is a message; `modbus.exception` and `modbus.request.fc3` say more about one.
fn is_message(key: &str, protocol: &str) -> bool {
    let Some(kind) = key.strip_prefix(protocol).and_then(|rest| rest.strip_prefix('.')) else { return false };
    match protocol {
        "mqtt" => !kind.contains('.'),
        _ => matches!(kind, "query" | "request" | "response"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_count_each_message_once() {
        let mut truth = Truth::default();
        truth.message("modbus.request", "fc3");
        truth.one("modbus.response");
        truth.message("modbus.exception", 2);
        truth.message("mqtt.publish", "qos0");
        truth.add("http", 5);
        truth.one("http.request");
        truth.total();
        assert_eq!(PROTOCOLS.map(|protocol| truth.count(protocol)), [0, 5, 2, 1]);
    }
}
