//! How long it takes until the next step: quantiles of intervals that are known. What is public is almost nothing
//! (two intrusions with times), so the range is broad and says so; what the aggregator sees itself narrows it.

use super::sequences::Flows;

/// When something is expected, in seconds from what was seen last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct When {
    /// Earlier in one case of ten.
    pub low: f64,
    /// As often earlier as later.
    pub middle: f64,
    /// Later in one case of ten.
    pub high: f64,
    /// From how many intervals that is known.
    pub known: usize,
    /// Of them, how many were seen here.
    pub own: usize,
}

impl When {
    /// So wide that it helps little: a factor of a hundred or more.
    pub fn is_broad(&self) -> bool {
        self.high >= 100.0 * self.low.max(1.0)
    }

    /// For people: `2 minutes to 4 days`.
    pub fn words(&self) -> String {
        format!("{} to {}", words(self.low), words(self.high))
    }
}

/// Intervals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timing {
    public: Vec<f64>,
    own: Vec<f64>,
}

impl Timing {
    /// Of public flows, and of the intervals between techniques that were seen here, in seconds.
    pub fn new(flows: &Flows, own: &[f64]) -> Self {
        // What began before the step that it follows ran beside it, and what has no distance was not told apart: both
        // say nothing of how long one has.
        let public = flows.intervals.iter().flatten().filter(|seconds| **seconds > 0);
        let mut own: Vec<f64> = own.iter().copied().filter(|one| one.is_finite() && *one >= 0.0).collect();
        own.truncate(MOST);
        Self { public: public.map(|seconds| *seconds as f64).collect(), own }
    }

    /// With these intervals that were seen here instead.
    pub fn with_own(&self, own: &[f64]) -> Self {
        let public = self.public.clone();
        Self { public, ..Self::new(&Flows::default(), own) }
    }

    /// When the next step is expected. A public interval counts like one that was seen here, so that a few of those do
    /// not yet say much.
    pub fn when(&self) -> When {
        let mut all: Vec<f64> = self.public.iter().chain(&self.own).copied().collect();
        all.sort_by(f64::total_cmp);
        When {
            low: quantile(&all, 0.1),
            middle: quantile(&all, 0.5),
            high: quantile(&all, 0.9),
            known: all.len(),
            own: self.own.len(),
        }
    }

    /// The share of intervals that lie in the range that the others of their kind give, each left out in turn.
    pub fn coverage(&self) -> (f64, usize) {
        let all: Vec<f64> = self.public.iter().chain(&self.own).copied().collect();
        let is_within = |at: &usize| {
            let mut others = all.clone();
            let one = others.remove(*at);
            others.sort_by(f64::total_cmp);
            (quantile(&others, 0.1)..=quantile(&others, 0.9)).contains(&one)
        };
        let within = (0..all.len()).filter(is_within).count();
        (within as f64 / all.len().max(1) as f64, all.len())
    }
}

/// Between the neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = share * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[(at.ceil() as usize).min(last)]);
    below + (above - below) * at.fract()
}

fn words(seconds: f64) -> String {
    let (count, unit) = match seconds {
        seconds if seconds < 90.0 => (seconds, "second"),
        seconds if seconds < 5400.0 => (seconds / 60.0, "minute"),
        seconds if seconds < 129_600.0 => (seconds / 3600.0, "hour"),
        seconds => (seconds / 86_400.0, "day"),
    };
    let count = count.round().max(0.0) as u64;
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// Intervals that are remembered.
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_four_of_five_and_say_that_they_are_broad() {
        let timing = Timing::new(&Flows::shipped(), &[]);
        let when = timing.when();
        assert!(when.low < when.middle && when.middle < when.high && when.is_broad(), "{when:?}");
        let (share, count) = timing.coverage();
        assert!((0.7..=0.9).contains(&share), "{share} of {count}");
        assert_eq!(Timing::default().when().words(), "0 seconds to 0 seconds");
        let own = Timing::new(&Flows::default(), &[f64::NAN, -1.0, 60.0, 3600.0]).when();
        assert_eq!((own.own, own.known), (2, 2));
        assert!(!own.is_broad());
    }
}
