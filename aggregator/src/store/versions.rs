//! Versions of models: where each comes from, what it is worth, whether it is at work. Weights are numbers here.

use fieldward_shared::identity::sha256;
use fieldward_shared::time::Timestamp;
use serde_json::Value as Document;

use super::audit::{Act, append};
use super::db::{At, Json, Kind, Row, Tx, Value};
use super::rounds::words;
use super::{Store, StoreError};

words! {
    /// What a version is.
    VersionState {
        /// Plants have not judged it yet.
        Candidate "candidate",
        /// It is at work, or was until another was promoted.
        Promoted "promoted",
        /// It was refused: its reason says why.
        Rejected "rejected",
        /// It was at work and was taken back.
        RolledBack "rolled-back",
    }
}

/// A version without its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// Its number, from 1.
    pub id: u64,
    /// Of which network.
    pub network: String,
    /// Hash of the names and shapes of its tensors.
    pub layout: u64,
    /// Hash of what it is fed with.
    pub schema: u64,
    /// SHA-256 of its weights.
    pub digest: [u8; 32],
    /// How many weights it has.
    pub parameters: u64,
    /// Versions that it came of, the nearest first.
    pub parents: Vec<u64>,
    /// The round that made it.
    pub round: Option<u64>,
    /// The strategy that made it.
    pub strategy: Option<String>,
    /// What it is worth, as plants say: an object.
    pub metrics: Document,
    /// Share of what plants held back that it gets right.
    pub accuracy: Option<f64>,
    /// What it is.
    pub state: VersionState,
    /// Why it was rejected or rolled back.
    pub reason: Option<String>,
    /// Who brought it: `round`, or somebody.
    pub made_by: String,
    /// Since when it is here.
    pub created: Timestamp,
    /// When it was promoted.
    pub promoted: Option<Timestamp>,
    /// When it was rolled back.
    pub rolled_back: Option<Timestamp>,
}

/// A version to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewVersion {
    /// Of which network.
    pub network: String,
    /// Hash of the names and shapes of its tensors.
    pub layout: u64,
    /// Hash of what it is fed with.
    pub schema: u64,
    /// Its weights; finite.
    pub weights: Vec<f32>,
    /// Versions that it came of, the nearest first.
    pub parents: Vec<u64>,
    /// The round that made it.
    pub round: Option<u64>,
    /// The strategy that made it.
    pub strategy: Option<String>,
    /// What the strategy remembers for the next round.
    pub memory: Vec<u8>,
    /// Who brings it.
    pub made_by: String,
    /// What it is worth so far.
    pub metrics: Document,
}

/// Weights as they are kept and sent: little-endian, four bytes each.
pub fn weights_to_bytes(weights: &[f32]) -> Vec<u8> {
    weights.iter().flat_map(|weight| weight.to_le_bytes()).collect()
}

/// Weights as they were kept; none when they are cut off or not finite.
pub fn weights_from_bytes(bytes: &[u8]) -> Option<Vec<f32>> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    let weights: Vec<f32> = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
    (rest.is_empty() && weights.iter().all(|weight| weight.is_finite())).then_some(weights)
}

impl Store {
    /// Brings a version from outside, as the first of a network, or an import; at work at once.
    pub async fn import_version(&self, new: &NewVersion, now: Timestamp) -> Result<Version, StoreError> {
        let mut tx = self.db.begin("import a version").await?;
        let version = add(&mut tx, new, now).await?;
        let version = promote(&mut tx, version.id, &new.metrics, None, now).await?.unwrap_or(version);
        let object = version.id.to_string();
        let act = Act {
            at: now,
            actor: &new.made_by,
            action: "version.imported",
            object: &object,
            detail: &new.network,
        };
        append(&mut tx, act).await?;
        tx.commit("import a version").await?;
        Ok(version)
    }

    /// The version of a network that is at work.
    pub async fn current_version(&self, network: &str) -> Result<Option<Version>, StoreError> {
        let sql = format!("{SELECT} WHERE network = $1 AND state = 'promoted' ORDER BY id DESC LIMIT 1");
        let rows = self.db.read("read a version", &sql, vec![network.into()]).await?;
        rows.first().map(read).transpose()
    }

    /// A version.
    pub async fn version(&self, id: u64) -> Result<Option<Version>, StoreError> {
        let sql = format!("{SELECT} WHERE id = $1");
        let rows = self.db.read("read a version", &sql, vec![Value::count(id)]).await?;
        rows.first().map(read).transpose()
    }

    /// Versions, of one network or of all, the newest first, before a number.
    pub async fn versions(
        &self,
        network: Option<&str>,
        before: Option<u64>,
        most: u32,
    ) -> Result<Vec<Version>, StoreError> {
        let mut values = vec![before.map_or(i64::MAX.into(), Value::count), i64::from(most).into()];
        let of = if network.is_some() { " AND network = $3" } else { "" };
        values.extend(network.map(Value::from));
        let sql = format!("{SELECT} WHERE id < $1{of} ORDER BY id DESC LIMIT $2");
        self.db.read("read versions", &sql, values).await?.iter().map(read).collect()
    }

    /// The weights of a version, held against its digest.
    pub async fn version_weights(&self, id: u64) -> Result<Option<Vec<f32>>, StoreError> {
        let sql = "SELECT weights, digest FROM model_versions WHERE id = $1";
        let rows = self.db.read("read weights", sql, vec![Value::count(id)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let bytes: Vec<u8> = row.get("weights")?;
        let damaged = || StoreError::Damaged { what: "a model", detail: format!("weights of version {id}") };
        if row.get::<Vec<u8>>("digest")? != sha256(&bytes) {
            return Err(damaged());
        }
        weights_from_bytes(&bytes).map(Some).ok_or_else(damaged)
    }

    /// What the strategy that made a version remembers.
    pub async fn version_memory(&self, id: u64) -> Result<Vec<u8>, StoreError> {
        let sql = "SELECT memory FROM model_versions WHERE id = $1";
        let rows = self.db.read("read a version", sql, vec![Value::count(id)]).await?;
        rows.first().map_or_else(|| Ok(Vec::new()), |row| row.get("memory"))
    }

    /// Digests of the versions that one came of, the nearest first, at most so many.
    pub async fn ancestors(&self, id: u64, most: usize) -> Result<Vec<[u8; 32]>, StoreError> {
        let (mut waiting, mut seen, mut digests) = (vec![id], vec![id], Vec::new());
        while let Some(next) = (!waiting.is_empty()).then(|| waiting.remove(0)) {
            let Some(version) = self.version(next).await? else { continue };
            if next != id {
                digests.push(version.digest);
            }
            if digests.len() >= most {
                break;
            }
            for parent in version.parents {
                if !seen.contains(&parent) {
                    seen.push(parent);
                    waiting.push(parent);
                }
            }
        }
        Ok(digests)
    }

    /// Takes a network back to an earlier version: its weights become a new one, which comes of the one at work, so
    /// that plants follow. None when that version was never at work, or is at work.
    pub async fn roll_back(
        &self,
        to: u64,
        actor: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<Option<Version>, StoreError> {
        let Some(earlier) = self.version(to).await? else { return Ok(None) };
        let Some(current) = self.current_version(&earlier.network).await? else { return Ok(None) };
        if earlier.promoted.is_none() || current.id <= to {
            return Ok(None);
        }
        let Some(weights) = self.version_weights(to).await? else { return Ok(None) };
        let new = NewVersion {
            network: earlier.network.clone(),
            layout: earlier.layout,
            schema: earlier.schema,
            weights,
            parents: vec![current.id, to],
            round: None,
            strategy: earlier.strategy.clone(),
            memory: self.version_memory(to).await?,
            made_by: actor.to_owned(),
            metrics: earlier.metrics.clone(),
        };
        let mut tx = self.db.begin("roll back").await?;
        let values = vec![Value::count(to), earlier.network.as_str().into(), why.into(), now.into()];
        tx.change("roll back", BACK, values).await?;
        let version = add(&mut tx, &new, now).await?;
        let version = promote(&mut tx, version.id, &new.metrics, earlier.accuracy, now).await?;
        let object = to.to_string();
        let act = Act { at: now, actor, action: "version.rolled_back", object: &object, detail: why };
        append(&mut tx, act).await?;
        tx.commit("roll back").await?;
        Ok(version)
    }
}

/// Adds a version as a candidate.
pub(super) async fn add(tx: &mut Tx, new: &NewVersion, now: Timestamp) -> Result<Version, StoreError> {
    tx.alone(ADDING).await?;
    let bytes = weights_to_bytes(&new.weights);
    let values = vec![
        new.network.as_str().into(),
        format!("{:016x}", new.layout).as_str().into(),
        format!("{:016x}", new.schema).as_str().into(),
        sha256(&bytes).to_vec().into(),
        bytes.into(),
        Value::count(new.weights.len() as u64),
        Json::of(&new.parents).into(),
        new.round.map_or(Value::Null(Kind::Int), Value::count),
        Value::text(new.strategy.as_deref()),
        new.memory.clone().into(),
        Json::of(&new.metrics).into(),
        new.made_by.as_str().into(),
        now.into(),
    ];
    let sql = format!("{ADD}{COLUMNS}");
    let rows = tx.rows("add a version", &sql, values).await?;
    rows.first().map(read).transpose()?.ok_or(StoreError::Raced)
}

/// A candidate is at work from now on. None when it is no candidate.
pub(super) async fn promote(
    tx: &mut Tx,
    id: u64,
    metrics: &Document,
    accuracy: Option<f64>,
    now: Timestamp,
) -> Result<Option<Version>, StoreError> {
    let metrics = &added(tx, id, metrics).await?;
    let accuracy = accuracy.map_or(Value::Null(Kind::Real), Value::real);
    let values = vec![Value::count(id), now.into(), Json::of(metrics).into(), accuracy];
    let rows = tx.rows("promote a version", &format!("{PROMOTE}{COLUMNS}"), values).await?;
    rows.first().map(read).transpose()
}

/// A candidate is none any more.
pub(super) async fn reject(
    tx: &mut Tx,
    id: u64,
    metrics: &Document,
    accuracy: Option<f64>,
    why: &str,
) -> Result<(), StoreError> {
    let metrics = &added(tx, id, metrics).await?;
    let accuracy = accuracy.map_or(Value::Null(Kind::Real), Value::real);
    let values = vec![Value::count(id), why.into(), Json::of(metrics).into(), accuracy];
    tx.change("reject a version", REJECT, values).await.map(drop)
}

/// What is known of a version, and what comes to it.
async fn added(tx: &mut Tx, id: u64, metrics: &Document) -> Result<Document, StoreError> {
    let sql = "SELECT metrics FROM model_versions WHERE id = $1";
    let rows = tx.rows("read a version", sql, vec![Value::count(id)]).await?;
    let known = rows.first().map(|row| row.get::<Json>("metrics")).transpose()?;
    let mut all = known.and_then(|known| known.read::<Document>().ok()).unwrap_or_default();
    match (all.as_object_mut(), metrics.as_object()) {
        (Some(all), Some(more)) => all.extend(more.clone()),
        _ => return Ok(metrics.clone()),
    }
    Ok(all)
}

fn read(row: &Row) -> Result<Version, StoreError> {
    let id = row.count("id")?;
    let damaged =
        |what: &str| StoreError::Damaged { what: "a model", detail: format!("{what} of version {id}") };
    let hash = |column: &str| -> Result<u64, StoreError> {
        u64::from_str_radix(&row.get::<String>(column)?, 16).map_err(|_| damaged(column))
    };
    let state: String = row.get("state")?;
    let at = |column| row.get::<Option<At>>(column).map(|at| at.map(|at| at.0));
    Ok(Version {
        id,
        network: row.get("network")?,
        layout: hash("layout")?,
        schema: hash("feature_schema")?,
        digest: row.get::<Vec<u8>>("digest")?.try_into().map_err(|_| damaged("digest"))?,
        parameters: row.count("parameters")?,
        parents: row.get::<Json>("parents")?.read().map_err(|_| damaged("parents"))?,
        round: row.get::<Option<i64>>("round_id")?.map(i64::cast_unsigned),
        strategy: row.get("strategy")?,
        metrics: row.get::<Json>("metrics")?.read().map_err(|_| damaged("metrics"))?,
        accuracy: row.get("accuracy")?,
        state: VersionState::named(&state).ok_or_else(|| damaged("state"))?,
        reason: row.get("reason")?,
        made_by: row.get("made_by")?,
        created: row.get::<At>("created")?.0,
        promoted: at("promoted")?,
        rolled_back: at("rolled_back")?,
    })
}

/// Who numbers versions is alone.
const ADDING: i64 = 0x006d_6f64_656c;
/// All but weights and memory, which are long.
const COLUMNS: &str = "id, network, layout, feature_schema, digest, parameters, parents, round_id, strategy,
    metrics, accuracy, state, reason, made_by, created, promoted, rolled_back";
const SELECT: &str =
    "SELECT id, network, layout, feature_schema, digest, parameters, parents, round_id, strategy,
    metrics, accuracy, state, reason, made_by, created, promoted, rolled_back FROM model_versions";
const ADD: &str =
    "INSERT INTO model_versions (id, network, layout, feature_schema, digest, weights, parameters,
        parents, round_id, strategy, memory, metrics, state, made_by, created)
    SELECT COALESCE(max(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'candidate', $12, $13
    FROM model_versions RETURNING ";
const PROMOTE: &str =
    "UPDATE model_versions SET state = 'promoted', promoted = $2, metrics = $3, accuracy = $4
    WHERE id = $1 AND state = 'candidate' RETURNING ";
const REJECT: &str = "UPDATE model_versions SET state = 'rejected', reason = $2, metrics = $3, accuracy = $4
    WHERE id = $1 AND state = 'candidate'";
const BACK: &str = "UPDATE model_versions SET state = 'rolled-back', rolled_back = $4, reason = $3
    WHERE id > $1 AND network = $2 AND state = 'promoted'";
