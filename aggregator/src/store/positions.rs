//! How far each lane of each agent's spool has been committed. A row knows the ranges beyond a gap as well,
//! so that whoever holds the row knows all, whichever process wrote before.

use std::collections::{BTreeSet, HashMap};

use fieldward_shared::loss::Ranges;
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::StoreError;
use super::db::{Db, Json, Row, Tx, Value};
use super::report::{Committed, LaneKey, severity};

/// A lane as a transaction holds it.
#[derive(Clone, Debug)]
pub struct Position {
    /// Its number in the reports.
    pub id: i64,
    /// All up to it are committed or lost.
    pub cum_seq: u64,
    /// What was committed or lost beyond.
    ahead: Ranges,
    /// Up to it reports were forgotten: they are known by nothing but this.
    pub forgotten: u64,
    contradicted: u64,
    is_changed: bool,
}

impl Position {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let ahead: Json = row.get("ahead")?;
        let ahead = ahead
            .read()
            .map_err(|error| StoreError::Damaged { what: "a lane's position", detail: error.to_string() })?;
        Ok(Self {
            id: row.get("id")?,
            cum_seq: row.count("cum_seq")?,
            ahead,
            forgotten: row.count("forgotten")?,
            contradicted: row.count("contradicted")?,
            is_changed: false,
        })
    }

    /// All from `first` to `last` is committed or lost.
    pub fn add(&mut self, first: u64, last: u64) {
        if first > last || last <= self.cum_seq {
            return;
        }
        self.is_changed = true;
        if first <= self.cum_seq.saturating_add(1) {
            self.cum_seq = last;
        } else {
            self.ahead.add(first, last);
        }
        // What touches it now is no longer beyond a gap.
        loop {
            let Some((first, last)) = self.ahead.iter().next() else { break };
            if first > self.cum_seq.saturating_add(1) {
                break;
            }
            self.cum_seq = self.cum_seq.max(last);
            self.ahead.forget(self.cum_seq);
        }
    }

    /// Nothing of this lane was ever committed at this sequence or a higher one.
    pub fn is_beyond(&self, seq: u64) -> bool {
        seq > self.ahead.iter().last().map_or(self.cum_seq, |(_, last)| last.max(self.cum_seq))
    }

    /// A report contradicted one that was committed.
    pub fn contradict(&mut self) {
        self.contradicted = self.contradicted.saturating_add(1);
        self.is_changed = true;
    }
}

/// Takes the rows of these lanes, as far as they are there. Others wait for them.
pub async fn hold(tx: &mut Tx, lanes: &BTreeSet<LaneKey>) -> Result<HashMap<LaneKey, Position>, StoreError> {
    // In order, so that two writers cannot wait for each other.
    let keys = lanes.iter().map(|lane| lane.values()).collect();
    let sql = format!("{FIND}{}", if tx.for_update().is_empty() { "" } else { " FOR UPDATE OF positions" });
    let rows = tx.table("read positions", &sql, keys).await?;
    rows.iter().map(|row| Ok((key(row)?, Position::read(row)?))).collect()
}

/// Makes the rows of lanes, in a transaction of its own: who waits for another's plant while it holds lanes
/// would wait in a ring with who has added the plant and waits for a lane.
pub async fn add(
    db: &Db,
    missing: &[LaneKey],
    facilities: &HashMap<Uuid, &str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut plants = BTreeSet::new();
    let mut agents = BTreeSet::new();
    for agent in missing.iter().map(|lane| lane.agent) {
        if let Some(facility) = facilities.get(&agent) {
            plants.insert(*facility);
            agents.insert((agent, *facility));
        }
    }
    let mut tx = db.begin("add positions").await?;
    // Both were made at the enrolment; after an older backup was restored they may be missing.
    let plants = plants.into_iter().map(|id| vec![id.into(), id.into(), now.into()]).collect();
    tx.table("add facilities", ADD_FACILITIES, plants).await?;
    let agents =
        agents.into_iter().map(|(id, facility)| vec![id.into(), facility.into(), now.into()]).collect();
    tx.table("add agents", ADD_AGENTS, agents).await?;
    let rows = missing.iter().map(|lane| lane.values()).collect();
    tx.table("add positions", ADD, rows).await?;
    tx.commit("add positions").await
}

/// Writes those that have changed.
pub async fn write(tx: &mut Tx, held: &HashMap<LaneKey, Position>) -> Result<(), StoreError> {
    let changed = held.values().filter(|position| position.is_changed);
    let rows = changed
        .map(|position| {
            vec![
                position.id.into(),
                Value::count(position.cum_seq),
                Json::of(&position.ahead).into(),
                Value::count(position.contradicted),
            ]
        })
        .collect();
    tx.table("write positions", WRITE, rows).await.map(drop)
}

/// The lanes of an agent.
pub async fn of(db: &Db, agent: Uuid) -> Result<Vec<Committed>, StoreError> {
    let rows = db.read("read positions", OF, vec![agent.into()]).await?;
    rows.iter().map(|row| Ok(committed(key(row)?, row.count("cum_seq")?))).collect()
}

/// How far a lane has got, when nothing was done to it.
pub fn committed(lane: LaneKey, cum_seq: u64) -> Committed {
    let LaneKey { agent, incarnation, lane } = lane;
    Committed { agent, incarnation, lane, cum_seq, stored: 0, again: 0, contradicted: 0 }
}

fn key(row: &Row) -> Result<LaneKey, StoreError> {
    Ok(LaneKey {
        agent: row.get("agent_id")?,
        incarnation: row.get::<Uuid>("incarnation")?.as_u128(),
        lane: severity(row.get("lane")?),
    })
}

const FIND: &str = "WITH wanted (agent_id, incarnation, lane) AS ({rows})
    SELECT positions.* FROM wanted JOIN positions
    ON positions.agent_id = wanted.agent_id AND positions.incarnation = wanted.incarnation
        AND positions.lane = wanted.lane
    ORDER BY positions.id";
/// Plants are made at the enrolment; after an older backup was restored they may be missing.
pub const ADD_FACILITIES: &str =
    "INSERT INTO facilities (id, name, created) {rows} ON CONFLICT (id) DO NOTHING";
const ADD_AGENTS: &str = "INSERT INTO agents (id, facility_id, created) {rows} ON CONFLICT (id) DO NOTHING";
const ADD: &str = "INSERT INTO positions (agent_id, incarnation, lane) {rows}
    ON CONFLICT (agent_id, incarnation, lane) DO NOTHING";
const WRITE: &str = "WITH changed (id, cum_seq, ahead, contradicted) AS ({rows})
    UPDATE positions SET cum_seq = changed.cum_seq, ahead = changed.ahead, contradicted = changed.contradicted
    FROM changed WHERE positions.id = changed.id";
const OF: &str = "SELECT agent_id, incarnation, lane, cum_seq FROM positions WHERE agent_id = $1
    ORDER BY incarnation, lane";
