//! Bulk changes: what is to be done to many alerts is a job, with progress and a result for each, that can be
//! taken back for a while and outlives a restart. [`run`] does it, alert by alert, as a person would.

mod ask;
pub mod run;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use fieldward_shared::alert::Status;
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::alerts::body::StatusName;
use super::error::ApiError;
use super::extract::{Json, Path, Query};
use super::page;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::store::jobs::{Job, JobState};
use crate::store::now;
use ask::Bulk;

/// The resource.
pub fn routes() -> Routes {
    let act = Policy::Scoped(Role::Analyst);
    Routes::of("jobs", "What is done to many alerts at once")
        .act(act, routes!(bulk))
        .add(act, routes!(list))
        .add(act, routes!(one))
        .add(act, routes!(items))
        .act(act, routes!(undo))
}

/// A job.
#[derive(Serialize, ToSchema)]
struct JobBody {
    /// Which.
    id: Uuid,
    /// `alerts.bulk`.
    #[schema(example = "alerts.bulk")]
    kind: &'static str,
    /// `running`, `done`, `undoing` or `undone`.
    #[schema(example = "running")]
    state: &'static str,
    /// The status that its alerts are to have.
    status: StatusName,
    /// Why.
    reason: String,
    /// Who asked for it.
    #[schema(example = "user ann")]
    actor: String,
    /// When.
    created: Time,
    /// How many alerts.
    total: u64,
    /// How many of them were dealt with; while it is taken back, how many of them again.
    done: u64,
    /// How many have which result: `waiting`, `done`, `unchanged` (it was so already), `not_found`,
    /// `invalid_transition`, `failed`; taken back `undone` or `changed_since`.
    #[schema(example = json!({"done": 1238, "invalid_transition": 2}))]
    results: BTreeMap<String, u64>,
    /// The first of those to which it could not be done, at most 100.
    failed: Vec<Failure>,
    /// When it came to its end; null before.
    finished: Option<Time>,
    /// Until when it can be taken back; null when it cannot.
    undo_until: Option<Time>,
}

/// An alert to which it could not be done.
#[derive(Serialize, ToSchema)]
struct Failure {
    /// Which.
    #[schema(format = "uuid")]
    id: String,
    /// Why.
    #[schema(example = "invalid_transition")]
    code: String,
}

impl JobBody {
    async fn of(api: &Api, job: Job) -> Result<Self, ApiError> {
        let results: BTreeMap<String, u64> = api.store.job_results(job.id).await?.into_iter().collect();
        let mut failed = Vec::new();
        for code in FAILED.iter().filter(|code| results.contains_key(**code)) {
            let items = api.store.job_items(job.id, 0, Some(code), SHOWN).await?;
            failed.extend(
                items.into_iter().map(|item| Failure { id: item.alert.to_string(), code: item.result }),
            );
        }
        failed.truncate(SHOWN as usize);
        Ok(Self {
            id: job.id,
            kind: "alerts.bulk",
            state: job.state.name(),
            status: job.target.into(),
            reason: job.reason,
            actor: job.actor,
            created: Time(job.created),
            total: job.total,
            done: job.next.min(job.total),
            results,
            failed,
            finished: job.finished.map(Time),
            undo_until: job.undo_until.map(Time),
        })
    }
}

/// Change many alerts
///
/// Name them by their ids, or by a filter and how many it was seen to find: when it finds another number, nothing
/// is done. It is done as a job; `Location` says where to look.
#[utoipa::path(post, path = "/api/alerts/bulk", operation_id = "change_alerts", request_body = Bulk,
    responses((status = 202, body = JobBody, headers(("location" = String, description = "the job"))),
        (status = 409, description = "the filter finds another number than expected: `details.count`")))]
async fn bulk(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Json(bulk): Json<Bulk>,
) -> Result<Response, ApiError> {
    let reason = bulk.reason()?;
    let alerts = bulk.alerts(&api, &principal).await?;
    let job = Job {
        id: Uuid::new_v4(),
        state: JobState::Running,
        created: now(),
        owner: principal.id,
        actor: principal.actor(),
        target: bulk.status(),
        reason,
        total: alerts.len() as u64,
        next: 0,
        finished: None,
        undo_until: None,
    };
    if !api.store.add_job(&job, &alerts).await? {
        let said = "as many jobs are under way as there may be; ask again when one has ended";
        return Err(ApiError::later(StatusCode::SERVICE_UNAVAILABLE, "busy", said, 30));
    }
    api.jobs.notify_one();
    accepted(&api, job).await
}

async fn accepted(api: &Api, job: Job) -> Result<Response, ApiError> {
    let place = format!("/api/jobs/{}", job.id);
    let body = JobBody::of(api, job).await?;
    Ok((StatusCode::ACCEPTED, [(LOCATION, place)], axum::Json(body)).into_response())
}

/// Jobs.
#[derive(Serialize, ToSchema)]
struct JobList {
    /// The newest first, at most 100: one's own, or, for an administrator of all plants, all. They are kept for
    /// 30 days.
    jobs: Vec<JobBody>,
}

/// List jobs
#[utoipa::path(get, path = "/api/jobs", operation_id = "list_jobs", responses((status = 200, body = JobList)))]
async fn list(State(api): State<Arc<Api>>, principal: Principal) -> Result<axum::Json<JobList>, ApiError> {
    let owner = (!sees_all(&principal)).then_some(principal.id);
    let mut jobs = Vec::new();
    for job in api.store.jobs(owner, LISTED).await? {
        jobs.push(JobBody::of(&api, job).await?);
    }
    Ok(axum::Json(JobList { jobs }))
}

/// A job
#[utoipa::path(get, path = "/api/jobs/{job_id}", operation_id = "get_job", params(("job_id" = Uuid, Path)),
    responses((status = 200, body = JobBody), (status = 404, description = "there is no such job")))]
async fn one(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<axum::Json<JobBody>, ApiError> {
    let job = visible(&api, &principal, id).await?;
    Ok(axum::Json(JobBody::of(&api, job).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ItemQuery {
    /// From this place on; no job has more.
    #[param(minimum = 0, maximum = 100000, default = 0)]
    from: Option<u32>,
    /// So many.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
}

/// An alert of a job.
#[derive(Serialize, ToSchema)]
struct ItemBody {
    /// Its place.
    nth: u64,
    /// Which alert.
    #[schema(format = "uuid")]
    alert_id: String,
    /// What came of it.
    #[schema(example = "done")]
    result: String,
    /// Its status before; null before it was looked at, or when it was not there.
    status_before: Option<StatusName>,
}

/// Alerts of a job.
#[derive(Serialize, ToSchema)]
struct Items {
    /// In their order.
    items: Vec<ItemBody>,
    /// To be given as `from` for the next page; null at the end.
    next_from: Option<u64>,
}

/// The alerts of a job, and what came of each
#[utoipa::path(get, path = "/api/jobs/{job_id}/items", operation_id = "list_job_items",
    params(("job_id" = Uuid, Path), ItemQuery),
    responses((status = 200, body = Items), (status = 404, description = "there is no such job")))]
async fn items(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<Uuid>,
    Query(query): Query<ItemQuery>,
) -> Result<axum::Json<Items>, ApiError> {
    let job = visible(&api, &principal, id).await?;
    let limit = page::limit(query.limit, 100)?;
    let from = query.from.unwrap_or_default();
    if from as usize > ask::MOST {
        return Err(ApiError::query("from", format!("no job has more than {} alerts", ask::MOST)));
    }
    let items = api.store.job_items(job.id, from.into(), None, limit).await?;
    let last = items.last().map(|item| item.nth + 1).filter(|next| *next < job.total);
    let shown = items.into_iter().map(|item| ItemBody {
        nth: item.nth,
        alert_id: item.alert.to_string(),
        result: item.result,
        status_before: item.before.map(StatusName::from),
    });
    Ok(axum::Json(Items { items: shown.collect(), next_from: last }))
}

/// Take a job back
///
/// For ten minutes after its end. Alerts that somebody has changed since stay as they are.
#[utoipa::path(post, path = "/api/jobs/{job_id}/undo", operation_id = "undo_job", params(("job_id" = Uuid, Path)),
    responses((status = 202, body = JobBody), (status = 404, description = "there is no such job"),
        (status = 409, description = "it is not done, or cannot be taken back any more")))]
async fn undo(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let job = visible(&api, &principal, id).await?;
    let Some(job) = api.store.undo_job(job.id, &principal.actor(), now()).await? else {
        let said = "a job can be taken back when it is done, for ten minutes";
        return Err(ApiError::new(StatusCode::CONFLICT, "not_undoable", said));
    };
    api.jobs.notify_one();
    accepted(&api, job).await
}

fn sees_all(principal: &Principal) -> bool {
    principal.role == Role::Admin && principal.sees_all()
}

async fn visible(api: &Api, principal: &Principal, id: Uuid) -> Result<Job, ApiError> {
    let job = api.store.job(id).await?;
    job.filter(|job| job.owner == principal.id || sees_all(principal))
        .ok_or_else(|| ApiError::not_found("job"))
}

/// When a job that ends now can no longer be taken back.
fn undo_until(now: Timestamp) -> Timestamp {
    now.plus(UNDO)
}

/// As which status an action is written.
const fn status(action: ask::Action) -> Status {
    match action {
        ask::Action::Acknowledge => Status::Acknowledged,
        ask::Action::Resolve => Status::Resolved,
        ask::Action::Dismiss => Status::FalsePositive,
    }
}

/// Microseconds: ten minutes.
const UNDO: u64 = 600_000_000;
/// Results that say that it could not be done.
const FAILED: [&str; 4] = ["failed", "invalid_transition", "not_found", "changed_since"];
/// Failures that a job shows.
const SHOWN: u32 = 100;
/// Jobs of a list.
const LISTED: u32 = 100;
