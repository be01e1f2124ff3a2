//! A minute of web requests, by endpoint. Beside the seconds of traffic, and lossy as they are.

use std::net::IpAddr;

use prost::Message;

use crate::pattern::Pattern;
use crate::telemetry::{ENDPOINTS, EndpointCounts, METHODS, RequestMinute};
use crate::time::Timestamp;

/// What was asked of web servers within a minute. Sent without a row too: then nobody asked.
#[derive(Clone, PartialEq, Message)]
pub struct Requests {
    /// When the minute began, in microseconds.
    #[prost(uint64, tag = "1")]
    pub time: u64,
    /// Endpoints.
    #[prost(message, repeated, tag = "2")]
    pub rows: Vec<RequestRow>,
    /// Minutes before it that were not sent, since the start of the process.
    #[prost(uint64, tag = "3")]
    pub dropped: u64,
}

/// Requests to an endpoint that were answered alike: [`EndpointCounts`].
#[derive(Clone, PartialEq, Message)]
pub struct RequestRow {
    /// The server's address: 4 or 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub server: Vec<u8>,
    /// See [`METHODS`].
    #[prost(string, tag = "2")]
    pub method: String,
    /// See [`Pattern`].
    #[prost(string, tag = "3")]
    pub path: String,
    /// The first digit of the status, 0 without an answer, 6 for anything else.
    #[prost(uint32, tag = "4")]
    pub status: u32,
    /// How many.
    #[prost(uint64, tag = "5")]
    pub requests: u64,
    /// Of them, those whose answer was of 400 or more.
    #[prost(uint64, tag = "6")]
    pub errors: u64,
    /// Bytes of bodies.
    #[prost(uint64, tag = "7")]
    pub bytes: u64,
    /// How many were answered.
    #[prost(uint64, tag = "8")]
    pub answered: u64,
    /// Microseconds until they were, all together.
    #[prost(uint64, tag = "9")]
    pub micros: u64,
    /// Of the slowest.
    #[prost(uint64, tag = "10")]
    pub most_micros: u64,
}

impl Requests {
    /// What is sent of a minute.
    pub fn of(minute: &RequestMinute) -> Self {
        Self {
            time: minute.timestamp.as_micros(),
            rows: minute.endpoints.iter().map(RequestRow::of).collect(),
            dropped: 0,
        }
    }

    /// The minute of a plant; why it is none that an agent of ours tells. A value in a path is such a thing:
    /// nothing of it is kept.
    pub fn data(&self, facility: &str) -> Result<RequestMinute, &'static str> {
        if self.rows.len() > ENDPOINTS.saturating_add(1) {
            return Err("more endpoints in a minute than there may be");
        }
        if !self.time.is_multiple_of(MINUTE) {
            return Err("requests of a minute that begins within another");
        }
        let endpoints: Option<Vec<EndpointCounts>> = self.rows.iter().map(RequestRow::data).collect();
        Ok(RequestMinute {
            timestamp: Timestamp::from_micros(self.time),
            facility_id: facility.to_owned(),
            endpoints: endpoints.ok_or("an endpoint with a value in it, or that is none")?,
        })
    }
}

impl RequestRow {
    fn of(counts: &EndpointCounts) -> Self {
        let server = match counts.server {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        Self {
            server,
            method: counts.method.to_owned(),
            path: counts.path.as_str().to_owned(),
            status: counts.status.into(),
            requests: counts.requests,
            errors: counts.errors,
            bytes: counts.bytes,
            answered: counts.answered,
            micros: counts.micros,
            most_micros: counts.most_micros,
        }
    }

    fn data(&self) -> Option<EndpointCounts> {
        let bytes = self.server.as_slice();
        let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
        Some(EndpointCounts {
            server: v4.or_else(|| <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok())?,
            method: METHODS.into_iter().find(|known| *known == self.method)?,
            path: Pattern::read(&self.path)?,
            status: u8::try_from(self.status).ok().filter(|status| *status <= OTHERWISE)?,
            requests: self.requests.min(MOST),
            errors: self.errors.min(MOST),
            bytes: self.bytes.min(MOST),
            answered: self.answered.min(MOST),
            micros: self.micros.min(MOST),
            most_micros: self.most_micros.min(MOST),
        })
    }
}

/// No figure of a minute is larger: a year of them adds up to what a database can hold.
const MOST: u64 = 1 << 38;
/// Microseconds.
const MINUTE: u64 = 60_000_000;
/// An answer of no class.
const OTHERWISE: u8 = 6;
