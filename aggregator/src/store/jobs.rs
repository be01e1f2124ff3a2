//! Jobs: what is done to many alerts, item by item, each with its result. A job outlives the process that is at
//! it: whoever holds its lease goes on at the next item.

use fieldward_shared::alert::{AlertId, Status};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::audit::{Act, append};
use super::db::{At, Row, Value};
use super::{Store, StoreError};

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It is under way, or waits for others.
    Running,
    /// It is done.
    Done,
    /// It is being taken back.
    Undoing,
    /// It was taken back.
    Undone,
}

impl JobState {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Which.
    pub id: Uuid,
    /// Where it is.
    pub state: JobState,
    /// Since when.
    pub created: Timestamp,
    /// Who asked for it: of the user or the key.
    pub owner: Uuid,
    /// As the audit trail names him.
    pub actor: String,
    /// The status that alerts are to have.
    pub target: Status,
    /// Why.
    pub reason: String,
    /// How many alerts.
    pub total: u64,
    /// How many of them were dealt with in this state.
    pub next: u64,
    /// When it was done.
    pub finished: Option<Timestamp>,
    /// Until when it can be taken back.
    pub undo_until: Option<Timestamp>,
}

/// An alert of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its place.
    pub nth: u64,
    /// Which.
    pub alert: AlertId,
    /// `waiting`, or what came of it.
    pub result: String,
    /// Its status before anything was done; none before it was looked at, or when it was not there.
    pub before: Option<Status>,
}

impl Store {
    /// Adds a job over these alerts; nothing is done to those that are not there for whoever asks. False when
    /// there are as many jobs under way as there may be.
    pub async fn add_job(&self, job: &Job, alerts: &[(AlertId, bool)]) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("add a job").await?;
        let before = Timestamp::from_micros(job.created.as_micros().saturating_sub(KEPT));
        tx.change("forget jobs", FORGET, vec![before.into()]).await?;
        let values = vec![
            job.id.into(),
            job.created.into(),
            job.owner.into(),
            job.actor.as_str().into(),
            job.target.name().into(),
            job.reason.as_str().into(),
            Value::count(job.total),
            MOST.into(),
        ];
        if tx.change("add a job", ADD, values).await? == 0 {
            return Ok(false);
        }
        let rows = alerts.iter().zip(0_i64..).map(|((alert, is_there), nth)| {
            let alert = Uuid::from_u128(alert.as_u128());
            let result = if *is_there { WAITING } else { "not_found" };
            vec![job.id.into(), nth.into(), alert.into(), result.into()]
        });
        tx.table("add items", ADD_ITEMS, rows.collect()).await?;
        let detail = format!("{} alerts to {}: {}", job.total, job.target.name(), job.reason);
        let object = job.id.to_string();
        let act =
            Act { at: job.created, actor: &job.actor, action: "job.added", object: &object, detail: &detail };
        append(&mut tx, act).await?;
        tx.commit("add a job").await?;
        Ok(true)
    }

    /// A job.
    pub async fn job(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        let rows = self.db.read("read a job", "SELECT * FROM jobs WHERE id = $1", vec![id.into()]).await?;
        rows.first().map(read).transpose()
    }

    /// The newest jobs, of one owner or of all.
    pub async fn jobs(&self, owner: Option<Uuid>, most: u32) -> Result<Vec<Job>, StoreError> {
        let (of, mut values) = match owner {
            Some(owner) => (" WHERE owner_id = $2", vec![owner.into()]),
            None => ("", Vec::new()),
        };
        values.insert(0, i64::from(most).into());
        let sql = format!("SELECT * FROM jobs{of} ORDER BY created DESC, id LIMIT $1");
        self.db.read("read jobs", &sql, values).await?.iter().map(read).collect()
    }

    /// How many items of a job have which result.
    pub async fn job_results(&self, id: Uuid) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = self.db.read("count items", RESULTS, vec![id.into()]).await?;
        rows.iter().map(|row| Ok((row.get("result")?, row.count("count")?))).collect()
    }

    /// Items of a job from a place on; only those of one result when one is named.
    pub async fn job_items(
        &self,
        id: Uuid,
        from: u64,
        result: Option<&str>,
        most: u32,
    ) -> Result<Vec<Item>, StoreError> {
        let mut values = vec![id.into(), Value::count(from), i64::from(most).into()];
        let of = if result.is_some() { " AND result = $4" } else { "" };
        values.extend(result.map(Value::from));
        let sql =
            format!("SELECT * FROM job_items WHERE job_id = $1 AND nth >= $2{of} ORDER BY nth LIMIT $3");
        self.db.read("read items", &sql, values).await?.iter().map(item).collect()
    }

    /// Takes a job that is under way and that nobody is at; it is the caller's until `lease`.
    pub async fn take_job(
        &self,
        runner: Uuid,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        // Most often there is none, and no writer need wait to learn that.
        let values = || vec![runner.into(), now.into()];
        if self.db.read("look for a job", FREE, values()).await?.is_empty() {
            return Ok(None);
        }
        let mut tx = self.db.begin("take a job").await?;
        let mut values = values();
        values.push(lease.into());
        let rows = tx.rows("take a job", TAKE, values).await?;
        tx.commit("take a job").await?;
        rows.first().map(read).transpose()
    }

    /// Notes the status that the next items have before anything is done about them.
    pub async fn note_statuses(&self, job: &Job, most: u32) -> Result<Vec<Item>, StoreError> {
        let until = job.next + u64::from(most);
        let mut tx = self.db.begin("note what is").await?;
        let values = vec![job.id.into(), Value::count(job.next), Value::count(until)];
        tx.change("note what is", NOTE, values).await?;
        tx.commit("note what is").await?;
        let mut items = self.job_items(job.id, job.next, None, most).await?;
        items.retain(|item| item.nth < until);
        Ok(items)
    }

    /// Keeps what came of items, and how far the job is. False: somebody else is at it now.
    pub async fn keep_results(
        &self,
        job: &Job,
        runner: Uuid,
        results: &[(u64, &str)],
        lease: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("keep what was done").await?;
        let next = job.next + results.len() as u64;
        let values = vec![job.id.into(), runner.into(), Value::count(next), lease.into()];
        if tx.change("keep what was done", PROGRESS, values).await? == 0 {
            return Ok(false);
        }
        for (nth, result) in results {
            let values = vec![job.id.into(), Value::count(*nth), (*result).into()];
            tx.change("keep what was done", RESULT, values).await?;
        }
        tx.commit("keep what was done").await?;
        Ok(true)
    }

    /// A job has come to its end.
    pub async fn end_job(&self, job: &Job, now: Timestamp, undo_until: Timestamp) -> Result<(), StoreError> {
        let is_undo = job.state == JobState::Undoing;
        let state = if is_undo { JobState::Undone } else { JobState::Done };
        let mut tx = self.db.begin("end a job").await?;
        let values = vec![
            job.id.into(),
            job.state.name().into(),
            state.name().into(),
            now.into(),
            if is_undo { Value::Null(super::db::Kind::At) } else { undo_until.into() },
        ];
        if tx.change("end a job", END, values).await? == 1 {
            let object = job.id.to_string();
            let act = Act {
                at: now,
                actor: &job.actor,
                action: "job.ended",
                object: &object,
                detail: state.name(),
            };
            append(&mut tx, act).await?;
        }
        tx.commit("end a job").await
    }

    /// Begins to take a job back. None when it cannot be taken back, or not any more.
    pub async fn undo_job(&self, id: Uuid, actor: &str, now: Timestamp) -> Result<Option<Job>, StoreError> {
        let mut tx = self.db.begin("take a job back").await?;
        let rows = tx.rows("take a job back", UNDO, vec![id.into(), now.into()]).await?;
        let Some(job) = rows.first().map(read).transpose()? else { return Ok(None) };
        let object = id.to_string();
        append(&mut tx, Act { at: now, actor, action: "job.undone", object: &object, detail: "" }).await?;
        tx.commit("take a job back").await?;
        Ok(Some(job))
    }

    /// Lets others have what a runner was at.
    pub async fn leave_jobs(&self, runner: Uuid) -> Result<(), StoreError> {
        let mut tx = self.db.begin("leave jobs").await?;
        tx.change("leave jobs", LEAVE, vec![runner.into()]).await?;
        tx.commit("leave jobs").await
    }
}

fn read(row: &Row) -> Result<Job, StoreError> {
    let at = |column| row.get::<Option<At>>(column).map(|at| at.map(|at| at.0));
    let target: String = row.get("target")?;
    Ok(Job {
        id: row.get("id")?,
        state: match row.get::<String>("state")?.as_str() {
            "running" => JobState::Running,
            "undoing" => JobState::Undoing,
            "undone" => JobState::Undone,
            _ => JobState::Done,
        },
        created: row.get::<At>("created")?.0,
        owner: row.get("owner_id")?,
        actor: row.get("actor")?,
        target: Status::named(&target)
            .ok_or_else(|| StoreError::Damaged { what: "a job", detail: format!("status {target}") })?,
        reason: row.get("reason")?,
        total: row.count("total")?,
        next: row.count("next")?,
        finished: at("finished")?,
        undo_until: at("undo_until")?,
    })
}

fn item(row: &Row) -> Result<Item, StoreError> {
    let before: Option<String> = row.get("status_before")?;
    Ok(Item {
        nth: row.count("nth")?,
        alert: AlertId::from_u128(row.get::<Uuid>("alert_id")?.as_u128()),
        result: row.get("result")?,
        before: before.as_deref().and_then(Status::named),
    })
}

/// The result of an item before anything was done.
pub const WAITING: &str = "waiting";
/// Microseconds for which a job is kept: 30 days.
const KEPT: u64 = 30 * 86_400_000_000;
/// Jobs under way.
const MOST: i64 = 32;
/// A few at a time: each may have many items.
const FORGET: &str = "DELETE FROM jobs WHERE id IN (
    SELECT id FROM jobs WHERE created < $1 AND state IN ('done', 'undone') ORDER BY created LIMIT 4)";
const ADD: &str = "INSERT INTO jobs (id, state, created, owner_id, actor, target, reason, total, next)
    SELECT $1, 'running', $2, $3, $4, $5, $6, $7, 0
    WHERE (SELECT count(*) FROM jobs WHERE state IN ('running', 'undoing')) < $8";
const ADD_ITEMS: &str = "INSERT INTO job_items (job_id, nth, alert_id, result) {rows}";
const RESULTS: &str =
    "SELECT result, count(*) AS count FROM job_items WHERE job_id = $1 GROUP BY result ORDER BY result";
const FREE: &str = "SELECT id FROM jobs WHERE state IN ('running', 'undoing')
    AND (lease IS NULL OR lease < $2 OR runner = $1) ORDER BY created LIMIT 1";
/// The conditions stand twice: of two who find the same, one gets it.
const TAKE: &str = "UPDATE jobs SET runner = $1, lease = $3
    WHERE id = (SELECT id FROM jobs WHERE state IN ('running', 'undoing')
            AND (lease IS NULL OR lease < $2 OR runner = $1) ORDER BY created LIMIT 1)
        AND state IN ('running', 'undoing') AND (lease IS NULL OR lease < $2 OR runner = $1)
    RETURNING *";
const NOTE: &str = "UPDATE job_items SET
        status_before = (SELECT status FROM alerts WHERE alerts.id = job_items.alert_id)
    WHERE job_id = $1 AND nth >= $2 AND nth < $3 AND status_before IS NULL AND result = 'waiting'";
const PROGRESS: &str = "UPDATE jobs SET next = $3, lease = $4 WHERE id = $1 AND runner = $2";
const RESULT: &str = "UPDATE job_items SET result = $3 WHERE job_id = $1 AND nth = $2";
const END: &str = "UPDATE jobs SET state = $3, finished = $4, undo_until = $5, runner = NULL, lease = NULL
    WHERE id = $1 AND state = $2";
const UNDO: &str = "UPDATE jobs SET state = 'undoing', next = 0, finished = NULL, undo_until = NULL,
        runner = NULL, lease = NULL
    WHERE id = $1 AND state = 'done' AND undo_until > $2 RETURNING *";
const LEAVE: &str = "UPDATE jobs SET lease = NULL, runner = NULL WHERE runner = $1";
