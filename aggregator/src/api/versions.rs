//! The registry of models: versions, where each comes from, what it is worth, which one is at work.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use fieldward_shared::identity::to_hex;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::error::ApiError;
use super::extract::{Json, Path, Query};
use super::fl::{ClientBody, is_name, said};
use super::page;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::registry::{self, Generation, RegistryError};
use crate::store::audit::Act;
use crate::store::now;
use crate::store::versions::Version;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    let act = Policy::Whole(Role::Engineer);
    Routes::of("versions", "Versions of models that plants share")
        .add(look, routes!(list))
        .add(look, routes!(one))
        .add(look, routes!(performance))
        .add(act, routes!(export))
        .act(act, routes!(promote))
        .act(act, routes!(roll_back))
}

/// A version of a model.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelVersion)]
struct VersionBody {
    /// Its number.
    #[schema(example = 7)]
    id: u64,
    /// What it is a model of.
    #[schema(example = "autoencoder")]
    network: String,
    /// `candidate`, `promoted` (at work, or until another was), `rejected` or `rolled-back`.
    #[schema(example = "promoted")]
    state: &'static str,
    /// Whether it is the one at work.
    is_current: bool,
    /// Hash of the names and shapes of its tensors.
    #[schema(example = "a1b2c3d4e5f60718")]
    layout: String,
    /// Hash of what it is fed with: agents of another are left out.
    #[schema(example = "a1b2c3d4e5f60718")]
    feature_schema: String,
    /// SHA-256 of its weights.
    digest: String,
    /// How many weights it has.
    parameters: u64,
    /// Versions that it came of, the nearest first.
    parents: Vec<u64>,
    /// The round that made it; null when it was brought from outside, or is a way back.
    round: Option<u64>,
    /// The strategy that made it; null likewise.
    strategy: Option<String>,
    /// Share of what plants held back that it gets right, from 0 to 1; null before they have judged it.
    accuracy: Option<f64>,
    /// Why it was rejected or rolled back; null when it was not.
    reason: Option<String>,
    /// Who brought it.
    #[schema(example = "round")]
    made_by: String,
    /// Since when it is here.
    created: Time,
    /// When it was put to work; null when it was not.
    promoted: Option<Time>,
    /// When it was rolled back; null when it was not.
    rolled_back: Option<Time>,
}

impl VersionBody {
    fn of(version: Version, current: &BTreeMap<String, u64>) -> Self {
        Self {
            is_current: current.get(&version.network) == Some(&version.id),
            id: version.id,
            network: version.network,
            state: version.state.name(),
            layout: format!("{:016x}", version.layout),
            feature_schema: format!("{:016x}", version.schema),
            digest: to_hex(&version.digest),
            parameters: version.parameters,
            parents: version.parents,
            round: version.round,
            strategy: version.strategy,
            accuracy: version.accuracy,
            reason: version.reason,
            made_by: version.made_by,
            created: Time(version.created),
            promoted: version.promoted.map(Time),
            rolled_back: version.rolled_back.map(Time),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Of this network.
    #[param(example = "autoencoder", pattern = "^[a-z0-9_-]{1,64}$")]
    network: Option<String>,
    /// Before this version.
    before: Option<u64>,
    /// So many.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// Versions.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelVersions)]
struct Versions {
    /// The newest first.
    versions: Vec<VersionBody>,
    /// To be given as `before` for the next page; null at the end.
    next_before: Option<u64>,
    /// The version at work, by network.
    #[schema(example = json!({"autoencoder": 7}))]
    current: BTreeMap<String, u64>,
    /// When this was read.
    as_of: Time,
}

/// List versions
#[utoipa::path(get, path = "/api/models/versions", operation_id = "list_versions", params(ListQuery),
    responses((status = 200, body = Versions)))]
async fn list(
    State(api): State<Arc<Api>>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Versions>, ApiError> {
    let limit = page::limit(query.limit, 50)?;
    if query.network.as_deref().is_some_and(|name| !is_name(name)) {
        return Err(ApiError::query("network", "a name of small letters, digits, - and _"));
    }
    if query.before.is_some_and(|before| i64::try_from(before).is_err()) {
        return Err(ApiError::query("before", "the number of a version"));
    }
    let found = api.store.versions(query.network.as_deref(), query.before, limit).await?;
    let next_before = found.last().filter(|_| found.len() == limit as usize).map(|last| last.id);
    let current = current(&api, &found).await?;
    let versions = found.into_iter().map(|version| VersionBody::of(version, &current)).collect();
    Ok(axum::Json(Versions { versions, next_before, current, as_of: Time(now()) }))
}

/// The versions at work of the networks of some.
async fn current(api: &Api, versions: &[Version]) -> Result<BTreeMap<String, u64>, ApiError> {
    let mut current = BTreeMap::new();
    for version in versions {
        if !current.contains_key(&version.network)
            && let Some(at_work) = api.store.current_version(&version.network).await?
        {
            current.insert(version.network.clone(), at_work.id);
        }
    }
    Ok(current)
}

/// A version, and what it was made of.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelGeneration)]
struct GenerationBody {
    /// The version.
    version: u64,
    /// SHA-256 of its weights.
    digest: String,
    /// The round that made it; null when none did.
    round: Option<u64>,
    /// The strategy; null likewise.
    strategy: Option<String>,
    /// How many plants took part; null likewise.
    plants: Option<u64>,
    /// Agents in scope that took part.
    agents: Vec<Uuid>,
    /// The most that a plant had spent of its privacy budget then; null when none has told.
    epsilon: Option<f64>,
    /// Since when it is here.
    created: Time,
}

impl GenerationBody {
    fn of(one: Generation, principal: &Principal) -> Self {
        let seen = one.cohort.iter().filter(|client| {
            principal.scope.holds(&client.facility)
                && !["left_out", "refused", "lost"].contains(&client.stage.as_str())
        });
        Self {
            version: one.version.id,
            digest: to_hex(&one.version.digest),
            strategy: one.version.strategy.clone(),
            plants: one.round.as_ref().map(|round| round.clients_active),
            agents: seen.map(|client| client.agent).collect(),
            epsilon: one.round.as_ref().and_then(|round| round.epsilon),
            round: one.version.round,
            created: Time(one.version.created),
        }
    }
}

/// An agent that cannot have a version.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelLeftOut)]
struct LeftOut {
    /// Which.
    agent_id: Uuid,
    /// Its plant.
    #[schema(example = "north")]
    facility_id: String,
    /// The round that left it out.
    round: u64,
    /// Why.
    #[schema(example = "its features are of another schema")]
    reason: String,
}

/// A version in detail.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelVersionDetail)]
struct Detail {
    /// The version.
    #[serde(flatten)]
    version: VersionBody,
    /// It and those that it came of, the nearest first, at most 64.
    lineage: Vec<GenerationBody>,
    /// Agents in scope that the last round of this network left out.
    left_out: Vec<LeftOut>,
}

/// A version
#[utoipa::path(get, path = "/api/models/versions/{version_id}", operation_id = "get_version",
    params(("version_id" = u64, Path)),
    responses((status = 200, body = Detail), (status = 404, description = "there is no such version")))]
async fn one(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<axum::Json<Detail>, ApiError> {
    detail(&api, &principal, id).await.map(axum::Json)
}

async fn detail(api: &Api, principal: &Principal, id: u64) -> Result<Detail, ApiError> {
    let line = registry::lineage(&api.store, id, GENERATIONS).await?;
    let version =
        line.first().map(|one| one.version.clone()).ok_or_else(|| ApiError::not_found("version"))?;
    let left_out = api.store.left_out(&version.network, MOST_LEFT_OUT).await?.into_iter();
    let left_out = left_out
        .filter(|(_, _, facility, _)| principal.scope.holds(facility))
        .map(|(round, agent_id, facility_id, reason)| LeftOut { agent_id, facility_id, round, reason });
    let current = current(api, std::slice::from_ref(&version)).await?;
    Ok(Detail {
        version: VersionBody::of(version, &current),
        lineage: line.into_iter().map(|one| GenerationBody::of(one, principal)).collect(),
        left_out: left_out.collect(),
    })
}

/// What a version is worth.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelPerformance)]
struct Performance {
    /// Which version.
    version: u64,
    /// Share of what plants held back that it gets right, in the mean; null before they have judged it.
    accuracy: Option<f64>,
    /// What plants said of it, all together.
    #[schema(value_type = Object)]
    metrics: serde_json::Value,
    /// Plants that take it for no worse than their own.
    accepts: Option<u64>,
    /// Plants that do not.
    refuses: Option<u64>,
    /// Of each plant in scope that was in its round.
    plants: Vec<ClientBody>,
    /// Accuracy of the version that it came of; null without one, or before it was judged.
    previous_accuracy: Option<f64>,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
}

/// What a version is worth
#[utoipa::path(get, path = "/api/models/versions/{version_id}/performance", operation_id = "get_version_performance",
    params(("version_id" = u64, Path)),
    responses((status = 200, body = Performance), (status = 404, description = "there is no such version")))]
async fn performance(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<axum::Json<Performance>, ApiError> {
    let line = registry::lineage(&api.store, id, 2).await?;
    let mut line = line.into_iter();
    let Generation { version, cohort, .. } = line.next().ok_or_else(|| ApiError::not_found("version"))?;
    let previous_accuracy = line.next().and_then(|one| one.version.accuracy);
    let votes = |wanted| cohort.iter().filter(|client| client.vote == Some(wanted)).count() as u64;
    let is_judged = cohort.iter().any(|client| client.vote.is_some());
    let (accepts, refuses) = (votes(true), votes(false));
    let mut unknown = BTreeMap::new();
    if version.accuracy.is_none() {
        unknown.insert("accuracy", "plants have not judged it");
    }
    if !is_judged {
        unknown.insert("accepts", "no plant has voted on it");
        unknown.insert("refuses", "no plant has voted on it");
    }
    if previous_accuracy.is_none() {
        unknown.insert("previous_accuracy", "it came of none that plants have judged");
    }
    let metrics = if version.metrics.is_object() { version.metrics } else { serde_json::json!({}) };
    Ok(axum::Json(Performance {
        version: version.id,
        accuracy: version.accuracy,
        metrics,
        accepts: is_judged.then_some(accepts),
        refuses: is_judged.then_some(refuses),
        plants: ClientBody::seen(cohort, &principal),
        previous_accuracy,
        unknown,
    }))
}

/// Why a version is put to work.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModelReason)]
struct Why {
    /// In words; the audit trail keeps them.
    #[schema(
        example = "false alarms at north since version 7",
        min_length = 1,
        max_length = 500,
        pattern = "\\S"
    )]
    reason: String,
}

/// Put a version to work
///
/// Past the plants' vote: also one that they refused. Each plant still judges it on what it held back, and keeps its
/// own model when that is better. Where it does not come of the one at work, its weights become a new version that
/// does.
#[utoipa::path(post, path = "/api/models/versions/{version_id}/promote", operation_id = "promote_version",
    request_body = Why, params(("version_id" = u64, Path)),
    responses((status = 200, body = Detail), (status = 404, description = "there is no such version"),
        (status = 409, description = "it is at work, is being judged, or is of another layout")))]
async fn promote(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<u64>,
    Json(why): Json<Why>,
) -> Result<axum::Json<Detail>, ApiError> {
    let why = said(&why.reason)?;
    let version = registry::promote(&api.store, id, &principal.actor(), why, now()).await?;
    detail(&api, &principal, version.id).await.map(axum::Json)
}

/// Go back to a version
///
/// That was at work before: those since then are marked, and its weights become a new version that comes of the one
/// at work, so that plants follow.
#[utoipa::path(post, path = "/api/models/versions/{version_id}/rollback", operation_id = "roll_back_version",
    request_body = Why, params(("version_id" = u64, Path)),
    responses((status = 200, body = Detail), (status = 404, description = "there is no such version"),
        (status = 409, description = "it is at work, or was never")))]
async fn roll_back(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<u64>,
    Json(why): Json<Why>,
) -> Result<axum::Json<Detail>, ApiError> {
    let why = said(&why.reason)?;
    let version = registry::roll_back(&api.store, id, &principal.actor(), why, now()).await?;
    detail(&api, &principal, version.id).await.map(axum::Json)
}

/// Export a version
///
/// One JSON document: the weights (base64, little-endian), what is said of them with their lineage, a seal of the
/// aggregator over that, and the certificates that lead to its root.
#[utoipa::path(get, path = "/api/models/versions/{version_id}/export", operation_id = "export_version",
    params(("version_id" = u64, Path)),
    responses((status = 200, body = Object, description = "the document"),
        (status = 404, description = "there is no such version"),
        (status = 503, description = "there is no authority here that could seal it")))]
async fn export(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<Response, ApiError> {
    let Some(hall) = api.security.deployment().and_then(|known| known.hall.clone()) else {
        let said = "there is no authority here that could seal it; ask where the aggregator runs";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "no_authority", said));
    };
    let at = now();
    let document = registry::export(&api.store, &hall.authority(), id, at).await?;
    let (actor, object) = (principal.actor(), id.to_string());
    api.store
        .audit(Act { at, actor: &actor, action: "version.exported", object: &object, detail: "" })
        .await?;
    let name = format!("attachment; filename=\"fieldward-model-{id}.json\"");
    let name = HeaderValue::from_str(&name).map_err(|_| ApiError::internal("the name of a file"))?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, name)], axum::Json(document)).into_response())
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        let conflict =
            |error: &RegistryError| Self::new(StatusCode::CONFLICT, "invalid_transition", error.to_string());
        match error {
            RegistryError::Unknown(_) => Self::not_found("version"),
            RegistryError::Store(error) => error.into(),
            RegistryError::Ca(error) => Self::internal(error.to_string()),
            error => conflict(&error),
        }
    }
}

/// Generations of a lineage that are shown.
const GENERATIONS: usize = 64;
/// Agents that are listed as left out.
const MOST_LEFT_OUT: u32 = 500;
