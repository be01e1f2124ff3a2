//! How often one may ask: a bucket per address before anything else is done, one per principal once it is
//! known, and one per address for passwords. The tables are bounded; when one is full of those who ask too
//! often, strangers wait like them.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;
use axum::http::header::HeaderName;
use tokio::time::Instant;
use uuid::Uuid;

use super::error::ApiError;
use crate::bus::message::Spent;

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
    /// Whether other replicas want to know what was taken.
    is_shared: bool,
}

impl Limits {
    /// Of so many requests a minute for each principal. An address, behind which there may be several of
    /// them, may ask four times as often.
    ///
    /// With other replicas (`is_shared`) what is taken here is told there, a little later: nobody waits for it.
    pub fn new(each_minute: u32, is_shared: bool) -> Self {
        let each_second = f64::from(each_minute.max(1)) / 60.0;
        let burst = f64::from(each_minute.max(1)) / 5.0;
        Self {
            addresses: Buckets::new(Rate { burst: burst * 4.0, each_second: each_second * 4.0 }),
            principals: Buckets::new(Rate { burst, each_second }),
            passwords: Buckets::new(Rate { burst: 20.0, each_second: 1.0 / 3.0 }),
            is_shared,
        }
    }

    /// What was taken since this was asked before, for other replicas.
    pub fn spent(&self) -> Vec<Spent> {
        if !self.is_shared {
            return Vec::new();
        }
        let addresses = self.addresses.spent().into_iter().map(|(who, count)| Spent::Address(who, count));
        let principals = self
            .principals
            .spent()
            .into_iter()
            .map(|((id, is_key), count)| Spent::Principal(id, is_key, count));
        let passwords = self.passwords.spent().into_iter().map(|(who, count)| Spent::Password(who, count));
        addresses.chain(principals).chain(passwords).collect()
    }

    /// Another replica has taken this.
    pub fn spent_elsewhere(&self, all: &[Spent]) {
        let now = Instant::now();
        for spent in all {
            match *spent {
                Spent::Address(who, count) => self.addresses.take_for_others(who, count, now),
                Spent::Principal(id, is_key, count) => {
                    self.principals.take_for_others((id, is_key), count, now)
                }
                Spent::Password(who, count) => self.passwords.take_for_others(who, count, now),
            }
        }
    }

    /// How often each limit refused, by name.
    pub fn refused(&self) -> [(&'static str, u64); 3] {
        [
            ("address", self.addresses.refused()),
            ("principal", self.principals.refused()),
            ("password", self.passwords.refused()),
        ]
    }

    /// A request of an address.
    pub fn of_address(&self, address: IpAddr) -> Result<(), ApiError> {
        refuse("api-address", self.addresses.take(neighbourhood(address), Instant::now()))
    }

    /// A request of a principal.
    pub fn of_principal(&self, principal: &(Uuid, bool)) -> Result<(), ApiError> {
        refuse("api", self.principals.take(*principal, Instant::now()))
    }

    /// How many requests a principal has left now; less than none where replicas together gave too many.
    pub fn left(&self, principal: &(Uuid, bool)) -> f64 {
        let left = self.principals.change(*principal, Instant::now(), |bucket| bucket.left);
        left.unwrap_or_default()
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
    left: Mutex<HashMap<K, Bucket>>,
    refused: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// How much was left, and when. Less than nothing where replicas together gave more than there was.
    left: f64,
    at: Instant,
    /// What was taken here and not told to other replicas yet.
    untold: u32,
}

impl<K: Copy + Eq + Hash> Buckets<K> {
    /// All are full.
    pub fn new(rate: Rate) -> Self {
        Self { rate, left: Mutex::default(), refused: AtomicU64::new(0) }
    }

    /// Takes one; if there is none, says in how many seconds there will be.
    pub fn take(&self, who: K, now: Instant) -> Result<(), u64> {
        let taken = self.change(who, now, |bucket| {
            let enough = bucket.left >= 1.0;
            if enough {
                bucket.left -= 1.0;
                bucket.untold = bucket.untold.saturating_add(1);
                return Ok(());
            }
            Err(((1.0 - bucket.left) / self.rate.each_second).ceil().max(1.0) as u64)
        });
        let taken = taken.unwrap_or(Err(1));
        if taken.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Others have taken so much, without asking here.
    fn take_for_others(&self, who: K, count: u32, now: Instant) {
        let least = -self.rate.burst;
        // For whom there is no room all strangers wait already.
        self.change(who, now, |bucket| bucket.left = (bucket.left - f64::from(count)).max(least));
    }

    /// Changes a bucket as it is now; none when there is no room for another.
    fn change<T>(&self, who: K, now: Instant, change: impl FnOnce(&mut Bucket) -> T) -> Option<T> {
        let Rate { burst, each_second } = self.rate;
        let filled = |bucket: &Bucket| {
            let since = now.saturating_duration_since(bucket.at).as_secs_f64();
            (bucket.left + since * each_second).min(burst)
        };
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(&who) {
            // A full bucket need not be remembered.
            all.retain(|_, bucket| filled(bucket) < burst);
            if all.len() >= MOST {
                return None;
            }
        }
        let bucket = all.entry(who).or_insert(Bucket { left: burst, at: now, untold: 0 });
        (bucket.left, bucket.at) = (filled(bucket), now);
        Some(change(bucket))
    }

    /// What was taken here since this was asked before.
    fn spent(&self) -> Vec<(K, u32)> {
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let untold = all.iter_mut().filter(|(_, bucket)| bucket.untold > 0);
        untold.map(|(who, bucket)| (*who, std::mem::take(&mut bucket.untold))).collect()
    }

    fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
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
    fn replicas_share_what_there_is() {
        let (here, there) = (Limits::new(60, true), Limits::new(60, true));
        let (who, address) = ((Uuid::from_u128(1), true), IpAddr::from([10, 0, 0, 1]));
        while here.of_principal(&who).is_ok() {}
        assert!(here.of_address(address).is_ok() && there.of_principal(&who).is_ok());
        let spent = here.spent();
        assert!(spent.contains(&Spent::Principal(who.0, true, 12)), "{spent:?}");
        assert!(spent.contains(&Spent::Address(address, 1)) && here.spent().is_empty());
        there.spent_elsewhere(&spent);
        assert!(there.of_principal(&who).is_err());
        // What others took is not told again, and a debt has its bound.
        assert_eq!(there.spent(), [Spent::Principal(who.0, true, 1)]);
        there.spent_elsewhere(&[Spent::Principal(who.0, true, u32::MAX)]);
        let refused = there.of_principal(&who).unwrap_err();
        assert_eq!(refused.details["retry_after_seconds"], 13);
        assert_eq!(there.refused()[1], ("principal", 2));
        assert!(Limits::new(60, false).spent().is_empty());
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
