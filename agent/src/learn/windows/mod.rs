//! The windows that plants learn from together: a minute of traffic each, features only, sealed on disk. A minute
//! belongs to one window and no other, so that a guarantee for a window is one for a minute.
//!
//! A file holds an hour. What cannot be read is put aside and counted and stops nothing; the oldest hours make
//! room; what alerts touched is forgotten. Of each ten minutes two are held back, by time alone: they judge models
//! and are never learnt from.

mod hour;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::sealed::Seal;
use super::steps::WIDTH;
use hour::Hour;
pub use writer::{Gather, Tap, writer};

/// A minute of traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct Minute {
    /// Which, since the epoch.
    pub number: u64,
    /// Its twelve steps of features, one behind the other.
    pub values: Box<[f32]>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Minutes.
    pub minutes: usize,
    /// Bytes on disk.
    pub bytes: u64,
}

impl Default for Bounds {
    /// A week.
    fn default() -> Self {
        Self { minutes: 10_080, bytes: 64 << 20 }
    }
}

/// What became of windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// That are kept.
    pub kept: u64,
    /// That made room.
    pub aged: u64,
    /// That alerts touched.
    pub touched: u64,
    /// That were damaged on disk.
    pub damaged: u64,
    /// That could not be written, or did not fit when they should be.
    pub lost: u64,
}

/// Windows on disk.
pub struct Windows {
    folder: PathBuf,
    seal: Arc<Seal>,
    bounds: Bounds,
    /// By number, the oldest first.
    hours: BTreeMap<u64, Hour>,
    /// What alerts touched last, in minutes: what comes of it later is not kept.
    touched: Vec<(u64, u64)>,
    counts: Counts,
}

impl Windows {
    /// Those of a folder. Fails only when there can be no folder.
    pub fn open(folder: &Path, seal: Arc<Seal>, bounds: Bounds) -> io::Result<Self> {
        fieldward_shared::keyfile::folder(folder).map_err(io::Error::other)?;
        let mut windows = Self {
            folder: folder.to_owned(),
            seal,
            bounds,
            hours: BTreeMap::new(),
            touched: Vec::new(),
            counts: Counts::default(),
        };
        for file in fs::read_dir(folder)?.flatten() {
            let path = file.path();
            let Some(number) = hour::number(&path) else { continue };
            match Hour::open(&path, number, &windows.seal) {
                Ok((hour, damaged)) => {
                    windows.counts.damaged += damaged;
                    windows.hours.insert(number, hour);
                }
                Err(error) => {
                    windows.counts.damaged += 1;
                    tracing::warn!("{}: {error}; these windows are not learnt from", path.display());
                }
            }
        }
        if windows.counts.damaged > 0 {
            let damaged = windows.counts.damaged;
            tracing::warn!(damaged, "windows in {} were damaged and put aside", folder.display());
        }
        windows.make_room();
        Ok(windows)
    }

    /// Keeps a minute, unless an alert touched it or it is there already.
    pub fn put(&mut self, minute: &Minute) {
        let number = minute.number;
        if self.touched.iter().any(|(first, last)| (*first..=*last).contains(&number)) {
            self.counts.touched += 1;
            return;
        }
        if minute.values.len() != WIDTH || !minute.values.iter().all(|value| value.is_finite()) {
            self.counts.lost += 1;
            return;
        }
        let hour = self.hours.entry(number / 60).or_insert_with(|| Hour::new(&self.folder, number / 60));
        if hour.has(number) {
            return;
        }
        if let Err(error) = hour.put(minute, &self.seal) {
            if self.counts.lost.is_multiple_of(SAID) {
                tracing::warn!("a window cannot be kept in {}: {error}", self.folder.display());
            }
            self.counts.lost += 1;
        }
        self.make_room();
    }

    /// Forgets what lies between, and a minute around it.
    pub fn forget(&mut self, first: Timestamp, last: Timestamp) {
        let first = (first.as_secs() / 60).saturating_sub(1);
        let last = (last.as_secs() / 60).saturating_add(1);
        if self.touched.len() >= MOST_TOUCHED {
            self.touched.remove(0);
        }
        self.touched.retain(|range| *range != (first, last));
        self.touched.push((first, last));
        for (_, hour) in self.hours.range_mut(first / 60..=last / 60) {
            match hour.forget(first..=last) {
                Ok(gone) => self.counts.touched += gone,
                Err(error) => {
                    tracing::error!(
                        "windows that an alert touched stay in {}: {error}",
                        self.folder.display()
                    );
                }
            }
        }
        self.hours.retain(|_, hour| !hour.is_empty());
    }

    /// The numbers of the minutes that are learnt from, or of those that are held back; the oldest first.
    pub fn numbers(&self, held: bool) -> Vec<u64> {
        self.hours.values().flat_map(Hour::numbers).filter(|number| is_held(*number) == held).collect()
    }

    /// These minutes, as far as they are there; `numbers` in their order.
    pub fn read(&mut self, numbers: &[u64]) -> Vec<Minute> {
        let mut minutes = Vec::with_capacity(numbers.len());
        for same in numbers.chunk_by(|one, other| one / 60 == other / 60) {
            let Some(hour) = same.first().and_then(|first| self.hours.get(&(first / 60))) else { continue };
            match hour.read(same, &self.seal) {
                Ok(read) => {
                    self.counts.damaged += (same.len() - read.len()) as u64;
                    minutes.extend(read);
                }
                Err(error) => tracing::warn!("windows cannot be read: {error}"),
            }
        }
        minutes
    }

    /// What became of them.
    pub fn counts(&self) -> Counts {
        Counts { kept: self.hours.values().map(|hour| hour.len() as u64).sum(), ..self.counts }
    }

    fn make_room(&mut self) {
        loop {
            let minutes: usize = self.hours.values().map(Hour::len).sum();
            let bytes: u64 = self.hours.values().map(Hour::bytes).sum();
            if minutes <= self.bounds.minutes && bytes <= self.bounds.bytes {
                return;
            }
            let Some((_, oldest)) = self.hours.pop_first() else { return };
            self.counts.aged += oldest.len() as u64;
            oldest.remove();
        }
    }
}

/// Whether a minute is held back: two neighbours of each ten, which two changes from ten to ten, so that no
/// minute of the hour is always held back.
pub const fn is_held(number: u64) -> bool {
    let mixed = (number / 10).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    number % 10 / 2 == mixed % 5
}

/// Ranges that alerts touched, that are remembered.
const MOST_TOUCHED: usize = 64;
/// A failure is said, and then each so many.
const SAID: u64 = 1440;
