//! Packets made by hand, layer around layer, and what becomes of them.

#![allow(clippy::arithmetic_side_effects)]

mod copies;
mod fragment;
mod link;
mod transport;
mod tunnel;

use fieldward_shared::time::Timestamp;
use proptest::prelude::*;

use super::counts::Reason;
use super::*;
use crate::capture::LinkType;

const A: [u8; 4] = [10, 0, 0, 1];
const B: [u8; 4] = [10, 0, 0, 2];
const MAC_A: [u8; 6] = [2, 0, 0, 0, 0, 0xa];
const MAC_B: [u8; 6] = [2, 0, 0, 0, 0, 0xb];

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn ether(ether_type: u16, inside: &[u8]) -> Vec<u8> {
    cat(&[&MAC_B, &MAC_A, &ether_type.to_be_bytes(), inside])
}

fn vlan(id: u16, ether_type: u16, inside: &[u8]) -> Vec<u8> {
    cat(&[&id.to_be_bytes(), &ether_type.to_be_bytes(), inside])
}

/// An IPv4 header's variable fields.
#[derive(Clone, Copy)]
struct V4 {
    protocol: u8,
    id: u16,
    ttl: u8,
    /// Flags and offset.
    fragment: u16,
}

const TCP4: V4 = V4 { protocol: 6, id: 77, ttl: 64, fragment: 0x4000 };
const UDP4: V4 = V4 { protocol: 17, ..TCP4 };

impl V4 {
    fn around(self, inside: &[u8]) -> Vec<u8> {
        let len = 20 + inside.len() as u16;
        let mut header = cat(&[
            &[0x45, 0],
            &len.to_be_bytes(),
            &self.id.to_be_bytes(),
            &self.fragment.to_be_bytes(),
            &[self.ttl, self.protocol, 0, 0],
            &A,
            &B,
        ]);
        let sum = !checksum::fold(checksum::sum(&header));
        header[10..12].copy_from_slice(&sum.to_ne_bytes());
        cat(&[&header, inside])
    }
}

/// Addresses that add as much to a checksum as `A` and `B` do, so that segments fit both.
fn addr6(last: u8) -> [u8; 16] {
    [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0c, 0xff, 0, last]
}

fn ip6(next: u8, inside: &[u8]) -> Vec<u8> {
    let len = (inside.len() as u16).to_be_bytes();
    cat(&[&[0x60, 0, 0, 0], &len, &[next, 64], &addr6(1), &addr6(2), inside])
}

fn tcp(data: &[u8]) -> Vec<u8> {
    let bare = cat(&[
        &[0xc0, 0x01, 0x01, 0xf6],
        &1000_u32.to_be_bytes(),
        &2000_u32.to_be_bytes(),
        &[0x50, 0x18, 0x20, 0, 0, 0, 0, 0],
        data,
    ]);
    summed(bare, 16, ip::TCP)
}

fn udp_to(port: u16, data: &[u8]) -> Vec<u8> {
    let len = (8 + data.len() as u16).to_be_bytes();
    summed(cat(&[&[0xc0, 0x01], &port.to_be_bytes(), &len, &[0, 0], data]), 6, ip::UDP)
}

fn udp(data: &[u8]) -> Vec<u8> {
    udp_to(53, data)
}

fn summed(mut bytes: Vec<u8>, at: usize, protocol: u8) -> Vec<u8> {
    let pseudo = checksum::pseudo_header(&Addr::v4(A), &Addr::v4(B), protocol);
    let all = checksum::sum(&bytes) + pseudo + checksum::length(bytes.len() as u32);
    bytes[at..at + 2].copy_from_slice(&(!checksum::fold(all)).to_ne_bytes());
    bytes
}

/// The plain one: Ethernet, IPv4, TCP.
fn plain(data: &[u8]) -> Vec<u8> {
    ether(0x0800, &TCP4.around(&tcp(data)))
}

fn packet(link: LinkType, micros: u64, data: &[u8]) -> Packet<'_> {
    Packet { ts: Timestamp::from_micros(micros), link, wire_len: data.len() as u32, data }
}

/// What a test wants to know of a frame, owned.
#[derive(Debug, PartialEq)]
struct Seen {
    src: String,
    dst: String,
    vlan: Option<u16>,
    macs: Option<[[u8; 6]; 2]>,
    ports: (u16, u16),
    data: Vec<u8>,
    cut: u32,
    ip_len: u32,
}

fn seen(frame: &Frame<'_>) -> Seen {
    let (ports, data, cut) = match frame.payload {
        Payload::Tcp(tcp) => ((tcp.sport, tcp.dport), tcp.data, tcp.cut),
        Payload::Udp(udp) => ((udp.sport, udp.dport), udp.data, udp.cut),
    };
    Seen {
        src: frame.src.to_string(),
        dst: frame.dst.to_string(),
        vlan: frame.vlan,
        macs: frame.macs,
        ports,
        data: data.to_vec(),
        cut,
        ip_len: frame.ip_len,
    }
}

/// Frames that say what they saw.
#[derive(Default)]
struct Lab {
    frames: Frames,
    micros: u64,
}

impl Lab {
    fn see(&mut self, link: LinkType, data: &[u8]) -> Option<Seen> {
        self.frames.frame(&packet(link, self.micros, data)).map(|frame| seen(&frame))
    }

    fn ethernet(&mut self, data: &[u8]) -> Option<Seen> {
        self.see(LinkType::Ethernet, data)
    }

    fn of(&self, reason: Reason) -> u64 {
        self.frames.counts.of(reason)
    }

    /// Every count that is not 0.
    fn counted(&self) -> Vec<(&'static str, u64)> {
        self.frames.counts().each().filter(|(_, count)| *count != 0).collect()
    }
}

/// The one frame of one Ethernet packet, about which nothing is odd.
fn clean(data: &[u8]) -> Seen {
    let mut lab = Lab::default();
    let seen = lab.ethernet(data).expect("a frame");
    assert_eq!(lab.counted(), []);
    seen
}

/// Why one Ethernet packet gives no frame.
fn dropped(data: &[u8]) -> &'static str {
    let mut lab = Lab::default();
    assert_eq!(lab.ethernet(data), None);
    let dropped: Vec<_> = lab.frames.counts().dropped().filter(|(_, count)| *count != 0).collect();
    assert_eq!(dropped.len(), 1, "{dropped:?}");
    dropped[0].0
}

#[test]
fn a_plain_packet_is_read_in_full() {
    let seen = clean(&plain(b"hello"));
    assert_eq!((seen.src.as_str(), seen.dst.as_str()), ("10.0.0.1", "10.0.0.2"));
    assert_eq!(seen.macs, Some([MAC_A, MAC_B]));
    assert_eq!((seen.vlan, seen.ports, seen.cut, seen.ip_len), (None, (0xc001, 502), 0, 45));
    assert_eq!(seen.data, b"hello");
    let mut frames = Frames::default();
    let bytes = plain(b"hello");
    let frame = frames.frame(&packet(LinkType::Ethernet, 0, &bytes)).expect("a frame");
    let Payload::Tcp(segment) = frame.payload else { panic!("not TCP") };
    assert_eq!((segment.seq, segment.ack, segment.flags), (1000, 2000, 0x18));
}

#[test]
fn names_of_counts_are_unique_and_in_two_kinds() {
    let counts = FrameCounts::default();
    let names: std::collections::BTreeSet<_> = counts.each().map(|(name, _)| name).collect();
    assert_eq!(names.len(), counts.each().count());
    assert_eq!(counts.dropped().count() + counts.noted().count(), names.len());
    assert_eq!(counts.dropped().next(), Some(("arp", 0)));
    assert_eq!(counts.noted().next(), Some(("bad_ip_checksum", 0)));
}

fn link_types() -> impl Strategy<Value = LinkType> {
    prop_oneof![
        Just(LinkType::BsdLoopback),
        Just(LinkType::Ethernet),
        Just(LinkType::LinuxCooked),
        Just(LinkType::LinuxCooked2),
        Just(LinkType::RawIp),
    ]
}

/// Bytes that get some way into the layers before they go wrong.
fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
    let layers = vec![
        plain(b"0123456789"),
        ether(0x8100, &vlan(5, 0x86dd, &ip6(44, &cat(&[&[17, 0, 0, 1, 0, 0, 0, 9], &udp(&[0; 32])])))),
        ether(
            0x0800,
            &V4 { protocol: 47, ..TCP4 }.around(&cat(&[&[0x30, 0, 0x88, 0xbe], &[0; 16], &plain(b"x")])),
        ),
        ether(0x0800, &UDP4.around(&udp_to(4789, &cat(&[&[8, 0, 0, 0, 0, 0, 1, 0], &plain(b"y")])))),
        ether(0x0800, &UDP4.around(&udp_to(6081, &cat(&[&[0, 0, 0x65, 0x58, 0, 0, 1, 0], &plain(b"y")])))),
        ether(0x8847, &cat(&[&[0, 1, 1, 64, 0, 0, 0, 0], &plain(b"z")])),
        ether(0x8864, &cat(&[&[0x11, 0, 0, 1, 0, 60, 0, 0x21], &TCP4.around(&tcp(b"w"))])),
        ether(0x0800, &V4 { fragment: 0x2000, ..UDP4 }.around(&udp(&[7; 16]))),
    ];
    (
        proptest::sample::select(layers),
        proptest::collection::vec((any::<u16>(), any::<u8>()), 0..4),
        any::<u16>(),
    )
        .prop_map(|(mut bytes, changes, cut)| {
            for (at, byte) in changes {
                let at = usize::from(at) % bytes.len();
                bytes[at] = byte;
            }
            let keep = bytes.len() - usize::from(cut % 8) * bytes.len() / 12;
            bytes.truncate(keep);
            bytes
        })
}

proptest! {
    #[test]
    fn any_bytes_give_a_frame_or_exactly_one_reason(
        packets in proptest::collection::vec(
            (link_types(), prop_oneof![likely_bytes(), proptest::collection::vec(any::<u8>(), 0..120)], 0_u32..2000),
            1..40,
        )
    ) {
        let mut frames = Frames::default();
        let mut count = 0;
        for (at, (link, data, more)) in packets.iter().enumerate() {
            let packet = Packet { wire_len: data.len() as u32 + more, ..packet(*link, at as u64 * 900, data) };
            if let Some(frame) = frames.frame(&packet) {
                count += 1;
                let seen = seen(&frame);
                prop_assert!(seen.data.len() <= data.len() || seen.cut == 0);
            }
        }
        let dropped: u64 = frames.counts().dropped().map(|(_, count)| count).sum();
        prop_assert_eq!(count + dropped, packets.len() as u64);
    }
}
