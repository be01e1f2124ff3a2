//! What belongs to no connection: probes, datagrams, pings, and who has which address.

use std::net::Ipv4Addr;

use super::frame::{self, ACK, RST, SYN, Segment};
use super::{Door, Peer, Recorder, end};

impl Recorder {
    /// A SYN that is followed by nothing, as scanners send it: whose door is open gets a reset.
    #[expect(clippy::too_many_arguments, reason = "two ends and what passes between them")]
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
        let Some(at) = self.resolve(from, to, at, tag) else { return at };
        let syn = self.syn(from, port, to, to_port, at, tag);
        let answer = at + 200 + self.rng.below(200);
        let (here, there) = (end(from, port), end(to, to_port));
        match door {
            Door::Open => {
                self.accept(from, port, to, to_port, syn, &[answer], tag);
                let id = self.id(from.ip);
                let seq = syn.wrapping_add(1);
                let reset = Segment { seq, ack: 0, flags: RST, window: 0, options: &[], data: &[] };
                self.frame(answer + 60, here, there, id, &reset, tag);
            }
            Door::Closed => {
                let id = self.id(to.ip);
                let ack = syn.wrapping_add(1);
                let no = Segment { seq: 0, ack, flags: RST | ACK, window: 0, options: &[], data: &[] };
                self.frame(answer, there, here, id, &no, tag);
            }
            Door::Silent => {}
        }
        answer + 100
    }

    /// A SYN whose sender hides the rest from its own TCP: the other, if it still `answers`, holds the
    /// half of a connection and repeats that it accepts.
    #[expect(clippy::too_many_arguments, reason = "two ends and what passes between them")]
    pub fn half_open(
        &mut self,
        from: Peer,
        port: u16,
        to: Peer,
        to_port: u16,
        answers: bool,
        at: u64,
        tag: u16,
    ) -> u64 {
        let at = at.max(self.now);
        let Some(at) = self.resolve(from, to, at, tag) else { return at };
        let syn = self.syn(from, port, to, to_port, at, tag);
        if answers {
            let answer = at + 200 + self.rng.below(200);
            let times = [answer, answer + 1_000_000, answer + 3_000_000];
            self.accept(from, port, to, to_port, syn, &times, tag);
        }
        at
    }

    /// A bare SYN, as tools make it; gives its number.
    fn syn(&mut self, from: Peer, port: u16, to: Peer, to_port: u16, at: u64, tag: u16) -> u32 {
        let seq = self.rng.bits() as u32;
        let options = from.stack.options();
        let syn = Segment { seq, ack: 0, flags: SYN, window: 1024, options: &options[..4], data: &[] };
        let id = self.id(from.ip);
        self.frame(at, end(from, port), end(to, to_port), id, &syn, tag);
        seq
    }

    /// `to` accepts the SYN of that number, at each of these times.
    #[expect(clippy::too_many_arguments, reason = "two ends and what passes between them")]
    fn accept(&mut self, from: Peer, port: u16, to: Peer, to_port: u16, syn: u32, times: &[u64], tag: u16) {
        let seq = self.rng.bits() as u32;
        let options = to.stack.options();
        let ack = syn.wrapping_add(1);
        let segment = Segment { seq, ack, flags: SYN | ACK, window: 8192, options: &options, data: &[] };
        for &at in times {
            let id = self.id(to.ip);
            self.frame(at, end(to, to_port), end(from, port), id, &segment, tag);
        }
    }

    /// Sends a datagram; tells when it arrives.
    #[expect(clippy::too_many_arguments, reason = "two ends and what passes between them")]
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
        let Some(at) = self.resolve(from, to, at, tag) else { return at };
        let id = self.id(from.ip);
        let bytes = frame::udp(end(from, port), end(to, to_port), id, data);
        self.push(at, bytes, tag);
        at + 120 + self.rng.below(100)
    }

    /// Sends a ping, and if the other is `alive` its answer.
    pub fn ping(&mut self, from: Peer, to: Peer, at: u64, alive: bool, tag: u16) -> u64 {
        let at = at.max(self.now);
        let Some(at) = self.resolve(from, to, at, tag) else { return at };
        let (here, there) = (end(from, 0), end(to, 0));
        let (id, sequence) = (self.id(from.ip), self.rng.word());
        self.push(at, frame::echo(here, there, id, false, sequence), tag);
        if alive {
            let id = self.id(to.ip);
            self.push(at + 310, frame::echo(there, here, id, true, sequence), tag);
        }
        at + 600
    }

    /// `by` tells `to` that `claimed` is at this network card.
    pub fn claim(&mut self, by: [u8; 6], card: [u8; 6], claimed: Ipv4Addr, to: Peer, at: u64, tag: u16) {
        let here = frame::End { mac: card, ip: claimed, port: 0, ttl: 0 };
        let mut bytes = frame::arp(here, end(to, 0), true);
        bytes[6..12].copy_from_slice(&by);
        self.push(at.max(self.now), bytes, tag);
    }

    /// A host is new at its address: it tells everyone, and nobody knows its old card any more.
    pub fn announce(&mut self, peer: Peer, at: u64) {
        self.neighbours.retain(|(one, other), _| *one != peer.ip && *other != peer.ip);
        let here = end(peer, 0);
        self.push(at.max(self.now), frame::arp(here, here, false), 0);
    }

    /// Makes sure that `from` knows the card of `to`; `None` when nobody says that it has that address.
    pub(super) fn resolve(&mut self, from: Peer, to: Peer, at: u64, tag: u16) -> Option<u64> {
        let pair = (from.ip, to.ip);
        let absent = to.mac == [0; 6];
        if !absent && self.neighbours.get(&pair).is_some_and(|until| *until > at) {
            return Some(at);
        }
        let (here, there) = (end(from, 0), end(to, 0));
        self.push(at, frame::arp(here, there, false), tag);
        if absent {
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
}

/// More than this many pairs of neighbours are looked through for those of long ago.
const MOST_NEIGHBOURS: usize = 20_000;
