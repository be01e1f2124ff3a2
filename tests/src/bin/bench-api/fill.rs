//! Fills a database for measuring: alerts through the store, as agents would report them; what people did about
//! them, and traffic, past it, since that would take days.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use fieldward_aggregator::store::{Body, Report, Store, now};
use fieldward_shared::alert::{Alert, AlertId, AlertSource, Severity};
use fieldward_shared::time::Timestamp;
use fieldward_tests::reports::Reporter;
use sqlx::{AssertSqlSafe, Connection as _};

/// How much of what.
pub struct Filling {
    /// Of the database.
    pub url: String,
    /// Alerts in all.
    pub alerts: u64,
    /// Plants that they are of.
    pub plants: u64,
    /// Days that they were raised in.
    pub days: u64,
    /// Days of traffic.
    pub traffic_days: u64,
}

impl Filling {
    /// Fills it.
    pub async fn fill(&self, store: &Store) -> Result<()> {
        let each = self.alerts / self.plants;
        let start = now().as_micros() - self.days * DAY;
        let (mut tasks, callers) = (tokio::task::JoinSet::new(), 8);
        for caller in 0..callers {
            let (store, plants, step) = (store.clone(), self.plants, self.days * DAY / each);
            tasks.spawn(async move {
                // Piece by piece of time, as it would come in.
                for first in (0..each).step_by(PIECE) {
                    for plant in (0..plants).skip(caller).step_by(callers) {
                        let reporter = Reporter::new(plant);
                        let reports = (first..each.min(first + PIECE as u64)).map(|nth| {
                            let at = start + nth * step + scatter(plant, nth) % step;
                            let mut alert = alert(&reporter, plant, nth, Timestamp::from_micros(at));
                            if nth < each / 10 * 9 {
                                // Older ones are small, for the sake of the disk.
                                (alert.context_analysis, alert.description) = (None, alert.title.clone());
                                alert.sources.truncate(1);
                            }
                            reporter.report(Severity::High, nth + 1, Body::Alert(Box::new(alert)))
                        });
                        store.commit(reports.collect()).await?;
                    }
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        let is_file = self.url.starts_with("sqlite");
        let (mut past, to) = (Past::open(&self.url).await?, now().as_micros());
        past.people(start, to, is_file).await?;
        past.traffic(self, to, is_file).await?;
        past.close().await
    }
}

/// An alert of a plant, with what such plants have: few techniques, most of them one of two.
fn alert(reporter: &Reporter, plant: u64, nth: u64, at: Timestamp) -> Alert {
    let chance = scatter(plant ^ 0xabcd, nth);
    let mut alert = reporter.alert(nth, 1);
    alert.id = AlertId::new(&alert.facility_id, "bench", "10.0.0.9", at);
    (alert.timestamp, alert.first_seen, alert.last_seen) = (at, at, at.plus(30_000_000));
    alert.severity = match chance % 100 {
        0..5 => Severity::Critical,
        5..25 => Severity::High,
        25..60 => Severity::Medium,
        _ => Severity::Low,
    };
    let among = (chance >> 8) % 64;
    let technique = among.leading_zeros() as u64 - 58;
    let names = ["T0846", "T0888", "T0842", "T0855", "T0836", "T0814", "T0819"];
    let place = (technique + plant) % names.len() as u64;
    alert.attack_type = ((chance >> 16) % 10 < 7).then(|| names[place as usize].to_owned());
    alert.attack_name = alert.attack_type.as_ref().map(|_| "Remote System Discovery".to_owned());
    alert.tactic = alert.attack_type.as_ref().map(|_| "discovery".to_owned());
    if (chance >> 24) % 100 < 2 {
        let kind =
            ["web injection", "web traversal", "web script", "web command"][(chance >> 40) as usize % 4];
        alert.protocol = "http".into();
        let source = AlertSource {
            layer: 1,
            model_name: "web".into(),
            confidence: 0.9,
            detection_time: at,
            evidence: "asked for /status?id=1 in a way that pages are not asked".into(),
            context_evidence: serde_json::json!({ "kind": kind, "findings": 1, "different": 1 }),
        };
        alert.sources.insert(0, source);
    }
    alert
}

fn scatter(one: u64, other: u64) -> u64 {
    let mixed = (one.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ other).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 29).wrapping_mul(0x94d0_49bb_1331_11eb).rotate_left(27)
}

/// Reports of all plants, so many in a second, for ever.
pub async fn report(store: Store, rate: u64, plants: u64, committed: Arc<AtomicU64>) -> Result<()> {
    let mut tenths = tokio::time::interval(Duration::from_millis(100));
    let each = rate.div_ceil(10);
    // Each time the agents have lost their spools.
    let life = u128::from(now().as_micros());
    for round in 0.. {
        tenths.tick().await;
        let mut reports: Vec<Report> = Vec::new();
        for nth in round * each..(round + 1) * each {
            let plant = nth % plants;
            let mut reporter = Reporter::new(plant);
            reporter.incarnation = life;
            let alert = alert(&reporter, plant, nth, now());
            let mut report = reporter.report(Severity::High, nth / plants + 1, Body::Alert(Box::new(alert)));
            report.received = now();
            reports.push(report);
        }
        let many = reports.len() as u64;
        store.commit(reports).await?;
        committed.fetch_add(many, Ordering::Relaxed);
    }
    Ok(())
}

/// A connection past the store.
enum Past {
    File(sqlx::SqliteConnection),
    Server(sqlx::PgConnection),
}

impl Past {
    async fn open(url: &str) -> Result<Self> {
        Ok(match url.strip_prefix("sqlite://") {
            Some(file) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new()
                    .filename(file)
                    .synchronous(sqlx::sqlite::SqliteSynchronous::Off)
                    .pragma("cache_size", "-131072")
                    .busy_timeout(Duration::from_secs(60));
                Self::File(sqlx::SqliteConnection::connect_with(&options).await?)
            }
            None => Self::Server(sqlx::PgConnection::connect(url).await?),
        })
    }

    async fn run(&mut self, sql: String) -> Result<()> {
        match self {
            Self::File(connection) => {
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
            }
            Self::Server(connection) => {
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
            }
        }
        Ok(())
    }

    async fn close(self) -> Result<()> {
        match self {
            Self::File(connection) => connection.close().await?,
            Self::Server(connection) => connection.close().await?,
        }
        Ok(())
    }

    /// Most alerts are closed, of the last two days few. Counts are made anew as their migration makes them.
    async fn people(&mut self, start: u64, end: u64, is_file: bool) -> Result<()> {
        let (dice, id, moment, later, migration) = match is_file {
            true => (
                "abs(random()) % 20",
                "randomblob(16)",
                (|at: u64| at.to_string()) as fn(u64) -> String,
                "timestamp + abs(random()) % 28800000000",
                concat!(
                    include_str!("../../../../migrations/sqlite/0012_counts.sql"),
                    include_str!("../../../../migrations/sqlite/0020_changes_of_counts.sql")
                ),
            ),
            false => (
                "floor(random() * 20)::int",
                "gen_random_uuid()",
                (|at: u64| format!("to_timestamp({})", at as f64 / 1e6)) as fn(u64) -> String,
                "timestamp + random() * interval '8 hours'",
                concat!(
                    include_str!("../../../../migrations/postgres/0012_counts.sql"),
                    include_str!("../../../../migrations/postgres/0020_changes_of_counts.sql")
                ),
            ),
        };
        let settled = end - 2 * DAY;
        let width = (settled - start) / 10;
        for nth in 0..10 {
            let (from, until) = (moment(start + nth * width), moment(start + (nth + 1) * width));
            self.run(format!(
                "UPDATE alerts SET status = CASE {dice} WHEN 0 THEN 'new' WHEN 1 THEN 'acknowledged'
                    WHEN 2 THEN 'false-positive' WHEN 3 THEN 'false-positive' ELSE 'resolved' END,
                    revision = 2 WHERE timestamp >= {from} AND timestamp < {until}"
            ))
            .await?;
            if !is_file {
                // So that the next takes the room of those before.
                self.run("VACUUM alerts".to_owned()).await?;
            }
        }
        let (recent, settled) = (moment(end - 30 * DAY), moment(settled));
        self.run(format!(
            "UPDATE alerts SET status = CASE {dice} WHEN 0 THEN 'resolved' WHEN 1 THEN 'acknowledged'
                WHEN 2 THEN 'acknowledged' ELSE 'new' END WHERE timestamp >= {settled};
            INSERT INTO alert_acts (id, alert_id, facility_id, timestamp, raised, actor, status_before,
                status_after, reason)
            SELECT {id}, id, facility_id, {later}, timestamp, 'user ann', 'new', status, ''
            FROM alerts WHERE timestamp >= {recent} AND status <> 'new'"
        ))
        .await?;
        self.run("DELETE FROM alert_changes".to_owned()).await?;
        for table in
            ["alert_totals", "alert_hours", "alert_days", "alert_facility_days", "alert_technique_days"]
        {
            let made = migration.split(';').find(|piece| piece.contains(&format!("INSERT INTO {table}\n")));
            let made = made.ok_or_else(|| anyhow::anyhow!("how {table} is filled"))?;
            self.run(format!("DELETE FROM {table}; {made}")).await?;
        }
        Ok(())
    }

    /// Minutes and hours of all plants, and seconds of the last two hours: a week of seconds would be more than
    /// the disk is to hold, and no question reads more of them at once.
    async fn traffic(&mut self, filling: &Filling, end: u64, is_file: bool) -> Result<()> {
        for (table, width, length) in [
            ("network_data_minutes", 60, filling.traffic_days * 86_400),
            ("network_data_hours", 3600, filling.traffic_days * 86_400),
            ("network_data", 1, 7200),
        ] {
            let first = (end / 1_000_000 - length) / width * width;
            let many = length / width;
            let (moments, at) = match is_file {
                true => (
                    format!(
                        "(WITH RECURSIVE nths (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM nths
                            WHERE n < {}) SELECT n FROM nths)",
                        many - 1
                    ),
                    format!("({first} + n * {width}) * 1000000"),
                ),
                false => (
                    format!("(SELECT n FROM generate_series(0, {}) AS n)", many - 1),
                    format!("to_timestamp({first} + n * {width})"),
                ),
            };
            let columns = match width {
                1 => "120, 14000, 9, 14, 0.75, 1, 116, 8000, '{\"HTTP requests\": 1.6}'".to_owned(),
                _ => format!(
                    "{width}, 100 * {width} + n % 977, 12000 * {width} + n % 7919, n % 5, 300, 12, 20, 0.75 * {width},
                    8000 * {width}"
                ),
            };
            self.run(format!(
                "INSERT INTO {table} SELECT id, {at}, {columns} FROM facilities CROSS JOIN {moments} AS moments
                WHERE true ORDER BY 1, 2"
            ))
            .await?;
        }
        if !is_file {
            self.run("VACUUM ANALYZE".to_owned()).await?;
        }
        Ok(())
    }
}

/// Reports of a call while it is filled.
const PIECE: usize = 250;
/// Microseconds.
const DAY: u64 = 86_400_000_000;
