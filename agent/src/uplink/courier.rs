//! What of the spool is under way: takes batches from its lanes, the most severe first, and acknowledges to
//! the spool what was committed. It knows no network.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use fieldward_shared::alert::Severity;
use fieldward_shared::wire::{self, Ack, LaneStart, Reports};
use tokio::time::Instant;

use crate::spool::format::Incarnation;
use crate::spool::{LANES, Reader, Record, Spool, Start, place};

/// How large batches are. It outlives sessions: what a slow link has taught is not forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Pacing {
    bytes: usize,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { bytes: FIRST }
    }
}

impl Pacing {
    /// A batch was acknowledged after so long.
    fn acknowledged(&mut self, after: Duration, bytes: usize) {
        if after >= SLOW {
            self.bytes = (self.bytes / 2).max(LEAST);
        } else if after <= QUICK && bytes.saturating_mul(2) >= self.bytes {
            self.bytes = self.bytes.saturating_mul(2).min(MOST);
        }
    }

    /// The link was lost with something under way.
    fn lost(&mut self) {
        self.bytes = (self.bytes / 2).max(LEAST);
    }
}

/// The records of a session.
pub struct Courier<'a> {
    spool: &'a Spool,
    incarnation: Incarnation,
    lanes: [Lane; 4],
    next_batch: u64,
    credit: u32,
    pacing: Pacing,
    /// Records that were committed.
    pub delivered: u64,
}

struct Lane {
    severity: Severity,
    reader: Reader,
    ready: VecDeque<Record>,
    /// Sent and not acknowledged, in their order.
    flights: VecDeque<Flight>,
    /// As far as the server has this incarnation.
    committed: u64,
    /// As far as what was sent from here was answered.
    answered: u64,
    /// Records of earlier incarnations come first: what the server says of this one does not mean them.
    behind: bool,
}

struct Flight {
    batch: u64,
    incarnation: Incarnation,
    last: u64,
    records: u64,
    bytes: usize,
    sent: Instant,
    is_done: bool,
}

/// What a hello says of the lanes.
pub fn lane_starts(starts: [Start; 4]) -> Vec<LaneStart> {
    starts.iter().map(|start| LaneStart { floor: start.floor, fresh: start.is_fresh }).collect()
}

impl<'a> Courier<'a> {
    /// Goes on behind what was acknowledged, or where the server says if that is earlier. What the server has
    /// beyond that may be of a copy of this spool, or of this one before it was set back to an earlier state:
    /// it is sent again, and the server compares.
    pub fn new(
        spool: &'a Spool,
        (incarnation, starts): (Incarnation, [Start; 4]),
        committed: [u64; 4],
        credit: u32,
        pacing: Pacing,
    ) -> Self {
        let lanes = LANES.map(|severity| {
            let (start, committed) = (starts[place(severity)], committed[place(severity)]);
            let behind = start.is_fresh && start.acknowledged < start.floor;
            let from = if committed < start.acknowledged {
                // The server was set back: it gets again what is still here.
                if start.is_fresh { 1 } else { committed.saturating_add(1) }
            } else {
                start.acknowledged.saturating_add(1)
            };
            let answered = from.saturating_sub(1);
            let reader = spool.reader(severity, from);
            let (ready, flights) = (VecDeque::new(), VecDeque::new());
            Lane { severity, reader, ready, flights, committed, answered, behind }
        });
        Self { spool, incarnation, lanes, next_batch: 1, credit, pacing, delivered: 0 }
    }

    /// The next batch, if one may go and there is one.
    pub fn next(&mut self, now: Instant) -> io::Result<Option<Reports>> {
        let under_way: usize = self.lanes.iter().map(|lane| lane.flights.len()).sum();
        if under_way >= self.credit.min(wire::WINDOW) as usize {
            return Ok(None);
        }
        for lane in self.lanes.iter_mut().rev() {
            if lane.ready.is_empty() {
                lane.ready.extend(lane.reader.batch(self.pacing.bytes)?);
            }
            if let Some(batch) = lane.batch(self.next_batch, self.pacing.bytes, now) {
                self.next_batch = self.next_batch.saturating_add(1);
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// A batch was committed.
    pub fn acknowledge(&mut self, ack: &Ack, now: Instant) {
        self.credit = ack.credit;
        let lane = usize::try_from(ack.lane).ok().and_then(|lane| self.lanes.get_mut(lane));
        let Some(lane) = lane else { return };
        if ack.batch == 0 {
            // A loss record in another lane has closed a gap.
            lane.committed = lane.committed.max(ack.committed);
            return lane.settle(self.spool, self.incarnation);
        }
        let flight = lane.flights.iter_mut().find(|flight| flight.batch == ack.batch && !flight.is_done);
        let Some(flight) = flight else { return };
        flight.is_done = true;
        self.pacing.acknowledged(now.duration_since(flight.sent), flight.bytes);
        self.delivered = self.delivered.saturating_add(flight.records);
        if flight.incarnation == self.incarnation {
            lane.committed = lane.committed.max(ack.committed);
        }
        lane.settle(self.spool, self.incarnation);
    }

    /// So many batches may be under way.
    pub const fn grant(&mut self, credit: u32) {
        self.credit = credit;
    }

    /// The session is over. What was learnt of the link.
    pub fn end(mut self) -> Pacing {
        if self.lanes.iter().any(|lane| !lane.flights.is_empty()) {
            self.pacing.lost();
        }
        self.pacing
    }
}

impl Lane {
    /// Records of one incarnation, as many as fit.
    fn batch(&mut self, number: u64, most: usize, now: Instant) -> Option<Reports> {
        let incarnation = self.ready.front()?.incarnation;
        let (mut records, mut bytes, mut last) = (Vec::new(), 0_usize, 0);
        while let Some(record) = self.ready.front() {
            let size = record.bytes.len().saturating_add(OVERHEAD);
            let fits = records.is_empty() || bytes.saturating_add(size) <= most;
            if !fits || records.len() >= wire::BATCH || record.incarnation != incarnation {
                break;
            }
            let Some(record) = self.ready.pop_front() else { break };
            bytes = bytes.saturating_add(size);
            last = record.seq;
            let flags = if record.is_loss { wire::Record::LOSS } else { 0 };
            records.push(wire::Record { seq: record.seq, flags, payload: record.bytes });
        }
        if self.ready.is_empty() {
            self.ready = VecDeque::new();
        }
        let count = records.len() as u64;
        self.flights.push_back(Flight {
            batch: number,
            incarnation,
            last,
            records: count,
            bytes,
            sent: now,
            is_done: false,
        });
        let lane = u32::try_from(place(self.severity)).unwrap_or_default();
        Some(Reports { batch: number, incarnation: incarnation.0.to_vec(), lane, records })
    }

    /// Acknowledges to the spool what is certain. Of this incarnation the server knows the gaps, and says
    /// how far all is there or told to be lost; of earlier ones only that a batch is committed.
    fn settle(&mut self, spool: &Spool, current: Incarnation) {
        while self.flights.front().is_some_and(|flight| flight.is_done) {
            let Some(flight) = self.flights.pop_front() else { break };
            if flight.incarnation == current {
                self.behind = false;
                self.answered = flight.last;
            } else {
                spool.acknowledge(self.severity, flight.last);
            }
        }
        if !self.behind {
            spool.acknowledge(self.severity, self.committed.min(self.answered));
        }
    }
}

/// The first batch of an agent.
const FIRST: usize = 32 << 10;
/// On a bad link.
const LEAST: usize = 8 << 10;
/// Less than a frame may have.
const MOST: usize = 240 << 10;
/// What a record adds to its payload, at most.
const OVERHEAD: usize = 24;
/// An acknowledgement that comes so soon says that more could go.
const QUICK: Duration = Duration::from_secs(1);
/// One that takes so long, that less should.
const SLOW: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests;
