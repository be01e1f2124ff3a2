//! OCSF: each alert a Detection Finding (class 2004) of the profile `datetime`, one a line. What the schema has
//! no place for stands in `unmapped`.

use std::net::IpAddr;

use fieldward_shared::alert::{Alert, Severity, Status};
use fieldward_shared::time::Timestamp;
use serde_json::{Map, Value, json};

use super::{Writer, line};
use crate::store::alerts::Stored;

/// Findings.
pub struct Findings;

impl Writer for Findings {
    fn row(&mut self, stored: Stored, out: &mut Vec<u8>) {
        line(&finding(&stored), out);
    }
}

/// A finding.
pub fn finding(stored: &Stored) -> Value {
    let Stored { alert, revision, received } = stored;
    let (activity, activity_name) = match alert.status {
        _ if *revision == 1 => (1, "Create"),
        Status::Resolved | Status::FalsePositive => (3, "Close"),
        Status::New | Status::Acknowledged => (2, "Update"),
    };
    let (severity, severity_name) = match alert.severity {
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    };
    let (status, status_name) = match alert.status {
        Status::New => (1, "New"),
        Status::Acknowledged => (2, "In Progress"),
        Status::FalsePositive => (3, "Suppressed"),
        Status::Resolved => (4, "Resolved"),
    };
    json!({
        "class_uid": CLASS, "class_name": "Detection Finding",
        "category_uid": 2, "category_name": "Findings",
        "activity_id": activity, "activity_name": activity_name, "type_uid": CLASS * 100 + activity,
        "severity_id": severity, "severity": severity_name,
        "status_id": status, "status": status_name,
        "time": millis(alert.timestamp), "time_dt": alert.timestamp.rfc3339(),
        "count": alert.count, "is_alert": alert.maintenance.is_none(),
        "confidence_score": percent(alert.correlation_confidence),
        "message": alert.title,
        "metadata": {
            "version": "1.6.0", "profiles": ["datetime"], "uid": alert.id.to_string(),
            "logged_time": millis(*received), "logged_time_dt": received.rfc3339(),
            "product": { "name": "Fieldward", "vendor_name": "Fieldward", "version": env!("CARGO_PKG_VERSION") },
        },
        "finding_info": info(alert),
        "evidences": evidences(alert),
        "unmapped": {
            "facility_id": alert.facility_id, "protocol": alert.protocol, "revision": revision,
            "maintenance": alert.maintenance, "src_assets": alert.src_assets, "dst_assets": alert.dst_assets,
        },
    })
}

fn info(alert: &Alert) -> Value {
    let mut info = json!({
        "uid": alert.id.to_string(), "title": alert.title, "desc": alert.description,
        "created_time": millis(alert.timestamp), "created_time_dt": alert.timestamp.rfc3339(),
        "first_seen_time": millis(alert.first_seen), "first_seen_time_dt": alert.first_seen.rfc3339(),
        "last_seen_time": millis(alert.last_seen), "last_seen_time_dt": alert.last_seen.rfc3339(),
        "data_sources": ["network traffic"],
    });
    if let (Some(fields), Some(source)) = (info.as_object_mut(), alert.sources.first()) {
        // Layer 2 has learnt names; others compare with what was usual.
        let (id, name) = if source.layer == 2 { (4, "Learning (ML/DL)") } else { (2, "Behavioral") };
        fields.insert("analytic".into(), json!({ "name": source.model_name, "type_id": id, "type": name }));
    }
    if let (Some(fields), Some(technique)) = (info.as_object_mut(), &alert.attack_type) {
        let mut attack = Map::new();
        attack.insert("technique".into(), json!({ "uid": technique, "name": alert.attack_name }));
        if let Some(tactic) = &alert.tactic {
            attack.insert("tactic".into(), json!({ "name": tactic }));
        }
        fields.insert("attacks".into(), json!([attack]));
    }
    info
}

/// Who did it to whom, in pairs as far as they go.
fn evidences(alert: &Alert) -> Value {
    let length = alert.src_assets.len().max(alert.dst_assets.len()).min(MOST);
    let pairs = (0..length).map(|nth| {
        let mut pair = Map::new();
        let sides = [("src_endpoint", &alert.src_assets), ("dst_endpoint", &alert.dst_assets)];
        for (side, assets) in sides {
            if let Some(asset) = assets.get(nth) {
                pair.insert(side.into(), endpoint(asset));
            }
        }
        Value::Object(pair)
    });
    let sources = alert.sources.iter().take(MOST).map(|source| {
        json!({ "data": { "detector": source.model_name, "evidence": source.evidence,
            "confidence": source.confidence } })
    });
    pairs.chain(sources).collect()
}

fn endpoint(asset: &str) -> Value {
    if asset.parse::<IpAddr>().is_ok() { json!({ "ip": asset }) } else { json!({ "name": asset }) }
}

fn millis(at: Timestamp) -> u64 {
    at.as_micros() / 1000
}

fn percent(share: f32) -> u64 {
    (f64::from(share) * 100.0).round().clamp(0.0, 100.0) as u64
}

const CLASS: u64 = 2004;
/// Pairs, and detectors, of an alert.
const MOST: usize = 64;
