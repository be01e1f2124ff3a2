//! Drift: how far the traffic of plants has moved from what was learnt, as agents tell, and a round to learn anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use fieldward_shared::wire::Health;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::error::ApiError;
use super::extract::Maybe;
use super::fl::{self, Begun, RoundWish};
use super::models::told;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::drift::MOVED;
use crate::fleet::Standing;
use crate::store::now;
use crate::store::rounds::Cause;

/// The resource.
pub fn routes() -> Routes {
    Routes::of("drift", "How far traffic has moved from what was learnt")
        .add(Policy::Scoped(Role::Viewer), routes!(drift))
        .act(Policy::Whole(Role::Engineer), routes!(learn))
}

/// How far a feature has moved.
#[derive(Serialize, ToSchema)]
struct Moved {
    /// Which.
    feature: String,
    /// Its population stability index over a day.
    index: f64,
    /// `stable` below 0.1, `moving`, and `moved` above 0.25.
    #[schema(example = "stable")]
    status: &'static str,
    /// How far the distributions lie apart, from 0 to 1 (Kolmogorov and Smirnov): the effect; null when the agent does
    /// not say.
    distance: Option<f64>,
    /// With which chance that comes of nothing; null when the agent does not say.
    p_value: Option<f64>,
    /// That is no chance, and large enough to matter: of a whole day nearly any difference is no chance, so both must
    /// speak. Null when the agent does not say.
    differs: Option<bool>,
}

/// The error of an agent's model of minutes.
#[derive(Serialize, ToSchema)]
#[schema(as = DriftOfModel)]
struct ModelError {
    /// Its mean score of the last 24 hours.
    now: f64,
    /// What that was on normal traffic when the model was made.
    usual: f64,
    /// How many times that.
    #[schema(example = 1.1)]
    times: f64,
}

/// How far the traffic of a plant has moved from what was learnt.
#[derive(Serialize, ToSchema)]
struct AgentDrift {
    /// Which agent.
    agent_id: Uuid,
    /// Its plant.
    #[schema(example = "north")]
    facility_id: String,
    /// The worst of its features; null before it has watched for a whole day.
    status: Option<&'static str>,
    /// Those that have moved furthest, that one first.
    features: Vec<Moved>,
    /// The error of its model; null before it has watched for a whole day, or where the model does not keep it.
    model_error: Option<ModelError>,
}

/// How far traffic has moved from what was learnt.
#[derive(Serialize, ToSchema)]
struct Drifts {
    /// Of each agent in scope that has told how it is.
    agents: Vec<AgentDrift>,
    /// Above it something is moving.
    moving_above: f64,
    /// Above it something has moved.
    moved_above: f64,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
    /// When this was read.
    as_of: Time,
}

/// Drift of what was learnt
#[utoipa::path(get, path = "/api/drift", operation_id = "get_drift", responses((status = 200, body = Drifts)))]
async fn drift(State(api): State<Arc<Api>>, principal: Principal) -> Result<axum::Json<Drifts>, ApiError> {
    let agents: Vec<AgentDrift> = told(&api, &principal).into_iter().map(of_agent).collect();
    let mut unknown = BTreeMap::new();
    if agents.iter().any(|agent| agent.model_error.is_none()) {
        let why = "an agent tells of its model's error when that has watched for a whole day";
        unknown.insert("agents.model_error", why);
    }
    if agents.iter().any(|agent| agent.status.is_none()) {
        unknown.insert("agents.status", "an agent tells of drift when it has watched for a whole day");
    }
    Ok(axum::Json(Drifts { agents, moving_above: MOVING, moved_above: MOVED, unknown, as_of: Time(now()) }))
}

fn of_agent((one, health): (Standing, Health)) -> AgentDrift {
    let status = |index: f64| match index {
        index if index > MOVED => "moved",
        index if index > MOVING => "moving",
        _ => "stable",
    };
    let finite = health.drift.iter().filter(|moved| moved.index.is_finite());
    let mut features: Vec<Moved> = finite
        .map(|moved| {
            let index = f64::from(moved.index);
            Moved {
                feature: moved.feature.clone(),
                index,
                status: status(index),
                distance: moved.chance.map(|_| f64::from(moved.distance)),
                p_value: moved.chance.map(f64::from),
                differs: moved.chance.map(|_| moved.differs),
            }
        })
        .collect();
    features.sort_by(|one, other| other.index.total_cmp(&one.index));
    AgentDrift {
        agent_id: one.agent,
        facility_id: one.facility,
        status: features.first().map(|first| first.status),
        features,
        model_error: error(&health),
    }
}

fn error(health: &Health) -> Option<ModelError> {
    let positive =
        |error: Option<f32>| error.map(f64::from).filter(|error| error.is_finite() && *error > 0.0);
    let (now, usual) = (positive(health.model_error)?, positive(health.usual_error)?);
    Some(ModelError { now, usual, times: now / usual })
}

/// Learn anew
///
/// Begins a round because of drift. When nothing is moving there is no reason for one, and it is refused.
#[utoipa::path(post, path = "/api/drift/round", operation_id = "trigger_round_of_drift",
    request_body(content = Option<RoundWish>),
    responses((status = 200, body = Begun),
        (status = 409, description = "nothing is moving, or a round waits already")))]
async fn learn(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Maybe(wish): Maybe<RoundWish>,
) -> Result<axum::Json<Begun>, ApiError> {
    let is_moving = |health: &Health| health.drift.iter().any(|moved| f64::from(moved.index) > MOVING);
    if !told(&api, &principal).iter().any(|(_, health)| is_moving(health)) {
        let said =
            "no agent tells of features that move; POST /api/fl/rounds/trigger begins a round all the same";
        return Err(ApiError::new(StatusCode::CONFLICT, "no_drift", said));
    }
    fl::begin(&api, &principal, wish.unwrap_or_default(), Cause::Drift).await.map(axum::Json)
}

/// A population stability index.
const MOVING: f64 = 0.1;
