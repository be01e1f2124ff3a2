//! Rounds: looked at, begun, held and ended.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::super::Api;
use super::super::error::ApiError;
use super::super::extract::{Json, Maybe, Path, Query};
use super::super::page;
use super::super::principal::Principal;
use super::super::time::{Range, Time};
use super::body::{ClientBody, RoundBody};
use super::settings::{Configured, object_or_nothing};
use crate::store::now;
use crate::store::rounds::{Cause, Round, Wanted};

/// The round that is under way
///
/// The one in progress, or else the one that waits for its turn, or else the newest one that is over. Shows plants in
/// scope; its totals are of all plants.
#[utoipa::path(get, path = "/api/fl/rounds/current", operation_id = "get_current_round",
    responses((status = 200, body = RoundBody), (status = 404, description = "there was no round yet")))]
pub async fn current(
    State(api): State<Arc<Api>>,
    principal: Principal,
) -> Result<axum::Json<RoundBody>, ApiError> {
    let round = api.store.round_of_now().await?.ok_or_else(|| ApiError::not_found("round yet"))?;
    full(&api, &principal, round).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// So many.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// Behind so many of the newest.
    #[param(minimum = 0, maximum = 10000, default = 0)]
    offset: Option<u32>,
}

/// Rounds.
#[derive(Serialize, ToSchema)]
#[schema(as = FlRounds)]
pub struct RoundList {
    /// The newest first.
    rounds: Vec<RoundBody>,
    /// How many there are.
    total: u64,
    /// When this was read.
    as_of: Time,
}

/// List rounds
#[utoipa::path(get, path = "/api/fl/rounds", operation_id = "list_rounds", params(ListQuery),
    responses((status = 200, body = RoundList)))]
pub async fn list(
    State(api): State<Arc<Api>>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<RoundList>, ApiError> {
    let limit = page::limit(query.limit, 50)?;
    let offset = query.offset.unwrap_or_default();
    if offset > page::DEEPEST {
        return Err(ApiError::query("offset", format!("lists reach {} rows", page::DEEPEST)));
    }
    let (total, as_of) = (api.store.count_rounds().await?, Time(now()));
    let rounds = api.store.rounds_page(limit, offset).await?;
    let rounds = rounds.into_iter().map(|round| RoundBody::of(round, None, as_of)).collect();
    Ok(axum::Json(RoundList { rounds, total, as_of }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// The time before now: `24h`, `7d`.
    #[param(example = "30d", default = "30d")]
    range: Option<String>,
    /// From then on, instead.
    since: Option<String>,
    /// Until before.
    until: Option<String>,
    /// The newest, so many.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
}

/// A round that is over, as a point of a curve.
#[derive(Serialize, ToSchema)]
#[schema(as = FlRoundPoint)]
pub struct RoundPoint {
    /// Its number.
    round_number: u64,
    /// When it ended.
    timestamp: Time,
    /// What was learnt.
    network: String,
    /// `completed` or `failed`.
    status: &'static str,
    /// Why it failed; null when it did not.
    reason: Option<String>,
    /// How long it took.
    duration_seconds: f64,
    /// Of the model that came of it, from 0 to 1; null without one.
    model_accuracy: Option<f64>,
    /// The most that a plant had spent of its privacy budget; null when none has told.
    epsilon: Option<f64>,
    /// Plants that took part.
    clients_active: u64,
    /// Plants that were asked.
    total_clients: u64,
}

/// What came of rounds over time.
#[derive(Serialize, ToSchema)]
#[schema(as = FlHistory)]
pub struct History {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// Rounds that ended then, the oldest first.
    rounds: Vec<RoundPoint>,
    /// Whether there were more, which are older.
    is_cut: bool,
}

/// What came of rounds over time
#[utoipa::path(get, path = "/api/fl/rounds/history", operation_id = "get_round_history", params(HistoryQuery),
    responses((status = 200, body = History)))]
pub async fn history(
    State(api): State<Arc<Api>>,
    Query(query): Query<HistoryQuery>,
) -> Result<axum::Json<History>, ApiError> {
    let limit = page::limit(query.limit, 100)?;
    let texts = [query.range, query.since, query.until];
    let [range, since, until] = texts.each_ref().map(Option::as_deref);
    let Range { since, until } = Range::of(range, since, until, "30d", now())?;
    let mut ended = api.store.rounds_ended(since, until, limit + 1).await?;
    let is_cut = ended.len() > limit as usize;
    ended.truncate(limit as usize);
    let points = ended.into_iter().rev().filter_map(|round| {
        round.end.map(|end| RoundPoint {
            round_number: round.number,
            timestamp: Time(end),
            network: round.network,
            status: round.status.name(),
            reason: round.reason,
            duration_seconds: end.since(round.start) as f64 / 1e6,
            model_accuracy: round.accuracy,
            epsilon: round.epsilon,
            clients_active: round.clients_active,
            total_clients: round.clients_total,
        })
    });
    Ok(axum::Json(History { since: Time(since), until: Time(until), rounds: points.collect(), is_cut }))
}

/// A round
///
/// Shows plants in scope; its totals are of all plants.
#[utoipa::path(get, path = "/api/fl/rounds/{round_id}", operation_id = "get_round", params(("round_id" = u64, Path)),
    responses((status = 200, body = RoundBody), (status = 404, description = "there is no such round")))]
pub async fn one(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<axum::Json<RoundBody>, ApiError> {
    let round = api.store.round(id).await?.ok_or_else(|| ApiError::not_found("round"))?;
    full(&api, &principal, round).await
}

/// A round that somebody wants.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundWish {
    /// What is to be learnt; without it what is configured.
    #[schema(example = "autoencoder", pattern = "^[a-z0-9_-]{1,64}$")]
    network: Option<String>,
    /// How; without it what is configured. `GET /api/training/configuration` says what there is: those that must see
    /// each plant want `masked` to be false. `fedprox` wants a pull (`proximal`); without one it gets 0.01.
    #[schema(
        example = "fedavg",
        pattern = "^(fedavg|fedprox|fedadam|trimmed_groups|trimmed_mean|median|geometric_median|multi_krum)$"
    )]
    strategy: Option<String>,
    /// What is to be otherwise than configured.
    #[serde(default, deserialize_with = "object_or_nothing")]
    settings: Option<Configured>,
}

/// A round that was begun.
#[derive(Serialize, ToSchema)]
#[schema(as = FlBegun)]
pub struct Begun {
    /// Its number.
    pub round_id: u64,
    /// `started`: it is written down, and its driver takes it when it is its turn.
    #[schema(example = "started")]
    pub status: &'static str,
    /// The round.
    round: RoundBody,
}

/// Begin a round
///
/// It spends of the privacy budget of each plant that takes part. A round of the same network must not be waiting.
#[utoipa::path(post, path = "/api/fl/rounds/trigger", operation_id = "trigger_round",
    request_body(content = Option<RoundWish>),
    responses((status = 200, body = Begun),
        (status = 409, description = "one waits already, or as many as may")))]
pub async fn trigger(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Maybe(wish): Maybe<RoundWish>,
) -> Result<axum::Json<Begun>, ApiError> {
    begin(&api, &principal, wish.unwrap_or_default(), Cause::Api).await.map(axum::Json)
}

/// Writes a round down that somebody wants: what is configured for the network, and over it what he says.
pub async fn begin(
    api: &Api,
    principal: &Principal,
    wish: RoundWish,
    cause: Cause,
) -> Result<Begun, ApiError> {
    let network = wish.network.unwrap_or_else(|| NETWORK.to_owned());
    if !is_name(&network) {
        return Err(ApiError::field("#/network", "a name of small letters, digits, - and _"));
    }
    let kept = api.store.training_of(&network).await?;
    let (strategy, kept) =
        kept.map_or_else(|| (STRATEGY.to_owned(), json!({})), |kept| (kept.strategy, kept.settings));
    let strategy = wish.strategy.unwrap_or(strategy);
    let settings = Configured::read(kept)?.with(&wish.settings.unwrap_or_default()).pulled(&strategy);
    settings.check(&strategy)?;
    let wanted =
        Wanted { network, strategy, requested_by: principal.actor(), cause, settings: settings.document() };
    let now = now();
    let Some(round) = api.store.plan_round(&wanted, now).await? else {
        let said =
            "a round of this network waits already, or as many as may wait do; ask again when one has begun";
        return Err(ApiError::later(StatusCode::CONFLICT, "round_waits", said, 30));
    };
    api.rounds.notify_one();
    Ok(Begun { round_id: round.number, status: "started", round: RoundBody::of(round, None, Time(now)) })
}

/// Hold a round
///
/// It stands still between two steps until it is resumed; plants that train go on to the end of their training.
#[utoipa::path(post, path = "/api/fl/rounds/{round_id}/pause", operation_id = "pause_round",
    params(("round_id" = u64, Path)),
    responses((status = 200, body = RoundBody), (status = 404, description = "there is no such round"),
        (status = 409, description = "it is over, or held already")))]
pub async fn pause(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<axum::Json<RoundBody>, ApiError> {
    let told = api.store.pause_round(id, true, &principal.actor(), now()).await?;
    told_or(&api, &principal, id, told, "it is over, or held already").await
}

/// Go on with a round that was held
#[utoipa::path(post, path = "/api/fl/rounds/{round_id}/resume", operation_id = "resume_round",
    params(("round_id" = u64, Path)),
    responses((status = 200, body = RoundBody), (status = 404, description = "there is no such round"),
        (status = 409, description = "it is over, or not held")))]
pub async fn resume(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<axum::Json<RoundBody>, ApiError> {
    let told = api.store.pause_round(id, false, &principal.actor(), now()).await?;
    told_or(&api, &principal, id, told, "it is over, or not held").await
}

/// Why a round is to end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlAbort)]
pub struct Abort {
    /// In words; the round shows it.
    #[schema(example = "maintenance at north", min_length = 1, max_length = 500, pattern = "\\S")]
    reason: String,
}

/// End a round without a model
#[utoipa::path(post, path = "/api/fl/rounds/{round_id}/abort", operation_id = "abort_round", request_body = Abort,
    params(("round_id" = u64, Path)),
    responses((status = 200, body = RoundBody), (status = 404, description = "there is no such round"),
        (status = 409, description = "it is over, or is to end already")))]
pub async fn abort(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<u64>,
    Json(abort): Json<Abort>,
) -> Result<axum::Json<RoundBody>, ApiError> {
    let why = said(&abort.reason)?;
    let told = api.store.stop_round(id, &principal.actor(), why, now()).await?;
    told_or(&api, &principal, id, told, "it is over, or is to end already").await
}

impl Abort {
    /// In words.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// A reason that says something.
pub fn said(reason: &str) -> Result<&str, ApiError> {
    let reason = reason.trim();
    if (1..=500).contains(&reason.chars().count()) {
        return Ok(reason);
    }
    Err(ApiError::field("#/reason", "from 1 to 500 letters"))
}

async fn told_or(
    api: &Api,
    principal: &Principal,
    id: u64,
    told: Option<Round>,
    why: &'static str,
) -> Result<axum::Json<RoundBody>, ApiError> {
    match told {
        Some(round) => full(api, principal, round).await,
        None if api.store.round(id).await?.is_none() => Err(ApiError::not_found("round")),
        None => Err(ApiError::new(StatusCode::CONFLICT, "invalid_transition", why)),
    }
}

async fn full(api: &Api, principal: &Principal, round: Round) -> Result<axum::Json<RoundBody>, ApiError> {
    let clients = api.store.round_clients(round.number).await?;
    let clients = ClientBody::seen(clients, principal);
    Ok(axum::Json(RoundBody::of(round, Some(clients), Time(now()))))
}

/// Whether something may be the name of a network.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_".contains(&c))
}

/// What is learnt when nothing else is said.
pub const NETWORK: &str = "autoencoder";
/// And how.
pub const STRATEGY: &str = "fedavg";
