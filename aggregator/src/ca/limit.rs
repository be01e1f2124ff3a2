//! How often one may knock at a door: a bucket per caller, refilled with time. The table is bounded; when it
//! is full of callers with empty buckets, strangers wait like them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

/// Callers that are remembered.
const MOST: usize = 4096;

/// So many at once, and one more every so many seconds.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// Seconds until one more.
    pub every: u64,
}

/// Buckets of callers.
#[derive(Debug)]
pub struct Limit<K> {
    rate: Rate,
    /// How many were taken, and since when the count holds.
    taken: Mutex<HashMap<K, (u32, u64)>>,
}

impl<K: Eq + Hash> Limit<K> {
    /// Nobody has knocked yet.
    pub fn new(rate: Rate) -> Self {
        Self { rate, taken: Mutex::new(HashMap::new()) }
    }

    /// Whether a caller may come in at `now` (seconds); if not, in how many seconds.
    pub fn take(&self, caller: K, now: u64) -> Result<(), u64> {
        let every = self.rate.every.max(1);
        let mut taken = self.taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if taken.len() >= MOST && !taken.contains_key(&caller) {
            // Whoever has a full bucket again is a stranger.
            taken.retain(|_, (count, since)| now.saturating_sub(*since) / every < u64::from(*count));
            if taken.len() >= MOST {
                return Err(every);
            }
        }
        let (count, since) = taken.entry(caller).or_insert((0, now));
        let back = now.saturating_sub(*since) / every;
        if back > 0 || now < *since {
            *count = count.saturating_sub(u32::try_from(back).unwrap_or(u32::MAX));
            *since = if now < *since { now } else { since.saturating_add(back.saturating_mul(every)) };
        }
        if *count >= self.rate.burst {
            return Err(since.saturating_add(every).saturating_sub(now).max(1));
        }
        *count = count.saturating_add(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_may_knock_so_often_and_the_table_stays_bounded() {
        let limit = Limit::new(Rate { burst: 3, every: 10 });
        for _ in 0..3 {
            assert_eq!(limit.take(1, 100), Ok(()));
        }
        assert_eq!(limit.take(1, 100), Err(10));
        assert_eq!(limit.take(1, 104), Err(6));
        assert_eq!(limit.take(2, 104), Ok(()));
        assert_eq!(limit.take(1, 110), Ok(()));
        assert_eq!(limit.take(1, 110), Err(10));
        assert_eq!(limit.take(1, 50), Err(10), "a clock that went back");
        let full = Limit::new(Rate { burst: 1, every: 10 });
        for caller in 0..MOST {
            assert_eq!(full.take(caller, 0), Ok(()));
        }
        assert_eq!(full.take(MOST, 5), Err(10));
        assert_eq!(full.take(MOST, 10), Ok(()));
        assert_eq!(full.taken.lock().unwrap().len(), 1);
    }
}
