//! The recorder: what the plant's hosts say to each other becomes packets in a capture, as a mirror port
//! of their switch would deliver them.
//!
//! Packets may be made ahead of time, in any order; they leave in the order of time, once time has
//! passed. The same calls give the same bytes.

mod file;
mod frame;
mod line;
mod loose;
mod segments;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::Ipv4Addr;

use fieldward_shared::time::Timestamp;

pub use file::PcapFile;
use frame::{End, Segment};
use line::Line;
pub use line::Side;

use crate::plant::Stack;
use crate::rng::Rng;

/// Where packets go.
pub trait Sink {
    /// Takes the next packet; `tag` says to which attack it belongs, 0 is none.
    fn packet(&mut self, at: Timestamp, bytes: &[u8], tag: u16) -> io::Result<()>;

    /// No packet follows.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes packets and keeps them until their time has come.
pub struct Recorder {
    sink: Box<dyn Sink>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    order: u64,
    lines: Vec<Line>,
    free: Vec<usize>,
    /// When a line's side will acknowledge or try again: checked against the line when it is due.
    timers: BinaryHeap<Reverse<(u64, usize, bool, u64)>>,
    /// Which hosts know each other's network card, and until when.
    neighbours: BTreeMap<(Ipv4Addr, Ipv4Addr), u64>,
    /// Who stands between two hosts.
    relays: BTreeMap<(Ipv4Addr, Ipv4Addr), Relay>,
    ids: BTreeMap<Ipv4Addr, u16>,
    rng: Rng,
    /// Share of segments that are lost behind the mirror port and sent again.
    pub loss: f64,
    /// Nobody sees what stands here before.
    now: u64,
    /// First and last packet, and how many, of each tag.
    pub tagged: BTreeMap<u16, Span>,
    /// How many packets there were.
    pub packets: u64,
    failure: Option<io::Error>,
}

/// What was seen of an attack.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// When its first packet was seen: microseconds.
    pub first: u64,
    /// When its last packet was seen.
    pub last: u64,
    /// How many there were.
    pub packets: u64,
}

/// Someone who tampers with what two hosts say to each other.
#[derive(Clone, Copy, Debug)]
pub struct Relay {
    /// His network card.
    pub mac: [u8; 6],
    /// The attack that he is part of.
    pub tag: u16,
    /// Where he stands.
    pub way: Way,
}

/// Where someone stands who tampers with what two hosts say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Everything passes him.
    Between,
    /// He only hears it, and speaks in another's name.
    Beside,
}

/// A host as an end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its network card.
    pub mac: [u8; 6],
    /// Its address.
    pub ip: Ipv4Addr,
    /// Its TCP/IP.
    pub stack: Stack,
}

/// A packet whose time has not come: ordered by time, then by when it was made.
struct Waiting {
    at: u64,
    order: u64,
    tag: u16,
    bytes: Vec<u8>,
}

/// What becomes of data on its way.
#[derive(Clone, Copy, Debug, Default)]
pub struct On<'a> {
    /// What someone on the path makes of it; without a relay, only that is seen.
    pub changed: Option<&'a [u8]>,
    /// It never arrives: a relay keeps it and the sender tries again, in vain; someone beside the path
    /// breaks the line off; or, with neither, the server is silent.
    pub vanishes: bool,
    /// To which attack it belongs, where that is not the line's.
    pub tag: Option<u16>,
}

/// What became of an attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It stands; this is its line.
    Open(usize),
    /// Nobody serves that port.
    Refused,
    /// Nobody answers.
    Silent,
}

/// What the other end of an attempt does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Someone serves.
    Open,
    /// The host says no.
    Closed,
    /// Nothing comes back.
    Silent,
}

impl Recorder {
    /// A recorder that writes to `sink`.
    pub fn new(sink: Box<dyn Sink>, seed: u64, loss: f64) -> Self {
        Self {
            sink,
            waiting: BinaryHeap::new(),
            order: 0,
            lines: Vec::new(),
            free: Vec::new(),
            timers: BinaryHeap::new(),
            neighbours: BTreeMap::new(),
            relays: BTreeMap::new(),
            ids: BTreeMap::new(),
            rng: Rng::named(seed, "recorder"),
            loss,
            now: 0,
            tagged: BTreeMap::new(),
            packets: 0,
            failure: None,
        }
    }

    /// Time has passed until `now`: acknowledgements that are due are sent, and what lies before leaves.
    /// Tells whether everything could be written.
    pub fn passes(&mut self, now: Timestamp) -> bool {
        self.now = now.as_micros();
        while let Some(Reverse((at, index, server, birth))) = self.timers.peek().copied() {
            if at > self.now {
                break;
            }
            self.timers.pop();
            let side = if server { Side::Server } else { Side::Client };
            self.rings(index, side, birth, at);
        }
        while self.waiting.peek().is_some_and(|Reverse(first)| first.at < self.now) {
            let Some(Reverse(packet)) = self.waiting.pop() else { break };
            self.packets += 1;
            if packet.tag != 0 {
                let span =
                    self.tagged.entry(packet.tag).or_insert(Span { first: packet.at, last: 0, packets: 0 });
                span.last = packet.at;
                span.packets += 1;
            }
            let written = self.sink.packet(Timestamp::from_micros(packet.at), &packet.bytes, packet.tag);
            if let Err(error) = written
                && self.failure.is_none()
            {
                self.failure = Some(error);
            }
        }
        self.failure.is_none()
    }

    /// Whether everything could be written so far.
    pub fn written(&mut self) -> io::Result<()> {
        self.failure.take().map_or_else(|| self.sink.finish(), Err)
    }

    /// The relay `mac` stands between two hosts, or none does any more.
    pub fn relay(&mut self, one: Ipv4Addr, other: Ipv4Addr, relay: Option<Relay>) {
        for pair in [(one, other), (other, one)] {
            match relay {
                Some(relay) => self.relays.insert(pair, relay),
                None => self.relays.remove(&pair),
            };
        }
    }

    fn frame(&mut self, at: u64, from: End, to: End, id: u16, segment: &Segment<'_>, tag: u16) {
        self.push(at, frame::tcp(from, to, id, segment), tag);
    }

    fn timer(&mut self, at: u64, line: usize, side: Side, birth: u64) {
        self.timers.push(Reverse((at, line, side == Side::Server, birth)));
    }

    fn id(&mut self, ip: Ipv4Addr) -> u16 {
        let id = self.ids.entry(ip).or_insert_with(|| u16::from_be_bytes([ip.octets()[3], ip.octets()[2]]));
        *id = id.wrapping_add(1);
        *id
    }

    fn push(&mut self, at: u64, bytes: Vec<u8>, tag: u16) {
        self.order += 1;
        self.waiting.push(Reverse(Waiting { at, order: self.order, tag, bytes }));
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl Stack {
    /// How long it waits with an acknowledgement, hoping for data to send along: microseconds.
    const fn patience(self) -> u64 {
        match self {
            Self::Linux => 40_000,
            Self::Windows => 50_000,
            Self::Embedded => 120_000,
        }
    }

    /// The options of its SYN.
    fn options(self) -> Vec<u8> {
        let [high, low] = (MSS as u16).to_be_bytes();
        match self {
            Self::Linux => vec![2, 4, high, low, 4, 2, 1, 3, 3, 7, 1, 1],
            Self::Windows => vec![2, 4, high, low, 1, 3, 3, 8, 1, 1, 4, 2],
            Self::Embedded => vec![2, 4, high, low],
        }
    }

    const fn ttl(self) -> u8 {
        match self {
            Self::Windows => 128,
            Self::Linux | Self::Embedded => 64,
        }
    }
}

const fn end(peer: Peer, port: u16) -> End {
    End { mac: peer.mac, ip: peer.ip, port, ttl: peer.stack.ttl() }
}

/// Most data bytes in a segment.
const MSS: usize = 1460;
