//! Demonstrations: a scenario is played by the simulator of a plant, or is a round of all plants. Where nobody
//! wants demonstrations (`DEMO_MODE`), these paths say that there is nothing.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use fieldward_shared::supervisor::Stop;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Duration, MissedTickBehavior, interval};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::error::ApiError;
use super::extract::Json;
use super::fl;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::demo::{Refusal, Scenario, Stage};
use crate::hub::Channel;
use crate::store::audit::Act;
use crate::store::now;
use crate::store::rounds::{Cause, Status};

/// The resource.
pub fn routes() -> Routes {
    let act = Policy::Scoped(Role::Engineer);
    Routes::of("demo", "Scenarios that simulators play, where demonstrations are wanted")
        .act(act, routes!(port_scan))
        .act(Policy::Whole(Role::Engineer), routes!(fl_round))
        .act(act, routes!(multi_stage))
        .add(Policy::Scoped(Role::Viewer), routes!(status))
        .act(act, routes!(reset))
}

/// Where a scenario is to be played.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DemoWish)]
struct Wish {
    /// The plant; a simulator of it must be connected.
    #[schema(example = "facility_a", pattern = "^[a-z0-9_-]{1,64}$")]
    facility_id: String,
}

/// A scenario that was begun.
#[derive(Serialize, ToSchema)]
#[schema(as = DemoBegun)]
struct Begun {
    /// Its number.
    scenario_id: Uuid,
    /// `started`: its simulator plays.
    #[schema(example = "started")]
    status: &'static str,
    /// The scenario.
    scenario: ScenarioBody,
}

/// A round that was begun as a demonstration.
#[derive(Serialize, ToSchema)]
#[schema(as = DemoRound)]
struct RoundBegun {
    /// Number of the round.
    round_id: u64,
    /// `started`: it is written down, and its driver takes it when it is its turn.
    #[schema(example = "started")]
    status: &'static str,
    /// Number of the scenario.
    scenario_id: Uuid,
    /// The scenario.
    scenario: ScenarioBody,
}

/// A scenario.
#[derive(Serialize, ToSchema)]
#[schema(as = DemoScenario)]
struct ScenarioBody {
    /// Its number.
    scenario_id: Uuid,
    /// `port-scan`, `multi-stage` or `fl-round`.
    #[schema(example = "port-scan")]
    scenario: &'static str,
    /// The plant; null: of all plants.
    #[schema(example = "facility_a")]
    facility_id: Option<String>,
    /// The round that it is; null when it is none.
    round_id: Option<u64>,
    /// `started`, `running`, `completed`, `failed` or `stopped`.
    #[schema(example = "running")]
    status: &'static str,
    /// Per cent of its steps that are done.
    #[schema(example = 40.0)]
    progress: f64,
    /// Steps that are done.
    steps_done: u32,
    /// Steps that there are; 0 when that is not known yet.
    steps: u32,
    /// What is played now.
    #[schema(example = "unit-sweep")]
    attack: Option<String>,
    /// Its technique of ATT&CK for ICS.
    #[schema(example = "T0846")]
    attack_type: Option<String>,
    /// Why it failed, or who ended it.
    detail: Option<String>,
    /// Who wanted it.
    #[schema(example = "user ann")]
    started_by: String,
    /// When.
    started_at: Time,
    /// When it was heard of last.
    updated_at: Time,
}

impl From<Scenario> for ScenarioBody {
    fn from(one: Scenario) -> Self {
        Self {
            scenario_id: one.id,
            scenario: one.name,
            facility_id: one.facility,
            round_id: one.round,
            status: one.stage.name(),
            progress: if one.steps == 0 { 0.0 } else { f64::from(one.done) * 100.0 / f64::from(one.steps) },
            steps_done: one.done,
            steps: one.steps,
            attack: one.attack,
            attack_type: one.technique,
            detail: one.words,
            started_by: one.actor,
            started_at: Time(one.started),
            updated_at: Time(one.updated),
        }
    }
}

/// Play a port scan
///
/// The simulator of the plant plays it on its own network, which is none but this machine's own.
#[utoipa::path(post, path = "/api/demo/scenarios/port-scan", operation_id = "demo_port_scan", request_body = Wish,
    responses((status = 200, body = Begun), (status = 404, description = "demonstrations are off, or no such plant"),
        (status = 409, description = "its simulator plays already"),
        (status = 503, description = "no simulator of the plant is connected, or it does not answer")))]
async fn port_scan(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Json(wish): Json<Wish>,
) -> Result<axum::Json<Begun>, ApiError> {
    play(&api, &principal, "port-scan", &wish).await
}

/// Play an attack of several stages
///
/// From the first look around to commands that harm, one step after the other.
#[utoipa::path(post, path = "/api/demo/scenarios/multi-stage", operation_id = "demo_multi_stage", request_body = Wish,
    responses((status = 200, body = Begun), (status = 404, description = "demonstrations are off, or no such plant"),
        (status = 409, description = "its simulator plays already"),
        (status = 503, description = "no simulator of the plant is connected, or it does not answer")))]
async fn multi_stage(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Json(wish): Json<Wish>,
) -> Result<axum::Json<Begun>, ApiError> {
    play(&api, &principal, "multi-stage", &wish).await
}

/// Begin a round as a demonstration
///
/// It is a round as any other, and spends of the privacy budget of each plant that takes part.
#[utoipa::path(post, path = "/api/demo/scenarios/fl-round", operation_id = "demo_round",
    responses((status = 200, body = RoundBegun), (status = 404, description = "demonstrations are off"),
        (status = 409, description = "a round waits already")))]
async fn fl_round(
    State(api): State<Arc<Api>>,
    principal: Principal,
) -> Result<axum::Json<RoundBegun>, ApiError> {
    is_on(&api)?;
    let begun = fl::begin(&api, &principal, fl::RoundWish::default(), Cause::Api).await?;
    let actor = principal.actor();
    note(&api, &actor, "demo.started", "*", &format!("fl-round {}", begun.round_id)).await?;
    let scenario = api.demo.note_round(begun.round_id, actor);
    Ok(axum::Json(RoundBegun {
        round_id: begun.round_id,
        status: begun.status,
        scenario_id: scenario.id,
        scenario: scenario.into(),
    }))
}

async fn play(
    api: &Api,
    principal: &Principal,
    name: &'static str,
    wish: &Wish,
) -> Result<axum::Json<Begun>, ApiError> {
    is_on(api)?;
    let facility = wish.facility_id.as_str();
    principal.may_see(facility, "facility")?;
    if !api.store.facilities().await?.iter().any(|one| one.id == facility) {
        return Err(ApiError::not_found("facility"));
    }
    let actor = principal.actor();
    // Before it is done: there is no scenario of which the trail does not know.
    note(api, &actor, "demo.started", facility, name).await?;
    let scenario = api.demo.play(facility, name, actor, PATIENCE).await.map_err(refused)?;
    Ok(axum::Json(Begun { scenario_id: scenario.id, status: "started", scenario: scenario.into() }))
}

/// How demonstrations stand.
#[derive(Serialize, ToSchema)]
#[schema(as = DemoStatus)]
struct StatusBody {
    /// Those that go on, the newest first.
    active_scenarios: Vec<ScenarioBody>,
    /// The newest, whether it goes on or not; null when there was none.
    last_scenario: Option<ScenarioBody>,
    /// Simulators that are connected to this aggregator.
    simulators: Vec<SimulatorBody>,
    /// When this was so.
    as_of: Time,
}

/// A simulator that is connected.
#[derive(Serialize, ToSchema)]
#[schema(as = DemoSimulator)]
struct SimulatorBody {
    /// Its plant.
    #[schema(example = "facility_a")]
    facility_id: String,
    /// Its name.
    simulator_id: Uuid,
    /// The kind of plant that it plays.
    #[schema(example = "water")]
    plant: String,
    /// The release of its program.
    version: String,
    /// Since when.
    connected_since: Time,
}

/// See how demonstrations stand
///
/// Of plants in scope, and rounds. It is what this process knows: nothing of it outlives a restart.
#[utoipa::path(get, path = "/api/demo/status", operation_id = "get_demo_status",
    responses((status = 200, body = StatusBody), (status = 404, description = "demonstrations are off")))]
async fn status(
    State(api): State<Arc<Api>>,
    principal: Principal,
) -> Result<axum::Json<StatusBody>, ApiError> {
    is_on(&api)?;
    follow_rounds(&api).await?;
    let is_seen = |facility: Option<&str>| facility.is_none_or(|one| principal.scope.holds(one));
    let mut seen = api.demo.scenarios();
    seen.retain(|one| is_seen(one.facility.as_deref()));
    let last_scenario = seen.last().cloned().map(ScenarioBody::from);
    let active = seen.into_iter().rev().filter(|one| one.stage.is_open());
    let simulators = api.demo.simulators().into_iter().filter(|one| is_seen(Some(&one.facility)));
    let simulators = simulators.map(|one| SimulatorBody {
        facility_id: one.facility,
        simulator_id: one.id,
        plant: one.plant,
        version: one.release,
        connected_since: Time(one.since),
    });
    Ok(axum::Json(StatusBody {
        active_scenarios: active.map(ScenarioBody::from).collect(),
        last_scenario,
        simulators: simulators.collect(),
        as_of: Time(now()),
    }))
}

/// What was reset.
#[derive(Serialize, ToSchema)]
#[schema(as = DemoReset)]
struct ResetBody {
    /// `reset_complete`: every simulator has said that it plays nothing.
    #[schema(example = "reset_complete")]
    status: &'static str,
    /// Scenarios that were ended.
    stopped: usize,
}

/// End what is played
///
/// In plants in scope; rounds that were begun as demonstrations too, for whoever sees all plants. What agents have
/// reported meanwhile stays: it was seen.
#[utoipa::path(post, path = "/api/demo/reset", operation_id = "reset_demo",
    responses((status = 200, body = ResetBody), (status = 404, description = "demonstrations are off"),
        (status = 503, description = "a simulator does not answer")))]
async fn reset(State(api): State<Arc<Api>>, principal: Principal) -> Result<axum::Json<ResetBody>, ApiError> {
    is_on(&api)?;
    let actor = principal.actor();
    note(&api, &actor, "demo.reset", &principal.scope.list().join(" "), "").await?;
    let mut stopped = 0;
    if principal.sees_all() {
        for round in open_rounds(&api) {
            if api.store.stop_round(round, &actor, "the demonstration was reset", now()).await?.is_some() {
                let words = Some(format!("reset by {actor}"));
                api.demo.round_is(round, Stage::Stopped, (0, 0), words);
                stopped += 1;
            }
        }
    }
    let is_meant = |facility: &str| principal.scope.holds(facility);
    stopped += api.demo.reset(is_meant, &actor, PATIENCE).await.map_err(refused)?;
    Ok(axum::Json(ResetBody { status: "reset_complete", stopped }))
}

fn is_on(api: &Api) -> Result<(), ApiError> {
    if api.demo.is_on() {
        return Ok(());
    }
    let said = "demonstrations are off here; an aggregator that is started with DEMO_MODE=true (demo_mode in its \
                configuration) plays them";
    Err(ApiError::new(StatusCode::NOT_FOUND, "demo_off", said))
}

fn refused(refusal: Refusal) -> ApiError {
    let said = refusal.to_string();
    match refusal {
        Refusal::Busy(..) => ApiError::later(StatusCode::CONFLICT, "demo_busy", said, 10),
        Refusal::Nobody(_) => ApiError::later(StatusCode::SERVICE_UNAVAILABLE, "no_simulator", said, 10),
        Refusal::Unknown(..) | Refusal::Late(_) | Refusal::Said(..) => {
            ApiError::later(StatusCode::SERVICE_UNAVAILABLE, "simulator_fails", said, 10)
        }
    }
}

async fn note(api: &Api, actor: &str, action: &str, object: &str, detail: &str) -> Result<(), ApiError> {
    api.store.audit(Act { at: now(), actor, action, object, detail }).await?;
    Ok(())
}

fn open_rounds(api: &Api) -> Vec<u64> {
    let scenarios = api.demo.scenarios();
    scenarios.iter().filter(|one| one.stage.is_open()).filter_map(|one| one.round).collect()
}

/// Learns how rounds go that were begun as demonstrations.
async fn follow_rounds(api: &Api) -> Result<(), ApiError> {
    for number in open_rounds(api) {
        let Some(round) = api.store.round(number).await? else { continue };
        let stage = match (round.end, round.status) {
            (None, _) => Stage::Playing,
            (Some(_), Status::Completed) => Stage::Completed,
            (Some(_), _) => Stage::Failed,
        };
        let done = u32::try_from(round.progress.min(100)).unwrap_or(100);
        let done = if stage == Stage::Completed { 100 } else { done };
        api.demo.round_is(number, stage, (done, 100), round.reason);
    }
    Ok(())
}

/// Tells those who listen (`system`, type `demo_scenario`) how scenarios go, until the stop.
pub async fn run(api: Arc<Api>, mut stop: Stop) {
    if !api.demo.is_on() {
        return stop.asked().await;
    }
    let mut news = api.demo.news();
    let mut told: HashMap<Uuid, Scenario> = HashMap::new();
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = second.tick() => {}
            _ = news.changed() => {}
            () = stop.asked() => return,
        }
        if let Err(error) = follow_rounds(&api).await {
            tracing::warn!(error = error.words(), "how rounds of demonstrations go cannot be read");
        }
        let scenarios = api.demo.scenarios();
        told.retain(|id, _| scenarios.iter().any(|one| one.id == *id));
        for one in scenarios {
            if told.get(&one.id) != Some(&one) {
                let data = json!(ScenarioBody::from(one.clone()));
                api.hub.publish(Channel::System, "demo_scenario", one.facility.as_deref(), &data, now());
                told.insert(one.id, one);
            }
        }
    }
}

/// For a simulator to answer.
const PATIENCE: Duration = Duration::from_secs(10);
