//! Flows: who talks with whom, and their bytes in order.
//!
//! `Flows` takes frames in capture order and gives protocol events and `conn` records. Every table
//! and buffer in it is bounded; what had to be let go is counted. Time is packet time alone.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod conn;
mod conversation;
mod counts;
mod feed;
mod key;
mod pool;
mod reorder;
mod table;
mod tcp;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, Hasher};

use fieldward_shared::time::Timestamp;

pub use counts::FlowCounts;
pub use feed::{Feed, Outcome};
pub use key::{Addr, Both, Direction, Endpoint, FlowInfo, Transport};

use crate::frame::{Datagram, Frame, Payload};
use crate::protocol::{Context, Sink};
use conversation::{Around, Claim, Conversation};
use pool::Pool;
use reorder::Buffers;
use table::{Flow, Key, Stage, Table};

/// Bounds of the flow layer.
#[derive(Clone, Copy, Debug)]
pub struct FlowLimits {
    /// Most flows alive at once; the table lets half-open ones go first.
    pub flows: usize,
    /// Most flows that are decoded at once.
    pub conversations: usize,
    /// Most bytes held for unfinished messages, all flows together.
    pub held_bytes: usize,
    /// Most bytes held behind holes, all flows together.
    pub reorder_bytes: usize,
    /// Idle seconds after which a connection that was never answered ends.
    pub half_open_secs: u32,
    /// Seconds for which an ended connection is kept for stragglers.
    pub closed_secs: u32,
    /// Idle seconds after which a UDP flow ends.
    pub udp_secs: u32,
    /// Idle seconds after which an open connection ends.
    pub open_secs: u32,
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self {
            flows: 1 << 20,
            conversations: 1 << 17,
            held_bytes: 32 << 20,
            reorder_bytes: 16 << 20,
            half_open_secs: 60,
            closed_secs: 5,
            udp_secs: 60,
            open_secs: 1800,
        }
    }
}

/// Every flow that is alive, and how its bytes become events.
pub struct Flows {
    limits: FlowLimits,
    table: Table,
    conversations: Vec<Conversation>,
    free: Vec<u32>,
    pool: Pool,
    buffers: Buffers,
    /// Flows with a hole that may have to be given up.
    waiting: Vec<u32>,
    held_bytes: usize,
    counts: FlowCounts,
    now: Timestamp,
}

impl Flows {
    /// No flow yet.
    pub fn new(limits: FlowLimits) -> Self {
        Self {
            limits,
            table: Table::default(),
            conversations: Vec::new(),
            free: Vec::new(),
            pool: Pool::default(),
            buffers: Buffers::new(limits.reorder_bytes),
            waiting: Vec::new(),
            held_bytes: 0,
            counts: FlowCounts::default(),
            now: Timestamp::default(),
        }
    }

    /// What was seen and what had to be let go.
    pub const fn counts(&self) -> &FlowCounts {
        &self.counts
    }

    /// Flows alive now.
    pub fn alive(&self) -> usize {
        self.table.len()
    }

    /// One frame, in capture order.
    pub fn frame(&mut self, ts: Timestamp, frame: &Frame<'_>, sink: &mut dyn Sink) {
        self.advance(ts, sink);
        let end = |addr, port| Endpoint { addr, port };
        match &frame.payload {
            Payload::Tcp(segment) => {
                let (src, dst) = (end(frame.src, segment.sport), end(frame.dst, segment.dport));
                let key = self.table.key(src, dst, Transport::Tcp);
                self.segment(ts, &key, frame.ip_len, segment, sink);
            }
            Payload::Udp(datagram) => {
                let (src, dst) = (end(frame.src, datagram.sport), end(frame.dst, datagram.dport));
                let key = self.table.key(src, dst, Transport::Udp);
                self.datagram(ts, &key, frame.ip_len, datagram, sink);
            }
        }
    }

    /// The capture is over: every flow ends.
    pub fn finish(&mut self, sink: &mut dyn Sink) {
        for stage in Stage::ALL {
            while let Some(at) = self.table.oldest(stage) {
                self.end_flow(at, false, sink);
            }
        }
    }

    fn datagram(
        &mut self,
        ts: Timestamp,
        key: &Key,
        ip_len: u32,
        datagram: &Datagram<'_>,
        sink: &mut dyn Sink,
    ) {
        let (at, direction) = match self.table.find(key) {
            Some(found) => found,
            None => {
                let receiver_serves =
                    conversation::serves(key.src.port, key.dst.port, Transport::Udp).unwrap_or(true);
                self.open(ts, key, receiver_serves, Stage::Udp, sink)
            }
        };
        let Some(flow) = self.table.get_mut(at) else { return };
        flow.packet(
            ts,
            direction,
            ip_len,
            (datagram.data.len() as u64).saturating_add(u64::from(datagram.cut)),
        );
        if datagram.data.is_empty() || flow.refusals > MOST_DATAGRAM_REFUSALS {
            return;
        }
        if flow.conversation.is_none() {
            let info = flow.info;
            match conversation::claim(&info, direction, datagram.data, true) {
                Claim::Yes(service, sender) => {
                    let Some(at_conversation) = self.converse(at, sink) else { return };
                    let Some(talk) = self.conversations.get_mut(at_conversation as usize) else { return };
                    talk.claim_datagrams(service, sender, direction, &info, &mut self.pool);
                }
                Claim::Unsure | Claim::No => {
                    flow.refusals = flow.refusals.saturating_add(1);
                    return;
                }
            }
        }
        let Some((flow, talk)) = talking(&mut self.table, &mut self.conversations, at) else { return };
        let mut around =
            Around { ts, flow: &flow.info, pool: &mut self.pool, sink, counts: &mut self.counts };
        talk.datagram(direction, datagram.data, &mut around);
        flow.service = talk.service().map(|service| service as u8);
        flow.swapped = talk.swapped();
    }

    /// Adds a flow; the first packet goes to the server if `receiver_serves`.
    fn open(
        &mut self,
        ts: Timestamp,
        key: &Key,
        receiver_serves: bool,
        stage: Stage,
        sink: &mut dyn Sink,
    ) -> (u32, Direction) {
        if self.table.len() >= self.limits.flows {
            self.evict(sink);
        }
        let (client, server, direction) = match receiver_serves {
            true => (key.src, key.dst, Direction::ToServer),
            false => (key.dst, key.src, Direction::ToClient),
        };
        let info = FlowInfo { id: table::flow_id(ts, key), client, server, transport: key.transport };
        self.counts.flows = self.counts.flows.saturating_add(1);
        match key.transport {
            Transport::Tcp => self.counts.tcp_flows = self.counts.tcp_flows.saturating_add(1),
            Transport::Udp => self.counts.udp_flows = self.counts.udp_flows.saturating_add(1),
        }
        (self.table.insert(key, info, ts, stage), direction)
    }

    /// Gives a flow a conversation; makes room when there are too many.
    fn converse(&mut self, at: u32, sink: &mut dyn Sink) -> Option<u32> {
        let free = match self.free.pop() {
            Some(free) => free,
            None if self.conversations.len() < self.limits.conversations => {
                self.conversations.push(Conversation::default());
                self.conversations.len().wrapping_sub(1) as u32
            }
            None => {
                self.evict_conversation(at, sink);
                self.free.pop()?
            }
        };
        self.table.get_mut(at)?.conversation = Some(free);
        Some(free)
    }

    /// The table is full: the flow that matters least ends.
    fn evict(&mut self, sink: &mut dyn Sink) {
        if let Some(at) = Stage::ALL.iter().find_map(|stage| self.table.oldest(*stage)) {
            self.counts.evicted_flows = self.counts.evicted_flows.saturating_add(1);
            self.end_flow(at, true, sink);
        }
    }

    /// Too many flows are decoded: the oldest of them ends, but not `keep`.
    fn evict_conversation(&mut self, keep: u32, sink: &mut dyn Sink) {
        for stage in [Stage::Closed, Stage::Udp, Stage::HalfOpen, Stage::Open] {
            let mut candidate = self.table.oldest(stage);
            for _ in 0..MOST_EVICTION_STEPS {
                let Some(at) = candidate else { break };
                candidate = self.table.after(at);
                if at != keep && self.table.get_mut(at).is_some_and(|flow| flow.conversation.is_some()) {
                    self.counts.evicted_flows = self.counts.evicted_flows.saturating_add(1);
                    return self.end_flow(at, true, sink);
                }
            }
        }
    }

    fn advance(&mut self, ts: Timestamp, sink: &mut dyn Sink) {
        let before = self.now;
        if ts < before {
            // Captures of two taps run apart a little; more than that is a clock that was set back.
            if before.since(ts) < BACKWARDS {
                return;
            }
            self.counts.clock_set_back = self.counts.clock_set_back.saturating_add(1);
        }
        self.now = ts;
        if before.as_micros() >> TICK != ts.as_micros() >> TICK {
            self.give_up_holes(sink);
            if before.as_secs() != ts.as_secs() {
                self.expire(sink);
            }
        }
    }

    fn expire(&mut self, sink: &mut dyn Sink) {
        for stage in Stage::ALL {
            let idle = match stage {
                Stage::HalfOpen => self.limits.half_open_secs,
                Stage::Closed => self.limits.closed_secs,
                Stage::Udp => self.limits.udp_secs,
                Stage::Open => self.limits.open_secs,
            };
            while let Some(at) = self.table.expired(stage, idle, self.now) {
                self.end_flow(at, false, sink);
            }
        }
    }

    /// A flow ends: what waits behind holes is read, unfinished messages are told, the record is made.
    fn end_flow(&mut self, at: u32, evicted: bool, sink: &mut dyn Sink) {
        self.flush(at, sink);
        let Some(flow) = self.table.get_mut(at) else { return };
        if let Some(at_conversation) = flow.conversation.take()
            && let Some(talk) = self.conversations.get_mut(at_conversation as usize)
        {
            let mut around = Around {
                ts: flow.last,
                flow: &flow.info,
                pool: &mut self.pool,
                sink,
                counts: &mut self.counts,
            };
            self.held_bytes = self.held_bytes.saturating_sub(talk.held());
            for direction in [Direction::ToServer, Direction::ToClient] {
                if !flow.halves.of(direction).ended {
                    talk.end(direction, &mut around);
                }
            }
            talk.reset(&mut self.pool);
            self.free.push(at_conversation);
        }
        conn::emit(flow, evicted, &mut Context::new(flow.last, &flow.info, sink));
        self.table.remove(at);
    }
}

/// A flow that is decoded, and its conversation; both borrowed apart from the rest of [`Flows`].
fn talking<'a>(
    table: &'a mut Table,
    conversations: &'a mut [Conversation],
    at: u32,
) -> Option<(&'a mut Flow, &'a mut Conversation)> {
    let flow = table.get_mut(at)?;
    let talk = conversations.get_mut(flow.conversation? as usize)?;
    Some((flow, talk))
}

/// The digest by which bytes that came before are compared with bytes that come again.
fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = foldhash::fast::FixedState::with_seed(0).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

impl Flow {
    /// Counts one packet.
    fn packet(&mut self, ts: Timestamp, direction: Direction, ip_len: u32, payload: u64) {
        self.last = self.last.max(ts);
        let traffic = self.traffic.of_mut(direction);
        traffic.packets = traffic.packets.saturating_add(1);
        traffic.bytes = traffic.bytes.saturating_add(u64::from(ip_len));
        traffic.payload = traffic.payload.saturating_add(payload);
    }
}

/// Holes are looked at each time this bit of the time in microseconds changes: eight times a second.
const TICK: u32 = 17;
/// A step back in time of more than this is a clock that was set.
const BACKWARDS: u64 = 60_000_000;
/// So many datagrams that no probe wants, and a flow is left alone.
const MOST_DATAGRAM_REFUSALS: u8 = 8;
/// How many flows of a stage are looked at to find one that is decoded.
const MOST_EVICTION_STEPS: usize = 64;
