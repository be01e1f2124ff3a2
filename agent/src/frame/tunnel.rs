//! Labels and tunnels that carry plant traffic to the sensor: MPLS, PPP, GRE and what switches
//! mirror through it (ERSPAN), VXLAN, GENEVE.

use super::counts::Reason;
use super::link;
use super::place::{Layer, Place};

/// A stack of MPLS labels (RFC 3032 §2.1). Nothing says what is below the last one, but its first
/// bits do (RFC 4928 §3): an IP version, or a control word (RFC 4385 §3) before Ethernet.
pub(super) fn mpls(place: &mut Place<'_>) -> Result<Layer, Reason> {
    for _ in 0..MOST_LABELS {
        let label = u32::from_be_bytes(*place.header::<4>(Reason::TruncatedTunnel)?);
        place.mark(u64::from(label >> 12));
        if label & 0x100 != 0 {
            let first = *place.bytes.first().ok_or(Reason::TruncatedTunnel)?;
            return match first >> 4 {
                0 => Ok(Layer::Wrapped(4)),
                // An associated channel: the operator's own tests.
                1 => Err(Reason::NonIp),
                4 => Ok(Layer::Ipv4),
                6 => Ok(Layer::Ipv6),
                _ => Ok(Layer::Ethernet),
            };
        }
    }
    Err(Reason::TooManyLayers)
}

/// PPP over Ethernet, session stage (RFC 2516 §4).
pub(super) fn pppoe(place: &mut Place<'_>) -> Result<Layer, Reason> {
    let [version_type, code, _, _, l0, l1] = *place.header::<6>(Reason::TruncatedTunnel)?;
    if version_type != 0x11 || code != 0 {
        return Err(Reason::UnknownTunnel);
    }
    place.limit(u32::from(u16::from_be_bytes([l0, l1])));
    Ok(Layer::Ppp)
}

/// PPP; address and control may be left out, and the protocol's first byte where it is 0
/// (RFC 1661 §6.5 and §6.6).
pub(super) fn ppp(place: &mut Place<'_>) -> Result<Layer, Reason> {
    if place.bytes.starts_with(&[0xff, 0x03]) {
        place.skip(2, Reason::TruncatedTunnel)?;
    }
    let [first] = *place.header::<1>(Reason::TruncatedTunnel)?;
    let protocol = if first & 1 == 1 {
        u16::from(first)
    } else {
        let [second] = *place.header::<1>(Reason::TruncatedTunnel)?;
        u16::from_be_bytes([first, second])
    };
    match protocol {
        0x0021 => Ok(Layer::Ipv4),
        0x0057 => Ok(Layer::Ipv6),
        0x0281 | 0x0283 => Ok(Layer::Mpls),
        _ => Err(Reason::NonIp),
    }
}

/// GRE version 0 (RFC 2784, 2890) and the one of PPTP (RFC 2637 §4.1).
pub(super) fn gre(place: &mut Place<'_>) -> Result<Layer, Reason> {
    let [f0, f1, p0, p1] = *place.header::<4>(Reason::TruncatedTunnel)?;
    let (flags, protocol) = (u16::from_be_bytes([f0, f1]), u16::from_be_bytes([p0, p1]));
    let fields = |mask: u16| (flags & mask).count_ones().wrapping_mul(4) as usize;
    match (flags & 0x0007, protocol) {
        // Source routing was never used.
        (0, _) if flags & ROUTING != 0 => Err(Reason::UnknownTunnel),
        (0, _) => {
            place.skip(fields(CHECKSUM | KEY | SEQUENCE), Reason::TruncatedTunnel)?;
            match protocol {
                0x88be if flags & SEQUENCE != 0 => erspan2(place),
                0x88be => Ok(Layer::Ethernet),
                0x22eb => erspan3(place),
                0..0x600 => Err(Reason::UnknownTunnel),
                _ => link::after_type(protocol, place),
            }
        }
        (1, 0x880b) if flags & KEY != 0 => {
            let [l0, l1, _, _] = *place.header::<4>(Reason::TruncatedTunnel)?;
            place.skip(fields(SEQUENCE | ACKNOWLEDGEMENT), Reason::TruncatedTunnel)?;
            place.limit(u32::from(u16::from_be_bytes([l0, l1])));
            // An acknowledgement alone.
            if place.bytes.is_empty() { Err(Reason::NonIp) } else { Ok(Layer::Ppp) }
        }
        _ => Err(Reason::UnknownTunnel),
    }
}

/// Where the inside of a UDP datagram begins that is a tunnel by its port and by its header.
#[inline]
pub(super) fn in_udp<'a>(place: &Place<'a>) -> Option<(Place<'a>, Layer)> {
    let [s0, s1, d0, d1, ..] = *place.bytes.first_chunk::<8>()?;
    let (sport, dport) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    let mut inner = *place;
    let layer = match (sport, dport) {
        (_, GENEVE) => geneve(&mut inner)?,
        // Some boxes send from the port instead of to it.
        (_, VXLAN | LINUX_VXLAN) | (VXLAN, _) => vxlan(&mut inner)?,
        _ => return None,
    };
    Some((inner, layer))
}

/// VXLAN (RFC 7348 §5). Other flags than the one that must stand are left to their vendors.
fn vxlan(place: &mut Place<'_>) -> Option<Layer> {
    place.skip(8, Reason::TruncatedTunnel).ok()?;
    let [flags, _, _, _, n0, n1, n2, _] = *place.header::<8>(Reason::TruncatedTunnel).ok()?;
    if flags & 0x08 == 0 {
        return None;
    }
    place.enter_tunnel();
    place.mark(u64::from(u32::from_be_bytes([0, n0, n1, n2])));
    Some(Layer::Ethernet)
}

/// GENEVE (RFC 8926 §3.4): options are passed over.
fn geneve(place: &mut Place<'_>) -> Option<Layer> {
    place.skip(8, Reason::TruncatedTunnel).ok()?;
    let [version, _, p0, p1, n0, n1, n2, _] = *place.header::<8>(Reason::TruncatedTunnel).ok()?;
    if version >> 6 != 0 {
        return None;
    }
    let next = match u16::from_be_bytes([p0, p1]) {
        0x0800 => Layer::Ipv4,
        0x6558 => Layer::Ethernet,
        0x86dd => Layer::Ipv6,
        _ => return None,
    };
    place.skip(usize::from(version & 0x3f).wrapping_mul(4), Reason::TruncatedTunnel).ok()?;
    place.enter_tunnel();
    place.mark(u64::from(u32::from_be_bytes([0, n0, n1, n2])));
    Some(next)
}

/// ERSPAN type II: version, VLAN of the mirrored frame, session.
fn erspan2(place: &mut Place<'_>) -> Result<Layer, Reason> {
    let [v0, v1, s0, s1, ..] = *place.header::<8>(Reason::TruncatedTunnel)?;
    mirrored(place, [v0, v1], [s0, s1]);
    Ok(Layer::Ethernet)
}

/// ERSPAN type III: as II, then a time stamp, then flags: kind of frame (0 Ethernet, 2 IP), and in
/// the last bit whether eight more bytes follow.
fn erspan3(place: &mut Place<'_>) -> Result<Layer, Reason> {
    let [v0, v1, s0, s1, _, _, _, _, _, _, kind, last] = *place.header::<12>(Reason::TruncatedTunnel)?;
    mirrored(place, [v0, v1], [s0, s1]);
    if last & 1 == 1 {
        place.skip(8, Reason::TruncatedTunnel)?;
    }
    match kind >> 2 & 0x1f {
        0 => Ok(Layer::Ethernet),
        2 => Ok(Layer::Ip),
        _ => Err(Reason::UnknownTunnel),
    }
}

/// The switch took the tag off the frame and wrote it here.
fn mirrored(place: &mut Place<'_>, vlan: [u8; 2], session: [u8; 2]) {
    let vlan = u16::from_be_bytes(vlan) & 0x0fff;
    place.vlan = (vlan != 0).then_some(vlan);
    place.mark(u64::from(vlan) << 16 | u64::from(u16::from_be_bytes(session)));
}

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;

const VXLAN: u16 = 4789;
const LINUX_VXLAN: u16 = 8472;
const GENEVE: u16 = 6081;

/// Longer stacks of labels than any network has.
const MOST_LABELS: usize = 16;
