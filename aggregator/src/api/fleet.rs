//! Plants and the agents that watch them: what the database knows, and what is seen of them now.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::error::ApiError;
use super::extract::Path;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::fleet::{Presence, Standing};
use crate::store::{Agent, now};

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("fleet", "Plants and the agents that watch them")
        .add(look, routes!(facilities))
        .add(look, routes!(agents))
        .add(look, routes!(agent))
}

/// A plant.
#[derive(Serialize, ToSchema)]
pub struct FacilityBody {
    /// As certificates and alerts name it.
    #[schema(example = "north")]
    id: String,
    /// As people call it.
    name: String,
    /// `active`, `delayed` or `offline`: the best of its agents; `unwatched` when it has none.
    #[schema(example = "active")]
    status: &'static str,
    /// Agents that may report.
    agents: usize,
    /// Of them, those that are connected.
    connected: usize,
    /// When one of them was heard of; null: never.
    last_seen: Option<Time>,
}

/// Plants.
#[derive(Serialize, ToSchema)]
struct Facilities {
    /// In the order of their ids.
    facilities: Vec<FacilityBody>,
}

/// An agent.
#[derive(Serialize, ToSchema)]
struct AgentBody {
    /// Which.
    id: Uuid,
    /// Its plant.
    #[schema(example = "north")]
    facility_id: String,
    /// Whether it may report: `pending`, `active` or `revoked`.
    #[schema(example = "active")]
    enrolment: &'static str,
    /// `active`, `delayed` or `offline`.
    #[schema(example = "active")]
    status: &'static str,
    /// Since when it is known.
    created: Time,
    /// When it was heard of; null: never.
    last_seen: Option<Time>,
    /// Since when its session lasts; null without one.
    connected_since: Option<Time>,
    /// From where; null without a session.
    address: Option<String>,
    /// `quic` or `tcp`; null without a session.
    transport: Option<&'static str>,
    /// The version of Fieldward that it runs; null: it has not said.
    version: Option<String>,
    /// By which its clock is ahead of ours; null: not measured.
    clock_offset_ms: Option<f64>,
    /// From here to there and back; null: not measured.
    round_trip_ms: Option<f64>,
    /// How it is; null when it has not said since the aggregator began.
    health: Option<HealthBody>,
    /// How often two were seen at once under its name, since the aggregator began.
    duplicates: u64,
    /// Records whose key was committed with another payload, since the aggregator began.
    contradicted: u64,
}

/// How an agent and its host are.
#[derive(Serialize, ToSchema)]
struct HealthBody {
    /// What it does: learning, training, watching.
    state: String,
    /// Share of one processor, in percent.
    cpu_percent: f32,
    /// Memory of the agent.
    memory_bytes: u64,
    /// What is free where its spool lies.
    disk_free_bytes: u64,
    /// Share of the traffic that it did not see, from 0 to 1.
    capture_loss: f32,
    /// Packets that its kernel dropped.
    kernel_drops: u64,
    /// Records that wait to be sent.
    spool_records: u64,
    /// Bytes of them.
    spool_bytes: u64,
    /// Its disk takes nothing: what waits is in memory.
    memory_only: bool,
    /// Seconds of traffic that were not sent.
    seconds_dropped: u64,
    /// Models at work.
    models: Vec<String>,
}

/// Agents.
#[derive(Serialize, ToSchema)]
struct Agents {
    /// In the order of plants and ids.
    agents: Vec<AgentBody>,
}

/// List facilities
#[utoipa::path(get, path = "/api/facilities", operation_id = "list_facilities", responses((status = 200, body = Facilities)))]
async fn facilities(
    State(api): State<Arc<Api>>,
    principal: Principal,
) -> Result<axum::Json<Facilities>, ApiError> {
    Ok(axum::Json(Facilities { facilities: of(&api, &principal).await? }))
}

/// The plants that somebody sees.
pub(super) async fn of(api: &Api, principal: &Principal) -> Result<Vec<FacilityBody>, ApiError> {
    let (plants, agents) = (api.store.facilities().await?, known(api, principal).await?);
    let seen = plants.into_iter().filter(|plant| principal.scope.holds(&plant.id));
    let shown = seen.map(|plant| {
        let of_it: Vec<&AgentBody> = agents
            .iter()
            .filter(|agent| agent.facility_id == plant.id && agent.enrolment == "active")
            .collect();
        let best = ["active", "delayed", "offline"]
            .into_iter()
            .find(|status| of_it.iter().any(|agent| agent.status == *status));
        FacilityBody {
            status: best.unwrap_or("unwatched"),
            agents: of_it.len(),
            connected: of_it.iter().filter(|agent| agent.status != "offline").count(),
            last_seen: of_it.iter().filter_map(|agent| agent.last_seen).max(),
            id: plant.id,
            name: plant.name,
        }
    });
    Ok(shown.collect())
}

/// List agents
#[utoipa::path(get, path = "/api/fleet/agents", operation_id = "list_agents", responses((status = 200, body = Agents)))]
async fn agents(State(api): State<Arc<Api>>, principal: Principal) -> Result<axum::Json<Agents>, ApiError> {
    Ok(axum::Json(Agents { agents: known(&api, &principal).await? }))
}

/// An agent
#[utoipa::path(get, path = "/api/fleet/agents/{agent_id}", operation_id = "get_agent",
    params(("agent_id" = Uuid, Path)),
    responses((status = 200, body = AgentBody), (status = 404, description = "there is no such agent")))]
async fn agent(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<axum::Json<AgentBody>, ApiError> {
    let found = known(&api, &principal).await?.into_iter().find(|agent| agent.id == id);
    found.map(axum::Json).ok_or_else(|| ApiError::not_found("agent"))
}

/// The agents that somebody sees.
async fn known(api: &Api, principal: &Principal) -> Result<Vec<AgentBody>, ApiError> {
    let agents = api.store.agents().await?;
    let standing = api.fleet.snapshot(now());
    let standing: HashMap<Uuid, Standing> = standing.into_iter().map(|one| (one.agent, one)).collect();
    let seen = agents.into_iter().filter(|agent| principal.scope.holds(&agent.facility_id));
    Ok(seen.map(|agent| AgentBody::of(standing.get(&agent.id), agent)).collect())
}

impl AgentBody {
    fn of(standing: Option<&Standing>, agent: Agent) -> Self {
        let live = standing.filter(|one| one.presence != Presence::Offline);
        let millis = |micros: i64| micros as f64 / 1000.0;
        let heard = standing.map(|one| one.last_seen);
        Self {
            id: agent.id,
            facility_id: agent.facility_id,
            enrolment: agent.status.name(),
            status: standing.map_or("offline", |one| presence(one.presence)),
            created: Time(agent.created),
            last_seen: heard.into_iter().chain(agent.last_seen).max().map(Time),
            connected_since: live.map(|one| Time(one.since)),
            address: live.and_then(|one| one.address).map(|address| address.to_string()),
            transport: live.map(|one| one.way),
            version: standing
                .map(|one| one.release.clone())
                .filter(|text| !text.is_empty())
                .or(agent.version),
            clock_offset_ms: standing.and_then(|one| one.clock_offset).or(agent.clock_offset).map(millis),
            round_trip_ms: live.and_then(|one| one.round_trip).map(|micros| micros as f64 / 1000.0),
            health: standing.and_then(|one| one.health.as_ref()).map(|health| HealthBody {
                state: health.state.clone(),
                cpu_percent: finite(health.cpu_percent),
                memory_bytes: health.memory_bytes,
                disk_free_bytes: health.disk_free_bytes,
                capture_loss: finite(health.capture_loss),
                kernel_drops: health.kernel_drops,
                spool_records: health.spool_records,
                spool_bytes: health.spool_bytes,
                memory_only: health.memory_only,
                seconds_dropped: health.seconds_dropped,
                models: health.models.clone(),
            }),
            duplicates: standing.map_or(0, |one| one.duplicates),
            contradicted: standing.map_or(0, |one| one.contradicted),
        }
    }
}

pub(super) fn presence(presence: Presence) -> &'static str {
    match presence {
        Presence::Connected => "active",
        Presence::Delayed => "delayed",
        Presence::Offline => "offline",
    }
}

/// JSON has no other numbers.
fn finite(number: f32) -> f32 {
    if number.is_finite() { number } else { 0.0 }
}
