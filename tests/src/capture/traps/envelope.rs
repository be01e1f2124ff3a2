//! What frames can be put into: tags, labels, tunnels, fragments, other link layers. Each function
//! takes an Ethernet frame with an IP packet and gives the frame that carries it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::super::message::wire;
use super::super::packet::{self, fold, sum};

/// The frame's IP packet without the padding behind it.
pub fn bare(frame: &[u8]) -> Vec<u8> {
    let ip = &frame[14..];
    let length = match ip[0] >> 4 {
        4 => usize::from(u16::from_be_bytes([ip[2], ip[3]])),
        _ => 40 + usize::from(u16::from_be_bytes([ip[4], ip[5]])),
    };
    ip[..length].to_vec()
}

/// With a tag of this type before its own.
pub fn tagged(frame: &[u8], kind: u16, tag: u16) -> Vec<u8> {
    wire![&frame[..12], kind, tag, &frame[12..]]
}

/// IP below two labels (RFC 3032 §2.1).
pub fn mpls(frame: &[u8]) -> Vec<u8> {
    wire![&frame[..12], 0x8847_u16, 100_u32 << 12 | 64, 200_u32 << 12 | 0x140, bare(frame)]
}

/// A whole frame below one label and a control word (RFC 4448 §4.6).
pub fn mpls_ethernet(frame: &[u8]) -> Vec<u8> {
    wire![&frame[..12], 0x8847_u16, 100_u32 << 12 | 0x140, 0_u32, frame]
}

/// A session of RFC 2516 §4.
pub fn pppoe(frame: &[u8]) -> Vec<u8> {
    let ip = bare(frame);
    let protocol = if ip[0] >> 4 == 4 { 0x21_u16 } else { 0x57 };
    wire![&frame[..12], 0x8864_u16, [0x11, 0], 0x1234_u16, ip.len() as u16 + 2, protocol, ip]
}

/// A provider's backbone (IEEE 802.1ah): its tag, its service, the whole frame.
pub fn pbb(frame: &[u8]) -> Vec<u8> {
    wire![&frame[..12], 0x88a8_u16, 50_u16, 0x88e7_u16, 0x0000_1234_u32, frame]
}

/// IP in GRE without options (RFC 2784).
pub fn gre(frame: &[u8]) -> Vec<u8> {
    tunnel(47, &wire![0_u16, &frame[12..14], bare(frame)])
}

/// GRE with checksum, key and sequence number (RFC 2890), and Ethernet in it.
pub fn gre_full(frame: &[u8]) -> Vec<u8> {
    let mut gre = wire![0xb000_u16, 0x6558_u16, 0_u32, 77_u32, 5_u32, frame];
    let checksum = fold(sum(&gre));
    gre[4..6].copy_from_slice(&checksum.to_be_bytes());
    tunnel(47, &gre)
}

/// A mirror of type I: GRE without a sequence number, and no header of its own.
pub fn erspan_1(frame: &[u8]) -> Vec<u8> {
    tunnel(47, &wire![0_u16, 0x88be_u16, frame])
}

/// A mirror of type II: version 1, VLAN 7, session 9.
pub fn erspan_2(frame: &[u8]) -> Vec<u8> {
    tunnel(47, &wire![0x1000_u16, 0x88be_u16, 1_u32, 0x1007_u16, 9_u16, 3_u32, frame])
}

/// A mirror of type III: version 2, with the platform's subheader.
pub fn erspan_3(frame: &[u8]) -> Vec<u8> {
    let subheader = [0x0c, 0, 0, 0, 0, 0, 0, 1];
    tunnel(
        47,
        &wire![0x1000_u16, 0x22eb_u16, 1_u32, 0x2007_u16, 9_u16, 1000_u32, [0, 0, 0, 1], subheader, frame],
    )
}

/// RFC 7348 §5.
pub fn vxlan(frame: &[u8]) -> Vec<u8> {
    datagram(4789, &wire![0x0800_0000_u32, 42_u32 << 8, frame])
}

/// RFC 8926 §3.4, with one option of four bytes.
pub fn geneve(frame: &[u8]) -> Vec<u8> {
    datagram(6081, &wire![0x0200_6558_u32, 42_u32 << 8, 0x0102_0301_u32, 7_u32, frame])
}

/// IPv4 or IPv6 in IPv4.
pub fn ip_in_ip(frame: &[u8]) -> Vec<u8> {
    let ip = bare(frame);
    tunnel(if ip[0] >> 4 == 4 { 4 } else { 41 }, &ip)
}

/// With eight bytes of options (router alert, fillers).
pub fn ipv4_options(frame: &[u8]) -> Vec<u8> {
    let ip = bare(frame);
    ethernet(frame, headed(&ip, &[0x94, 4, 0, 0, 1, 1, 1, 0], 0, &ip[20..]))
}

/// In pieces of at most 256 bytes.
pub fn fragments(frame: &[u8]) -> Vec<Vec<u8>> {
    let ip = bare(frame);
    if ip.len() <= 276 {
        return vec![frame.to_vec()];
    }
    let pieces = ip[20..].chunks(256);
    let last = pieces.len() - 1;
    let piece = |(at, piece): (usize, &[u8])| {
        let more = if at == last { 0 } else { 0x2000 };
        ethernet(frame, headed(&ip, &[], (at * 32) as u16 | more, piece))
    };
    pieces.enumerate().map(piece).collect()
}

/// IPv6 in pieces of at most 256 bytes (RFC 8200 §4.5).
pub fn fragments_6(frame: &[u8]) -> Vec<Vec<u8>> {
    let ip = bare(frame);
    if ip.len() <= 296 {
        return vec![frame.to_vec()];
    }
    // Enough of the packet is its own to tell it from others.
    let id = u32::from(fold(sum(&ip)));
    let pieces = ip[40..].chunks(256);
    let last = pieces.len() - 1;
    let piece = |(at, piece): (usize, &[u8])| {
        let place = (at * 256) as u16 | u16::from(at != last);
        chained(frame, &ip, 44, &wire![[ip[6], 0], place, id, piece])
    };
    pieces.enumerate().map(piece).collect()
}

/// A fragment that is the whole (RFC 6946).
pub fn atomic_fragment(frame: &[u8]) -> Vec<u8> {
    let ip = bare(frame);
    chained(frame, &ip, 44, &wire![[ip[6], 0], 0_u16, 99_u32, &ip[40..]])
}

/// Hop-by-hop options, routing with nothing left to visit, destination options (RFC 8200 §4).
pub fn extension_headers(frame: &[u8]) -> Vec<u8> {
    let ip = bare(frame);
    let hops = [43, 0, 1, 4, 0, 0, 0, 0];
    let routing = [60, 0, 253, 0, 0, 0, 0, 0];
    let options = [ip[6], 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    chained(frame, &ip, 0, &wire![hops, routing, options, &ip[40..]])
}

/// A total length of zero, as network cards that cut segments themselves leave it.
pub fn total_length_zero(frame: &[u8]) -> Vec<u8> {
    let mut frame = wire![&frame[..14], bare(frame)];
    frame[16..18].fill(0);
    frame[24..26].fill(0);
    let checksum = fold(sum(&frame[14..34]));
    frame[24..26].copy_from_slice(&checksum.to_be_bytes());
    frame
}

/// A TCP or UDP checksum that the network card was to fill in, and nobody did.
pub fn checksum_offload(frame: &[u8]) -> Vec<u8> {
    let at = if frame[23] == packet::TCP { 50 } else { 40 };
    let mut frame = frame.to_vec();
    frame[at] ^= 0x55;
    frame
}

/// Linux "any" of old: direction, kind of link, sender, type.
pub fn sll(frame: &[u8]) -> Vec<u8> {
    wire![0_u16, 1_u16, 6_u16, &frame[6..12], [0, 0], &frame[12..14], bare(frame)]
}

/// Linux "any" of today: type first, then the number of the interface.
pub fn sll2(frame: &[u8]) -> Vec<u8> {
    wire![&frame[12..14], 0_u16, 3_u32, 1_u16, [0, 6], &frame[6..12], [0, 0], bare(frame)]
}

/// The address family as BSD counts them: 2, and 30 for IPv6 (as on Darwin).
pub fn family(frame: &[u8]) -> u32 {
    if frame[14] >> 4 == 4 { 2 } else { 30 }
}

/// The IPv4 packet's header with other options, place and body.
fn headed(ip: &[u8], options: &[u8], place: u16, body: &[u8]) -> Vec<u8> {
    let words = 5 + options.len() as u8 / 4;
    let length = u16::from(words) * 4 + body.len() as u16;
    let mut header =
        wire![[0x40 | words, 0], length, &ip[4..6], place, &ip[8..10], 0_u16, &ip[12..20], options];
    let checksum = fold(sum(&header));
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    wire![header, body]
}

/// The IPv6 packet's header with another next header and body.
fn chained(frame: &[u8], ip: &[u8], next: u8, body: &[u8]) -> Vec<u8> {
    ethernet(frame, wire![&ip[..4], body.len() as u16, next, &ip[7..40], body])
}

fn ethernet(frame: &[u8], ip: Vec<u8>) -> Vec<u8> {
    let mut frame = wire![&frame[..14], ip];
    if frame.len() < 60 {
        frame.resize(60, 0);
    }
    frame
}

/// From switch to sensor in an IP packet.
fn tunnel(protocol: u8, body: &[u8]) -> Vec<u8> {
    let (mut ip, mut frame) = (Vec::new(), Vec::new());
    packet::ip(&mut ip, SWITCH, SENSOR, protocol, 1, body);
    packet::ethernet(&mut frame, SWITCH, SENSOR, None, &ip);
    frame
}

fn datagram(port: u16, data: &[u8]) -> Vec<u8> {
    let mut udp = Vec::new();
    packet::udp(&mut udp, SocketAddr::new(SWITCH, 51515), SocketAddr::new(SENSOR, port), data);
    tunnel(packet::UDP, &udp)
}

const SWITCH: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 16, 0, 1));
const SENSOR: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 16, 0, 2));
