//! Plants as rounds know them: each agent in the last round that it was asked for.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::Api;
use super::super::error::ApiError;
use super::super::extract::Path;
use super::super::fleet::presence;
use super::super::principal::Principal;
use super::body::ClientBody;
use crate::fleet::Presence;
use crate::store::rounds::Client;
use crate::store::{AgentStatus, now};

/// List plants that learn
///
/// Every agent in scope that may report, in the last round that it was asked for.
#[utoipa::path(get, path = "/api/fl/clients", operation_id = "list_fl_clients",
    responses((status = 200, body = Vec<ClientBody>)))]
pub async fn list(
    State(api): State<Arc<Api>>,
    principal: Principal,
) -> Result<axum::Json<Vec<ClientBody>>, ApiError> {
    Ok(axum::Json(known(&api, &principal).await?))
}

/// A plant that learns, in detail.
#[derive(Serialize, ToSchema)]
#[schema(as = FlClientDetail)]
pub struct Detail {
    /// In the last round that it was asked for.
    #[serde(flatten)]
    client: ClientBody,
    /// In the rounds that it was asked for, the newest first, at most 50.
    rounds: Vec<ClientBody>,
    /// Models at work at the agent; null when it has not said since the aggregator began.
    models: Option<Vec<String>>,
    /// Hash of what its features mean: agents of another are left out of rounds. Null when it has no session.
    #[schema(example = "a1b2c3d4e5f60718")]
    feature_schema: Option<String>,
}

/// A plant that learns
#[utoipa::path(get, path = "/api/fl/clients/{client_id}", operation_id = "get_fl_client",
    params(("client_id" = Uuid, Path)),
    responses((status = 200, body = Detail), (status = 404, description = "there is no such agent")))]
pub async fn one(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<axum::Json<Detail>, ApiError> {
    let found = known(&api, &principal).await?.into_iter().find(|client| client.id == id);
    let mut client = found.ok_or_else(|| ApiError::not_found("agent"))?;
    let rounds = ClientBody::seen(api.store.rounds_of_agent(id, SHOWN).await?, &principal);
    let standing = api.fleet.snapshot(now()).into_iter().find(|one| one.agent == id);
    let models = standing.as_ref().and_then(|one| one.health.as_ref()).map(|health| health.models.clone());
    let feature_schema = standing.map(|one| format!("{:016x}", one.schema));
    if models.is_none() {
        client.unknown.insert("models", "it has not said since the aggregator began");
    }
    if feature_schema.is_none() {
        client.unknown.insert("feature_schema", "it was not connected since the aggregator began");
    }
    Ok(axum::Json(Detail { client, rounds, models, feature_schema }))
}

async fn known(api: &Api, principal: &Principal) -> Result<Vec<ClientBody>, ApiError> {
    let mut asked: HashMap<Uuid, Client> =
        api.store.clients().await?.into_iter().map(|client| (client.agent, client)).collect();
    let plants = api.store.facilities().await?;
    let standing: HashMap<Uuid, Presence> =
        api.fleet.snapshot(now()).into_iter().map(|one| (one.agent, one.presence)).collect();
    let agents = api.store.agents().await?.into_iter();
    let seen = agents
        .filter(|agent| agent.status == AgentStatus::Active && principal.scope.holds(&agent.facility_id));
    let clients = seen.map(|agent| {
        let status = standing.get(&agent.id).map_or("offline", |one| presence(*one));
        asked.remove(&agent.id).map_or_else(
            || {
                let plant = plants.iter().find(|plant| plant.id == agent.facility_id);
                let name = plant.map_or(agent.facility_id.as_str(), |plant| plant.name.as_str());
                ClientBody::unasked(agent.id, &agent.facility_id, name, status)
            },
            ClientBody::of,
        )
    });
    Ok(clients.collect())
}

/// Rounds of an agent that are shown.
const SHOWN: u32 = 50;
