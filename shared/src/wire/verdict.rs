//! What analysts said of a plant's alerts, on its way down to the agent that raised them.

use prost::{Enumeration, Message};

/// Verdicts of a plant in the order in which they were given.
#[derive(Clone, PartialEq, Message)]
pub struct Verdicts {
    /// Nothing is missing up to here: microseconds since the epoch.
    #[prost(uint64, tag = "1")]
    pub until: u64,
    /// The verdicts.
    #[prost(message, repeated, tag = "2")]
    pub verdicts: Vec<Verdict>,
}

/// A verdict.
#[derive(Clone, PartialEq, Message)]
pub struct Verdict {
    /// The alert.
    #[prost(string, tag = "1")]
    pub alert: String,
    /// What was said.
    #[prost(enumeration = "Said", tag = "2")]
    pub said: i32,
    /// For another technique: which.
    #[prost(string, tag = "3")]
    pub technique: String,
}

/// What can be said of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum Said {
    /// What was said before no longer holds.
    Nothing = 0,
    /// It was what it said.
    Right = 1,
    /// There was nothing.
    FalsePositive = 2,
    /// It was another technique.
    Other = 3,
}

/// Verdicts of one message.
pub const VERDICTS: usize = 256;
