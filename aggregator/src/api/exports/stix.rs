//! A STIX 2.1 bundle: each alert is a sighting of an attack pattern at a facility, with what was observed. Ids
//! are made of what they stand for, so that the same alert is the same sighting in every export.

use std::collections::HashSet;
use std::net::IpAddr;

use fieldward_shared::alert::Alert;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Writer, json};
use crate::attack::watch;
use crate::store::alerts::Stored;

/// The bundle, as far as it must be remembered: which objects are in it.
#[derive(Default)]
pub struct Bundle {
    has_first: bool,
    told: HashSet<Uuid>,
}

impl Writer for Bundle {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let id = Uuid::new_v4();
        out.extend(format!("{{\"type\":\"bundle\",\"id\":\"bundle--{id}\",\"objects\":[").bytes());
        self.put(
            json!({
                "type": "marking-definition", "spec_version": "2.1", "id": AMBER,
                "created": "2017-01-20T00:00:00.000Z", "definition_type": "tlp", "name": "TLP:AMBER",
                "definition": { "tlp": "amber" },
            }),
            out,
        );
    }

    fn row(&mut self, stored: Stored, out: &mut Vec<u8>) {
        let alert = &stored.alert;
        let facility = self.facility(alert, out);
        let pattern = self.pattern(alert, out);
        let assets: Vec<&String> =
            alert.src_assets.iter().chain(&alert.dst_assets).take(MOST_ASSETS).collect();
        let mut observed: Vec<String> = assets.iter().filter_map(|asset| self.address(asset, out)).collect();
        observed.sort_unstable();
        observed.dedup();
        let (first, last) = (alert.first_seen, alert.last_seen.max(alert.first_seen));
        let count = alert.count.clamp(1, 999_999_999);
        let mut common = json!({
            "spec_version": "2.1",
            "created_by_ref": facility,
            "created": alert.timestamp.rfc3339(),
            "modified": stored.received.max(alert.timestamp).rfc3339(),
            "confidence": (f64::from(alert.correlation_confidence) * 100.0).round().clamp(0.0, 100.0) as u64,
            "labels": [format!("severity:{}", alert.severity.name()), format!("status:{}", alert.status.name())],
            "external_references": [{ "source_name": "fieldward", "external_id": alert.id.to_string() }],
            "object_marking_refs": [AMBER],
        });
        let mut sighting = common.clone();
        add(
            &mut sighting,
            json!({
                "type": "sighting", "id": format!("sighting--{}", own("sighting", &alert.id.to_string())),
                "description": format!("{}. {}", alert.title, alert.description),
                "first_seen": first.rfc3339(), "last_seen": last.rfc3339(), "count": count,
                "sighting_of_ref": pattern, "where_sighted_refs": [facility],
            }),
        );
        if !observed.is_empty() {
            let id = format!("observed-data--{}", own("observed-data", &alert.id.to_string()));
            add(&mut sighting, json!({ "observed_data_refs": [id] }));
            add(
                &mut common,
                json!({
                    "type": "observed-data", "id": id, "first_observed": first.rfc3339(),
                    "last_observed": last.rfc3339(), "number_observed": count, "object_refs": observed,
                }),
            );
            self.put(common, out);
        }
        self.put(sighting, out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend(b"]}");
    }
}

impl Bundle {
    fn put(&mut self, object: Value, out: &mut Vec<u8>) {
        if self.has_first {
            out.push(b',');
        }
        self.has_first = true;
        json(&object, out);
    }

    /// Whether an object is still to be told. When more are known than are remembered, some are told again,
    /// each time the same.
    fn is_new(&mut self, id: Uuid) -> bool {
        if self.told.len() >= MOST_TOLD {
            self.told.clear();
        }
        self.told.insert(id)
    }

    fn facility(&mut self, alert: &Alert, out: &mut Vec<u8>) -> String {
        let uuid = own("identity", &alert.facility_id);
        let id = format!("identity--{uuid}");
        if self.is_new(uuid) {
            let object = json!({
                "type": "identity", "spec_version": "2.1", "id": id, "created": EPOCH, "modified": EPOCH,
                "name": alert.facility_id, "identity_class": "system", "roles": ["facility"],
            });
            self.put(object, out);
        }
        id
    }

    fn pattern(&mut self, alert: &Alert, out: &mut Vec<u8>) -> String {
        let technique = alert.attack_type.as_deref();
        let uuid = technique
            .and_then(official)
            .unwrap_or_else(|| own("attack-pattern", technique.unwrap_or(UNNAMED)));
        let id = format!("attack-pattern--{uuid}");
        if self.is_new(uuid) {
            let mut object = json!({
                "type": "attack-pattern", "spec_version": "2.1", "id": id, "created": EPOCH,
                "modified": EPOCH, "name": alert.attack_name.as_deref().or(technique).unwrap_or(UNNAMED),
            });
            if let Some(technique) = technique {
                let url = format!("https://attack.mitre.org/techniques/{}", technique.replace('.', "/"));
                let reference =
                    json!([{ "source_name": "mitre-ics-attack", "external_id": technique, "url": url }]);
                add(&mut object, json!({ "external_references": reference }));
            }
            self.put(object, out);
        }
        id
    }

    /// The object of an address; none for what is no address.
    fn address(&mut self, asset: &str, out: &mut Vec<u8>) -> Option<String> {
        let (kind, value) = match asset.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => ("ipv4-addr", address.to_string()),
            Ok(IpAddr::V6(address)) => ("ipv6-addr", address.to_string()),
            Err(_) if is_card(asset) => ("mac-addr", asset.to_lowercase()),
            Err(_) => return None,
        };
        // As the standard says ids of observables are made.
        let uuid = Uuid::new_v5(&OBSERVABLES, json!({ "value": value }).to_string().as_bytes());
        let id = format!("{kind}--{uuid}");
        if self.is_new(uuid) {
            self.put(json!({ "type": kind, "spec_version": "2.1", "id": id, "value": value }), out);
        }
        Some(id)
    }
}

fn add(object: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (object, more) {
        fields.extend(more);
    }
}

/// `00:1d:9c:c0:ff:ee`.
fn is_card(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    parts.len() == 6
        && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|c| c.is_ascii_hexdigit()))
}

/// The id that ATT&CK itself gives the object of a technique, so that others know it for the same.
fn official(technique: &str) -> Option<Uuid> {
    let predictor = watch::shared(None).ok()?;
    let found = predictor.catalogue().find(technique)?;
    Uuid::parse_str(&found.technique().stix).ok()
}

fn own(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&OWN, format!("{kind}:{name}").as_bytes())
}

/// Of STIX, for observables.
const OBSERVABLES: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);
/// Of Fieldward, for everything else.
const OWN: Uuid = Uuid::from_u128(0x6d1f_3f0e_5b0c_4c3e_9a53_7f8e_1c2b_4d6a);
const AMBER: &str = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82";
/// What has no moment of its own has always been so: it is the same in every export.
const EPOCH: &str = "2020-01-01T00:00:00.000Z";
/// Of an alert for which no technique is named.
const UNNAMED: &str = "Unusual traffic without a technique";
/// Objects that are remembered as told.
const MOST_TOLD: usize = 65_536;
/// Assets of an alert.
const MOST_ASSETS: usize = 256;
