//! Tickets for sockets: a page cannot send headers with one, and a token in its address would be logged. Each
//! works once, and for half a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use super::super::principal::Principal;

/// Those that were given out, by the SHA-256 of what was.
#[derive(Debug, Default)]
pub struct Tickets(Mutex<HashMap<[u8; 32], (Principal, Instant)>>);

impl Tickets {
    /// Gives one out. When there are too many the oldest serves no more.
    pub fn add(&self, digest: [u8; 32], principal: Principal) {
        let now = Instant::now();
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.retain(|_, (_, at)| now.saturating_duration_since(*at) < LIFE);
        if given.len() >= MOST {
            let oldest = given.iter().min_by_key(|(_, (_, at))| *at).map(|(digest, _)| *digest);
            oldest.map(|oldest| given.remove(&oldest));
        }
        given.insert(digest, (principal, now));
    }

    /// Takes one: whose it is.
    pub fn take(&self, digest: &[u8; 32]) -> Option<Principal> {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.remove(digest).filter(|(_, at)| at.elapsed() < LIFE).map(|(principal, _)| principal)
    }
}

/// How long one serves.
pub const LIFE: Duration = Duration::from_secs(30);
/// Given out at once.
const MOST: usize = 4096;
