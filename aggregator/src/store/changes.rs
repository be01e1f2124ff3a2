//! What has changed since somebody looked: alerts that agents reported or people acted on, whichever replica
//! wrote them. Lanes number their reports without a gap, so a place in each lane says what is new; no clock is
//! asked but for what people did.

use std::collections::{BTreeSet, HashMap};

use fieldward_shared::alert::AlertId;
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::db::Db;
use super::{Store, StoreError};

/// How far each lane was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(HashMap<i64, i64>);

/// Alerts that have changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub alerts: BTreeSet<AlertId>,
    /// There is more than is told here at once.
    pub is_cut: bool,
}

impl Store {
    /// Whether other processes may write here too.
    pub const fn is_shared(&self) -> bool {
        matches!(self.db, Db::Postgres(_))
    }

    /// How far each lane is now.
    pub async fn marks(&self) -> Result<Marks, StoreError> {
        let rows = self.db.read("read positions", POSITIONS, vec![]).await?;
        rows.iter().map(|row| Ok((row.get("id")?, row.get("cum_seq")?))).collect::<Result<_, _>>().map(Marks)
    }

    /// Alerts of reports behind the marks, which move on. Reports beyond a gap are told again until it is
    /// closed. What is too much for once is left out: then the marks stand behind all of it.
    pub async fn reported_since(&self, marks: &mut Marks, most: usize) -> Result<Changed, StoreError> {
        let mut changed = Changed::default();
        let rows = self.db.read("read positions", POSITIONS, vec![]).await?;
        let mut now = HashMap::with_capacity(rows.len());
        for row in &rows {
            let (lane, whole, has_ahead): (i64, i64, bool) =
                (row.get("id")?, row.get("cum_seq")?, row.get::<i32>("has_ahead")? != 0);
            now.insert(lane, whole);
            let seen = marks.0.get(&lane).copied().unwrap_or(0);
            if changed.is_cut || (whole <= seen && !has_ahead) {
                continue;
            }
            let room = most.saturating_sub(changed.alerts.len());
            let values = vec![lane.into(), seen.min(whole).into(), (room as i64 + 1).into()];
            let reports = self.db.read("read reports", REPORTS, values).await?;
            changed.is_cut |= reports.len() > room;
            for report in reports.iter().take(room) {
                if let Some(id) = report.get::<Option<Uuid>>("alert_id")? {
                    changed.alerts.insert(AlertId::from_u128(id.as_u128()));
                }
            }
        }
        marks.0 = now;
        Ok(changed)
    }

    /// Alerts that people acted on since then.
    pub async fn acted_since(&self, since: Timestamp, most: u32) -> Result<Changed, StoreError> {
        let acts = self.recent_acts(&[], since, Timestamp::from_micros(u64::MAX >> 2), most).await?;
        Ok(Changed {
            is_cut: acts.len() >= most as usize,
            alerts: acts.into_iter().map(|act| act.alert).collect(),
        })
    }
}

const POSITIONS: &str =
    "SELECT id, cum_seq, CASE WHEN CAST(ahead AS TEXT) = '[]' THEN 0 ELSE 1 END AS has_ahead
    FROM positions";
const REPORTS: &str = "SELECT seq, alert_id FROM reports WHERE position_id = $1 AND seq > $2
    ORDER BY seq LIMIT $3";
