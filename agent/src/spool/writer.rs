//! The one that writes. It takes what was handed over, gives sequences, writes each lane's records into
//! its segment and syncs it: only then they are accepted. After a failed sync the file is never written
//! or synced again, since the kernel may have dropped what it could not write: the records go from memory
//! into a new segment. When that fails too, they wait in memory and are tried again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fieldward_shared::alert::Severity;
use fieldward_shared::time::Timestamp;

use super::disk::{Disk, Handle};
use super::format::{HEADER, Header, Incarnation, LOSS, RECORD, frame};
use super::index::{Index, Segment, Waiting};
use super::positions::{Positions, Slots};
use super::recover::Start;
use super::{LANES, Limits, Shared, lock, place};
use super::{Loss, Reason};
use fieldward_shared::loss::count;

pub(super) struct Writer {
    pub disk: Arc<dyn Disk>,
    pub limits: Limits,
    pub shared: Arc<Shared>,
    slots: Slots,
    incarnation: Incarnation,
    /// Whether the file of positions knows this incarnation.
    founded: bool,
    /// Per lane, the segment that is written.
    pub active: [Option<Active>; 4],
    /// What the aggregator must be told.
    pub losses: Vec<Loss>,
    told: Positions,
    chores: Timestamp,
    /// The last attempt to make room did not help.
    pub stuck: bool,
}

/// A segment that is written.
pub(super) struct Active {
    handle: Box<dyn Handle>,
    header: Header,
    end: u64,
    room: u64,
    /// Its name may still come undone.
    new: bool,
}

impl Writer {
    pub fn new(disk: Arc<dyn Disk>, limits: Limits, shared: Arc<Shared>, start: Start) -> Self {
        let writer = Self {
            chores: disk.now(),
            stuck: false,
            disk,
            limits,
            shared,
            slots: start.slots,
            incarnation: start.positions.incarnation,
            founded: !start.recovery.new_incarnation,
            active: Default::default(),
            losses: start.losses,
            told: start.positions,
        };
        let mut index = lock(&writer.shared.index);
        index.lanes = start.lanes;
        index.incarnation = writer.incarnation;
        index.counts.damaged = start.recovery.lost();
        index.counts.unreadable = start.recovery.unreadable;
        drop(index);
        writer
    }

    /// A record was handed over.
    pub fn take(&self, severity: Severity, bytes: Vec<u8>) {
        self.shared.queued.fetch_sub(1, Ordering::Relaxed);
        self.wait(severity, 0, bytes, None);
    }

    fn wait(&self, lane: Severity, flags: u16, bytes: Vec<u8>, tells: Option<(Severity, u64, u64)>) {
        let mut index = lock(&self.shared.index);
        let lane = index.lane(lane);
        let seq = lane.next;
        lane.next = seq.saturating_add(1);
        lane.waiting.push_back(Waiting { seq, flags, bytes, tells });
    }

    /// Writes all that waits, the most severe first. Tells whether all of it is accepted.
    pub fn commit(&mut self) -> bool {
        let mut done = true;
        for lane in LANES.into_iter().rev() {
            done &= self.commit_lane(lane);
        }
        self.after_commit(done);
        done
    }

    fn commit_lane(&mut self, lane: Severity) -> bool {
        for attempt in 0..2 {
            match self.write(lane) {
                Ok(()) => return true,
                Err(error) => {
                    tracing::debug!(lane = lane.name(), attempt, %error, "writing the spool failed");
                    lock(&self.shared.index).counts.errors += 1;
                    self.stuck = true;
                    self.give_up_active(lane);
                }
            }
        }
        false
    }

    fn write(&mut self, lane: Severity) -> io::Result<()> {
        loop {
            let first = {
                let mut index = lock(&self.shared.index);
                let Some(first) = index.lane(lane).waiting.front() else { return Ok(()) };
                (first.seq, first.bytes.len())
            };
            self.found()?;
            let needed = (first.1 + RECORD) as u64;
            if self.active[place(lane)].as_ref().is_none_or(|active| active.end + needed > active.room)
                && !self.next_segment(lane, first.0, needed)?
            {
                return Ok(());
            }
            self.write_batch(lane)?;
        }
    }

    /// As many records as fit, with one sync.
    fn write_batch(&mut self, lane: Severity) -> io::Result<()> {
        let Some(active) = &mut self.active[place(lane)] else { return Ok(()) };
        let (mut bytes, mut last) = (Vec::new(), 0);
        for waiting in &lock(&self.shared.index).lane(lane).waiting {
            let end = active.end + (bytes.len() + RECORD + waiting.bytes.len()) as u64;
            if end > active.room || bytes.len() > MOST_AT_ONCE {
                break;
            }
            frame(&mut bytes, active.header.key(), waiting.seq, waiting.flags, &waiting.bytes);
            last = waiting.seq;
        }
        active.handle.write(active.end, &bytes)?;
        active.handle.sync()?;
        if active.new {
            self.disk.sync_folder()?;
            active.new = false;
        }
        active.end += bytes.len() as u64;
        let end = active.end;
        self.accept(lane, last, end);
        Ok(())
    }

    /// Those that wait up to `last` are on disk.
    fn accept(&mut self, lane: Severity, last: u64, end: u64) {
        let mut index = lock(&self.shared.index);
        let Index { lanes, counts, .. } = &mut *index;
        let state = &mut lanes[place(lane)];
        let (mut records, mut freed) = (0_usize, 0_usize);
        // What was acknowledged from memory meanwhile is not there any more.
        while state.waiting.front().is_some_and(|first| first.seq <= last) {
            let Some(record) = state.waiting.pop_front() else { break };
            records = records.saturating_add(1);
            freed = freed.saturating_add(record.bytes.len());
            if let Some((of, first, last)) = record.tells {
                self.told.lanes[place(of)].told.add(first, last);
            }
            if record.flags & LOSS == 0 {
                counts.accepted[place(lane)] += 1;
            }
        }
        if let Some(segment) = state.segments.back_mut() {
            (segment.last, segment.end) = (last, end);
            segment.size = segment.size.max(end);
            segment.acked_at = None;
        }
        drop(index);
        self.shared.release(records, freed);
    }

    /// Begins a segment, or goes on with the one that was found. Tells whether there is one; otherwise
    /// there was no room for a lane so low, and its records are shed.
    fn next_segment(&mut self, lane: Severity, first: u64, needed: u64) -> io::Result<bool> {
        self.close_active(lane);
        let room = self.room_of_segment().max(HEADER as u64 + needed);
        let found = {
            let mut index = lock(&self.shared.index);
            let newest = index.lane(lane).segments.back_mut();
            newest.and_then(|newest| {
                let fits = newest.resumable && newest.header.incarnation == self.incarnation;
                newest.resumable = false;
                (fits && newest.end + needed <= room).then(|| newest.clone())
            })
        };
        if let Some(found) = found {
            return self.resume(lane, &found, room).map(|()| true);
        }
        if !self.make_room(lane, room)? {
            self.shed_waiting(lane);
            return Ok(false);
        }
        let header = Header { incarnation: self.incarnation, lane, first };
        let (name, mut handle) = self.create(&header, room)?;
        let begun = handle.write(0, &header.bytes());
        let end = HEADER as u64;
        let mut index = lock(&self.shared.index);
        let last = first.saturating_sub(1);
        index.lane(lane).segments.push_back(Segment {
            name,
            header,
            last,
            end,
            size: room,
            resumable: false,
            acked_at: None,
        });
        drop(index);
        self.active[place(lane)] = Some(Active { handle, header, end, room, new: true });
        begun.map(|()| true)
    }

    /// A file may bear the name of another: then it gets a number.
    fn create(&self, header: &Header, room: u64) -> io::Result<(String, Box<dyn Handle>)> {
        let mut name = header.name();
        for nth in 1.. {
            match self.disk.create(&name, room) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && nth < 100 => {
                    name = header.name().replace('.', &format!(".{nth}."));
                }
                done => return done.map(|handle| (name, handle)),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn resume(&mut self, lane: Severity, found: &Segment, room: u64) -> io::Result<()> {
        if !self.make_room(lane, room.saturating_sub(found.size))? {
            return Err(io::ErrorKind::StorageFull.into());
        }
        // Making room may have shed the very segment.
        let there =
            lock(&self.shared.index).lane(lane).segments.back().is_some_and(|one| one.name == found.name);
        if !there {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut handle = self.disk.open(&found.name)?;
        // Zeros behind the end, whatever was there.
        handle.resize(found.end)?;
        handle.resize(room)?;
        if let Some(segment) = lock(&self.shared.index).lane(lane).segments.back_mut() {
            segment.size = room;
        }
        self.active[place(lane)] =
            Some(Active { handle, header: found.header, end: found.end, room, new: false });
        Ok(())
    }

    /// Gives back what was set aside and not needed.
    fn close_active(&mut self, lane: Severity) {
        let Some(mut active) = self.active[place(lane)].take() else { return };
        if active.handle.resize(active.end).is_ok()
            && let Some(segment) = lock(&self.shared.index).lane(lane).segments.back_mut()
        {
            segment.size = active.end;
        }
    }

    /// Nothing is known of what was written behind the end of its segment: it is not touched again.
    fn give_up_active(&mut self, lane: Severity) {
        let Some(active) = self.active[place(lane)].take() else { return };
        drop(active.handle);
        let mut index = lock(&self.shared.index);
        let segments = &mut index.lane(lane).segments;
        let Some(segment) = segments.back_mut() else { return };
        segment.resumable = false;
        let (name, end, empty) = (segment.name.clone(), segment.end, segment.last < segment.header.first);
        if empty {
            segments.pop_back();
        }
        drop(index);
        if empty {
            drop(self.disk.remove(&name));
        } else if self.disk.open(&name).and_then(|mut handle| handle.resize(end)).is_ok() {
            let mut index = lock(&self.shared.index);
            let segments = &mut index.lane(lane).segments;
            if let Some(segment) = segments.iter_mut().find(|segment| segment.name == name) {
                segment.size = end;
            }
        }
    }

    /// Before the first record the spool's identity must be on disk.
    fn found(&mut self) -> io::Result<()> {
        if !self.founded {
            let positions = self.positions();
            self.slots.create(&positions)?;
            self.founded = true;
        }
        Ok(())
    }

    /// What cannot be written is sent from memory. Sequences that the aggregator got that way must not be
    /// given again after a restart: when not even the positions can be written, they belong to an
    /// incarnation of their own.
    fn after_commit(&mut self, done: bool) {
        let before = std::mem::replace(&mut lock(&self.shared.index).memory_only, !done);
        if done {
            self.stuck = false;
            if before {
                tracing::warn!("the spool's disk works again: all alerts are on disk");
            }
            return;
        }
        if !before {
            tracing::error!("the spool's disk takes nothing: alerts are only kept in memory until it does");
        }
        if self.founded && self.settle().is_err() {
            LANES.into_iter().for_each(|lane| self.close_active(lane));
            self.incarnation = Incarnation(self.disk.chance());
            self.founded = false;
        }
        let mut index = lock(&self.shared.index);
        index.incarnation = self.incarnation;
        index.lanes.iter_mut().for_each(|lane| lane.shown = lane.next);
    }

    fn positions(&self) -> Positions {
        let mut positions = self.told.clone();
        positions.incarnation = self.incarnation;
        let index = lock(&self.shared.index);
        for (position, lane) in positions.lanes.iter_mut().zip(&index.lanes) {
            let given = if index.memory_only { lane.next } else { lane.settled().saturating_add(1) };
            (position.acked, position.next) = (lane.acked, given.max(lane.acked.saturating_add(1)));
            position.told.forget(lane.acked);
        }
        positions
    }

    /// Both slots must know of what is about to be removed.
    pub fn settle(&mut self) -> io::Result<()> {
        self.found()?;
        let positions = self.positions();
        self.slots.settle(&positions)
    }

    /// What is done now and then: losses told, positions written, what was acknowledged long ago let go.
    pub fn chores(&mut self) {
        let now = self.disk.now();
        if now.since(self.chores) < EVERY && now >= self.chores {
            return;
        }
        self.chores = now;
        self.gather_losses();
        // Only now, so that many losses are one record: what is told of must not take their room.
        if !self.losses.is_empty() || lock(&self.shared.index).memory_only {
            self.tell();
        }
        self.let_go(now);
        self.save();
    }

    fn save(&mut self) {
        let positions = self.positions();
        if self.founded && !self.slots.saved(&positions) && self.slots.save(&positions).is_err() {
            lock(&self.shared.index).counts.errors += 1;
        }
    }

    /// The end: everything on disk, everything known.
    pub fn finish(mut self) {
        self.gather_losses();
        self.tell();
        if !self.losses.is_empty() {
            self.tell();
        }
        LANES.into_iter().for_each(|lane| self.close_active(lane));
        if self.founded && self.settle().is_err() {
            lock(&self.shared.index).counts.errors += 1;
        }
    }

    /// What was refused at the hand-over, and what readers found damaged.
    fn gather_losses(&mut self) {
        for lane in LANES {
            let overrun = self.shared.overrun[place(lane)].swap(0, Ordering::Relaxed);
            self.lose(lane, None, overrun, Reason::Overrun);
            let oversize = self.shared.oversize[place(lane)].swap(0, Ordering::Relaxed);
            self.lose(lane, None, oversize, Reason::Oversize);
        }
        let rotten = std::mem::take(&mut lock(&self.shared.index).rotten);
        for (lane, first, last) in rotten {
            let new = lock(&self.shared.index).lane(lane).lost.missing(first, last);
            for range in new {
                self.lose(lane, Some(range), count(range), Reason::Damaged);
            }
        }
    }

    /// Notes a loss, to be told with the next commit.
    pub fn lose(&mut self, lane: Severity, range: Option<(u64, u64)>, count: u64, reason: Reason) {
        if count == 0 {
            return;
        }
        let now = self.disk.now();
        let mut index = lock(&self.shared.index);
        index.counts.lose(lane, count, reason);
        if let Some((first, last)) = range {
            index.lane(lane).lost.add(first, last);
        }
        drop(index);
        let same = self.losses.iter_mut().find(|loss| {
            let follows = match (loss.range, range) {
                (Some((_, last)), Some((first, _))) => last.checked_add(1) == Some(first),
                (None, None) => true,
                _ => false,
            };
            loss.lane == lane && loss.reason == reason && follows
        });
        match same {
            Some(loss) => {
                loss.count = loss.count.saturating_add(count);
                loss.until = now;
                loss.range = loss.range.zip(range).map(|((first, _), (_, last))| (first, last));
            }
            None => self.losses.push(Loss { lane, range, count, reason, since: now, until: now }),
        }
    }

    /// Losses become records of the critical lane, and are written with all that waits.
    pub fn tell(&mut self) -> bool {
        for loss in std::mem::take(&mut self.losses) {
            let tells = loss.range.map(|(first, last)| (loss.lane, first, last));
            let bytes = serde_json::to_vec(&loss).unwrap_or_default();
            self.shared.hold(bytes.len());
            self.wait(Severity::Critical, LOSS, bytes, tells);
        }
        self.commit()
    }
}

/// How much is written before a sync.
const MOST_AT_ONCE: usize = 1 << 20;
/// Microseconds between chores.
const EVERY: u64 = 1_000_000;
