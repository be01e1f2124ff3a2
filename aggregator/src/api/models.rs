//! Models at work, as agents tell of them, and the version that plants share.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use fieldward_shared::wire::Health;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::fl::NETWORK;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::fleet::Standing;
use crate::store::now;

/// The resource.
pub fn routes() -> Routes {
    Routes::of("models", "Models at work").add(Policy::Scoped(Role::Viewer), routes!(models))
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
    /// The version of the autoencoder that plants share; null before there is one.
    version: Option<u64>,
    /// Share of what plants held back that it gets right, from 0 to 1; null before plants have judged it.
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
    let shared = api.store.current_version(NETWORK).await?;
    let accuracy = shared.as_ref().and_then(|version| version.accuracy);
    let mut unknown = BTreeMap::new();
    if shared.is_none() {
        unknown.insert("version", "each plant has its own models: there is none yet that they share");
    }
    if accuracy.is_none() {
        unknown.insert("accuracy", "plants have not judged a model that they share");
    }
    Ok(axum::Json(Models {
        models: models.collect(),
        agents: told.len() as u64,
        version: shared.map(|version| version.id),
        accuracy,
        unknown,
        as_of: Time(now()),
    }))
}

/// Agents in scope that have told how they are.
pub(super) fn told(api: &Api, principal: &Principal) -> Vec<(Standing, Health)> {
    let seen = api.fleet.snapshot(now()).into_iter().filter(|one| principal.scope.holds(&one.facility));
    seen.filter_map(|mut one| one.health.take().map(|health| (one, health))).collect()
}
