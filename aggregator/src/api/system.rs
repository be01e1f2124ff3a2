//! The system in a few figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Api;
use super::alerts::OPEN;
use super::error::ApiError;
use super::fleet::{self, FacilityBody};
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::store::alerts::Filter;
use crate::store::now;

/// The resource.
pub fn routes() -> Routes {
    Routes::of("system", "The system in a few figures").add(Policy::Scoped(Role::Viewer), routes!(status))
}

/// The system in a few figures.
#[derive(Serialize, ToSchema)]
struct Status {
    /// Alerts that nobody has closed, of facilities in scope.
    active_alerts: u64,
    /// How far the newest federated round is, in percent; null when there was none.
    fl_progress: Option<u64>,
    /// Predictions that came true, in percent; null when none was made.
    prediction_accuracy: Option<f64>,
    /// Plants in scope.
    facilities: Vec<FacilityBody>,
    /// Why what is null is not known, by name.
    #[schema(example = json!({"fl_progress": "there was no federated round yet"}))]
    unknown: BTreeMap<&'static str, &'static str>,
    /// When this was read.
    as_of: Time,
}

/// The system in a few figures
#[utoipa::path(get, path = "/api/system/status", operation_id = "get_system_status", responses((status = 200, body = Status)))]
async fn status(State(api): State<Arc<Api>>, principal: Principal) -> Result<axum::Json<Status>, ApiError> {
    let as_of = Time(now());
    let active_alerts = match principal.narrow(Vec::new()) {
        Some(facilities) => {
            let open = Filter { facilities, statuses: OPEN.to_vec(), ..Filter::default() };
            api.store.tally(&open, as_of.0).await?.total()
        }
        None => 0,
    };
    let fl_progress = api.store.newest_round().await?.map(|round| round.progress);
    let (made, came_true) = api.store.predictions_made().await?;
    let prediction_accuracy = (made > 0).then(|| came_true as f64 * 100.0 / made as f64);
    let mut unknown = BTreeMap::new();
    if fl_progress.is_none() {
        unknown.insert("fl_progress", "there was no federated round yet");
    }
    if prediction_accuracy.is_none() {
        unknown.insert("prediction_accuracy", "no prediction was made yet");
    }
    let facilities = fleet::of(&api, &principal).await?;
    Ok(axum::Json(Status { active_alerts, fl_progress, prediction_accuracy, facilities, unknown, as_of }))
}
