//! What the driver of a round keeps: each step of it in one transaction, with all that made it. Whoever takes a round
//! over finds it after its last whole step, with everything that plants had sent by then.

use fieldward_shared::identity::{sha256, to_hex};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::audit::{Act, append};
use super::db::{Json, Kind, Row, Tx, Value};
use super::rounds::{Client, Phase, Round, read};
use super::versions::{self, NewVersion};
use super::{Store, StoreError};

/// What a plant has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// In which attempt.
    pub attempt: u32,
    /// Who.
    pub agent: Uuid,
    /// What it is.
    pub kind: &'static str,
    /// As it came.
    pub body: Vec<u8>,
}

/// Where a plant sits as long as an epoch lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Which epoch.
    pub epoch: u64,
    /// Who.
    pub agent: Uuid,
    /// In which group.
    pub group: u64,
    /// What it threw into the draw.
    pub nonce: [u8; 32],
}

/// What becomes of a candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Which version.
    pub version: u64,
    /// Why it is rejected; none: it is promoted.
    pub rejected: Option<String>,
    /// What plants said of it.
    pub metrics: serde_json::Value,
    /// In the mean.
    pub accuracy: Option<f64>,
}

/// What the guard remembers after a round.
#[derive(Clone, Copy, Debug)]
pub struct Guarded<'a> {
    /// All of it.
    pub memory: &'a [u8],
    /// What it remembered before and could not read: it is set aside, and that it was is audited.
    pub damaged: Option<&'a [u8]>,
}

/// A step: all of it is kept, or nothing.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// The round as it is after it.
    pub round: &'a Round,
    /// Which process drives it.
    pub runner: Uuid,
    /// Until when nobody else may.
    pub lease: Timestamp,
    /// What came.
    pub sent: &'a [Sent],
    /// Plants as they are after it.
    pub clients: &'a [Client],
    /// Seats of a new epoch.
    pub seats: &'a [Seat],
    /// The model that was made of the sums, which are not needed any more.
    pub candidate: Option<&'a NewVersion>,
    /// What the guard remembers, whether a model was made or not.
    pub guard: Option<Guarded<'a>>,
    /// What was left out, and why.
    pub notes: &'a [String],
    /// What becomes of the candidate.
    pub verdict: Option<&'a Verdict>,
}

impl Store {
    /// Takes the round whose turn it is: one under way that nobody drives, or else the one that waits longest.
    pub async fn take_round(
        &self,
        runner: Uuid,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Option<Round>, StoreError> {
        let values = || vec![runner.into(), now.into()];
        if self.db.read("look for a round", FREE, values()).await?.is_empty() {
            return Ok(None);
        }
        let mut tx = self.db.begin("take a round").await?;
        // Of several networks one learns at a time: plants have one processor for it.
        tx.alone(DRIVING).await?;
        let mut values = values();
        values.push(lease.into());
        let rows = tx.rows("take a round", TAKE, values).await?;
        tx.commit("take a round").await?;
        rows.first().map(read).transpose()
    }

    /// Lets go of what a process drove that was killed: where a database is one process's own, whoever starts knows
    /// that nobody else drives.
    pub async fn inherit_rounds(&self) -> Result<(), StoreError> {
        if self.db.is_own() {
            let mut tx = self.db.begin("inherit rounds").await?;
            tx.change("inherit rounds", INHERIT, vec![]).await?;
            tx.commit("inherit rounds").await?;
        }
        Ok(())
    }

    /// Lets others drive what a process drove.
    pub async fn leave_rounds(&self, runner: Uuid) -> Result<(), StoreError> {
        let mut tx = self.db.begin("leave rounds").await?;
        tx.change("leave rounds", LEAVE, vec![runner.into()]).await?;
        tx.commit("leave rounds").await
    }

    /// Keeps a step. None: somebody else drives the round now, and nothing was kept; otherwise the version that was
    /// added, if one was.
    pub async fn keep_step(
        &self,
        step: &Step<'_>,
        now: Timestamp,
    ) -> Result<Option<Option<u64>>, StoreError> {
        let (round, is_over) = (step.round, step.round.end.is_some());
        let mut tx = self.db.begin("keep a step").await?;
        let mut candidate = round.candidate;
        let mut added = None;
        if let Some(new) = step.candidate {
            added = Some(versions::add(&mut tx, new, now).await?.id);
            candidate = added;
        }
        let values = vec![
            Value::count(round.number),
            step.runner.into(),
            round.status.name().into(),
            round.phase.name().into(),
            round.start.into(),
            round.end.map_or(Value::Null(Kind::At), Value::from),
            Value::count(round.progress.min(100)),
            real(round.epsilon),
            real(round.accuracy),
            Value::count(round.clients_active),
            Value::count(round.clients_total),
            number(round.base),
            number(candidate),
            Value::count(round.epoch),
            i64::from(round.attempt).into(),
            Value::text(round.reason.as_deref()),
            Json::of(&round.state).into(),
            if is_over { Value::Null(Kind::At) } else { step.lease.into() },
        ];
        if tx.change("keep a step", KEEP, values).await? == 0 {
            return Ok(None);
        }
        if let Some(guard) = &step.guard {
            guard.keep(&mut tx, round, now).await?;
        }
        let sent = step.sent.iter().map(|sent| {
            vec![
                Value::count(round.number),
                i64::from(sent.attempt).into(),
                sent.agent.into(),
                sent.kind.into(),
                now.into(),
                sent.body.clone().into(),
            ]
        });
        // One at a time: some are as long as the model.
        for one in sent {
            tx.change("keep what came", SENT, one).await?;
        }
        tx.table("keep who takes part", CLIENTS, step.clients.iter().map(Client::values).collect()).await?;
        super::log::note(&mut tx, step, now).await?;
        let seats = step.seats.iter().map(|seat| {
            vec![
                round.network.as_str().into(),
                Value::count(seat.epoch),
                seat.agent.into(),
                Value::count(seat.group),
                seat.nonce.to_vec().into(),
            ]
        });
        tx.table("keep seats", SEATS, seats.collect()).await?;
        match step.verdict {
            Some(Verdict { version, rejected: None, metrics, accuracy }) => {
                versions::promote(&mut tx, *version, metrics, *accuracy, now).await?;
            }
            Some(Verdict { version, rejected: Some(why), metrics, accuracy }) => {
                versions::reject(&mut tx, *version, metrics, *accuracy, why).await?;
            }
            None => {}
        }
        if added.is_some() {
            tx.change("forget updates", OPENED, vec![Value::count(round.number)]).await?;
        }
        if is_over {
            tx.change("forget what came", OVER, vec![Value::count(round.number)]).await?;
        }
        tx.commit("keep a step").await?;
        Ok(Some(added))
    }

    /// What plants have sent in an attempt, one kind of it, in the order of their names.
    pub async fn sent(
        &self,
        round: u64,
        attempt: u32,
        kind: &str,
    ) -> Result<Vec<(Uuid, Vec<u8>)>, StoreError> {
        let values = vec![Value::count(round), i64::from(attempt).into(), kind.into()];
        let rows = self.db.read("read what came", READ, values).await?;
        rows.iter().map(|row| Ok((row.get("agent_id")?, row.get("body")?))).collect()
    }

    /// Who has sent something of a kind, in the order of their names: what is long is read one by one.
    pub async fn senders(&self, round: u64, attempt: u32, kind: &str) -> Result<Vec<Uuid>, StoreError> {
        let values = vec![Value::count(round), i64::from(attempt).into(), kind.into()];
        let rows = self.db.read("read who sent", SENDERS, values).await?;
        rows.iter().map(|row| row.get("agent_id")).collect()
    }

    /// What one plant has sent.
    pub async fn sent_by(
        &self,
        round: u64,
        attempt: u32,
        kind: &str,
        agent: Uuid,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let values = vec![Value::count(round), i64::from(attempt).into(), kind.into(), agent.into()];
        let rows = self.db.read("read what came", ONE, values).await?;
        rows.first().map(|row| row.get("body")).transpose()
    }

    /// The seats of the newest epoch of a network.
    pub async fn seats(&self, network: &str) -> Result<Vec<Seat>, StoreError> {
        let rows = self.db.read("read seats", SEATED, vec![network.into()]).await?;
        let seat = |row: &Row| {
            let nonce: Vec<u8> = row.get("nonce")?;
            let damaged = || StoreError::Damaged { what: "a seat", detail: "its nonce".to_owned() };
            Ok(Seat {
                epoch: row.count("epoch")?,
                agent: row.get("agent_id")?,
                group: row.count("nth")?,
                nonce: nonce.try_into().map_err(|_| damaged())?,
            })
        };
        rows.iter().map(seat).collect()
    }

    /// What the guard remembers of the rounds of a network so far.
    pub async fn guard_memory(&self, network: &str) -> Result<Vec<u8>, StoreError> {
        let sql = "SELECT memory FROM fl_guards WHERE network = $1";
        let rows = self.db.read("read what the guard remembers", sql, vec![network.into()]).await?;
        rows.first().map_or_else(|| Ok(Vec::new()), |row| row.get("memory"))
    }

    /// Whether a round of a network was begun since; a timer asks.
    pub async fn last_round(&self, network: &str) -> Result<Option<(Phase, Timestamp)>, StoreError> {
        let sql = "SELECT * FROM fl_rounds WHERE network = $1 ORDER BY id DESC LIMIT 1";
        let rows = self.db.read("read rounds", sql, vec![network.into()]).await?;
        rows.first().map(|row| read(row).map(|round| (round.phase, round.planned))).transpose()
    }
}

impl Guarded<'_> {
    async fn keep(&self, tx: &mut Tx, round: &Round, now: Timestamp) -> Result<(), StoreError> {
        let damaged = self.damaged.map_or(Value::Null(Kind::Bytes), |damaged| damaged.to_vec().into());
        let (network, number) = (round.network.as_str(), Value::count(round.number));
        let values = vec![network.into(), number, self.memory.to_vec().into(), damaged];
        tx.change("keep what the guard remembers", GUARD, values).await?;
        if let Some(damaged) = self.damaged {
            let digest = to_hex(&sha256(damaged));
            let detail = format!(
                "round {}: {} bytes could not be read and are set aside (SHA-256 {digest}); groups that were shut out come back",
                round.number,
                damaged.len()
            );
            let act =
                Act { at: now, actor: "rounds", action: "guard.renewed", object: network, detail: &detail };
            append(tx, act).await?;
        }
        Ok(())
    }
}

fn real(value: Option<f64>) -> Value {
    value.map_or(Value::Null(Kind::Real), Value::real)
}

fn number(value: Option<u64>) -> Value {
    value.map_or(Value::Null(Kind::Int), Value::count)
}

/// Who takes a round is alone.
const DRIVING: i64 = 0x0064_7269_7665;
const FREE: &str = "SELECT id FROM fl_rounds WHERE status IN ('planned', 'in-progress')
    AND (lease IS NULL OR lease < $2 OR runner = $1) LIMIT 1";
const TAKE: &str = "UPDATE fl_rounds SET runner = $1, lease = $3
    WHERE id = (SELECT id FROM fl_rounds WHERE status IN ('planned', 'in-progress')
            ORDER BY CASE status WHEN 'in-progress' THEN 0 ELSE 1 END, paused, id LIMIT 1)
        AND (lease IS NULL OR lease < $2 OR runner = $1)
    RETURNING *";
const INHERIT: &str = "UPDATE fl_rounds SET lease = NULL, runner = NULL WHERE runner IS NOT NULL";
const LEAVE: &str = "UPDATE fl_rounds SET lease = NULL, runner = NULL WHERE runner = $1";
const KEEP: &str =
    "UPDATE fl_rounds SET status = $3, phase = $4, start_time = $5, end_time = $6, progress = $7,
        epsilon = $8, model_accuracy = $9, clients_active = $10, total_clients = $11, base_id = $12,
        candidate_id = $13, epoch = $14, attempt = $15, reason = $16, state = $17, lease = $18
    WHERE id = $1 AND runner = $2 AND status IN ('planned', 'in-progress')";
/// What comes again changes nothing.
const SENT: &str = "INSERT INTO fl_messages (round_id, attempt, agent_id, kind, received, body)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
const CLIENTS: &str =
    "INSERT INTO fl_clients (round_id, agent_id, facility_id, name, status, stage, reason, progress,
        current_epoch, total_epochs, loss, accuracy, vote, epsilon, rounds_left, delta, budget,
        last_update) {rows}
    ON CONFLICT (round_id, agent_id) DO UPDATE SET status = excluded.status, stage = excluded.stage,
        reason = excluded.reason, progress = excluded.progress, current_epoch = excluded.current_epoch,
        total_epochs = excluded.total_epochs, loss = excluded.loss, accuracy = excluded.accuracy,
        vote = excluded.vote, epsilon = excluded.epsilon, rounds_left = excluded.rounds_left,
        delta = excluded.delta, budget = excluded.budget,
        last_update = excluded.last_update";
const SEATS: &str =
    "INSERT INTO fl_groups (network, epoch, agent_id, nth, nonce) {rows} ON CONFLICT DO NOTHING";
const GUARD: &str = "INSERT INTO fl_guards (network, round_id, memory, damaged) VALUES ($1, $2, $3, $4)
    ON CONFLICT (network) DO UPDATE SET round_id = excluded.round_id, memory = excluded.memory,
        damaged = COALESCE(excluded.damaged, fl_guards.damaged)";
const OPENED: &str = "DELETE FROM fl_messages WHERE round_id = $1 AND kind = 'masked'";
const OVER: &str = "DELETE FROM fl_messages WHERE round_id = $1";
const READ: &str = "SELECT agent_id, body FROM fl_messages
    WHERE round_id = $1 AND attempt = $2 AND kind = $3 ORDER BY agent_id";
const SENDERS: &str = "SELECT agent_id FROM fl_messages
    WHERE round_id = $1 AND attempt = $2 AND kind = $3 ORDER BY agent_id";
const ONE: &str = "SELECT body FROM fl_messages
    WHERE round_id = $1 AND attempt = $2 AND kind = $3 AND agent_id = $4";
const SEATED: &str = "SELECT epoch, agent_id, nth, nonce FROM fl_groups
    WHERE network = $1 AND epoch = (SELECT max(epoch) FROM fl_groups WHERE network = $1) ORDER BY nth, agent_id";
