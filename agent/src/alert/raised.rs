//! What is kept of an incident once it is an alert: what each detector says of each kind, with a few
//! sentences, and counts of the rest.

use std::collections::{BTreeSet, VecDeque};

use fieldward_shared::alert::{AlertSource, ContextAnalysis, Severity};
use fieldward_shared::time::Timestamp;

use super::clues::Clues;
use super::weigh::Kind;
use super::{Loss, context};
use crate::detect::Finding;
use crate::flow::Addr;

/// What is known of an incident that was raised.
pub struct Raised {
    pub at: Timestamp,
    pub facts: Vec<Fact>,
    pub count: u64,
    pub targets: BTreeSet<Addr>,
    /// Targets for which there was no room.
    pub more_targets: u64,
    /// The last seconds in which something was found.
    pub seconds: VecDeque<u64>,
    pub context: ContextAnalysis,
    pub loss: Loss,
    pub told: (Timestamp, Severity),
    /// The likeliest technique when it was raised.
    pub technique: Option<String>,
    /// Something was found that had not been.
    pub has_news: bool,
}

/// What one detector says of one kind.
pub struct Fact {
    /// Which detector.
    pub detector: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// In which protocol.
    pub protocol: &'static str,
    /// How many findings.
    pub count: u64,
    /// How many different ones.
    pub different: u32,
    /// The surest.
    pub confidence: f32,
    /// The gravest.
    pub consequence: f32,
    /// The first.
    pub first: Timestamp,
    /// A few of the sentences.
    pub evidence: Vec<String>,
}

impl Raised {
    /// One that begins.
    pub fn new(at: Timestamp, loss: Loss) -> Self {
        Self {
            at,
            facts: Vec::new(),
            count: 0,
            targets: BTreeSet::new(),
            more_targets: 0,
            seconds: VecDeque::new(),
            context: context::empty(),
            loss,
            told: (at, Severity::Low),
            technique: None,
            has_news: false,
        }
    }

    /// A finding more.
    pub fn add(&mut self, clues: &mut Clues, finding: &Finding) {
        self.count += 1;
        let is_new = clues.read(finding);
        self.has_news |= is_new;
        if let Some(target) = finding.target {
            if self.targets.len() < MOST_TARGETS || self.targets.contains(&target) {
                self.targets.insert(target);
            } else {
                self.more_targets += u64::from(is_new);
            }
        }
        let second = finding.at.as_secs();
        if self.seconds.back() != Some(&second) {
            if self.seconds.len() >= crate::window::LENGTH {
                self.seconds.pop_front();
            }
            self.seconds.push_back(second);
        }
        let same = |fact: &&mut Fact| fact.detector == finding.detector && fact.kind == finding.kind;
        match self.facts.iter_mut().find(same) {
            Some(fact) => {
                fact.count += 1;
                fact.different += u32::from(is_new);
                fact.confidence = fact.confidence.max(finding.confidence);
                fact.consequence = fact.consequence.max(finding.consequence);
                if is_new && fact.evidence.len() < MOST_SENTENCES {
                    fact.evidence.push(finding.evidence.clone());
                }
            }
            // Kinds are words of detectors: there are not many.
            None => self.facts.push(Fact {
                detector: finding.detector,
                kind: finding.kind,
                protocol: finding.protocol,
                count: 1,
                different: 1,
                confidence: finding.confidence,
                consequence: finding.consequence,
                first: finding.at,
                evidence: vec![finding.evidence.clone()],
            }),
        }
    }
}

impl Fact {
    /// As it is weighed.
    pub const fn as_kind(&self) -> Kind {
        Kind { name: self.kind, confidence: self.confidence, different: self.different }
    }

    /// As it stands in an alert.
    pub fn source(&self) -> AlertSource {
        let mut evidence = self.evidence.join(". ");
        if u64::from(self.different) > self.evidence.len() as u64 {
            evidence +=
                &format!(". And {} more like these", u64::from(self.different) - self.evidence.len() as u64);
        }
        AlertSource {
            layer: 1,
            model_name: self.detector.to_owned(),
            confidence: round(self.confidence),
            detection_time: self.first,
            evidence,
            context_evidence: serde_json::json!({
                "kind": self.kind, "findings": self.count, "different": self.different,
            }),
        }
    }
}

/// Two digits: more is not known.
pub fn round(share: f32) -> f32 {
    (share * 100.0).round() / 100.0
}

const MOST_TARGETS: usize = 256;
/// Sentences that are kept of a kind.
const MOST_SENTENCES: usize = 5;
