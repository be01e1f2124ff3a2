//! Who else is told of alerts, and how that goes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::principal::Role;
use super::route::{Policy, Routes};
use super::time::Time;

/// The resource.
pub fn routes() -> Routes {
    Routes::of("outputs", "Who else is told of alerts").add(Policy::Whole(Role::Engineer), routes!(outputs))
}

/// Somebody who is told.
#[derive(Serialize, ToSchema)]
struct Output {
    /// As the configuration calls it.
    #[schema(example = "syslog")]
    name: &'static str,
    /// Where it is.
    #[schema(example = "tls://siem.example:6514")]
    place: String,
    /// `told`, `waiting` when alerts wait, `failing` when it cannot be told now, `not-begun` before the first look.
    #[schema(example = "told")]
    status: &'static str,
    /// How often it was told of an alert: new, worse, or named otherwise.
    told: u64,
    /// Alerts that it did not take whatever was done.
    refused: u64,
    /// When it was told last; null when it never was.
    last_told: Option<Time>,
    /// What is wrong now; null when nothing is.
    error: Option<String>,
    /// Since when; null when nothing is.
    failing_since: Option<Time>,
}

/// Who else is told of alerts.
#[derive(Serialize, ToSchema)]
struct Outputs {
    /// Each that is configured.
    outputs: Vec<Output>,
}

/// List outputs
///
/// Each is told of an alert when it is new, gets worse, or another technique is named, at least once. While it is away
/// alerts wait in the database.
#[utoipa::path(get, path = "/api/outputs", operation_id = "outputs",
    responses((status = 200, description = "each that is configured", body = Outputs)))]
async fn outputs(State(api): State<Arc<Api>>) -> Result<Json<Outputs>, ApiError> {
    let known = api.store.outputs().await?;
    let configured = api.security.deployment().map(|deployment| deployment.config.outputs.all());
    let of = |one: crate::outputs::Configured<'_>| {
        let standing = known.iter().find(|standing| standing.name == one.name);
        let error = standing.and_then(|standing| standing.error.clone());
        let status = match standing {
            None => "not-begun",
            Some(_) if error.is_some() => "failing",
            Some(standing) if standing.is_behind => "waiting",
            Some(_) => "told",
        };
        let (error, since) = error.unzip();
        Output {
            name: one.name,
            place: one.settings.place(),
            status,
            told: standing.map_or(0, |standing| standing.told),
            refused: standing.map_or(0, |standing| standing.refused),
            last_told: standing.and_then(|standing| standing.last).map(Time),
            error,
            failing_since: since.map(Time),
        }
    };
    Ok(Json(Outputs { outputs: configured.into_iter().flatten().map(of).collect() }))
}
