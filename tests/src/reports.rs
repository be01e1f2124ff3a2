//! Reports as agents make them: alerts with a timeline and several sources, about ten kilobytes of JSON.

use fieldward_aggregator::store::{Body, Report};
use fieldward_shared::alert::{
    Alert, AlertId, AlertSource, Candidate, ContextAnalysis, Severity, Status, TimelinePoint,
};
use fieldward_shared::telemetry::NetworkData;
use fieldward_shared::time::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// When the first of them was raised.
pub const START: u64 = 1_780_000_000_000_000;

/// An agent that makes reports.
#[derive(Clone, Debug)]
pub struct Reporter {
    /// Its id.
    pub agent: Uuid,
    /// Its plant.
    pub facility: String,
    /// The life of its spool.
    pub incarnation: u128,
}

impl Reporter {
    /// The agent of this number.
    pub fn new(number: u64) -> Self {
        Self {
            agent: Uuid::from_u128(0xa9e0_0000_0000_4000_8000_0000_0000_0000 | u128::from(number)),
            facility: format!("plant-{number}"),
            incarnation: 77,
        }
    }

    /// An alert, the `nth` of this plant, as it is after `count` findings.
    pub fn alert(&self, nth: u64, count: u64) -> Alert {
        let severity =
            [Severity::Low, Severity::Medium, Severity::High, Severity::Critical][nth as usize % 4];
        let at = Timestamp::from_micros(START + nth * 1_000_000);
        let seed = nth.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let dice =
            |salt: u64, most: u64| (seed ^ salt).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(31) % most;
        let asset = |salt| format!("10.{}.{}.{}", dice(salt, 4), dice(salt + 1, 9), dice(salt + 2, 250));
        let source = |one: u64| AlertSource {
            layer: 1,
            model_name: ["baseline", "forest", "autoencoder", "subspace"][one as usize % 4].into(),
            confidence: (dice(one, 100) as f32) / 100.0,
            detection_time: at.plus(one * 350_019),
            evidence: format!(
                "{} wrote {} registers of {} with function {}; until now only 10.11.0.10, 10.11.0.20 and \
                 10.11.0.30 did, and never more than {} in a minute",
                asset(one),
                dice(one, 120),
                asset(one + 5),
                dice(one, 40),
                dice(one, 9)
            ),
            context_evidence: serde_json::json!({
                "different": dice(one, 50), "findings": count, "kind": "asset", "share": dice(one, 1000) as f64 / 1000.0
            }),
        };
        let point = |second: u64| TimelinePoint {
            time: Timestamp::from_micros(at.as_micros() - at.as_micros() % 1_000_000 + second * 1_000_000),
            packets_per_sec: 20 + dice(second, 400) as u32,
            unique_dest_ips: 3 + dice(second, 9) as u32,
            protocol_distribution: dice(second, 1_000_000) as f32 / 1e6,
            status: if second < 45 { "normal" } else { "attack" }.into(),
        };
        let technique =
            (!nth.is_multiple_of(3)).then(|| TECHNIQUES[dice(9, TECHNIQUES.len() as u64) as usize]);
        Alert {
            id: AlertId::new(&self.facility, "bench", "10.0.0.9", at),
            timestamp: at,
            facility_id: self.facility.clone(),
            severity,
            title: match technique {
                Some((.., what)) => format!("{} {what}, {} among others", asset(1), asset(6)),
                None => {
                    format!("{} reads and writes registers of {} as nobody did before", asset(1), asset(6))
                }
            },
            description: format!(
                "Since it began, {} sent {} requests to {} controllers, {} of them with function codes that \
                 were never used at this plant. The controllers answered {} with an exception. Nothing of the \
                 kind was seen while the plant was learnt; operators write here about once an hour.",
                asset(1),
                dice(3, 900),
                dice(4, 9),
                dice(5, 90),
                dice(6, 50)
            ),
            status: Status::New,
            attack_type: technique.map(|(id, ..)| id.into()),
            attack_name: technique.map(|(_, name, ..)| name.into()),
            correlation_confidence: (dice(7, 100) as f32) / 100.0,
            correlation_summary: "four detectors agree that somebody new asks controllers what they hold"
                .into(),
            sources: (0..5).map(source).collect(),
            context_analysis: Some(ContextAnalysis {
                duration: "60 seconds".into(),
                pattern: "steady polls, then a burst towards many units".into(),
                behavior: "asks every unit for its registers".into(),
                timeline: (0..60).map(point).collect(),
                evidence: [
                    ("connections".into(), format!("{} tried, {} answered", dice(1, 90), dice(2, 90))),
                    (
                        "packets".into(),
                        format!("{} in the minute, {} in its busiest second", dice(3, 9999), dice(4, 999)),
                    ),
                    ("protocols".into(), format!("Modbus makes up {} % of the messages", dice(5, 100))),
                ]
                .into(),
            }),
            first_seen: at,
            last_seen: at.plus(count * 1_000),
            count,
            src_assets: vec![asset(1)],
            dst_assets: (0..3).map(|one| asset(6 + one)).collect(),
            protocol: "modbus".into(),
            tactic: technique.map(|(.., tactic, _)| tactic.into()),
            candidates: vec![
                Candidate { technique: "T0846".into(), probability: 0.75 },
                Candidate { technique: "T0888".into(), probability: 0.125 },
            ],
            maintenance: None,
        }
    }

    /// A report in a lane.
    pub fn report(&self, lane: Severity, seq: u64, body: Body) -> Report {
        let payload = match &body {
            Body::Alert(alert) => serde_json::to_vec(alert).unwrap_or_default(),
            Body::Loss(loss) => serde_json::to_vec(loss).unwrap_or_default(),
            Body::Unreadable(bytes) => bytes.clone(),
        };
        Report {
            agent: self.agent,
            facility: self.facility.clone(),
            incarnation: self.incarnation,
            lane,
            seq,
            received: Timestamp::from_micros(START).plus(seq.saturating_mul(1_000_000)),
            digest: Sha256::digest(&payload).into(),
            body,
        }
    }

    /// The alert of this number as a report of the lane `high`, with the sequence after its number.
    pub fn nth(&self, nth: u64) -> Report {
        self.report(Severity::High, nth + 1, Body::Alert(Box::new(self.alert(nth, 1))))
    }
}

/// A second of a plant's traffic, so many seconds before a moment.
pub fn second(facility: &str, ago: u64, at: Timestamp) -> NetworkData {
    let packets = 100 + (ago * 37 % 50) as u32;
    NetworkData {
        timestamp: Timestamp::from_micros(at.as_micros() - ago * 1_000_000),
        facility_id: facility.into(),
        packets_per_sec: packets,
        bytes_per_sec: u64::from(packets) * 90,
        unique_src_ips: 12,
        unique_dest_ips: 9,
        protocol_distribution: 0.75,
        failed_connections: (ago % 3) as u32,
        avg_packet_size: 90,
        inter_arrival_time: 10_000,
        raw_features: [("packets".to_owned(), packets as f32)].into(),
    }
}

/// Techniques as agents name them: id, name, tactic, and what a title says. What is named most comes most often.
const TECHNIQUES: [(&str, &str, &str, &str); 16] = [
    ("T0846", "Remote System Discovery", "discovery", "tried ports of every controller"),
    ("T0846", "Remote System Discovery", "discovery", "swept the network"),
    ("T0888", "Remote System Information Discovery", "discovery", "asked controllers who they are"),
    ("T0861", "Point & Tag Identification", "collection", "read register after register"),
    ("T0802", "Automated Collection", "collection", "gathered long ranges of registers"),
    ("T0801", "Monitor Process State", "collection", "polls as no master does"),
    ("T0836", "Modify Parameter", "impair-process-control", "wrote set values outside what was learnt"),
    ("T0836", "Modify Parameter", "impair-process-control", "moved set values step by step"),
    (
        "T0855",
        "Unauthorized Command Message",
        "impair-process-control",
        "gave commands that only SCADA gives",
    ),
    ("T0806", "Brute Force I/O", "impair-process-control", "switched outputs over and over"),
    ("T0838", "Modify Alarm Settings", "inhibit-response-function", "changed limits of alarms"),
    ("T0814", "Denial of Service", "inhibit-response-function", "opened connections until none were left"),
    ("T0816", "Device Restart/Shutdown", "inhibit-response-function", "told controllers to restart"),
    ("T0843", "Program Download", "lateral-movement", "wrote a program into controllers"),
    ("T0812", "Default Credentials", "lateral-movement", "tried delivered passwords"),
    ("T0819", "Exploit Public-Facing Application", "initial-access", "sent commands inside web requests"),
];
