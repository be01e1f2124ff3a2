//! Who gives wrong passwords waits longer each time. Nobody is locked out for good: then anybody could lock
//! out anybody. From one address a name waits soon and long, from all together late and short.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tokio::time::{Duration, Instant};

/// Who failed how often.
#[derive(Debug, Default)]
pub struct Backoff(Mutex<HashMap<Who, (u32, Instant)>>);

/// A name, from an address or from any.
type Who = (String, Option<IpAddr>);

impl Backoff {
    /// Whether a name may be tried from an address; if not, in how many seconds.
    pub fn may(&self, name: &str, address: IpAddr, now: Instant) -> Result<(), u64> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = |address: Option<IpAddr>| {
            let (failures, last) = known.get(&(name.to_owned(), address))?;
            (*last + wait(*failures, address.is_some())).checked_duration_since(now)
        };
        match wait(Some(address)).max(wait(None)) {
            Some(left) if !left.is_zero() => Err(left.as_secs().max(1)),
            _ => Ok(()),
        }
    }

    /// A wrong password. True when the name has to wait from now on.
    pub fn failed(&self, name: &str, address: IpAddr, now: Instant) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waits = false;
        for address in [Some(address), None] {
            let who = (name.to_owned(), address);
            if known.len() >= MOST && !known.contains_key(&who) {
                known.retain(|_, (_, last)| now.saturating_duration_since(*last) < FORGOTTEN);
                let oldest = known.iter().min_by_key(|(_, (_, last))| *last).map(|(who, _)| who.clone());
                if let Some(oldest) = oldest.filter(|_| known.len() >= MOST) {
                    known.remove(&oldest);
                }
            }
            let (failures, last) = known.entry(who).or_insert((0, now));
            let is_old = now.saturating_duration_since(*last) >= FORGOTTEN;
            *failures = if is_old { 1 } else { failures.saturating_add(1) };
            *last = now;
            waits |= !wait(*failures, address.is_some()).is_zero();
        }
        waits
    }

    /// The right password.
    pub fn succeeded(&self, name: &str, address: IpAddr) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What others try elsewhere goes on counting.
        known.remove(&(name.to_owned(), Some(address)));
    }
}

fn wait(failures: u32, from_one: bool) -> Duration {
    let (free, longest) = if from_one { (FREE, LONGEST) } else { (FREE_ALL, LONGEST_ALL) };
    if failures < free {
        return Duration::ZERO;
    }
    Duration::from_secs(1_u64.checked_shl(failures - free).unwrap_or(longest).min(longest))
}

/// Wrong passwords from one address before it waits, and the longest wait in seconds.
const FREE: u32 = 5;
const LONGEST: u64 = 900;
/// The same from all addresses together.
const FREE_ALL: u32 = 30;
const LONGEST_ALL: u64 = 30;
/// After so long without a failure.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Names and addresses that are remembered.
const MOST: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_waits_longer_each_time_but_not_for_ever() {
        let (backoff, start) = (Backoff::default(), Instant::now());
        let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for nth in 1..=4 {
            assert!(!backoff.failed("ann", here, start), "{nth}");
            assert_eq!(backoff.may("ann", here, start), Ok(()));
        }
        assert!(backoff.failed("ann", here, start));
        assert_eq!(backoff.may("ann", here, start), Err(1));
        assert_eq!((backoff.may("ann", there, start), backoff.may("bob", here, start)), (Ok(()), Ok(())));
        for _ in 0..30 {
            backoff.failed("ann", here, start);
        }
        assert_eq!(backoff.may("ann", here, start), Err(900));
        assert_eq!(backoff.may("ann", there, start), Err(30), "from all together");
        assert_eq!(backoff.may("ann", there, start + Duration::from_secs(31)), Ok(()));
        assert_eq!(backoff.may("ann", here, start + Duration::from_secs(901)), Ok(()));
        backoff.succeeded("ann", here);
        assert_eq!(backoff.may("ann", here, start + Duration::from_secs(31)), Ok(()));
    }

    #[test]
    fn the_table_stays_bounded() {
        let (backoff, start) = (Backoff::default(), Instant::now());
        for nth in 0..MOST {
            backoff.failed(&nth.to_string(), IpAddr::from([10, 0, 0, 1]), start);
        }
        assert_eq!(backoff.0.lock().unwrap().len(), MOST);
    }
}
