//! Readers of all reports: each has a mark in every lane, up to which it has read. Lanes number their reports
//! without a gap, so nothing is passed over and, where a reader keeps its marks with what it made of the reports,
//! nothing is read twice.

use uuid::Uuid;

use super::db::Tx;
use super::{Store, StoreError};

/// What stands behind a reader's marks.
#[derive(Debug, Default)]
pub struct Behind {
    /// Alerts that were reported, each once.
    pub alerts: Vec<Uuid>,
    /// Where the marks stand when it has read them.
    pub marks: Vec<(i64, i64)>,
}

impl Store {
    /// Whether there is anything behind a reader's marks.
    pub async fn has_news(&self, reader: &str) -> Result<bool, StoreError> {
        Ok(!self.db.read("look for new reports", BEHIND, vec![reader.into()]).await?.is_empty())
    }
}

/// The next reports, of so many alerts.
pub async fn behind(tx: &mut Tx, reader: &str, most: usize) -> Result<Behind, StoreError> {
    let mut behind = Behind::default();
    for lane in tx.rows("look at alerts", BEHIND, vec![reader.into()]).await? {
        let (position, seen, whole): (i64, i64, i64) =
            (lane.get("id")?, lane.get("seen")?, lane.get("cum_seq")?);
        let room = most.saturating_sub(behind.alerts.len()) as i64;
        if room == 0 {
            break;
        }
        let values = vec![position.into(), seen.into(), whole.into(), room.into()];
        let reports = tx.rows("look at alerts", REPORTS, values).await?;
        let mut last = if (reports.len() as i64) < room { whole } else { seen };
        for report in &reports {
            last = last.max(report.get("seq")?);
            behind.alerts.extend(report.get::<Option<Uuid>>("alert_id")?);
        }
        behind.marks.push((position, last));
    }
    behind.alerts.sort_unstable();
    behind.alerts.dedup();
    Ok(behind)
}

/// Moves a reader's marks on.
pub async fn mark(tx: &mut Tx, reader: &str, marks: &[(i64, i64)]) -> Result<(), StoreError> {
    let rows = marks.iter().map(|(position, seq)| vec![reader.into(), (*position).into(), (*seq).into()]);
    tx.table("keep marks", MARK, rows.collect()).await?;
    Ok(())
}

/// Moves a new reader's marks behind all that there is.
pub async fn begin(tx: &mut Tx, reader: &str) -> Result<(), StoreError> {
    tx.change("keep marks", BEGIN, vec![reader.into()]).await?;
    Ok(())
}

const BEHIND: &str = "SELECT positions.id AS id, positions.cum_seq AS cum_seq, coalesce(reader_marks.seq, 0) AS seen
    FROM positions LEFT JOIN reader_marks ON reader_marks.position_id = positions.id AND reader_marks.reader = $1
    WHERE positions.cum_seq > coalesce(reader_marks.seq, 0) ORDER BY positions.id LIMIT 128";
const REPORTS: &str = "SELECT seq, alert_id FROM reports WHERE position_id = $1 AND seq > $2 AND seq <= $3
    ORDER BY seq LIMIT $4";
const MARK: &str = "INSERT INTO reader_marks (reader, position_id, seq) {rows}
    ON CONFLICT (reader, position_id) DO UPDATE SET seq = excluded.seq";
const BEGIN: &str = "INSERT INTO reader_marks (reader, position_id, seq)
    SELECT $1, id, cum_seq FROM positions WHERE TRUE ON CONFLICT DO NOTHING";
