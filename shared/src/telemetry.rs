//! What a second of a plant's traffic was in numbers: sent to the aggregator, kept in its history, mirrored
//! for other tools at the plant. Counts only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkData {
    /// When it began.
    #[serde(with = "crate::time::rfc3339")]
    pub timestamp: Timestamp,
    /// Which plant.
    pub facility_id: String,
    /// Packets.
    pub packets_per_sec: u32,
    /// Bytes of their IP packets.
    pub bytes_per_sec: u64,
    /// Different senders, estimated.
    pub unique_src_ips: u32,
    /// Different receivers, estimated.
    pub unique_dest_ips: u32,
    /// Share of the commonest protocol among decoded messages.
    pub protocol_distribution: f32,
    /// Attempts to connect that were refused or not answered.
    pub failed_connections: u32,
    /// Bytes of a packet, on average.
    pub avg_packet_size: u32,
    /// Microseconds between packets, on average.
    pub inter_arrival_time: u32,
    /// What models see of it, by name.
    pub raw_features: BTreeMap<String, f32>,
}
