//! The recorder: what the plant's hosts say to each other becomes packets in a capture, as a mirror port
//! of their switch would deliver them.
//!
//! Packets may be made ahead of time, in any order; they leave in the order of time, once time has
//! passed. The same calls give the same bytes.

mod file;
mod frame;
mod line;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::Ipv4Addr;

use fieldward_shared::time::Timestamp;

pub use file::PcapFile;
use frame::{ACK, End, FIN, PSH, RST, SYN, Segment};
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
    /// When a line's side will acknowledge: checked against the line when it is due.
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

/// Someone who had two hosts send him what they meant for each other.
#[derive(Clone, Copy, Debug)]
pub struct Relay {
    /// His network card.
    pub mac: [u8; 6],
    /// The attack that he is part of.
    pub tag: u16,
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
    /// A relay keeps it: the sender tries again, in vain.
    pub vanishes: bool,
    /// To which attack it belongs, where that is not the line's.
    pub tag: Option<u16>,
}

/// One segment to send.
#[derive(Clone, Copy, Debug, Default)]
struct Out<'a> {
    flags: u8,
    options: &'a [u8],
    data: &'a [u8],
    on: On<'a>,
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
    pub fn passes(&mut self, now: Timestamp) {
        self.now = now.as_micros();
        while let Some(Reverse((at, index, server, birth))) = self.timers.peek().copied() {
            if at > self.now {
                break;
            }
            self.timers.pop();
            let side = if server { Side::Server } else { Side::Client };
            let line = &self.lines[index];
            if line.birth == birth && line.due[side as usize] == Some(at) {
                self.raw(index, side, at, &Out { flags: ACK, ..Out::default() });
            }
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

    /// Tries to open a connection; tells what came of it and when the client knows.
    pub fn open(
        &mut self,
        from: Peer,
        port: u16,
        to: Peer,
        to_port: u16,
        door: Door,
        at: u64,
        tag: u16,
    ) -> (Opened, u64) {
        let at = at.max(self.now);
        let Some(at) = self.resolve(from, to, at, door != Door::Silent, tag) else {
            return (Opened::Silent, at + 3_000_000);
        };
        let ends = [end(from, port), end(to, to_port)];
        let trip = 80 + self.rng.below(160);
        let first = self.rng.bits();
        let next = [first as u32, if door == Door::Open { (first >> 32) as u32 } else { 0 }];
        self.order += 1;
        let line = Line {
            ends,
            next,
            acked: [0; 2],
            coming: Default::default(),
            sent: [at; 2],
            due: [None; 2],
            trip,
            patience: [from.stack.patience(), to.stack.patience()],
            tag,
            birth: self.order,
            closed: false,
        };
        let index = self.free.pop().unwrap_or(self.lines.len());
        if index == self.lines.len() {
            self.lines.push(line);
        } else {
            self.lines[index] = line;
        }
        let options = from.stack.options();
        let syn = Out { flags: SYN, options: &options, ..Out::default() };
        self.raw(index, Side::Client, at, &syn);
        let answer = at + 2 * trip + self.rng.below(120);
        match door {
            Door::Open => {
                self.skip(index, Side::Client, 1, at + trip);
                self.raw(
                    index,
                    Side::Server,
                    answer,
                    &Out { flags: SYN | ACK, options: &to.stack.options(), ..Out::default() },
                );
                self.skip(index, Side::Server, 1, answer + 10);
                self.raw(index, Side::Client, answer + 30, &Out { flags: ACK, ..Out::default() });
                (Opened::Open(index), answer + 60)
            }
            Door::Closed => {
                self.skip(index, Side::Client, 1, at + trip);
                self.raw(index, Side::Server, answer, &Out { flags: RST | ACK, ..Out::default() });
                self.forget(index);
                (Opened::Refused, answer + 20)
            }
            Door::Silent => {
                for wait in [1_000_000, 3_000_000] {
                    self.raw(index, Side::Client, at + wait, &syn);
                }
                self.forget(index);
                (Opened::Silent, at + 5_000_000)
            }
        }
    }

    /// A SYN that is never followed by anything, as scanners and floods send it.
    pub fn knock(
        &mut self,
        from: Peer,
        port: u16,
        to: Peer,
        to_port: u16,
        door: Door,
        at: u64,
        tag: u16,
    ) -> u64 {
        let at = at.max(self.now);
        let Some(at) = self.resolve(from, to, at, door != Door::Silent, tag) else { return at };
        let (here, there) = (end(from, port), end(to, to_port));
        let seq = self.rng.bits() as u32;
        let options = from.stack.options();
        let syn = Segment { seq, ack: 0, flags: SYN, window: 1024, options: &options[..4], data: &[] };
        self.frame(at, here, there, &syn, tag);
        let answer = at + 200 + self.rng.below(200);
        let (flags, options) = match door {
            Door::Open => (SYN | ACK, to.stack.options()),
            Door::Closed => (RST | ACK, Vec::new()),
            Door::Silent => return at + 1000,
        };
        let seq = self.rng.bits() as u32;
        let reply =
            Segment { seq, ack: syn.seq.wrapping_add(1), flags, window: 8192, options: &options, data: &[] };
        self.frame(answer, there, here, &reply, tag);
        answer + 50
    }

    /// `side` sends `data` at `at`; tells when all of it has arrived.
    pub fn send(&mut self, line: usize, side: Side, at: u64, data: &[u8], tag: Option<u16>) -> u64 {
        self.send_on(line, side, at, data, On { tag, ..On::default() })
    }

    /// The same on a path where someone may change or keep what passes.
    pub fn send_on(&mut self, line: usize, side: Side, at: u64, data: &[u8], on: On<'_>) -> u64 {
        let mut at = at.max(self.now).max(self.lines[line].sent[side as usize] + 12);
        if on.vanishes {
            for wait in [0, 310_000, 930_000] {
                self.raw(line, side, at + wait, &Out { flags: PSH | ACK, data, on, ..Out::default() });
            }
            return at;
        }
        let pieces = data.len().div_ceil(MSS);
        for (nth, piece) in data.chunks(MSS).enumerate() {
            let last = nth + 1 == pieces;
            let flags = if last { PSH | ACK } else { ACK };
            let on = On { changed: on.changed.and_then(|changed| changed.chunks(MSS).nth(nth)), ..on };
            let out = Out { flags, data: piece, on, ..Out::default() };
            self.raw(line, side, at, &out);
            let mut arrival = at + self.lines[line].trip;
            if self.loss > 0.0 && self.rng.chance(self.loss) {
                // Seen here, lost behind: the sender waits, then sends it again.
                at += 200_000 + self.rng.below(100_000);
                self.raw(line, side, at, &out);
                arrival = at + self.lines[line].trip;
            }
            self.skip(line, side, piece.len() as u32, arrival);
            if nth % 2 == 1 && !last {
                self.raw(
                    line,
                    side.other(),
                    arrival + 10,
                    &Out { flags: ACK, on: On { tag: on.tag, ..On::default() }, ..Out::default() },
                );
            }
            at += piece.len() as u64 / 12 + 2;
        }
        let receiver = side.other() as usize;
        let state = &mut self.lines[line];
        let arrival = state.coming[receiver].back().map_or(at, |last| last.0);
        let due = arrival + state.patience[receiver];
        state.due[receiver] = Some(due);
        self.timers.push(Reverse((due, line, side == Side::Client, state.birth)));
        arrival
    }

    /// `side` ends the connection, the other follows.
    pub fn close(&mut self, line: usize, side: Side, at: u64) -> u64 {
        if self.lines[line].closed {
            return at;
        }
        let mut at = at.max(self.now).max(self.lines[line].sent[side as usize] + 20);
        for from in [side, side.other()] {
            at = at.max(self.lines[line].sent[from as usize] + 20);
            self.raw(line, from, at, &Out { flags: FIN | ACK, ..Out::default() });
            at += self.lines[line].trip + 40;
            self.skip(line, from, 1, at - 20);
        }
        self.raw(line, side, at, &Out { flags: ACK, ..Out::default() });
        self.forget(line);
        at
    }

    /// `side` breaks the connection off.
    pub fn reset(&mut self, line: usize, side: Side, at: u64, tag: Option<u16>) -> u64 {
        if self.lines[line].closed {
            return at;
        }
        let at = at.max(self.now).max(self.lines[line].sent[side as usize] + 20);
        self.raw(
            line,
            side,
            at,
            &Out { flags: RST | ACK, on: On { tag, ..On::default() }, ..Out::default() },
        );
        self.forget(line);
        at
    }

    /// Whether the line is open.
    pub fn stands(&self, line: usize) -> bool {
        !self.lines[line].closed
    }

    /// Sends a datagram; tells when it arrives.
    pub fn datagram(
        &mut self,
        from: Peer,
        port: u16,
        to: Peer,
        to_port: u16,
        at: u64,
        data: &[u8],
        tag: u16,
    ) -> u64 {
        let at = at.max(self.now);
        let Some(at) = self.resolve(from, to, at, true, tag) else { return at };
        let id = self.id(from.ip);
        let bytes = frame::udp(end(from, port), end(to, to_port), id, data);
        self.push(at, bytes, tag);
        at + 120 + self.rng.below(100)
    }

    /// Sends a ping, and if the other is `alive` its answer.
    pub fn ping(&mut self, from: Peer, to: Peer, at: u64, alive: bool, tag: u16) -> u64 {
        let at = at.max(self.now);
        let Some(at) = self.resolve(from, to, at, alive, tag) else { return at };
        let (here, there) = (end(from, 0), end(to, 0));
        let (id, sequence) = (self.id(from.ip), self.rng.word());
        self.push(at, frame::echo(here, there, id, false, sequence), tag);
        if alive {
            let id = self.id(to.ip);
            self.push(at + 310, frame::echo(there, here, id, true, sequence), tag);
        }
        at + 600
    }

    /// `from` tells `to` that it has the address `claimed`.
    pub fn claim(&mut self, from: Peer, claimed: Ipv4Addr, to: Peer, at: u64, tag: u16) {
        let mut here = end(from, 0);
        here.ip = claimed;
        self.push(at.max(self.now), frame::arp(here, end(to, 0), true), tag);
    }

    /// A host is new at its address: it tells everyone, and nobody knows its old card any more.
    pub fn announce(&mut self, peer: Peer, at: u64) {
        self.neighbours.retain(|(one, other), _| *one != peer.ip && *other != peer.ip);
        let here = end(peer, 0);
        self.push(at.max(self.now), frame::arp(here, here, false), 0);
    }

    /// Makes sure that `from` knows the card of `to`; `None` when nobody says that it has that address.
    fn resolve(&mut self, from: Peer, to: Peer, at: u64, present: bool, tag: u16) -> Option<u64> {
        let pair = (from.ip, to.ip);
        if self.neighbours.get(&pair).is_some_and(|until| *until > at) {
            return Some(at);
        }
        let (here, there) = (end(from, 0), end(to, 0));
        self.push(at, frame::arp(here, there, false), tag);
        if !present && to.mac == [0; 6] {
            self.push(at + 1_000_000, frame::arp(here, there, false), tag);
            return None;
        }
        let answer = at + 150 + self.rng.below(200);
        self.push(answer, frame::arp(there, here, true), tag);
        let until = at + 600_000_000 + self.rng.below(600_000_000);
        self.neighbours.insert(pair, until);
        self.neighbours.insert((to.ip, from.ip), until);
        if self.neighbours.len() > MOST_NEIGHBOURS {
            self.neighbours.retain(|_, until| *until > at);
        }
        Some(answer + 40)
    }

    /// One segment of a line; through a relay it is seen twice, the second time as the relay sends it.
    fn raw(&mut self, line: usize, side: Side, at: u64, out: &Out<'_>) {
        let state = &mut self.lines[line];
        let ack = if out.flags & ACK != 0 { state.acknowledge(side, at) } else { 0 };
        let (here, there) = (state.ends[side as usize], state.ends[side.other() as usize]);
        let seq = state.next[side as usize];
        let tag = out.on.tag.unwrap_or(state.tag);
        state.sent[side as usize] = state.sent[side as usize].max(at);
        let segment =
            Segment { seq, ack, flags: out.flags, window: 64_240, options: out.options, data: out.data };
        let changed = Segment { data: out.on.changed.unwrap_or(out.data), ..segment };
        let Some(relay) = self.relays.get(&(here.ip, there.ip)).copied() else {
            self.frame(at, here, there, &changed, tag);
            return;
        };
        self.frame(at, here, End { mac: relay.mac, ..there }, &segment, relay.tag);
        if !out.on.vanishes {
            let after = End { mac: relay.mac, ttl: here.ttl - 1, ..here };
            self.frame(at + RELAY_DELAY, after, there, &changed, relay.tag);
        }
    }

    fn frame(&mut self, at: u64, from: End, to: End, segment: &Segment<'_>, tag: u16) {
        let id = self.id(from.ip);
        self.push(at, frame::tcp(from, to, id, segment), tag);
    }

    /// `side` has sent `bytes` more, which arrive then.
    fn skip(&mut self, line: usize, side: Side, bytes: u32, arrival: u64) {
        let state = &mut self.lines[line];
        let next = &mut state.next[side as usize];
        *next = next.wrapping_add(bytes);
        let end = *next;
        state.coming[side.other() as usize].push_back((arrival, end));
    }

    fn forget(&mut self, line: usize) {
        self.lines[line].closed = true;
        self.lines[line].due = [None; 2];
    }

    /// The place of a closed line may be used again.
    pub fn release(&mut self, line: usize) {
        debug_assert!(self.lines[line].closed);
        self.free.push(line);
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
/// How long a relay keeps a frame: microseconds.
const RELAY_DELAY: u64 = 180;
/// More than this many pairs of neighbours are looked through for those of long ago.
const MOST_NEIGHBOURS: usize = 20_000;
