//! Predictions: what is expected next of an incident, whether it came, and answers to "what if".

mod body;
pub mod feed;
mod sight;

use std::sync::Arc;

use axum::extract::State;
use fieldward_shared::alert::AlertId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::error::ApiError;
use super::extract::{Json, Path, Query};
use super::page;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::series::facilities;
use super::time::Time;
use crate::attack::watch::{EXPECTED, detail, expected};
use crate::store::now;
use crate::store::predictions::Prediction;
pub(super) use body::PredictionBody;
pub(super) use sight::seen_by;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("predictions", "What is expected next, and whether it came")
        .add(look, routes!(list))
        .add(look, routes!(latest))
        .add(look, routes!(one))
        .act(Policy::Scoped(Role::Analyst), routes!(predict))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PredictionQuery {
    /// Of these plants, with commas; plants out of scope are passed over.
    facility: Option<String>,
    /// Only those that came true, or only those that did not yet.
    validated: Option<bool>,
    /// So many.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// After so many.
    #[param(minimum = 0, maximum = 10000, default = 0)]
    offset: Option<u32>,
}

/// A page of predictions.
#[derive(Serialize, ToSchema)]
struct PredictionPage {
    /// The newest first.
    predictions: Vec<PredictionBody>,
    /// How many there are, counted to 10,000.
    total: u64,
    /// When this was read.
    as_of: Time,
}

/// List predictions
#[utoipa::path(get, path = "/api/predictions", operation_id = "list_predictions", params(PredictionQuery),
    responses((status = 200, body = PredictionPage)))]
async fn list(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<PredictionQuery>,
) -> Result<axum::Json<PredictionPage>, ApiError> {
    let (limit, offset) = (page::limit(query.limit, 50)?, query.offset.unwrap_or_default());
    if offset > page::DEEPEST {
        return Err(ApiError::query("offset", format!("lists reach {} rows", page::DEEPEST)));
    }
    let as_of = Time(now());
    let (predictions, total) = match facilities(query.facility.as_deref(), &principal)? {
        Some(plants) => (
            api.store.predictions(&plants, None, query.validated, limit, offset).await?,
            api.store.predictions_count(&plants, None, query.validated).await?,
        ),
        None => (Vec::new(), 0),
    };
    let predictions = predictions.into_iter().map(|one| PredictionBody::of(one, &principal.scope)).collect();
    Ok(axum::Json(PredictionPage { predictions, total, as_of }))
}

/// The newest prediction.
#[derive(Serialize, ToSchema)]
struct Latest {
    /// Null before there is one.
    prediction: Option<PredictionBody>,
    /// When this was read.
    as_of: Time,
}

/// The newest prediction
#[utoipa::path(get, path = "/api/predictions/latest", operation_id = "get_latest_prediction",
    responses((status = 200, body = Latest)))]
async fn latest(State(api): State<Arc<Api>>, principal: Principal) -> Result<axum::Json<Latest>, ApiError> {
    let as_of = Time(now());
    let newest = match principal.narrow(Vec::new()) {
        Some(plants) => api.store.predictions(&plants, None, None, 1, 0).await?.pop(),
        None => None,
    };
    Ok(axum::Json(Latest { prediction: newest.map(|one| PredictionBody::of(one, &principal.scope)), as_of }))
}

/// A prediction, with what came of it
#[utoipa::path(get, path = "/api/predictions/{prediction_id}", operation_id = "get_prediction",
    params(("prediction_id" = Uuid, Path, description = "which prediction")),
    responses((status = 200, body = PredictionBody), (status = 404, description = "there is no such prediction")))]
async fn one(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<axum::Json<PredictionBody>, ApiError> {
    let prediction = api.store.prediction(id).await?;
    let prediction = prediction.filter(|one| principal.scope.holds(&one.facility));
    prediction
        .map(|one| axum::Json(PredictionBody::of(one, &principal.scope)))
        .ok_or_else(|| ApiError::not_found("prediction"))
}

/// What if this were seen?
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    /// What is seen last; ids of v18 and v19 both work.
    #[schema(pattern = "^T[0-9]{4}(\\.[0-9]{3})?$", max_length = 9, example = "T0846")]
    current_technique: String,
    /// After what was seen in the incident of this alert.
    #[schema(format = "uuid")]
    alert_id: Option<Uuid>,
    /// And after these, in order.
    #[schema(max_items = 64, example = json!(["T0883"]))]
    after: Option<Vec<String>>,
}

/// Ask what would come next
///
/// Nothing is kept: the answer's id leads nowhere, and it does not count for the accuracy.
#[utoipa::path(post, path = "/api/predictions/predict", operation_id = "predict",
    request_body(content = Question),
    responses((status = 200, body = PredictionBody),
        (status = 404, description = "no version knows such a technique, or there is no such alert")))]
async fn predict(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Json(question): Json<Question>,
) -> Result<axum::Json<PredictionBody>, ApiError> {
    let predictor = &api.predictor;
    let after = question.after.unwrap_or_default();
    if after.len() > 64 {
        return Err(ApiError::field("/after", "it has at most 64 techniques"));
    }
    let mut seen = Vec::new();
    let mut of = (String::new(), None);
    if let Some(id) = question.alert_id {
        let id = AlertId::from_u128(id.as_u128());
        let alert = api.store.alert(id).await?.filter(|one| principal.scope.holds(&one.alert.facility_id));
        let alert = alert.ok_or_else(|| ApiError::not_found("alert"))?;
        let incident = api.store.incident_of(id).await?;
        seen.extend(incident.iter().flat_map(|one| &one.techniques).map(|one| one.id.clone()));
        of = (alert.alert.facility_id, incident.map(|one| one.id));
    }
    seen.extend(after);
    let current = predictor.id(&question.current_technique);
    if seen.iter().any(|id| predictor.id(id).is_none()) {
        return Err(ApiError::not_found("technique"));
    }
    let current = current.ok_or_else(|| ApiError::not_found("technique"))?;
    seen.retain(|id| *id != current);
    seen.push(current.clone());
    let answer = predictor.predict(&seen, EXPECTED);
    let prediction = Prediction {
        id: Uuid::new_v4(),
        timestamp: now(),
        facility: of.0,
        incident: of.1,
        alert: AlertId::from_u128(question.alert_id.unwrap_or_default().as_u128()),
        current_name: predictor.name(&current),
        current,
        validated: None,
        came: None,
        techniques: expected(&answer),
        detail: detail(&answer),
        serial: 0,
    };
    Ok(axum::Json(PredictionBody::all(prediction)))
}
