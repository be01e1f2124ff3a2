//! What the figures say together: how it is against the time before, how it goes over time, and who and what it
//! comes from.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use fieldward_shared::alert::{Severity, Status};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Api;
use super::alerts::{OPEN, by_severity, by_status};
use super::error::ApiError;
use super::extract::{Path, Query};
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::series::{SeriesQuery, Span, UNTOLD};
use super::threats::{OfFacility, OfType, Types, plants};
use super::time::Time;
use super::trends::{self, Metric, Reactions};
use crate::fleet::Presence;
use crate::store::alerts::Filter;
use crate::store::counted::Tally;
use crate::store::now;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("analytics", "What the figures say together")
        .keep(look, routes!(overview))
        .keep(look, routes!(trend))
        .keep(look, routes!(summary))
}

/// A figure of a range, and of the range of the same length before.
#[derive(Serialize, ToSchema)]
struct Compared {
    /// In the range.
    total: u64,
    /// In the range before.
    previous: u64,
    /// By how much it is more, in percent; null when there was nothing before.
    change_percent: Option<f64>,
}

impl Compared {
    fn of(total: u64, previous: u64) -> Self {
        Self { total, previous, change_percent: trends::change(total as f64, previous as f64) }
    }
}

/// How long people took about alerts.
#[derive(Serialize, ToSchema)]
struct Response {
    /// Alerts that somebody took up in the range.
    taken_up: u64,
    /// Half of them within so many seconds after they were raised; null: there were none.
    time_to_acknowledge_p50_seconds: Option<f64>,
    /// 95 in 100 of them.
    time_to_acknowledge_p95_seconds: Option<f64>,
    /// Alerts that somebody closed in the range.
    closed: u64,
    /// Half of them within so many seconds after they were raised; null: there were none.
    time_to_resolve_p50_seconds: Option<f64>,
    /// 95 in 100 of them.
    time_to_resolve_p95_seconds: Option<f64>,
    /// Of those closed, the share in which there was nothing, from 0 to 1; null: none was closed.
    false_positive_rate: Option<f64>,
    /// What people did in the range, of which all this was made: at most the newest 5,000 acts.
    examined: u64,
}

impl From<&Reactions> for Response {
    fn from(all: &Reactions) -> Self {
        let (first, closed) = (all.first(), all.closing());
        let closes = all.all.iter().filter(|one| one.closes);
        let false_positives = closes.filter(|one| one.is_false_positive).count() as f64;
        Self {
            taken_up: first.len() as u64,
            time_to_acknowledge_p50_seconds: trends::quantile(&first, 0.5),
            time_to_acknowledge_p95_seconds: trends::quantile(&first, 0.95),
            closed: closed.len() as u64,
            time_to_resolve_p50_seconds: trends::quantile(&closed, 0.5),
            time_to_resolve_p95_seconds: trends::quantile(&closed, 0.95),
            false_positive_rate: (!closed.is_empty()).then(|| false_positives / closed.len() as f64),
            examined: all.all.len() as u64,
        }
    }
}

/// Traffic of a range.
#[derive(Serialize, ToSchema)]
#[schema(as = TrafficTotals)]
struct Totals {
    /// Packets.
    packets: u64,
    /// Bytes.
    bytes: u64,
    /// Attempts to connect that failed.
    failed_connections: u64,
    /// HTTP requests that agents decoded.
    requests: Option<u64>,
    /// Seconds that were told of, of all plants together.
    seconds: u64,
}

/// How it is, against the time before.
#[derive(Serialize, ToSchema)]
struct Overview {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// Alerts.
    alerts: Compared,
    /// Critical ones.
    critical: Compared,
    /// Alerts in which an attack is named.
    threats: Compared,
    /// Alerts of any time that nobody has closed.
    active_alerts: u64,
    /// How long people took.
    response: Response,
    /// Traffic.
    traffic: Totals,
    /// The commonest techniques, at most five.
    top_threats: Vec<OfType>,
    /// The plants with the most alerts, at most five.
    top_facilities: Vec<OfFacility>,
    /// Agents with a session.
    agents_connected: usize,
    /// Agents that were heard of since the aggregator began.
    agents_known: usize,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
}

/// How it is, against the time before
#[utoipa::path(get, path = "/api/analytics/overview", operation_id = "get_analytics_overview", params(SeriesQuery),
    responses((status = 200, body = Overview)))]
async fn overview(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<Overview>, ApiError> {
    let span = query.check(&principal)?;
    let before = Span { range: span.before(), facilities: span.facilities.clone() };
    let (found, found_before) = (figures(&api, &span).await?, figures(&api, &before).await?);
    let (alerts, alerts_before) = (found.all(), found_before.all());
    let (active_alerts, top_facilities) = match span.filter() {
        Some(filter) => {
            let facilities = filter.facilities.clone();
            let open = Filter { facilities, statuses: OPEN.to_vec(), ..Filter::default() };
            (api.store.tally(&open, now()).await?.total(), plants(&api, &filter, FEW).await?)
        }
        None => (0, Vec::new()),
    };
    let standing = api.fleet.snapshot(now());
    let seen: Vec<_> = standing.iter().filter(|one| principal.scope.holds(&one.facility)).collect();
    let traffic = traffic(&api, &span).await?;
    let critical = |tally: &Tally| tally.severity(Severity::Critical);
    Ok(axum::Json(Overview {
        since: Time(span.range.since),
        until: Time(span.range.until),
        alerts: Compared::of(alerts.total(), alerts_before.total()),
        critical: Compared::of(critical(&alerts), critical(&alerts_before)),
        threats: Compared::of(found.threats().total(), found_before.threats().total()),
        active_alerts,
        response: Response::from(&Reactions::of(&api, &span).await?),
        unknown: unknown(&traffic),
        traffic,
        top_threats: found.types(FEW),
        top_facilities,
        agents_connected: seen.iter().filter(|one| one.presence != Presence::Offline).count(),
        agents_known: seen.len(),
    }))
}

/// Who and what it comes from.
#[derive(Serialize, ToSchema)]
struct Summary {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// Alerts.
    total_alerts: u64,
    /// Alerts in which an attack is named.
    total_threats: u64,
    /// How many alerts there are of each severity.
    #[schema(example = json!({"critical": 1, "high": 2, "medium": 3, "low": 4}))]
    by_severity: BTreeMap<&'static str, u64>,
    /// How many alerts there are in each status.
    #[schema(example = json!({"new": 6, "acknowledged": 2, "resolved": 1, "false-positive": 1}))]
    by_status: BTreeMap<&'static str, u64>,
    /// Of the alerts of the range that are closed, the share in which there was nothing, from 0 to 1; null: none
    /// is closed.
    false_positive_rate: Option<f64>,
    /// The commonest techniques, at most 20.
    by_type: Vec<OfType>,
    /// The plants with the most alerts, at most 20.
    by_facility: Vec<OfFacility>,
    /// How long people took.
    response: Response,
    /// Traffic.
    traffic: Totals,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
}

/// Who and what it comes from
#[utoipa::path(get, path = "/api/analytics/summary", operation_id = "get_analytics_summary", params(SeriesQuery),
    responses((status = 200, body = Summary)))]
async fn summary(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<Summary>, ApiError> {
    let span = query.check(&principal)?;
    let found = figures(&api, &span).await?;
    let alerts = found.all();
    let by_facility = match span.filter() {
        Some(filter) => plants(&api, &filter, MANY).await?,
        None => Vec::new(),
    };
    let (nothing, closed) = (
        alerts.statuses(&[Status::FalsePositive]),
        alerts.statuses(&[Status::Resolved, Status::FalsePositive]),
    );
    let traffic = traffic(&api, &span).await?;
    Ok(axum::Json(Summary {
        since: Time(span.range.since),
        until: Time(span.range.until),
        total_alerts: alerts.total(),
        total_threats: found.threats().total(),
        by_severity: by_severity(&alerts),
        by_status: by_status(&alerts),
        false_positive_rate: (closed > 0).then(|| nothing as f64 / closed as f64),
        by_type: found.types(MANY),
        by_facility,
        response: Response::from(&Reactions::of(&api, &span).await?),
        unknown: unknown(&traffic),
        traffic,
    }))
}

/// A figure over time.
#[derive(Serialize, ToSchema)]
struct Trend {
    /// Which.
    #[schema(example = "alerts")]
    metric: &'static str,
    /// What it is counted in.
    #[schema(example = "alerts")]
    unit: &'static str,
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// Seconds of a point.
    resolution_seconds: u64,
    /// In order; null: nothing is known of this stretch.
    points: Vec<TrendPoint>,
    /// Of the whole range: the sum, or half of the times; null: nothing is known.
    total: Option<f64>,
    /// Of the range of the same length before.
    previous_total: Option<f64>,
    /// By how much it is more than before, in percent; null when that cannot be said.
    change_percent: Option<f64>,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
}

/// A stretch of time.
#[derive(Serialize, ToSchema)]
struct TrendPoint {
    /// When it begins.
    timestamp: Time,
    /// The figure.
    value: Option<f64>,
}

/// A figure over time
#[utoipa::path(get, path = "/api/analytics/trends/{metric}", operation_id = "get_analytics_trend",
    params(("metric" = String, Path, description = "alerts, critical_alerts, threats, packets, bytes, failed_connections, requests, acknowledged, resolved, time_to_acknowledge or time_to_resolve"), SeriesQuery),
    responses((status = 200, body = Trend), (status = 404, description = "there is no such metric")))]
async fn trend(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(metric): Path<String>,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<Trend>, ApiError> {
    let metric = Metric::named(&metric).ok_or_else(|| ApiError::not_found("metric"))?;
    let span = query.check(&principal)?;
    let before = Span { range: span.before(), facilities: span.facilities.clone() };
    let (now_on, earlier) = (metric.read(&api, &span).await?, metric.read(&api, &before).await?);
    let change = now_on.total.zip(earlier.total).and_then(|(total, before)| trends::change(total, before));
    let points = now_on.points.into_iter().map(|(at, value)| TrendPoint { timestamp: Time(at), value });
    let why = match metric {
        Metric::Requests if now_on.total.is_none() => Some(UNTOLD),
        _ if now_on.total.is_none() => Some("nothing of it happened in this range"),
        _ => None,
    };
    Ok(axum::Json(Trend {
        metric: metric.name(),
        unit: metric.unit(),
        since: Time(span.range.since),
        until: Time(span.range.until),
        resolution_seconds: now_on.width / 1_000_000,
        points: points.collect(),
        total: now_on.total,
        previous_total: earlier.total,
        change_percent: change,
        unknown: why.map(|why| ("total", why)).into_iter().collect(),
    }))
}

/// The alerts of a range, by what they name.
async fn figures(api: &Api, span: &Span) -> Result<Types, ApiError> {
    match span.filter() {
        Some(filter) => Types::of(api, &filter).await,
        None => Ok(Types::default()),
    }
}

async fn traffic(api: &Api, span: &Span) -> Result<Totals, ApiError> {
    let (_, sums) = span.traffic(api).await?;
    let (_, requests) = span.requests(api, None).await?;
    Ok(Totals {
        packets: sums.iter().map(|sum| sum.packets).sum(),
        bytes: sums.iter().map(|sum| sum.bytes).sum(),
        failed_connections: sums.iter().map(|sum| sum.failed_connections).sum(),
        requests: (!requests.is_empty()).then(|| requests.values().map(|one| one.requests).sum()),
        seconds: sums.iter().map(|sum| sum.seconds).sum(),
    })
}

fn unknown(traffic: &Totals) -> BTreeMap<&'static str, &'static str> {
    traffic.requests.is_none().then_some(("traffic.requests", UNTOLD)).into_iter().collect()
}

/// Rows of an overview.
const FEW: usize = 5;
/// Rows of a summary.
const MANY: usize = 20;
