//! Training takes no more than its share of one processor: after each step it rests as long as that asks. It runs
//! beside the path of packets and is the only one in the agent's learning that reads a clock.

use std::time::{Duration, Instant};

/// Works a part of the time.
pub struct Rest {
    share: f64,
    since: Instant,
}

impl Rest {
    /// This share of the time, from now on.
    pub fn new(share: f64) -> Self {
        Self { share, since: Instant::now() }
    }

    /// A step is done.
    #[expect(clippy::disallowed_methods, reason = "time is what it waits for")]
    pub fn rest(&mut self) {
        std::thread::sleep(pause(self.share, self.since.elapsed()));
        self.since = Instant::now();
    }
}

/// How long to rest after so much work.
fn pause(share: f64, worked: Duration) -> Duration {
    let share = share.clamp(LEAST, 1.0);
    worked.mul_f64((1.0 - share) / share).min(LONGEST)
}

const LEAST: f64 = 0.01;
/// A machine that was asleep is no work that was done.
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_leaves_work_its_share() {
        let worked = Duration::from_millis(20);
        assert_eq!(pause(0.25, worked), Duration::from_millis(60));
        assert_eq!(pause(1.0, worked), Duration::ZERO);
        assert_eq!(pause(2.0, worked), Duration::ZERO);
        assert_eq!(pause(0.0, worked), Duration::from_millis(1980));
        assert_eq!(pause(0.25, Duration::from_secs(86_400)), LONGEST);
    }
}
