//! How networks are learnt when a round says nothing else, and what the API asks of rounds beside
//! [`super::rounds`].

use fieldward_shared::time::Timestamp;
use serde_json::Value as Document;
use uuid::Uuid;

use super::audit::{Act, append};
use super::db::{At, Json, Row, Value};
use super::rounds::{self, Round};
use super::{Store, StoreError};

/// How a network is learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// Which.
    pub network: String,
    /// By which strategy.
    pub strategy: String,
    /// What is otherwise than built in, as an object.
    pub settings: Document,
    /// Grows with each change, from 1.
    pub revision: u64,
    /// Who changed it last.
    pub changed_by: String,
    /// When.
    pub changed: Timestamp,
}

/// A line of what happened in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// In which attempt at a sum.
    pub attempt: u32,
    /// The agent that it is about; none: the round itself.
    pub agent: Option<Uuid>,
    /// Its plant.
    pub facility: Option<String>,
    /// What: `phase training`, `ready`, `epoch 2`.
    pub word: String,
    /// What else is to be known.
    pub detail: Option<String>,
}

impl Store {
    /// How a network is learnt; none when nobody has said.
    pub async fn training_of(&self, network: &str) -> Result<Option<Training>, StoreError> {
        let sql = "SELECT * FROM training_settings WHERE network = $1";
        let rows = self.db.read("read how to train", sql, vec![network.into()]).await?;
        rows.first().map(training).transpose()
    }

    /// How networks are learnt of which somebody has said it.
    pub async fn all_training(&self) -> Result<Vec<Training>, StoreError> {
        let sql = "SELECT * FROM training_settings ORDER BY network";
        self.db.read("read how to train", sql, vec![]).await?.iter().map(training).collect()
    }

    /// Says how a network is learnt from now on. None: it was changed since the revision that was seen, or there are
    /// as many networks as there may be.
    pub async fn set_training(
        &self,
        new: &Training,
        seen: Option<u64>,
    ) -> Result<Option<Training>, StoreError> {
        let mut tx = self.db.begin("say how to train").await?;
        tx.alone(SETTING).await?;
        let values = vec![
            new.network.as_str().into(),
            new.strategy.as_str().into(),
            Json::of(&new.settings).into(),
            new.changed_by.as_str().into(),
            new.changed.into(),
            seen.map_or_else(|| Value::Int(-1), Value::count),
            MOST_NETWORKS.into(),
        ];
        let rows = tx.rows("say how to train", SET, values).await?;
        let Some(kept) = rows.first().map(training).transpose()? else { return Ok(None) };
        let detail = format!("{} {}", kept.strategy, kept.settings);
        let act = Act {
            at: new.changed,
            actor: &new.changed_by,
            action: "training.changed",
            object: &kept.network,
            detail: &detail,
        };
        append(&mut tx, act).await?;
        tx.commit("say how to train").await?;
        Ok(Some(kept))
    }

    /// The round in progress, or else the one whose turn is next, or else the newest; none when there was none.
    pub async fn round_of_now(&self) -> Result<Option<Round>, StoreError> {
        let rows = self.db.read("read rounds", OF_NOW, vec![]).await?;
        rows.first().map(rounds::read).transpose()
    }

    /// Rounds behind so many of the newest, the newest first.
    pub async fn rounds_page(&self, limit: u32, offset: u32) -> Result<Vec<Round>, StoreError> {
        let values = vec![i64::from(limit).into(), i64::from(offset).into()];
        self.db.read("read rounds", PAGE, values).await?.iter().map(rounds::read).collect()
    }

    /// Rounds that ended in a stretch of time, the newest first.
    pub async fn rounds_ended(
        &self,
        since: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Result<Vec<Round>, StoreError> {
        let values = vec![since.into(), until.into(), i64::from(most).into()];
        self.db.read("read rounds", ENDED, values).await?.iter().map(rounds::read).collect()
    }

    /// Rounds that are not over, at most so many.
    pub async fn rounds_open(&self, most: u32) -> Result<Vec<Round>, StoreError> {
        self.db
            .read("read rounds", OPEN, vec![i64::from(most).into()])
            .await?
            .iter()
            .map(rounds::read)
            .collect()
    }

    /// What happened in a round, the oldest first, from a place on.
    pub async fn round_log(&self, round: u64, offset: u32, most: u32) -> Result<Vec<Line>, StoreError> {
        let values = vec![Value::count(round), i64::from(most).into(), i64::from(offset).into()];
        self.db.read("read what happened", LOG, values).await?.iter().map(line).collect()
    }

    /// The rounds that a plant was asked for, the newest first.
    pub async fn rounds_of_agent(&self, agent: Uuid, most: u32) -> Result<Vec<rounds::Client>, StoreError> {
        let values = vec![agent.into(), i64::from(most).into()];
        self.db.read("read who takes part", OF_AGENT, values).await?.iter().map(rounds::client).collect()
    }
}

fn training(row: &Row) -> Result<Training, StoreError> {
    let damaged = |_| StoreError::Damaged { what: "how to train", detail: "settings".to_owned() };
    Ok(Training {
        network: row.get("network")?,
        strategy: row.get("strategy")?,
        settings: row.get::<Json>("settings")?.read().map_err(damaged)?,
        revision: row.count("revision")?,
        changed_by: row.get("changed_by")?,
        changed: row.get::<At>("changed")?.0,
    })
}

fn line(row: &Row) -> Result<Line, StoreError> {
    let agent: Uuid = row.get("agent_id")?;
    Ok(Line {
        at: row.get::<At>("timestamp")?.0,
        attempt: u32::try_from(row.count("attempt")?).unwrap_or(u32::MAX),
        agent: (!agent.is_nil()).then_some(agent),
        facility: row.get("facility_id")?,
        word: row.get("word")?,
        detail: row.get("detail")?,
    })
}

/// Who says how to train is alone.
const SETTING: i64 = 0x0074_7261_696e;
/// Networks of which it may be said.
const MOST_NETWORKS: i64 = 16;
/// `-1` stands for whatever revision there is.
const SET: &str = "INSERT INTO training_settings (network, strategy, settings, revision, changed_by, changed)
    SELECT $1, $2, $3, COALESCE((SELECT revision FROM training_settings WHERE network = $1), 0) + 1, $4, $5
    FROM (SELECT count(*) AS others FROM training_settings WHERE network <> $1) AS counted
    WHERE others < $7
        AND ($6 = -1 OR COALESCE((SELECT revision FROM training_settings WHERE network = $1), 0) = $6)
    ON CONFLICT (network) DO UPDATE SET strategy = excluded.strategy, settings = excluded.settings,
        revision = excluded.revision, changed_by = excluded.changed_by, changed = excluded.changed
    RETURNING *";
const OF_NOW: &str = "SELECT * FROM fl_rounds ORDER BY
        CASE status WHEN 'in-progress' THEN 0 WHEN 'planned' THEN 1 ELSE 2 END,
        CASE status WHEN 'planned' THEN id ELSE -id END LIMIT 1";
const PAGE: &str = "SELECT * FROM fl_rounds ORDER BY id DESC LIMIT $1 OFFSET $2";
const ENDED: &str = "SELECT * FROM fl_rounds WHERE end_time >= $1 AND end_time < $2
    ORDER BY end_time DESC, id DESC LIMIT $3";
const OPEN: &str = "SELECT * FROM fl_rounds WHERE status IN ('planned', 'in-progress') ORDER BY id LIMIT $1";
const LOG: &str = "SELECT * FROM fl_log WHERE round_id = $1
    ORDER BY timestamp, attempt, agent_id, word LIMIT $2 OFFSET $3";
const OF_AGENT: &str = "SELECT * FROM fl_clients WHERE agent_id = $1 ORDER BY round_id DESC LIMIT $2";
