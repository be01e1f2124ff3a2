//! How long people took: from when an alert was raised until somebody took it up, and until it was closed.

use fieldward_shared::alert::Status;
use fieldward_shared::time::Timestamp;

use super::db::{At, Row, Values};
use super::{Store, StoreError};

/// What somebody did, and how long after its alert was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// When.
    pub at: Timestamp,
    /// Microseconds from when the alert was raised; 0 where the plant's clock was ahead.
    pub took: u64,
    /// It is the first that was done about this alert.
    pub is_first: bool,
    /// It closed the alert.
    pub closes: bool,
    /// There was nothing.
    pub is_false_positive: bool,
}

impl Store {
    /// What was done about alerts of these plants (all when none are named), the newest `most` of a range.
    pub async fn reactions(
        &self,
        facilities: &[String],
        since: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Result<Vec<Reaction>, StoreError> {
        let mut values = Values(vec![i64::from(most).into(), since.into(), until.into()]);
        let within = values.of_plants(facilities);
        let sql = format!(
            "SELECT timestamp, raised, status_before, status_after FROM alert_acts
            WHERE timestamp >= $2 AND timestamp < $3{within} ORDER BY timestamp DESC, id DESC LIMIT $1"
        );
        self.db.read("read what was done", &sql, values.0).await?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Reaction, StoreError> {
    let at = row.get::<At>("timestamp")?.0;
    let before: String = row.get("status_before")?;
    let after: String = row.get("status_after")?;
    let is_closed =
        |status: &str| matches!(Status::named(status), Some(Status::Resolved | Status::FalsePositive));
    Ok(Reaction {
        at,
        took: at.since(row.get::<At>("raised")?.0),
        is_first: before == Status::New.name(),
        closes: is_closed(&after) && !is_closed(&before),
        is_false_positive: after == Status::FalsePositive.name(),
    })
}
