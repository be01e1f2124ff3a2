//! Every message between agent and aggregator, and how it is framed. Protobuf with numbered fields: what
//! a reader does not know it skips, so fields are only ever added. A frame is
//!
//! ```text
//! length 4 (of what follows, big-endian) | kind 1 | message
//! ```
//!
//! The length is checked against the limit of its kind before anything is allocated.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod control;
pub mod demo;
mod door;
mod report;
mod requests;
mod round;
mod summing;
#[cfg(test)]
mod tests;
mod verdict;

use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message as _;

pub use control::{
    Ack, Answer, Ask, Config, Credit, Drift, Goodbye, Health, Hello, LaneStart, Learns, Ping, Pong, Question,
    Second, Welcome,
};
pub use demo::{DemoDo, DemoHello, DemoOrder, DemoReport, DemoState};
pub use door::{Certificate, EnrollRequest, Pending, Refused, RenewRequest};
pub use report::{Record, Reports};
pub use requests::{RequestRow, Requests};
pub use round::{
    About, CHUNK, MOST_PLANTS, RoundAccept, RoundCandidate, RoundCohort, RoundEnd, RoundHold, RoundOffer,
    RoundProgress, RoundReady, RoundRefusal, RoundVote, Weights, pack, pack_pairs, unpack, unpack_pairs,
};
pub use summing::{
    RoundBegin, RoundFetch, RoundKeys, RoundMasked, RoundMember, RoundReveal, RoundRoster, RoundShare,
    RoundShares, RoundShow, RoundSigned, RoundSurvivors, RoundUnmask,
};
pub use verdict::{Said, VERDICTS, Verdict, Verdicts};

/// The wire version that this build speaks.
pub const VERSION: u32 = 1;
/// ALPN of a session.
pub const SESSION: &[u8] = b"fieldward/1";
/// ALPN of the door for those who have no certificate yet.
pub const ENROLL: &[u8] = b"fieldward-enroll/1";
/// ALPN of the door for those whose certificate ends, or has ended.
pub const RENEW: &[u8] = b"fieldward-renew/1";
/// ALPN of the door for simulators, which is shut unless demonstrations are wanted.
pub const DEMO: &[u8] = b"fieldward-demo/1";

/// No frame is longer than this, head included.
pub const LONGEST: usize = 256 << 10;
/// Bytes before a message: length and kind.
pub const HEAD: usize = 5;
/// Records of a batch.
pub const BATCH: usize = 500;
/// Batches that may be under way without being acknowledged.
pub const WINDOW: u32 = 8;

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Nobody knows such a message.
    #[error("kind {0} is no message of wire version {VERSION}; the sender is newer, or no agent at all")]
    Unknown(u8),
    /// Longer than its kind may be.
    #[error("a message of kind {kind} has {length} bytes, it may have {limit}")]
    TooLong {
        /// Its kind.
        kind: u8,
        /// What its head says.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A frame without a message.
    #[error("a frame is empty")]
    Empty,
    /// Not what its kind says.
    #[error("a message of kind {0} cannot be read: {1}")]
    Unreadable(u8, String),
}

macro_rules! messages {
    ($($kind:literal $name:ident $limit:expr;)*) => {
        /// Whatever goes through a frame.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Message {
            $(
                #[doc = concat!("See [`", stringify!($name), "`].")]
                $name($name),
            )*
        }

        impl Message {
            /// By what a frame tells it from others.
            pub const fn kind(&self) -> u8 {
                match self {
                    $(Self::$name(_) => $kind,)*
                }
            }

            /// How long a message of a kind may be; none when there is no such kind.
            pub const fn limit(kind: u8) -> Option<usize> {
                match kind {
                    $($kind => Some($limit),)*
                    _ => None,
                }
            }

            /// Reads the message of a frame. Total over any bytes.
            pub fn read(kind: u8, bytes: &[u8]) -> Result<Self, WireError> {
                check(kind, bytes.len())?;
                let wrong = |error: prost::DecodeError| WireError::Unreadable(kind, error.to_string());
                match kind {
                    $($kind => $name::decode(bytes).map(Self::$name).map_err(wrong),)*
                    _ => Err(WireError::Unknown(kind)),
                }
            }

            fn length(&self) -> usize {
                match self {
                    $(Self::$name(message) => message.encoded_len(),)*
                }
            }

            fn write(&self, to: &mut BytesMut) {
                match self {
                    $(Self::$name(message) => message.encode_raw(to),)*
                }
            }
        }

        $(
            impl From<$name> for Message {
                fn from(message: $name) -> Self {
                    Self::$name(message)
                }
            }
        )*
    };
}

messages! {
    1 Hello 32 << 10;
    2 Welcome 4 << 10;
    3 Ack 256;
    4 Credit 64;
    5 Ping 64;
    6 Pong 64;
    7 Goodbye 1 << 10;
    8 Config 64 << 10;
    9 Verdicts 64 << 10;
    16 Reports LONGEST - HEAD;
    17 Second 16 << 10;
    18 Health 16 << 10;
    19 Requests 64 << 10;
    24 Ask 4 << 10;
    25 Answer LONGEST - HEAD;
    32 EnrollRequest 8 << 10;
    33 RenewRequest 8 << 10;
    34 Certificate 64 << 10;
    35 Refused 1 << 10;
    36 Pending 1 << 10;
    39 RoundShow 256;
    40 RoundOffer 8 << 10;
    41 RoundAccept 512;
    42 Weights CHUNK + 64;
    43 RoundCohort LONGEST - HEAD;
    44 RoundProgress 512;
    45 RoundReady 512;
    46 RoundBegin 256;
    47 RoundKeys 64 << 10;
    48 RoundRoster LONGEST - HEAD;
    49 RoundShares 64 << 10;
    50 RoundMasked 2 << 10;
    51 RoundFetch 256;
    52 RoundSurvivors 8 << 10;
    53 RoundSigned 2 << 10;
    54 RoundUnmask 128 << 10;
    55 RoundReveal 32 << 10;
    56 RoundCandidate 512;
    57 RoundVote 2 << 10;
    58 RoundEnd 2 << 10;
    59 RoundRefusal 4 << 10;
    60 RoundHold 256;
    61 DemoHello 1 << 10;
    62 DemoOrder 256;
    63 DemoReport 1 << 10;
}

impl Message {
    /// As a frame; an error when it is longer than its kind may be.
    pub fn frame(&self) -> Result<Bytes, WireError> {
        let mut frame = BytesMut::new();
        self.frame_into(&mut frame)?;
        Ok(frame.freeze())
    }

    /// Adds the frame to what is there.
    pub fn frame_into(&self, frame: &mut BytesMut) -> Result<(), WireError> {
        let (kind, length) = (self.kind(), self.length());
        check(kind, length)?;
        frame.reserve(length.saturating_add(HEAD));
        frame.put_u32(u32::try_from(length.saturating_add(1)).unwrap_or(u32::MAX));
        frame.put_u8(kind);
        self.write(frame);
        Ok(())
    }
}

/// What the head of a frame says: its kind and how many bytes the message has.
pub fn head(head: [u8; HEAD]) -> Result<(u8, usize), WireError> {
    let [a, b, c, d, kind] = head;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    let length = length.checked_sub(1).ok_or(WireError::Empty)?;
    check(kind, length)?;
    Ok((kind, length))
}

fn check(kind: u8, length: usize) -> Result<(), WireError> {
    match Message::limit(kind) {
        None => Err(WireError::Unknown(kind)),
        Some(limit) if length > limit => Err(WireError::TooLong { kind, length, limit }),
        Some(_) => Ok(()),
    }
}
