//! Alerts: lists, one with all that is known of it, what people do about it, figures.

pub mod body;
pub(super) mod query;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use fieldward_shared::alert::{AlertId, Severity, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Json, Maybe, Path, Query, if_match};
use super::page::{self, Page};
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::store::alerts::{Cursor, Filter, Stored};
use crate::store::board::{Change, Count, Outcome};
use crate::store::counted::{SEVERITIES, Tally};
use crate::store::now;
use body::{ActBody, AlertBody};
use query::{Asked, ListQuery};

/// The resource.
pub fn routes() -> Routes {
    let (look, act) = (Policy::Scoped(Role::Viewer), Policy::Scoped(Role::Analyst));
    Routes::of("alerts", "What was found, and what people did about it")
        .add(look, routes!(list))
        .add(look, routes!(active))
        .add(look, routes!(history))
        .keep(look, routes!(stats))
        .add(look, routes!(detail))
        .add(look, routes!(acts))
        .add(act, routes!(set_status))
        .act(act, routes!(acknowledge))
        .act(act, routes!(dismiss))
}

/// A page of alerts.
#[derive(Serialize, ToSchema)]
struct AlertPage {
    /// The newest first.
    alerts: Vec<AlertBody>,
    #[serde(flatten)]
    page: Page,
    /// When this was read.
    as_of: Time,
    /// How many of the newest alerts were searched; null when nothing was. When there are more, the next
    /// cursor searches on.
    searched: Option<u64>,
}

/// List alerts
#[utoipa::path(get, path = "/api/alerts", operation_id = "list_alerts", params(ListQuery),
    responses((status = 200, body = AlertPage)))]
async fn list(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<AlertPage>, ApiError> {
    show(&api, query.check(&principal, &[], &api.cursors)?).await
}

/// List alerts that nobody has closed
#[utoipa::path(get, path = "/api/alerts/active", operation_id = "list_active_alerts", params(ListQuery),
    responses((status = 200, body = AlertPage)))]
async fn active(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<AlertPage>, ApiError> {
    show(&api, query.check(&principal, OPEN, &api.cursors)?).await
}

/// List alerts that were closed
#[utoipa::path(get, path = "/api/alerts/history", operation_id = "list_closed_alerts", params(ListQuery),
    responses((status = 200, body = AlertPage)))]
async fn history(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<AlertPage>, ApiError> {
    show(&api, query.check(&principal, CLOSED, &api.cursors)?).await
}

async fn show(api: &Api, asked: Asked) -> Result<axum::Json<AlertPage>, ApiError> {
    let as_of = Time(now());
    let (turn, page) = read(api, &asked).await?;
    let alerts = turn.stored.into_iter().map(|one| AlertBody::of(one, asked.with_context)).collect();
    Ok(axum::Json(AlertPage { alerts, page, as_of, searched: turn.searched }))
}

/// A turn, and the page that it makes.
pub(super) async fn read(api: &Api, asked: &Asked) -> Result<(Turn, Page), ApiError> {
    let turn = turn(api, asked).await?;
    let count = match (&asked.filter, turn.found) {
        (_, Some(found)) => found,
        (Some(filter), None) => api.store.count_alerts(filter, page::DEEPEST).await?,
        (None, None) => Count { value: 0, is_least: false },
    };
    let next = turn.next.map(|last| asked.next(&api.cursors, last));
    Ok((turn, asked.page_of(count, next)))
}

/// A turn of a walk through a list.
pub(super) struct Turn {
    /// The newest first.
    pub stored: Vec<Stored>,
    /// After which place it goes on; none at the end.
    pub next: Option<Cursor>,
    /// How many a search has found in this turn, and how many it has looked at.
    found: Option<Count>,
    searched: Option<u64>,
}

/// Reads what is asked for from where it is asked. Pages and exports alike are made of turns.
pub(super) async fn turn(api: &Api, asked: &Asked) -> Result<Turn, ApiError> {
    let (mut stored, found, more, searched) = match (&asked.filter, &asked.search) {
        (None, _) => (Vec::new(), None, None, None),
        (Some(filter), None) => (plain(api, asked, filter).await?, None, None, None),
        (Some(filter), Some(search)) => {
            let (stored, count, more, searched) = find(api, asked, filter, search).await?;
            (stored, Some(count), more, searched)
        }
    };
    // One more was read than is shown, to know whether there is one.
    let is_more = stored.len() > asked.limit as usize;
    stored.truncate(asked.limit as usize);
    let next = if is_more { stored.last().map(Stored::cursor) } else { more };
    Ok(Turn { stored, next, found, searched })
}

async fn plain(api: &Api, asked: &Asked, filter: &Filter) -> Result<Vec<Stored>, ApiError> {
    let most = asked.limit.saturating_add(1);
    let skip = (asked.page - 1).saturating_mul(asked.limit);
    if skip == 0 {
        return Ok(api.store.alerts(filter, asked.after, most).await?);
    }
    Ok(api.store.alerts_from(filter, skip, most).await?)
}

type Shown = (Vec<Stored>, Count, Option<Cursor>, Option<u64>);

/// Searches the newest so many; when there are more, the cursor goes on where the search ended.
async fn find(api: &Api, asked: &Asked, filter: &Filter, search: &str) -> Result<Shown, ApiError> {
    let found = api.store.search_alerts(filter, asked.after, search, SEARCHED).await?;
    let skip = (asked.page - 1).saturating_mul(asked.limit) as usize;
    let most = asked.limit.saturating_add(1) as usize;
    let places: Vec<_> = found.places.iter().skip(skip).take(most).map(|place| place.id).collect();
    let stored = api.store.alerts_named(&places).await?;
    let count = Count { value: found.places.len() as u64, is_least: found.last.is_some() };
    Ok((stored, count, found.last, Some(found.examined)))
}

/// An alert with all that is known of it
#[utoipa::path(get, path = "/api/alerts/{alert_id}", operation_id = "get_alert",
    params(("alert_id" = String, Path, format = "uuid")),
    responses((status = 200, body = AlertBody, headers(("etag" = String, description = "to be sent as If-Match"))),
        (status = 304, description = "it has not changed"), (status = 404, description = "there is no such alert")))]
async fn detail(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let stored = visible(&api, &principal, &id).await?;
    let tag = etag(stored.revision);
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    Ok(([(ETAG, tag)], axum::Json(AlertBody::of(stored, true))).into_response())
}

/// What was done about an alert.
#[derive(Serialize, ToSchema)]
struct AlertActs {
    /// The oldest first.
    acts: Vec<ActBody>,
}

/// What was done about an alert
#[utoipa::path(get, path = "/api/alerts/{alert_id}/history", operation_id = "get_alert_history",
    params(("alert_id" = String, Path, format = "uuid")),
    responses((status = 200, body = AlertActs), (status = 404, description = "there is no such alert")))]
async fn acts(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<axum::Json<AlertActs>, ApiError> {
    let stored = visible(&api, &principal, &id).await?;
    let acts = api.store.acts_on_alert(stored.alert.id).await?;
    Ok(axum::Json(AlertActs { acts: acts.into_iter().map(ActBody::from).collect() }))
}

/// The status that an alert is to have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetStatus {
    /// What was done about it.
    status: NextStatus,
    /// Why.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// A status that people give.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum NextStatus {
    /// Someone is at it.
    Acknowledged,
    /// It is dealt with.
    Resolved,
    /// There was nothing.
    FalsePositive,
}

/// Why.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    /// Why.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// Change the status of an alert
#[utoipa::path(put, path = "/api/alerts/{alert_id}/status", operation_id = "set_alert_status", request_body = SetStatus,
    params(("alert_id" = String, Path, format = "uuid"),
        ("if-match" = Option<String>, Header, description = "The ETag that was seen: then nothing is changed when somebody else was faster.")),
    responses((status = 200, body = AlertBody), (status = 404, description = "there is no such alert"),
        (status = 409, description = "from its status one does not come to this one"),
        (status = 412, description = "it has changed since; `details.current` is as it is now")))]
async fn set_status(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<SetStatus>,
) -> Result<Response, ApiError> {
    let status = match body.status {
        NextStatus::Acknowledged => Status::Acknowledged,
        NextStatus::Resolved => Status::Resolved,
        NextStatus::FalsePositive => Status::FalsePositive,
    };
    change(&api, &principal, &id, &headers, status, body.reason).await
}

/// Acknowledge an alert
#[utoipa::path(post, path = "/api/alerts/{alert_id}/acknowledge", operation_id = "acknowledge_alert",
    request_body(content = inline(Option<Reason>)),
    params(("alert_id" = String, Path, format = "uuid"), ("if-match" = Option<String>, Header)),
    responses((status = 200, body = AlertBody), (status = 404, description = "there is no such alert"),
        (status = 409, description = "it was closed"), (status = 412, description = "it has changed since")))]
async fn acknowledge(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
    Maybe(reason): Maybe<Reason>,
) -> Result<Response, ApiError> {
    let reason = reason.and_then(|body| body.reason);
    change(&api, &principal, &id, &headers, Status::Acknowledged, reason).await
}

/// Dismiss an alert: there was nothing
#[utoipa::path(post, path = "/api/alerts/{alert_id}/dismiss", operation_id = "dismiss_alert",
    request_body(content = inline(Option<Reason>)),
    params(("alert_id" = String, Path, format = "uuid"), ("if-match" = Option<String>, Header)),
    responses((status = 200, body = AlertBody), (status = 404, description = "there is no such alert"),
        (status = 409, description = "it cannot be dismissed"), (status = 412, description = "it has changed since")))]
async fn dismiss(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
    Maybe(reason): Maybe<Reason>,
) -> Result<Response, ApiError> {
    let reason = reason.and_then(|body| body.reason);
    change(&api, &principal, &id, &headers, Status::FalsePositive, reason).await
}

async fn change(
    api: &Api,
    principal: &Principal,
    id: &str,
    headers: &HeaderMap,
    status: Status,
    reason: Option<String>,
) -> Result<Response, ApiError> {
    let reason = reason.unwrap_or_default();
    if reason.chars().count() > 1000 {
        return Err(ApiError::field("#/reason", "more than 1000 letters"));
    }
    // An alert never changes its plant, so whoever sees it now may act on it then.
    let id = visible(api, principal, id).await?.alert.id;
    let actor = principal.actor();
    let change = Change { status, seen: if_match(headers)?, reason: &reason, actor: &actor, is_undo: false };
    match api.store.act_on_alert(id, &change, now()).await? {
        outcome @ (Outcome::Done(_) | Outcome::Same(_)) => {
            let (stored, is_new) = match outcome {
                Outcome::Done(stored) => (stored, true),
                Outcome::Same(stored) => (stored, false),
                _ => return Err(ApiError::not_found("alert")),
            };
            if is_new {
                api.tell_alert((*stored).clone());
            }
            let tag = etag(stored.revision);
            Ok(([(ETAG, tag)], axum::Json(AlertBody::of(*stored, true))).into_response())
        }
        Outcome::Unknown => Err(ApiError::not_found("alert")),
        Outcome::Stale(stored) => {
            let tag = etag(stored.revision);
            let said = "the alert has changed since it was seen; look at it again";
            let error = ApiError::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", said);
            let current = AlertBody::of(*stored, false);
            Err(error.about(serde_json::json!({ "current": current })).header(ETAG, &tag))
        }
        Outcome::Refused(before) => {
            let said = format!("an alert that is {} does not become {}", before.name(), status.name());
            let error = ApiError::new(StatusCode::CONFLICT, "invalid_transition", said);
            Err(error.about(serde_json::json!({ "status": before.name() })))
        }
    }
}

/// Figures of alerts.
#[derive(Serialize, ToSchema)]
struct AlertStats {
    /// All that are kept.
    total: u64,
    /// Of them, critical ones.
    critical: u64,
    /// Of them, those that nobody has closed.
    unresolved: u64,
    /// Of them, those in which there was nothing.
    false_positives: u64,
    /// How many there are of each severity.
    #[schema(example = json!({"critical": 1, "high": 2, "medium": 3, "low": 4}))]
    by_severity: BTreeMap<&'static str, u64>,
    /// How many there are in each status.
    #[schema(example = json!({"new": 6, "acknowledged": 2, "resolved": 1, "false-positive": 1}))]
    by_status: BTreeMap<&'static str, u64>,
    /// When this was counted.
    as_of: Time,
}

/// Figures of alerts
#[utoipa::path(get, path = "/api/alerts/stats", operation_id = "get_alert_stats",
    responses((status = 200, body = AlertStats)))]
async fn stats(
    State(api): State<Arc<Api>>,
    principal: Principal,
) -> Result<axum::Json<AlertStats>, ApiError> {
    let as_of = Time(now());
    let tally = match principal.narrow(Vec::new()) {
        Some(facilities) => api.store.tally(&Filter { facilities, ..Filter::default() }, as_of.0).await?,
        None => Tally::default(),
    };
    Ok(axum::Json(AlertStats {
        total: tally.total(),
        critical: tally.severity(Severity::Critical),
        unresolved: tally.statuses(OPEN),
        false_positives: tally.statuses(&[Status::FalsePositive]),
        by_severity: by_severity(&tally),
        by_status: by_status(&tally),
        as_of,
    }))
}

/// How many there are of each severity.
pub(super) fn by_severity(tally: &Tally) -> BTreeMap<&'static str, u64> {
    SEVERITIES.into_iter().map(|one| (one.name(), tally.severity(one))).collect()
}

/// How many there are in each status.
pub(super) fn by_status(tally: &Tally) -> BTreeMap<&'static str, u64> {
    OPEN.iter().chain(CLOSED).map(|one| (one.name(), tally.statuses(&[*one]))).collect()
}

/// The alert, if whoever asks sees its plant.
pub(super) async fn visible(api: &Api, principal: &Principal, id: &str) -> Result<Stored, ApiError> {
    let unknown = || ApiError::not_found("alert");
    let id: AlertId =
        uuid::Uuid::try_parse(id).map(|id| AlertId::from_u128(id.as_u128())).map_err(|_| unknown())?;
    let stored = api.store.alert(id).await?.ok_or_else(unknown)?;
    principal.may_see(&stored.alert.facility_id, "alert")?;
    Ok(stored)
}

fn etag(revision: u64) -> String {
    format!("\"v{revision}\"")
}

/// Alerts that a search looks at.
const SEARCHED: u32 = 1_000;
/// That nobody has closed.
pub(super) const OPEN: &[Status] = &[Status::New, Status::Acknowledged];
/// That were closed.
const CLOSED: &[Status] = &[Status::Resolved, Status::FalsePositive];
/// Of what the caller does not see.
pub(super) const NONE: Count = Count { value: 0, is_least: false };
