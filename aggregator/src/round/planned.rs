//! From a row to a round: who is asked, from which model, under which terms; and from what was kept back to where a
//! round was when its driver went.

use std::collections::BTreeMap;
use std::sync::Arc;

use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{About, Message, RoundMasked};
use prost::Message as _;
use uuid::Uuid;

use super::phases::Models;
use super::plan::{RoundsConfig, federation};
use super::sums::Sums;
use super::value::{Base, Member, Round, Stage, State};
use crate::intake::Tasks;
use crate::store::rounds::Round as Row;
use crate::store::versions::weights_to_bytes;
use crate::store::{Store, StoreError};

/// Why a round does not begin.
#[derive(Debug, thiserror::Error)]
pub enum Unplanned {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too few plants have a session.
    #[error(
        "{found} plants are here that learn this network, and {wanted} are wanted; {left_out} were left out"
    )]
    TooFew {
        /// That could take part.
        found: usize,
        /// That are wanted.
        wanted: usize,
        /// That are here and do not fit.
        left_out: usize,
    },
    /// There is nothing to begin with.
    #[error("{0}")]
    Cannot(String),
}

/// A round with what goes along with it.
pub struct Playing {
    /// The value.
    pub round: Round,
    /// The models.
    pub models: Models,
    /// The sums, from when masked updates come.
    pub sums: Sums,
    /// Plants that were left out, and why.
    pub left_out: BTreeMap<Uuid, (String, String)>,
}

fn cannot<T>(why: impl Into<String>) -> Result<T, Unplanned> {
    Err(Unplanned::Cannot(why.into()))
}

/// Begins a round that waits.
pub async fn begin(
    store: &Store,
    tasks: &Tasks,
    config: &RoundsConfig,
    row: &Row,
    now: Timestamp,
) -> Result<Playing, Unplanned> {
    let terms = config.terms_of(&row.strategy, &row.settings);
    let terms = terms.map_err(|error| Unplanned::Cannot(error.to_string()))?;
    let Some(version) = store.current_version(&row.network).await? else {
        return cannot(format!("there is no model of '{}' to train from; import one", row.network));
    };
    let ancestors = store.ancestors(version.id, MOST_ANCESTORS).await?;
    let mut left_out = BTreeMap::new();
    let mut members = BTreeMap::new();
    for present in tasks.present() {
        let learns = present.learns.iter().find(|learns| learns.network == row.network);
        let why = match learns {
            None => Some("it does not learn this network".to_owned()),
            Some(learns) if learns.layout != version.layout => {
                Some(format!("its layout is {:016x}, the model's {:016x}", learns.layout, version.layout))
            }
            Some(learns) if learns.schema != version.schema => {
                Some(format!("its features are {:016x}, the model's {:016x}", learns.schema, version.schema))
            }
            Some(_) => None,
        };
        if let Some(why) = why {
            left_out.insert(present.agent, (present.facility, why));
        } else if members.len() < fieldward_shared::wire::MOST_PLANTS {
            let (facility, out) = (present.facility, None);
            let member = Member { facility, out, is_here: true, epoch: 0, loss: None, heard: now };
            members.insert(present.agent, member);
        }
    }
    if members.len() < terms.quorum {
        let (found, wanted) = (members.len(), terms.quorum);
        return Err(Unplanned::TooFew { found, wanted, left_out: left_out.len() });
    }
    let seen = version.parameters.saturating_mul(4).saturating_mul(members.len() as u64);
    if !terms.masked && seen > MOST_SEEN {
        return cannot(format!(
            "updates of {} plants seen one by one take {} MiB, and {} are allowed; have the round masked",
            members.len(),
            seen >> 20,
            MOST_SEEN >> 20
        ));
    }
    terms.suits(version.parameters, members.len()).map_err(Unplanned::Cannot)?;
    let base = Base {
        version: version.id,
        digest: version.digest,
        layout: version.layout,
        schema: version.schema,
        length: version.parameters,
        made_in: version.round,
        ancestors,
    };
    let state = State {
        round: row.number,
        federation: federation(&config.federation),
        network: row.network.clone(),
        strategy: row.strategy.clone(),
        terms,
        base,
        stage: Stage::Distributing,
        deadline: now.plus((terms.patience_seconds * 10e6) as u64).as_micros(),
        members,
        epoch: 0,
        is_new_epoch: false,
        attempt: 0,
        groups: Vec::new(),
        candidate: None,
    };
    let models = models(store, &state).await?;
    let round = Round::new(state, seated(store, &row.network).await?);
    Ok(Playing { round, models, sums: Sums::default(), left_out })
}

/// Takes up a round where it was kept last.
pub async fn resume(store: &Store, row: &Row, now: Timestamp) -> Result<Playing, Unplanned> {
    let mut state: State = serde_json::from_value(row.state.clone())
        .map_err(|error| Unplanned::Cannot(format!("what was kept of the round cannot be read: {error}")))?;
    if let Some(candidate) = state.candidate.as_mut().filter(|candidate| candidate.version == 0) {
        candidate.version = row.candidate.unwrap_or_default();
    }
    // Nobody could answer while there was no driver, and plants come back one by one.
    state.deadline = state.deadline.max(now.plus((state.terms.patience_seconds * 1e6) as u64).as_micros());
    let models = models(store, &state).await?;
    let (attempt, last) = (state.attempt, state.stage);
    let mut round = Round::new(state, seated(store, &row.network).await?);
    for stage in Stage::SENDING.into_iter().filter(|stage| *stage <= last) {
        let at = if stage <= Stage::Training { 0 } else { attempt };
        if stage == Stage::Masks {
            for agent in store.senders(row.number, at, stage.kind()).await? {
                // Its numbers are read when they are added.
                round.recall(
                    stage,
                    agent,
                    RoundMasked { about: About::default(), ..Default::default() }.into(),
                );
            }
            continue;
        }
        for (agent, body) in store.sent(row.number, at, stage.kind()).await? {
            let message = decode(stage, &body);
            let message = message.ok_or_else(|| StoreError::Damaged {
                what: "what a plant sent",
                detail: format!("{} of {agent} in round {}", stage.kind(), row.number),
            })?;
            round.recall(stage, agent, message);
        }
    }
    let mut sums = Sums::default();
    if (Stage::Masks..=Stage::Summing).contains(&round.state.stage) {
        sums = Sums::of(&round);
        let is_summed = |agent: &Uuid| round.group_of(*agent).is_some_and(|group| group.failed.is_none());
        for agent in round.senders(Stage::Masks).into_iter().filter(is_summed) {
            let body =
                store.sent_by(row.number, attempt, Stage::Masks.kind(), agent).await?.unwrap_or_default();
            sums.add(&round, agent, &body).map_err(Unplanned::Cannot)?;
        }
    }
    round.paused = row.paused;
    Ok(Playing { round, models, sums, left_out: BTreeMap::new() })
}

/// What a plant sent, as it is kept.
pub fn encode(message: &Message) -> Vec<u8> {
    match message {
        Message::RoundAccept(said) => said.encode_to_vec(),
        Message::RoundReady(said) => said.encode_to_vec(),
        Message::RoundKeys(said) => said.encode_to_vec(),
        Message::RoundShares(said) => said.encode_to_vec(),
        Message::RoundSigned(said) => said.encode_to_vec(),
        Message::RoundReveal(said) => said.encode_to_vec(),
        Message::RoundVote(said) => said.encode_to_vec(),
        _ => Vec::new(),
    }
}

fn decode(stage: Stage, body: &[u8]) -> Option<Message> {
    use fieldward_shared::wire as w;
    Some(match stage {
        Stage::Distributing => w::RoundAccept::decode(body).ok()?.into(),
        Stage::Training => w::RoundReady::decode(body).ok()?.into(),
        Stage::Keys => w::RoundKeys::decode(body).ok()?.into(),
        Stage::Shares => w::RoundShares::decode(body).ok()?.into(),
        Stage::Signing => w::RoundSigned::decode(body).ok()?.into(),
        Stage::Opening => w::RoundReveal::decode(body).ok()?.into(),
        Stage::Gate => w::RoundVote::decode(body).ok()?.into(),
        Stage::Masks | Stage::Summing | Stage::Over => return None,
    })
}

/// The models that go along with a round.
pub async fn models(store: &Store, state: &State) -> Result<Models, Unplanned> {
    let read = async |version: u64| -> Result<Arc<[u8]>, Unplanned> {
        let weights = store.version_weights(version).await?;
        let weights = weights.ok_or_else(|| Unplanned::Cannot(format!("version {version} is gone")))?;
        Ok(weights_to_bytes(&weights).into())
    };
    let base = Some(read(state.base.version).await?);
    let candidate = match &state.candidate {
        Some(candidate) => Some(read(candidate.version).await?),
        None => None,
    };
    Ok(Models { base, candidate })
}

/// Groups of the newest epoch.
async fn seated(store: &Store, network: &str) -> Result<Vec<(u64, Vec<Uuid>)>, StoreError> {
    let mut groups: BTreeMap<u64, (u64, Vec<Uuid>)> = BTreeMap::new();
    for seat in store.seats(network).await? {
        groups.entry(seat.group).or_insert((seat.epoch, Vec::new())).1.push(seat.agent);
    }
    Ok(groups.into_values().collect())
}

/// Bytes of updates that are seen one by one: a strategy wants all of them at once.
const MOST_SEEN: u64 = 512 << 20;
/// Digests of ancestors that plants are told: who was away for longer begins with an older model.
const MOST_ANCESTORS: usize = 128;
