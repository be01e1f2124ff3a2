//! Judges by what stands in the database: every alert that was issued is there once, with the payload it
//! was issued with, or in a range that was counted as lost; and nothing else is there.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, ensure};
use fieldward_agent::spool::LANES;
use sqlx::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use uuid::Uuid;

use super::{Agent, alert, url};

/// What the database holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Alerts.
    pub alerts: u64,
    /// Reports of alerts.
    pub reports: u64,
    /// Records that were counted as lost.
    pub lost: u64,
    /// What could not be read.
    pub dead: u64,
    /// Keys that came with another payload.
    pub contradicted: u64,
}

/// A database to look into.
enum There {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Looks into the database of a folder.
pub async fn look(folder: &Path) -> Result<Found> {
    There::open(&url(folder)).await?.look().await
}

/// Nothing was lost: every issued alert is there once, nothing else is.
pub async fn judge(folder: &Path, agents: &[&Agent]) -> Result<Found> {
    judge_at(&url(folder), agents).await
}

/// The same of the database that a URL names.
pub async fn judge_at(url: &str, agents: &[&Agent]) -> Result<Found> {
    let database = There::open(url).await?;
    let found = database.look().await?;
    let rows = database.alerts().await?;
    let mut there: HashMap<u128, (String, Uuid)> =
        rows.into_iter().map(|(id, title, agent)| (id.as_u128(), (title, agent))).collect();
    let mut issued = 0;
    for agent in agents {
        for nth in 1..=agent.issued {
            let severity = LANES[usize::try_from(nth % 4)?];
            let alert = alert(&agent.facility, agent.id, severity, nth);
            let id = u128::from_str_radix(&alert.id.to_string().replace('-', ""), 16)?;
            let found = there.remove(&id);
            ensure!(found == Some((alert.title, agent.id)), "alert {nth} of {}: {found:?}", agent.facility);
            issued += 1;
        }
    }
    ensure!(there.is_empty(), "{} alerts that nobody issued", there.len());
    ensure!(found.reports == issued, "{} reports of {issued} alerts", found.reports);
    ensure!(found.lost == 0 && found.dead == 0 && found.contradicted == 0, "{found:?}");
    Ok(found)
}

impl There {
    async fn open(url: &str) -> Result<Self> {
        if url.starts_with("postgres") {
            return Ok(Self::Postgres(PgPool::connect(url).await?));
        }
        Ok(Self::Sqlite(
            SqlitePool::connect_with(url.parse::<SqliteConnectOptions>()?.read_only(true)).await?,
        ))
    }

    async fn look(&self) -> Result<Found> {
        Ok(Found {
            alerts: self.number("SELECT count(*) FROM alerts").await?,
            reports: self.number("SELECT count(*) FROM reports WHERE alert_id IS NOT NULL").await?,
            lost: self.number("SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM losses").await?,
            dead: self.number("SELECT count(*) FROM dead_letter").await?,
            contradicted: self
                .number("SELECT CAST(coalesce(sum(contradicted), 0) AS BIGINT) FROM positions")
                .await?,
        })
    }

    async fn number(&self, sql: &'static str) -> Result<u64> {
        let number: i64 = match self {
            Self::Sqlite(pool) => sqlx::query_scalar(sql).fetch_one(pool).await?,
            Self::Postgres(pool) => sqlx::query_scalar(sql).fetch_one(pool).await?,
        };
        Ok(number.cast_unsigned())
    }

    /// Ids, titles and agents.
    async fn alerts(&self) -> Result<Vec<(Uuid, String, Uuid)>> {
        let sql = "SELECT id, title, agent_id FROM alerts";
        Ok(match self {
            Self::Sqlite(pool) => sqlx::query_as(sql).fetch_all(pool).await?,
            Self::Postgres(pool) => sqlx::query_as(sql).fetch_all(pool).await?,
        })
    }
}
