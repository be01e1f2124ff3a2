//! Bounds: how much the spool may take of the disk, and what goes when that is used up. First what the
//! aggregator has, then the oldest of the least severe, never anything more severe than what needs the
//! room. A segment goes by one removal, which needs no room itself.

use std::io;

use fieldward_shared::alert::Severity;
use fieldward_shared::time::Timestamp;

use super::Reason;
use super::disk::Space;
use super::writer::Writer;
use super::{LANES, lock, place};

impl Writer {
    /// Makes room for `need` more bytes in a lane. Tells whether there is.
    pub(super) fn make_room(&mut self, lane: Severity, need: u64) -> io::Result<bool> {
        let space = self.disk.space().unwrap_or(UNKNOWN);
        let (most, below, floor) = self.limits.within(space.total);
        // Critical alerts may use what is left free.
        let floor = if lane == Severity::Critical { 0 } else { floor };
        let mut freed = 0_u64;
        loop {
            let (used_below, used) = lock(&self.shared.index).sizes();
            let over = used.saturating_add(need) > most;
            let over_below = lane != Severity::Critical && used_below.saturating_add(need) > below;
            // A segment that is gone counts for the new one, though it was cut to what it held.
            // Others fill the disk: the spool does not grow, but neither does it give way to them.
            // Where that has not helped, it is not tried again.
            let tight =
                !self.stuck && freed.saturating_mul(2) < need && space.free.saturating_sub(need) < floor;
            if !over && !over_below && !tight {
                return Ok(true);
            }
            let victim = self.acknowledged(over || tight).or_else(|| self.least(lane));
            match victim {
                Some(victim) => freed = freed.saturating_add(self.drop_oldest(victim)?),
                // There is nothing to give for it: what is left free is for this, too.
                None if !over && !over_below => return Ok(true),
                None => return Ok(false),
            }
        }
    }

    /// How long a segment is: less on a small disk.
    pub(super) fn room_of_segment(&self) -> u64 {
        let (most, ..) = self.limits.within(self.disk.space().unwrap_or(UNKNOWN).total);
        self.limits.segment.min((most / 16).max(LEAST_SEGMENT))
    }

    /// The lane whose oldest segment the aggregator has for longest.
    fn acknowledged(&self, critical_too: bool) -> Option<Severity> {
        let index = lock(&self.shared.index);
        let lanes = LANES.into_iter().filter(|lane| critical_too || *lane != Severity::Critical);
        let since =
            |lane: &Severity| index.lanes[place(*lane)].segments.front().and_then(|oldest| oldest.acked_at);
        lanes.filter_map(|lane| since(&lane).map(|at| (at, lane))).min().map(|(_, lane)| lane)
    }

    /// The least severe lane that has anything on disk, up to `most`.
    fn least(&self, most: Severity) -> Option<Severity> {
        let index = lock(&self.shared.index);
        LANES
            .into_iter()
            .filter(|lane| *lane <= most)
            .find(|lane| !index.lanes[place(*lane)].segments.is_empty())
    }

    /// Removes the oldest segment of a lane and counts what was lost with it. Tells how many bytes it took.
    fn drop_oldest(&mut self, lane: Severity) -> io::Result<u64> {
        self.settle()?;
        let (name, size, lost) = {
            let mut index = lock(&self.shared.index);
            let lane = index.lane(lane);
            let Some(oldest) = lane.segments.front() else { return Ok(0) };
            let first = oldest.header.first.max(lane.acked.saturating_add(1));
            let lost = (first <= oldest.last).then(|| (first, oldest.last, lane.whole(first, oldest.last)));
            (oldest.name.clone(), oldest.size, lost)
        };
        self.disk.remove(&name)?;
        let alone = {
            let mut index = lock(&self.shared.index);
            let segments = &mut index.lane(lane).segments;
            segments.pop_front();
            segments.is_empty()
        };
        if alone {
            self.active[place(lane)] = None;
        }
        if let Some((first, last, count)) = lost {
            self.lose(lane, Some((first, last)), count, Reason::Shed);
        }
        Ok(size)
    }

    /// There is no room for a lane so low.
    pub(super) fn shed_waiting(&mut self, lane: Severity) {
        let mut index = lock(&self.shared.index);
        let waiting = std::mem::take(&mut index.lane(lane).waiting);
        drop(index);
        let (Some(first), Some(last)) = (waiting.front(), waiting.back()) else { return };
        self.lose(lane, Some((first.seq, last.seq)), waiting.len() as u64, Reason::Shed);
        self.shared.release(waiting.len(), waiting.iter().map(|record| record.bytes.len()).sum());
    }

    /// Lets go what the aggregator has had for long enough, or is too much to keep.
    pub(super) fn let_go(&mut self, now: Timestamp) {
        loop {
            let index = lock(&self.shared.index);
            let kept: u64 = index
                .lanes
                .iter()
                .flat_map(|lane| &lane.segments)
                .filter(|one| one.acked_at.is_some())
                .map(|one| one.size)
                .sum();
            drop(index);
            let Some(lane) = self.acknowledged(true) else { return };
            let since =
                lock(&self.shared.index).lane(lane).segments.front().and_then(|oldest| oldest.acked_at);
            let old = since.is_some_and(|since| now.since(since) > self.limits.keep_micros());
            // An empty spool would have nothing to go on with; the newest segment stays for its age.
            if !old && kept <= self.limits.keep {
                return;
            }
            if self.drop_oldest(lane).is_err() {
                return;
            }
        }
    }
}

/// A machine that does not say how much there is has enough; writing will show.
const UNKNOWN: Space = Space { total: u64::MAX, free: u64::MAX };
/// Two of the longest records fit.
const LEAST_SEGMENT: u64 = 128 * 1024;
