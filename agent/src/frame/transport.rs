//! TCP and UDP: the last header, its checksum, and whether the packet is a copy.
//!
//! The headers are read by hand, not through a slice of them, because a capture may end within the
//! options and what stands before them still counts.

use fieldward_shared::time::Timestamp;

use super::copies::Copies;
use super::counts::{FrameCounts, Reason};
use super::place::{Place, len_of};
use super::{Datagram, Frame, Payload, Segment, checksum, ip};

/// A TCP segment (RFC 9293 §3.1).
#[inline]
pub(super) fn tcp<'a>(
    ts: Timestamp,
    place: &Place<'a>,
    copies: &mut Copies,
    counts: &mut FrameCounts,
) -> Option<Frame<'a>> {
    let Some(header) = place.bytes.first_chunk::<20>() else {
        return counts.drop(Reason::TruncatedTransport);
    };
    let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, c0, c1, _, _] = *header;
    let header_len = u32::from(offset >> 4).wrapping_mul(4);
    if header_len < 20 || header_len > place.on_wire() {
        return counts.drop(Reason::BadTcpHeader);
    }
    let sum = (place.missing == 0).then(|| checksum::sum(place.bytes));
    if let Some(sum) = sum {
        check(place, ip::TCP, sum, [c0, c1], Reason::BadTcpChecksum, counts);
    }
    let ports = u32::from_be_bytes([s0, s1, d0, d1]);
    let (seq, ack) = (u32::from_be_bytes([q0, q1, q2, q3]), u32::from_be_bytes([a0, a1, a2, a3]));
    let content = [
        u64::from(ports) << 32 | u64::from(u32::from_be_bytes([offset, flags, w0, w1])),
        u64::from(seq) << 32 | u64::from(ack),
        sum.unwrap_or_else(|| u64::from(u16::from_be_bytes([c0, c1]))),
    ];
    if copies.is_copy(ts, place, content) {
        return counts.drop(Reason::Copy);
    }
    let data = place.bytes.get(header_len as usize..).unwrap_or_default();
    let segment = Segment {
        sport: u16::from_be_bytes([s0, s1]),
        dport: u16::from_be_bytes([d0, d1]),
        seq,
        ack,
        flags,
        data,
        // The capture may have ended within the options.
        cut: place.on_wire().saturating_sub(header_len).saturating_sub(len_of(data)),
    };
    Some(frame(place, Payload::Tcp(segment), counts))
}

/// A UDP datagram (RFC 768).
#[inline]
pub(super) fn udp<'a>(
    ts: Timestamp,
    place: &Place<'a>,
    copies: &mut Copies,
    counts: &mut FrameCounts,
) -> Option<Frame<'a>> {
    let Some(header) = place.bytes.first_chunk::<8>() else {
        return counts.drop(Reason::TruncatedTransport);
    };
    let [s0, s1, d0, d1, l0, l1, c0, c1] = *header;
    let mut place = *place;
    let mut is_checked = [c0, c1] != [0, 0] || place.ip.is_v6;
    match u32::from(u16::from_be_bytes([l0, l1])) {
        // From segmentation offload and in jumbograms (RFC 2675 §4): all that IP carries.
        0 => {}
        1..8 => return counts.drop(Reason::BadUdpHeader),
        length if length > place.on_wire() => {
            counts.add(Reason::BadUdpLength);
            is_checked = false;
        }
        length => place.limit(length),
    }
    let sum = (place.missing == 0).then(|| checksum::sum(place.bytes));
    if let Some(sum) = sum
        && is_checked
    {
        check(&place, ip::UDP, sum, [c0, c1], Reason::BadUdpChecksum, counts);
    }
    let content = [u64::from_be_bytes(*header), 1, sum.unwrap_or_default()];
    if copies.is_copy(ts, &place, content) {
        return counts.drop(Reason::Copy);
    }
    let datagram = Datagram {
        sport: u16::from_be_bytes([s0, s1]),
        dport: u16::from_be_bytes([d0, d1]),
        data: place.bytes.get(8..).unwrap_or_default(),
        cut: place.missing,
    };
    Some(frame(&place, Payload::Udp(datagram), counts))
}

/// Counts a wrong checksum. A sender that leaves it to its network card writes the sum over the
/// pseudo-header there, with the length or, for the card to cut into segments, without.
#[inline]
fn check(place: &Place<'_>, protocol: u8, sum: u64, field: [u8; 2], bad: Reason, counts: &mut FrameCounts) {
    let pseudo = checksum::pseudo_header(&place.ip.src, &place.ip.dst, protocol);
    let with_length = pseudo.wrapping_add(checksum::length(len_of(place.bytes)));
    if checksum::fold(sum.wrapping_add(with_length)) == 0xffff || !place.ip.is_summed {
        return;
    }
    let field = u16::from_ne_bytes(field);
    let is_offloaded = field == checksum::fold(with_length) || field == checksum::fold(pseudo);
    counts.add(if is_offloaded { Reason::OffloadedChecksum } else { bad });
}

#[inline]
fn frame<'a>(place: &Place<'a>, payload: Payload<'a>, counts: &mut FrameCounts) -> Frame<'a> {
    if place.missing != 0 {
        counts.add(Reason::CutPacket);
    }
    Frame {
        src: place.ip.src,
        dst: place.ip.dst,
        macs: place.macs,
        vlan: place.vlan,
        ip_len: place.ip.len,
        payload,
    }
}
