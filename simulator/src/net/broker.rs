//! The broker of a recorded plant: it lives only in the packets that clients would get from it. Live,
//! a real one runs.

use std::collections::BTreeMap;

use super::mqtt::{Inbox, Options, Version, deliver};
use super::packet::{Packet, encode};
use crate::record::{Recorder, Side};

/// The broker.
#[derive(Default)]
pub struct Broker {
    sessions: BTreeMap<String, Session>,
    /// The last retained message of each topic. Bounded: a plant has so many topics, and a stranger who
    /// makes up more finds others gone.
    retained: BTreeMap<String, Vec<u8>>,
}

/// A client that is connected.
pub struct Session {
    client_id: String,
    version: Version,
    line: usize,
    tag: u16,
    filters: Vec<(String, u8)>,
    will: Option<String>,
    id: u16,
    inbox: Inbox,
}

impl Session {
    /// The session of a client that introduced itself on `line`.
    pub fn new(options: &Options, line: usize, tag: u16, inbox: Inbox) -> Self {
        Self {
            client_id: options.client_id.clone(),
            version: options.version,
            line,
            tag,
            filters: Vec::new(),
            will: options.will.clone(),
            id: 0,
            inbox,
        }
    }
}

impl Broker {
    /// A client comes; whoever had its name before is thrown out.
    pub fn joins(&mut self, recorder: &mut Recorder, session: Session, at: u64) {
        let tag = session.tag;
        let will = match self.sessions.insert(session.client_id.clone(), session) {
            Some(old) if recorder.stands(old.line) => {
                let mut at = at + 120;
                if old.version == Version::V5 {
                    let why = encode(old.version, &Packet::Disconnect(0x8e));
                    at = recorder.send(old.line, Side::Server, at, &why, Some(tag.max(old.tag)));
                }
                recorder.close(old.line, Side::Server, at + 100);
                old.will
            }
            _ => None,
        };
        if let Some(topic) = will {
            self.passes_on(recorder, &topic, b"offline", 1, true, at + 900, tag);
        }
    }

    /// A client wants these topics; what was retained for them comes at once.
    pub fn subscribes(
        &mut self,
        recorder: &mut Recorder,
        client: &str,
        line: usize,
        filters: &[(String, u8)],
        at: u64,
    ) {
        let Some(session) = self.sessions.get_mut(client).filter(|session| session.line == line) else {
            return;
        };
        session.filters.extend_from_slice(filters);
        let mut at = at + 150;
        let kept = self.retained.iter().map(|(topic, payload)| (topic.as_str(), payload.as_slice()));
        let own = SYSTEM.iter().map(|(topic, payload)| (*topic, payload.as_bytes()));
        for (topic, payload) in kept.chain(own) {
            if filters.iter().any(|(filter, _)| matches(filter, topic)) {
                let packet = Packet::Publish { topic, payload, qos: 0, retain: true, id: 0 };
                at = recorder.send(line, Side::Server, at, &encode(session.version, &packet), None) + 40;
                deliver(&session.inbox, topic, payload);
            }
        }
    }

    /// A client's connection ends.
    pub fn leaves(&mut self, client: &str, line: usize) {
        if self.sessions.get(client).is_some_and(|session| session.line == line) {
            self.sessions.remove(client);
        }
    }

    /// Everybody is thrown out: the broker restarts. Gives how many there were.
    pub fn restarts(&mut self, recorder: &mut Recorder, mut at: u64) -> usize {
        let sessions = std::mem::take(&mut self.sessions);
        for session in sessions.values() {
            if !recorder.stands(session.line) {
                continue;
            }
            if session.version == Version::V5 {
                at = recorder.send(
                    session.line,
                    Side::Server,
                    at,
                    &encode(session.version, &Packet::Disconnect(0x8b)),
                    None,
                );
            }
            recorder.close(session.line, Side::Server, at + 30);
            at += 90;
        }
        sessions.len()
    }

    /// A message goes to everyone who wants it.
    #[expect(clippy::too_many_arguments, reason = "a message has that many properties")]
    pub fn passes_on(
        &mut self,
        recorder: &mut Recorder,
        topic: &str,
        payload: &[u8],
        qos: u8,
        retain: bool,
        at: u64,
        tag: u16,
    ) {
        if retain {
            if payload.is_empty() {
                self.retained.remove(topic);
            } else {
                self.retained.insert(topic.to_owned(), payload.to_vec());
            }
            if self.retained.len() > MOST_RETAINED {
                self.retained.pop_first();
            }
        }
        let mut at = at;
        for session in self.sessions.values_mut() {
            let wanted = session
                .filters
                .iter()
                .filter(|(filter, _)| matches(filter, topic))
                .map(|(_, qos)| *qos)
                .max();
            let Some(most) = wanted.filter(|_| recorder.stands(session.line)) else { continue };
            let qos = qos.min(most).min(1);
            session.id = if session.id == u16::MAX { 1 } else { session.id + 1 };
            let id = if qos == 0 { 0 } else { session.id };
            let bytes = encode(session.version, &Packet::Publish { topic, payload, qos, retain: false, id });
            let tag = if tag == 0 { session.tag } else { tag };
            let arrival = recorder.send(session.line, Side::Server, at, &bytes, Some(tag));
            if qos == 1 {
                recorder.send(
                    session.line,
                    Side::Client,
                    arrival + 180,
                    &encode(session.version, &Packet::PubAck(id)),
                    Some(tag),
                );
            }
            deliver(&session.inbox, topic, payload);
            at += 35;
        }
    }
}

/// Filters that begin with a wildcard do not match topics that begin with `$` (MQTT 5.0, 4.7.2).
fn matches(filter: &str, topic: &str) -> bool {
    match (filter.strip_prefix('$'), topic.strip_prefix('$')) {
        (Some(filter), Some(topic)) => rumqttc::mqttbytes::matches(topic, filter),
        (None, None) => rumqttc::mqttbytes::matches(topic, filter),
        _ => false,
    }
}

/// What the broker tells of itself.
const SYSTEM: &[(&str, &str)] = &[
    ("$SYS/broker/version", "fieldbroker 2.0.18"),
    ("$SYS/broker/uptime", "1839203 seconds"),
    ("$SYS/broker/clients/connected", "17"),
    ("$SYS/broker/messages/received", "40913822"),
    ("$SYS/broker/subscriptions/count", "23"),
];
/// The most retained messages.
const MOST_RETAINED: usize = 4096;
