//! Where packets come from: live interfaces, capture files, standard input.
//!
//! A source lends one packet at a time out of its own buffer; nothing is copied or allocated per
//! packet. Fieldward only listens: no source can send.

use fieldward_shared::time::Timestamp;

/// A packet as it was captured, borrowed from the source until the next one.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// When it was captured, by the capturing machine.
    pub ts: Timestamp,
    /// What its first bytes are.
    pub link: LinkType,
    /// Its length on the wire; more than `data` when the capture cut it.
    pub wire_len: u32,
    /// What was captured of it.
    pub data: &'a [u8],
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
