//! TCP: connections that open, carry data, and close, segment by segment.

use super::frame::{ACK, End, FIN, PSH, RST, SYN, Segment};
use super::line::{Kept, Line};
use super::{Door, MSS, On, Opened, Peer, Recorder, Side, Way, end};

/// One segment to send.
#[derive(Clone, Copy, Debug, Default)]
struct Out<'a> {
    flags: u8,
    options: &'a [u8],
    data: &'a [u8],
    on: On<'a>,
    /// The number of its first byte, where that is not the next.
    seq: Option<u32>,
}

impl Recorder {
    /// Tries to open a connection; tells what came of it and when the client knows.
    #[expect(clippy::too_many_arguments, reason = "two ends and what passes between them")]
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
        let Some(at) = self.resolve(from, to, at, tag) else {
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
            kept: None,
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
        let travel = self.travel(index);
        let answer = at + 2 * travel + self.rng.below(120);
        match door {
            Door::Open => {
                self.skip(index, Side::Client, 1, at + travel);
                let options = to.stack.options();
                let accepted = Out { flags: SYN | ACK, options: &options, ..Out::default() };
                self.raw(index, Side::Server, answer, &accepted);
                let arrival = answer + travel - trip + 10;
                self.skip(index, Side::Server, 1, arrival);
                self.raw(index, Side::Client, arrival + 20, &Out { flags: ACK, ..Out::default() });
                (Opened::Open(index), arrival + 50)
            }
            Door::Closed => {
                self.skip(index, Side::Client, 1, at + travel);
                self.raw(index, Side::Server, answer, &Out { flags: RST | ACK, ..Out::default() });
                self.forget(index);
                self.release(index);
                (Opened::Refused, answer + travel)
            }
            Door::Silent => {
                for wait in [1_000_000, 3_000_000] {
                    self.raw(index, Side::Client, at + wait, &syn);
                }
                self.forget(index);
                self.release(index);
                (Opened::Silent, at + 5_000_000)
            }
        }
    }

    /// `side` sends `data` at `at`; tells when all of it has arrived.
    pub fn send(&mut self, line: usize, side: Side, at: u64, data: &[u8], tag: Option<u16>) -> u64 {
        self.send_on(line, side, at, data, On { tag, ..On::default() })
    }

    /// The same on a path where someone may change or keep what passes.
    pub fn send_on(&mut self, line: usize, side: Side, at: u64, data: &[u8], on: On<'_>) -> u64 {
        let mut at = at.max(self.now).max(self.lines[line].sent[side as usize] + 12);
        if self.lines[line].closed || self.lines[line].kept.is_some() {
            return at;
        }
        let way = self.way(line);
        if on.vanishes {
            match (way, side) {
                (Some(Way::Between), _) => return self.keep(line, side, at, data, on),
                (Some(Way::Beside), _) => return self.sever(line, at),
                // The server itself says nothing.
                (None, Side::Server) => return at,
                (None, Side::Client) => {}
            }
        }
        // Where nobody stands between, one of the two lies: nothing but the lie is on the wire. A relay
        // does not translate numbers, so it can only change what keeps its length.
        let (data, changed) = match (on.changed, way) {
            (Some(changed), None | Some(Way::Beside)) => (changed, None),
            (Some(changed), Some(Way::Between)) if changed.len() == data.len() => (data, Some(changed)),
            _ => (data, None),
        };
        let pieces = data.len().div_ceil(MSS);
        for (nth, piece) in data.chunks(MSS).enumerate() {
            let last = nth + 1 == pieces;
            let flags = if last { PSH | ACK } else { ACK };
            let on = On { changed: changed.and_then(|changed| changed.chunks(MSS).nth(nth)), ..on };
            let out = Out { flags, data: piece, on, ..Out::default() };
            self.raw(line, side, at, &out);
            if self.loss > 0.0 && self.rng.chance(self.loss) {
                // Seen here, lost behind: the sender waits, then sends it again.
                at += 200_000 + self.rng.below(100_000);
                self.raw(line, side, at, &out);
            }
            let arrival = at + self.travel(line);
            self.skip(line, side, piece.len() as u32, arrival);
            let receiver = side.other();
            if nth % 2 == 1 && !last && self.lines[line].sent[receiver as usize] < arrival {
                let on = On { tag: on.tag, ..On::default() };
                self.raw(line, receiver, arrival + 10, &Out { flags: ACK, on, ..Out::default() });
            }
            at += piece.len() as u64 / 12 + 2;
        }
        let receiver = side.other();
        let arrival = self.lines[line].coming[receiver as usize].back().map_or(at, |last| last.0);
        self.schedule(line, receiver);
        arrival
    }

    /// A client sends what nobody hears any more, again and again, until it gives the line up.
    pub fn send_in_vain(&mut self, line: usize, at: u64, data: &[u8], tag: Option<u16>) {
        let at = at.max(self.now).max(self.lines[line].sent[Side::Client as usize] + 12);
        if self.stands(line) {
            self.keep(line, Side::Client, at, data, On { tag, ..On::default() });
        }
    }

    /// A relay keeps what `side` sends: it is sent again until the line is given up.
    fn keep(&mut self, line: usize, side: Side, at: u64, data: &[u8], on: On<'_>) -> u64 {
        let data = &data[..data.len().min(MSS)];
        self.raw(line, side, at, &Out { flags: PSH | ACK, data, on, ..Out::default() });
        let waited = 300_000;
        let state = &mut self.lines[line];
        let (seq, tag) = (state.next[side as usize], on.tag.unwrap_or(state.tag));
        state.next[side as usize] = seq.wrapping_add(data.len() as u32);
        state.kept = Some(Kept { side, seq, data: data.to_vec(), tag, again: at + waited, waited });
        let birth = state.birth;
        self.timer(at + waited, line, side, birth);
        at
    }

    /// Someone beside the path breaks the line off before the next data is sent: each end gets a reset
    /// in the name of the other.
    fn sever(&mut self, line: usize, at: u64) -> u64 {
        let state = &self.lines[line];
        let (ends, next) = (state.ends, state.next);
        let at = at.max(state.sent[0] + 20).max(state.sent[1] + 20);
        let Some(liar) = self.relays.get(&(ends[0].ip, ends[1].ip)).copied() else { return at };
        for side in Side::BOTH {
            let (here, there) = (ends[side as usize], ends[side.other() as usize]);
            let seq = next[side as usize];
            let ack = next[side.other() as usize];
            let reset = Segment { seq, ack, flags: RST | ACK, window: 0, options: &[], data: &[] };
            let id = self.rng.word();
            let at = at + 15 * side as u64;
            self.frame(at, End { mac: liar.mac, ..here }, there, id, &reset, liar.tag);
        }
        self.forget(line);
        at
    }

    /// `side` ends the connection, the other follows.
    pub fn close(&mut self, line: usize, side: Side, at: u64) -> u64 {
        if self.lines[line].closed {
            return at;
        }
        if self.lines[line].kept.is_some() {
            return self.reset(line, side, at, None);
        }
        let mut at = at.max(self.now).max(self.lines[line].sent[side as usize] + 20);
        for from in [side, side.other()] {
            at = at.max(self.lines[line].sent[from as usize] + 20);
            self.raw(line, from, at, &Out { flags: FIN | ACK, ..Out::default() });
            let arrival = at + self.travel(line);
            self.skip(line, from, 1, arrival);
            at = arrival + 40;
        }
        self.raw(line, side, at, &Out { flags: ACK, ..Out::default() });
        self.forget(line);
        at
    }

    /// `side` breaks the connection off.
    pub fn reset(&mut self, line: usize, side: Side, at: u64, tag: Option<u16>) -> u64 {
        let state = &self.lines[line];
        if state.closed {
            return at;
        }
        let at = at.max(self.now).max(state.sent[0] + 20).max(state.sent[1] + 20);
        let on = On { tag, ..On::default() };
        self.raw(line, side, at, &Out { flags: RST | ACK, on, ..Out::default() });
        self.forget(line);
        at
    }

    /// Whether the line is open and what is sent on it arrives.
    pub fn stands(&self, line: usize) -> bool {
        !self.lines[line].closed && self.lines[line].kept.is_none()
    }

    /// A timer is due: an acknowledgement, or another attempt to send what someone keeps.
    pub(super) fn rings(&mut self, line: usize, side: Side, birth: u64, at: u64) {
        let state = &mut self.lines[line];
        if state.birth != birth || state.closed {
            return;
        }
        if state.due[side as usize] == Some(at) {
            state.due[side as usize] = None;
            // What it has already sent, as seen from here, went out later: this would overtake it.
            if state.sent[side as usize] <= at {
                self.raw(line, side, at, &Out { flags: ACK, ..Out::default() });
            }
            self.schedule(line, side);
            return;
        }
        let Some(mut kept) = state.kept.take_if(|kept| kept.side == side && kept.again == at) else { return };
        let on = On { vanishes: true, tag: Some(kept.tag), ..On::default() };
        let out = Out { flags: PSH | ACK, data: &kept.data, on, seq: Some(kept.seq), ..Out::default() };
        self.raw(line, side, at, &out);
        kept.waited = (kept.waited * 2).min(MOST_WAITED);
        kept.again = at + kept.waited;
        self.timer(kept.again, line, side, birth);
        self.lines[line].kept = Some(kept);
    }

    /// Sees to it that `side` acknowledges what comes, even if it says nothing.
    fn schedule(&mut self, line: usize, side: Side) {
        let state = &mut self.lines[line];
        let Some(arrival) = state.unanswered(side).filter(|_| state.due[side as usize].is_none()) else {
            return;
        };
        let due = (arrival + state.patience[side as usize]).max(state.sent[side as usize] + 500);
        state.due[side as usize] = Some(due);
        let birth = state.birth;
        self.timer(due, line, side, birth);
    }

    /// One segment of a line; through a relay it is seen twice, the second time as the relay sends it.
    fn raw(&mut self, line: usize, side: Side, at: u64, out: &Out<'_>) {
        let way = self.way(line);
        let state = &mut self.lines[line];
        let at = at.max(state.sent[side as usize]);
        let ack = if out.flags & ACK != 0 { state.acknowledge(side, at) } else { 0 };
        let (here, there) = (state.ends[side as usize], state.ends[side.other() as usize]);
        let seq = out.seq.unwrap_or(state.next[side as usize]);
        let tag = out.on.tag.unwrap_or(state.tag);
        state.sent[side as usize] = at;
        let segment =
            Segment { seq, ack, flags: out.flags, window: 64_240, options: out.options, data: out.data };
        let id = self.id(here.ip);
        let relay = self.relays.get(&(here.ip, there.ip)).copied();
        let Some(relay) = relay.filter(|_| way == Some(Way::Between)) else {
            self.frame(at, here, there, id, &segment, tag);
            return;
        };
        self.frame(at, here, End { mac: relay.mac, ..there }, id, &segment, relay.tag);
        if !out.on.vanishes {
            let after = End { mac: relay.mac, ttl: here.ttl - 1, ..here };
            let changed = Segment { data: out.on.changed.unwrap_or(out.data), ..segment };
            self.frame(at + RELAY_DELAY, after, there, id, &changed, relay.tag);
        }
    }

    /// How someone stands to the path of a line.
    fn way(&self, line: usize) -> Option<Way> {
        let [client, server] = self.lines[line].ends;
        self.relays.get(&(client.ip, server.ip)).map(|relay| relay.way)
    }

    /// How long a segment of the line is on its way.
    fn travel(&self, line: usize) -> u64 {
        let detour = if self.way(line) == Some(Way::Between) { RELAY_DELAY } else { 0 };
        self.lines[line].trip + detour
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
        let state = &mut self.lines[line];
        state.closed = true;
        (state.due, state.kept) = ([None; 2], None);
    }

    /// The place of a closed line may be used again.
    pub fn release(&mut self, line: usize) {
        debug_assert!(self.lines[line].closed);
        self.free.push(line);
    }
}

/// How long a relay keeps a frame: microseconds.
const RELAY_DELAY: u64 = 180;
/// The longest that a sender waits before it tries again: microseconds.
const MOST_WAITED: u64 = 60_000_000;
