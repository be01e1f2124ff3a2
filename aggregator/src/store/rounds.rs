//! Federated rounds and who takes part: planned by whoever wants one, taken and told by the driver.

use fieldward_shared::time::Timestamp;
use serde_json::Value as Document;
use uuid::Uuid;

use super::audit::{Act, append};
use super::db::{At, Json, Kind, Row, Value};
use super::{Store, StoreError};

/// A set of words that stand for themselves in the database and the API.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As it is written.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The one that is written so.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}
pub(super) use words;

words! {
    /// Why a round was planned.
    Cause {
        /// Somebody asked for it.
        Api "api",
        /// It was time.
        Timer "timer",
        /// Plants have changed.
        Drift "drift",
    }
}

words! {
    /// What became of a round.
    Status {
        /// It waits for its driver.
        Planned "planned",
        /// It is under way.
        InProgress "in-progress",
        /// It gave a model that was promoted.
        Completed "completed",
        /// It gave none: its reason says why.
        Failed "failed",
    }
}

words! {
    /// Where a round is.
    Phase {
        /// It waits for its driver.
        Planned "planned",
        /// Plants are told what is asked, and get the model.
        Distributing "distributing",
        /// They train.
        Training "training",
        /// Their updates are summed.
        Aggregating "aggregating",
        /// They judge what came of it.
        Gate "gate",
        /// It is over.
        Complete "complete",
        /// It is over without a model.
        Failed "failed",
    }
}

words! {
    /// How a plant keeps up.
    ClientStatus {
        /// It is there and in time.
        Active "active",
        /// It is there, and later than it should be.
        Delayed "delayed",
        /// It is not there.
        Offline "offline",
    }
}

/// A round that somebody wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Which network.
    pub network: String,
    /// By which strategy.
    pub strategy: String,
    /// As the audit trail names who wants it.
    pub requested_by: String,
    /// Why.
    pub cause: Cause,
    /// What is to be otherwise than configured, as an object; see `round::plan`.
    pub settings: Document,
}

/// A round.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Its number, from 1.
    pub number: u64,
    /// Which network.
    pub network: String,
    /// By which strategy.
    pub strategy: String,
    /// Who wanted it.
    pub requested_by: String,
    /// Why.
    pub cause: Cause,
    /// What became of it.
    pub status: Status,
    /// Where it is.
    pub phase: Phase,
    /// Since when it was wanted.
    pub planned: Timestamp,
    /// When it began; until then when it was wanted.
    pub start: Timestamp,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// From 0 to 100.
    pub progress: u64,
    /// The most that a plant has spent of its budget when it took part.
    pub epsilon: Option<f64>,
    /// Of the new model, as plants judged it.
    pub accuracy: Option<f64>,
    /// Plants that take part.
    pub clients_active: u64,
    /// Plants that were asked.
    pub clients_total: u64,
    /// The version that it trains from.
    pub base: Option<u64>,
    /// The version that came of it.
    pub candidate: Option<u64>,
    /// As long as groups stay.
    pub epoch: u64,
    /// Which attempt at a sum.
    pub attempt: u32,
    /// Why it failed.
    pub reason: Option<String>,
    /// Whether it stands still until it is resumed.
    pub paused: bool,
    /// Who wants it to end, and why.
    pub stopped: Option<(String, String)>,
    /// What was asked for besides.
    pub settings: Document,
    /// Where its driver is; its own matter.
    pub state: Document,
}

/// A plant in a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Which round.
    pub round: u64,
    /// The agent.
    pub agent: Uuid,
    /// Its plant.
    pub facility: String,
    /// What the plant is called.
    pub name: String,
    /// How it keeps up.
    pub status: ClientStatus,
    /// How far it is: what it sent last, or `refused`, `left_out`, `lost`.
    pub stage: String,
    /// Why it is not in it.
    pub reason: Option<String>,
    /// From 0 to 100.
    pub progress: u64,
    /// Epochs that it has trained.
    pub epoch: u64,
    /// Epochs that it is to train.
    pub epochs: u64,
    /// Of its last epoch.
    pub loss: Option<f64>,
    /// Of the new model on what it held back.
    pub accuracy: Option<f64>,
    /// Whether it takes the new model for no worse.
    pub vote: Option<bool>,
    /// Spent, as its own ledger says.
    pub epsilon: Option<f64>,
    /// Rounds that its budget lasts for.
    pub rounds_left: Option<u64>,
    /// At which delta it reckons.
    pub delta: Option<f64>,
    /// Largest epsilon that it spends.
    pub budget: Option<f64>,
    /// When it was heard of last.
    pub last_update: Timestamp,
}

impl Store {
    /// Plans a round; the driver takes it when it is its turn. None when one of this network waits already, or too
    /// many do.
    pub async fn plan_round(&self, wanted: &Wanted, now: Timestamp) -> Result<Option<Round>, StoreError> {
        let mut tx = self.db.begin("plan a round").await?;
        tx.alone(PLANNING).await?;
        let values = vec![
            wanted.network.as_str().into(),
            wanted.strategy.as_str().into(),
            wanted.requested_by.as_str().into(),
            wanted.cause.name().into(),
            now.into(),
            Json::of(&wanted.settings).into(),
            Json::of(&Document::Null).into(),
            MOST_WAITING.into(),
        ];
        let rows = tx.rows("plan a round", PLAN, values).await?;
        let Some(round) = rows.first().map(read).transpose()? else { return Ok(None) };
        let (object, detail) = (round.number.to_string(), wanted.cause.name());
        let act =
            Act { at: now, actor: &wanted.requested_by, action: "round.planned", object: &object, detail };
        append(&mut tx, act).await?;
        tx.commit("plan a round").await?;
        Ok(Some(round))
    }

    /// Rounds, the newest first, before a number.
    pub async fn rounds(&self, before: Option<u64>, most: u32) -> Result<Vec<Round>, StoreError> {
        let before = before.map_or(i64::MAX.into(), Value::count);
        let rows = self.db.read("read rounds", LIST, vec![before, i64::from(most).into()]).await?;
        rows.iter().map(read).collect()
    }

    /// How many rounds there were.
    pub async fn count_rounds(&self) -> Result<u64, StoreError> {
        let rows = self.db.read("count rounds", "SELECT count(*) AS count FROM fl_rounds", vec![]).await?;
        rows.first().map_or(Ok(0), |row| row.count("count"))
    }

    /// A round.
    pub async fn round(&self, number: u64) -> Result<Option<Round>, StoreError> {
        let sql = "SELECT * FROM fl_rounds WHERE id = $1";
        let rows = self.db.read("read a round", sql, vec![Value::count(number)]).await?;
        rows.first().map(read).transpose()
    }

    /// The plants of a round.
    pub async fn round_clients(&self, number: u64) -> Result<Vec<Client>, StoreError> {
        let sql = "SELECT * FROM fl_clients WHERE round_id = $1 ORDER BY facility_id, agent_id";
        let rows = self.db.read("read who takes part", sql, vec![Value::count(number)]).await?;
        rows.iter().map(client).collect()
    }

    /// Each plant in the last round that it was asked for.
    pub async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        let rows = self.db.read("read who takes part", NEWEST, vec![]).await?;
        rows.iter().map(client).collect()
    }

    /// Has a round stand still, or go on. None when there is none that could.
    pub async fn pause_round(
        &self,
        number: u64,
        paused: bool,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<Round>, StoreError> {
        let action = if paused { "round.paused" } else { "round.resumed" };
        let values = vec![Value::count(number), i64::from(paused).into()];
        self.tell_driver(PAUSE, values, Act { at: now, actor, action, object: "", detail: "" }).await
    }

    /// Has a round end without a model. None when there is none that could.
    pub async fn stop_round(
        &self,
        number: u64,
        actor: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<Option<Round>, StoreError> {
        let values = vec![Value::count(number), actor.into(), why.into()];
        self.tell_driver(
            STOP,
            values,
            Act { at: now, actor, action: "round.stopped", object: "", detail: why },
        )
        .await
    }

    /// Changes a round that is not over, and says so.
    async fn tell_driver(
        &self,
        sql: &str,
        values: Vec<Value>,
        act: Act<'_>,
    ) -> Result<Option<Round>, StoreError> {
        let mut tx = self.db.begin("tell a round").await?;
        let rows = tx.rows("tell a round", sql, values).await?;
        let Some(round) = rows.first().map(read).transpose()? else { return Ok(None) };
        let object = round.number.to_string();
        append(&mut tx, Act { object: &object, ..act }).await?;
        tx.commit("tell a round").await?;
        Ok(Some(round))
    }
}

/// What is in a row.
pub(super) fn read(row: &Row) -> Result<Round, StoreError> {
    let number = row.count("round_number")?;
    let damaged =
        |column: &str| StoreError::Damaged { what: "a round", detail: format!("{column} of {number}") };
    let word = |column: &str| row.get::<String>(column);
    let optional = |column: &str| row.get::<Option<i64>>(column).map(|number| number.map(i64::cast_unsigned));
    let stopped = (row.get::<Option<String>>("stopped_by")?, row.get::<Option<String>>("stop_reason")?);
    Ok(Round {
        number,
        network: word("network")?,
        strategy: word("strategy")?,
        requested_by: word("requested_by")?,
        cause: Cause::named(&word("cause")?).ok_or_else(|| damaged("cause"))?,
        status: Status::named(&word("status")?).ok_or_else(|| damaged("status"))?,
        phase: Phase::named(&word("phase")?).ok_or_else(|| damaged("phase"))?,
        planned: row.get::<At>("planned")?.0,
        start: row.get::<At>("start_time")?.0,
        end: row.get::<Option<At>>("end_time")?.map(|at| at.0),
        progress: row.count("progress")?,
        epsilon: row.get("epsilon")?,
        accuracy: row.get("model_accuracy")?,
        clients_active: row.count("clients_active")?,
        clients_total: row.count("total_clients")?,
        base: optional("base_id")?,
        candidate: optional("candidate_id")?,
        epoch: row.count("epoch")?,
        attempt: u32::try_from(row.count("attempt")?).map_err(|_| damaged("attempt"))?,
        reason: row.get("reason")?,
        paused: row.get::<i64>("paused")? == 1,
        stopped: stopped.0.map(|by| (by, stopped.1.unwrap_or_default())),
        settings: row.get::<Json>("settings")?.read().map_err(|_| damaged("settings"))?,
        state: row.get::<Json>("state")?.read().map_err(|_| damaged("state"))?,
    })
}

pub(super) fn client(row: &Row) -> Result<Client, StoreError> {
    let status: String = row.get("status")?;
    let unknown = || StoreError::Damaged { what: "a plant of a round", detail: format!("status {status}") };
    Ok(Client {
        round: row.count("round_id")?,
        agent: row.get("agent_id")?,
        facility: row.get("facility_id")?,
        name: row.get("name")?,
        status: ClientStatus::named(&status).ok_or_else(unknown)?,
        stage: row.get("stage")?,
        reason: row.get("reason")?,
        progress: row.count("progress")?,
        epoch: row.count("current_epoch")?,
        epochs: row.count("total_epochs")?,
        loss: row.get("loss")?,
        accuracy: row.get("accuracy")?,
        vote: row.get::<Option<i64>>("vote")?.map(|vote| vote == 1),
        epsilon: row.get("epsilon")?,
        rounds_left: row.get::<Option<i64>>("rounds_left")?.map(i64::cast_unsigned),
        delta: row.get("delta")?,
        budget: row.get("budget")?,
        last_update: row.get::<At>("last_update")?.0,
    })
}

impl Client {
    /// As a row.
    pub(super) fn values(&self) -> Vec<Value> {
        let real = |number: Option<f64>| number.map_or(Value::Null(Kind::Real), Value::real);
        vec![
            Value::count(self.round),
            self.agent.into(),
            self.facility.as_str().into(),
            self.name.as_str().into(),
            self.status.name().into(),
            self.stage.as_str().into(),
            Value::text(self.reason.as_deref()),
            Value::count(self.progress.min(100)),
            Value::count(self.epoch),
            Value::count(self.epochs),
            real(self.loss),
            real(self.accuracy),
            self.vote.map_or(Value::Null(Kind::Int), |vote| i64::from(vote).into()),
            real(self.epsilon),
            self.rounds_left.map_or(Value::Null(Kind::Int), Value::count),
            real(self.delta),
            real(self.budget),
            self.last_update.into(),
        ]
    }
}

/// Rounds that wait for their turn.
const MOST_WAITING: i64 = 8;
/// Who plans is alone.
const PLANNING: i64 = 0x0072_6f75_6e64;
const PLAN: &str =
    "INSERT INTO fl_rounds (id, round_number, network, strategy, requested_by, cause, status, phase,
        planned, start_time, progress, clients_active, total_clients, epoch, attempt, paused, settings, state)
    SELECT n, n, $1, $2, $3, $4, 'planned', 'planned', $5, $5, 0, 0, 0, 0, 0, 0, $6, $7
    FROM (SELECT COALESCE(max(id), 0) + 1 AS n FROM fl_rounds) AS next
    WHERE (SELECT count(*) FROM fl_rounds WHERE status = 'planned') < $8
        AND NOT EXISTS (SELECT 1 FROM fl_rounds WHERE status = 'planned' AND network = $1)
    RETURNING *";
const LIST: &str = "SELECT * FROM fl_rounds WHERE id < $1 ORDER BY id DESC LIMIT $2";
const NEWEST: &str = "SELECT * FROM fl_clients WHERE (agent_id, round_id) IN (
        SELECT agent_id, max(round_id) FROM fl_clients GROUP BY agent_id) ORDER BY facility_id, agent_id";
const PAUSE: &str = "UPDATE fl_rounds SET paused = $2
    WHERE id = $1 AND paused <> $2 AND status IN ('planned', 'in-progress') RETURNING *";
/// The first who stops it counts.
const STOP: &str = "UPDATE fl_rounds SET stopped_by = $2, stop_reason = $3
    WHERE id = $1 AND stopped_by IS NULL AND status IN ('planned', 'in-progress') RETURNING *";
