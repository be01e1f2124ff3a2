//! How often one may ask: a bucket per address before anything else is done, one per principal once it is
//! known, and one per address for passwords. The tables are bounded; when one is full of those who ask too
//! often, strangers wait like them.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;
use axum::http::header::HeaderName;
use tokio::time::Instant;
use uuid::Uuid;

use super::error::ApiError;

/// So many at once, and so many more each second.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// At once.
    pub burst: f64,
    /// In a second, from then on.
    pub each_second: f64,
}

/// All limits.
#[derive(Debug)]
pub struct Limits {
    addresses: Buckets<IpAddr>,
    principals: Buckets<(Uuid, bool)>,
    passwords: Buckets<IpAddr>,
}

impl Limits {
    /// Of so many requests a minute for each principal. An address, behind which there may be several of
    /// them, may ask four times as often.
    pub fn new(each_minute: u32) -> Self {
        let each_second = f64::from(each_minute.max(1)) / 60.0;
        let burst = f64::from(each_minute.max(1)) / 5.0;
        Self {
            addresses: Buckets::new(Rate { burst: burst * 4.0, each_second: each_second * 4.0 }),
            principals: Buckets::new(Rate { burst, each_second }),
            passwords: Buckets::new(Rate { burst: 20.0, each_second: 1.0 / 3.0 }),
        }
    }

    /// A request of an address.
    pub fn of_address(&self, address: IpAddr) -> Result<(), ApiError> {
        refuse("api-address", self.addresses.take(neighbourhood(address), Instant::now()))
    }

    /// A request of a principal.
    pub fn of_principal(&self, principal: &(Uuid, bool)) -> Result<(), ApiError> {
        refuse("api", self.principals.take(*principal, Instant::now()))
    }

    /// A password from an address.
    pub fn of_passwords(&self, address: IpAddr) -> Result<(), ApiError> {
        refuse("password", self.passwords.take(neighbourhood(address), Instant::now()))
    }
}

fn refuse(policy: &str, taken: Result<(), u64>) -> Result<(), ApiError> {
    taken.map_err(|seconds| {
        let said = format!("too many requests; ask again in {seconds} seconds");
        let error = ApiError::later(StatusCode::TOO_MANY_REQUESTS, "rate_limited", said, seconds);
        error.header(HeaderName::from_static("ratelimit"), &format!("\"{policy}\";r=0;t={seconds}"))
    })
}

/// Who has one IPv6 address has 2^64 of them.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

/// Buckets of those who ask.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    /// How much was left, and when.
    left: Mutex<HashMap<K, (f64, Instant)>>,
}

impl<K: Eq + Hash> Buckets<K> {
    /// All are full.
    pub fn new(rate: Rate) -> Self {
        Self { rate, left: Mutex::default() }
    }

    /// Takes one; if there is none, says in how many seconds there will be.
    pub fn take(&self, who: K, now: Instant) -> Result<(), u64> {
        let Rate { burst, each_second } = self.rate;
        let filled = |(left, at): (f64, Instant)| {
            (left + now.saturating_duration_since(at).as_secs_f64() * each_second).min(burst)
        };
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(&who) {
            // A full bucket need not be remembered.
            all.retain(|_, bucket| filled(*bucket) < burst);
            if all.len() >= MOST {
                return Err(1);
            }
        }
        let bucket = all.entry(who).or_insert((burst, now));
        let left = filled(*bucket);
        let enough = left >= 1.0;
        *bucket = (if enough { left - 1.0 } else { left }, now);
        if enough { Ok(()) } else { Err(((1.0 - left) / each_second).ceil().max(1.0) as u64) }
    }
}

/// Who is remembered.
const MOST: usize = 8192;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_and_the_table_stays_bounded() {
        let buckets = Buckets::new(Rate { burst: 2.0, each_second: 0.5 });
        let start = Instant::now();
        assert_eq!([buckets.take(1, start), buckets.take(1, start)], [Ok(()), Ok(())]);
        assert_eq!(buckets.take(1, start), Err(2));
        assert_eq!(buckets.take(2, start), Ok(()));
        assert_eq!(buckets.take(1, start + Duration::from_secs(1)), Err(1));
        assert_eq!(buckets.take(1, start + Duration::from_secs(2)), Ok(()));
        let full = Buckets::new(Rate { burst: 1.0, each_second: 1.0 });
        for who in 0..MOST {
            assert_eq!(full.take(who, start), Ok(()));
        }
        assert_eq!(full.take(MOST, start), Err(1));
        assert_eq!(full.take(MOST, start + Duration::from_secs(1)), Ok(()));
        assert_eq!(full.left.lock().unwrap().len(), 1);
    }

    #[test]
    fn one_network_is_one_address() {
        let network = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
        assert_ne!(network("10.0.0.2"), network("10.0.0.1"));
    }
}
