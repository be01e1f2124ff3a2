//! What the writer and those who read and acknowledge know together: the segments of each lane, and what
//! waits in memory. Behind one lock that is never held while the disk works, and never taken by `put`.

use std::collections::VecDeque;

use fieldward_shared::alert::Severity;
use fieldward_shared::time::Timestamp;

use super::format::{Header, Incarnation};
use super::{Counts, LANES, place};
use fieldward_shared::loss::{Ranges, count};

/// A segment.
#[derive(Clone, Debug)]
pub struct Segment {
    pub name: String,
    pub header: Header,
    /// The last sequence that was accepted; the one before its first when there is none.
    pub last: u64,
    /// Where the last accepted record ends.
    pub end: u64,
    /// What it takes of the disk.
    pub size: u64,
    /// Whether more may be written behind its end.
    pub resumable: bool,
    /// Since when the aggregator has all of it.
    pub acked_at: Option<Timestamp>,
}

/// A record that is not on disk yet.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub seq: u64,
    pub flags: u16,
    pub bytes: Vec<u8>,
    /// The loss that it tells of.
    pub tells: Option<(Severity, u64, u64)>,
}

/// A lane.
#[derive(Debug, Default)]
pub struct Lane {
    /// In order; the newest is last.
    pub segments: VecDeque<Segment>,
    pub waiting: VecDeque<Waiting>,
    /// The aggregator has all up to here.
    pub acked: u64,
    /// The next sequence to give.
    pub next: u64,
    /// Below it, what waits may be read from memory when the disk takes nothing.
    pub shown: u64,
    /// What is known to be lost, told or not.
    pub lost: Ranges,
}

impl Lane {
    /// Bytes on disk.
    pub fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// The last sequence on disk or given up; none of `waiting`.
    pub fn settled(&self) -> u64 {
        self.waiting.front().map_or(self.next, |first| first.seq).saturating_sub(1)
    }

    /// Records between two sequences that were not lost before.
    pub fn whole(&self, first: u64, last: u64) -> u64 {
        self.lost.missing(first, last).into_iter().map(count).sum()
    }

    /// Records that the aggregator does not have yet.
    pub fn unacknowledged(&self) -> u64 {
        self.whole(self.acked.saturating_add(1), self.next.saturating_sub(1))
    }

    /// The aggregator has all up to `seq`. Tells how many bytes need not wait any more.
    pub fn acknowledge(&mut self, seq: u64, now: Timestamp) -> usize {
        self.acked = self.acked.max(seq.min(self.next.saturating_sub(1)));
        for segment in self.segments.iter_mut().filter(|segment| segment.last <= self.acked) {
            segment.acked_at.get_or_insert(now);
        }
        self.lost.forget(self.acked);
        let mut freed = 0_usize;
        while self.waiting.front().is_some_and(|first| first.seq <= self.acked && first.tells.is_none()) {
            freed = freed.saturating_add(self.waiting.pop_front().map_or(0, |first| first.bytes.len()));
        }
        freed
    }
}

/// All of it.
#[derive(Debug, Default)]
pub struct Index {
    pub lanes: [Lane; 4],
    pub incarnation: Incarnation,
    /// The disk takes nothing: what waits is read from memory.
    pub memory_only: bool,
    pub counts: Counts,
    /// Ranges that a reader found damaged, for the writer to tell.
    pub rotten: Vec<(Severity, u64, u64)>,
}

impl Index {
    pub fn lane(&mut self, lane: Severity) -> &mut Lane {
        &mut self.lanes[place(lane)]
    }

    /// Bytes that segments take, of the lanes below critical and of all.
    pub fn sizes(&self) -> (u64, u64) {
        let sizes = LANES.map(|lane| self.lanes[place(lane)].size());
        let all: u64 = sizes.iter().sum();
        (all.saturating_sub(sizes[place(Severity::Critical)]), all)
    }
}
