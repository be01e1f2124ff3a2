//! Link layers and the tags between them and IP.
//!
//! Each function reads one header at the place and names the next layer. What is not on the way to
//! IP ends here with its reason.

use etherparse::{Ethernet2HeaderSlice, SingleVlanHeaderSlice};

use super::counts::Reason;
use super::place::{Layer, Place};
use crate::capture::LinkType;

/// The first layer of a packet.
#[inline]
pub(super) const fn first(link: LinkType) -> Layer {
    match link {
        LinkType::BsdLoopback => Layer::Loopback,
        LinkType::Ethernet => Layer::Ethernet,
        LinkType::LinuxCooked => Layer::Cooked,
        LinkType::LinuxCooked2 => Layer::Cooked2,
        LinkType::RawIp => Layer::Ip,
    }
}

/// Ethernet II or IEEE 802.3.
#[inline]
pub(super) fn ethernet(place: &mut Place<'_>) -> Result<Layer, Reason> {
    let header = Ethernet2HeaderSlice::from_slice(place.bytes).map_err(|_| Reason::TruncatedLink)?;
    let [s0, s1, s2, s3, s4, s5] = header.source();
    let [d0, d1, d2, d3, d4, d5] = header.destination();
    place.macs = Some([header.source(), header.destination()]);
    place.mark(u64::from_ne_bytes([s0, s1, s2, s3, s4, s5, d0, d1]));
    place.mark(u64::from(u32::from_ne_bytes([d2, d3, d4, d5])));
    place.skip(header.slice().len(), Reason::TruncatedLink)?;
    after_type(header.ether_type().0, place)
}

/// IEEE 802.1Q, 802.1ad and their predecessors.
pub(super) fn vlan(place: &mut Place<'_>) -> Result<Layer, Reason> {
    let header = SingleVlanHeaderSlice::from_slice(place.bytes).map_err(|_| Reason::TruncatedLink)?;
    let id = header.vlan_identifier().value();
    // Id 0 is a priority without a VLAN (802.1Q §9.6).
    if id != 0 {
        place.vlan = Some(id);
    }
    place.mark(u64::from(id) | 1 << 32);
    place.skip(header.slice().len(), Reason::TruncatedLink)?;
    after_type(header.ether_type().0, place)
}

/// A tag that says nothing here: `length` bytes, then an EtherType.
pub(super) fn tag(length: u8, place: &mut Place<'_>) -> Result<Layer, Reason> {
    place.skip(usize::from(length), Reason::TruncatedLink)?;
    let ether_type = place.header::<2>(Reason::TruncatedLink)?;
    after_type(u16::from_be_bytes(*ether_type), place)
}

/// `length` bytes that say nothing here, then an Ethernet frame.
pub(super) fn wrapped(length: u8, place: &mut Place<'_>) -> Result<Layer, Reason> {
    place.skip(usize::from(length), Reason::TruncatedLink)?;
    Ok(Layer::Ethernet)
}

/// IEEE 802.2: IP itself, or SNAP with an EtherType (RFC 1042).
pub(super) fn llc(place: &mut Place<'_>) -> Result<Layer, Reason> {
    match place.header::<3>(Reason::TruncatedLink)? {
        [0xaa, 0xaa, 0x03] => {}
        [0x06, 0x06, 0x03] => return Ok(Layer::Ip),
        _ => return Err(Reason::NonIp),
    }
    let [o0, o1, o2, t0, t1] = *place.header::<5>(Reason::TruncatedLink)?;
    let ether_type = u16::from_be_bytes([t0, t1]);
    // Organisation 0 is RFC 1042, 00-00-F8 the bridge tunnel of IEEE 802.1H.
    match [o0, o1, o2] {
        [0, 0, 0] | [0, 0, 0xf8] if ether_type > MOST_LENGTH => after_type(ether_type, place),
        _ => Err(Reason::NonIp),
    }
}

/// Linux cooked capture version 1: kind, hardware, sender, protocol.
pub(super) fn cooked(place: &mut Place<'_>) -> Result<Layer, Reason> {
    let header = place.header::<16>(Reason::TruncatedLink)?;
    let [k0, k1, h0, h1, _, _, a0, a1, a2, a3, a4, a5, a6, a7, p0, p1] = *header;
    place.mark(u64::from_ne_bytes([a0, a1, a2, a3, a4, a5, a6, a7]));
    place.mark(u64::from(u32::from_ne_bytes([k0, k1, h0, h1])));
    after_cooked(u16::from_be_bytes([p0, p1]), place)
}

/// Linux cooked capture version 2: protocol, interface, hardware, kind, sender.
pub(super) fn cooked2(place: &mut Place<'_>) -> Result<Layer, Reason> {
    let header = place.header::<20>(Reason::TruncatedLink)?;
    let [p0, p1, _, _, i0, i1, i2, i3, h0, h1, kind, _, a0, a1, a2, a3, a4, a5, a6, a7] = *header;
    place.mark(u64::from_ne_bytes([a0, a1, a2, a3, a4, a5, a6, a7]));
    place.mark(u64::from_ne_bytes([i0, i1, i2, i3, h0, h1, kind, 0]));
    after_cooked(u16::from_be_bytes([p0, p1]), place)
}

/// BSD loopback: an address family in the byte order of whoever captured, which nothing says.
pub(super) fn loopback(place: &mut Place<'_>) -> Result<Layer, Reason> {
    let family = u32::from_be_bytes(*place.header::<4>(Reason::TruncatedLink)?);
    match family.min(family.swap_bytes()) {
        2 => Ok(Layer::Ipv4),
        // Linux, NetBSD and OpenBSD, FreeBSD, Darwin.
        10 | 24 | 28 | 30 => Ok(Layer::Ipv6),
        _ => Err(Reason::NonIp),
    }
}

/// The layer that an EtherType, or an 802.3 length in its stead, announces.
#[inline]
pub(super) fn after_type(ether_type: u16, place: &mut Place<'_>) -> Result<Layer, Reason> {
    match ether_type {
        0x0800 => Ok(Layer::Ipv4),
        0x86dd => Ok(Layer::Ipv6),
        0x8100 | 0x88a8 | 0x9100 | 0x9200 => Ok(Layer::Vlan),
        _ => after_rare_type(ether_type, place),
    }
}

#[cold]
fn after_rare_type(ether_type: u16, place: &mut Place<'_>) -> Result<Layer, Reason> {
    match ether_type {
        0x6558 => Ok(Layer::Ethernet),
        0x8847 | 0x8848 => Ok(Layer::Mpls),
        0x8864 => Ok(Layer::Pppoe),
        // 802.1ah: a service id before the customer's frame.
        0x88e7 => Ok(Layer::Wrapped(4)),
        // Cisco metadata, VN-Tag, High-availability Seamless Redundancy, 802.1BR.
        0x8909 | 0x893f => Ok(Layer::Tag(6)),
        0x8926 | 0x892f => Ok(Layer::Tag(4)),
        0x0806 | 0x8035 => Err(Reason::Arp),
        0..=MOST_LENGTH => {
            place.limit(u32::from(ether_type));
            Ok(Layer::Llc)
        }
        _ if NON_IP.binary_search(&ether_type).is_ok() => Err(Reason::NonIp),
        _ => Err(Reason::UnknownEthertype),
    }
}

/// Linux writes small numbers of its own where there was no EtherType.
fn after_cooked(protocol: u16, place: &mut Place<'_>) -> Result<Layer, Reason> {
    match protocol {
        4 => Ok(Layer::Llc),
        0..0x600 => Err(Reason::NonIp),
        _ => after_type(protocol, place),
    }
}

/// The greatest length in an 802.3 header; EtherTypes begin at 0x600.
const MOST_LENGTH: u16 = 1500;

/// EtherTypes seen in plants that never lead to IP: PROFINET, EtherCAT, GOOSE and its kin, LLDP,
/// redundancy protocols, time, authentication, keys, discovery. In order.
pub(super) const NON_IP: [u16; 37] = [
    0x0842, 0x2000, 0x2003, 0x22f0, 0x22f3, 0x6002, 0x6003, 0x6004, 0x8037, 0x809b, 0x80e1, 0x80f3, 0x8137,
    0x8808, 0x8809, 0x8819, 0x8863, 0x886d, 0x887b, 0x888e, 0x8892, 0x8899, 0x88a2, 0x88a4, 0x88ab, 0x88b8,
    0x88b9, 0x88ba, 0x88cc, 0x88cd, 0x88e1, 0x88e3, 0x88e5, 0x88f7, 0x88fb, 0x8902, 0x9000,
];
