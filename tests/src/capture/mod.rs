//! Captures made on the spot, each with its truth: what it holds, counted as it was made.
//!
//! [`plant`], [`mix`] and [`syn`] are loads to measure with, [`demo`] is a minute of a small plant,
//! and each of the [`traps`] is one thing that decoders are known to get wrong. The same seed gives the
//! same bytes.

mod demo;
pub mod file;
pub mod message;
mod mix;
pub mod packet;
mod plant;
mod syn;
mod tcp;
mod traps;
mod truth;

use std::io;
use std::net::SocketAddr;
use std::path::Path;

pub use demo::demo;
pub use fieldward_sim::Rng;
pub use mix::mix;
pub use plant::plant;
pub use syn::syn;
pub use tcp::{CLIENT, SERVER, Side, Tcp, Trouble};
pub use traps::{Trap, save_traps, traps};
pub use truth::{PROTOCOLS, Truth};

use file::{Form, Record};
use packet::Segment;

/// Packets in the making. They may be added in any order of time; the file is in order.
#[derive(Default)]
pub struct Capture {
    /// What it holds.
    pub truth: Truth,
    /// How it is written.
    pub form: Form,
    /// Puts each frame into another or cuts it in pieces.
    pub wrap: Option<Wrap>,
    /// Sees each packet a second time, with this VLAN tag, as a mirror of two ports does.
    pub mirror: Option<u16>,
    /// Interface on which the next packets are seen.
    pub interface: u16,
    bytes: Vec<u8>,
    index: Vec<Entry>,
    ip_id: u16,
    connections: u16,
    l4: Vec<u8>,
    l3: Vec<u8>,
}

/// What becomes of a frame: other frames.
pub type Wrap = fn(&[u8]) -> Vec<Vec<u8>>;

/// Where a packet lies.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u64,
    start: usize,
    length: u32,
    interface: u16,
}

impl Capture {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many packets there are.
    pub const fn packets(&self) -> usize {
        self.index.len()
    }

    /// Adds a UDP datagram, `at` microseconds after the start.
    pub fn udp(&mut self, at: u64, src: SocketAddr, dst: SocketAddr, data: &[u8]) {
        self.l4.clear();
        packet::udp(&mut self.l4, src, dst, data);
        self.network(at, src, dst, packet::UDP, None);
    }

    /// Adds a TCP segment, `at` microseconds after the start.
    pub fn segment(
        &mut self,
        at: u64,
        src: SocketAddr,
        dst: SocketAddr,
        vlan: Option<u16>,
        segment: &Segment<'_>,
    ) {
        self.l4.clear();
        packet::tcp(&mut self.l4, src, dst, segment);
        self.network(at, src, dst, packet::TCP, vlan);
    }

    /// Adds a frame as it is, `at` microseconds after the start.
    pub fn frame(&mut self, at: u64, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.enter(at, start);
    }

    fn network(&mut self, at: u64, src: SocketAddr, dst: SocketAddr, proto: u8, vlan: Option<u16>) {
        self.ip_id = self.ip_id.wrapping_add(1);
        self.l3.clear();
        packet::ip(&mut self.l3, src.ip(), dst.ip(), proto, self.ip_id, &self.l4);
        let start = self.bytes.len();
        packet::ethernet(&mut self.bytes, src.ip(), dst.ip(), vlan, &self.l3);
        if let Some(wrap) = self.wrap {
            let frames = wrap(&self.bytes[start..]);
            self.bytes.truncate(start);
            for (later, frame) in (0..).zip(frames) {
                self.frame(at + later, &frame);
            }
            return;
        }
        self.enter(at, start);
        if let Some(vlan) = self.mirror {
            let start = self.bytes.len();
            packet::ethernet(&mut self.bytes, src.ip(), dst.ip(), Some(vlan), &self.l3);
            self.enter(at + MIRROR_DELAY, start);
            self.truth.one("packets.mirrored");
        }
    }

    fn enter(&mut self, at: u64, start: usize) {
        let length = (self.bytes.len() - start) as u32;
        self.index.push(Entry { at, start, length, interface: self.interface });
    }

    /// Puts the packets in order and completes the truth.
    fn finish(&mut self) {
        self.index.sort_by_key(|entry| entry.at);
        self.truth.total();
        self.truth.add("packets", self.index.len() as u64);
        self.truth.add("bytes", self.index.iter().map(|entry| u64::from(entry.length)).sum());
        if let [first, .., last] = self.index.as_slice() {
            self.truth.micros = last.at - first.at;
        }
    }

    /// Writes the capture to `path` and its truth beside it, as `….truth.json`.
    pub fn save(mut self, path: &Path) -> io::Result<Truth> {
        self.finish();
        let records = self.index.iter().map(|entry| Record {
            at: EPOCH + entry.at,
            interface: entry.interface,
            bytes: &self.bytes[entry.start..entry.start + entry.length as usize],
        });
        file::write(path, &self.form, records)?;
        let json = serde_json::to_string_pretty(&self.truth.json())?;
        std::fs::write(path.with_extension("truth.json"), json + "\n")?;
        Ok(self.truth)
    }
}

/// The captures begin on 14 November 2023.
const EPOCH: u64 = 1_700_000_000_000_000;
/// How much later the copy of a packet comes.
const MIRROR_DELAY: u64 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(capture: Capture) -> (Vec<u8>, Truth) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.pcap");
        let truth = capture.save(&path).unwrap();
        let beside = std::fs::read_to_string(directory.path().join("a.truth.json")).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&beside).unwrap(), truth.json());
        (std::fs::read(path).unwrap(), truth)
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        for make in [plant, mix, syn] {
            let (bytes, truth) = written(make(5, 3000));
            assert_eq!((&bytes, &truth), (&written(make(5, 3000)).0, &written(make(5, 3000)).1));
            assert_ne!(bytes, written(make(6, 3000)).0);
        }
        assert_eq!(written(demo(5)), written(demo(5)));
    }

    #[test]
    fn as_many_packets_come_as_were_asked_for() {
        for make in [plant, mix, syn] {
            for asked in [2000, 40_000] {
                let made = make(1, asked).packets();
                // The last conversation is not cut off.
                assert!((asked * 8 / 10..asked + 2000).contains(&made), "{made} instead of {asked}");
            }
        }
    }

    #[test]
    fn packets_are_in_order_and_counted() {
        let (bytes, truth) = written(mix(5, 5000));
        let (mut at, mut last, mut packets) = (24, (0, 0), 0);
        while at < bytes.len() {
            let word = |n: usize| u32::from_le_bytes(bytes[at + n..at + n + 4].try_into().unwrap());
            assert!((word(0), word(4)) >= last);
            last = (word(0), word(4));
            packets += 1;
            at += 16 + word(8) as usize;
        }
        assert_eq!(packets, truth.count("packets"));
        assert_eq!(truth.count("dns"), truth.count("dns.query") + truth.count("dns.response"));
    }

    #[test]
    fn the_demo_lasts_a_minute_and_has_everything_in_it() {
        let (_, truth) = written(demo(44));
        assert!((55_000_000..62_000_000).contains(&truth.micros));
        for key in
            ["modbus.exception", "mqtt", "dns", "http", "syn", "tcp.lost", "tcp.forged", "packets.mirrored"]
        {
            assert!(truth.count(key) > 0, "no {key}");
        }
    }
}
