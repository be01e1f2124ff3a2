//! Alerts: the newest state of each, whichever order its reports came in, and what people did about it.

mod list;
pub mod web;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use fieldward_shared::alert::{Alert, AlertId, ContextAnalysis, Severity, Status};
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use list::{Cursor, Filter, Threat};

use super::StoreError;
use super::counts::{COUNTED, Changes, Counted};
use super::db::{Json, Kind, Row, Tx, Value};
use super::report::{number, severity};
use super::{Store, timeline};

/// An alert as it is written.
#[derive(Debug)]
pub struct AlertRow {
    /// Which.
    pub id: AlertId,
    /// The larger is the newer state.
    order: (u64, Timestamp, Severity),
    values: Vec<Value>,
    /// As long as nobody has done anything about it.
    counted: Counted,
    /// Web attacks that are part of it.
    web: Vec<&'static str>,
    raised: Timestamp,
}

impl AlertRow {
    /// The row of an alert. What people do about it is theirs to say: an agent's alert is new.
    pub fn new(alert: &Alert, agent: Uuid, received: Timestamp) -> Self {
        let [context_analysis, timeline] = context(alert);
        let values = vec![
            Uuid::from_u128(alert.id.as_u128()).into(),
            alert.facility_id.as_str().into(),
            alert.timestamp.into(),
            number(alert.severity).into(),
            alert.title.as_str().into(),
            alert.description.as_str().into(),
            Status::New.name().into(),
            Value::text(alert.attack_type.as_deref()),
            Value::text(alert.attack_name.as_deref()),
            Value::text(alert.tactic.as_deref()),
            Value::real(alert.correlation_confidence.into()),
            alert.correlation_summary.as_str().into(),
            alert.first_seen.into(),
            alert.last_seen.into(),
            Value::count(alert.count),
            alert.protocol.as_str().into(),
            Json::of(&alert.src_assets).into(),
            Json::of(&alert.dst_assets).into(),
            Json::of(&alert.candidates).into(),
            Json::of(&alert.sources).into(),
            context_analysis,
            timeline,
            Value::text(alert.maintenance.as_deref()),
            agent.into(),
            received.into(),
        ];
        let (raised, web) = (alert.timestamp, web::kinds(alert));
        let technique = alert.attack_type.as_deref().or(web.first().copied());
        Self {
            id: alert.id,
            order: (alert.count, alert.last_seen, alert.severity),
            values,
            counted: Counted::of(&alert.facility_id, raised, technique, alert.severity, Status::New),
            web,
            raised,
        }
    }

    /// Whether it is a later state of the same alert.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        self.order > other.order
    }
}

/// Writes alerts, each of them once. A state that is older than what is stored changes nothing, and an id
/// of another facility neither.
///
/// Gives what is counted otherwise from then on: to be written last.
pub async fn write<'a>(tx: &mut Tx, rows: impl Iterator<Item = &'a AlertRow>) -> Result<Changes, StoreError> {
    let mut rows: Vec<&AlertRow> = rows.collect();
    // In order, so that two writers cannot wait for each other, and neighbours share pages.
    rows.sort_unstable_by_key(|row| row.id);
    let known = known(tx, &rows).await?;
    let table = rows.iter().map(|row| row.values.as_slice()).collect();
    let written = tx.table("write alerts", &WRITE, table).await?;
    let by_id: HashMap<Uuid, &AlertRow> =
        rows.iter().map(|row| (Uuid::from_u128(row.id.as_u128()), *row)).collect();
    let (mut changes, mut attacks, mut again) = (Changes::default(), Vec::new(), Vec::new());
    for row in &written {
        let id: Uuid = row.get("id")?;
        let Some(alert) = by_id.get(&id) else { continue };
        match (known.get(&id), row.count("revision")?) {
            (Some(before), _) => {
                changes.remove(before.clone());
                changes.add(alert.counted.with_status(before.status()));
                again.push(vec![Value::from(id)]);
            }
            (None, 1) => changes.add(alert.counted.clone()),
            // It was not there when it was looked for, and is not new either.
            (None, _) => return Err(StoreError::Raced),
        }
        attacks.extend(alert.web.iter().map(|kind| vec![id.into(), (*kind).into(), alert.raised.into()]));
    }
    tx.table("write web attacks", web::FORGET, again).await?;
    tx.table("write web attacks", web::WRITE, attacks).await?;
    Ok(changes)
}

/// What is counted of those that are there already. Nobody else changes them until the transaction ends.
async fn known(tx: &mut Tx, rows: &[&AlertRow]) -> Result<HashMap<Uuid, Counted>, StoreError> {
    let keys = rows.iter().map(|row| vec![Uuid::from_u128(row.id.as_u128()).into()]);
    let alone = if tx.for_update().is_empty() { "" } else { " ORDER BY alerts.id FOR UPDATE OF alerts" };
    let sql = format!(
        "WITH wanted (id) AS ({{rows}}) SELECT alerts.id, {COUNTED} FROM wanted JOIN alerts ON alerts.id = wanted.id{alone}"
    );
    let known = tx.table("look for alerts", &sql, keys.collect::<Vec<Vec<Value>>>()).await?;
    known.iter().map(|row| Ok((row.get("id")?, Counted::read(row)?))).collect()
}

/// An alert as it stands in the database.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// It.
    pub alert: Alert,
    /// Grows with every change, by an agent or a person.
    pub revision: u64,
    /// When its newest state arrived.
    pub received: Timestamp,
}

fn read(row: &Row) -> Result<Alert, StoreError> {
    let status: String = row.get("status")?;
    Ok(Alert {
        id: AlertId::from_u128(row.get::<Uuid>("id")?.as_u128()),
        timestamp: at(row, "timestamp")?,
        facility_id: row.get("facility_id")?,
        severity: severity(row.get("severity")?),
        title: row.get("title")?,
        description: row.get("description")?,
        status: Status::named(&status).unwrap_or(Status::New),
        attack_type: row.get("attack_type")?,
        attack_name: row.get("attack_name")?,
        correlation_confidence: row.get::<f64>("correlation_confidence")? as f32,
        correlation_summary: row.get("correlation_summary")?,
        sources: json(row, "sources")?,
        context_analysis: read_context(row)?,
        first_seen: at(row, "first_seen")?,
        last_seen: at(row, "last_seen")?,
        count: row.count("count")?,
        src_assets: json(row, "src_assets")?,
        dst_assets: json(row, "dst_assets")?,
        protocol: row.get("protocol")?,
        tactic: row.get("tactic")?,
        candidates: json(row, "candidates")?,
        maintenance: row.get("maintenance")?,
    })
}

impl Store {
    /// An alert.
    pub async fn alert(&self, id: AlertId) -> Result<Option<Stored>, StoreError> {
        let id = Uuid::from_u128(id.as_u128());
        let rows =
            self.db.read("read an alert", "SELECT * FROM alerts WHERE id = $1", vec![id.into()]).await?;
        rows.first().map(Stored::read).transpose()
    }

    /// Alerts that pass a filter, newest first, after a place in that order.
    pub async fn alerts(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
        most: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        let (sql, values) = filter.query(after, most);
        let rows = self.db.read("read alerts", &sql, values).await?;
        rows.iter().map(Stored::read).collect()
    }
}

impl Stored {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { alert: read(row)?, revision: row.count("revision")?, received: at(row, "received")? })
    }

    /// What it is counted by.
    pub(super) fn counted(&self) -> Counted {
        let Alert { facility_id, timestamp, attack_type, severity, status, .. } = &self.alert;
        let web = web::kinds(&self.alert);
        let technique = attack_type.as_deref().or(web.first().copied());
        Counted::of(facility_id, *timestamp, technique, *severity, *status)
    }

    /// Its place in the order of a list.
    pub const fn cursor(&self) -> Cursor {
        Cursor { timestamp: self.alert.timestamp, id: self.alert.id }
    }
}

/// The minute before without its timeline, which stands in a column of its own.
#[derive(Deserialize, Serialize)]
struct Context<'a> {
    duration: Cow<'a, str>,
    pattern: Cow<'a, str>,
    behavior: Cow<'a, str>,
    evidence: Cow<'a, BTreeMap<String, String>>,
}

/// Both columns of the minute before.
fn context(alert: &Alert) -> [Value; 2] {
    let Some(context) = &alert.context_analysis else {
        return [Value::Null(Kind::Json), Value::Null(Kind::Bytes)];
    };
    let words = Context {
        duration: Cow::Borrowed(&context.duration),
        pattern: Cow::Borrowed(&context.pattern),
        behavior: Cow::Borrowed(&context.behavior),
        evidence: Cow::Borrowed(&context.evidence),
    };
    [Json::of(&words).into(), timeline::pack(&context.timeline).into()]
}

fn read_context(row: &Row) -> Result<Option<ContextAnalysis>, StoreError> {
    let Some(words) = json::<Option<Context<'static>>>(row, "context_analysis")? else { return Ok(None) };
    let packed: Option<Vec<u8>> = row.get("timeline")?;
    let timeline = timeline::unpack(&packed.unwrap_or_default())
        .ok_or_else(|| StoreError::Damaged { what: "an alert", detail: "its timeline".into() })?;
    let Context { duration, pattern, behavior, evidence } = words;
    Ok(Some(ContextAnalysis {
        duration: duration.into_owned(),
        pattern: pattern.into_owned(),
        behavior: behavior.into_owned(),
        evidence: evidence.into_owned(),
        timeline,
    }))
}

fn at(row: &Row, column: &str) -> Result<Timestamp, StoreError> {
    row.get::<super::db::At>(column).map(|at| at.0)
}

fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T, StoreError> {
    let document: Option<Json> = row.get(column)?;
    // Only an option reads from this.
    let document = document.unwrap_or_else(|| Json("null".into()));
    document.read().map_err(|error| StoreError::Damaged { what: "an alert", detail: error.to_string() })
}

/// The columns of a row, in order; those after the first are replaced by a newer state where it may.
const COLUMNS: &[&str] = &[
    "id",
    "facility_id",
    "timestamp",
    "severity",
    "title",
    "description",
    "status",
    "attack_type",
    "attack_name",
    "tactic",
    "correlation_confidence",
    "correlation_summary",
    "first_seen",
    "last_seen",
    "count",
    "protocol",
    "src_assets",
    "dst_assets",
    "candidates",
    "sources",
    "context_analysis",
    "timeline",
    "maintenance",
    "agent_id",
    "received",
];
/// What a newer state does not replace.
const KEPT: &[&str] = &["id", "facility_id", "status"];

static WRITE: LazyLock<String> = LazyLock::new(|| {
    let replaced = COLUMNS.iter().filter(|column| !KEPT.contains(column));
    let replaced: Vec<String> = replaced.map(|column| format!("{column} = excluded.{column}")).collect();
    format!(
        "INSERT INTO alerts ({}) {{rows}} ON CONFLICT (id) DO UPDATE SET {}, revision = alerts.revision + 1
        WHERE alerts.facility_id = excluded.facility_id AND (
            excluded.count > alerts.count OR excluded.count = alerts.count AND (
                excluded.last_seen > alerts.last_seen OR excluded.last_seen = alerts.last_seen
                    AND excluded.severity > alerts.severity))
        RETURNING id, revision",
        COLUMNS.join(", "),
        replaced.join(", ")
    )
});
