//! Whether the time of day is believed by whoever forgets by it. A clock that is ahead would have everything
//! forgotten, so a time that has leapt is doubted until it has stayed so for a day.

use std::time::Duration;

use fieldward_shared::time::Timestamp;

use super::db::At;
use super::{Store, StoreError};

/// Of one thing that is done by the time of day.
#[derive(Debug)]
pub struct Doubt {
    /// By which the database knows when it was done last.
    name: &'static str,
    /// For how long the process ran when the time was doubted first.
    since: Option<Duration>,
}

impl Doubt {
    /// Of what the database knows by this name.
    pub const fn of(name: &'static str) -> Self {
        Self { name, since: None }
    }

    /// Whether to do it, by the time of day and by how long the process has run by another clock: not while it
    /// is two days later than when it was done last, and was not so for a day yet.
    pub async fn believes(
        &mut self,
        store: &Store,
        now: Timestamp,
        ran: Duration,
    ) -> Result<bool, StoreError> {
        let rows = store.db.read("read a mark", LAST, vec![self.name.into()]).await?;
        let last = rows.first().map(|row| row.get::<At>("at").map(|at| at.0)).transpose()?;
        if last.is_none_or(|last| now.since(last) <= LEAP) {
            self.since = None;
            return Ok(true);
        }
        let since = *self.since.get_or_insert(ran);
        Ok(ran.saturating_sub(since) >= LONG)
    }

    /// It was done.
    pub async fn done(&mut self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        self.since = None;
        let mut tx = store.db.begin("set a mark").await?;
        tx.change("set a mark", DONE, vec![self.name.into(), now.into()]).await?;
        tx.commit("set a mark").await
    }
}

/// What is later than the last time by more than this is doubted, in microseconds.
const LEAP: u64 = 2 * 86_400_000_000;
/// For so long.
const LONG: Duration = Duration::from_secs(86_400);
const LAST: &str = "SELECT at FROM marks WHERE name = $1";
const DONE: &str = "INSERT INTO marks (name, at) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET at = excluded.at";
