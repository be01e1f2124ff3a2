//! The database: everything the aggregator keeps, in SQLite or PostgreSQL, by one set of queries.
//!
//! What agents report goes through [`Store::commit`] alone: one task writes, and what comes while it
//! commits shares the next transaction. It returns when the disk has it. One file per resource.

mod acts;
mod agents;
pub mod alerts;
pub mod audit;
pub mod backup;
pub mod board;
pub mod business;
pub mod certificates;
pub mod changes;
pub mod counted;
mod counts;
pub mod db;
pub mod doubt;
pub mod driving;
pub mod endpoints;
mod error;
mod figures;
pub mod idempotency;
pub mod incidents;
pub mod jobs;
pub mod keys;
mod log;
mod losses;
pub mod outputs;
pub mod positions;
pub mod predictions;
pub mod promotions;
pub mod reactions;
pub mod readers;
pub mod recall;
mod report;
pub mod requests;
pub mod retention;
pub mod rounds;
pub mod security;
pub mod sessions;
pub mod sums;
mod timeline;
pub mod tokens;
pub mod traffic;
pub mod training;
pub mod users;
pub mod verdicts;
pub mod versions;
mod writer;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use fieldward_shared::time::Timestamp;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub use agents::{Agent, AgentStatus, Facility, Seen};
pub use error::StoreError;
pub use report::{Body, Committed, Report};
pub use retention::Retention;

use db::Db;
use writer::{Call, Writer};

/// The database. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    db: Db,
    writers: Arc<[mpsc::Sender<Call>]>,
}

impl Store {
    /// Opens the database that a URL names and brings its tables to this version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let db = Db::open(url).await?;
        let writers = (0..db.writers()).map(|_| {
            let (calls, waiting) = mpsc::channel(WAITING);
            tokio::spawn(Writer::new(db.clone()).run(waiting));
            calls
        });
        let writers: Arc<[_]> = writers.collect();
        tokio::spawn(counts::keep_adding(db.clone(), Arc::downgrade(&writers)));
        Ok(Self { db, writers })
    }

    /// Commits reports in one transaction; what it returns is durable. A report that was committed before is
    /// not stored again, however often it is resent.
    ///
    /// Gives how far each lane has got that was written to.
    pub async fn commit(&self, reports: Vec<Report>) -> Result<Vec<Committed>, StoreError> {
        let rows: Vec<_> = reports.into_iter().map(report::Prepared::new).collect::<Result<_, _>>()?;
        let (reply, answer) = oneshot::channel();
        // An agent's reports all go the same way, so that writers seldom wait for each other.
        let agent = rows.first().map_or(0, |row| row.lane.agent.as_u128());
        let nth = (agent % self.writers.len().max(1) as u128) as usize;
        let writer = self.writers.get(nth).ok_or(StoreError::Closed)?;
        writer.send(Call { rows, reply }).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// How far the lanes of an agent have got, in every life of its spool.
    pub async fn positions(&self, agent: Uuid) -> Result<Vec<Committed>, StoreError> {
        positions::of(&self.db, agent).await
    }

    /// What the database was asked since the start.
    pub fn queries(&self) -> Vec<(&'static str, db::Asked)> {
        self.db.queries().all()
    }

    /// Connections to the database: for what, how many, and how many of them do nothing.
    pub fn connections(&self) -> [(&'static str, u32, u32); 2] {
        self.db.connections()
    }

    /// Ends all connections; what was committed stays, what still waits is refused.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

/// The aggregator's clock.
#[expect(clippy::disallowed_methods, reason = "what the aggregator does happens when it happens")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// Calls that may wait for the writer; then callers wait, and their agents keep what they have.
const WAITING: usize = 256;

#[cfg(test)]
mod tests;
