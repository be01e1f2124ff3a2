//! A layer of the ATT&CK Navigator, version 4.5: how many alerts named which technique.

use std::collections::BTreeMap;

use fieldward_shared::time::Timestamp;
use serde_json::json;

use super::{Writer, json};
use crate::store::alerts::Stored;
use crate::store::now;

/// Techniques and what was seen of each.
#[derive(Default)]
pub struct Layer {
    techniques: BTreeMap<String, Seen>,
    others: u64,
}

#[derive(Default)]
struct Seen {
    alerts: u64,
    findings: u64,
    last: Timestamp,
    by_severity: BTreeMap<&'static str, u64>,
}

impl Writer for Layer {
    fn row(&mut self, stored: Stored, _: &mut Vec<u8>) {
        let alert = stored.alert;
        // ATT&CK for ICS has about a hundred; what agents make up beyond it is counted.
        let is_new = |id: &String| !self.techniques.contains_key(id);
        let Some(id) = alert.attack_type.filter(|id| self.techniques.len() < MOST || !is_new(id)) else {
            self.others += 1;
            return;
        };
        let seen = self.techniques.entry(id).or_default();
        seen.alerts += 1;
        seen.findings = seen.findings.saturating_add(alert.count);
        seen.last = seen.last.max(alert.last_seen);
        *seen.by_severity.entry(alert.severity.name()).or_default() += 1;
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let most = self.techniques.values().map(|seen| seen.alerts).max().unwrap_or(1);
        let techniques = self.techniques.iter().map(|(id, seen)| {
            let mut metadata = vec![json!({ "name": "findings", "value": seen.findings.to_string() })];
            metadata.extend(
                seen.by_severity
                    .iter()
                    .map(|(name, count)| json!({ "name": *name, "value": count.to_string() })),
            );
            json!({
                "techniqueID": id,
                "score": seen.alerts,
                "comment": format!("{} alerts, the last at {}", seen.alerts, seen.last.rfc3339()),
                "enabled": true,
                "metadata": metadata,
            })
        });
        let layer = json!({
            "name": "Fieldward alerts",
            "versions": { "navigator": "5.1.0", "layer": "4.5" },
            "domain": "ics-attack",
            "description": format!(
                "Alerts by technique, exported at {}; {} named none", now().rfc3339(), self.others
            ),
            "sorting": 3,
            "techniques": techniques.collect::<Vec<_>>(),
            "gradient": { "colors": ["#ffffff", "#d73027"], "minValue": 0, "maxValue": most },
            "legendItems": [{ "label": "alerts", "color": "#d73027" }],
        });
        json(&layer, out);
    }
}

/// Techniques of a layer.
const MOST: usize = 4096;
