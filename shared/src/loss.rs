//! What was lost, so that nothing is lost in silence: ranges of sequences, and the record that tells the
//! aggregator of them. Agents send it as JSON in the critical lane.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::alert::Severity;
use crate::time::Timestamp;

/// Records of a lane that will never come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Whose.
    pub lane: Severity,
    /// From the first to the last sequence; none when they had not got one yet.
    pub range: Option<(u64, u64)>,
    /// How many.
    pub count: u64,
    /// Why.
    pub reason: Reason,
    /// When it was noticed first.
    #[serde(with = "crate::time::rfc3339")]
    pub since: Timestamp,
    /// And last.
    #[serde(with = "crate::time::rfc3339")]
    pub until: Timestamp,
}

/// Why records were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// Bytes on disk are not what was written, or are gone.
    Damaged,
    /// More came than could be handed over, or could be kept in memory.
    Overrun,
    /// Longer than a record may be.
    Oversize,
    /// There was no more room for the oldest of the least severe.
    Shed,
}

impl Reason {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Overrun => "overrun",
            Self::Oversize => "oversize",
            Self::Shed => "shed",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of lane {} ({}", self.count, self.lane.name(), self.reason.name())?;
        self.range.map_or(Ok(()), |(first, last)| write!(out, ", {first} to {last}"))?;
        write!(out, ")")
    }
}

/// Ranges of sequences: in order, apart from each other, at most [`MOST`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Adds all from `first` to `last`.
    pub fn add(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        let (mut first, mut last) = (first, last);
        // What touches it becomes one with it.
        self.0.retain(|(start, end)| {
            let apart = *end < first.saturating_sub(1) || *start > last.saturating_add(1);
            if !apart {
                (first, last) = (first.min(*start), last.max(*end));
            }
            apart
        });
        let at = self.0.partition_point(|(start, _)| *start < first);
        self.0.insert(at, (first, last));
        // Forgotten are the oldest: at worst they are told of once more.
        if self.0.len() > MOST {
            self.0.remove(0);
        }
    }

    /// Forgets all up to `seq`.
    pub fn forget(&mut self, seq: u64) {
        self.0.retain(|(_, end)| *end > seq);
    }

    /// What is not among them between `first` and `last`.
    pub fn missing(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut missing = Vec::new();
        let mut next = first;
        for (start, end) in &self.0 {
            if *start > last {
                break;
            }
            if *start > next {
                missing.push((next, start.saturating_sub(1)));
            }
            next = next.max(end.saturating_add(1));
        }
        if next <= last {
            missing.push((next, last));
        }
        missing
    }

    /// In order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }
}

/// How many sequences there are from `first` to `last`.
pub fn count((first, last): (u64, u64)) -> u64 {
    last.saturating_sub(first).saturating_add(1)
}

/// Ranges that a lane remembers.
pub const MOST: usize = 128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_are_a_set(added in proptest::collection::vec((1_u64..200, 0_u64..9), 0..60), forgotten in 0_u64..200) {
            let (mut ranges, mut set) = (Ranges::default(), std::collections::BTreeSet::new());
            for (first, more) in added {
                ranges.add(first, first + more);
                set.extend(first..=first + more);
            }
            let held: Vec<u64> = ranges.iter().flat_map(|(first, last)| first..=last).collect();
            prop_assert_eq!(&held, &set.iter().copied().collect::<Vec<_>>());
            let apart: Vec<u64> = ranges.missing(20, 150).into_iter().flat_map(|(first, last)| first..=last).collect();
            prop_assert_eq!(apart, (20..=150).filter(|seq| !set.contains(seq)).collect::<Vec<_>>());
            ranges.forget(forgotten);
            prop_assert!(ranges.iter().all(|(_, last)| last > forgotten));
        }
    }

    #[test]
    fn too_many_ranges_forget_the_oldest() {
        let mut ranges = Ranges::default();
        (0..1000).for_each(|nth| ranges.add(nth * 2 + 1, nth * 2 + 1));
        assert_eq!(ranges.iter().len(), MOST);
        assert_eq!(ranges.iter().last(), Some((1999, 1999)));
    }
}
