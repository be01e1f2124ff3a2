//! The time of day that judges certificates. A machine may start with its clock at 1970, and a clock may be
//! set back: this one never reads less than when the program was made, nor less than what a verified server
//! once said. A clock that runs ahead it cannot see through.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::identity::Leaf;

/// Seconds since the epoch, never below a floor.
#[derive(Debug)]
pub struct Clock {
    floor: AtomicU64,
}

impl Clock {
    /// A clock whose floor is what was verified earlier (seconds since the epoch; 0 when nothing was).
    pub const fn new(verified: u64) -> Self {
        Self { floor: AtomicU64::new(if verified > BUILT { verified } else { BUILT }) }
    }

    /// Seconds since the epoch.
    pub fn now(&self) -> u64 {
        wall().max(self.floor())
    }

    /// What it never goes below: to be kept over a restart.
    pub fn floor(&self) -> u64 {
        self.floor.load(Ordering::Relaxed)
    }

    /// Takes over what a verified server said of the time. Its own certificate bounds it, so that a server
    /// whose clock jumps cannot make every certificate look expired; gives back whether it was believed.
    pub fn raise(&self, said: u64, server: &Leaf) -> bool {
        let believed = server.is_valid(said);
        if believed {
            self.floor.fetch_max(said, Ordering::Relaxed);
        }
        believed
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(0)
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(self.now())))
    }
}

#[expect(clippy::disallowed_methods, reason = "certificates are judged by the time of day")]
fn wall() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// When this program was made, as far as it knows: `SOURCE_DATE_EPOCH` of a reproducible build, or the date
/// at which this line was written.
const BUILT: u64 = match option_env!("SOURCE_DATE_EPOCH") {
    Some(text) => digits(text.as_bytes()),
    None => 1_760_000_000,
};

const fn digits(text: &[u8]) -> u64 {
    let (mut number, mut at) = (0_u64, 0);
    while at < text.len() && text[at].is_ascii_digit() && number < u64::MAX / 100 {
        number = number * 10 + (text[at] - b'0') as u64;
        at += 1;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_reads_less_than_was_verified() {
        let far = 7_000_000_000;
        assert!(Clock::new(0).now() >= BUILT);
        assert_eq!(Clock::new(far).now(), far);
        let server = Leaf { not_before: far - 10, not_after: far + 10, ..Leaf::default() };
        let clock = Clock::new(0);
        assert!(clock.raise(far, &server));
        assert_eq!((clock.now(), clock.floor()), (far, far));
        assert!(clock.raise(far - 5, &server));
        assert_eq!(clock.now(), far, "it went back");
        assert!(!clock.raise(far + 11, &server), "beyond the server's own certificate");
        assert_eq!(clock.now(), far);
        assert_eq!(clock.current_time().unwrap().as_secs(), far);
    }

    #[test]
    fn the_date_of_a_build_is_read() {
        assert_eq!(digits(b"1700000000"), 1_700_000_000);
        assert_eq!(digits(b""), 0);
        assert_eq!(digits(b"12x4"), 12);
    }
}
