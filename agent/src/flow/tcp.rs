//! TCP: handshake, order, repetition, holes, ends (RFC 9293), seen from a mirror port.
//!
//! What the receiver took is not known here, only what was captured, so every rule forgives: a
//! connection may begin in its middle, bytes may never come, a segment may lie. In-order data goes to
//! the conversation without a copy.

use fieldward_shared::time::Timestamp;

use super::conn::Mark;
use super::conversation::{Around, Conversation, serves};
use super::key::{Direction, Transport};
use super::reorder::Clash;
use super::table::{Flow, Key, Stage};
use super::{Flows, digest, talking};
use crate::frame::Segment;
use crate::protocol::{Context, Fields, Sink, Value};

impl Flows {
    pub(super) fn segment(
        &mut self,
        ts: Timestamp,
        key: &Key,
        ip_len: u32,
        segment: &Segment<'_>,
        sink: &mut dyn Sink,
    ) {
        let (at, direction) = self.flow_of(ts, key, segment, sink);
        let Some(flow) = self.table.get_mut(at) else { return };
        let len = (segment.data.len() as u32).saturating_add(segment.cut);
        flow.packet(ts, direction, ip_len, u64::from(len));
        let syn = segment.flags & SYN != 0;
        let seq = segment.seq.wrapping_add(u32::from(syn));
        if syn {
            handshake(flow, direction, segment);
        }
        if segment.flags & (SYN | FIN | RST | ACK) == ACK && len == 0 {
            flow.history.note(Mark::Ack, direction);
        }
        if segment.flags & ACK != 0 {
            if flow.conversation.is_some() {
                self.acknowledge(at, direction, segment.ack);
            } else if direction == Direction::ToServer && flow.handshake.syn_ack {
                self.table.set_stage(at, Stage::Open, ts);
            }
        }
        if len > 0 {
            self.data(ts, at, direction, seq, segment, sink);
        }
        if segment.flags & (FIN | RST) != 0 {
            self.close(ts, at, direction, seq.wrapping_add(len), segment.flags, sink);
        }
    }

    /// The flow of a segment; a new connection between the same ends is a new flow.
    fn flow_of(
        &mut self,
        ts: Timestamp,
        key: &Key,
        segment: &Segment<'_>,
        sink: &mut dyn Sink,
    ) -> (u32, Direction) {
        let syn = segment.flags & SYN != 0;
        if let Some((at, direction)) = self.table.find(key) {
            let again = match self.table.get_mut(at) {
                Some(flow) if syn => begins_anew(flow, direction, segment),
                _ => false,
            };
            if !again {
                return (at, direction);
            }
            self.end_flow(at, false, sink);
        }
        let receiver_serves = match (syn, segment.flags & ACK != 0) {
            (true, acked) => !acked,
            _ => serves(key.src.port, key.dst.port, Transport::Tcp)
                .unwrap_or(key.src.port >= 1024 || key.dst.port < 1024),
        };
        // A capture that begins with a reset or a bare FIN has seen the end of something.
        let stage = if syn { Stage::HalfOpen } else { Stage::Open };
        self.open(ts, key, receiver_serves, stage, sink)
    }

    fn data(
        &mut self,
        ts: Timestamp,
        at: u32,
        direction: Direction,
        seq: u32,
        segment: &Segment<'_>,
        sink: &mut dyn Sink,
    ) {
        let Some(flow) = self.table.get_mut(at) else { return };
        flow.history.note(Mark::Data, direction);
        let half = flow.halves.of_mut(direction);
        if !half.known {
            (half.known, half.next) = (true, seq);
        }
        let ahead = seq.wrapping_sub(half.next) as i32;
        let began = flow.handshake;
        let finished = flow.halves.to_client.fin && flow.halves.to_server.fin;
        let at_conversation = match flow.conversation {
            Some(known) => known,
            None => {
                let Some(new) = self.converse(at, sink) else { return };
                if let Some(talk) = self.conversations.get_mut(new as usize) {
                    talk.begin(began.syn, began.syn_ack);
                }
                new
            }
        };
        if !finished {
            self.table.set_stage(at, Stage::Open, ts);
        }
        let in_turn = self
            .conversations
            .get(at_conversation as usize)
            .is_some_and(|talk| talk.reorders.of(direction).is_empty());
        if ahead == 0 && in_turn {
            self.deliver(ts, at, direction, segment.data, segment.cut, sink);
        } else {
            self.out_of_turn(ts, at, direction, seq, segment, sink);
        }
    }

    /// Data whose turn it is.
    fn deliver(
        &mut self,
        ts: Timestamp,
        at: u32,
        direction: Direction,
        data: &[u8],
        cut: u32,
        sink: &mut dyn Sink,
    ) {
        let Some((flow, talk)) = talking(&mut self.table, &mut self.conversations, at) else { return };
        let half = flow.halves.of_mut(direction);
        let seq = half.next;
        half.next = seq.wrapping_add(data.len() as u32).wrapping_add(cut);
        let held = talk.held();
        let mut around =
            Around { ts, flow: &flow.info, pool: &mut self.pool, sink, counts: &mut self.counts };
        if !data.is_empty() {
            talk.sent.of_mut(direction).note(seq, data, digest(data));
            talk.bytes(direction, data, &mut around);
        }
        if cut > 0 {
            around.counts.missed_bytes = around.counts.missed_bytes.saturating_add(u64::from(cut));
            flow.missed = flow.missed.saturating_add(u64::from(cut));
            talk.gap(direction, u64::from(cut), &mut around);
        }
        if let Some(service) = talk.service() {
            flow.service = Some(service as u8);
            flow.swapped = talk.swapped();
        }
        self.held_bytes = self.held_bytes.saturating_add(talk.held()).saturating_sub(held);
        if self.held_bytes > self.limits.held_bytes && talk.held() > 0 {
            self.held_bytes = self.held_bytes.saturating_sub(talk.held());
            self.counts.held_full = self.counts.held_full.saturating_add(1);
            talk.drop_held();
        }
    }

    /// Data that is early, late, repeated, or follows early data.
    fn out_of_turn(
        &mut self,
        ts: Timestamp,
        at: u32,
        direction: Direction,
        seq: u32,
        segment: &Segment<'_>,
        sink: &mut dyn Sink,
    ) {
        let Some((flow, talk)) = talking(&mut self.table, &mut self.conversations, at) else { return };
        let next = flow.halves.of(direction).next;
        let len = (segment.data.len() as u32).saturating_add(segment.cut);
        let ahead = seq.wrapping_sub(next) as i32;
        let far = talk.far.of_mut(direction).take();
        if ahead.unsigned_abs() > WINDOW {
            if far == Some(seq) {
                return self.move_to(ts, at, direction, seq, segment, sink);
            }
            *talk.far.of_mut(direction) = Some(seq.wrapping_add(len));
            self.counts.out_of_window = self.counts.out_of_window.saturating_add(1);
            return;
        }
        let (mut data, mut cut, mut start) = (segment.data, segment.cut, seq);
        if ahead < 0 {
            let old = ahead.unsigned_abs();
            // A keep-alive repeats one byte.
            if !(old == 1 && len == 1) {
                flow.history.note(Mark::Retransmission, direction);
                let traffic = flow.traffic.of_mut(direction);
                traffic.retransmissions = traffic.retransmissions.saturating_add(1);
                self.counts.retransmissions = self.counts.retransmissions.saturating_add(1);
                let clash = talk.sent.of(direction).differs(seq, segment.data);
                if let Some(clash) = clash {
                    self.counts.overlaps = self.counts.overlaps.saturating_add(1);
                    clashed(flow, direction, ts, clash, sink);
                }
            }
            if old >= len {
                return;
            }
            start = next;
            let past_data = old.saturating_sub(data.len() as u32);
            data = data.get(old as usize..).unwrap_or_default();
            cut = cut.saturating_sub(past_data);
        } else if ahead > 0 {
            self.counts.out_of_order = self.counts.out_of_order.saturating_add(1);
        }
        if start == next && talk.reorders.of(direction).is_empty() {
            return self.deliver(ts, at, direction, data, cut, sink);
        }
        let reorder = talk.reorders.of_mut(direction);
        match reorder.insert(next, start, data, cut, ts, &mut self.buffers) {
            Some(clash) => {
                if let Some(clash) = clash {
                    self.counts.overlaps = self.counts.overlaps.saturating_add(1);
                    clashed(flow, direction, ts, clash, sink);
                }
                if !std::mem::replace(&mut talk.waiting, true) {
                    self.waiting.push(at);
                }
                self.drain(ts, at, direction, sink);
                self.give_up(ts, at, direction, false, sink);
            }
            None => {
                self.counts.reorder_full = self.counts.reorder_full.saturating_add(1);
                self.give_up(ts, at, direction, true, sink);
            }
        }
        self.tell_end(ts, at, direction, sink);
    }

    /// Delivers early data whose turn has come.
    fn drain(&mut self, ts: Timestamp, at: u32, direction: Direction, sink: &mut dyn Sink) {
        loop {
            let Some((flow, talk)) = talking(&mut self.table, &mut self.conversations, at) else { return };
            let next = flow.halves.of(direction).next;
            let Some(piece) = talk.reorders.of_mut(direction).ready(next) else { return };
            let (data, cut) = piece.from(next);
            self.deliver(ts, at, direction, data, cut, sink);
            self.buffers.give_back(piece);
        }
    }

    /// Goes on behind holes that will not be filled; behind every hole if `all`.
    fn give_up(&mut self, ts: Timestamp, at: u32, direction: Direction, all: bool, sink: &mut dyn Sink) {
        loop {
            let Some((flow, talk)) = talking(&mut self.table, &mut self.conversations, at) else { return };
            let next = flow.halves.of(direction).next;
            let reorder = talk.reorders.of_mut(direction);
            let missing = if all { reorder.missing(next) } else { reorder.given_up(next, ts) };
            let Some(missing) = missing else { return };
            reorder.restart(ts);
            self.skip(ts, at, direction, Some(missing), next.wrapping_add(missing), sink);
            self.drain(ts, at, direction, sink);
        }
    }

    /// The sender is somewhere else, twice in a row: a long loss, or a wrong start.
    fn move_to(
        &mut self,
        ts: Timestamp,
        at: u32,
        direction: Direction,
        seq: u32,
        segment: &Segment<'_>,
        sink: &mut dyn Sink,
    ) {
        self.give_up(ts, at, direction, true, sink);
        let Some(flow) = self.table.get_mut(at) else { return };
        let ahead = seq.wrapping_sub(flow.halves.of(direction).next) as i32;
        self.skip(ts, at, direction, u32::try_from(ahead).ok(), seq, sink);
        self.deliver(ts, at, direction, segment.data, segment.cut, sink);
    }

    /// Jumps over bytes that were never captured, and says so.
    fn skip(
        &mut self,
        ts: Timestamp,
        at: u32,
        direction: Direction,
        missing: Option<u32>,
        to: u32,
        sink: &mut dyn Sink,
    ) {
        let Some((flow, talk)) = talking(&mut self.table, &mut self.conversations, at) else { return };
        let known = u64::from(missing.unwrap_or_default());
        self.counts.gaps = self.counts.gaps.saturating_add(1);
        self.counts.missed_bytes = self.counts.missed_bytes.saturating_add(known);
        flow.missed = flow.missed.saturating_add(known);
        flow.history.note(Mark::Gap, direction);
        flow.halves.of_mut(direction).next = to;
        let mut fields = Fields::new();
        fields.str("kind", "gap");
        if missing.is_some() {
            fields.number("missed_bytes", known);
        }
        Context::new(ts, &flow.info, sink).emit("tcp", direction, &fields, None);
        let held = talk.held();
        let mut around =
            Around { ts, flow: &flow.info, pool: &mut self.pool, sink, counts: &mut self.counts };
        talk.gap(direction, missing.map_or(UNKNOWN_GAP, u64::from), &mut around);
        self.held_bytes = self.held_bytes.saturating_add(talk.held()).saturating_sub(held);
    }

    /// What one side acknowledges need not be waited for on the other.
    fn acknowledge(&mut self, at: u32, direction: Direction, ack: u32) {
        let Some(flow) = self.table.get_mut(at) else { return };
        if let Some(talk) = flow.conversation.and_then(|at| self.conversations.get_mut(at as usize)) {
            talk.reorders.of_mut(direction.flipped()).acknowledged(ack);
        }
    }

    fn close(
        &mut self,
        ts: Timestamp,
        at: u32,
        direction: Direction,
        end: u32,
        flags: u8,
        sink: &mut dyn Sink,
    ) {
        let Some(flow) = self.table.get_mut(at) else { return };
        if flags & FIN != 0 {
            flow.history.note(Mark::Fin, direction);
            let half = flow.halves.of_mut(direction);
            (half.fin, half.end) = (true, end);
            if !half.known {
                (half.known, half.next) = (true, end);
            }
        }
        if flags & RST != 0 {
            flow.history.note(Mark::Reset, direction);
            flow.handshake.reset_by.get_or_insert(direction);
        }
        let over = flags & RST != 0 || flow.halves.to_client.fin && flow.halves.to_server.fin;
        for side in [direction, direction.flipped()] {
            self.tell_end(ts, at, side, sink);
        }
        if over {
            self.table.set_stage(at, Stage::Closed, ts);
        }
    }

    /// Tells the decoder when a side is done and everything of it was read.
    fn tell_end(&mut self, ts: Timestamp, at: u32, direction: Direction, sink: &mut dyn Sink) {
        let Some((flow, talk)) = talking(&mut self.table, &mut self.conversations, at) else { return };
        let reset = flow.handshake.reset_by.is_some();
        let half = flow.halves.of_mut(direction);
        let done = half.fin && half.next == half.end || reset;
        if half.ended || !done || !talk.reorders.of(direction).is_empty() {
            return;
        }
        half.ended = true;
        let held = talk.held();
        let mut around =
            Around { ts, flow: &flow.info, pool: &mut self.pool, sink, counts: &mut self.counts };
        talk.end(direction, &mut around);
        self.held_bytes = self.held_bytes.saturating_add(talk.held()).saturating_sub(held);
    }

    /// Looks at every flow that waits for a hole to close.
    pub(super) fn give_up_holes(&mut self, sink: &mut dyn Sink) {
        let mut waiting = std::mem::take(&mut self.waiting);
        let now = self.now;
        waiting.retain(|at| {
            for direction in [Direction::ToServer, Direction::ToClient] {
                self.give_up(now, *at, direction, false, sink);
                self.tell_end(now, *at, direction, sink);
            }
            let Some((_, talk)) = talking(&mut self.table, &mut self.conversations, *at) else {
                return false;
            };
            talk.waiting = !talk.reorders.to_client.is_empty() || !talk.reorders.to_server.is_empty();
            talk.waiting
        });
        self.waiting.append(&mut waiting);
        if self.waiting.is_empty() {
            std::mem::swap(&mut self.waiting, &mut waiting);
        }
    }

    /// The flow ends: everything that still waits behind holes is read.
    pub(super) fn flush(&mut self, at: u32, sink: &mut dyn Sink) {
        let Some(last) = self.table.get_mut(at).map(|flow| flow.last) else { return };
        for direction in [Direction::ToServer, Direction::ToClient] {
            self.give_up(last, at, direction, true, sink);
        }
    }
}

impl Conversation {
    /// A connection whose handshake was seen begins with its first byte.
    fn begin(&mut self, client: bool, server: bool) {
        self.whole_from_start(Direction::ToServer, client);
        self.whole_from_start(Direction::ToClient, server || client);
    }
}

/// A SYN: where the sequence begins.
fn handshake(flow: &mut Flow, direction: Direction, segment: &Segment<'_>) {
    let answer = segment.flags & ACK != 0;
    flow.history.note(if answer { Mark::SynAck } else { Mark::Syn }, direction);
    let seen = match answer {
        true => &mut flow.handshake.syn_ack,
        false => &mut flow.handshake.syn,
    };
    if std::mem::replace(seen, true) {
        let traffic = flow.traffic.of_mut(direction);
        traffic.retransmissions = traffic.retransmissions.saturating_add(1);
    }
    let half = flow.halves.of_mut(direction);
    if !half.known {
        (half.known, half.next) = (true, segment.seq.wrapping_add(1));
    }
}

/// A SYN on a flow that exists: a new connection, unless it repeats the one that began the flow.
fn begins_anew(flow: &Flow, direction: Direction, segment: &Segment<'_>) -> bool {
    if segment.flags & ACK != 0 {
        return false;
    }
    let over = flow.halves.to_client.fin && flow.halves.to_server.fin || flow.handshake.reset_by.is_some();
    let half = flow.halves.of(direction);
    let sent = half.next.wrapping_sub(segment.seq.wrapping_add(1));
    let repeats = half.known && u64::from(sent) <= flow.traffic.of(direction).payload;
    over || direction == Direction::ToClient || !repeats
}

/// The same place in the stream was sent twice with different bytes: an injection, or a broken stack.
fn clashed(flow: &Flow, direction: Direction, ts: Timestamp, clash: Clash, sink: &mut dyn Sink) {
    let (first, second) = (clash.first.to_be_bytes(), clash.second.to_be_bytes());
    let mut fields = Fields::new();
    fields.str("kind", "overlap");
    fields.number("overlap_bytes", clash.len as u64);
    fields.push("first_digest", Value::Hex(&first));
    fields.push("second_digest", Value::Hex(&second));
    Context::new(ts, &flow.info, sink).emit("tcp", direction, &fields, None);
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
/// A segment further than this from where its connection stands is believed only if its successor
/// comes too: larger than any window used in a plant, smaller than a forged number usually is.
const WINDOW: u32 = 4 << 20;
/// A hole of unknown size: longer than any message.
const UNKNOWN_GAP: u64 = 1 << 40;
