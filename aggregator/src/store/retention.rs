//! How long what is kept. Old rows go in small pieces with a transaction each, so that whoever writes never
//! waits long, and a report that is forgotten is still known to have been committed.

use std::time::Duration;

use fieldward_shared::supervisor::Stop;
use fieldward_shared::time::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::counts::{COUNTED, Changes, Counted};
use super::db::{At, Value, Values};
use super::doubt::Doubt;
use super::requests::KEY;
use super::traffic::Resolution;
use super::{Store, StoreError, now};
use crate::vitals::{Part, Vitals};

/// How many days what is kept.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Alerts, their reports, what was lost or could not be read, and hours of traffic
    /// and of web requests.
    pub alerts_days: u32,
    /// Minutes of traffic and of web requests.
    pub metrics_days: u32,
    /// Seconds of traffic.
    pub traffic_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { alerts_days: 90, metrics_days: 30, traffic_days: 7 }
    }
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Alerts.
    pub alerts: u64,
    /// Reports, losses, and what could not be read.
    pub reports: u64,
    /// Of traffic and of web requests.
    pub traffic: u64,
}

impl Store {
    /// Forgets what is older than it is to be kept.
    pub async fn forget(&self, retention: Retention, now: Timestamp) -> Result<Forgotten, StoreError> {
        let before =
            |days: u32| Timestamp::from_micros(now.as_micros().saturating_sub(u64::from(days) * DAY));
        let alerts = before(retention.alerts_days);
        let mut traffic = 0;
        for (resolution, before) in [
            (Resolution::Second, before(retention.traffic_days)),
            (Resolution::Minute, before(retention.metrics_days)),
            (Resolution::Hour, alerts),
        ] {
            let table = resolution.table();
            let sql = format!(
                "DELETE FROM {table} WHERE (facility_id, timestamp) IN (
                    SELECT facility_id, timestamp FROM {table} WHERE timestamp < $1 LIMIT $2)"
            );
            traffic += self.pieces(&sql, vec![before.into()]).await?;
        }
        for (resolution, before) in
            [(Resolution::Minute, before(retention.metrics_days)), (Resolution::Hour, alerts)]
        {
            for (table, key) in
                [(resolution.endpoints(), KEY), (resolution.requests(), "facility_id, timestamp")]
            {
                let sql = format!(
                    "DELETE FROM {table} WHERE ({key}) IN (
                        SELECT {key} FROM {table} WHERE timestamp < $1 LIMIT $2)"
                );
                traffic += self.pieces(&sql, vec![before.into()]).await?;
            }
        }
        let mut reports = self.reports(alerts).await?;
        for table in ["losses", "dead_letter"] {
            let sql = format!(
                "DELETE FROM {table} WHERE (position_id, seq) IN (
                    SELECT position_id, seq FROM {table} WHERE received < $1 LIMIT $2)"
            );
            reports += self.pieces(&sql, vec![alerts.into()]).await?;
        }
        // A plant's clock may be wrong: what counts is when it was heard of last. One from the future would
        // stay for ever.
        let mut gone = self.alerts_gone(OLD_ALERTS, vec![alerts.into()]).await?;
        gone += self.alerts_gone(FUTURE_ALERTS, vec![alerts.into(), now.plus(DAY).into()]).await?;
        let old =
            "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE last_seen < $1 LIMIT $2)";
        self.pieces(old, vec![alerts.into()]).await?;
        for table in ["alert_hours", "alert_days", "alert_facility_days", "alert_technique_days"] {
            // Of days by technique, which lie by plant, so that the ends of each are found in its order.
            let plants =
                if table == "alert_days" { "facility_id IN (SELECT id FROM facilities) AND" } else { "" };
            let sql = format!(
                "DELETE FROM {table} WHERE {plants} (timestamp < $1 OR timestamp > $2) AND count = 0"
            );
            let mut tx = self.db.begin("forget what is old").await?;
            tx.change("forget what is old", &sql, vec![alerts.into(), now.into()]).await?;
            tx.commit("forget what is old").await?;
        }
        Ok(Forgotten { alerts: gone, reports, traffic })
    }

    /// Deletes so many at a time, until none are left. The last value is how many.
    async fn pieces(&self, sql: &str, mut values: Vec<Value>) -> Result<u64, StoreError> {
        values.push(PIECE.into());
        let mut all = 0;
        loop {
            let mut tx = self.db.begin("forget what is old").await?;
            let gone = tx.change("forget what is old", sql, values.clone()).await?;
            tx.commit("forget what is old").await?;
            all += gone;
            if gone < PIECE.cast_unsigned() {
                return Ok(all);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Deletes alerts, so many at a time, and counts them out.
    async fn alerts_gone(&self, sql: &str, mut values: Vec<Value>) -> Result<u64, StoreError> {
        values.push(PIECE.into());
        let mut all = 0;
        loop {
            let mut tx = self.db.begin("forget old alerts").await?;
            let sql = format!("SELECT alerts.id, {COUNTED} FROM alerts {sql}{}", tx.for_update());
            let gone = tx.rows("forget old alerts", &sql, values.clone()).await?;
            let (mut changes, mut ids) = (Changes::default(), Vec::new());
            for row in &gone {
                changes.remove(Counted::read(row)?);
                ids.push(Value::from(row.get::<Uuid>("id")?));
            }
            let mut values = Values::default();
            if let Some(named) = values.among("id", ids) {
                let sql = format!("DELETE FROM alerts WHERE {named}");
                tx.change("forget old alerts", &sql, values.0).await?;
            }
            changes.note(&mut tx).await?;
            tx.commit("forget old alerts").await?;
            all += gone.len() as u64;
            if (gone.len() as u64) < PIECE.cast_unsigned() {
                return Ok(all);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Forgets reports from the beginning of each lane. Its position says that they were there.
    async fn reports(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut all = 0;
        for row in self.db.read("read positions", "SELECT id FROM positions ORDER BY id", vec![]).await? {
            let lane: i64 = row.get("id")?;
            loop {
                let gone = self.reports_of(lane, before).await?;
                all += gone;
                if gone < PIECE.cast_unsigned() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        Ok(all)
    }

    async fn reports_of(&self, lane: i64, before: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.db.begin("forget old reports").await?;
        let sql = format!("SELECT cum_seq FROM positions WHERE id = $1{}", tx.for_update());
        let rows = tx.rows("forget old reports", &sql, vec![lane.into()]).await?;
        let Some(row) = rows.first() else { return Ok(0) };
        let whole: i64 = row.get("cum_seq")?;
        // Only what nothing is missing before: a report beyond a gap is not told from one never heard of.
        let first =
            tx.rows("forget old reports", FIRST, vec![lane.into(), whole.into(), PIECE.into()]).await?;
        let mut last = None;
        for row in &first {
            if row.get::<At>("received")?.0 >= before {
                break;
            }
            last = Some(row.get::<i64>("seq")?);
        }
        let Some(last) = last else { return Ok(0) };
        let gone = tx.change("forget old reports", FORGET, vec![lane.into(), last.into()]).await?;
        tx.change("forget old reports", REMEMBER, vec![lane.into(), last.into()]).await?;
        tx.commit("forget old reports").await?;
        Ok(gone)
    }
}

/// Forgets what is old, as long as the time of day can be believed.
#[derive(Debug)]
pub struct Keeper {
    store: Store,
    retention: Retention,
    doubt: Doubt,
}

impl Keeper {
    /// Of a database.
    pub const fn new(store: Store, retention: Retention) -> Self {
        Self { store, retention, doubt: Doubt::of("forgotten") }
    }

    /// To be called every hour, with the time of day and how long the process has run by another clock. None
    /// when the time of day is doubted.
    pub async fn hour(&mut self, now: Timestamp, ran: Duration) -> Result<Option<Forgotten>, StoreError> {
        if !self.doubt.believes(&self.store, now, ran).await? {
            return Ok(None);
        }
        let forgotten = self.store.forget(self.retention, now).await?;
        self.doubt.done(&self.store, now).await?;
        Ok(Some(forgotten))
    }
}

/// Forgets every hour, until it is told to stop; notes each time whether it went well.
pub async fn run(store: Store, retention: Retention, vitals: Vitals, mut stop: Stop) {
    vitals.start(Part::Retention, PATIENCE);
    let mut keeper = Keeper::new(store, retention);
    let begun = tokio::time::Instant::now();
    let mut hours = tokio::time::interval(Duration::from_secs(3600));
    loop {
        tokio::select! {
            _ = hours.tick() => {}
            () = stop.asked() => return,
        }
        let forgotten = tokio::select! {
            done = keeper.hour(now(), begun.elapsed()) => done,
            // What it was at is undone, and done later.
            () = stop.asked() => return,
        };
        vitals.note(Part::Retention, matches!(forgotten, Ok(Some(_))));
        match forgotten {
            Ok(Some(Forgotten { alerts: 0, reports: 0, traffic: 0 })) => {}
            Ok(Some(Forgotten { alerts, reports, traffic })) => {
                tracing::info!(alerts, reports, traffic, "forgot what was older than it is to be kept");
            }
            Ok(None) => tracing::warn!(
                "the time of day has leapt; nothing is forgotten until it has stayed so for a day. If it is \
                 wrong, set the clock"
            ),
            Err(error) => {
                tracing::warn!(%error, "forgetting what is old failed; it is tried again in an hour")
            }
        }
    }
}

/// An hour, and as long again for what is much.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);
/// Rows of a transaction.
const PIECE: i64 = 500;
/// Microseconds.
const DAY: u64 = 86_400_000_000;
const OLD_ALERTS: &str = "WHERE timestamp < $1 AND received < $1 LIMIT $2";
const FUTURE_ALERTS: &str = "WHERE timestamp > $2 AND received < $1 LIMIT $3";
const FIRST: &str = "SELECT seq, received FROM reports WHERE position_id = $1 AND seq <= $2
    ORDER BY seq LIMIT $3";
const FORGET: &str = "DELETE FROM reports WHERE position_id = $1 AND seq <= $2";
const REMEMBER: &str = "UPDATE positions SET forgotten = $2 WHERE id = $1 AND forgotten < $2";
