//! Figures of traffic, alerts and the aggregator itself: now, and over time.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Api;
use super::alerts::OPEN;
use super::endpoints;
use super::error::ApiError;
use super::extract::Query;
use super::measure::Minute;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::series::{SeriesQuery, Span};
use super::time::Time;
use crate::fleet::{Presence, Standing};
use crate::store::alerts::Filter;
use crate::store::now;
use crate::store::sums::Sum;
use fieldward_shared::time::Timestamp;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("metrics", "Figures, now and over time")
        .add(look, routes!(realtime))
        .keep(look, routes!(historical))
}

/// Figures of now.
#[derive(Serialize, ToSchema)]
struct Realtime {
    /// When this was read.
    timestamp: Time,
    /// Packets of the last second at all plants in scope; null when no agent told of it.
    packets_per_sec: Option<u64>,
    /// Bytes of it.
    bytes_per_sec: Option<u64>,
    /// Attempts to connect that failed in it.
    failed_connections: Option<u64>,
    /// HTTP requests that agents decoded in it.
    requests_per_sec: Option<u64>,
    /// Share of requests that were blocked: never, so null.
    block_rate: Option<f64>,
    /// Alerts that nobody has closed.
    active_alerts: u64,
    /// Alerts that were raised in the last minute.
    alerts_per_minute: u64,
    /// Agents with a session.
    agents_connected: usize,
    /// Agents that were heard of since the aggregator began.
    agents_known: usize,
    /// How long answers of the API took in the last five minutes.
    api: Times,
    /// Share of one processor that the aggregator used since this was asked before, in percent.
    cpu_percent: Option<f64>,
    /// Memory of the aggregator.
    memory_bytes: Option<u64>,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
}

/// How long answers took.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Times {
    /// Answers.
    pub requests: u64,
    /// Of them, those of a fault of ours.
    pub errors: u64,
    /// Half of them took no longer, within a factor of two; null without answers.
    pub response_time_p50_ms: Option<f64>,
    /// 95 in 100 took no longer.
    pub response_time_p95_ms: Option<f64>,
    /// 99 in 100 took no longer.
    pub response_time_p99_ms: Option<f64>,
}

impl Times {
    pub(super) fn of(minute: &Minute) -> Self {
        Self {
            requests: minute.requests,
            errors: minute.errors,
            response_time_p50_ms: minute.quantile(0.5),
            response_time_p95_ms: minute.quantile(0.95),
            response_time_p99_ms: minute.quantile(0.99),
        }
    }
}

/// Figures of now
#[utoipa::path(get, path = "/api/metrics/realtime", operation_id = "get_realtime_metrics", responses((status = 200, body = Realtime)))]
async fn realtime(
    State(api): State<Arc<Api>>,
    principal: Principal,
) -> Result<axum::Json<Realtime>, ApiError> {
    let now = now();
    let standing = api.fleet.snapshot(now);
    let seen: Vec<&Standing> = standing.iter().filter(|one| principal.scope.holds(&one.facility)).collect();
    // What was told of a while ago is not now.
    let live: Vec<_> = seen
        .iter()
        .filter(|one| one.presence == Presence::Connected && now.since(one.last_seen) < FRESH)
        .filter_map(|one| one.traffic.as_ref())
        .collect();
    let is_told = !live.is_empty();
    let requests: Vec<f64> = live
        .iter()
        .filter_map(|one| one.raw_features.get(HTTP_REQUESTS))
        // Models see the logarithm of a count and one.
        .map(|value| f64::from(*value).exp_m1().round().max(0.0))
        .collect();
    let mut unknown = BTreeMap::from([("block_rate", "Fieldward listens only: it blocks nothing")]);
    if !is_told {
        for name in ["packets_per_sec", "bytes_per_sec", "failed_connections"] {
            unknown.insert(name, "no agent in scope has told of a second just now");
        }
    }
    if requests.is_empty() {
        unknown.insert("requests_per_sec", "no agent in scope has told of HTTP just now");
    }
    let usage = api.host.usage(now);
    if usage.cpu_percent.is_none() {
        unknown.insert("cpu_percent", "it is measured between two questions, a second apart");
    }
    let (active_alerts, alerts_per_minute) = match principal.narrow(Vec::new()) {
        Some(facilities) => {
            let open = Filter { facilities, statuses: OPEN.to_vec(), ..Filter::default() };
            let minute = Some(Timestamp::from_micros(now.as_micros().saturating_sub(60_000_000)));
            let raised = Filter { since: minute, statuses: Vec::new(), ..open.clone() };
            let active = api.store.tally(&open, now).await?.total();
            (active, api.store.count_alerts(&raised, 100_000).await?.value)
        }
        None => (0, 0),
    };
    let mut answers = Minute::at(now);
    let before = Timestamp::from_micros(now.as_micros().saturating_sub(300_000_000));
    api.measures.minutes(before, now).iter().for_each(|minute| answers.add(minute));
    Ok(axum::Json(Realtime {
        timestamp: Time(now),
        packets_per_sec: is_told.then(|| live.iter().map(|one| u64::from(one.packets_per_sec)).sum()),
        bytes_per_sec: is_told.then(|| live.iter().map(|one| one.bytes_per_sec).sum()),
        failed_connections: is_told.then(|| live.iter().map(|one| u64::from(one.failed_connections)).sum()),
        requests_per_sec: (!requests.is_empty()).then(|| requests.iter().sum::<f64>() as u64),
        block_rate: None,
        active_alerts,
        alerts_per_minute,
        agents_connected: seen.iter().filter(|one| one.presence != Presence::Offline).count(),
        agents_known: seen.len(),
        api: Times::of(&answers),
        cpu_percent: usage.cpu_percent,
        memory_bytes: usage.memory_bytes,
        unknown,
    }))
}

/// Figures over time.
#[derive(Serialize, ToSchema)]
struct Historical {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// Seconds of a point.
    resolution_seconds: u64,
    /// In order; stretches that nobody told of are left out.
    points: Vec<Point>,
    /// Seconds of a stretch of `requests`: they are counted by the minute.
    requests_resolution_seconds: u64,
    /// HTTP requests that agents decoded, in order; stretches that nobody told of are left out.
    requests: Vec<WebPoint>,
}

/// Web requests of a stretch of time.
#[derive(Debug, Serialize, ToSchema)]
struct WebPoint {
    /// When it begins.
    timestamp: Time,
    /// How many.
    requests: u64,
    /// Of them, those whose answer was of 400 or more.
    errors: u64,
    /// Milliseconds until they were answered, on average; null when none was.
    response_time_mean_ms: Option<f64>,
}

/// A stretch of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrafficPoint)]
pub(super) struct Point {
    /// When it begins.
    pub timestamp: Time,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// Packets a second at a plant, on average of the seconds that were told of.
    pub packets_per_sec: f64,
    /// Bytes a second at a plant, on average.
    pub bytes_per_sec: f64,
    /// Packets of the busiest second of a plant.
    pub most_packets_per_sec: u64,
    /// The most senders of a second of a plant.
    pub unique_src_ips: u64,
    /// The most receivers of a second of a plant.
    pub unique_dest_ips: u64,
    /// Attempts to connect that failed.
    pub failed_connections: u64,
    /// Share of the commonest protocol, on average.
    pub protocol_distribution: f64,
    /// Bytes of a packet, on average; null without a packet.
    pub avg_packet_size: Option<f64>,
    /// Seconds that were told of, of all plants together.
    pub seconds: u64,
}

impl Point {
    pub(super) fn of(sum: &Sum) -> Self {
        let seconds = sum.seconds.max(1) as f64;
        Self {
            timestamp: Time(sum.at),
            packets: sum.packets,
            bytes: sum.bytes,
            packets_per_sec: sum.packets as f64 / seconds,
            bytes_per_sec: sum.bytes as f64 / seconds,
            most_packets_per_sec: sum.most_packets_per_sec,
            unique_src_ips: sum.most_src_ips,
            unique_dest_ips: sum.most_dest_ips,
            failed_connections: sum.failed_connections,
            protocol_distribution: sum.protocol_distribution / seconds,
            avg_packet_size: (sum.packets > 0).then(|| sum.bytes as f64 / sum.packets as f64),
            seconds: sum.seconds,
        }
    }
}

/// Figures of traffic over time
#[utoipa::path(get, path = "/api/metrics/historical", operation_id = "get_historical_metrics", params(SeriesQuery),
    responses((status = 200, body = Historical)))]
async fn historical(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<Historical>, ApiError> {
    let span: Span = query.check(&principal)?;
    let (resolution_seconds, sums) = span.traffic(&api).await?;
    let (requests_resolution_seconds, requests) = span.requests(&api, None).await?;
    let requests = requests.iter().map(|(at, counts)| WebPoint {
        timestamp: Time(*at),
        requests: counts.requests,
        errors: counts.errors,
        response_time_mean_ms: endpoints::mean(counts),
    });
    Ok(axum::Json(Historical {
        since: Time(span.range.since),
        until: Time(span.range.until),
        resolution_seconds,
        points: sums.iter().map(Point::of).collect(),
        requests_resolution_seconds,
        requests: requests.collect(),
    }))
}

/// Agents tell a second each second.
const FRESH: u64 = 15_000_000;
/// How agents call it.
const HTTP_REQUESTS: &str = "HTTP requests";
