//! What others were told of alerts. A turn of an output reads what is new to it; it is kept as told when the other
//! side has it, so that after a crash some is told again and nothing is left out. Of several processes one tells.

use std::collections::HashMap;

use fieldward_shared::alert::{Alert, Severity};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::alerts::Stored;
use super::db::{At, Value, Values};
use super::incidents::uuid;
use super::report::{number, severity};
use super::{Store, StoreError, readers};

/// What is to be told.
#[derive(Debug)]
pub struct Lot {
    /// The oldest first.
    pub alerts: Vec<Stored>,
    marks: Vec<(i64, i64)>,
}

/// How it goes with an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Alerts that it was told, one as often as it changed.
    pub told: u64,
    /// Alerts that the other side did not take whatever was done.
    pub refused: u64,
    /// When it was told last.
    pub last: Option<Timestamp>,
    /// What is wrong now, and since when.
    pub error: Option<(String, Timestamp)>,
    /// Whether alerts wait for it.
    pub is_behind: bool,
}

impl Lot {
    /// Whether there was nothing to read.
    pub const fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }
}

impl Store {
    /// Takes an output for a time; false: another process has it. One that is new is told what comes from now on.
    pub async fn take_output(
        &self,
        name: &str,
        runner: Uuid,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("take an output").await?;
        if tx.change("begin an output", NEW, vec![name.into()]).await? > 0 {
            readers::begin(&mut tx, &reader(name)).await?;
        }
        let values = vec![name.into(), runner.into(), now.into(), lease.into()];
        let is_ours = tx.change("take an output", TAKE, values).await? > 0;
        tx.commit("take an output").await?;
        Ok(is_ours)
    }

    /// Lets others tell it.
    pub async fn leave_output(&self, name: &str, runner: Uuid) -> Result<(), StoreError> {
        let mut tx = self.db.begin("leave an output").await?;
        tx.change("leave an output", LEAVE, vec![name.into(), runner.into()]).await?;
        tx.commit("leave an output").await
    }

    /// Whether anything was reported that was not looked at for an output.
    pub async fn output_has_news(&self, name: &str) -> Result<bool, StoreError> {
        self.has_news(&reader(name)).await
    }

    /// What is to be told next: of the alerts that were reported those that are wanted and are new to it, or worse
    /// than it was told, or named otherwise.
    pub async fn lot(&self, name: &str, is_wanted: impl Fn(&Alert) -> bool) -> Result<Lot, StoreError> {
        let mut tx = self.db.begin("look at alerts").await?;
        let behind = readers::behind(&mut tx, &reader(name), MOST).await?;
        let ids = || behind.alerts.iter().map(|id| Value::from(*id));
        let mut alerts = Vec::new();
        let mut values = Values::default();
        if let Some(named) = values.among("id", ids()) {
            let sql = format!("SELECT * FROM alerts WHERE {named} ORDER BY timestamp, id");
            for row in &tx.rows("read alerts", &sql, values.0).await? {
                alerts.push(Stored::read(row)?);
            }
        }
        let mut told: HashMap<Uuid, (Severity, Option<String>)> = HashMap::new();
        let mut values = Values(vec![name.into()]);
        if let Some(named) = values.among("alert_id", ids()) {
            let sql = format!(
                "SELECT alert_id, severity, technique FROM output_alerts WHERE output = $1 AND {named}"
            );
            for row in &tx.rows("read what was told", &sql, values.0).await? {
                told.insert(row.get("alert_id")?, (severity(row.get("severity")?), row.get("technique")?));
            }
        }
        tx.commit("look at alerts").await?;
        alerts.retain(|one| {
            let alert = &one.alert;
            let is_news = told.get(&uuid(alert.id)).is_none_or(|(severity, technique)| {
                alert.severity > *severity || alert.attack_type != *technique
            });
            is_news && is_wanted(alert)
        });
        Ok(Lot { alerts, marks: behind.marks })
    }

    /// Keeps that a lot was told, but for so many that were refused.
    pub async fn output_told(
        &self,
        name: &str,
        lot: &Lot,
        refused: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("keep what was told").await?;
        let rows = lot.alerts.iter().map(|one| {
            let alert = &one.alert;
            vec![
                name.into(),
                uuid(alert.id).into(),
                number(alert.severity).into(),
                Value::text(alert.attack_type.as_deref()),
            ]
        });
        tx.table("keep what was told", KEEP, rows.collect()).await?;
        readers::mark(&mut tx, &reader(name), &lot.marks).await?;
        if !lot.alerts.is_empty() {
            let told = (lot.alerts.len() as u64).saturating_sub(refused);
            let values = vec![name.into(), Value::count(told), Value::count(refused), now.into()];
            tx.change("keep what was told", COUNT, values).await?;
        }
        tx.commit("keep what was told").await
    }

    /// Keeps what is wrong with an output.
    pub async fn output_failed(&self, name: &str, error: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin("keep what is wrong").await?;
        tx.change("keep what is wrong", FAILED, vec![name.into(), error.into(), now.into()]).await?;
        tx.commit("keep what is wrong").await
    }

    /// How it goes with all that were ever told anything.
    pub async fn outputs(&self) -> Result<Vec<Standing>, StoreError> {
        let mut all = Vec::new();
        for row in self.db.read("read outputs", "SELECT * FROM outputs ORDER BY name", vec![]).await? {
            let name: String = row.get("name")?;
            let error: Option<String> = row.get("error")?;
            let since = row.get::<Option<At>>("failing_since")?.map(|at| at.0);
            all.push(Standing {
                told: row.count("told")?,
                refused: row.count("refused")?,
                last: row.get::<Option<At>>("last_told")?.map(|at| at.0),
                error: error.zip(since),
                is_behind: self.output_has_news(&name).await?,
                name,
            });
        }
        Ok(all)
    }
}

fn reader(name: &str) -> String {
    format!("output {name}")
}

/// Alerts of a lot.
const MOST: usize = 100;
const NEW: &str = "INSERT INTO outputs (name) VALUES ($1) ON CONFLICT DO NOTHING";
const TAKE: &str = "UPDATE outputs SET runner = $2, lease = $4
    WHERE name = $1 AND (lease IS NULL OR lease < $3 OR runner = $2)";
const LEAVE: &str = "UPDATE outputs SET runner = NULL, lease = NULL WHERE name = $1 AND runner = $2";
const KEEP: &str = "INSERT INTO output_alerts (output, alert_id, severity, technique) {rows}
    ON CONFLICT (output, alert_id) DO UPDATE SET severity = excluded.severity, technique = excluded.technique";
const COUNT: &str = "UPDATE outputs SET told = told + $2, refused = refused + $3, last_told = $4,
    error = NULL, failing_since = NULL WHERE name = $1";
const FAILED: &str =
    "UPDATE outputs SET error = $2, failing_since = coalesce(failing_since, $3) WHERE name = $1";
