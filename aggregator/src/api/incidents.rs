//! Incidents: alerts that belong together, their timeline, and how far the attack has come.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::alerts::body::SeverityName;
use super::error::ApiError;
use super::extract::{Path, Query};
use super::page;
use super::predictions::PredictionBody;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::series::facilities;
use super::time::Time;
use crate::attack::incident::Incident;
use crate::store::incidents::Step;
use crate::store::now;
use fieldward_shared::time::Timestamp;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("incidents", "Alerts that belong together").add(look, routes!(list)).add(look, routes!(one))
}

/// Alerts that belong together.
#[derive(Serialize, ToSchema)]
#[schema(as = Incident)]
pub(super) struct IncidentBody {
    /// Of the incident.
    #[schema(format = "uuid")]
    id: String,
    /// Which plant.
    #[schema(example = "north")]
    facility_id: String,
    /// The same where several plants are attacked by the same source or in the same pattern.
    #[schema(format = "uuid")]
    campaign_id: String,
    /// The first packet.
    first_seen: Time,
    /// The last so far.
    last_seen: Time,
    /// Of its worst alert.
    severity: SeverityName,
    /// How many alerts.
    alert_count: u64,
    /// Techniques in the order in which they were seen.
    techniques: Vec<SeenBody>,
    /// Who was touched, and who did it.
    assets: Vec<String>,
    /// The tactic of what was seen last; null before a technique is named.
    #[schema(example = "Discovery")]
    stage: Option<String>,
}

/// A technique that was seen.
#[derive(Serialize, ToSchema)]
#[schema(as = SeenTechnique)]
struct SeenBody {
    /// Its id.
    #[schema(example = "T0846")]
    technique_id: String,
    /// When it was seen first.
    first_seen: Time,
}

/// An alert of an incident.
#[derive(Serialize, ToSchema)]
struct IncidentAlert {
    /// Of the alert.
    #[schema(format = "uuid")]
    alert_id: String,
    /// When it was raised.
    timestamp: Time,
    /// How much it matters; null when the alert is kept no longer.
    severity: Option<SeverityName>,
    /// What happened, in a line; null likewise.
    title: Option<String>,
    /// Its technique.
    technique_id: Option<String>,
    /// The tactic of that.
    tactic: Option<String>,
}

/// An incident with all that is known of it.
#[derive(Serialize, ToSchema)]
struct IncidentDetail {
    #[serde(flatten)]
    incident: IncidentBody,
    /// Its first 500 alerts, in the order of their time.
    timeline: Vec<IncidentAlert>,
    /// What was expected, the newest first.
    predictions: Vec<PredictionBody>,
    /// When this was read.
    as_of: Time,
}

/// A page of incidents.
#[derive(Serialize, ToSchema)]
struct IncidentPage {
    /// Where something happened last first.
    incidents: Vec<IncidentBody>,
    /// How many there are, counted to 10,000.
    total: u64,
    /// When this was read.
    as_of: Time,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct IncidentQuery {
    /// Of these plants, with commas; plants out of scope are passed over.
    facility: Option<String>,
    /// So many.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// After so many.
    #[param(minimum = 0, maximum = 10000, default = 0)]
    offset: Option<u32>,
}

impl IncidentBody {
    /// Of what is kept.
    pub(super) fn of(one: Incident) -> Self {
        let seen = one.techniques.into_iter().map(|seen| SeenBody {
            technique_id: seen.id,
            first_seen: Time(Timestamp::from_micros(seen.at)),
        });
        Self {
            id: one.id.to_string(),
            facility_id: one.facility,
            // Not the incident of another plant with which it began.
            campaign_id: Uuid::new_v5(&CAMPAIGN, one.campaign.as_bytes()).to_string(),
            first_seen: Time(one.first),
            last_seen: Time(one.last),
            severity: one.severity.into(),
            alert_count: one.alerts,
            techniques: seen.collect(),
            assets: one.assets.into_iter().collect(),
            stage: one.stage,
        }
    }
}

impl From<Step> for IncidentAlert {
    fn from(Step { member: one, said }: Step) -> Self {
        let (severity, title) = said.unzip();
        Self {
            alert_id: one.alert.to_string(),
            timestamp: Time(one.timestamp),
            severity: severity.map(SeverityName::from),
            title,
            technique_id: one.technique,
            tactic: one.tactic,
        }
    }
}

/// List incidents
#[utoipa::path(get, path = "/api/incidents", operation_id = "list_incidents", params(IncidentQuery),
    responses((status = 200, body = IncidentPage)))]
async fn list(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<IncidentQuery>,
) -> Result<axum::Json<IncidentPage>, ApiError> {
    let (limit, offset) = (page::limit(query.limit, 50)?, query.offset.unwrap_or_default());
    if offset > page::DEEPEST {
        return Err(ApiError::query("offset", format!("lists reach {} rows", page::DEEPEST)));
    }
    let as_of = Time(now());
    let (incidents, total) = match facilities(query.facility.as_deref(), &principal)? {
        Some(plants) => {
            (api.store.incidents(&plants, limit, offset).await?, api.store.incidents_count(&plants).await?)
        }
        None => (Vec::new(), 0),
    };
    let incidents = incidents.into_iter().map(IncidentBody::of).collect();
    Ok(axum::Json(IncidentPage { incidents, total, as_of }))
}

/// An incident with its timeline
#[utoipa::path(get, path = "/api/incidents/{incident_id}", operation_id = "get_incident",
    params(("incident_id" = Uuid, Path, description = "which incident")),
    responses((status = 200, body = IncidentDetail), (status = 404, description = "there is no such incident")))]
async fn one(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<axum::Json<IncidentDetail>, ApiError> {
    let as_of = Time(now());
    let incident = api.store.incident(id).await?.filter(|one| principal.scope.holds(&one.facility));
    let incident = incident.ok_or_else(|| ApiError::not_found("incident"))?;
    let timeline = api.store.steps(id, 500).await?.into_iter().map(IncidentAlert::from).collect();
    let plants = [incident.facility.clone()];
    let predictions = api.store.predictions(&plants, Some(id), None, 100, 0).await?;
    let predictions = predictions.into_iter().map(|one| PredictionBody::of(one, &principal.scope)).collect();
    Ok(axum::Json(IncidentDetail { incident: IncidentBody::of(incident), timeline, predictions, as_of }))
}

const CAMPAIGN: Uuid = Uuid::from_u128(0x5b0c_92fe_1d37_4a68_9c25_e7a4_03d8_6f1b);
