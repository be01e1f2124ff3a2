//! From a captured packet to one TCP segment or UDP datagram: link layers, VLAN tags, tunnels as
//! mirror ports deliver them, IP fragments, copies of packets. A bad frame is a counter.
//!
//! A packet is read in a loop, one header at a time ([`place::Layer`]), until TCP or UDP. Nothing is
//! copied but fragments, and nothing allocated but their buffers, once.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::panic))]

mod arp;
mod checksum;
mod copies;
mod counts;
mod fragment;
mod ip;
mod link;
mod place;
#[cfg(test)]
mod tests;
mod transport;
mod tunnel;

use crate::capture::Packet;
use crate::flow::{Addr, Transport};
pub use arp::Arp;
use copies::Copies;
pub use counts::FrameCounts;
use counts::Reason;
use fragment::Fragments;
use ip::Part;
use place::{Layer, Place, len_of};

/// How much is kept between packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Most datagrams that wait for fragments; the oldest goes first.
    pub fragmented_datagrams: usize,
    /// Most bytes of their buffers together.
    pub fragment_bytes: usize,
    /// How long, in packet time, a datagram waits for its fragments.
    pub fragment_age_micros: u64,
    /// How far apart, in packet time, two copies of a packet come; 0 lets copies through.
    pub copy_window_micros: u64,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self {
            fragmented_datagrams: 256,
            fragment_bytes: 4 << 20,
            fragment_age_micros: 30_000_000,
            copy_window_micros: 5_000,
        }
    }
}

/// Makes frames out of packets.
#[derive(Debug)]
pub struct Frames {
    arp: Option<Arp>,
    copies: Copies,
    counts: FrameCounts,
    fragments: Fragments,
    /// Datagrams put together, lent until the next packet: one inside the other.
    wholes: [Vec<u8>; 2],
}

impl Default for Frames {
    fn default() -> Self {
        Self::new(FrameLimits::default())
    }
}

impl Frames {
    /// Nothing seen so far.
    pub fn new(limits: FrameLimits) -> Self {
        Self {
            arp: None,
            copies: Copies::new(limits.copy_window_micros),
            counts: FrameCounts::default(),
            fragments: Fragments::new(&limits),
            wholes: [Vec::new(), Vec::new()],
        }
    }

    /// The TCP segment or UDP datagram in a packet, or which this packet completes. `None` is
    /// counted: nothing for flows in it, or a copy, or a fragment kept for later.
    #[inline]
    pub fn frame<'a>(&'a mut self, packet: &Packet<'a>) -> Option<Frame<'a>> {
        let Self { arp, copies, counts, fragments, wholes } = self;
        let mut place = Place::new(packet.data, packet.wire_len);
        let mut reading = Reading { packet, copies, counts, fragments, plain: None };
        let transport = match reading.layers(&mut place, wholes) {
            Ok(transport) => transport,
            Err(reason) => match reading.plain {
                Some(plain) if reason.is_malformed() => {
                    place = plain;
                    Transport::Udp
                }
                _ => {
                    if reason == Reason::Arp {
                        *arp = arp::read(place.bytes);
                    }
                    return counts.drop(reason);
                }
            },
        };
        match transport {
            Transport::Tcp => transport::tcp(packet.ts, &place, copies, counts),
            Transport::Udp => transport::udp(packet.ts, &place, copies, counts),
        }
    }

    /// The ARP packet that the last packet was, once.
    pub const fn take_arp(&mut self) -> Option<Arp> {
        self.arp.take()
    }

    /// What became of the packets so far.
    pub const fn counts(&self) -> &FrameCounts {
        &self.counts
    }
}

/// The innermost TCP segment or UDP datagram of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Who sent it.
    pub src: Addr,
    /// Who it was sent to.
    pub dst: Addr,
    /// MAC addresses of sender and receiver beside the innermost IP packet, where there are any.
    pub macs: Option<[[u8; 6]; 2]>,
    /// Innermost VLAN id.
    pub vlan: Option<u16>,
    /// Length of the IP packet on the wire, header included.
    pub ip_len: u32,
    /// What is in it.
    pub payload: Payload<'a>,
}

/// What an IP packet carries.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// A UDP datagram.
    Udp(Datagram<'a>),
}

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Port of the sender.
    pub sport: u16,
    /// Port of the receiver.
    pub dport: u16,
    /// Sequence number of the first byte of `data` (of the SYN when there is one).
    pub seq: u32,
    /// Acknowledgement number; counts when the ACK flag stands.
    pub ack: u32,
    /// CWR ECE URG ACK PSH RST SYN FIN, as in byte 13 of the header.
    pub flags: u8,
    /// What was captured of its data.
    pub data: &'a [u8],
    /// Bytes of its data on the wire that the capture cut off.
    pub cut: u32,
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Port of the sender.
    pub sport: u16,
    /// Port of the receiver.
    pub dport: u16,
    /// What was captured of its data.
    pub data: &'a [u8],
    /// Bytes of its data on the wire that the capture cut off.
    pub cut: u32,
}

/// One packet on its way through the layers.
struct Reading<'a, 'b> {
    packet: &'b Packet<'a>,
    copies: &'b mut Copies,
    counts: &'b mut FrameCounts,
    fragments: &'b mut Fragments,
    /// A datagram to the port of a tunnel, should there be none in it.
    plain: Option<Place<'a>>,
}

impl<'a> Reading<'a, '_> {
    /// Goes to the header of TCP or UDP.
    #[inline]
    fn layers(&mut self, place: &mut Place<'a>, mut wholes: &'a mut [Vec<u8>]) -> Result<Transport, Reason> {
        let mut layer = link::first(self.packet.link);
        for _ in 0..MOST_LAYERS {
            layer = match layer {
                Layer::Cooked => link::cooked(place)?,
                Layer::Cooked2 => link::cooked2(place)?,
                Layer::Ethernet => link::ethernet(place)?,
                Layer::Gre => tunnel::gre(place)?,
                Layer::Ip => ip::either(place)?,
                Layer::Ipv4 | Layer::Ipv6 => {
                    let part = match layer {
                        Layer::Ipv4 => ip::v4(place, self.counts)?,
                        _ => ip::v6(place, self.counts)?,
                    };
                    if let Some(part) = part {
                        let free = std::mem::take(&mut wholes).split_first_mut();
                        let (whole, rest) = free.ok_or(Reason::TooManyLayers)?;
                        self.reassemble(place, part, whole)?;
                        wholes = rest;
                    }
                    ip::after_protocol(place)?
                }
                Layer::Llc => link::llc(place)?,
                Layer::Loopback => link::loopback(place)?,
                Layer::Mpls => tunnel::mpls(place)?,
                Layer::Ppp => tunnel::ppp(place)?,
                Layer::Pppoe => tunnel::pppoe(place)?,
                Layer::Tag(length) => link::tag(length, place)?,
                Layer::Tcp => return Ok(Transport::Tcp),
                Layer::Udp => match tunnel::in_udp(place) {
                    None => return Ok(Transport::Udp),
                    Some((inner, next)) => {
                        self.plain = Some(*place);
                        *place = inner;
                        next
                    }
                },
                Layer::Vlan => link::vlan(place)?,
                Layer::Wrapped(length) => link::wrapped(length, place)?,
            };
        }
        Err(Reason::TooManyLayers)
    }

    /// Goes on with the whole datagram, once its last fragment has come.
    #[cold]
    fn reassemble(
        &mut self,
        place: &mut Place<'a>,
        part: Part,
        whole: &'a mut Vec<u8>,
    ) -> Result<(), Reason> {
        let edges = u64::from(part.offset) << 32 | u64::from(part.more);
        let content = [edges, 2, checksum::sum(place.bytes)];
        if self.copies.is_copy(self.packet.ts, place, content) {
            return Err(Reason::Copy);
        }
        // The rest of a first fragment that was cut short cannot be waited for.
        if part.offset == 0 && (place.missing != 0 || !place.ip.is_summed) {
            place.ip.is_summed = false;
            return ip::extensions(place).map(|_| ());
        }
        let protocol = self.fragments.add(self.packet.ts, place, part, whole, self.counts)?;
        let header_len = place.ip.len.saturating_sub(len_of(place.bytes));
        place.bytes = whole;
        place.ip.protocol = protocol;
        place.ip.len = header_len.saturating_add(len_of(whole));
        // Headers that stood behind the fragment header.
        match ip::extensions(place)? {
            Some(_) => Err(Reason::FragmentBad),
            None => Ok(()),
        }
    }
}

/// Headers before TCP or UDP that are read; more are an attack on whoever reads them.
const MOST_LAYERS: usize = 16;
