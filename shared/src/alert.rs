//! An alert: what an analyst reads, what travels from agent to aggregator, what the API returns. The same
//! names everywhere.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Made from facility, rule and first packet: a replay or a resend gives the same.
    pub id: AlertId,
    /// When it was raised.
    #[serde(with = "crate::time::rfc3339")]
    pub timestamp: Timestamp,
    /// Which plant.
    pub facility_id: String,
    /// How much it matters.
    pub severity: Severity,
    /// What happened, in a line.
    pub title: String,
    /// What happened, in a few sentences with numbers.
    pub description: String,
    /// What people have done about it.
    pub status: Status,
    /// Technique of ATT&CK for ICS, where one is named.
    pub attack_type: Option<String>,
    /// Its name.
    pub attack_name: Option<String>,
    /// How sure all detectors together are, from 0 to 1.
    pub correlation_confidence: f32,
    /// Which detectors agree on what.
    pub correlation_summary: String,
    /// What each detector says.
    pub sources: Vec<AlertSource>,
    /// The minute before.
    pub context_analysis: Option<ContextAnalysis>,
    /// The first packet that belongs to it.
    #[serde(with = "crate::time::rfc3339")]
    pub first_seen: Timestamp,
    /// The last one so far.
    #[serde(with = "crate::time::rfc3339")]
    pub last_seen: Timestamp,
    /// How many findings went into it.
    pub count: u64,
    /// Who did it.
    pub src_assets: Vec<String>,
    /// To whom.
    pub dst_assets: Vec<String>,
    /// In which protocol above all.
    pub protocol: String,
    /// The tactic of the technique.
    pub tactic: Option<String>,
    /// Techniques in the order of their likelihood, the named one first.
    pub candidates: Vec<Candidate>,
    /// Why there was work on what it is about, when there was: such an alert is kept, not raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<String>,
}

/// A technique and how likely it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Technique id.
    pub technique: String,
    /// From 0 to 1.
    pub probability: f32,
}

/// What one detector says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertSource {
    /// 1 finds what is unusual, 2 names it.
    pub layer: u8,
    /// Which detector.
    pub model_name: String,
    /// How sure it is.
    pub confidence: f32,
    /// When it said so.
    #[serde(with = "crate::time::rfc3339")]
    pub detection_time: Timestamp,
    /// What it saw, in words.
    pub evidence: String,
    /// What the minute before showed, in numbers.
    pub context_evidence: serde_json::Value,
}

/// The minute before an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContextAnalysis {
    /// How long it is: "60 seconds".
    pub duration: String,
    /// What shape the traffic had.
    pub pattern: String,
    /// What was done.
    pub behavior: String,
    /// A point a second.
    pub timeline: Vec<TimelinePoint>,
    /// The figures that stand out, in words.
    pub evidence: std::collections::BTreeMap<String, String>,
}

/// A second of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelinePoint {
    /// Which second.
    #[serde(with = "crate::time::rfc3339")]
    pub time: Timestamp,
    /// Packets in it.
    pub packets_per_sec: u32,
    /// Destinations in it.
    pub unique_dest_ips: u32,
    /// Share of the commonest protocol.
    pub protocol_distribution: f32,
    /// normal, suspicious or attack.
    pub status: String,
}

/// How much an alert matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
    /// The process may be in danger.
    Critical,
}

impl Severity {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What people have done about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing yet.
    New,
    /// Someone is at it.
    Acknowledged,
    /// It is dealt with.
    Resolved,
    /// There was nothing.
    FalsePositive,
}

impl Status {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::FalsePositive => "false-positive",
        }
    }

    /// The status that is written so.
    pub fn named(name: &str) -> Option<Self> {
        [Self::New, Self::Acknowledged, Self::Resolved, Self::FalsePositive]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// Identity of an alert: 128 bits, written as a UUID. It begins with its time, so that alerts of the same time
/// are neighbours in a database, and adding one touches few pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(u128);

impl AlertId {
    /// The id of the alert that a rule raises in a facility about something, beginning with a packet.
    pub fn new(facility: &str, rule: &str, about: &str, first: Timestamp) -> Self {
        let time = first.as_micros().to_be_bytes();
        let parts = [facility.as_bytes(), rule.as_bytes(), about.as_bytes(), &time];
        let bytes = parts.iter().flat_map(|part| part.iter().copied().chain([0xff]));
        // FNV-1a in 128 bits. Nobody gains by a collision: facility comes from the certificate.
        let hash = bytes.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        });
        let millis = u128::from(first.as_micros() / 1000) & 0xffff_ffff_ffff;
        // Version 8 (custom) and variant of RFC 9562.
        Self(millis << 80 | 0x8 << 76 | hash & (0xfff << 64) | 0x2 << 62 | hash & ((1 << 62) - 1))
    }

    /// As a number.
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// Of a number.
    pub const fn from_u128(number: u128) -> Self {
        Self(number)
    }
}

impl std::fmt::Display for AlertId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl std::str::FromStr for AlertId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(&text.replace('-', ""), 16).map(Self)
    }
}

impl Serialize for AlertId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AlertId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_from_its_parts_and_comes_back_from_text() {
        let at = Timestamp::from_micros(5);
        let id = AlertId::new("plant", "baseline", "10.0.0.9", at);
        assert_eq!(id, AlertId::new("plant", "baseline", "10.0.0.9", at));
        assert_ne!(id, AlertId::new("plantb", "aseline", "10.0.0.9", at));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(&id.to_string()[14..15], "8");
        assert!(id < AlertId::new("another", "rule", "about", Timestamp::from_micros(1_005)));
    }

    #[test]
    fn severities_are_ordered_and_statuses_written_as_the_api_says() {
        assert!(Severity::Critical > Severity::High && Severity::Medium > Severity::Low);
        assert_eq!(serde_json::to_string(&Status::FalsePositive).unwrap(), "\"false-positive\"");
        assert_eq!(serde_json::to_string(&Severity::High).unwrap(), "\"high\"");
    }
}
