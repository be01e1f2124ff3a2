//! Models, training and drift, as agents tell of them. What federated rounds will add is null until there are
//! some.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use fieldward_shared::wire::Health;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::error::ApiError;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::fleet::Standing;
use crate::store::now;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("models", "Models at work, training and drift")
        .add(look, routes!(models))
        .add(look, routes!(jobs))
        .add(look, routes!(drift))
}

/// A model.
#[derive(Serialize, ToSchema)]
struct Model {
    /// What kind it is.
    #[schema(example = "autoencoder")]
    name: String,
    /// Agents at which it is at work.
    agents: u64,
    /// Their plants.
    facilities: Vec<String>,
}

/// Models.
#[derive(Serialize, ToSchema)]
struct Models {
    /// At work, by name.
    models: Vec<Model>,
    /// Agents in scope that have told which models they have.
    agents: u64,
    /// The version that all plants share; null before there was a federated round.
    version: Option<u64>,
    /// Its accuracy on data that was held back; null likewise.
    accuracy: Option<f64>,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
    /// When this was read.
    as_of: Time,
}

/// Models at work
#[utoipa::path(get, path = "/api/models", operation_id = "list_models", responses((status = 200, body = Models)))]
async fn models(State(api): State<Arc<Api>>, principal: Principal) -> Result<axum::Json<Models>, ApiError> {
    let told = told(&api, &principal);
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (one, health) in &told {
        for name in &health.models {
            by_name.entry(name.clone()).or_default().push(one.facility.clone());
        }
    }
    let models = by_name.into_iter().map(|(name, mut facilities)| {
        let agents = facilities.len() as u64;
        facilities.dedup();
        Model { name, agents, facilities }
    });
    let why = "each plant has its own models: there was no federated round yet";
    Ok(axum::Json(Models {
        models: models.collect(),
        agents: told.len() as u64,
        version: None,
        accuracy: None,
        unknown: BTreeMap::from([("version", why), ("accuracy", why)]),
        as_of: Time(now()),
    }))
}

/// What an agent does.
#[derive(Serialize, ToSchema)]
struct TrainingJob {
    /// Which agent.
    agent_id: Uuid,
    /// Its plant.
    #[schema(example = "north")]
    facility_id: String,
    /// `learning` gathers, `training` computes.
    #[schema(example = "training")]
    state: String,
    /// How far it is, in percent: agents do not tell, so null.
    progress: Option<f64>,
    /// When the agent was heard last.
    last_seen: Time,
}

/// What is being learnt.
#[derive(Serialize, ToSchema)]
struct TrainingJobs {
    /// Agents that learn or train now.
    jobs: Vec<TrainingJob>,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
    /// When this was read.
    as_of: Time,
}

/// What is being learnt
#[utoipa::path(get, path = "/api/training/jobs", operation_id = "list_training_jobs",
    responses((status = 200, body = TrainingJobs)))]
async fn jobs(
    State(api): State<Arc<Api>>,
    principal: Principal,
) -> Result<axum::Json<TrainingJobs>, ApiError> {
    let at_it =
        told(&api, &principal).into_iter().filter(|(_, health)| LEARNS.contains(&health.state.as_str()));
    let jobs = at_it.map(|(one, health)| TrainingJob {
        agent_id: one.agent,
        facility_id: one.facility,
        state: health.state,
        progress: None,
        last_seen: Time(one.last_seen),
    });
    let why = "an agent tells what it does, and not how far it is";
    Ok(axum::Json(TrainingJobs {
        jobs: jobs.collect(),
        unknown: BTreeMap::from([("jobs.progress", why)]),
        as_of: Time(now()),
    }))
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
            Moved { feature: moved.feature.clone(), index, status: status(index) }
        })
        .collect();
    features.sort_by(|one, other| other.index.total_cmp(&one.index));
    AgentDrift {
        agent_id: one.agent,
        facility_id: one.facility,
        status: features.first().map(|first| first.status),
        features,
    }
}

/// Agents in scope that have told how they are.
fn told(api: &Api, principal: &Principal) -> Vec<(Standing, Health)> {
    let seen = api.fleet.snapshot(now()).into_iter().filter(|one| principal.scope.holds(&one.facility));
    seen.filter_map(|mut one| one.health.take().map(|health| (one, health))).collect()
}

/// What an agent says when it does not watch yet.
const LEARNS: [&str; 2] = ["learning", "training"];
/// Population stability indexes.
const MOVING: f64 = 0.1;
const MOVED: f64 = 0.25;
