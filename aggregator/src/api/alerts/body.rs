//! An alert as the API shows it: the names of the documents, and those that the contracts add.

use std::collections::BTreeMap;

use fieldward_shared::alert::{AlertSource, Candidate, Severity, Status, TimelinePoint};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::time::Time;
use crate::store::alerts::Stored;
use crate::store::board::AlertAct;

/// How much an alert matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SeverityName {
    /// Worth knowing.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
    /// The process may be in danger.
    Critical,
}

impl From<Severity> for SeverityName {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Low => Self::Low,
            Severity::Medium => Self::Medium,
            Severity::High => Self::High,
            Severity::Critical => Self::Critical,
        }
    }
}

/// What people have done about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StatusName {
    /// Nothing yet.
    New,
    /// Someone is at it.
    Acknowledged,
    /// It is dealt with.
    Resolved,
    /// There was nothing.
    FalsePositive,
}

impl From<Status> for StatusName {
    fn from(status: Status) -> Self {
        match status {
            Status::New => Self::New,
            Status::Acknowledged => Self::Acknowledged,
            Status::Resolved => Self::Resolved,
            Status::FalsePositive => Self::FalsePositive,
        }
    }
}

/// What one detector says.
#[derive(Debug, Serialize, ToSchema)]
pub struct Source {
    /// 1 finds what is unusual, 2 names it.
    layer: u8,
    /// Which detector.
    #[schema(example = "baseline")]
    model_name: String,
    /// How sure it is, from 0 to 1.
    confidence: f32,
    /// When it said so.
    detection_time: Time,
    /// What it saw, in words.
    evidence: String,
    /// What the minute before showed, in numbers.
    context_evidence: serde_json::Value,
}

impl From<AlertSource> for Source {
    fn from(source: AlertSource) -> Self {
        Self {
            layer: source.layer,
            model_name: source.model_name,
            confidence: source.confidence,
            detection_time: Time(source.detection_time),
            evidence: source.evidence,
            context_evidence: source.context_evidence,
        }
    }
}

/// A second of the minute before.
#[derive(Debug, Serialize, ToSchema)]
pub struct Point {
    /// Which second.
    pub time: Time,
    /// Packets in it.
    pub packets_per_sec: u32,
    /// Destinations in it.
    pub unique_dest_ips: u32,
    /// Share of the commonest protocol, from 0 to 1.
    pub protocol_distribution: f32,
    /// `normal`, `suspicious` or `attack`.
    #[schema(example = "attack")]
    pub status: String,
}

impl From<TimelinePoint> for Point {
    fn from(point: TimelinePoint) -> Self {
        Self {
            time: Time(point.time),
            packets_per_sec: point.packets_per_sec,
            unique_dest_ips: point.unique_dest_ips,
            protocol_distribution: point.protocol_distribution,
            status: point.status,
        }
    }
}

/// The minute before an alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct Context {
    /// How long it is.
    #[schema(example = "60 seconds")]
    duration: String,
    /// What shape the traffic had.
    pattern: String,
    /// What was done.
    behavior: String,
    /// A point a second.
    timeline: Vec<Point>,
    /// The figures that stand out, in words.
    evidence: BTreeMap<String, String>,
}

/// A technique and how likely it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Likely {
    /// Technique of ATT&CK for ICS.
    #[schema(example = "T0846")]
    technique: String,
    /// From 0 to 1.
    probability: f32,
}

impl From<Candidate> for Likely {
    fn from(candidate: Candidate) -> Self {
        Self { technique: candidate.technique, probability: candidate.probability }
    }
}

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alert)]
pub struct AlertBody {
    /// Which.
    #[schema(format = "uuid")]
    id: String,
    /// When it was raised.
    timestamp: Time,
    /// Which plant.
    #[schema(example = "north")]
    facility_id: String,
    /// How much it matters.
    severity: SeverityName,
    /// What happened, in a line.
    title: String,
    /// What happened, in a few sentences with numbers.
    description: String,
    /// What people have done about it.
    status: StatusName,
    /// What each detector says.
    sources: Vec<Source>,
    /// How sure all detectors together are, from 0 to 1.
    correlation_confidence: f32,
    /// Which detectors agree on what.
    correlation_summary: String,
    /// Technique of ATT&CK for ICS; null when none is named.
    #[schema(example = "T0846")]
    attack_type: Option<String>,
    /// Its name.
    #[schema(example = "Remote System Discovery")]
    attack_name: Option<String>,
    /// The minute before; null in lists, and when the agent had none.
    context_analysis: Option<Context>,
    /// The first packet that belongs to it.
    first_seen: Time,
    /// The last one so far.
    last_seen: Time,
    /// How many findings went into it.
    count: u64,
    /// Who did it.
    src_assets: Vec<String>,
    /// To whom.
    dst_assets: Vec<String>,
    /// In which protocol above all.
    #[schema(example = "modbus")]
    protocol: String,
    /// The tactic of the technique.
    tactic: Option<String>,
    /// Techniques in the order of their likelihood.
    candidates: Vec<Likely>,
    /// Why there was work on what it is about; null when there was none.
    maintenance: Option<String>,
    /// Grows with every change; the ETag is made of it.
    revision: u64,
    /// When its newest state arrived here.
    received_at: Time,
}

impl AlertBody {
    /// With the minute before, or without.
    pub fn of(stored: Stored, with_context: bool) -> Self {
        let Stored { alert, revision, received } = stored;
        let context = alert.context_analysis.filter(|_| with_context).map(|context| Context {
            duration: context.duration,
            pattern: context.pattern,
            behavior: context.behavior,
            timeline: context.timeline.into_iter().map(Point::from).collect(),
            evidence: context.evidence,
        });
        Self {
            id: alert.id.to_string(),
            timestamp: Time(alert.timestamp),
            facility_id: alert.facility_id,
            severity: alert.severity.into(),
            title: alert.title,
            description: alert.description,
            status: alert.status.into(),
            sources: alert.sources.into_iter().map(Source::from).collect(),
            correlation_confidence: alert.correlation_confidence,
            correlation_summary: alert.correlation_summary,
            attack_type: alert.attack_type,
            attack_name: alert.attack_name,
            context_analysis: context,
            first_seen: Time(alert.first_seen),
            last_seen: Time(alert.last_seen),
            count: alert.count,
            src_assets: alert.src_assets,
            dst_assets: alert.dst_assets,
            protocol: alert.protocol,
            tactic: alert.tactic,
            candidates: alert.candidates.into_iter().map(Likely::from).collect(),
            maintenance: alert.maintenance,
            revision,
            received_at: Time(received),
        }
    }
}

/// What somebody did about an alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActBody {
    /// Which alert.
    #[schema(format = "uuid")]
    alert_id: String,
    /// Its plant.
    facility_id: String,
    /// When.
    timestamp: Time,
    /// Who.
    #[schema(example = "user ann")]
    actor: String,
    /// The status before.
    from: StatusName,
    /// The status from then on.
    to: StatusName,
    /// Why; empty when nothing was said.
    reason: String,
}

impl From<AlertAct> for ActBody {
    fn from(act: AlertAct) -> Self {
        Self {
            alert_id: act.alert.to_string(),
            facility_id: act.facility,
            timestamp: Time(act.at),
            actor: act.actor,
            from: act.before.into(),
            to: act.after.into(),
            reason: act.reason,
        }
    }
}
