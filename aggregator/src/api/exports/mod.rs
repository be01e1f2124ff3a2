//! Alerts as files: read turn by turn by the same code as the lists, and sent as they are read. Neither number
//! nor size is bounded; what is held at once is a turn.

mod csv;
mod layer;
pub mod ocsf;
mod stix;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use fieldward_shared::identity::to_hex;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Duration, timeout};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::Api;
use super::alerts::body::AlertBody;
use super::alerts::query::{Asked, ListQuery};
use super::alerts::turn;
use super::error::ApiError;
use super::extract::Query;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use crate::store::alerts::Stored;
use crate::store::audit::Act;
use crate::store::now;

/// The resource.
pub fn routes() -> Routes {
    Routes::of("exports", "Alerts as files").add(Policy::Scoped(Role::Viewer), routes!(export))
}

/// How many may be exported at once.
pub struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// What alerts are written as.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// A table: RFC 4180, several values in a cell with `;` between them.
    #[default]
    Csv,
    /// Alerts as the API shows them, with the minute before; one a line.
    Ndjson,
    /// A STIX 2.1 bundle of sightings.
    Stix,
    /// OCSF Detection Findings (class 2004), one a line.
    Ocsf,
    /// A layer of the ATT&CK Navigator: how often which technique was named.
    Layer,
}

impl Format {
    fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
            Self::Ndjson | Self::Ocsf => ("application/x-ndjson", "ndjson"),
            Self::Stix => ("application/stix+json; version=2.1", "json"),
            Self::Layer => ("application/json", "json"),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Stix => "stix",
            Self::Ocsf => "ocsf",
            Self::Layer => "layer",
        }
    }

    /// In UTC, as programs expect it; a table is for people, and may have a zone of theirs.
    fn writer(self, zone: Option<&str>) -> Result<Box<dyn Writer>, ApiError> {
        Ok(match (self, zone) {
            (Self::Csv, zone) => Box::new(csv::Table::of(zone)?),
            (_, Some(_)) => {
                return Err(ApiError::query("tz", "times have a zone in csv only; other formats are in UTC"));
            }
            (Self::Ndjson, None) => Box::new(Lines),
            (Self::Stix, None) => Box::<stix::Bundle>::default(),
            (Self::Ocsf, None) => Box::new(ocsf::Findings),
            (Self::Layer, None) => Box::<layer::Layer>::default(),
        })
    }
}

/// Writes alerts in a format. What is written so far is sent away in between.
trait Writer: Send {
    /// What stands before all.
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    /// An alert.
    fn row(&mut self, stored: Stored, out: &mut Vec<u8>);

    /// What stands behind all.
    fn end(&mut self, _out: &mut Vec<u8>) {}
}

/// One JSON object a line, as lists show it.
struct Lines;

impl Writer for Lines {
    fn row(&mut self, stored: Stored, out: &mut Vec<u8>) {
        line(&AlertBody::of(stored, true), out);
    }
}

/// JSON and a line's end.
fn line<T: serde::Serialize>(value: &T, out: &mut Vec<u8>) {
    json(value, out);
    out.push(b'\n');
}

fn json<T: serde::Serialize>(value: &T, out: &mut Vec<u8>) {
    // Writing to memory does not fail, and names are strings.
    drop(serde_json::to_writer(out, value));
}

/// Which alerts, and how.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// As what they are written; `csv` when nothing is said.
    #[serde(default)]
    #[param(inline)]
    format: Format,
    /// In which zone of the IANA database a table tells times; UTC when nothing is said. Other formats have UTC.
    #[param(example = "Europe/Berlin", max_length = 64)]
    tz: Option<String>,
    /// `critical`, `high`, `medium`, `low`, several with commas, or from one on: `gte:high`.
    #[param(example = "gte:high")]
    severity: Option<String>,
    /// Of these plants, with commas; plants out of scope are passed over.
    facility: Option<String>,
    /// `new`, `acknowledged`, `resolved`, `false-positive`, several with commas.
    status: Option<String>,
    /// With one of these techniques named, with commas.
    technique: Option<String>,
    /// Words that stand in title, description, technique, protocol or assets, letter by letter.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Raised within such a time before now: `24h`, `7d`.
    range: Option<String>,
    /// Raised then or later.
    since: Option<String>,
    /// Raised before.
    until: Option<String>,
}

impl ExportQuery {
    /// For the audit trail.
    fn words(&self) -> String {
        let parts = [
            ("tz", &self.tz),
            ("severity", &self.severity),
            ("facility", &self.facility),
            ("status", &self.status),
            ("technique", &self.technique),
            ("search", &self.search),
            ("range", &self.range),
            ("since", &self.since),
            ("until", &self.until),
        ];
        let said = parts.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)));
        said.collect::<Vec<_>>().join("&")
    }

    fn list(self) -> ListQuery {
        ListQuery {
            severity: self.severity,
            facility: self.facility,
            status: self.status,
            technique: self.technique,
            search: self.search,
            range: self.range,
            since: self.since,
            until: self.until,
            limit: Some(TURN),
            include: Some("context".to_owned()),
            ..ListQuery::default()
        }
    }
}

/// Export alerts
///
/// The newest first, all that pass the filter, without a bound. The audit trail tells how many rows it were and
/// the SHA-256 of the file. Cells that a spreadsheet would take for a formula begin with `'`.
#[utoipa::path(get, path = "/api/alerts/export", operation_id = "export_alerts", params(ExportQuery),
    responses((status = 200, description = "the file", content(
        (String = "text/csv"), (String = "application/x-ndjson"), (serde_json::Value = "application/stix+json"),
        (serde_json::Value = "application/json")))))]
async fn export(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let (format, filter) = (query.format, query.words());
    let writer = format.writer(query.tz.as_deref())?;
    let asked = query.list().check(&principal, &[], &api.cursors)?;
    let place = api.exports.0.clone().try_acquire_owned().map_err(|_| {
        let said = format!("{AT_ONCE} exports are under way; ask again when one has ended");
        ApiError::later(StatusCode::SERVICE_UNAVAILABLE, "busy", said, 10)
    })?;
    let by = By { actor: principal.actor(), format: format.name(), filter };
    by.audit(&api, "export.begun", "").await?;
    let (send, receive) = mpsc::channel(2);
    tokio::spawn(write(api.clone(), asked, writer, Sink::new(send), by, place));
    let (kind, ending) = format.kind();
    let mut response = Body::from_stream(ReceiverStream::new(receive)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let named = format!("attachment; filename=\"fieldward-alerts-{}.{ending}\"", format.name());
    headers.extend(HeaderValue::from_str(&named).ok().map(|named| (CONTENT_DISPOSITION, named)));
    Ok(response)
}

/// Who exports what.
struct By {
    actor: String,
    format: &'static str,
    filter: String,
}

impl By {
    async fn audit(&self, api: &Api, action: &str, said: &str) -> Result<(), ApiError> {
        let detail = format!("{said}{}", self.filter);
        let act = Act { at: now(), actor: &self.actor, action, object: self.format, detail: &detail };
        api.store.audit(act).await?;
        Ok(())
    }
}

/// Writes the file to whoever takes it, and then down that it was taken.
async fn write(
    api: Arc<Api>,
    mut asked: Asked,
    mut writer: Box<dyn Writer>,
    mut sink: Sink,
    by: By,
    place: OwnedSemaphorePermit,
) {
    let written = walk(&api, &mut asked, writer.as_mut(), &mut sink).await;
    drop(place);
    let how = match &written {
        Ok(()) => "whole",
        Err(Cut::Left) => "cut off: whoever asked did not take it",
        Err(Cut::Failed(error)) => {
            tracing::warn!(error = error.words(), "an export was cut off");
            "cut off: the database did not answer"
        }
    };
    let said = format!("{how}; rows={}; sha256={}; ", sink.rows, to_hex(&sink.digest.clone().finalize()));
    if let Err(Cut::Failed(_)) = written {
        // An end without an end: what has arrived is not taken for the whole.
        let _ = sink.to.send(Err(std::io::Error::other("the database did not answer"))).await;
    }
    if let Err(error) = by.audit(&api, "export.ended", &said).await {
        tracing::error!(security = true, error = error.words(), said, "an export is not in the audit trail");
    }
}

/// Why a file is not whole.
enum Cut {
    /// Nobody takes it.
    Left,
    /// It cannot be read.
    Failed(ApiError),
}

async fn walk(api: &Api, asked: &mut Asked, writer: &mut dyn Writer, sink: &mut Sink) -> Result<(), Cut> {
    let mut out = Vec::new();
    writer.begin(&mut out);
    loop {
        let read = turn(api, asked).await.map_err(Cut::Failed)?;
        for stored in read.stored {
            writer.row(stored, &mut out);
            sink.rows += 1;
            if out.len() >= PIECE {
                sink.send(std::mem::take(&mut out)).await?;
            }
        }
        match read.next {
            Some(next) => asked.after = Some(next),
            None => break,
        }
    }
    writer.end(&mut out);
    sink.send(out).await
}

/// Where pieces go.
struct Sink {
    to: mpsc::Sender<std::io::Result<Bytes>>,
    rows: u64,
    digest: Sha256,
}

impl Sink {
    fn new(to: mpsc::Sender<std::io::Result<Bytes>>) -> Self {
        Self { to, rows: 0, digest: Sha256::new() }
    }

    async fn send(&mut self, piece: Vec<u8>) -> Result<(), Cut> {
        self.digest.update(&piece);
        match timeout(PATIENCE, self.to.send(Ok(piece.into()))).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Cut::Left),
        }
    }
}

/// Exports at once.
const AT_ONCE: usize = 4;
/// Alerts that are read at once.
const TURN: u32 = 200;
/// Bytes that are sent at once.
const PIECE: usize = 64 << 10;
/// For whoever asked to take a piece.
const PATIENCE: Duration = Duration::from_secs(60);
