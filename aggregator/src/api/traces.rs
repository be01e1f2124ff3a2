//! Traces of requests for an OpenTelemetry collector, when one is configured: a span for each request, and below
//! it one for each question to the database. Sent by OTLP over HTTP in batches; nobody waits for it, and what does
//! not fit is counted.

pub mod otlp;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, Request, Uri};
use fieldward_shared::supervisor::Stop;
use fieldward_shared::time::Timestamp;
use hyper::body::Bytes;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep, timeout};

use super::measure::Taken;
use crate::breaker::Breaker;
use crate::outward;
use crate::store::db::Noted;
use otlp::Span;

/// Where traces go. Clones are the same.
#[derive(Clone, Debug)]
pub struct Traces {
    spans: mpsc::Sender<Vec<Span>>,
    /// Requests whose spans found no room.
    dropped: Arc<AtomicU64>,
}

/// What [`run`] needs.
pub struct Ends {
    endpoint: Uri,
    spans: mpsc::Receiver<Vec<Span>>,
}

/// A request that is traced.
pub struct Traced {
    trace: [u8; 16],
    span: [u8; 8],
    parent: Vec<u8>,
}

impl Traces {
    /// To a collector.
    pub fn open(endpoint: &str) -> Result<(Self, Ends), String> {
        let endpoint = address(endpoint)?;
        let (sender, spans) = mpsc::channel(WAITING);
        Ok((Self { spans: sender, dropped: Arc::default() }, Ends { endpoint, spans }))
    }

    /// Requests whose spans found no room.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Begins with a request; none when the caller does not want it traced.
    pub fn begin(&self, headers: &HeaderMap) -> Option<Traced> {
        let mut random = [0; 24];
        super::auth::random(&mut random).ok()?;
        let (trace, span) = random.split_at(16);
        let mut traced =
            Traced { trace: trace.try_into().ok()?, span: span.try_into().ok()?, parent: Vec::new() };
        let said = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(parent);
        if let Some((trace, parent, is_sampled)) = said {
            if !is_sampled {
                return None;
            }
            (traced.trace, traced.parent) = (trace, parent.to_vec());
        }
        Some(traced)
    }

    /// Ends it.
    pub fn end(&self, traced: &Traced, request: &Ended<'_>, asked: Vec<Noted>) {
        let Ended { method, taken, status, begun, took } = *request;
        let route = taken.0.get().map_or("none", |route| &**route);
        let end = begun.plus(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        let mut attributes = vec![
            otlp::text("http.request.method", method),
            otlp::text("http.route", route),
            otlp::number("http.response.status_code", status.into()),
        ];
        if status >= 500 {
            attributes.push(otlp::text("error.type", &status.to_string()));
        }
        let mut spans = vec![Span {
            trace_id: traced.trace.to_vec(),
            span_id: traced.span.to_vec(),
            parent_span_id: traced.parent.clone(),
            name: format!("{method} {route}"),
            kind: otlp::SERVER,
            start: nanos(begun),
            end: nanos(end),
            attributes,
            status: (status >= 500).then_some(otlp::Status { code: otlp::ERROR }),
        }];
        for (nth, Noted { what, after, took, failed }) in asked.into_iter().enumerate() {
            let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            let start = begun.plus(micros(after));
            // Unlike all others of this trace.
            let id = u64::from_be_bytes(traced.span).wrapping_add(nth as u64 + 1).max(1);
            spans.push(Span {
                trace_id: traced.trace.to_vec(),
                span_id: id.to_be_bytes().to_vec(),
                parent_span_id: traced.span.to_vec(),
                name: what.to_owned(),
                kind: otlp::CLIENT,
                start: nanos(start),
                end: nanos(start.plus(micros(took))),
                attributes: vec![otlp::text("db.query.summary", what)],
                status: failed.then_some(otlp::Status { code: otlp::ERROR }),
            });
        }
        if self.spans.try_send(spans).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A request that has ended.
pub struct Ended<'a> {
    /// How it was asked.
    pub method: &'a str,
    /// By which route.
    pub taken: &'a Taken,
    /// What was answered.
    pub status: u16,
    /// When it began.
    pub begun: Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// Sends spans until the stop; then what there is, once.
pub async fn run(ends: Ends, mut stop: Stop) {
    let Ends { endpoint, mut spans } = ends;
    let (mut breaker, mut is_away) = (Breaker::default(), false);
    let mut some = Vec::new();
    loop {
        let is_over = tokio::select! {
            count = spans.recv_many(&mut some, AT_ONCE) => count == 0,
            () = stop.asked() => true,
        };
        if is_over {
            spans.close();
            while some.len() < AT_ONCE && spans.recv_many(&mut some, AT_ONCE).await > 0 {}
            if !some.is_empty() {
                drop(timeout(FAREWELL, post(&endpoint, std::mem::take(&mut some))).await);
            }
            return stop.asked().await;
        }
        match timeout(PATIENCE, post(&endpoint, std::mem::take(&mut some))).await {
            Ok(Ok(())) => {
                if breaker.succeeded() && std::mem::take(&mut is_away) {
                    tracing::info!("the collector takes traces again");
                }
                // Others that end meanwhile share the next request.
                rest(&mut stop, GATHER).await;
            }
            other => {
                let error =
                    other.map_or("no answer in time".to_owned(), |done| done.err().unwrap_or_default());
                if !std::mem::replace(&mut is_away, true) {
                    tracing::warn!(error, "the collector does not take traces; they are let go");
                }
                rest(&mut stop, breaker.failed(fastrand::f64())).await;
            }
        }
    }
}

async fn rest(stop: &mut Stop, time: Duration) {
    tokio::select! {
        () = sleep(time) => {}
        () = stop.asked() => {}
    }
}

async fn post(endpoint: &Uri, spans: Vec<Vec<Span>>) -> Result<(), String> {
    let body = otlp::Export::of(spans.into_iter().flatten().collect()).encode_to_vec();
    let path = format!("{}/v1/traces", endpoint.path().trim_end_matches('/'));
    let request = Request::post(path)
        .header("content-type", "application/x-protobuf")
        .body(Bytes::from(body))
        .map_err(|error| error.to_string())?;
    let answer = outward::ask(endpoint, None, request, LARGEST).await?;
    if answer.status().is_success() { Ok(()) } else { Err(answer.status().to_string()) }
}

/// What an endpoint is, if it is one.
pub fn address(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|_| "this is no address like http://127.0.0.1:4318".to_owned())?;
    match (uri.scheme_str(), uri.host(), uri.query()) {
        (Some("http"), Some(host), None) if uri.port().is_none() => {
            let text = format!("http://{host}:{PORT}{}", uri.path());
            text.parse().map_err(|_| format!("{text} is no address"))
        }
        (Some("http"), Some(_), None) => Ok(uri),
        (Some("https"), ..) => {
            Err("traces go to a collector on this machine or network, by http; it may send them on".into())
        }
        _ => Err("this is no address like http://127.0.0.1:4318".into()),
    }
}

/// What `traceparent` says (W3C Trace Context 1, section 3.2): the trace, the span, and whether it is recorded.
fn parent(text: &str) -> Option<([u8; 16], [u8; 8], bool)> {
    let mut parts = text.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_lower = text.bytes().all(|c| !c.is_ascii_uppercase());
    if version.len() != 2 || version == "ff" || flags.len() != 2 || !is_lower {
        return None;
    }
    let bytes = fieldward_shared::identity::from_hex;
    let trace: [u8; 16] = bytes(trace)?.try_into().ok()?;
    let span: [u8; 8] = bytes(span)?.try_into().ok()?;
    let flags = *bytes(flags)?.first()?;
    (trace != [0; 16] && span != [0; 8]).then_some((trace, span, flags & 1 == 1))
}

fn nanos(at: Timestamp) -> u64 {
    at.as_micros().saturating_mul(1000)
}

/// Where collectors listen.
const PORT: u16 = 4318;
/// Of an answer.
const LARGEST: usize = 64 << 10;
/// Requests whose spans wait.
const WAITING: usize = 2048;
/// Of them, those that are sent at once.
const AT_ONCE: usize = 512;
/// While they gather.
const GATHER: Duration = Duration::from_secs(1);
/// For the collector.
const PATIENCE: Duration = Duration::from_secs(5);
const FAREWELL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_trace_is_taken_up_when_it_is_one() {
        let said = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let (trace, span, is_sampled) = parent(said).unwrap();
        assert!(trace[0] == 0x0a && span[7] == 0x31 && is_sampled);
        assert!(!parent(&said.replace("-01", "-00")).unwrap().2);
        for wrong in [
            "",
            "00",
            &said[1..],
            &said.replace("b7ad6b7169203331", "0000000000000000"),
            &said.to_uppercase(),
            &said.replace("00-0a", "ff-0a"),
            &said.replace("9c-", "9g-"),
        ] {
            assert!(parent(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn endpoints_are_of_http() {
        assert!(address("http://127.0.0.1:4318").is_ok() && address("http://[::1]:4318/base").is_ok());
        for wrong in ["https://collector:4318", "collector", "http://", "ftp://x", "http://x/?a"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
