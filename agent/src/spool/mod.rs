//! The spool: what was handed to it and accepted is on disk, whatever happens to the agent or the power,
//! until the aggregator has it. A lane per severity; a lane is a row of segments; a record is accepted
//! when its segment is synced.
//!
//! Whoever puts never waits. One thread writes, and what comes while the disk is busy shares the next
//! sync. Everything is bounded, and whatever is lost is counted and told by a loss record.

pub mod disk;
mod follow;
pub mod format;
mod index;
pub mod positions;
mod read;
pub mod recover;
mod room;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use fieldward_shared::alert::Severity;

pub use fieldward_shared::loss::{Loss, Reason};
pub use follow::Start;
pub use read::{Reader, Record};

use disk::{Disk, Folder};
use format::LONGEST;
use index::Index;
use writer::Writer;

/// The lanes, the least severe first.
pub const LANES: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

/// How much the spool may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes on disk; a tenth of the file system when that is less.
    pub bytes: u64,
    /// Of them, only for critical alerts; at most a half.
    pub reserve: u64,
    /// Percent of the file system that are left free.
    pub free_percent: u64,
    /// Bytes of a segment.
    pub segment: u64,
    /// Bytes in memory.
    pub memory: usize,
    /// Records that wait to be taken over.
    pub queue: usize,
    /// Bytes that are kept although the aggregator has them.
    pub keep: u64,
    /// For how long.
    pub keep_for: Duration,
    /// Bytes of damage that are kept.
    pub quarantine: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            reserve: 64 << 20,
            free_percent: 5,
            segment: 4 << 20,
            memory: 32 << 20,
            queue: 16_384,
            keep: 256 << 20,
            keep_for: Duration::from_secs(24 * 3600),
            quarantine: 16 << 20,
        }
    }
}

impl Limits {
    /// Leaves nothing free for others: what is tested does not depend on how full this machine is.
    pub fn to_the_brim() -> Self {
        Self { free_percent: 0, ..Self::default() }
    }

    /// On a file system of this size: bytes of all lanes, bytes of those below critical, bytes left free.
    fn within(&self, total: u64) -> (u64, u64, u64) {
        let most = self.bytes.min((total / 10).max(LEAST));
        let below = most.saturating_sub(self.reserve.min(most / 2));
        (most, below, (total / 100).saturating_mul(self.free_percent))
    }

    fn keep_micros(&self) -> u64 {
        u64::try_from(self.keep_for.as_micros()).unwrap_or(u64::MAX)
    }

    /// What a lane may use of something that is scarce: less severe ones leave room for others.
    fn share(whole: usize, severity: Severity) -> usize {
        whole.saturating_mul(5 + place(severity)).div_ceil(8)
    }
}

/// What became of the records. In the order of [`LANES`] where there are four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// On disk, since the start; without loss records.
    pub accepted: [u64; 4],
    /// Had no room on disk.
    pub shed: [u64; 4],
    /// Never taken over: more than the hand-over or the memory could hold.
    pub overrun: [u64; 4],
    /// Never taken over: longer than 64 KiB.
    pub oversize: [u64; 4],
    /// Found damaged or missing.
    pub damaged: [u64; 4],
    /// Files that could not be read at the start.
    pub unreadable: u64,
    /// Writes and syncs that failed.
    pub errors: u64,
    /// Handed over, not on disk yet.
    pub waiting: u64,
    /// On disk, and not known to be with the aggregator.
    pub unacknowledged: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// The disk takes nothing: what waits would not survive.
    pub memory_only: bool,
}

impl Counts {
    fn lose(&mut self, lane: Severity, count: u64, reason: Reason) {
        let counts = match reason {
            Reason::Damaged => &mut self.damaged,
            Reason::Shed => &mut self.shed,
            // Counted where they are refused.
            Reason::Overrun | Reason::Oversize => return,
        };
        counts[place(lane)] = counts[place(lane)].saturating_add(count);
    }
}

/// What a start found, in words.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// Whole records.
    pub records: u64,
    /// Of them, and of what was lost, not known to be with the aggregator.
    pub waiting: u64,
    /// Bytes of segments.
    pub bytes: u64,
    /// What is lost and was not told before.
    pub losses: Vec<Loss>,
    /// Segments in which something was damaged or torn.
    pub damaged_segments: u64,
    /// Bytes put aside.
    pub damaged_bytes: u64,
    /// Records that stood in two segments.
    pub repeated: u64,
    /// Segments under another's name.
    pub misnamed: u64,
    /// Files that could not be read.
    pub unreadable: u64,
    /// A new life of the spool begins.
    pub new_incarnation: bool,
    /// Nobody knows any more what was acknowledged.
    pub lost_positions: bool,
}

impl Recovery {
    /// Records lost, per lane.
    pub fn lost(&self) -> [u64; 4] {
        LANES.map(|lane| self.losses.iter().filter(|loss| loss.lane == lane).map(|loss| loss.count).sum())
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.records == 0 && self.losses.is_empty() && self.damaged_segments == 0 {
            write!(out, "the spool is empty")?;
        } else {
            write!(
                out,
                "{} records in {} bytes, {} wait for the aggregator",
                self.records, self.bytes, self.waiting
            )?;
        }
        if self.damaged_segments > 0 {
            write!(
                out,
                "; {} bytes in {} segments were torn or damaged and are in {}/",
                self.damaged_bytes,
                self.damaged_segments,
                disk::QUARANTINE
            )?;
        }
        if let Some((first, more)) = self.losses.split_first() {
            write!(out, "; lost: {first}")?;
            more.iter().take(9).try_for_each(|loss| write!(out, ", {loss}"))?;
            if more.len() > 9 {
                write!(out, " and {} ranges more", more.len() - 9)?;
            }
        }
        for (count, what) in [
            (self.repeated, "records stood in two segments"),
            (self.misnamed, "segments bear another's name"),
            (self.unreadable, "files cannot be read"),
        ] {
            if count > 0 {
                write!(out, "; {count} {what}")?;
            }
        }
        if self.lost_positions {
            write!(out, "; what was acknowledged is not known any more, all is sent again")?;
        }
        Ok(())
    }
}

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made, or is in use.
    #[error("{folder}: {why}")]
    Folder {
        /// Which.
        folder: String,
        /// What is wrong.
        why: std::io::Error,
    },
    /// It was written by a later version.
    #[error(
        "{file} is of spool version {version}, this agent is older; run the later one, or name another folder"
    )]
    Newer {
        /// The file.
        file: String,
        /// Its version.
        version: u16,
    },
    /// No thread could be started.
    #[error("the spool's thread did not start: {0}")]
    Thread(std::io::Error),
}

/// The spool.
pub struct Spool {
    queue: Option<SyncSender<Message>>,
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Record(Severity, Vec<u8>),
    /// To be answered when all before it is on disk.
    Sync(SyncSender<()>),
}

/// What the threads share.
struct Shared {
    index: Mutex<Index>,
    limits: Limits,
    /// Handed over and not on disk yet: records and bytes.
    held: AtomicUsize,
    held_bytes: AtomicUsize,
    /// Of them, not taken over by the writer.
    queued: AtomicUsize,
    /// Refused since that was last told, and in all.
    overrun: [AtomicU64; 4],
    oversize: [AtomicU64; 4],
    overrun_ever: [AtomicU64; 4],
    oversize_ever: [AtomicU64; 4],
    /// Told when there may be more to read.
    wake: Mutex<Option<Box<dyn Fn() + Send>>>,
}

impl Spool {
    /// Opens the spool of a folder, made when it is not there. Whatever the state of its files, it opens,
    /// and says what it found.
    pub fn open(folder: &Path, limits: Limits) -> Result<(Self, Recovery), OpenError> {
        let disk = Folder::take(folder)
            .map_err(|why| OpenError::Folder { folder: folder.display().to_string(), why })?;
        Self::on(Arc::new(disk), limits)
    }

    /// The spool of a disk.
    pub fn on(disk: Arc<dyn Disk>, limits: Limits) -> Result<(Self, Recovery), OpenError> {
        let start = recover::recover(&disk, &limits)?;
        let recovery = start.recovery.clone();
        let shared = Arc::new(Shared::new(limits.clone()));
        let writer = Writer::new(disk.clone(), limits.clone(), shared.clone(), start);
        let (queue, messages) = sync_channel(limits.queue);
        let thread = std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || run(writer, &messages))
            .map_err(OpenError::Thread)?;
        Ok((Self { queue: Some(queue), shared, disk, thread: Some(thread) }, recovery))
    }

    /// Hands a record over. Never waits, for no disk and no lock; what does not fit is counted and told.
    pub fn put(&self, severity: Severity, bytes: Vec<u8>) {
        let lane = place(severity);
        if bytes.len() > LONGEST {
            self.shared.oversize[lane].fetch_add(1, Ordering::Relaxed);
            self.shared.oversize_ever[lane].fetch_add(1, Ordering::Relaxed);
            return;
        }
        let len = bytes.len();
        let fits = self.shared.hold_if(len, severity);
        let taken = fits
            && self.queue.as_ref().is_some_and(|queue| {
                !matches!(
                    queue.try_send(Message::Record(severity, bytes)),
                    Err(TrySendError::Full(_) | TrySendError::Disconnected(_))
                )
            });
        if !taken {
            if fits {
                self.shared.queued.fetch_sub(1, Ordering::Relaxed);
                self.shared.release(1, len);
            }
            self.shared.overrun[lane].fetch_add(1, Ordering::Relaxed);
            self.shared.overrun_ever[lane].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything put before has been written, or cannot be for now.
    pub fn sync(&self) -> Counts {
        let (answer, answered) = sync_channel(1);
        if self.queue.as_ref().is_some_and(|queue| queue.send(Message::Sync(answer)).is_ok()) {
            // No answer comes only when the thread has ended.
            let _ = answered.recv();
        }
        self.counts()
    }

    /// What became of the records so far.
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    /// Reads a lane from a sequence on; what is no longer there is passed over.
    pub fn reader(&self, lane: Severity, from: u64) -> Reader {
        Reader::new(self.disk.clone(), self.shared.clone(), lane, from)
    }

    /// How far the aggregator has a lane, as far as is known.
    pub fn acknowledged(&self, lane: Severity) -> u64 {
        lock(&self.shared.index).lane(lane).acked
    }

    /// The aggregator has committed all records of a lane up to `seq`.
    pub fn acknowledge(&self, lane: Severity, seq: u64) {
        let now = self.disk.now();
        let (records, freed) = {
            let mut index = lock(&self.shared.index);
            let lane = index.lane(lane);
            let before = lane.waiting.len();
            let freed = lane.acknowledge(seq, now);
            (before.saturating_sub(lane.waiting.len()), freed)
        };
        self.shared.release(records, freed);
    }

    /// Ends it: everything put before is on disk, or counted.
    pub fn close(mut self) -> Counts {
        self.end();
        self.counts()
    }

    fn end(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn new(limits: Limits) -> Self {
        Self {
            index: Mutex::default(),
            limits,
            held: AtomicUsize::new(0),
            held_bytes: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            overrun: Default::default(),
            oversize: Default::default(),
            overrun_ever: Default::default(),
            oversize_ever: Default::default(),
            wake: Mutex::default(),
        }
    }

    fn hold(&self, bytes: usize) {
        self.held.fetch_add(1, Ordering::Relaxed);
        self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Holds a record unless its lane has no room for it.
    fn hold_if(&self, bytes: usize, severity: Severity) -> bool {
        let records = self.held.fetch_add(1, Ordering::Relaxed);
        let held = self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        let queued = self.queued.fetch_add(1, Ordering::Relaxed);
        let fits = records < Limits::share(self.limits.memory / LEAST_IN_MEMORY, severity)
            && held.saturating_add(bytes) <= Limits::share(self.limits.memory, severity)
            && queued < Limits::share(self.limits.queue, severity);
        if !fits {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            self.release(1, bytes);
        }
        fits
    }

    fn release(&self, records: usize, bytes: usize) {
        self.held.fetch_sub(records, Ordering::Relaxed);
        self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn counts(&self) -> Counts {
        let index = lock(&self.index);
        let read = |counts: &[AtomicU64; 4]| LANES.map(|lane| counts[place(lane)].load(Ordering::Relaxed));
        Counts {
            overrun: read(&self.overrun_ever),
            oversize: read(&self.oversize_ever),
            waiting: self.held.load(Ordering::Relaxed) as u64,
            unacknowledged: index.lanes.iter().map(index::Lane::unacknowledged).sum(),
            bytes: index.sizes().1,
            memory_only: index.memory_only,
            ..index.counts
        }
    }
}

/// The writer's thread: what waits is written with one sync per lane, and what comes meanwhile with the
/// next. So a lone alert is on disk at once, and many share the cost.
fn run(mut writer: Writer, messages: &Receiver<Message>) {
    let mut answers = Vec::new();
    loop {
        let mut next = match messages.recv_timeout(TICK) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let mut taken = 0;
        while let Some(message) = next {
            match message {
                Message::Record(severity, bytes) => writer.take(severity, bytes),
                Message::Sync(answer) => answers.push(answer),
            }
            taken += 1;
            next = if taken < BATCH { messages.try_recv().ok() } else { None };
        }
        writer.commit();
        if taken > 0
            && let Some(wake) = writer.shared.wake.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
        {
            wake();
        }
        writer.chores();
        for answer in answers.drain(..) {
            // Who asked may have gone.
            let _ = answer.try_send(());
        }
    }
    writer.finish();
}

/// A lane's place in [`LANES`].
pub fn place(lane: Severity) -> usize {
    match lane {
        Severity::Low => 0,
        Severity::Medium => 1,
        Severity::High => 2,
        Severity::Critical => 3,
    }
}

/// Nothing is left half done under the lock, so it serves even if a thread died with it.
fn lock(index: &Mutex<Index>) -> MutexGuard<'_, Index> {
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A spool may always take so much.
const LEAST: u64 = 2 << 20;
/// How long the writer waits for something to do before it looks after other things.
const TICK: Duration = Duration::from_secs(1);
/// Records that share a sync.
const BATCH: usize = 4096;
/// What a small record takes in memory.
const LEAST_IN_MEMORY: usize = 128;
