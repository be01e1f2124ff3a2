//! Where the reading of a packet stands, and what the layers behind it said.
//!
//! Layers move the place forward and name the next [`Layer`]. Lengths in headers narrow what is
//! left: what they promise beyond the captured bytes is `missing`, what follows them is padding.

use super::counts::Reason;
use crate::flow::Addr;

/// One header, named before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// Linux cooked, with the length of its header.
    Cooked,
    Cooked2,
    Ethernet,
    Gre,
    /// IP of the version that its first bits say.
    Ip,
    Ipv4,
    Ipv6,
    Llc,
    Loopback,
    Mpls,
    Ppp,
    Pppoe,
    /// A tag of so many bytes before the next EtherType.
    Tag(u8),
    Tcp,
    Udp,
    Vlan,
    /// So many bytes, then Ethernet.
    Wrapped(u8),
}

/// What the innermost IP header said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ip {
    pub(super) src: Addr,
    pub(super) dst: Addr,
    /// What it carries, past extension headers.
    pub(super) protocol: u8,
    pub(super) is_v6: bool,
    /// Checksums over it can be right: nothing lacks, and no other address belongs into them.
    pub(super) is_summed: bool,
    /// Tells packets between the same two hosts apart; 0 where there is none.
    pub(super) id: u32,
    /// On the wire, header included.
    pub(super) len: u32,
}

/// Where the reading stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// What is left of the captured bytes.
    pub(super) bytes: &'a [u8],
    /// How many more there were on the wire.
    pub(super) missing: u32,
    pub(super) macs: Option<[[u8; 6]; 2]>,
    pub(super) vlan: Option<u16>,
    /// A hash over what differs between two copies of a packet: MACs, tags, tunnels, hop limits.
    pub(super) way: u64,
    /// Within a tunnel; switches mirror only the beginning of frames into one.
    pub(super) is_inside: bool,
    pub(super) ip: Ip,
}

impl<'a> Place<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8], wire_len: u32) -> Self {
        let none = Addr::v6([0; 16]);
        let ip = Ip { src: none, dst: none, protocol: 0, is_v6: false, is_summed: true, id: 0, len: 0 };
        let missing = wire_len.saturating_sub(len_of(bytes));
        Self { bytes, missing, macs: None, vlan: None, way: 0, is_inside: false, ip }
    }

    /// The next `N` bytes.
    #[inline]
    pub(super) fn header<const N: usize>(&mut self, short: Reason) -> Result<&'a [u8; N], Reason> {
        let (header, rest) = self.bytes.split_first_chunk::<N>().ok_or(short)?;
        self.bytes = rest;
        Ok(header)
    }

    /// Passes over `count` bytes.
    #[inline]
    pub(super) fn skip(&mut self, count: usize, short: Reason) -> Result<(), Reason> {
        self.bytes = self.bytes.get(count..).ok_or(short)?;
        Ok(())
    }

    /// How many bytes the wire had from here on.
    #[inline]
    pub(super) fn on_wire(&self) -> u32 {
        len_of(self.bytes).saturating_add(self.missing)
    }

    /// A header says that `length` bytes follow; more are padding, fewer were cut off. What the wire
    /// never had counts as cut off only within a tunnel, else the header is wrong.
    #[inline]
    pub(super) fn limit(&mut self, length: u32) {
        let length = if self.is_inside { length } else { length.min(self.on_wire()) };
        let captured = len_of(self.bytes);
        if captured > length {
            self.bytes = self.bytes.get(..length as usize).unwrap_or_default();
        }
        self.missing = length.saturating_sub(captured);
    }

    /// Remembers something that tells copies of a packet apart.
    #[inline]
    pub(super) fn mark(&mut self, word: u64) {
        self.way = (self.way ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    /// Another network begins: the MACs and the VLAN so far belong to the tunnel.
    pub(super) fn enter_tunnel(&mut self) {
        self.macs = None;
        self.vlan = None;
        self.is_inside = true;
        for half in [self.ip.src, self.ip.dst].map(|addr| u128::from_ne_bytes(*addr.bytes())) {
            self.mark((half >> 64) as u64 ^ half as u64);
        }
    }
}

/// The length of captured bytes; no capture holds 4 GiB in one packet.
#[inline]
pub(super) const fn len_of(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}
