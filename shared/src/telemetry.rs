//! What a second of a plant's traffic was in numbers: sent to the aggregator, kept in its history, mirrored
//! for other tools at the plant. Counts only.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::pattern::Pattern;
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

/// A minute of web requests at a plant, by endpoint: counts only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMinute {
    /// When it began.
    pub timestamp: Timestamp,
    /// Which plant.
    pub facility_id: String,
    /// One for each endpoint and kind of answer; none where nobody asked.
    pub endpoints: Vec<EndpointCounts>,
}

/// Requests of a minute that went to one endpoint and were answered alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointCounts {
    /// Whom they asked; `::` for what there was no room for.
    pub server: IpAddr,
    /// How: one of [`METHODS`].
    pub method: &'static str,
    /// Which pages.
    pub path: Pattern,
    /// The first digit of the status: 1 to 5; 0 is no answer, 6 anything else.
    pub status: u8,
    /// How many.
    pub requests: u64,
    /// Of them, those whose answer was of 400 or more.
    pub errors: u64,
    /// Bytes of bodies, there and back.
    pub bytes: u64,
    /// How many were answered within the capture.
    pub answered: u64,
    /// Microseconds until they were answered, all together.
    pub micros: u64,
    /// Microseconds until the slowest of them was.
    pub most_micros: u64,
}

/// What is done with pages; `OTHER` is any other word.
pub const METHODS: [&str; 16] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "SUBSCRIBE",
    "OTHER",
];

/// The method that is written so.
pub fn method(word: &[u8]) -> &'static str {
    METHODS.into_iter().find(|known| known.as_bytes() == word).unwrap_or("OTHER")
}

/// Endpoints of a minute that are told apart; one more is all others.
pub const ENDPOINTS: usize = 256;
