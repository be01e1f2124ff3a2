//! What replicas tell each other, and how it is sealed: whoever can write to Redis and does not have the key
//! that all replicas share can hold messages up, but not make any. Every message is a hint; what there is
//! says the database.

use std::net::IpAddr;

use aws_lc_rs::hmac;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::fleet::{Presence, Standing};

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// A sign of life.
    Here,
    /// Alerts that have changed: their ids.
    Alerts(Vec<u128>),
    /// Agents that have a session with the one who tells it, or had one.
    Standings(Vec<AgentHint>),
    /// What was taken from limits.
    Spent(Vec<Spent>),
    /// An answer that is kept in Redis, and told to nobody.
    Kept {
        /// What was asked.
        key: String,
        /// By which it holds.
        generation: u128,
        /// When it was made, in microseconds.
        made: u64,
        /// The answer.
        body: Vec<u8>,
    },
    /// Words of somebody who listens, for the others.
    Words(Words),
    /// A ticket for a socket was given out.
    Ticket {
        /// SHA-256 of it.
        digest: [u8; 32],
        /// Whose it is: JSON.
        holder: String,
    },
    /// A ticket was used.
    TicketUsed([u8; 32]),
    /// A question for an agent of the one who is told it.
    Ask {
        /// By which the answer is known.
        number: u64,
        /// Which agent.
        agent: Uuid,
        /// See [`wire::Question`].
        question: i32,
        /// What about.
        about: String,
    },
    /// The answer.
    Answer {
        /// Of which question.
        number: u64,
        /// A frame of [`wire::Answer`], and what its features are called; or why there is none.
        answer: Result<(Vec<u8>, Vec<String>), String>,
    },
}

/// What was taken from a limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Spent {
    /// Requests of an address.
    Address(IpAddr, u32),
    /// Requests of a user or (true) a key.
    Principal(Uuid, bool, u32),
    /// Passwords from an address.
    Password(IpAddr, u32),
}

/// Words of somebody who listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// About which plant; none: for those who see all.
    pub facility: Option<String>,
    /// JSON.
    pub data: String,
}

/// A standing of an agent, as one replica tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentHint {
    agent: Uuid,
    facility: String,
    presence: u8,
    last_seen: u64,
    since: u64,
    address: Option<IpAddr>,
    is_quic: bool,
    release: String,
    schema: u64,
    clock_offset: Option<i64>,
    round_trip: Option<u64>,
    /// A frame of [`wire::Health`].
    health: Vec<u8>,
    duplicates: u64,
    contradicted: u64,
}

impl AgentHint {
    /// What is told of a standing. Its traffic and the names of its features stay where they are.
    pub fn of(standing: &Standing) -> Self {
        let health = standing.health.clone().map(|health| wire::Message::from(health).frame());
        Self {
            agent: standing.agent,
            facility: standing.facility.clone(),
            presence: match standing.presence {
                Presence::Connected => 2,
                Presence::Delayed => 1,
                Presence::Offline => 0,
            },
            last_seen: standing.last_seen.as_micros(),
            since: standing.since.as_micros(),
            address: standing.address,
            is_quic: standing.way == "quic",
            release: standing.release.clone(),
            schema: standing.schema,
            clock_offset: standing.clock_offset,
            round_trip: standing.round_trip,
            health: health.and_then(Result::ok).map(|frame| frame.to_vec()).unwrap_or_default(),
            duplicates: standing.duplicates,
            contradicted: standing.contradicted,
        }
    }

    /// The standing, at a replica.
    pub fn standing(self, replica: Uuid) -> Standing {
        let health = match unframe(&self.health) {
            Some(wire::Message::Health(health)) => Some(health),
            _ => None,
        };
        Standing {
            agent: self.agent,
            facility: self.facility,
            presence: match self.presence {
                0 => Presence::Offline,
                1 => Presence::Delayed,
                _ => Presence::Connected,
            },
            last_seen: Timestamp::from_micros(self.last_seen),
            since: Timestamp::from_micros(self.since),
            address: self.address,
            way: if self.is_quic { "quic" } else { "tcp" },
            release: self.release,
            schema: self.schema,
            features: [].into(),
            clock_offset: self.clock_offset,
            round_trip: self.round_trip,
            health,
            traffic: None,
            duplicates: self.duplicates,
            contradicted: self.contradicted,
            replica: Some(replica),
        }
    }
}

/// The message of a frame.
pub fn unframe(frame: &[u8]) -> Option<wire::Message> {
    let (head, body) = frame.split_first_chunk()?;
    let (kind, _) = wire::head(*head).ok()?;
    wire::Message::read(kind, body).ok()
}

/// Seals messages, and opens those that others have sealed with the same key.
#[derive(Clone, Debug)]
pub struct Seal(hmac::Key);

/// What came.
#[derive(Debug, PartialEq)]
pub struct Opened {
    /// From which replica.
    pub from: Uuid,
    /// When it was sealed, by the clock of that one.
    pub at: Timestamp,
    /// It.
    pub message: Message,
}

impl Seal {
    /// With a key.
    pub fn of(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// A name that only those share who have the key: several deployments may use one Redis.
    pub fn name(&self) -> String {
        let tag = hmac::sign(&self.0, b"the name of the channel");
        fieldward_shared::identity::to_hex(&tag.as_ref()[..8])
    }

    /// A sealed message; none of one that is too large.
    pub fn seal(&self, from: Uuid, at: Timestamp, message: &Message) -> Option<Vec<u8>> {
        let body = postcard::to_stdvec(&(from, at.as_micros(), message)).ok()?;
        let mut sealed = vec![VERSION];
        sealed.extend(hmac::sign(&self.0, &body).as_ref());
        sealed.extend(body);
        (sealed.len() <= LARGEST).then_some(sealed)
    }

    /// What was sealed; none of what is not ours, or of another version.
    pub fn open(&self, sealed: &[u8]) -> Option<Opened> {
        let (version, rest) = sealed.split_first().filter(|_| sealed.len() <= LARGEST)?;
        let (tag, body) = rest.split_at_checked(TAG).filter(|_| *version == VERSION)?;
        hmac::verify(&self.0, body, tag).ok()?;
        let (from, at, message) = postcard::from_bytes::<(Uuid, u64, Message)>(body).ok()?;
        Some(Opened { from, at: Timestamp::from_micros(at), message })
    }
}

/// What another version says is not understood: then the database says what there is.
const VERSION: u8 = 1;
/// Bytes of the seal.
const TAG: usize = 32;
/// Bytes of a message.
const LARGEST: usize = 512 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_by_the_same_key_alone() {
        let (seal, other) = (Seal::of(&[7; 32]), Seal::of(&[8; 32]));
        let (from, at) = (Uuid::from_u128(3), Timestamp::from_micros(5));
        let message = Message::Alerts(vec![1, u128::MAX]);
        let sealed = seal.seal(from, at, &message).unwrap();
        assert_eq!(seal.open(&sealed), Some(Opened { from, at, message }));
        assert_eq!(other.open(&sealed), None);
        assert_ne!(seal.name(), other.name());
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert_eq!(seal.open(&bent), None, "byte {at}");
            assert_eq!(seal.open(&sealed[..at]), None, "cut at {at}");
        }
        let words = Words { facility: None, data: "x".repeat(LARGEST) };
        assert_eq!(seal.seal(from, at, &Message::Words(words)), None);
    }

    #[test]
    fn a_standing_arrives_as_it_was() {
        let health = wire::Health { cpu_percent: 1.5, models: vec!["forest".into()], ..Default::default() };
        let standing = Standing {
            agent: Uuid::from_u128(7),
            facility: "north".into(),
            presence: Presence::Delayed,
            last_seen: Timestamp::from_micros(5),
            since: Timestamp::from_micros(4),
            address: Some(IpAddr::from([10, 0, 0, 1])),
            way: "quic",
            release: "1.0".into(),
            schema: 9,
            features: [].into(),
            clock_offset: Some(-3),
            round_trip: Some(8),
            health: Some(health),
            traffic: None,
            duplicates: 1,
            contradicted: 2,
            replica: None,
        };
        let hint = AgentHint::of(&standing);
        let read: AgentHint = postcard::from_bytes(&postcard::to_stdvec(&hint).unwrap()).unwrap();
        let there = Uuid::from_u128(1);
        assert_eq!(read.standing(there), Standing { replica: Some(there), ..standing });
        assert_eq!(unframe(&[]), None);
        assert_eq!(unframe(&[0, 0, 0, 9, 18, 255]), None);
    }
}
