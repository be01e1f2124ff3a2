//! Alerts: the newest state of each, whichever order its reports came in, and what people did about it.

use std::sync::LazyLock;

use fieldward_shared::alert::{Alert, AlertId, Severity, Status};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::StoreError;
use super::db::{Json, Row, Tx, Value};
use super::report::{number, severity};

/// An alert as it is written.
#[derive(Debug)]
pub struct AlertRow {
    /// Which.
    pub id: AlertId,
    /// The larger is the newer state.
    order: (u64, Timestamp, Severity),
    values: Vec<Value>,
}

impl AlertRow {
    /// The row of an alert. What people do about it is theirs to say: an agent's alert is new.
    pub fn new(alert: &Alert, agent: Uuid, received: Timestamp) -> Self {
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
            Json::of(&alert.context_analysis).into(),
            Value::text(alert.maintenance.as_deref()),
            agent.into(),
            received.into(),
        ];
        Self { id: alert.id, order: (alert.count, alert.last_seen, alert.severity), values }
    }

    /// Whether it is a later state of the same alert.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        self.order > other.order
    }
}

/// Writes alerts, each of them once. A state that is older than what is stored changes nothing, and an id
/// of another facility neither.
pub async fn write(tx: &mut Tx, rows: impl Iterator<Item = &AlertRow>) -> Result<(), StoreError> {
    let table = rows.map(|row| row.values.clone()).collect();
    tx.table("write alerts", &WRITE, table).await.map(drop)
}

/// An alert as it stands in the database.
pub fn read(row: &Row) -> Result<Alert, StoreError> {
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
        context_analysis: json(row, "context_analysis")?,
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

fn at(row: &Row, column: &str) -> Result<Timestamp, StoreError> {
    row.get::<super::db::At>(column).map(|at| at.0)
}

fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T, StoreError> {
    let document: Json = row.get(column)?;
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
                    AND excluded.severity > alerts.severity))",
        COLUMNS.join(", "),
        replaced.join(", ")
    )
});
