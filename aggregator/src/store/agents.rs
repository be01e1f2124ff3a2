//! Plants and the agents that watch them, made at enrolment.

use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::db::{At, Kind, Row, Value};
use super::{Store, StoreError};

/// A plant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facility {
    /// As certificates and alerts name it.
    pub id: String,
    /// As people call it.
    pub name: String,
    /// Since when.
    pub created: Timestamp,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Which.
    pub id: Uuid,
    /// Its plant.
    pub facility_id: String,
    /// Since when.
    pub created: Timestamp,
    /// When it was heard of last.
    pub last_seen: Option<Timestamp>,
    /// The version of Fieldward that it runs.
    pub version: Option<String>,
    /// Microseconds by which its clock is ahead of ours.
    pub clock_offset: Option<i64>,
    /// Whether it may report.
    pub status: AgentStatus,
}

/// Whether an agent may report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStatus {
    /// Not before an operator has agreed.
    Pending,
    /// Yes.
    Active,
    /// Never again.
    Revoked,
}

impl AgentStatus {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }
}

/// What an agent told when it was heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which.
    pub agent: Uuid,
    /// When.
    pub at: Timestamp,
    /// The version that it runs.
    pub version: Option<String>,
    /// Microseconds by which its clock is ahead of ours.
    pub clock_offset: Option<i64>,
}

impl Store {
    /// Adds a plant, or gives one that is there another name.
    pub async fn add_facility(&self, id: &str, name: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin("add a facility").await?;
        tx.change("add a facility", ADD_FACILITY, vec![id.into(), name.into(), now.into()]).await?;
        tx.commit("add a facility").await
    }

    /// Adds an agent of a plant. One that is there keeps what is known of it.
    pub async fn add_agent(
        &self,
        id: Uuid,
        facility: &str,
        status: AgentStatus,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("add an agent").await?;
        let plant = vec![facility.into(), facility.into(), now.into()];
        tx.change("add an agent", KEEP_FACILITY, plant).await?;
        let values = vec![id.into(), facility.into(), now.into(), status.name().into()];
        tx.change("add an agent", ADD_AGENT, values).await?;
        tx.commit("add an agent").await
    }

    /// Says whether an agent may report; false when there is none of that id.
    pub async fn set_agent_status(&self, id: Uuid, status: AgentStatus) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("change an agent").await?;
        let changed = tx.change("change an agent", SET_STATUS, vec![id.into(), status.name().into()]).await?;
        tx.commit("change an agent").await?;
        Ok(changed == 1)
    }

    /// Keeps when agents were heard of, many at once. What is older than what is known changes nothing.
    pub async fn seen(&self, heard: &[Seen]) -> Result<(), StoreError> {
        let rows = heard.iter().map(|seen| {
            let offset = seen.clock_offset.map_or(Value::Null(Kind::Int), Value::Int);
            vec![seen.agent.into(), seen.at.into(), Value::text(seen.version.as_deref()), offset]
        });
        let mut tx = self.db.begin("keep who was heard of").await?;
        tx.table("keep who was heard of", SEEN, rows.collect()).await?;
        tx.commit("keep who was heard of").await
    }

    /// All plants.
    pub async fn facilities(&self) -> Result<Vec<Facility>, StoreError> {
        let rows = self.db.read("read facilities", FACILITIES, vec![]).await?;
        let facility = |row: &Row| {
            let created = row.get::<At>("created")?.0;
            Ok(Facility { id: row.get("id")?, name: row.get("name")?, created })
        };
        rows.iter().map(facility).collect()
    }

    /// All agents.
    pub async fn agents(&self) -> Result<Vec<Agent>, StoreError> {
        let rows = self.db.read("read agents", AGENTS, vec![]).await?;
        rows.iter().map(agent).collect()
    }

    /// An agent.
    pub async fn agent(&self, id: Uuid) -> Result<Option<Agent>, StoreError> {
        let rows = self.db.read("read an agent", AGENT, vec![id.into()]).await?;
        rows.first().map(agent).transpose()
    }
}

fn agent(row: &Row) -> Result<Agent, StoreError> {
    Ok(Agent {
        id: row.get("id")?,
        facility_id: row.get("facility_id")?,
        created: row.get::<At>("created")?.0,
        last_seen: row.get::<Option<At>>("last_seen")?.map(|at| at.0),
        version: row.get("version")?,
        clock_offset: row.get("clock_offset")?,
        status: match row.get::<String>("status")?.as_str() {
            "active" => AgentStatus::Active,
            "pending" => AgentStatus::Pending,
            // Whatever else stands there, it is nobody who may report.
            _ => AgentStatus::Revoked,
        },
    })
}

const ADD_FACILITY: &str = "INSERT INTO facilities (id, name, created) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name";
const KEEP_FACILITY: &str = "INSERT INTO facilities (id, name, created) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO NOTHING";
const ADD_AGENT: &str = "INSERT INTO agents (id, facility_id, created, status) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO NOTHING";
const SET_STATUS: &str = "UPDATE agents SET status = $2 WHERE id = $1";
const SEEN: &str = "WITH heard (id, at, version, clock_offset) AS ({rows})
    UPDATE agents SET last_seen = heard.at, version = coalesce(heard.version, agents.version),
        clock_offset = coalesce(heard.clock_offset, agents.clock_offset)
    FROM heard WHERE agents.id = heard.id AND (agents.last_seen IS NULL OR agents.last_seen <= heard.at)";
const FACILITIES: &str = "SELECT id, name, created FROM facilities ORDER BY id";
const AGENTS: &str = "SELECT * FROM agents WHERE kind = 'agent' ORDER BY facility_id, id";
const AGENT: &str = "SELECT * FROM agents WHERE id = $1 AND kind = 'agent'";
