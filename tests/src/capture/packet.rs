//! Bytes of packets: Ethernet, IPv4 and IPv6, TCP and UDP, with right checksums.

use std::net::{IpAddr, SocketAddr};

/// Appends an Ethernet frame that carries the IP packet of `proto` with `body`.
pub fn ethernet(out: &mut Vec<u8>, src: IpAddr, dst: IpAddr, vlan: Option<u16>, ip: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&mac(dst));
    out.extend_from_slice(&mac(src));
    if let Some(vlan) = vlan {
        out.extend_from_slice(&[0x81, 0]);
        out.extend_from_slice(&vlan.to_be_bytes());
    }
    out.extend_from_slice(if src.is_ipv4() { &[0x08, 0x00] } else { &[0x86, 0xdd] });
    out.extend_from_slice(ip);
    let least = start + SHORTEST_FRAME;
    if out.len() < least {
        out.resize(least, 0);
    }
}

/// An address made up from the last four bytes of the IP address, marked as locally administered.
pub fn mac(ip: IpAddr) -> [u8; 6] {
    let [a, b, c, d] = match ip {
        IpAddr::V4(ip) => ip.octets(),
        IpAddr::V6(ip) => {
            let [.., a, b, c, d] = ip.octets();
            [a, b, c, d]
        }
    };
    [2, 0, a, b, c, d]
}

/// Appends an IP packet.
pub fn ip(out: &mut Vec<u8>, src: IpAddr, dst: IpAddr, proto: u8, id: u16, body: &[u8]) {
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let header = out.len();
            out.extend_from_slice(&[0x45, 0]);
            out.extend_from_slice(&(20 + body.len() as u16).to_be_bytes());
            out.extend_from_slice(&id.to_be_bytes());
            out.extend_from_slice(&[0x40, 0, 64, proto, 0, 0]);
            out.extend_from_slice(&src.octets());
            out.extend_from_slice(&dst.octets());
            let sum = fold(sum(&out[header..]));
            out[header + 10..header + 12].copy_from_slice(&sum.to_be_bytes());
        }
        (src, dst) => {
            out.extend_from_slice(&[0x60, 0, 0, 0]);
            out.extend_from_slice(&(body.len() as u16).to_be_bytes());
            out.extend_from_slice(&[proto, 64]);
            out.extend_from_slice(&six(src));
            out.extend_from_slice(&six(dst));
        }
    }
    out.extend_from_slice(body);
}

/// What a TCP header says besides ports.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flags, as in byte 13.
    pub flags: u8,
    /// Window.
    pub window: u16,
    /// Options, padded to four bytes.
    pub options: &'a [u8],
    /// Data.
    pub data: &'a [u8],
}

/// Appends a TCP segment.
pub fn tcp(out: &mut Vec<u8>, src: SocketAddr, dst: SocketAddr, segment: &Segment<'_>) {
    let start = out.len();
    out.extend_from_slice(&src.port().to_be_bytes());
    out.extend_from_slice(&dst.port().to_be_bytes());
    out.extend_from_slice(&segment.seq.to_be_bytes());
    out.extend_from_slice(&segment.ack.to_be_bytes());
    out.extend_from_slice(&[((20 + segment.options.len()) as u8 / 4) << 4, segment.flags]);
    out.extend_from_slice(&segment.window.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(segment.options);
    out.extend_from_slice(segment.data);
    seal(&mut out[start..], src.ip(), dst.ip(), TCP, 16);
}

/// Appends a UDP datagram.
pub fn udp(out: &mut Vec<u8>, src: SocketAddr, dst: SocketAddr, data: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&src.port().to_be_bytes());
    out.extend_from_slice(&dst.port().to_be_bytes());
    out.extend_from_slice(&(8 + data.len() as u16).to_be_bytes());
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(data);
    seal(&mut out[start..], src.ip(), dst.ip(), UDP, 6);
}

/// Puts the checksum over pseudo header and `packet` at `at`.
fn seal(packet: &mut [u8], src: IpAddr, dst: IpAddr, proto: u8, at: usize) {
    let ends = match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => sum(&src.octets()) + sum(&dst.octets()),
        (src, dst) => sum(&six(src)) + sum(&six(dst)),
    };
    let total = fold(ends + u64::from(proto) + packet.len() as u64 + sum(packet));
    packet[at..at + 2].copy_from_slice(&total.to_be_bytes());
}

fn six(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// Sum of the 16-bit words, the last one filled up with zero (RFC 1071).
pub fn sum(bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(2);
    let sum: u64 = words.by_ref().map(|word| u64::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    sum + words.remainder().first().map_or(0, |last| u64::from(*last) << 8)
}

/// The checksum that belongs to a sum.
pub const fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Protocol number of TCP.
pub const TCP: u8 = 6;
/// Protocol number of UDP.
pub const UDP: u8 = 17;
/// Ethernet frames are filled up to this, checksum not counted.
const SHORTEST_FRAME: usize = 60;
