//! A TCP connection as a mirror port sees it: who sent what, what was acknowledged when, and what was
//! lost on the way.
//!
//! Sending is done ahead: a call tells when the bytes arrive and the packets wait in the queue until
//! time has passed. An acknowledgement covers only what had arrived when it was sent, and what a side
//! sends leaves in the order of its numbers.

use std::collections::VecDeque;

use super::frame::End;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one who opened the connection.
    Client = 0,
    /// The other.
    Server = 1,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// The other side.
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// A connection.
pub struct Line {
    /// Client and server.
    pub ends: [End; 2],
    /// Number of the next byte of each side.
    pub next: [u32; 2],
    /// What each side has acknowledged.
    pub acked: [u32; 2],
    /// What is on its way to each side: when it arrives, and the number behind it.
    pub coming: [VecDeque<(u64, u32)>; 2],
    /// When each side last sent, for order.
    pub sent: [u64; 2],
    /// When each side will acknowledge if it sends nothing before.
    pub due: [Option<u64>; 2],
    /// What someone on the path keeps: its sender tries again and again.
    pub kept: Option<Kept>,
    /// Half the round trip, in microseconds.
    pub trip: u64,
    /// Microseconds until a side acknowledges without data.
    pub patience: [u64; 2],
    /// To which attack it belongs; 0 is none.
    pub tag: u16,
    /// Distinguishes it from an earlier line in the same place.
    pub birth: u64,
    /// It was closed or broken off.
    pub closed: bool,
}

/// Data that never arrives.
pub struct Kept {
    /// Who sends it.
    pub side: Side,
    /// Number of its first byte.
    pub seq: u32,
    /// The data.
    pub data: Vec<u8>,
    /// To which attack it belongs.
    pub tag: u16,
    /// When it is sent again.
    pub again: u64,
    /// How long it was waited for before.
    pub waited: u64,
}

impl Line {
    /// What `side` acknowledges at `at`.
    pub fn acknowledge(&mut self, side: Side, at: u64) -> u32 {
        let side = side as usize;
        while let Some(&(arrival, end)) = self.coming[side].front() {
            if arrival > at {
                break;
            }
            self.acked[side] = end;
            self.coming[side].pop_front();
        }
        if self.coming[side].is_empty() {
            self.due[side] = None;
        }
        self.acked[side]
    }

    /// When the first byte that `side` has not acknowledged arrives there.
    pub fn unanswered(&self, side: Side) -> Option<u64> {
        self.coming[side as usize].front().map(|first| first.0)
    }
}
