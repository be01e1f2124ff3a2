//! Records of the spool on their way.

use prost::Message;

/// A batch: records of one lane and one incarnation, in the order of their sequences.
#[derive(Clone, PartialEq, Message)]
pub struct Reports {
    /// Counts batches of a session, from 1.
    #[prost(uint64, tag = "1")]
    pub batch: u64,
    /// Which life of the spool: 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub incarnation: Vec<u8>,
    /// The lane, 0 is the least severe.
    #[prost(uint32, tag = "3")]
    pub lane: u32,
    /// The records.
    #[prost(message, repeated, tag = "4")]
    pub records: Vec<Record>,
}

/// A record as it stands in the spool.
#[derive(Clone, PartialEq, Message)]
pub struct Record {
    /// Its sequence.
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    /// 1: it tells of a loss.
    #[prost(uint32, tag = "2")]
    pub flags: u32,
    /// What was put.
    #[prost(bytes = "vec", tag = "3")]
    pub payload: Vec<u8>,
}

impl Record {
    /// It is no alert but tells of a loss.
    pub const LOSS: u32 = 1;
}
