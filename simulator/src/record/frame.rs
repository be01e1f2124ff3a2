//! Bytes of frames: Ethernet, ARP, IPv4, TCP and UDP, with right checksums.

use std::net::Ipv4Addr;

/// One end of a frame.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Address of the network card.
    pub mac: [u8; 6],
    /// Address.
    pub ip: Ipv4Addr,
    /// Port.
    pub port: u16,
    /// Time to live of what it sends.
    pub ttl: u8,
}

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Number of its first byte.
    pub seq: u32,
    /// Number of the byte that is expected next.
    pub ack: u32,
    /// Flags.
    pub flags: u8,
    /// Receive window.
    pub window: u16,
    /// Options, a multiple of four bytes.
    pub options: &'a [u8],
    /// Data.
    pub data: &'a [u8],
}

/// A frame with a TCP segment.
pub fn tcp(from: End, to: End, id: u16, segment: &Segment<'_>) -> Vec<u8> {
    let header = 20 + segment.options.len();
    let mut frame = ip(from, to, id, 6, header + segment.data.len());
    frame.extend_from_slice(&from.port.to_be_bytes());
    frame.extend_from_slice(&to.port.to_be_bytes());
    frame.extend_from_slice(&segment.seq.to_be_bytes());
    frame.extend_from_slice(&segment.ack.to_be_bytes());
    frame.extend_from_slice(&[(header as u8 / 4) << 4, segment.flags]);
    frame.extend_from_slice(&segment.window.to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(segment.options);
    frame.extend_from_slice(segment.data);
    finish(frame, from, to, 6, 16)
}

/// A frame with a UDP datagram.
pub fn udp(from: End, to: End, id: u16, data: &[u8]) -> Vec<u8> {
    let mut frame = ip(from, to, id, 17, 8 + data.len());
    frame.extend_from_slice(&from.port.to_be_bytes());
    frame.extend_from_slice(&to.port.to_be_bytes());
    frame.extend_from_slice(&(8 + data.len() as u16).to_be_bytes());
    frame.extend_from_slice(&[0; 2]);
    frame.extend_from_slice(data);
    finish(frame, from, to, 17, 6)
}

/// An ICMP echo request, or the reply to it.
pub fn echo(from: End, to: End, id: u16, reply: bool, sequence: u16) -> Vec<u8> {
    let mut frame = ip(from, to, id, 1, 8 + 32);
    let start = frame.len();
    frame.extend_from_slice(&[if reply { 0 } else { 8 }, 0, 0, 0, 0, 1]);
    frame.extend_from_slice(&sequence.to_be_bytes());
    frame.extend((0..32).map(|byte| b'a' + byte % 23));
    let sum = checksum(add(0, &frame[start..]));
    frame[start + 2..start + 4].copy_from_slice(&sum.to_be_bytes());
    pad(frame)
}

/// An ARP packet: who has `to`? Or, as a reply, `from` has it.
pub fn arp(from: End, to: End, reply: bool) -> Vec<u8> {
    let mut frame = Vec::with_capacity(60);
    frame.extend_from_slice(if reply { &to.mac } else { &[0xff; 6] });
    frame.extend_from_slice(&from.mac);
    frame.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, if reply { 2 } else { 1 }]);
    frame.extend_from_slice(&from.mac);
    frame.extend_from_slice(&from.ip.octets());
    frame.extend_from_slice(if reply { &to.mac } else { &[0; 6] });
    frame.extend_from_slice(&to.ip.octets());
    pad(frame)
}

fn ip(from: End, to: End, id: u16, proto: u8, length: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity((34 + length).max(60));
    frame.extend_from_slice(&to.mac);
    frame.extend_from_slice(&from.mac);
    frame.extend_from_slice(&[8, 0, 0x45, 0]);
    frame.extend_from_slice(&(20 + length as u16).to_be_bytes());
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(&[0x40, 0, from.ttl, proto, 0, 0]);
    frame.extend_from_slice(&from.ip.octets());
    frame.extend_from_slice(&to.ip.octets());
    let sum = checksum(add(0, &frame[14..34]));
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// Puts the checksum of what follows the IP header `at` its place.
fn finish(mut frame: Vec<u8>, from: End, to: End, proto: u8, at: usize) -> Vec<u8> {
    let pseudo = add(add(0, &from.ip.octets()), &to.ip.octets());
    let sum = pseudo + u32::from(proto) + (frame.len() - 34) as u32;
    let mut sum = checksum(add(sum, &frame[34..]));
    if proto == 17 && sum == 0 {
        sum = 0xffff;
    }
    frame[34 + at..36 + at].copy_from_slice(&sum.to_be_bytes());
    pad(frame)
}

fn pad(mut frame: Vec<u8>) -> Vec<u8> {
    if frame.len() < 60 {
        frame.resize(60, 0);
    }
    frame
}

fn add(sum: u32, bytes: &[u8]) -> u32 {
    let mut sum = u64::from(sum);
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        sum += u64::from(u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    }
    for (nth, byte) in words.remainder().iter().enumerate() {
        sum += u64::from(*byte) << (24 - 8 * nth);
    }
    while sum >> 32 != 0 {
        sum = (sum & 0xffff_ffff) + (sum >> 32);
    }
    let folded = (sum as u32 & 0xffff) + (sum as u32 >> 16);
    (folded & 0xffff) + (folded >> 16)
}

fn checksum(mut sum: u32) -> u16 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    fn end(last: u8, port: u16) -> End {
        End { mac: [2, 0, 0, 0, 0, last], ip: Ipv4Addr::new(10, 0, 0, last), port, ttl: 64 }
    }

    #[test]
    fn the_checksums_of_a_segment_add_up() {
        let segment =
            Segment { seq: 7, ack: 9, flags: PSH | ACK, window: 100, options: &[], data: b"odd length." };
        let frame = tcp(end(1, 502), end(2, 40_000), 5, &segment);
        assert_eq!(frame.len(), 14 + 20 + 20 + 11);
        assert_eq!(checksum(add(0, &frame[14..34])), 0);
        let pseudo = add(add(0, &frame[26..34]), &[0, 6, 0, 31]);
        assert_eq!(checksum(add(pseudo, &frame[34..])), 0);
    }

    #[test]
    fn short_frames_are_padded() {
        assert_eq!(arp(end(1, 0), end(2, 0), false).len(), 60);
        assert_eq!(udp(end(1, 53), end(2, 53), 1, b"x").len(), 60);
    }
}
