//! What an agent reported, and its row, made by the caller's task so that the writer only writes.

use fieldward_shared::alert::{Alert, Severity};
use fieldward_shared::loss::Loss;
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::StoreError;
use super::alerts::AlertRow;
use super::db::Value;

/// One record of an agent's spool. Agent, incarnation, lane and sequence name it for ever.
#[derive(Clone, Debug)]
pub struct Report {
    /// From its certificate.
    pub agent: Uuid,
    /// From its certificate.
    pub facility: String,
    /// The life of its spool.
    pub incarnation: u128,
    /// The lane of the spool.
    pub lane: Severity,
    /// The place in the lane, from 1.
    pub seq: u64,
    /// When it arrived.
    pub received: Timestamp,
    /// SHA-256 of the payload.
    pub digest: [u8; 32],
    /// What it says.
    pub body: Body,
}

/// What a report says.
#[derive(Clone, Debug)]
pub enum Body {
    /// An alert as it is now.
    Alert(Box<Alert>),
    /// Records that will never come.
    Loss(Loss),
    /// What is neither. It is kept as it came, so that it holds up nothing.
    Unreadable(Vec<u8>),
}

/// How far a lane has got, and what a call did to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Whose.
    pub agent: Uuid,
    /// In which life of its spool.
    pub incarnation: u128,
    /// Which.
    pub lane: Severity,
    /// All up to it are committed, or are known to be lost.
    pub cum_seq: u64,
    /// Reports of the call that were stored.
    pub stored: u64,
    /// Reports that had been committed before.
    pub again: u64,
    /// Reports whose key was committed with another payload: an agent that was cloned or set back. They
    /// are not stored.
    pub contradicted: u64,
}

/// A report that is ready to be written.
#[derive(Debug)]
pub struct Prepared {
    pub lane: LaneKey,
    pub facility: String,
    pub seq: i64,
    pub digest: [u8; 32],
    pub received: Timestamp,
    pub body: Row,
}

/// A lane of a life of an agent's spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneKey {
    pub agent: Uuid,
    pub incarnation: u128,
    pub lane: Severity,
}

/// What is to be written.
#[derive(Debug)]
pub enum Row {
    Alert(Box<AlertRow>),
    Loss(Loss),
    Dead { reason: &'static str, payload: Vec<u8> },
}

impl Prepared {
    /// Refuses what would stop others that are written with it.
    pub fn new(report: Report) -> Result<Self, StoreError> {
        let Report { agent, facility, incarnation, lane, seq, received, digest, body } = report;
        let wrong = |what| StoreError::Report { agent, what };
        let seq = i64::try_from(seq).ok().filter(|seq| *seq > 0).ok_or(wrong("no such sequence"))?;
        if facility.is_empty() || facility.contains('\0') {
            return Err(wrong("no such facility"));
        }
        let body = match body {
            // A second wall: the intake has compared it with the certificate.
            Body::Alert(alert) if alert.facility_id != facility => Row::Dead {
                reason: "another facility",
                payload: serde_json::to_vec(&alert).unwrap_or_default(),
            },
            Body::Alert(alert) => Row::Alert(Box::new(AlertRow::new(&alert, agent, received))),
            Body::Loss(loss) => Row::Loss(loss),
            Body::Unreadable(payload) => Row::Dead { reason: "unreadable", payload },
        };
        let lane = LaneKey { agent, incarnation, lane };
        Ok(Self { lane, facility, seq, digest, received, body })
    }
}

impl LaneKey {
    /// The same lane's neighbour.
    pub const fn of(self, lane: Severity) -> Self {
        Self { lane, ..self }
    }

    /// As a row of a table of values.
    pub fn values(self) -> Vec<Value> {
        vec![self.agent.into(), Uuid::from_u128(self.incarnation).into(), number(self.lane).into()]
    }
}

/// A severity as a number, the least severe is 0.
pub const fn number(severity: Severity) -> i64 {
    severity as i64
}

/// The severity of a number.
pub fn severity(number: i64) -> Severity {
    match number {
        3.. => Severity::Critical,
        2 => Severity::High,
        1 => Severity::Medium,
        _ => Severity::Low,
    }
}
