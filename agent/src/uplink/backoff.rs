//! How long to wait before the next attempt: full jitter, so that all agents of an aggregator that was
//! away do not come back at once. It never gives up.

use std::time::Duration;

use tokio::time::Instant;

/// The bounds of waiting.
#[derive(Clone, Debug)]
pub struct Pace {
    /// After the first failure, at most.
    pub base: Duration,
    /// After many.
    pub cap: Duration,
    /// After an hour of them.
    pub late_cap: Duration,
    /// A session that lasted so long was a success.
    pub stable: Duration,
    /// How long a dial may take.
    pub dial: Duration,
    /// Between two attempts to come back to QUIC.
    pub probe: Duration,
    /// Between two looks at whether the certificate is to be renewed.
    pub look: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            cap: Duration::from_secs(60),
            late_cap: Duration::from_secs(300),
            stable: Duration::from_secs(60),
            dial: Duration::from_secs(5),
            probe: Duration::from_secs(600),
            look: Duration::from_secs(60),
        }
    }
}

/// Counts failures.
#[derive(Debug)]
pub struct Backoff {
    pace: Pace,
    failures: u32,
    /// Since when nothing has worked.
    since: Option<Instant>,
}

impl Backoff {
    /// At the start.
    pub const fn new(pace: Pace) -> Self {
        Self { pace, failures: 0, since: None }
    }

    /// A session has lasted so long.
    pub fn lasted(&mut self, time: Duration) {
        if time >= self.pace.stable {
            (self.failures, self.since) = (0, None);
        }
    }

    /// How long to wait now; `chance` is from 0 to 1. When certificates, clocks or versions do not agree,
    /// trying soon changes nothing.
    pub fn wait(&mut self, is_refusal: bool, now: Instant, chance: f64) -> Duration {
        let since = *self.since.get_or_insert(now);
        let late = now.duration_since(since) >= LATE;
        let cap = if late { self.pace.late_cap } else { self.pace.cap };
        let most = self.pace.base.saturating_mul(1 << self.failures.min(20)).min(cap);
        self.failures = self.failures.saturating_add(1);
        if is_refusal {
            return cap.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        }
        most.mul_f64(chance.clamp(0.0, 1.0))
    }
}

/// Then it is no short break any more.
const LATE: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_cap_and_begin_anew_after_a_good_session() {
        let (mut backoff, now) = (Backoff::new(Pace::default()), Instant::now());
        let waits: Vec<f64> = (0..10).map(|_| backoff.wait(false, now, 1.0).as_secs_f64()).collect();
        assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]);
        assert_eq!(backoff.wait(false, now, 0.0), Duration::ZERO);
        assert_eq!(backoff.wait(false, now + LATE, 1.0), Duration::from_secs(300));
        backoff.lasted(Duration::from_secs(59));
        assert_eq!(backoff.wait(false, now, 1.0), Duration::from_secs(60));
        backoff.lasted(Duration::from_secs(60));
        assert_eq!(backoff.wait(false, now, 0.5), Duration::from_millis(250));
    }

    #[test]
    fn who_is_refused_waits_long_and_tries_for_ever() {
        let (mut backoff, now) = (Backoff::new(Pace::default()), Instant::now());
        for _ in 0..100 {
            assert_eq!(backoff.wait(true, now, 0.0), Duration::from_secs(30));
        }
        assert_eq!(backoff.wait(true, now, 1.0), Duration::from_secs(60));
    }
}
