//! IP of both versions, and what stands between its header and what it carries.
//!
//! Afterwards `place.ip` says who talks, and the place holds the payload, without padding.

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice, err};

use super::checksum;
use super::counts::{FrameCounts, Reason};
use super::place::{Ip, Layer, Place, len_of};
use crate::flow::Addr;

/// The payload is only a part of the datagram's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Where it belongs.
    pub(super) offset: u32,
    /// It is not the last one.
    pub(super) more: bool,
}

/// IP of the version that the first bits say.
pub(super) fn either(place: &Place<'_>) -> Result<Layer, Reason> {
    match place.bytes.first().ok_or(Reason::TruncatedIp)? >> 4 {
        4 => Ok(Layer::Ipv4),
        6 => Ok(Layer::Ipv6),
        _ => Err(Reason::BadIpHeader),
    }
}

/// IPv4 (RFC 791 §3.1).
#[inline]
pub(super) fn v4(place: &mut Place<'_>, counts: &mut FrameCounts) -> Result<Option<Part>, Reason> {
    use err::ipv4::HeaderSliceError::{Content, Len};
    let header = Ipv4HeaderSlice::from_slice(place.bytes).map_err(|error| match error {
        Content(_) => Reason::BadIpHeader,
        Len(_) => Reason::TruncatedIp,
    })?;
    let bytes = header.slice();
    // Segmentation offload leaves 0: as much as there was on the wire.
    let len = match header.total_len() {
        0 => place.on_wire(),
        len => u32::from(len),
    };
    let is_short = len > place.on_wire();
    place.limit(len);
    let len = place.on_wire();
    place.skip(bytes.len(), Reason::BadIpHeader)?;
    if checksum::fold(checksum::sum(bytes)) != 0xffff {
        let is_absent = header.header_checksum() == 0;
        counts.add(if is_absent { Reason::OffloadedIpChecksum } else { Reason::BadIpChecksum });
    }
    if is_short {
        counts.add(Reason::BadIpLength);
    }
    place.mark(u64::from(header.ttl()));
    place.ip = Ip {
        src: mapped(header.source()),
        dst: mapped(header.destination()),
        protocol: header.protocol().0,
        is_v6: false,
        is_summed: !is_short,
        id: u32::from(header.identification()),
        len,
    };
    let offset = u32::from(header.fragments_offset().value()).wrapping_mul(8);
    if header.more_fragments() || offset != 0 {
        return Ok(Some(Part { offset, more: header.more_fragments() }));
    }
    extensions(place)
}

/// IPv6 (RFC 8200 §3).
pub(super) fn v6(place: &mut Place<'_>, counts: &mut FrameCounts) -> Result<Option<Part>, Reason> {
    use err::ipv6::HeaderSliceError::{Content, Len};
    let header = Ipv6HeaderSlice::from_slice(place.bytes).map_err(|error| match error {
        Content(_) => Reason::BadIpHeader,
        Len(_) => Reason::TruncatedIp,
    })?;
    let header_len = len_of(header.slice());
    // 0 from segmentation offload and in jumbograms: as much as there was on the wire.
    let len = match header.payload_length() {
        0 => place.on_wire(),
        len => u32::from(len).saturating_add(header_len),
    };
    let is_short = len > place.on_wire();
    place.limit(len);
    let len = place.on_wire();
    place.skip(header.slice().len(), Reason::BadIpHeader)?;
    if is_short {
        counts.add(Reason::BadIpLength);
    }
    place.mark(u64::from(header.hop_limit()));
    place.ip = Ip {
        src: Addr::v6(header.source()),
        dst: Addr::v6(header.destination()),
        protocol: header.next_header().0,
        is_v6: true,
        is_summed: !is_short,
        id: 0,
        len,
    };
    extensions(place)
}

/// As `Addr::v4`, but written at once and not byte by byte: it is read again in wider pieces soon,
/// for which the processor would have to wait.
#[inline]
fn mapped(v4: [u8; 4]) -> Addr {
    Addr::v6((0xffff_0000_0000 | u128::from(u32::from_be_bytes(v4))).to_be_bytes())
}

/// The headers between IP and what it carries: those of RFC 8200 §4, and the authentication header
/// (RFC 4302 §2.2), which IPv4 has too.
#[inline]
pub(super) fn extensions(place: &mut Place<'_>) -> Result<Option<Part>, Reason> {
    for _ in 0..MOST_EXTENSIONS {
        match (place.ip.protocol, place.ip.is_v6) {
            (HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HIP | SHIM6, true) => passing(place)?,
            (AUTHENTICATION, _) => {
                let [next, words, ..] = *place.header::<8>(Reason::TruncatedIp)?;
                place.ip.protocol = next;
                place.skip(usize::from(words).wrapping_mul(4), Reason::TruncatedIp)?;
            }
            (FRAGMENT, true) => {
                let [next, _, o0, o1, i0, i1, i2, i3] = *place.header::<8>(Reason::TruncatedIp)?;
                place.ip.protocol = next;
                place.ip.id = u32::from_be_bytes([i0, i1, i2, i3]);
                let field = u16::from_be_bytes([o0, o1]);
                let part = Part { offset: u32::from(field & 0xfff8), more: field & 1 == 1 };
                // One that is both first and last is whole (RFC 6946).
                if part.more || part.offset != 0 {
                    return Ok(Some(part));
                }
            }
            _ => return Ok(None),
        }
    }
    Err(Reason::TooManyLayers)
}

/// The layer that the protocol number announces.
#[inline]
pub(super) fn after_protocol(place: &mut Place<'_>) -> Result<Layer, Reason> {
    let tunnel = match place.ip.protocol {
        TCP => return Ok(Layer::Tcp),
        UDP => return Ok(Layer::Udp),
        1 | 58 => return Err(Reason::Icmp),
        4 => Layer::Ipv4,
        41 => Layer::Ipv6,
        47 => Layer::Gre,
        137 => Layer::Mpls,
        _ => return Err(Reason::OtherIpProtocol),
    };
    place.enter_tunnel();
    Ok(tunnel)
}

/// An extension header in the common form: next header, length in eights without the first.
fn passing(place: &mut Place<'_>) -> Result<(), Reason> {
    let kind = place.ip.protocol;
    let [next, eights, _, segments_left, ..] = *place.header::<8>(Reason::TruncatedIp)?;
    place.ip.protocol = next;
    // Routes still to go put another receiver, home addresses another sender into the checksum.
    if kind == DESTINATION || kind == ROUTING && segments_left != 0 {
        place.ip.is_summed = false;
    }
    place.skip(usize::from(eights).wrapping_mul(8), Reason::TruncatedIp)
}

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

/// More than any sender has reason to send.
const MOST_EXTENSIONS: usize = 16;
