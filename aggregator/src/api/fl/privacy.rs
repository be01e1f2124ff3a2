//! What learning together has cost of privacy. Each plant keeps its own ledger and tells what it says; here it is
//! shown, never reckoned.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::Api;
use super::super::error::ApiError;
use super::super::principal::Principal;
use super::super::time::Time;
use super::rounds::NETWORK;
use crate::store::now;

/// What a plant has spent.
#[derive(Serialize, ToSchema)]
#[schema(as = FlPrivacyOfPlant)]
struct Spent {
    /// The agent.
    client_id: Uuid,
    /// Its plant.
    #[schema(example = "north")]
    facility_id: String,
    /// Spent so far, as its own ledger says; null when it does not say.
    epsilon: Option<f64>,
    /// At which delta it reckons; null when it does not say.
    #[schema(example = 1e-5)]
    delta: Option<f64>,
    /// The most that it spends; null when it does not say.
    #[schema(example = 8.0)]
    budget: Option<f64>,
    /// Which share of that is left, from 0 to 1; null when it does not say.
    remaining: Option<f64>,
    /// For how many more rounds its budget lasts; null when it does not say.
    rounds_left: Option<u64>,
    /// The last round that it was asked for.
    round_number: u64,
}

/// What learning together has cost of privacy.
#[derive(Serialize, ToSchema)]
#[schema(as = FlPrivacyMetrics)]
pub struct Metrics {
    /// The most that a plant in scope has spent; null when none has told. It is the total too: no window belongs to
    /// two plants, so what one spends takes nothing from the windows of another.
    epsilon: Option<f64>,
    /// At this delta, the largest of those plants; null when none has told.
    delta: Option<String>,
    /// What leaves a plant in a round; null before there is a model.
    #[schema(example = "240000 bytes of masked numbers a round; no traffic")]
    data_size: Option<String>,
    /// How it is kept secret on its way.
    encryption: &'static str,
    /// The least share of its budget that a plant in scope has left, from 0 to 1; null when none has told.
    privacy_budget_remaining: Option<f64>,
    /// For how many more rounds the budget of every plant in scope lasts; null when none has told.
    rounds_left: Option<u64>,
    /// Of each plant in scope.
    facilities: Vec<Spent>,
    /// What the figures protect.
    unit: &'static str,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
    /// When this was read.
    as_of: Time,
}

/// What learning together has cost of privacy
#[utoipa::path(get, path = "/api/fl/privacy-metrics", operation_id = "get_privacy_metrics",
    responses((status = 200, body = Metrics)))]
pub async fn metrics(
    State(api): State<Arc<Api>>,
    principal: Principal,
) -> Result<axum::Json<Metrics>, ApiError> {
    let clients = api.store.clients().await?.into_iter();
    let facilities: Vec<Spent> = clients
        .filter(|client| principal.scope.holds(&client.facility))
        .map(|client| Spent {
            client_id: client.agent,
            facility_id: client.facility,
            epsilon: client.epsilon,
            delta: client.delta,
            budget: client.budget,
            remaining: remaining(client.epsilon, client.budget),
            rounds_left: client.rounds_left,
            round_number: client.round,
        })
        .collect();
    let epsilon = facilities.iter().filter_map(|one| one.epsilon).max_by(f64::total_cmp);
    let rounds_left = facilities.iter().filter_map(|one| one.rounds_left).min();
    let delta = facilities.iter().filter_map(|one| one.delta).max_by(f64::total_cmp);
    let remaining = facilities.iter().filter_map(|one| one.remaining).min_by(f64::total_cmp);
    let version = api.store.current_version(NETWORK).await?;
    let data_size = version.map(|one| {
        format!("{} bytes of masked numbers a round; no traffic", one.parameters.saturating_mul(4))
    });
    let mut unknown = BTreeMap::new();
    if epsilon.is_none() {
        unknown.insert("epsilon", "no plant in scope has told what it spent");
    }
    if rounds_left.is_none() {
        unknown.insert("rounds_left", "no plant in scope has told for how long its budget lasts");
    }
    if data_size.is_none() {
        unknown.insert("data_size", "there is no model yet that plants share");
    }
    if delta.is_none() {
        unknown.insert("delta", "no plant in scope has told at which delta it reckons");
    }
    if remaining.is_none() {
        unknown.insert("privacy_budget_remaining", "no plant in scope has told how much it may spend");
    }
    Ok(axum::Json(Metrics {
        epsilon,
        delta: delta.map(|delta| format!("{delta:e}")),
        data_size,
        encryption: ENCRYPTION,
        privacy_budget_remaining: remaining,
        rounds_left,
        facilities,
        unit: UNIT,
        unknown,
        as_of: Time(now()),
    }))
}

fn remaining(epsilon: Option<f64>, budget: Option<f64>) -> Option<f64> {
    let budget = budget.filter(|budget| *budget > 0.0)?;
    Some((1.0 - epsilon? / budget).clamp(0.0, 1.0))
}

const ENCRYPTION: &str = "TLS 1.3 with X25519MLKEM768; inside of it sums alone can be read: each update is masked \
                          with ChaCha20 under keys of one attempt";
const UNIT: &str = "one window of traffic, more or less, inside a plant";
