//! When to try again: after each failure it rests longer, by chance more or less, so that all who lost the
//! same server do not come back at the same moment.

use std::time::Duration;

/// Failures in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
}

impl Breaker {
    /// An attempt failed. Gives how long to rest before the next; `chance` is from 0 to 1.
    pub fn failed(&mut self, chance: f64) -> Duration {
        let longest = BASE.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // At least half of it: at once would be no rest.
        longest.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }

    /// An attempt went well. True when the one before had not.
    pub fn succeeded(&mut self) -> bool {
        std::mem::take(&mut self.failures) > 0
    }
}

const BASE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_to_a_bound_and_begin_anew() {
        let mut breaker = Breaker::default();
        let rests: Vec<u128> = (0..8).map(|_| breaker.failed(1.0).as_millis()).collect();
        assert_eq!(rests, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert!(breaker.succeeded() && !breaker.succeeded());
        assert_eq!(breaker.failed(0.0), Duration::from_millis(50));
        breaker.failures = u32::MAX;
        assert_eq!(breaker.failed(1.0), LONGEST);
    }
}
