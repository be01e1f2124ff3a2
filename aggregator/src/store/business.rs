//! How long people take, and how much is kept: what business figures are made of. Samples are bounded; whoever
//! asks is told when there was more.

use fieldward_shared::alert::{AlertId, Severity, Status};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::db::{At, Db, Row, Value};
use super::report::severity;
use super::{Store, StoreError};

/// What somebody did about an alert, and when the alert was raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedAct {
    /// Which alert.
    pub alert: AlertId,
    /// Its plant.
    pub facility: String,
    /// How much it matters.
    pub severity: Severity,
    /// When it was raised.
    pub raised: Timestamp,
    /// Who.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// The status before.
    pub before: Status,
    /// The status from then on.
    pub after: Status,
}

/// When what an alert is about began, when it was raised, and when it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// Its plant.
    pub facility: String,
    /// The first packet of it.
    pub began: Timestamp,
    /// When it was raised.
    pub raised: Timestamp,
}

impl Store {
    /// What people did in a stretch of time about alerts of these plants (all when none are named), the newest
    /// first.
    pub async fn timed_acts(
        &self,
        facilities: &[String],
        (since, until): (Timestamp, Timestamp),
        most: u32,
    ) -> Result<Vec<TimedAct>, StoreError> {
        let mut values = vec![i64::from(most).into(), since.into(), until.into()];
        let within = within("acts.facility_id", facilities, &mut values);
        let sql = format!(
            "SELECT acts.*, alerts.timestamp AS raised, alerts.severity FROM (
                SELECT * FROM alert_acts AS acts WHERE timestamp >= $2 AND timestamp < $3{within}
                ORDER BY timestamp DESC, id DESC LIMIT $1) AS acts
            JOIN alerts ON alerts.id = acts.alert_id ORDER BY acts.timestamp DESC, acts.id DESC"
        );
        self.db.read("read what was done", &sql, values).await?.iter().map(act).collect()
    }

    /// When the newest alerts of a stretch of time began and were raised.
    pub async fn detections(
        &self,
        facilities: &[String],
        (since, until): (Timestamp, Timestamp),
        most: u32,
    ) -> Result<Vec<Detection>, StoreError> {
        let mut values = vec![i64::from(most).into(), since.into(), until.into()];
        let within = within("facility_id", facilities, &mut values);
        let sql = format!(
            "SELECT facility_id, first_seen, timestamp FROM alerts
            WHERE timestamp >= $2 AND timestamp < $3{within} ORDER BY timestamp DESC, id DESC LIMIT $1"
        );
        let detection = |row: &Row| {
            Ok(Detection {
                facility: row.get("facility_id")?,
                began: row.get::<At>("first_seen")?.0,
                raised: row.get::<At>("timestamp")?.0,
            })
        };
        self.db.read("read alerts", &sql, values).await?.iter().map(detection).collect()
    }

    /// Bytes of the database, with its indexes.
    pub async fn size(&self) -> Result<u64, StoreError> {
        let sql = match &self.db {
            Db::Sqlite(_) => {
                "SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size"
            }
            Db::Postgres(_) => "SELECT pg_database_size(current_database()) AS bytes",
        };
        let rows = self.db.read("measure the database", sql, vec![]).await?;
        rows.first().map_or(Ok(0), |row| row.count("bytes"))
    }

    /// Every table and its columns, as the database has them.
    pub async fn columns(&self) -> Result<Vec<(String, String)>, StoreError> {
        let sql = match &self.db {
            Db::Sqlite(_) => {
                "SELECT known.name AS of_table, part.name AS of_column
                FROM sqlite_master AS known JOIN pragma_table_info(known.name) AS part
                WHERE known.type = 'table' AND known.name NOT LIKE 'sqlite_%' AND known.name NOT LIKE '_sqlx%'
                ORDER BY known.name, part.cid"
            }
            Db::Postgres(_) => {
                "SELECT CAST(part.table_name AS TEXT) AS of_table, CAST(part.column_name AS TEXT) AS of_column
                FROM information_schema.columns AS part JOIN information_schema.tables AS known
                    ON known.table_name = part.table_name AND known.table_schema = part.table_schema
                WHERE part.table_schema = current_schema() AND known.table_type = 'BASE TABLE'
                    AND part.table_name NOT LIKE '\\_sqlx%'
                ORDER BY part.table_name, part.ordinal_position"
            }
        };
        let rows = self.db.read("read the tables", sql, vec![]).await?;
        rows.iter().map(|row| Ok((row.get("of_table")?, row.get("of_column")?))).collect()
    }
}

fn within(column: &str, facilities: &[String], values: &mut Vec<Value>) -> String {
    let mut numbers = Vec::new();
    for facility in facilities {
        values.push(facility.as_str().into());
        numbers.push(format!("${}", values.len()));
    }
    if numbers.is_empty() { String::new() } else { format!(" AND {column} IN ({})", numbers.join(", ")) }
}

fn act(row: &Row) -> Result<TimedAct, StoreError> {
    let status = |column| -> Result<Status, StoreError> {
        Ok(Status::named(&row.get::<String>(column)?).unwrap_or(Status::New))
    };
    Ok(TimedAct {
        alert: AlertId::from_u128(row.get::<Uuid>("alert_id")?.as_u128()),
        facility: row.get("facility_id")?,
        severity: severity(row.get("severity")?),
        raised: row.get::<At>("raised")?.0,
        actor: row.get("actor")?,
        at: row.get::<At>("timestamp")?.0,
        before: status("status_before")?,
        after: status("status_after")?,
    })
}
