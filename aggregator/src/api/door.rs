//! What happens to every request, before its route and after: it gets an id, is counted, waits no longer than
//! it may, and its answer gets the headers that all answers have. Errors get their body here.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Request, Response, StatusCode, Uri};
use axum::response::IntoResponse as _;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::Api;
use super::error::ApiError;
use super::extract::Address;
use super::measure::Taken;
use super::traces::Ended;
use crate::store::db::noting;

/// Answers requests.
#[derive(Clone)]
pub struct Door(Arc<Inside>);

/// Beside an answer that is no error whatever its status: its body stays.
#[derive(Clone, Copy, Debug)]
pub struct AsItIs;

struct Inside {
    api: Arc<Api>,
    router: Router,
    places: Semaphore,
    proxies: Vec<IpAddr>,
    is_tls: bool,
}

impl Door {
    /// Before a router.
    pub fn new(api: Arc<Api>, router: Router, proxies: Vec<IpAddr>, is_tls: bool) -> Self {
        Self(Arc::new(Inside { api, router, places: Semaphore::new(AT_ONCE), proxies, is_tls }))
    }

    /// What is counted at the listener.
    pub fn arrivals(&self) -> Arc<super::serve::Arrivals> {
        self.0.api.arrivals.clone()
    }

    /// Sends off those who listen: the service stops.
    pub fn end(&self) {
        self.0.api.hub.end();
    }

    /// Answers a request, whatever it is.
    pub async fn answer(&self, mut request: Request<Body>, peer: IpAddr) -> Response<Body> {
        let start = Instant::now();
        let id = request_id(request.headers());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let address = self.address(request.headers(), peer);
        let taken = Taken::default();
        request.extensions_mut().insert(Address(address));
        request.extensions_mut().insert(taken.clone());
        let _under_way = self.0.api.measures.begin();
        let begun = crate::store::now();
        let traced = self.0.api.traces.as_ref().and_then(|traces| traces.begin(request.headers()));
        let answer = async {
            match self.admit(&mut request, address) {
                Ok(()) => self.route(request).await,
                Err(error) => error.into_response(),
            }
        };
        let (response, asked) = match &traced {
            Some(_) => noting(answer).await,
            None => (answer.await, Vec::new()),
        };
        let response = self.finish(response, uri.path(), &id);
        let (status, took) = (response.status().as_u16(), start.elapsed());
        self.0.api.measures.note(method.as_str(), &taken, took, status, crate::store::now());
        if let (Some(traces), Some(traced)) = (&self.0.api.traces, &traced) {
            traces.end(traced, &Ended { method: method.as_str(), taken: &taken, status, begun, took }, asked);
        }
        let micros = took.as_micros();
        tracing::debug!(%method, path = uri.path(), status, micros, %address, request_id = %id, "answered");
        response
    }

    /// What can be refused without looking closer.
    fn admit(&self, request: &mut Request<Body>, address: IpAddr) -> Result<(), ApiError> {
        self.0.api.limits.of_address(address)?;
        if request.uri().to_string().len() > URI_BYTES {
            let said = format!("the address is longer than {URI_BYTES} bytes");
            return Err(ApiError::new(StatusCode::URI_TOO_LONG, "uri_too_long", said));
        }
        if request.body().size_hint().lower() > BODY_BYTES {
            return Err(ApiError::of_status(StatusCode::PAYLOAD_TOO_LARGE));
        }
        if let Some(uri) = unversioned(request.uri()) {
            *request.uri_mut() = uri;
        }
        Ok(())
    }

    async fn route(&self, request: Request<Body>) -> Response<Body> {
        let Ok(_place) = self.0.places.try_acquire() else {
            let said = "the aggregator answers as many requests as it can at once";
            return ApiError::later(StatusCode::SERVICE_UNAVAILABLE, "busy", said, 1).into_response();
        };
        match timeout(ANSWER, self.0.router.clone().oneshot(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => {
                let said = "the answer took too long; ask for less";
                ApiError::later(StatusCode::SERVICE_UNAVAILABLE, "timeout", said, 5).into_response()
            }
        }
    }

    /// Headers, and a body for what has none.
    fn finish(&self, mut response: Response<Body>, path: &str, id: &str) -> Response<Body> {
        let status = response.status();
        let is_answer = response.extensions().get::<AsItIs>().is_some();
        if (status.is_client_error() || status.is_server_error()) && !is_answer {
            let error = response.extensions_mut().remove::<ApiError>();
            let error = error.unwrap_or_else(|| ApiError::of_status(status));
            if let Some(cause) = &error.cause {
                tracing::error!(path, request_id = id, code = error.code, "{cause}");
            }
            let body = serde_json::to_vec(&error.problem(path, id)).unwrap_or_default();
            *response.body_mut() = Body::from(body);
            response.headers_mut().remove(axum::http::header::CONTENT_LENGTH);
            response.headers_mut().insert(CONTENT_TYPE, PROBLEM);
        }
        let headers = response.headers_mut();
        headers.extend(HeaderValue::from_str(id).ok().map(|id| (REQUEST_ID, id)));
        for (name, value) in ALWAYS {
            headers.entry(name).or_insert(value);
        }
        let degraded = self.0.api.degraded.load();
        if !degraded.is_empty() {
            headers.extend(HeaderValue::from_str(&degraded).ok().map(|parts| (DEGRADED, parts)));
        }
        if self.0.is_tls {
            headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
        response
    }

    /// Whoever is at the other end; or, where that is a proxy of ours, whom it says it speaks for: the last
    /// that is no proxy itself.
    fn address(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.0.proxies.contains(&peer) {
            return peer;
        }
        let named = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let named: Vec<&str> = named.flat_map(|value| value.split(',')).collect();
        let read = named.iter().rev().map_while(|one| one.trim().parse::<IpAddr>().ok());
        let mut others = read.map(|one| one.to_canonical()).filter(|one| !self.0.proxies.contains(one));
        others.next().unwrap_or(peer)
    }
}

/// What the caller calls it, when that is harmless; else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let said = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c))
    });
    said.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

/// `/api/v1/…` is `/api/…`: there is one version, under both.
fn unversioned(uri: &Uri) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix("/api/v1/")?;
    format!("/api/{rest}").parse().ok()
}

/// Requests at once; the rest is told to come again.
const AT_ONCE: usize = 256;
/// Bytes of an address.
const URI_BYTES: usize = 8 << 10;
/// Bytes of a body.
pub const BODY_BYTES: u64 = 1 << 20;
/// For an answer.
const ANSWER: Duration = Duration::from_secs(30);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The parts that do not do all that they should: what depends on them may be old or incomplete.
const DEGRADED: HeaderName = HeaderName::from_static("x-degraded");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
/// What every answer says, unless it says something else of it itself.
const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_stands_under_both_paths() {
        let path = |text: &str| unversioned(&text.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(path("/api/v1/alerts?page=2").as_deref(), Some("/api/alerts?page=2"));
        assert_eq!(path("/api/alerts"), None);
        assert_eq!(path("/health"), None);
    }

    #[test]
    fn a_callers_id_is_kept_when_it_is_harmless() {
        let with = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(text).unwrap());
            request_id(&headers)
        };
        assert_eq!(with("abc-1.2_3"), "abc-1.2_3");
        for wrong in
            ["a b", "", "\u{1b}", &"x".repeat(65)].iter().filter(|text| HeaderValue::from_str(text).is_ok())
        {
            assert_eq!(with(wrong).len(), 36, "{wrong}");
        }
    }
}
