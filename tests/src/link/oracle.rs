//! Judges by what stands in the database: every alert that was issued is there once, with the payload it
//! was issued with, or in a range that was counted as lost; and nothing else is there.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, ensure};
use fieldward_agent::spool::LANES;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use uuid::Uuid;

use super::{Agent, alert};

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

/// Looks into the database of a folder.
pub async fn look(folder: &Path) -> Result<Found> {
    let pool = open(folder).await?;
    let number = |sql: &'static str| {
        let pool = pool.clone();
        async move {
            Ok::<_, sqlx::Error>(sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await?.cast_unsigned())
        }
    };
    let found = Found {
        alerts: number("SELECT count(*) FROM alerts").await?,
        reports: number("SELECT count(*) FROM reports WHERE alert_id IS NOT NULL").await?,
        lost: number("SELECT coalesce(sum(count), 0) FROM losses").await?,
        dead: number("SELECT count(*) FROM dead_letter").await?,
        contradicted: number("SELECT coalesce(sum(contradicted), 0) FROM positions").await?,
    };
    pool.close().await;
    Ok(found)
}

/// Nothing was lost: every issued alert is there once, nothing else is.
pub async fn judge(folder: &Path, agents: &[&Agent]) -> Result<Found> {
    let found = look(folder).await?;
    let pool = open(folder).await?;
    let rows = sqlx::query("SELECT id, title, agent_id FROM alerts").fetch_all(&pool).await?;
    pool.close().await;
    let mut there: HashMap<u128, (String, Uuid)> = HashMap::new();
    for row in rows {
        let id: Uuid = row.get("id");
        there.insert(id.as_u128(), (row.get("title"), row.get("agent_id")));
    }
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

async fn open(folder: &Path) -> Result<SqlitePool> {
    let options = SqliteConnectOptions::new().filename(folder.join("fieldward.db")).read_only(true);
    Ok(SqlitePool::connect_with(options).await?)
}
