//! Training: what is being learnt, by agents for themselves and by rounds; begun, ended, with its log, and how it is
//! set.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use fieldward_shared::wire::Health;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::error::ApiError;
use super::extract::{Json, Maybe, Path, Query, if_match};
use super::fl::{self, Abort, Begun, Configured, RoundWish, object};
use super::models::told;
use super::page;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::fleet::Standing;
use crate::store::now;
use crate::store::rounds::{Cause, Round};
use crate::store::training::Training;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    let act = Policy::Whole(Role::Engineer);
    Routes::of("training", "What is being learnt, and how")
        .add(look, routes!(list))
        .add(look, routes!(one))
        .add(look, routes!(log))
        .act(act, routes!(start))
        .act(act, routes!(stop))
        .add(look, routes!(settings))
        .add(act, routes!(set))
}

/// Something that is being learnt.
#[derive(Serialize, ToSchema)]
struct TrainingJob {
    /// `round-` and a number, or `agent-` and the id of an agent that learns for itself.
    #[schema(example = "round-12")]
    id: String,
    /// `federated` or `local`.
    #[schema(example = "federated")]
    kind: &'static str,
    /// Which agent; null of a round, in which many learn.
    agent_id: Option<Uuid>,
    /// Its plant; null likewise.
    #[schema(example = "north")]
    facility_id: Option<String>,
    /// The round; null of an agent that learns for itself.
    round_number: Option<u64>,
    /// `learning` gathers, `training` computes; of a round its phase.
    #[schema(example = "training")]
    state: String,
    /// How far it is, in percent; null of an agent that learns for itself, which does not tell.
    progress: Option<f64>,
    /// When it began; null of an agent that learns for itself.
    started: Option<Time>,
    /// When it ended; null before.
    ended: Option<Time>,
    /// Why it failed; null when it did not.
    error: Option<String>,
    /// When it was heard of last.
    last_seen: Time,
}

impl TrainingJob {
    fn of_round(round: Round) -> Self {
        Self {
            id: format!("{ROUND}{}", round.number),
            kind: "federated",
            agent_id: None,
            facility_id: None,
            round_number: Some(round.number),
            state: round.phase.name().to_owned(),
            progress: Some(round.progress as f64),
            started: Some(Time(round.start)),
            ended: round.end.map(Time),
            error: round.reason,
            last_seen: Time(round.end.unwrap_or_else(now)),
        }
    }

    fn of_agent((one, health): (Standing, Health)) -> Self {
        Self {
            id: format!("agent-{}", one.agent),
            kind: "local",
            agent_id: Some(one.agent),
            facility_id: Some(one.facility),
            round_number: None,
            state: health.state,
            progress: None,
            started: None,
            ended: None,
            error: None,
            last_seen: Time(one.last_seen),
        }
    }
}

/// What is being learnt.
#[derive(Serialize, ToSchema)]
struct TrainingJobs {
    /// Rounds that are not over, then agents in scope that learn or train for themselves now.
    jobs: Vec<TrainingJob>,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
    /// When this was read.
    as_of: Time,
}

/// What is being learnt
#[utoipa::path(get, path = "/api/training/jobs", operation_id = "list_training_jobs",
    responses((status = 200, body = TrainingJobs)))]
async fn list(
    State(api): State<Arc<Api>>,
    principal: Principal,
) -> Result<axum::Json<TrainingJobs>, ApiError> {
    let rounds = api.store.rounds_open(MOST_ROUNDS).await?.into_iter().map(TrainingJob::of_round);
    let learns = |health: &Health| LEARNS.contains(&health.state.as_str());
    let agents = told(&api, &principal).into_iter().filter(|(_, health)| learns(health));
    let jobs = rounds.chain(agents.map(TrainingJob::of_agent)).collect();
    let why = "an agent that learns for itself tells what it does, and not how far it is";
    let unknown = BTreeMap::from([("jobs.progress", why), ("jobs.started", why)]);
    Ok(axum::Json(TrainingJobs { jobs, unknown, as_of: Time(now()) }))
}

/// A round that is being learnt in
#[utoipa::path(get, path = "/api/training/jobs/{job_id}", operation_id = "get_training_job",
    params(("job_id" = String, Path)),
    responses((status = 200, body = TrainingJob), (status = 404, description = "there is no such job")))]
async fn one(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<axum::Json<TrainingJob>, ApiError> {
    if let Some(round) = round_of(&api, &id).await? {
        return Ok(axum::Json(TrainingJob::of_round(round)));
    }
    let agents = told(&api, &principal).into_iter().map(TrainingJob::of_agent);
    let found = agents.into_iter().find(|job| job.id == id && LEARNS.contains(&job.state.as_str()));
    found.map(axum::Json).ok_or_else(|| ApiError::not_found("job"))
}

/// The round that a job names; none when it names none.
async fn round_of(api: &Api, id: &str) -> Result<Option<Round>, ApiError> {
    match id.strip_prefix(ROUND).and_then(|number| number.parse().ok()) {
        Some(number) => Ok(api.store.round(number).await?),
        None => Ok(None),
    }
}

/// Begin to learn together
///
/// The same as to begin a round: it spends of the privacy budget of each plant that takes part.
#[utoipa::path(post, path = "/api/training/jobs", operation_id = "start_training",
    request_body(content = Option<RoundWish>),
    responses((status = 200, body = Begun), (status = 409, description = "one waits already, or as many as may")))]
async fn start(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Maybe(wish): Maybe<RoundWish>,
) -> Result<axum::Json<Begun>, ApiError> {
    fl::begin(&api, &principal, wish.unwrap_or_default(), Cause::Api).await.map(axum::Json)
}

/// End a training
///
/// The round ends without a model. What agents learn for themselves is ended at the plant.
#[utoipa::path(post, path = "/api/training/jobs/{job_id}/stop", operation_id = "stop_training", request_body = Abort,
    params(("job_id" = String, Path)),
    responses((status = 200, body = TrainingJob), (status = 404, description = "there is no such job"),
        (status = 409, description = "it is over, or is to end already")))]
async fn stop(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(abort): Json<Abort>,
) -> Result<axum::Json<TrainingJob>, ApiError> {
    let why = fl::said(abort.reason())?;
    let round = round_of(&api, &id).await?.ok_or_else(|| ApiError::not_found("job"))?;
    match api.store.stop_round(round.number, &principal.actor(), why, now()).await? {
        Some(round) => Ok(axum::Json(TrainingJob::of_round(round))),
        None => {
            let said = "it is over, or is to end already";
            Err(ApiError::new(StatusCode::CONFLICT, "invalid_transition", said))
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LogQuery {
    /// From this line on.
    #[param(minimum = 0, maximum = 1000000, default = 0)]
    from: Option<u32>,
    /// So many.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
}

/// A line of a log.
#[derive(Serialize, ToSchema)]
struct LogLine {
    /// When.
    timestamp: Time,
    /// In which attempt at a sum.
    attempt: u32,
    /// The agent that it is about; null: the round itself.
    agent_id: Option<Uuid>,
    /// Its plant.
    #[schema(example = "north")]
    facility_id: Option<String>,
    /// What happened: `phase training`, `ready`, `epoch 2`, `refused`.
    #[schema(example = "epoch 2")]
    event: String,
    /// What else is to be known.
    #[schema(example = "loss 0.012300")]
    detail: Option<String>,
}

/// What happened in a training.
#[derive(Serialize, ToSchema)]
struct Log {
    /// The oldest first; of plants, those in scope.
    lines: Vec<LogLine>,
    /// To be given as `from` for the next page; null at the end.
    next_from: Option<u32>,
}

/// What happened in a training
#[utoipa::path(get, path = "/api/training/jobs/{job_id}/logs", operation_id = "get_training_log",
    params(("job_id" = String, Path), LogQuery),
    responses((status = 200, body = Log), (status = 404, description = "there is no such job")))]
async fn log(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<String>,
    Query(query): Query<LogQuery>,
) -> Result<axum::Json<Log>, ApiError> {
    let limit = page::limit(query.limit, 100)?;
    let from = query.from.unwrap_or_default();
    if from > MOST_LINES {
        return Err(ApiError::query("from", format!("no log has more than {MOST_LINES} lines")));
    }
    let round = round_of(&api, &id).await?.ok_or_else(|| ApiError::not_found("job"))?;
    let lines = api.store.round_log(round.number, from, limit).await?;
    let next_from = (lines.len() == limit as usize).then(|| from + limit);
    let seen = lines
        .into_iter()
        .filter(|line| line.facility.as_deref().is_none_or(|facility| principal.scope.holds(facility)));
    let lines = seen.map(|line| LogLine {
        timestamp: Time(line.at),
        attempt: line.attempt,
        agent_id: line.agent,
        facility_id: line.facility,
        event: line.word,
        detail: line.detail,
    });
    Ok(axum::Json(Log { lines: lines.collect(), next_from }))
}

/// How a network is learnt.
#[derive(Serialize, ToSchema)]
struct NetworkSettings {
    /// Which.
    #[schema(example = "autoencoder")]
    network: String,
    /// By which strategy.
    #[schema(example = "fedavg")]
    strategy: String,
    /// What is otherwise than built in.
    settings: Configured,
    /// Grows with each change.
    revision: u64,
    /// Who changed it last.
    #[schema(example = "user ann")]
    changed_by: String,
    /// When.
    changed: Time,
}

impl NetworkSettings {
    fn of(training: Training) -> Result<Self, ApiError> {
        Ok(Self {
            network: training.network,
            strategy: training.strategy,
            settings: Configured::read(training.settings)?,
            revision: training.revision,
            changed_by: training.changed_by,
            changed: Time(training.changed),
        })
    }
}

/// A way to learn together.
#[derive(Serialize, ToSchema)]
struct StrategyBody {
    /// Its name.
    #[schema(example = "fedavg")]
    name: &'static str,
    /// What it does.
    about: &'static str,
    /// Whether it must see the update of each plant, and so cannot go with masking.
    sees_each: bool,
}

/// How networks are learnt.
#[derive(Serialize, ToSchema)]
struct AllSettings {
    /// Those of which somebody has said it; the others are learnt as it is built in, by `fedavg`.
    networks: Vec<NetworkSettings>,
    /// What there is to choose from.
    strategies: Vec<StrategyBody>,
}

/// How networks are learnt
#[utoipa::path(get, path = "/api/training/configuration", operation_id = "get_training_configuration",
    responses((status = 200, body = AllSettings)))]
async fn settings(State(api): State<Arc<Api>>) -> Result<axum::Json<AllSettings>, ApiError> {
    let known = api.store.all_training().await?.into_iter();
    let networks = known.map(NetworkSettings::of).collect::<Result<_, _>>()?;
    let strategies = crate::strategy::STRATEGIES.iter().map(|kind| StrategyBody {
        name: kind.name,
        about: kind.about,
        sees_each: kind.sees == crate::strategy::Sees::Each,
    });
    Ok(axum::Json(AllSettings { networks, strategies: strategies.collect() }))
}

/// How a network is to be learnt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSettings {
    /// By which strategy.
    #[schema(
        example = "fedavg",
        pattern = "^(fedavg|fedprox|fedadam|trimmed_groups|trimmed_mean|median|geometric_median|multi_krum)$"
    )]
    strategy: String,
    /// What is to be otherwise than built in.
    #[serde(default, deserialize_with = "object")]
    settings: Configured,
}

/// Say how a network is learnt
///
/// From the next round on. `If-Match: "v3"` has it change only what was seen: `revision`.
#[utoipa::path(put, path = "/api/training/configuration/{network}", operation_id = "set_training_configuration",
    request_body = NewSettings, params(("network" = String, Path)),
    responses((status = 200, body = NetworkSettings), (status = 404, description = "no network can be called so"),
        (status = 412, description = "it was changed since, or there are settings of 16 networks")))]
async fn set(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(network): Path<String>,
    headers: HeaderMap,
    Json(new): Json<NewSettings>,
) -> Result<axum::Json<NetworkSettings>, ApiError> {
    if !fl::is_name(&network) {
        return Err(ApiError::not_found("network"));
    }
    let settings = new.settings.pulled(&new.strategy);
    settings.check(&new.strategy)?;
    let training = Training {
        network,
        strategy: new.strategy,
        settings: settings.document(),
        revision: 0,
        changed_by: principal.actor(),
        changed: now(),
    };
    match api.store.set_training(&training, if_match(&headers)?).await? {
        Some(kept) => NetworkSettings::of(kept).map(axum::Json),
        None => {
            let said =
                "it was changed since you read it, or there are settings of 16 networks; read it again";
            Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", said))
        }
    }
}

/// What an agent says when it does not watch yet.
const LEARNS: [&str; 2] = ["learning", "training"];
/// How jobs that are rounds are called.
const ROUND: &str = "round-";
/// Rounds that are shown: more than may wait.
const MOST_ROUNDS: u32 = 32;
/// Lines that a log reaches.
const MOST_LINES: u32 = 1_000_000;
