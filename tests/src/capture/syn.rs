//! A scan and a flood at once, ten microseconds between packets: what fills a flow table.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::packet::Segment;
use super::tcp::{ACK, RST, SYN};
use super::{Capture, Rng};

/// SYNs of ten scanners to a whole /8 and of made-up senders to one /24; a tenth is answered.
pub fn syn(seed: u64, packets: usize) -> Capture {
    let mut rng = Rng::new(seed);
    let mut capture = Capture::new();
    let options = [2, 4, 5, 0xb4];
    let mut at = 0;
    while capture.packets() < packets {
        at += 10;
        let host = 1 + rng.below(254) as u8;
        let (from, to) = match rng.chance(0.5) {
            true => {
                let [b, c, ..] = rng.bits().to_be_bytes();
                ([192, 0, 2, 1 + rng.below(10) as u8], [10, b, c, host])
            }
            false => {
                let [_, b, c, d, ..] = rng.bits().to_be_bytes();
                ([1 + rng.below(223) as u8, b, c, d], [10, 0, 0, host])
            }
        };
        let from = socket(from, 1024 + rng.below(64512) as u16);
        let to = socket(to, 1 + rng.below(65535) as u16);
        let seq = rng.bits() as u32;
        let segment =
            |seq, ack, flags, options| Segment { seq, ack, flags, window: 1024, options, data: &[] };
        capture.segment(at, from, to, None, &segment(seq, 0, SYN, &options));
        capture.truth.one("syn");
        let ack = seq.wrapping_add(1);
        match rng.unit() {
            ..0.05 => {
                let answer = segment(rng.bits() as u32, ack, SYN | ACK, &options);
                capture.segment(at + 200, to, from, None, &answer);
                capture.truth.one("synack");
            }
            0.05..0.1 => {
                capture.segment(at + 200, to, from, None, &segment(0, ack, RST | ACK, &[]));
                capture.truth.one("rst");
            }
            _ => {}
        }
    }
    capture
}

fn socket(ip: [u8; 4], port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::from(ip)), port)
}
