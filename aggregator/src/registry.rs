//! The registry of models: where a version comes from, which one is at work, and how it leaves the house. What is
//! kept stands in the store; here are the rules.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fieldward_shared::identity::{sha256, to_hex};
use fieldward_shared::network::NetworkFile;
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ca::CaError;
use crate::ca::authority::Authority;
use crate::ca::seal::{Seal, SealError};
use crate::store::promotions::Promotion;
use crate::store::rounds::{Client, Round};
use crate::store::versions::{NewVersion, Version, weights_from_bytes, weights_to_bytes};
use crate::store::{Store, StoreError};

/// Why the registry does not do something.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is none.
    #[error("there is no version {0}; `model list` shows those that there are")]
    Unknown(u64),
    /// There is one already.
    #[error("'{network}' has version {version} at work; rounds go on from it, `model rollback` goes back")]
    There {
        /// Of which network.
        network: String,
        /// Which.
        version: u64,
    },
    /// It is at work.
    #[error("version {0} is at work already")]
    AtWork(u64),
    /// It is being judged.
    #[error("plants are judging version {version} in round {round}; wait for its end, or end it")]
    InRound {
        /// Which version.
        version: u64,
        /// In which round.
        round: u64,
    },
    /// It was never at work.
    #[error("version {0} is no earlier version that was at work; only to such a one is there a way back")]
    NeverAtWork(u64),
    /// Another layout is at work.
    #[error("version {0} is of another layout or schema than the one at work: agents could not take it")]
    Misfit(u64),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The authority.
    #[error(transparent)]
    Ca(#[from] CaError),
}

/// A version, and what it was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// The version.
    pub version: Version,
    /// The round that made it; none: it was brought from outside, or is a way back.
    pub round: Option<Round>,
    /// Who took part.
    pub cohort: Vec<Client>,
}

/// Puts a version to work, whatever plants said of it. They still judge it on their own held-back data before they take
/// it over.
pub async fn promote(
    store: &Store,
    id: u64,
    actor: &str,
    why: &str,
    now: Timestamp,
) -> Result<Version, RegistryError> {
    match store.put_to_work(id, actor, why, now).await? {
        Promotion::Done(version) => Ok(*version),
        Promotion::Unknown => Err(RegistryError::Unknown(id)),
        Promotion::AtWork => Err(RegistryError::AtWork(id)),
        Promotion::InRound(round) => Err(RegistryError::InRound { version: id, round }),
        Promotion::Misfit => Err(RegistryError::Misfit(id)),
    }
}

/// Goes back to an earlier version.
pub async fn roll_back(
    store: &Store,
    to: u64,
    actor: &str,
    why: &str,
    now: Timestamp,
) -> Result<Version, RegistryError> {
    if let Some(version) = store.roll_back(to, actor, why, now).await? {
        return Ok(version);
    }
    match store.version(to).await? {
        None => Err(RegistryError::Unknown(to)),
        Some(version) => match store.current_version(&version.network).await? {
            Some(current) if current.id == to => Err(RegistryError::AtWork(to)),
            _ => Err(RegistryError::NeverAtWork(to)),
        },
    }
}

/// A version and those that it came of, the nearest first, at most so many.
pub async fn lineage(store: &Store, id: u64, most: usize) -> Result<Vec<Generation>, RegistryError> {
    let (mut waiting, mut seen, mut line) = (vec![id], vec![id], Vec::new());
    while let Some(next) = (!waiting.is_empty() && line.len() < most).then(|| waiting.remove(0)) {
        let Some(version) = store.version(next).await? else { continue };
        for parent in &version.parents {
            if !seen.contains(parent) {
                seen.push(*parent);
                waiting.push(*parent);
            }
        }
        let (round, cohort) = match version.round {
            Some(number) => (store.round(number).await?, store.round_clients(number).await?),
            None => (None, Vec::new()),
        };
        line.push(Generation { version, round, cohort });
    }
    if line.is_empty() { Err(RegistryError::Unknown(id)) } else { Ok(line) }
}

/// Brings the first version of a network; it is at work at once, and plants judge it before they take it.
pub async fn import(
    store: &Store,
    file: NetworkFile,
    actor: &str,
    now: Timestamp,
) -> Result<Version, RegistryError> {
    if let Some(current) = store.current_version(&file.network).await? {
        return Err(RegistryError::There { network: file.network, version: current.id });
    }
    let new = NewVersion {
        network: file.network,
        layout: file.layout,
        schema: file.schema,
        weights: file.weights,
        parents: Vec::new(),
        round: None,
        strategy: None,
        memory: Vec::new(),
        made_by: actor.to_owned(),
        metrics: Value::Null,
    };
    Ok(store.import_version(&new, now).await?)
}

/// A version that left the house: words that are sealed, and the weights whose digest stands in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// `fieldward model 1`.
    pub format: String,
    /// JSON as text, so that what is sealed is these bytes: see [`Statement`].
    pub statement: String,
    /// Over the statement; base64.
    pub signature: String,
    /// From the sealing certificate to the root; base64 of DER.
    pub chain: Vec<String>,
    /// Four bytes each, little-endian; base64.
    pub weights: String,
}

/// What is said of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// Its number.
    pub version: u64,
    /// Of which network.
    pub network: String,
    /// Hash of the names and shapes of its tensors.
    pub layout: String,
    /// Hash of what it is fed with.
    pub feature_schema: String,
    /// How many weights it has.
    pub parameters: u64,
    /// SHA-256 of the weights.
    pub digest: String,
    /// `candidate`, `promoted`, `rejected` or `rolled-back`.
    pub state: String,
    /// What it came of, the nearest first: versions with digest, round, strategy, plants and epsilon.
    pub lineage: Vec<Value>,
    /// What plants said of it.
    pub metrics: Value,
    /// Seconds since the epoch at which it was sealed.
    pub exported: u64,
}

/// Why an export is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// It is none.
    #[error("this is no export of a model: {0}")]
    Form(String),
    /// Nobody vouches for it.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The weights are not those that are spoken of.
    #[error("its weights are not those whose digest was sealed")]
    Weights,
}

/// Writes a version down, sealed by the authority.
pub async fn export(
    store: &Store,
    authority: &Authority,
    id: u64,
    now: Timestamp,
) -> Result<Export, RegistryError> {
    let line = lineage(store, id, GENERATIONS).await?;
    let weights = store.version_weights(id).await?.ok_or(RegistryError::Unknown(id))?;
    let version = line.first().map(|one| one.version.clone()).ok_or(RegistryError::Unknown(id))?;
    let statement = Statement {
        version: version.id,
        network: version.network,
        layout: format!("{:016x}", version.layout),
        feature_schema: format!("{:016x}", version.schema),
        parameters: version.parameters,
        digest: to_hex(&version.digest),
        state: version.state.name().to_owned(),
        lineage: line.iter().map(told).collect(),
        metrics: version.metrics,
        exported: now.as_secs(),
    };
    let statement = serde_json::to_string(&statement).unwrap_or_default();
    let seal = authority.seal(statement.as_bytes(), now.as_secs())?;
    Ok(Export {
        format: FORMAT.to_owned(),
        statement,
        signature: STANDARD.encode(seal.signature),
        chain: seal.chain.iter().map(|one| STANDARD.encode(one)).collect(),
        weights: STANDARD.encode(weights_to_bytes(&weights)),
    })
}

/// A generation without names of people or plants: how many took part, and what it cost.
fn told(one: &Generation) -> Value {
    serde_json::json!({
        "version": one.version.id,
        "digest": to_hex(&one.version.digest),
        "round": one.version.round,
        "strategy": one.version.strategy,
        "plants": one.round.as_ref().map(|round| round.clients_active),
        "epsilon": one.round.as_ref().and_then(|round| round.epsilon),
        "created": one.version.created.rfc3339(),
    })
}

impl Export {
    /// Reads an export and believes it when one of these roots (DER) vouches for it.
    pub fn open(text: &[u8], roots: &[Vec<u8>]) -> Result<(Statement, Vec<f32>), ExportError> {
        let form = |what: &dyn std::fmt::Display| ExportError::Form(what.to_string());
        let export: Self = serde_json::from_slice(text).map_err(|error| form(&error))?;
        if export.format != FORMAT {
            return Err(form(&format!("its format is not '{FORMAT}'")));
        }
        let bytes = |text: &str| STANDARD.decode(text).map_err(|error| form(&error));
        let chain = export.chain.iter().map(|one| bytes(one)).collect::<Result<_, _>>()?;
        let seal = Seal { chain, signature: bytes(&export.signature)? };
        let statement: Statement = serde_json::from_str(&export.statement).map_err(|error| form(&error))?;
        seal.check(export.statement.as_bytes(), roots, statement.exported)?;
        let raw = bytes(&export.weights)?;
        let weights = weights_from_bytes(&raw).filter(|weights| weights.len() as u64 == statement.parameters);
        match weights {
            Some(weights) if to_hex(&sha256(&raw)) == statement.digest => Ok((statement, weights)),
            _ => Err(ExportError::Weights),
        }
    }
}

const FORMAT: &str = "fieldward model 1";
/// Of a lineage that goes with an export.
const GENERATIONS: usize = 64;
