//! What charts show: stretches of time with a few figures each.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use fieldward_shared::alert::Severity;
use fieldward_shared::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Api;
use super::endpoints;
use super::error::ApiError;
use super::extract::Query;
use super::measure::Minute;
use super::metrics::Times;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::series::{SeriesQuery, UNTOLD};
use super::time::{Range, Time};
use crate::store::alerts::Filter;
use crate::store::now;
use crate::store::sums::Sum;
use crate::store::traffic::Resolution;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("charts", "What charts show")
        .keep(look, routes!(requests))
        .keep(look, routes!(threats))
        .keep(look, routes!(performance))
}

/// Traffic over time.
#[derive(Serialize, ToSchema)]
struct RequestChart {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// Seconds of a point.
    resolution_seconds: u64,
    /// In order; stretches that nobody told of are left out.
    points: Vec<RequestPoint>,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
}

/// A stretch of traffic.
#[derive(Serialize, ToSchema)]
struct RequestPoint {
    /// When it begins.
    timestamp: Time,
    /// Packets.
    packets: u64,
    /// Bytes.
    bytes: u64,
    /// Attempts to connect that failed.
    failed_connections: u64,
    /// HTTP requests that agents decoded.
    requests: Option<u64>,
    /// Of them, those whose answer was of 400 or more.
    errors: Option<u64>,
    /// Milliseconds until they were answered, on average.
    response_time_mean_ms: Option<f64>,
}

impl RequestPoint {
    fn of(sum: &Sum) -> Self {
        let (packets, bytes, failed_connections) = (sum.packets, sum.bytes, sum.failed_connections);
        Self { packets, bytes, failed_connections, ..Self::at(sum.at) }
    }

    /// One of which nothing is known yet.
    const fn at(at: Timestamp) -> Self {
        Self {
            timestamp: Time(at),
            packets: 0,
            bytes: 0,
            failed_connections: 0,
            requests: None,
            errors: None,
            response_time_mean_ms: None,
        }
    }
}

/// Traffic over time
#[utoipa::path(get, path = "/api/charts/requests", operation_id = "get_request_chart", params(SeriesQuery),
    responses((status = 200, body = RequestChart)))]
async fn requests(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<RequestChart>, ApiError> {
    let span = query.check(&principal)?;
    // Requests are counted by the minute.
    let (resolution_seconds, sums) = span.traffic_by(&api, Resolution::Minute).await?;
    let (_, requests) = span.requests(&api, None).await?;
    let mut points: BTreeMap<Timestamp, RequestPoint> =
        sums.iter().map(|sum| (sum.at, RequestPoint::of(sum))).collect();
    for (at, counts) in &requests {
        let point = points.entry(*at).or_insert_with(|| RequestPoint::at(*at));
        (point.requests, point.errors) = (Some(counts.requests), Some(counts.errors));
        point.response_time_mean_ms = endpoints::mean(counts);
    }
    let is_whole = points.values().all(|point| point.requests.is_some());
    let unknown = (!is_whole || points.is_empty()).then_some(("points.requests", UNTOLD));
    Ok(axum::Json(RequestChart {
        since: Time(span.range.since),
        until: Time(span.range.until),
        resolution_seconds,
        points: points.into_values().collect(),
        unknown: unknown.into_iter().collect(),
    }))
}

/// Alerts over time.
#[derive(Serialize, ToSchema)]
struct ThreatChart {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// Seconds of a point.
    resolution_seconds: u64,
    /// In order, without gaps.
    points: Vec<ThreatPoint>,
}

/// Alerts of a stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
struct ThreatPoint {
    /// When it begins.
    timestamp: Time,
    /// All that were raised.
    total: u64,
    /// Of them, critical ones.
    critical: u64,
    /// High ones.
    high: u64,
    /// Medium ones.
    medium: u64,
    /// Low ones.
    low: u64,
}

/// Alerts over time
#[utoipa::path(get, path = "/api/charts/threats", operation_id = "get_threat_chart", params(SeriesQuery),
    responses((status = 200, body = ThreatChart)))]
async fn threats(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<ThreatChart>, ApiError> {
    let span = query.check(&principal)?;
    let width = width(span.range);
    let raised = match span.facilities {
        Some(facilities) => {
            let (since, until) = (Some(span.range.since), Some(span.range.until));
            let filter = Filter { facilities, since, until, ..Filter::default() };
            api.store.alerts_over_time(&filter, width, now()).await?
        }
        None => Vec::new(),
    };
    Ok(axum::Json(ThreatChart {
        since: Time(span.range.since),
        until: Time(span.range.until),
        resolution_seconds: width / 1_000_000,
        points: fill(span.range, width, &raised),
    }))
}

/// A point for each stretch: where nothing was raised there are none.
fn fill(range: Range, width: u64, raised: &[(Timestamp, Severity, u64)]) -> Vec<ThreatPoint> {
    let first = range.since.as_micros() - range.since.as_micros() % width;
    let starts = (first..range.until.as_micros()).step_by(usize::try_from(width).unwrap_or(usize::MAX));
    let none = |at| {
        let timestamp = Time(Timestamp::from_micros(at));
        (at, ThreatPoint { timestamp, total: 0, critical: 0, high: 0, medium: 0, low: 0 })
    };
    let mut points: BTreeMap<u64, ThreatPoint> = starts.map(none).collect();
    for (at, severity, count) in raised {
        let Some(point) = points.get_mut(&at.as_micros()) else { continue };
        point.total += count;
        match severity {
            Severity::Critical => point.critical += count,
            Severity::High => point.high += count,
            Severity::Medium => point.medium += count,
            Severity::Low => point.low += count,
        }
    }
    points.into_values().collect()
}

/// Microseconds of a stretch, so that a range has between 60 and 360 of them, down to a second.
pub(super) fn width(range: Range) -> u64 {
    let length = range.until.since(range.since);
    let fits = |seconds: &u64| length / (seconds * 1_000_000) <= 360;
    WIDTHS.into_iter().find(fits).unwrap_or(WIDTHS[WIDTHS.len() - 1]) * 1_000_000
}

/// Answers of the API over time.
#[derive(Serialize, ToSchema)]
struct PerformanceChart {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// When the aggregator began to measure: nothing is known of the time before, or of more than a day ago.
    measured_since: Time,
    /// Seconds of a point.
    resolution_seconds: u64,
    /// In order; stretches without an answer are left out.
    points: Vec<PerformancePoint>,
}

/// Answers of a stretch of time.
#[derive(Serialize, ToSchema)]
struct PerformancePoint {
    /// When it begins.
    timestamp: Time,
    /// How long answers took.
    #[serde(flatten)]
    times: Times,
}

/// Answers of the API over time
#[utoipa::path(get, path = "/api/charts/performance", operation_id = "get_performance_chart", params(SeriesQuery),
    responses((status = 200, body = PerformanceChart)))]
async fn performance(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<PerformanceChart>, ApiError> {
    let range = query.check(&principal)?.range;
    let width = width(range).max(60_000_000);
    let mut stretches: BTreeMap<Timestamp, Minute> = BTreeMap::new();
    for minute in api.measures.minutes(range.since, range.until) {
        let at = Timestamp::from_micros(minute.at.as_micros() - minute.at.as_micros() % width);
        stretches.entry(at).or_insert(Minute::at(at)).add(&minute);
    }
    let points = stretches
        .into_iter()
        .map(|(at, sum)| PerformancePoint { timestamp: Time(at), times: Times::of(&sum) });
    Ok(axum::Json(PerformanceChart {
        since: Time(range.since),
        until: Time(range.until),
        measured_since: Time(api.measures.since),
        resolution_seconds: width / 1_000_000,
        points: points.collect(),
    }))
}

/// Seconds that a stretch may have.
const WIDTHS: [u64; 11] = [1, 10, 60, 300, 900, 1800, 3600, 7200, 14_400, 86_400, 172_800];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_a_point_for_each_stretch() {
        let day = 86_400_000_000;
        let range = Range { since: Timestamp::from_micros(day), until: Timestamp::from_micros(2 * day) };
        let width = width(range);
        assert_eq!(width, 300_000_000);
        let at = Timestamp::from_micros(day + width);
        let points = fill(range, width, &[(at, Severity::High, 2), (at, Severity::Low, 3)]);
        assert_eq!(points.len(), 288);
        assert_eq!((points[1].total, points[1].high, points[1].low, points[2].total), (5, 2, 3, 0));
        let year = Range { since: Timestamp::from_micros(0), until: Timestamp::from_micros(366 * day) };
        assert!(fill(year, super::width(year), &[]).len() <= 367);
    }
}
