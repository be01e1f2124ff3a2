//! What security checks look at and what they found: a history of each check and of the score, bounded.

use fieldward_shared::alert::Severity;
use fieldward_shared::time::Timestamp;

use super::audit::{Act, append};
use super::db::{At, Db, Json, Kind, Row, Value};
use super::report::severity;
use super::users::{self, User};
use super::{Store, StoreError};

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which check.
    pub check: String,
    /// When.
    pub at: Timestamp,
    /// `pass`, `warn`, `fail` or `unknown`.
    pub result: String,
    /// In a sentence.
    pub summary: String,
    /// In figures.
    pub evidence: serde_json::Value,
    /// Who had it run.
    pub actor: String,
}

/// What all checks together came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// When.
    pub at: Timestamp,
    /// From 0 to 100; none when nothing was known.
    pub score: Option<f64>,
    /// Checks that passed.
    pub passed: u64,
    /// That warned.
    pub warned: u64,
    /// That failed.
    pub failed: u64,
    /// That could not tell.
    pub unknown: u64,
}

/// What retention should have forgotten and has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// An alert.
    pub alerts: bool,
    /// A minute of traffic.
    pub minutes: bool,
    /// A second of traffic.
    pub seconds: bool,
}

/// What did not arrive, or could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Records that agents said were lost, by severity.
    pub lost: Vec<(Severity, u64)>,
    /// Reports that could not be read.
    pub unread: u64,
}

impl Store {
    /// Keeps what checks found. Who had them run is written down, unless that is nobody.
    pub async fn keep_findings(&self, found: &[Finding], by: Option<&str>) -> Result<(), StoreError> {
        let mut tx = self.db.begin("keep what checks found").await?;
        for one in found {
            let values = vec![
                one.check.as_str().into(),
                one.at.into(),
                one.result.as_str().into(),
                one.summary.as_str().into(),
                Json::of(&one.evidence).into(),
                one.actor.as_str().into(),
            ];
            tx.change("keep what a check found", KEEP, values).await?;
            let bound = vec![one.check.as_str().into(), MOST.into()];
            tx.change("forget what checks found", FORGET, bound).await?;
            if let Some(actor) = by {
                let act = Act {
                    at: one.at,
                    actor,
                    action: "security.check",
                    object: &one.check,
                    detail: &one.result,
                };
                append(&mut tx, act).await?;
            }
        }
        tx.commit("keep what checks found").await
    }

    /// What a check found, the newest first.
    pub async fn findings(&self, check: &str, most: u32) -> Result<Vec<Finding>, StoreError> {
        let values = vec![check.into(), i64::from(most).into()];
        self.db.read("read what a check found", FINDINGS, values).await?.iter().map(finding).collect()
    }

    /// The last that each check found.
    pub async fn last_findings(&self) -> Result<Vec<Finding>, StoreError> {
        self.db.read("read what checks found", LAST, vec![]).await?.iter().map(finding).collect()
    }

    /// Keeps a score.
    pub async fn keep_score(&self, score: &Score) -> Result<(), StoreError> {
        let mut tx = self.db.begin("keep a score").await?;
        let values = vec![
            score.at.into(),
            score.score.map_or(Value::Null(Kind::Real), Value::real),
            Value::count(score.passed),
            Value::count(score.warned),
            Value::count(score.failed),
            Value::count(score.unknown),
        ];
        tx.change("keep a score", KEEP_SCORE, values).await?;
        tx.change("forget scores", FORGET_SCORES, vec![MOST.into()]).await?;
        tx.commit("keep a score").await
    }

    /// The scores since a moment, in order; the newest of them when they are many.
    pub async fn scores(&self, since: Timestamp) -> Result<Vec<Score>, StoreError> {
        let rows = self.db.read("read scores", SCORES, vec![since.into(), SHOWN.into()]).await?;
        let score = |row: &Row| {
            Ok(Score {
                at: row.get::<At>("timestamp")?.0,
                score: row.get("score")?,
                passed: row.count("passed")?,
                warned: row.count("warned")?,
                failed: row.count("failed")?,
                unknown: row.count("unknown")?,
            })
        };
        rows.iter().rev().map(score).collect()
    }

    /// People, and when each signed in last.
    pub async fn sign_ins(&self) -> Result<Vec<(User, Option<Timestamp>)>, StoreError> {
        let rows = self.db.read("read who signed in", SIGN_INS, vec![]).await?;
        let person = |row: &Row| Ok((users::read(row)?, row.get::<Option<At>>("signed_in")?.map(|at| at.0)));
        rows.iter().map(person).collect()
    }

    /// Whether something is still there that should have been forgotten: alerts, minutes, seconds before these
    /// moments.
    pub async fn overdue(&self, [alerts, minutes, seconds]: [Timestamp; 3]) -> Result<Overdue, StoreError> {
        let any = async |sql: &str, before: Timestamp| {
            self.db.read("look for what is old", sql, vec![before.into()]).await.map(|rows| !rows.is_empty())
        };
        Ok(Overdue {
            alerts: any(OLD_ALERT, alerts).await?,
            minutes: any("SELECT 1 FROM network_data_minutes WHERE timestamp < $1 LIMIT 1", minutes).await?,
            seconds: any("SELECT 1 FROM network_data WHERE timestamp < $1 LIMIT 1", seconds).await?,
        })
    }

    /// What was lost and what could not be read since a moment.
    pub async fn missing(&self, since: Timestamp) -> Result<Missing, StoreError> {
        let lost = self.db.read("read what was lost", LOST, vec![since.into()]).await?;
        let lost = lost.iter().map(|row| Ok((severity(row.get("lane")?), row.count("count")?)));
        let unread = self.db.read("count what could not be read", UNREAD, vec![since.into()]).await?;
        Ok(Missing {
            lost: lost.collect::<Result<_, StoreError>>()?,
            unread: unread.first().map_or(Ok(0), |row| row.count("count"))?,
        })
    }

    /// The settings under which what is committed stays, as the database itself tells them, and whether each
    /// is as it has to be.
    pub async fn durability(&self) -> Result<Vec<(&'static str, String, bool)>, StoreError> {
        let asked: &[(&'static str, &str, &[&str])] = match &self.db {
            Db::Sqlite(_) => &[
                ("journal_mode", "SELECT journal_mode AS value FROM pragma_journal_mode", &["wal"]),
                (
                    "synchronous",
                    "SELECT CAST(synchronous AS TEXT) AS value FROM pragma_synchronous",
                    &["2", "3"],
                ),
                (
                    "foreign_keys",
                    "SELECT CAST(foreign_keys AS TEXT) AS value FROM pragma_foreign_keys",
                    &["1"],
                ),
            ],
            Db::Postgres(_) => &[
                ("fsync", "SELECT current_setting('fsync') AS value", &["on"]),
                ("full_page_writes", "SELECT current_setting('full_page_writes') AS value", &["on"]),
                (
                    "synchronous_commit",
                    "SELECT current_setting('synchronous_commit') AS value",
                    &["on", "remote_apply", "local", "remote_write"],
                ),
            ],
        };
        // As those have it who write.
        let mut tx = self.db.begin("look at the database's settings").await?;
        let mut settings = Vec::new();
        for (name, sql, good) in asked {
            let rows = tx.rows("look at the database's settings", sql, vec![]).await?;
            let value: String = rows.first().map_or(Ok(String::new()), |row| row.get("value"))?;
            let is_good = good.contains(&value.as_str());
            settings.push((*name, value, is_good));
        }
        Ok(settings)
    }
}

fn finding(row: &Row) -> Result<Finding, StoreError> {
    Ok(Finding {
        check: row.get("check_id")?,
        at: row.get::<At>("timestamp")?.0,
        result: row.get("result")?,
        summary: row.get("summary")?,
        evidence: row.get::<Json>("evidence")?.read().unwrap_or_default(),
        actor: row.get("actor")?,
    })
}

/// Rows of a check, and of scores: more than a year of hours.
const MOST: i64 = 10_000;
/// Scores that are shown.
const SHOWN: i64 = 1000;
const KEEP: &str = "INSERT INTO security_findings (check_id, timestamp, result, summary, evidence, actor)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (check_id, timestamp) DO NOTHING";
const FORGET: &str = "DELETE FROM security_findings WHERE check_id = $1 AND timestamp <=
    (SELECT timestamp FROM security_findings WHERE check_id = $1 ORDER BY timestamp DESC LIMIT 1 OFFSET $2)";
const FINDINGS: &str = "SELECT * FROM security_findings WHERE check_id = $1 ORDER BY timestamp DESC LIMIT $2";
const LAST: &str = "SELECT found.* FROM security_findings AS found JOIN (
        SELECT check_id AS last_id, max(timestamp) AS last_at FROM security_findings GROUP BY check_id) AS last
    ON last.last_id = found.check_id AND last.last_at = found.timestamp ORDER BY check_id";
const KEEP_SCORE: &str = "INSERT INTO security_scores (timestamp, score, passed, warned, failed, unknown)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (timestamp) DO NOTHING";
const FORGET_SCORES: &str = "DELETE FROM security_scores WHERE timestamp <=
    (SELECT timestamp FROM security_scores ORDER BY timestamp DESC LIMIT 1 OFFSET $1)";
const SCORES: &str = "SELECT * FROM security_scores WHERE timestamp >= $1 ORDER BY timestamp DESC LIMIT $2";
const SIGN_INS: &str = "SELECT users.*, (SELECT max(audit.timestamp) FROM audit
        WHERE audit.action = 'session.begun' AND audit.actor = 'user ' || users.name) AS signed_in
    FROM users ORDER BY name";
const OLD_ALERT: &str = "SELECT 1 FROM alerts WHERE timestamp < $1 AND received < $1 LIMIT 1";
const LOST: &str = "SELECT lane, CAST(sum(count) AS BIGINT) AS count FROM losses WHERE received >= $1
    GROUP BY lane ORDER BY lane";
const UNREAD: &str = "SELECT count(*) AS count FROM dead_letter WHERE received >= $1";
