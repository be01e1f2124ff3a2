//! What keeps a session going, what an agent tells of itself, and what it can be asked.

use prost::{Enumeration, Message};

use crate::telemetry::NetworkData;
use crate::time::Timestamp;

/// The first message of a session, from the agent.
#[derive(Clone, PartialEq, Message)]
pub struct Hello {
    /// The wire versions that it speaks.
    #[prost(uint32, repeated, tag = "1")]
    pub versions: Vec<u32>,
    /// Of the program.
    #[prost(string, tag = "2")]
    pub release: String,
    /// Which life of its spool: 16 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub incarnation: Vec<u8>,
    /// Drawn at each start of the process: 16 bytes. Two that alternate are two agents.
    #[prost(bytes = "vec", tag = "4")]
    pub instance: Vec<u8>,
    /// What its features mean.
    #[prost(uint64, tag = "5")]
    pub schema: u64,
    /// Their names, in the order in which [`Second::features`] has them.
    #[prost(string, repeated, tag = "6")]
    pub features: Vec<String>,
    /// Where each lane begins, the least severe first.
    #[prost(message, repeated, tag = "7")]
    pub lanes: Vec<LaneStart>,
    /// Models at work.
    #[prost(string, repeated, tag = "8")]
    pub models: Vec<String>,
    /// What it learns together with others; none when it takes no part in rounds, or does not know them.
    #[prost(message, repeated, tag = "9")]
    pub networks: Vec<Learns>,
    /// Verdicts of analysts are welcome, from those after this moment on (microseconds); none to an agent that does
    /// not know them.
    #[prost(uint64, optional, tag = "10")]
    pub verdicts: Option<u64>,
}

/// A network that an agent learns together with others.
#[derive(Clone, PartialEq, Message)]
pub struct Learns {
    /// Which.
    #[prost(string, tag = "1")]
    pub network: String,
    /// Hash of its layout.
    #[prost(uint64, tag = "2")]
    pub layout: u64,
    /// Hash of what it is fed with.
    #[prost(uint64, tag = "3")]
    pub schema: u64,
}

/// Where a lane begins.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct LaneStart {
    /// The agent can send no record of this incarnation up to here any more.
    #[prost(uint64, tag = "1")]
    pub floor: u64,
    /// Nothing is missing below: what was there belongs to earlier incarnations.
    #[prost(bool, tag = "2")]
    pub fresh: bool,
}

/// The answer to a [`Hello`].
#[derive(Clone, PartialEq, Message)]
pub struct Welcome {
    /// The wire version that is spoken from here on.
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// How far each lane of the incarnation is committed, the least severe first.
    #[prost(uint64, repeated, tag = "2")]
    pub committed: Vec<u64>,
    /// Batches that may be under way.
    #[prost(uint32, tag = "3")]
    pub credit: u32,
    /// The server's clock in microseconds.
    #[prost(uint64, tag = "4")]
    pub time: u64,
    /// As the certificate says.
    #[prost(string, tag = "5")]
    pub facility: String,
    /// As the certificate says.
    #[prost(string, tag = "6")]
    pub agent: String,
    /// Counts of web requests are welcome too: an aggregator that does not know them would close the session.
    #[prost(bool, tag = "7")]
    pub requests: bool,
}

/// A batch is committed.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Ack {
    /// Which; 0 when only the position of a lane has changed.
    #[prost(uint64, tag = "1")]
    pub batch: u64,
    /// Its lane.
    #[prost(uint32, tag = "2")]
    pub lane: u32,
    /// All of the batch's incarnation and lane up to here is committed or known to be lost.
    #[prost(uint64, tag = "3")]
    pub committed: u64,
    /// Batches that may be under way.
    #[prost(uint32, tag = "4")]
    pub credit: u32,
}

/// How many batches may be under way from now on.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Credit {
    /// So many.
    #[prost(uint32, tag = "1")]
    pub credit: u32,
}

/// Are you there, and what time is it?
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Ping {
    /// The sender's clock in microseconds.
    #[prost(uint64, tag = "1")]
    pub sent: u64,
}

/// Yes.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Pong {
    /// What the ping said.
    #[prost(uint64, tag = "1")]
    pub sent: u64,
    /// The answerer's clock in microseconds.
    #[prost(uint64, tag = "2")]
    pub time: u64,
}

/// The session ends. On QUIC the close of the connection says the same.
#[derive(Clone, PartialEq, Message)]
pub struct Goodbye {
    /// See [`crate::transport::Code`].
    #[prost(uint32, tag = "1")]
    pub code: u32,
    /// In words.
    #[prost(string, tag = "2")]
    pub words: String,
}

/// What the server wants the agent to know.
#[derive(Clone, PartialEq, Message)]
pub struct Config {
    /// Lists of roots, each signed by a root of the list before it.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub announcements: Vec<Vec<u8>>,
}

/// A second of a plant's traffic: [`NetworkData`] without names.
#[derive(Clone, PartialEq, Message)]
pub struct Second {
    /// When it began, in microseconds.
    #[prost(uint64, tag = "1")]
    pub time: u64,
    /// Packets.
    #[prost(uint32, tag = "2")]
    pub packets: u32,
    /// Bytes.
    #[prost(uint64, tag = "3")]
    pub bytes: u64,
    /// Different senders.
    #[prost(uint32, tag = "4")]
    pub sources: u32,
    /// Different receivers.
    #[prost(uint32, tag = "5")]
    pub targets: u32,
    /// Share of the commonest protocol.
    #[prost(float, tag = "6")]
    pub protocol_share: f32,
    /// Attempts to connect that came to nothing.
    #[prost(uint32, tag = "7")]
    pub failed: u32,
    /// Bytes of a packet, on average.
    #[prost(uint32, tag = "8")]
    pub packet_size: u32,
    /// Microseconds between packets, on average.
    #[prost(uint32, tag = "9")]
    pub interval: u32,
    /// In the order of [`Hello::features`].
    #[prost(float, repeated, tag = "10")]
    pub features: Vec<f32>,
    /// Seconds before it that were not sent, since the start of the process.
    #[prost(uint64, tag = "11")]
    pub dropped: u64,
}

impl Second {
    /// What is sent of a second; features in the order of `names`.
    pub fn of(data: &NetworkData, names: &[String], dropped: u64) -> Self {
        Self {
            time: data.timestamp.as_micros(),
            packets: data.packets_per_sec,
            bytes: data.bytes_per_sec,
            sources: data.unique_src_ips,
            targets: data.unique_dest_ips,
            protocol_share: data.protocol_distribution,
            failed: data.failed_connections,
            packet_size: data.avg_packet_size,
            interval: data.inter_arrival_time,
            features: names.iter().map(|name| data.raw_features.get(name).copied().unwrap_or(0.0)).collect(),
            dropped,
        }
    }

    /// The second of a plant; numbers that are none are left out.
    pub fn data(&self, facility: &str, names: &[String]) -> NetworkData {
        let features = names.iter().zip(&self.features).filter(|(_, value)| value.is_finite());
        NetworkData {
            timestamp: Timestamp::from_micros(self.time),
            facility_id: facility.to_owned(),
            packets_per_sec: self.packets,
            bytes_per_sec: self.bytes,
            unique_src_ips: self.sources,
            unique_dest_ips: self.targets,
            protocol_distribution: if self.protocol_share.is_finite() { self.protocol_share } else { 0.0 },
            failed_connections: self.failed,
            avg_packet_size: self.packet_size,
            inter_arrival_time: self.interval,
            raw_features: features.map(|(name, value)| (name.clone(), *value)).collect(),
        }
    }
}

/// How an agent and its host are.
#[derive(Clone, PartialEq, Message)]
pub struct Health {
    /// Share of one processor that the agent used since the last time, in percent.
    #[prost(float, tag = "1")]
    pub cpu_percent: f32,
    /// Resident memory of the agent.
    #[prost(uint64, tag = "2")]
    pub memory_bytes: u64,
    /// What is free where the spool lies.
    #[prost(uint64, tag = "3")]
    pub disk_free_bytes: u64,
    /// Share of the traffic's bytes that capture did not see.
    #[prost(float, tag = "4")]
    pub capture_loss: f32,
    /// Packets that the kernel dropped.
    #[prost(uint64, tag = "5")]
    pub kernel_drops: u64,
    /// Records that the aggregator does not have, all lanes together.
    #[prost(uint64, tag = "6")]
    pub spool_records: u64,
    /// Bytes of the spool on disk.
    #[prost(uint64, tag = "7")]
    pub spool_bytes: u64,
    /// The spool's disk takes nothing: what waits is in memory.
    #[prost(bool, tag = "8")]
    pub memory_only: bool,
    /// Seconds of traffic that were not sent.
    #[prost(uint64, tag = "9")]
    pub seconds_dropped: u64,
    /// Models at work.
    #[prost(string, repeated, tag = "10")]
    pub models: Vec<String>,
    /// What it does: learning, training, watching.
    #[prost(string, tag = "11")]
    pub state: String,
    /// Features that have moved furthest from what was learnt; none until a whole day was seen.
    #[prost(message, repeated, tag = "12")]
    pub drift: Vec<Drift>,
    /// When the oldest of its models was made, in seconds since 1970 by its own clock; 0 where that is not known.
    #[prost(uint64, tag = "13")]
    pub oldest_model: u64,
    /// Mean error of its model of minutes in the last day; none until a whole day was seen.
    #[prost(float, optional, tag = "70")]
    pub model_error: Option<f32>,
    /// What that was on normal traffic when the model was made.
    #[prost(float, optional, tag = "71")]
    pub usual_error: Option<f32>,
}

/// How far a feature has moved from what was learnt.
#[derive(Clone, PartialEq, Message)]
pub struct Drift {
    /// Which.
    #[prost(string, tag = "1")]
    pub feature: String,
    /// Its population stability index over a day: below 0.1 nothing has changed, above 0.25 much has.
    #[prost(float, tag = "2")]
    pub index: f32,
    /// How far the distributions lie apart (Kolmogorov and Smirnov): 0 to 1.
    #[prost(float, tag = "3")]
    pub distance: f32,
    /// With which chance that comes of nothing; none from an agent of an earlier release.
    #[prost(float, optional, tag = "4")]
    pub chance: Option<f32>,
    /// The test says so: no chance, and large enough to matter.
    #[prost(bool, tag = "5")]
    pub differs: bool,
}

/// A question to an agent: one per stream.
#[derive(Clone, PartialEq, Message)]
pub struct Ask {
    /// What.
    #[prost(enumeration = "Question", tag = "1")]
    pub question: i32,
    /// What the question is about, for commands.
    #[prost(string, tag = "2")]
    pub about: String,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum Question {
    /// Nothing.
    Nothing = 0,
    /// The last minute, second by second.
    ContextWindow = 1,
    /// How agent and host are.
    Health = 2,
    /// To do something: `retrain`.
    Command = 3,
}

/// The answer, in the same stream.
#[derive(Clone, PartialEq, Message)]
pub struct Answer {
    /// Why there is none, or what was done.
    #[prost(string, tag = "1")]
    pub words: String,
    /// Whether it could be answered.
    #[prost(bool, tag = "2")]
    pub done: bool,
    /// For a context window: its seconds, the oldest first.
    #[prost(message, repeated, tag = "3")]
    pub seconds: Vec<Second>,
    /// How it is.
    #[prost(message, optional, tag = "4")]
    pub health: Option<Health>,
}
