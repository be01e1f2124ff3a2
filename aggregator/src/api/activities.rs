//! What people did, for everybody who works with alerts. Who came in and who decided over users stands in the
//! audit trail, which is for administrators.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::Api;
use super::alerts::body::ActBody;
use super::error::ApiError;
use super::extract::Query;
use super::page;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::series::facilities;
use super::time::{Range, Time};
use crate::store::board::AlertAct;
use crate::store::now;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("activities", "What people did about alerts")
        .add(look, routes!(recent))
        .add(look, routes!(list))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RecentQuery {
    /// So many.
    #[param(minimum = 1, maximum = 500, default = 20)]
    limit: Option<u32>,
}

/// What people did.
#[derive(Serialize, ToSchema)]
struct RecentActivities {
    /// The newest first, none older than a day.
    activities: Vec<ActBody>,
    /// When this was read.
    as_of: Time,
}

/// What people did just now
#[utoipa::path(get, path = "/api/activities/recent", operation_id = "get_recent_activities", params(RecentQuery),
    responses((status = 200, body = RecentActivities)))]
async fn recent(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<RecentQuery>,
) -> Result<axum::Json<RecentActivities>, ApiError> {
    let (limit, now) = (page::limit(query.limit, 20)?, now());
    let range = Range::of(None, None, None, "24h", now)?;
    let acts = read(&api, &principal, None, Range { until: now.plus(1), ..range }, limit).await?;
    Ok(axum::Json(RecentActivities {
        activities: acts.into_iter().map(ActBody::from).collect(),
        as_of: Time(now),
    }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ActivityQuery {
    /// The time before now: `24h`, `7d`.
    #[param(example = "7d", default = "24h")]
    range: Option<String>,
    /// From then on, instead.
    since: Option<String>,
    /// Until before.
    until: Option<String>,
    /// Of these plants, with commas.
    facility: Option<String>,
    /// Which page; the first is 1. Pages reach 10,000 rows: ask for another range behind that.
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// A page of what people did.
#[derive(Serialize, ToSchema)]
struct ActivityPage {
    /// The newest first.
    activities: Vec<ActBody>,
    /// Which page this is.
    page: u32,
    /// Rows of a page.
    limit: u32,
    /// How many there are, counted to 10,000.
    total: u64,
    /// How many pages there are.
    pages: u64,
}

/// What people did, page by page
#[utoipa::path(get, path = "/api/activities", operation_id = "list_activities", params(ActivityQuery),
    responses((status = 200, body = ActivityPage)))]
async fn list(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<ActivityQuery>,
) -> Result<axum::Json<ActivityPage>, ApiError> {
    let limit = page::limit(query.limit, 50)?;
    let page = page::number(query.page, limit)?;
    let now = now().plus(1);
    let range =
        Range::of(query.range.as_deref(), query.since.as_deref(), query.until.as_deref(), "24h", now)?;
    // A line of it is short, and people are slow: all of a range are read, up to what pages reach.
    let acts = read(&api, &principal, query.facility.as_deref(), range, page::DEEPEST).await?;
    let (total, skip) = (acts.len() as u64, (page - 1) as usize * limit as usize);
    let shown = acts.into_iter().skip(skip).take(limit as usize);
    Ok(axum::Json(ActivityPage {
        activities: shown.map(ActBody::from).collect(),
        page,
        limit,
        total,
        pages: page::pages(total, limit),
    }))
}

async fn read(
    api: &Api,
    principal: &Principal,
    named: Option<&str>,
    range: Range,
    most: u32,
) -> Result<Vec<AlertAct>, ApiError> {
    match facilities(named, principal)? {
        Some(plants) => Ok(api.store.recent_acts(&plants, range.since, range.until, most).await?),
        None => Ok(Vec::new()),
    }
}
