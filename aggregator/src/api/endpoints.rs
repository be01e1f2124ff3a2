//! Web requests by endpoint, as agents counted them: a path without its values, its method, and how it answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use fieldward_shared::pattern::Pattern;
use fieldward_shared::telemetry::METHODS;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Path, Query};
use super::page;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::series::{SeriesQuery, Span};
use super::time::{Range, Time};
use crate::store::endpoints::{Asked, Endpoint, Share};
use crate::store::requests::Requests;
use crate::store::traffic::Resolution;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("endpoints", "Web requests by endpoint").add(look, routes!(list)).add(look, routes!(one))
}

/// Web requests, counted.
#[derive(Serialize, ToSchema)]
struct RequestCounts {
    /// How many.
    requests: u64,
    /// Of them, those whose answer was of 400 or more.
    errors: u64,
    /// Share of errors, from 0 to 1; null without a request.
    error_rate: Option<f64>,
    /// Bytes of bodies, there and back.
    bytes: u64,
    /// How many were answered within the capture.
    answered: u64,
    /// Milliseconds until they were answered, on average; null without an answer.
    response_time_mean_ms: Option<f64>,
    /// Milliseconds until the slowest was.
    response_time_max_ms: Option<f64>,
}

impl From<&Requests> for RequestCounts {
    fn from(counts: &Requests) -> Self {
        let is_answered = counts.answered > 0;
        Self {
            requests: counts.requests,
            errors: counts.errors,
            error_rate: (counts.requests > 0).then(|| counts.errors as f64 / counts.requests as f64),
            bytes: counts.bytes,
            answered: counts.answered,
            response_time_mean_ms: mean(counts),
            response_time_max_ms: is_answered.then(|| counts.most_micros as f64 / 1000.0),
        }
    }
}

/// Milliseconds until they were answered, on average.
pub(super) fn mean(counts: &Requests) -> Option<f64> {
    (counts.answered > 0).then(|| counts.micros as f64 / counts.answered as f64 / 1000.0)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EndpointsQuery {
    /// The time before now: `15m`, `24h`, `7d`.
    #[param(example = "24h", default = "24h")]
    range: Option<String>,
    /// From then on, instead.
    since: Option<String>,
    /// Until before.
    until: Option<String>,
    /// Of these plants, with commas; plants out of scope are passed over.
    facility: Option<String>,
    /// So many.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// The busiest endpoints.
#[derive(Serialize, ToSchema)]
struct Endpoints {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// The busiest first.
    endpoints: Vec<ListedEndpoint>,
}

/// An endpoint and its requests.
#[derive(Serialize, ToSchema)]
struct ListedEndpoint {
    /// Its path, in which `{}` stands for a value; `other` is what an agent had no room for.
    #[schema(example = "/api/tanks/{}/level")]
    endpoint: String,
    /// Its method; `OTHER` is any unusual one.
    #[schema(example = "GET")]
    method: String,
    /// How many.
    #[serde(flatten)]
    counts: RequestCounts,
}

/// The busiest endpoints of web servers
#[utoipa::path(get, path = "/api/traffic/endpoints", operation_id = "list_endpoints", params(EndpointsQuery),
    responses((status = 200, body = Endpoints)))]
async fn list(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<EndpointsQuery>,
) -> Result<axum::Json<Endpoints>, ApiError> {
    let limit = page::limit(query.limit, 50)?;
    let EndpointsQuery { range, since, until, facility, .. } = query;
    let span = SeriesQuery { range, since, until, facility }.check(&principal)?;
    let listed = match &span.facilities {
        Some(facilities) => api.store.endpoints(&asked(&api, &span, facilities).await?, limit).await?,
        None => Vec::new(),
    };
    let endpoints = listed.into_iter().map(|one| ListedEndpoint {
        endpoint: one.path,
        method: one.method,
        counts: RequestCounts::from(&one.counts),
    });
    Ok(axum::Json(Endpoints {
        since: Time(span.range.since),
        until: Time(span.range.until),
        endpoints: endpoints.collect(),
    }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EndpointQuery {
    /// The time before now: `15m`, `24h`, `7d`.
    #[param(example = "24h", default = "24h")]
    range: Option<String>,
    /// From then on, instead.
    since: Option<String>,
    /// Until before.
    until: Option<String>,
    /// Of these plants, with commas; plants out of scope are passed over.
    facility: Option<String>,
    /// By this method alone.
    #[param(example = "GET")]
    method: Option<String>,
}

/// Requests to one endpoint.
#[derive(Serialize, ToSchema)]
struct EndpointBody {
    /// Its path, in which `{}` stands for a value.
    #[schema(example = "/api/tanks/{}/level")]
    endpoint: String,
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// All of them.
    #[serde(flatten)]
    counts: RequestCounts,
    /// By how they were answered.
    by_status: Vec<OfStatus>,
    /// By method.
    by_method: Vec<OfMethod>,
    /// By server, the busiest first, at most 50.
    by_server: Vec<OfServer>,
    /// Seconds of a point.
    resolution_seconds: u64,
    /// In order; stretches in which nobody asked are left out.
    points: Vec<EndpointPoint>,
}

/// Requests that were answered alike.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestsOfStatus)]
struct OfStatus {
    /// `1xx` to `5xx`, `none` without an answer, `other`.
    #[schema(example = "2xx")]
    status: &'static str,
    /// How many.
    requests: u64,
}

/// Requests by a method.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestsOfMethod)]
struct OfMethod {
    /// Which.
    #[schema(example = "GET")]
    method: String,
    /// How many.
    #[serde(flatten)]
    counts: RequestCounts,
}

/// Requests to a server.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestsOfServer)]
struct OfServer {
    /// Which plant.
    #[schema(example = "north")]
    facility_id: String,
    /// Its address.
    #[schema(example = "10.0.0.1")]
    server: String,
    /// How many.
    #[serde(flatten)]
    counts: RequestCounts,
}

/// Requests of a stretch of time.
#[derive(Serialize, ToSchema)]
struct EndpointPoint {
    /// When it begins.
    timestamp: Time,
    /// How many.
    #[serde(flatten)]
    counts: RequestCounts,
}

/// Requests to one endpoint of web servers
#[utoipa::path(get, path = "/api/traffic/endpoint/{endpoint}", operation_id = "get_endpoint",
    params(("endpoint" = String, Path, description = "a path, percent-encoded; values in it may be there or `{}`", example = "/api/status"), EndpointQuery),
    responses((status = 200, body = EndpointBody), (status = 404, description = "nobody told of such an endpoint")))]
async fn one(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(path): Path<String>,
    Query(query): Query<EndpointQuery>,
) -> Result<axum::Json<EndpointBody>, ApiError> {
    let EndpointQuery { range, since, until, facility, method } = query;
    let span = SeriesQuery { range, since, until, facility }.check(&principal)?;
    let method = method.map(|method| method.to_ascii_uppercase());
    if method.as_ref().is_some_and(|method| !METHODS.contains(&method.as_str())) {
        return Err(ApiError::query("method", format!("one of {}", METHODS.join(", "))));
    }
    let unknown = || ApiError::not_found("endpoint");
    let facilities = span.facilities.as_ref().ok_or_else(unknown)?;
    // Whoever asks for a page as it was asked for gets the endpoint to which it belongs.
    let path = Pattern::read(&path).unwrap_or_else(|| Pattern::of(path.as_bytes()));
    let endpoint = Endpoint { path: path.as_str(), method: method.as_deref() };
    if !api.store.is_endpoint(facilities, endpoint.path).await? {
        return Err(unknown());
    }
    let shares = api.store.shares(&asked(&api, &span, facilities).await?, endpoint, MOST).await?;
    let (resolution_seconds, points) = span.requests(&api, Some(endpoint)).await?;
    let mut all = Requests::default();
    points.values().for_each(|counts| all.add(counts));
    let points =
        points.iter().map(|(at, counts)| EndpointPoint { timestamp: Time(*at), counts: counts.into() });
    Ok(axum::Json(EndpointBody {
        endpoint: endpoint.path.to_owned(),
        since: Time(span.range.since),
        until: Time(span.range.until),
        counts: RequestCounts::from(&all),
        by_status: by_status(&shares),
        by_method: by_method(&shares),
        by_server: by_server(&shares),
        resolution_seconds,
        points: points.collect(),
    }))
}

/// The rows from which a range is read: no finer than a minute.
async fn asked<'a>(api: &Api, span: &Span, facilities: &'a [String]) -> Result<Asked<'a>, ApiError> {
    let resolution = span.resolution(api, facilities).await?.max(Resolution::Minute);
    let Range { since: from, until } = span.range;
    Ok(Asked { facilities, from, until, resolution })
}

fn by_status(shares: &[Share]) -> Vec<OfStatus> {
    let mut sums: BTreeMap<&'static str, u64> = BTreeMap::new();
    for one in shares {
        let place = usize::try_from(one.status).ok().and_then(|status| STATUSES.get(status));
        *sums.entry(place.copied().unwrap_or("other")).or_default() += one.counts.requests;
    }
    sums.into_iter().map(|(status, requests)| OfStatus { status, requests }).collect()
}

fn by_method(shares: &[Share]) -> Vec<OfMethod> {
    let mut sums: BTreeMap<&str, Requests> = BTreeMap::new();
    shares.iter().for_each(|one| sums.entry(&one.method).or_default().add(&one.counts));
    sums.iter().map(|(method, counts)| OfMethod { method: (*method).into(), counts: counts.into() }).collect()
}

fn by_server(shares: &[Share]) -> Vec<OfServer> {
    let mut sums: BTreeMap<(&str, &str), Requests> = BTreeMap::new();
    shares.iter().for_each(|one| sums.entry((&one.facility, &one.server)).or_default().add(&one.counts));
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.requests));
    let servers = sums.into_iter().take(SERVERS).map(|((facility, server), counts)| OfServer {
        facility_id: facility.into(),
        server: server.into(),
        counts: RequestCounts::from(&counts),
    });
    servers.collect()
}

/// By the first digit.
const STATUSES: [&str; 7] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx", "other"];
/// Shares of an endpoint that are looked at.
const MOST: u32 = 5000;
/// Servers of an answer.
const SERVERS: usize = 50;
