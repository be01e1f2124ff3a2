//! Enrolment tokens and those who came with them. A token is used once: by whoever has the key that came
//! with it first, as often as that one needs to get the answer.

use fieldward_shared::identity::{AgentName, Kind, Pin};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::db::{At, Row, Tx};
use super::{Store, StoreError};

/// A token as it is kept: without itself.
#[derive(Clone, Debug)]
pub struct Token {
    /// What whoever brings it is to be.
    pub kind: Kind,
    /// Its id, for lists.
    pub id: Uuid,
    /// SHA-256 of it.
    pub hash: [u8; 32],
    /// The plant for which it is good.
    pub facility: String,
    /// When it was made.
    pub created: Timestamp,
    /// By whom.
    pub created_by: String,
    /// Until when it is good.
    pub expires: Timestamp,
    /// Whoever brings it needs nobody's approval.
    pub auto_approve: bool,
}

/// What becomes of one who brings a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// There is no such token.
    Unknown,
    /// Another key was there before.
    Used,
    /// It has ended.
    Expired,
    /// It is good for this plant, and the agent says it is of another.
    Elsewhere(String),
    /// A person refused it, or revoked the agent.
    Refused,
    /// A person has to approve it first.
    Pending {
        /// Who waits.
        name: AgentName,
        /// It has come for the first time.
        is_new: bool,
    },
    /// It gets a certificate of a kind.
    Welcome(Kind, AgentName),
}

/// Somebody at the door.
#[derive(Clone, Debug)]
pub struct Caller<'a> {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Fingerprint of the key.
    pub key: Pin,
    /// The plant of which it says it is; empty when it does not say.
    pub facility: &'a str,
    /// Where it called from.
    pub source: &'a str,
    /// When.
    pub now: Timestamp,
}

/// An agent that waits, or waited.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// What it is to be.
    pub kind: Kind,
    /// Who.
    pub name: AgentName,
    /// Fingerprint of its key.
    pub key: Pin,
    /// When it came.
    pub requested: Timestamp,
    /// From where.
    pub source: String,
    /// `pending`, `approved` or `refused`.
    pub status: String,
}

impl Store {
    /// Keeps a new token; its plant is made when it is new.
    pub async fn add_token(&self, token: &Token) -> Result<(), StoreError> {
        let mut tx = self.db.begin("add a token").await?;
        let facility = token.facility.as_str();
        tx.change("add a facility", ADD_FACILITY, vec![facility.into(), token.created.into()]).await?;
        let values = vec![
            token.id.into(),
            token.hash.to_vec().into(),
            facility.into(),
            token.created.into(),
            token.created_by.as_str().into(),
            token.expires.into(),
            i64::from(token.auto_approve).into(),
            token.kind.name().into(),
        ];
        tx.change("add a token", ADD, values).await?;
        super::certificates::audit(
            &mut tx,
            token.created,
            &token.created_by,
            "token.created",
            &token.id.to_string(),
            &format!("{} of facility {facility}, auto_approve {}", token.kind.name(), token.auto_approve),
        )
        .await?;
        tx.commit("add a token").await
    }

    /// Agents that wait for approval, the oldest first.
    pub async fn pending(&self) -> Result<Vec<Enrolment>, StoreError> {
        self.db.read("read enrolments", PENDING, Vec::new()).await?.iter().map(enrolment).collect()
    }

    /// Approves or refuses the waiting agent that has this key; gives back which it was.
    pub async fn decide(
        &self,
        key: Pin,
        approve: bool,
        by: &str,
        now: Timestamp,
    ) -> Result<Option<AgentName>, StoreError> {
        let mut tx = self.db.begin("decide on an enrolment").await?;
        let rows = tx.rows("read enrolments", WAITING, vec![key.0.to_vec().into()]).await?;
        let Some(found) = rows.first().map(enrolment).transpose()? else { return Ok(None) };
        let (status, agent, action) = match approve {
            true => ("approved", "active", "enrolment.approved"),
            false => ("refused", "revoked", "enrolment.refused"),
        };
        let id = found.name.agent;
        let values = vec![id.into(), status.into(), now.into(), by.into()];
        let changed = tx.change("decide on an enrolment", DECIDE, values).await?;
        if changed == 0 {
            return Ok(None);
        }
        tx.change("change an agent", SET_AGENT, vec![id.into(), agent.into()]).await?;
        super::certificates::audit(&mut tx, now, by, action, &found.name.to_string(), &key.to_string())
            .await?;
        tx.commit("decide on an enrolment").await?;
        Ok(Some(found.name))
    }
}

/// Lets one in who brings a token, within a transaction: of many at once with the same token one wins.
pub async fn enter(tx: &mut Tx, caller: &Caller<'_>) -> Result<Entry, StoreError> {
    let find = format!("{FIND}{}", tx.for_update());
    let rows = tx.rows("read a token", &find, vec![caller.hash.to_vec().into()]).await?;
    let Some(token) = rows.first() else { return Ok(Entry::Unknown) };
    let facility: String = token.get("facility_id")?;
    if !caller.facility.is_empty() && caller.facility != facility {
        return Ok(Entry::Elsewhere(facility));
    }
    let id: Uuid = token.get("id")?;
    let is_over = caller.now > token.get::<At>("expires")?.0;
    if token.get::<Option<At>>("used")?.is_some() {
        return again(tx, caller, id, is_over).await;
    }
    if is_over {
        return Ok(Entry::Expired);
    }
    let auto_approve = token.get::<i64>("auto_approve")? != 0;
    let kind = kind(token)?;
    let name = AgentName { facility, agent: Uuid::new_v4() };
    tx.change("use a token", USE, vec![id.into(), caller.now.into()]).await?;
    let (agent, status) = if auto_approve { ("active", "approved") } else { ("pending", "pending") };
    let facility = name.facility.as_str();
    let values =
        vec![name.agent.into(), facility.into(), caller.now.into(), agent.into(), kind.name().into()];
    tx.change("add an agent", ADD_AGENT, values).await?;
    let values = vec![
        name.agent.into(),
        id.into(),
        caller.key.0.to_vec().into(),
        caller.now.into(),
        caller.source.into(),
        status.into(),
    ];
    tx.change("add an enrolment", ADD_ENROLMENT, values).await?;
    Ok(if auto_approve { Entry::Welcome(kind, name) } else { Entry::Pending { name, is_new: true } })
}

/// The token was used before. Whoever has the same key is the same agent, which waits for approval or did
/// not get the answer.
async fn again(tx: &mut Tx, caller: &Caller<'_>, token: Uuid, is_over: bool) -> Result<Entry, StoreError> {
    let rows = tx.rows("read an enrolment", OF_TOKEN, vec![token.into()]).await?;
    let Some(row) = rows.first() else { return Ok(Entry::Used) };
    let found = enrolment(row)?;
    if found.key != caller.key {
        return Ok(Entry::Used);
    }
    let agent: String = row.get("agent_status")?;
    Ok(match (found.status.as_str(), agent.as_str()) {
        ("pending", _) => Entry::Pending { name: found.name, is_new: false },
        ("approved", "active") if !is_over || row.get::<Option<At>>("issued")?.is_none() => {
            Entry::Welcome(found.kind, found.name)
        }
        ("approved", "active") => Entry::Expired,
        _ => Entry::Refused,
    })
}

/// Notes that one who was let in has got a certificate.
pub async fn issued(tx: &mut Tx, agent: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tx.change("note an enrolment", ISSUED, vec![agent.into(), now.into()]).await.map(drop)
}

/// Whatever else stands there, it is nobody who may report.
fn kind(row: &Row) -> Result<Kind, StoreError> {
    Ok(Kind::named(&row.get::<String>("kind")?).unwrap_or(Kind::Simulator))
}

fn enrolment(row: &Row) -> Result<Enrolment, StoreError> {
    let key: Vec<u8> = row.get("key")?;
    Ok(Enrolment {
        kind: kind(row)?,
        name: AgentName { facility: row.get("facility_id")?, agent: row.get("agent_id")? },
        key: Pin(key.try_into().unwrap_or_default()),
        requested: row.get::<At>("requested")?.0,
        source: row.get("source")?,
        status: row.get("status")?,
    })
}

const ADD_FACILITY: &str =
    "INSERT INTO facilities (id, name, created) VALUES ($1, $1, $2) ON CONFLICT (id) DO NOTHING";
const ADD: &str =
    "INSERT INTO tokens (id, hash, facility_id, created, created_by, expires, auto_approve, kind)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const FIND: &str = "SELECT id, facility_id, expires, auto_approve, used, kind FROM tokens WHERE hash = $1";
const USE: &str = "UPDATE tokens SET used = $2 WHERE id = $1 AND used IS NULL";
const ADD_AGENT: &str =
    "INSERT INTO agents (id, facility_id, created, status, kind) VALUES ($1, $2, $3, $4, $5)";
const ADD_ENROLMENT: &str = "INSERT INTO enrolments (agent_id, token_id, key, requested, source, status)
    VALUES ($1, $2, $3, $4, $5, $6)";
const OF_TOKEN: &str = "SELECT enrolments.*, agents.facility_id, agents.kind, agents.status AS agent_status
    FROM enrolments JOIN agents ON agents.id = enrolments.agent_id WHERE token_id = $1";
const PENDING: &str = "SELECT enrolments.*, agents.facility_id, agents.kind FROM enrolments
    JOIN agents ON agents.id = enrolments.agent_id WHERE enrolments.status = 'pending' ORDER BY requested";
const WAITING: &str = "SELECT enrolments.*, agents.facility_id, agents.kind FROM enrolments
    JOIN agents ON agents.id = enrolments.agent_id WHERE enrolments.status = 'pending' AND key = $1
    ORDER BY requested";
const DECIDE: &str = "UPDATE enrolments SET status = $2, decided = $3, decided_by = $4
    WHERE agent_id = $1 AND status = 'pending'";
const ISSUED: &str = "UPDATE enrolments SET issued = $2 WHERE agent_id = $1 AND issued IS NULL";
const SET_AGENT: &str = "UPDATE agents SET status = $2 WHERE id = $1";
