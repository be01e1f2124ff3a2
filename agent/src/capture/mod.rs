//! Where packets come from: live interfaces, capture files, standard input.
//!
//! A source lends one packet at a time out of its own buffer; nothing is copied or allocated per
//! packet. Fieldward only listens: no source can send. `pcap` (libpcap) appears in `live`,
//! `devices` and `filter` and nowhere else; files are read by readers of our own.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod classic;
mod devices;
mod error;
mod file;
mod filter;
mod input;
mod live;
mod next_generation;
mod order;
mod privileges;
#[cfg(test)]
mod sample;

pub use devices::{Device, devices};
pub use error::{CaptureError, Damage};
pub use file::{FileSource, open};
pub use filter::Filter;
pub use live::{LiveConfig, LiveSource, open_live};
pub use privileges::drop_capabilities;

use fieldward_shared::time::Timestamp;

/// Lends packets one after the other.
pub trait Source: Send {
    /// What comes next; a packet is lent until the next call. After an error or the end it is
    /// always [`Next::End`].
    fn next_packet(&mut self) -> Result<Next<'_>, CaptureError>;

    /// How many bytes of the file were read so far, for a progress bar; 0 on a live interface.
    fn position(&self) -> u64 {
        0
    }

    /// How many bytes the file has, where that is known beforehand.
    fn size(&self) -> Option<u64> {
        None
    }

    /// Packets that were on the wire or in the file and were not lent, since the source was opened.
    fn drops(&mut self) -> Drops {
        Drops::default()
    }
}

/// What a source gives when asked for a packet.
#[derive(Clone, Copy, Debug)]
pub enum Next<'a> {
    /// A packet.
    Packet(Packet<'a>),
    /// No packet came for a moment on a live interface: time to look at the stop signal, then ask
    /// again.
    Idle,
    /// There will be no more packets.
    End,
}

/// A packet as it was captured, borrowed from the source until the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// When it was captured, by the capturing machine.
    pub ts: Timestamp,
    /// What its first bytes are.
    pub link: LinkType,
    /// Its length on the wire; more than `data` when the capture cut it, never less.
    pub wire_len: u32,
    /// What was captured of it.
    pub data: &'a [u8],
}

/// Packets that a source could not lend, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// The kernel's buffer was full: the agent was too slow. The loopback interface counts each
    /// twice, sent and received.
    pub kernel: u64,
    /// The network interface or its driver lost them.
    pub interface: u64,
    /// They are in the file, from an interface of a link type that Fieldward does not read.
    pub unknown_link: u64,
}

/// The link types that Fieldward reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkType {
    /// BSD loopback: the address family in the byte order of the capturing machine (0, 108).
    BsdLoopback,
    /// Ethernet (1).
    Ethernet,
    /// Linux cooked capture version 1 (113).
    LinuxCooked,
    /// Linux cooked capture version 2 (276).
    LinuxCooked2,
    /// IP version 4 or 6 without anything before it (12, 14, 101, 228, 229).
    RawIp,
}

impl LinkType {
    /// The link type with this number in a capture file, or of a live handle on Linux.
    pub const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 | 108 => Self::BsdLoopback,
            1 => Self::Ethernet,
            113 => Self::LinuxCooked,
            276 => Self::LinuxCooked2,
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            _ => return None,
        })
    }
}
