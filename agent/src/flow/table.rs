//! The flow table: a slab of flows, an index over both orientations of their ends, and one queue
//! per life stage.
//!
//! A queue is in order of the time when its flows are looked at again, so expiry and eviction never
//! search. A flow that was active meanwhile is put at the end again when its turn comes, which
//! spares the packet path any bookkeeping. Nothing depends on the order of the index: its hash is
//! seeded anew in every process, so that nobody outside can choose colliding flows.

use std::hash::{BuildHasher, Hasher};

use fieldward_shared::time::Timestamp;
use hashbrown::HashTable;

use super::conn::History;
use super::key::{Addr, Both, Direction, Endpoint, FlowInfo, Transport};

/// How long a flow lives without packets, and who goes first when the table is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A connection that was asked for and not answered.
    HalfOpen,
    /// Ended; kept a moment for stragglers.
    Closed,
    /// UDP.
    Udp,
    /// An open connection.
    Open,
}

impl Stage {
    /// In the order in which a full table lets flows go.
    pub const ALL: [Self; 4] = [Self::HalfOpen, Self::Closed, Self::Udp, Self::Open];
}

/// What is known of one direction's sequence numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Half {
    /// The sequence number of the next byte in order; counts when `known`.
    pub next: u32,
    /// The sequence number behind the last byte; counts when `fin`.
    pub end: u32,
    /// A packet said where the sequence stands.
    pub known: bool,
    /// The sender said that it sends no more.
    pub fin: bool,
    /// The decoder was told of the end.
    pub ended: bool,
}

/// What one direction sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Bytes of IP packets.
    pub bytes: u64,
    /// Bytes of TCP or UDP data.
    pub payload: u64,
    /// Segments that brought nothing new.
    pub retransmissions: u32,
}

/// One flow: small, since a scan makes a million of them.
#[derive(Debug)]
pub struct Flow {
    pub info: FlowInfo,
    pub first: Timestamp,
    pub last: Timestamp,
    pub traffic: Both<Traffic>,
    pub missed: u64,
    pub halves: Both<Half>,
    pub history: History,
    /// Index of the conversation that decodes it.
    pub conversation: Option<u32>,
    /// Index of its protocol among the decoders.
    pub service: Option<u8>,
    /// Datagrams that no probe wanted.
    pub refusals: u8,
    /// The one that speaks as a client is the TCP server, or the capture began too late to tell.
    pub swapped: bool,
    pub handshake: Handshake,
    stage: Stage,
    queued: u32,
    before: u32,
    after: u32,
    hash: u32,
}

/// What was seen of the beginning and the end of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    pub syn: bool,
    pub syn_ack: bool,
    pub reset_by: Option<Direction>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    flow: u32,
}

#[derive(Clone, Copy, Debug)]
struct Queue {
    head: u32,
    tail: u32,
}

/// Every flow that is alive.
pub struct Table {
    flows: Vec<Flow>,
    free: Vec<u32>,
    index: HashTable<Entry>,
    queues: [Queue; Stage::ALL.len()],
    seed: foldhash::fast::RandomState,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            flows: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            queues: [Queue { head: NONE, tail: NONE }; Stage::ALL.len()],
            seed: foldhash::fast::RandomState::default(),
        }
    }
}

impl Table {
    /// How many flows are alive.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// The flow between two ends and the direction from `src` to `dst` in it.
    pub fn find(&self, key: &Key) -> Option<(u32, Direction)> {
        let mut direction = Direction::ToServer;
        let entry = self.index.find(spread(key.hash), |entry| {
            if entry.hash != key.hash {
                return false;
            }
            let Some(flow) = self.flows.get(entry.flow as usize) else { return false };
            let info = &flow.info;
            if info.transport != key.transport {
                return false;
            }
            if info.client == key.src && info.server == key.dst {
                direction = Direction::ToServer;
                return true;
            }
            direction = Direction::ToClient;
            info.client == key.dst && info.server == key.src
        })?;
        Some((entry.flow, direction))
    }

    /// A key to find or add a flow with.
    pub fn key(&self, src: Endpoint, dst: Endpoint, transport: Transport) -> Key {
        let ends = self.end_hash(&src).wrapping_add(self.end_hash(&dst));
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(ends ^ transport as u64);
        Key { src, dst, transport, hash: hasher.finish() as u32 }
    }

    /// Adds a flow that is not there yet.
    pub fn insert(&mut self, key: &Key, info: FlowInfo, now: Timestamp, stage: Stage) -> u32 {
        let flow = Flow {
            info,
            first: now,
            last: now,
            traffic: Both::default(),
            missed: 0,
            halves: Both::default(),
            history: History::default(),
            conversation: None,
            service: None,
            refusals: 0,
            swapped: false,
            handshake: Handshake::default(),
            stage,
            queued: seconds(now),
            before: NONE,
            after: NONE,
            hash: key.hash,
        };
        let at = match self.free.pop() {
            Some(at) => {
                if let Some(slot) = self.flows.get_mut(at as usize) {
                    *slot = flow;
                }
                at
            }
            None => {
                self.flows.push(flow);
                self.flows.len().wrapping_sub(1) as u32
            }
        };
        let entry = Entry { hash: key.hash, flow: at };
        self.index.insert_unique(spread(key.hash), entry, |entry| spread(entry.hash));
        self.enqueue(at, stage);
        at
    }

    /// The flow at an index.
    pub fn get_mut(&mut self, at: u32) -> Option<&mut Flow> {
        self.flows.get_mut(at as usize)
    }

    /// Forgets a flow. Its slot keeps what it held until it is used again.
    pub fn remove(&mut self, at: u32) {
        let Some(hash) = self.flows.get(at as usize).map(|flow| flow.hash) else { return };
        self.unlink(at);
        if let Ok(entry) = self.index.find_entry(spread(hash), |entry| entry.flow == at) {
            entry.remove();
            self.free.push(at);
        }
    }

    /// Moves a flow to another stage of its life.
    pub fn set_stage(&mut self, at: u32, stage: Stage, now: Timestamp) {
        let Some(flow) = self.flows.get_mut(at as usize) else { return };
        if flow.stage == stage {
            return;
        }
        self.unlink(at);
        self.requeue(at, stage, now);
    }

    /// The next flow of a stage that may be idle for `idle` seconds and was.
    pub fn expired(&mut self, stage: Stage, idle: u32, now: Timestamp) -> Option<u32> {
        loop {
            let at = self.oldest(stage)?;
            let flow = self.flows.get(at as usize)?;
            if flow.queued.saturating_add(idle) > seconds(now) {
                return None;
            }
            let last = flow.last;
            if seconds(last).saturating_add(idle) <= seconds(now) {
                return Some(at);
            }
            self.unlink(at);
            self.requeue(at, stage, last);
        }
    }

    /// The flow of a stage that was queued first.
    pub fn oldest(&self, stage: Stage) -> Option<u32> {
        self.queues.get(stage as usize).map(|queue| queue.head).filter(|head| *head != NONE)
    }

    /// The flow queued behind another one.
    pub fn after(&self, at: u32) -> Option<u32> {
        self.flows.get(at as usize).map(|flow| flow.after).filter(|after| *after != NONE)
    }

    fn end_hash(&self, end: &Endpoint) -> u64 {
        let (words, _) = end.addr.bytes().as_chunks::<8>();
        let mut hasher = self.seed.build_hasher();
        for word in words {
            hasher.write_u64(u64::from_ne_bytes(*word));
        }
        hasher.write_u64(u64::from(end.port));
        hasher.finish()
    }

    fn requeue(&mut self, at: u32, stage: Stage, since: Timestamp) {
        if let Some(flow) = self.flows.get_mut(at as usize) {
            flow.stage = stage;
            flow.queued = seconds(since);
        }
        self.enqueue(at, stage);
    }

    fn enqueue(&mut self, at: u32, stage: Stage) {
        let Some(queue) = self.queues.get_mut(stage as usize) else { return };
        let tail = std::mem::replace(&mut queue.tail, at);
        if tail == NONE {
            queue.head = at;
        }
        if let Some(flow) = self.flows.get_mut(at as usize) {
            flow.before = tail;
            flow.after = NONE;
        }
        if let Some(flow) = self.flows.get_mut(tail as usize) {
            flow.after = at;
        }
    }

    fn unlink(&mut self, at: u32) {
        let Some(flow) = self.flows.get(at as usize) else { return };
        let (before, after, stage) = (flow.before, flow.after, flow.stage);
        if let Some(queue) = self.queues.get_mut(stage as usize) {
            if queue.head == at {
                queue.head = after;
            }
            if queue.tail == at {
                queue.tail = before;
            }
        }
        if let Some(flow) = self.flows.get_mut(before as usize) {
            flow.after = after;
        }
        if let Some(flow) = self.flows.get_mut(after as usize) {
            flow.before = before;
        }
    }
}

/// Two ends as a packet names them, with their hash.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub src: Endpoint,
    pub dst: Endpoint,
    pub transport: Transport,
    hash: u32,
}

/// The id of a flow: the same in every replay, so its hash has a fixed seed.
pub fn flow_id(first: Timestamp, key: &Key) -> u64 {
    let end = |hasher: &mut foldhash::quality::FoldHasher<'_>, end: &Endpoint, addr: &Addr| {
        hasher.write(addr.bytes());
        hasher.write_u16(end.port);
    };
    let mut hasher = foldhash::quality::FixedState::with_seed(0).build_hasher();
    hasher.write_u64(first.as_micros());
    end(&mut hasher, &key.src, &key.src.addr);
    end(&mut hasher, &key.dst, &key.dst.addr);
    hasher.write_u8(key.transport as u8);
    hasher.finish()
}

/// The index keeps half the hash; its place and tag come from all bits of this.
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

const fn seconds(ts: Timestamp) -> u32 {
    ts.as_secs() as u32
}

const NONE: u32 = u32::MAX;
