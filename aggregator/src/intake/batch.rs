//! From a batch on the wire to reports for the store. A batch is taken whole or not at all.

use fieldward_shared::alert::{Alert, Severity};
use fieldward_shared::loss::Loss;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{BATCH, Record, Reports};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::gate::Peer;
use crate::store::{Body, Report};

/// Why a batch is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// No agent of ours sends this.
    #[error("a batch with {0}")]
    Odd(&'static str),
    /// The certificate is of one plant and the alert of another.
    #[error("an alert of facility \"{claimed}\" came with a certificate of \"{certified}\"")]
    Facility {
        /// As the alert says.
        claimed: String,
        /// As the certificate says.
        certified: String,
    },
}

/// What an agent puts into its spool.
#[derive(Deserialize)]
struct Told {
    alert: Alert,
}

/// The lanes by their numbers.
pub const LANES: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

/// The lane of a batch.
pub fn lane(batch: &Reports) -> Result<Severity, BatchError> {
    let lane = usize::try_from(batch.lane).ok().and_then(|lane| LANES.get(lane));
    lane.copied().ok_or(BatchError::Odd("a lane that there is not"))
}

/// The incarnation of a batch or a hello.
pub fn incarnation(bytes: &[u8]) -> Result<u128, BatchError> {
    let bytes = bytes.try_into().map_err(|_| BatchError::Odd("an incarnation that is none"))?;
    Ok(u128::from_be_bytes(bytes))
}

/// Its reports.
pub fn reports(batch: &Reports, peer: &Peer, received: Timestamp) -> Result<Vec<Report>, BatchError> {
    let (lane, incarnation) = (lane(batch)?, incarnation(&batch.incarnation)?);
    if batch.records.is_empty() || batch.records.len() > BATCH {
        return Err(BatchError::Odd("too many records, or none"));
    }
    let mut last = 0;
    let mut reports = Vec::with_capacity(batch.records.len());
    for record in &batch.records {
        if record.seq <= last || record.seq > HIGHEST {
            return Err(BatchError::Odd("sequences that do not grow"));
        }
        last = record.seq;
        reports.push(Report {
            agent: peer.agent,
            facility: peer.facility.clone(),
            incarnation,
            lane,
            seq: record.seq,
            received,
            digest: Sha256::digest(&record.payload).into(),
            body: body(record, peer)?,
        });
    }
    Ok(reports)
}

/// What cannot be read is kept as it is, so that it holds up nothing.
fn body(record: &Record, peer: &Peer) -> Result<Body, BatchError> {
    let unreadable = || Body::Unreadable(record.payload.clone());
    if record.flags & Record::LOSS != 0 {
        let loss = serde_json::from_slice::<Loss>(&record.payload);
        let sound = |loss: &Loss| {
            loss.range.is_none_or(|(first, last)| 0 < first && first <= last && last <= HIGHEST)
        };
        return Ok(loss.ok().filter(sound).map_or_else(unreadable, Body::Loss));
    }
    let Ok(Told { alert }) = serde_json::from_slice(&record.payload) else { return Ok(unreadable()) };
    if alert.facility_id != peer.facility {
        return Err(BatchError::Facility {
            claimed: alert.facility_id.chars().filter(|c| !c.is_control()).take(64).collect(),
            certified: peer.facility.clone(),
        });
    }
    Ok(Body::Alert(Box::new(alert)))
}

/// No spool gives a higher sequence.
const HIGHEST: u64 = 1 << 62;
