//! How many alerts there are, kept beside them: of each plant and of its days by technique, of its hours, and of
//! days by plant and by technique alone, since a long range has few of those.
//!
//! Whoever changes an alert notes in the same transaction what is counted otherwise. A task adds many notes to the
//! counts at once, since most of them are of the same few rows; counts and notes together always say the same as
//! the alerts. [`super::counted`] reads both.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Weak};
use std::time::Duration;

use fieldward_shared::alert::{Severity, Status};
use fieldward_shared::time::Timestamp;

use tokio::time::sleep;

use super::db::{At, Db, Row, Tx, Value, text};
use super::report::number;
use super::traffic::Resolution;
use super::{Store, StoreError};

/// What an alert is counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    facility: String,
    /// When its hour begins.
    hour: u64,
    /// Or a web attack where none is named; empty when there is none of both.
    technique: String,
    cell: usize,
}

impl Counted {
    /// An alert of a plant, raised at a moment.
    pub fn of(
        facility: &str,
        raised: Timestamp,
        technique: Option<&str>,
        severity: Severity,
        status: Status,
    ) -> Self {
        // As a database holds it.
        let raised = raised.as_micros().min(i64::MAX.cast_unsigned());
        Self {
            facility: text(facility),
            hour: raised - raised % Resolution::Hour.micros(),
            technique: text(technique.unwrap_or_default()),
            cell: cell(severity, status),
        }
    }

    /// A row with the columns [`COUNTED`].
    pub fn read(row: &Row) -> Result<Self, StoreError> {
        let technique: Option<String> = row.get("attack_type")?;
        let status: String = row.get("status")?;
        Ok(Self::of(
            &row.get::<String>("facility_id")?,
            row.get::<At>("timestamp")?.0,
            technique.as_deref(),
            super::report::severity(row.get("severity")?),
            Status::named(&status).unwrap_or(Status::New),
        ))
    }

    /// The same in another status.
    pub fn with_status(&self, status: Status) -> Self {
        let cell = self.cell - self.cell % STATUSES.len() + place(status);
        Self { cell, ..self.clone() }
    }

    /// In which status it is.
    pub fn status(&self) -> Status {
        STATUSES[self.cell % STATUSES.len()]
    }
}

/// What a transaction changes.
#[derive(Debug, Default)]
pub struct Changes(BTreeMap<Counted, i64>);

impl Changes {
    /// There is one more.
    pub fn add(&mut self, alert: Counted) {
        *self.0.entry(alert).or_default() += 1;
    }

    /// There is one less.
    pub fn remove(&mut self, alert: Counted) {
        *self.0.entry(alert).or_default() -= 1;
    }

    /// Notes them. Nobody waits for anybody by that.
    pub async fn note(self, tx: &mut Tx) -> Result<(), StoreError> {
        let rows: Vec<Vec<Value>> = self.0.into_iter().filter(|(_, count)| *count != 0).map(note).collect();
        tx.table("note what is counted", NOTE, rows).await.map(drop)
    }

    /// What was noted, and is not any more.
    async fn take(tx: &mut Tx) -> Result<Self, StoreError> {
        let mut changes = Self::default();
        for row in tx.rows("add up counts", TAKE, vec![]).await? {
            let alert = Counted {
                facility: row.get("facility_id")?,
                hour: row.get::<At>("timestamp")?.0.as_micros(),
                technique: row.get("attack_type")?,
                cell: usize::try_from(row.get::<i64>("cell")?).unwrap_or_default().min(CELLS - 1),
            };
            *changes.0.entry(alert).or_default() += row.get::<i64>("count")?;
        }
        Ok(changes)
    }

    /// Adds them to the counts.
    async fn add_up(self, tx: &mut Tx) -> Result<(), StoreError> {
        for grain in GRAINS.iter() {
            let mut changed: BTreeMap<(&str, u64, &str), [i64; CELLS]> = BTreeMap::new();
            for (alert, change) in &self.0 {
                let technique = if grain.has("attack_type") { alert.technique.as_str() } else { "" };
                let facility = if grain.has("facility_id") { alert.facility.as_str() } else { "" };
                let at = alert.hour - alert.hour % grain.micros;
                changed.entry((facility, at, technique)).or_default()[alert.cell] += change;
            }
            changed.retain(|_, cells| cells.iter().any(|change| *change != 0));
            let rows = changed.iter().map(|(key, cells)| grain.row(*key, cells)).collect();
            tx.table("add up counts", &grain.write, rows).await?;
        }
        Ok(())
    }
}

fn note((alert, count): (Counted, i64)) -> Vec<Value> {
    let cell = i64::try_from(alert.cell).unwrap_or_default();
    let hour = Timestamp::from_micros(alert.hour);
    vec![
        alert.facility.as_str().into(),
        hour.into(),
        alert.technique.as_str().into(),
        cell.into(),
        count.into(),
    ]
}

impl Store {
    /// Adds what was noted to the counts.
    pub async fn add_up(&self) -> Result<(), StoreError> {
        add_up(&self.db).await
    }
}

async fn add_up(db: &Db) -> Result<(), StoreError> {
    // Not as a reader: while the database is away, this must not be why readers are told to rest.
    let mut tx = db.begin("look for what is noted").await?;
    if tx.rows("look for what is noted", LOOK, vec![]).await?.is_empty() {
        return tx.commit("look for what is noted").await;
    }
    // Another replica may be about to do the same.
    tx.alone(ADDING_UP).await?;
    Changes::take(&mut tx).await?.add_up(&mut tx).await?;
    tx.commit("add up counts").await
}

/// Adds up what is noted each second, as long as there is anybody for whom.
pub async fn keep_adding<T: ?Sized>(db: Db, someone: Weak<T>) {
    let mut is_said = false;
    loop {
        sleep(PAUSE).await;
        if someone.strong_count() == 0 || db.is_closed() {
            return;
        }
        match add_up(&db).await {
            Ok(()) => is_said = false,
            Err(_) if db.is_closed() => return,
            Err(error) if !is_said => {
                is_said = true;
                tracing::warn!(%error, "what is noted of alerts cannot be added to their counts; it is tried again");
            }
            Err(_) => {}
        }
    }
}

/// How finely it is counted.
struct Grain {
    /// Of its stretches; those of a plant have one that never ends.
    micros: u64,
    /// What its rows are of.
    keys: &'static [&'static str],
    /// Adds changes.
    write: String,
}

static GRAINS: LazyLock<[Grain; 5]> = LazyLock::new(|| {
    [
        Grain::of("alert_totals", u64::MAX, &["facility_id", "attack_type"]),
        Grain::of("alert_hours", Resolution::Hour.micros(), &["timestamp", "facility_id"]),
        Grain::of("alert_days", DAY, &["facility_id", "timestamp", "attack_type"]),
        Grain::of("alert_facility_days", DAY, &["timestamp", "facility_id"]),
        Grain::of("alert_technique_days", DAY, &["timestamp", "attack_type"]),
    ]
});

impl Grain {
    fn of(table: &str, micros: u64, keys: &'static [&'static str]) -> Self {
        let mut names = vec!["count".to_owned()];
        names.extend((0..CELLS).map(column));
        let added = names.iter().map(|name| format!("{name} = {table}.{name} + excluded.{name}"));
        let added: Vec<String> = added.collect();
        let (keys_text, names) = (keys.join(", "), names.join(", "));
        let write = format!(
            "INSERT INTO {table} ({keys_text}, {names}) {{rows}} ON CONFLICT ({keys_text}) DO UPDATE SET {}",
            added.join(", ")
        );
        Self { micros, keys, write }
    }

    fn has(&self, key: &str) -> bool {
        self.keys.contains(&key)
    }

    fn row(&self, (facility, at, technique): (&str, u64, &str), cells: &[i64; CELLS]) -> Vec<Value> {
        let key = |name: &&str| match *name {
            "facility_id" => facility.into(),
            "timestamp" => Timestamp::from_micros(at).into(),
            _ => technique.into(),
        };
        let counts = [cells.iter().sum()].into_iter().chain(cells.iter().copied());
        self.keys.iter().map(key).chain(counts.map(Value::from)).collect()
    }
}

/// Where an alert of a severity and a status is counted.
pub fn cell(severity: Severity, status: Status) -> usize {
    number(severity) as usize * STATUSES.len() + place(status)
}

/// The column of a cell.
pub fn column(cell: usize) -> String {
    let severity = super::report::severity((cell / STATUSES.len()) as i64).name();
    let status = STATUSES[cell % STATUSES.len()].name().replace('-', "_");
    format!("{severity}_{status}")
}

const fn place(status: Status) -> usize {
    match status {
        Status::New => 0,
        Status::Acknowledged => 1,
        Status::Resolved => 2,
        Status::FalsePositive => 3,
    }
}

/// Between two times that notes are added up: as long as it takes until their reading would be felt.
const PAUSE: Duration = Duration::from_secs(1);
/// What whoever adds up has to itself.
const ADDING_UP: i64 = 0x6669_656c_6463_6f75;
const NOTE: &str = "INSERT INTO alert_changes (facility_id, timestamp, attack_type, cell, count) {rows}";
const LOOK: &str = "SELECT 1 AS there FROM alert_changes LIMIT 1";
const TAKE: &str = "DELETE FROM alert_changes RETURNING facility_id, timestamp, attack_type, cell, count";
/// In the order of their columns.
pub const STATUSES: [Status; 4] =
    [Status::New, Status::Acknowledged, Status::Resolved, Status::FalsePositive];
/// Four severities in four statuses.
pub const CELLS: usize = 16;
/// The columns of alerts that they are counted by.
pub const COUNTED: &str = "alerts.facility_id, alerts.timestamp, alerts.severity, alerts.status,
    coalesce(alerts.attack_type, (SELECT min(kind) FROM alert_web WHERE alert_web.alert_id = alerts.id))
    AS attack_type";
/// Microseconds.
pub const DAY: u64 = 86_400_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_severity_in_each_status_has_a_column_of_its_own() {
        let columns: std::collections::BTreeSet<String> = (0..CELLS).map(column).collect();
        assert_eq!(columns.len(), CELLS);
        assert_eq!(column(cell(Severity::Critical, Status::FalsePositive)), "critical_false_positive");
        assert_eq!(column(cell(Severity::Low, Status::New)), "low_new");
        let alert = Counted::of("a", Timestamp::from_micros(u64::MAX), None, Severity::High, Status::New);
        assert_eq!(alert.with_status(Status::Resolved).status(), Status::Resolved);
        assert_eq!(alert.with_status(Status::Resolved).cell, cell(Severity::High, Status::Resolved));
        assert!(i64::try_from(alert.hour).is_ok());
    }
}
