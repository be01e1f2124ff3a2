//! An incident: first it waits and gathers findings, then it is raised and only counts them, so that an
//! attack of hours takes no more room than one of seconds. As an alert it is written whenever asked.

use std::collections::{BTreeSet, VecDeque};

use fieldward_shared::alert::{Alert, AlertId, AlertSource, ContextAnalysis, Severity, Status};
use fieldward_shared::time::Timestamp;

use super::signs::Signs;
use super::technique::{Case, candidates, technique};
use super::weigh::{self, ENOUGH, Kind, Who};
use super::{Loss, Told, context, words};
use crate::detect::Finding;
use crate::flow::Addr;
use crate::window::Window;

/// Who or what an incident is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Someone who does something.
    Actor(Addr),
    /// Someone to whom something happens.
    Target(Addr),
    /// The plant as a whole.
    Plant,
}

/// What goes on.
pub struct Incident {
    key: Key,
    first: Timestamp,
    last: Timestamp,
    stranger: bool,
    /// Until it is raised: the findings of the last while.
    waiting: VecDeque<Finding>,
    signs: Signs,
    raised: Option<Raised>,
}

/// What is known of an incident that was raised.
struct Raised {
    at: Timestamp,
    facts: Vec<Fact>,
    count: u64,
    targets: BTreeSet<Addr>,
    /// Targets for which there was no room.
    more_targets: u64,
    /// The last seconds in which something was found.
    seconds: VecDeque<u64>,
    context: ContextAnalysis,
    loss: Loss,
    told: (Timestamp, Severity),
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

impl Incident {
    /// One that begins.
    pub fn new(key: Key, first: Timestamp) -> Self {
        Self {
            key,
            first,
            last: first,
            stranger: false,
            waiting: VecDeque::new(),
            signs: Signs::default(),
            raised: None,
        }
    }

    /// What it is about.
    pub const fn key(&self) -> Key {
        self.key
    }

    /// The last finding.
    pub const fn last(&self) -> Timestamp {
        self.last
    }

    /// Whether it is an alert.
    pub const fn is_raised(&self) -> bool {
        self.raised.is_some()
    }

    /// After so long without a finding it is over: microseconds.
    pub const fn patience(&self) -> u64 {
        if self.is_raised() { super::QUIET } else { GATHERING }
    }

    /// Another finding.
    pub fn find(&mut self, finding: Finding, stranger: bool) {
        self.last = self.last.max(finding.at);
        self.stranger |= stranger;
        if let Some(raised) = &mut self.raised {
            raised.add(&mut self.signs, &finding);
            return;
        }
        let from = finding.at;
        self.waiting.retain(|old| from.since(old.at) <= GATHERING);
        if self.waiting.len() >= MOST_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(finding);
        self.first = self.waiting.front().map_or(from, |first| first.at);
    }

    /// Raises it if the evidence is enough; tells it when it has become graver.
    pub fn rise(&mut self, facility: &str, loss: Loss, window: &Window, told: &mut Vec<Told>) {
        if self.raised.is_some() {
            let graver = self.alert(facility).filter(|alert| Some(alert.severity) > self.told());
            if let (Some(alert), Some(raised)) = (graver, &mut self.raised) {
                raised.told = (self.last, alert.severity);
                told.push(Told::Updated(alert));
            }
            return;
        }
        if !self.is_enough() {
            return;
        }
        let mut raised = Raised {
            at: self.last,
            facts: Vec::new(),
            count: 0,
            targets: BTreeSet::new(),
            more_targets: 0,
            seconds: VecDeque::new(),
            context: context::empty(),
            loss,
            told: (self.last, Severity::Low),
        };
        for finding in std::mem::take(&mut self.waiting) {
            raised.add(&mut self.signs, &finding);
        }
        self.raised = Some(raised);
        self.look(self.last.as_secs(), window);
        if let (Some(alert), Some(raised)) = (self.alert(facility), &mut self.raised) {
            raised.told.1 = alert.severity;
            told.push(Told::Raised(alert));
        }
    }

    /// Whether the evidence is enough. What concerns nobody in particular is enough when it lasts.
    fn is_enough(&self) -> bool {
        if self.key != Key::Plant {
            return weigh::confidence(self.who(), &weigh::kinds(self.waiting.iter())) >= ENOUGH;
        }
        let fresh =
            self.waiting.iter().map(|finding| finding.at).filter(|at| self.last.since(*at) <= LASTING);
        let seconds: BTreeSet<u64> = fresh.map(Timestamp::as_secs).collect();
        seconds.len() >= PERSISTENT
    }

    /// How fast whoever did it goes just now.
    pub fn measure(&mut self, second: u64, window: &Window) {
        if let Key::Actor(actor) = self.key {
            self.signs.measure(actor, second, window);
        }
    }

    /// A second is over.
    pub fn second(&mut self, now: Timestamp, window: &Window, facility: &str, told: &mut Vec<Told>) {
        let Some(raised) = &self.raised else { return };
        // The picture is best when the minute holds both what was before and what came then.
        let age = now.since(raised.at);
        if age <= PICTURE {
            self.look(now.as_secs().saturating_sub(1), window);
        }
        let Some(raised) = &mut self.raised else { return };
        let (told_at, severity) = raised.told;
        if now.since(told_at) >= AGAIN && self.last > told_at {
            raised.told = (now, severity);
            told.extend(self.alert(facility).map(Told::Updated));
        }
    }

    fn look(&mut self, second: u64, window: &Window) {
        let actor = match self.key {
            Key::Actor(addr) | Key::Target(addr) => Some(addr),
            Key::Plant => None,
        };
        if let Some(raised) = &mut self.raised {
            let behavior = words::doings(&self.signs);
            raised.context =
                context::of(window, second, self.first.as_secs(), &raised.seconds, actor, behavior);
        }
    }

    const fn who(&self) -> Who {
        match self.key {
            Key::Plant => Who::Plant,
            _ if self.stranger => Who::Stranger,
            _ => Who::Known,
        }
    }

    fn told(&self) -> Option<Severity> {
        self.raised.as_ref().map(|raised| raised.told.1)
    }

    /// The alert, if it was raised, as things stand.
    pub fn alert(&self, facility: &str) -> Option<Alert> {
        let raised = self.raised.as_ref()?;
        let case = Case { signs: &self.signs, targets: raised.targets.len(), stranger: self.stranger };
        let candidates = candidates(&case);
        let named = candidates.first().and_then(|first| technique(&first.technique));
        let kinds: Vec<Kind> = raised.facts.iter().map(Fact::as_kind).collect();
        let sure = weigh::confidence(self.who(), &kinds) * (1.0 - raised.loss.share().min(MOST_LOSS));
        let about = words::About {
            key: self.key,
            stranger: self.stranger,
            signs: &self.signs,
            facts: &raised.facts,
            targets: &raised.targets,
            more_targets: raised.more_targets,
            count: raised.count,
            first: self.first,
            last: self.last,
            named,
            loss: raised.loss,
        };
        let actor = match self.key {
            Key::Actor(actor) => Some(actor),
            _ => None,
        };
        let gravest = raised.facts.iter().map(|fact| fact.consequence).fold(0.0, f32::max);
        Some(Alert {
            id: AlertId::new(facility, RULE, &format!("{:?}", self.key), self.first),
            timestamp: raised.at,
            facility_id: facility.to_owned(),
            severity: severity(gravest.max(named.map_or(0.0, |named| named.harm)), self.who()),
            title: words::title(&about),
            description: words::description(&about),
            status: Status::New,
            attack_type: named.map(|named| named.id.to_owned()),
            attack_name: named.map(|named| named.name.to_owned()),
            correlation_confidence: round(sure),
            correlation_summary: words::summary(&about),
            sources: raised.facts.iter().take(MOST_SOURCES).map(Fact::source).collect(),
            context_analysis: Some(raised.context.clone()),
            first_seen: self.first,
            last_seen: self.last,
            count: raised.count,
            src_assets: actor.iter().map(ToString::to_string).collect(),
            dst_assets: raised.targets.iter().map(ToString::to_string).collect(),
            protocol: words::protocol(&raised.facts).to_owned(),
            tactic: named.map(|named| named.tactic.to_owned()),
            candidates,
            maintenance: None,
        })
    }
}

impl Raised {
    fn add(&mut self, signs: &mut Signs, finding: &Finding) {
        self.count += 1;
        let is_new = signs.read(finding);
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
    const fn as_kind(&self) -> Kind {
        Kind { name: self.kind, confidence: self.confidence, different: self.different }
    }

    fn source(&self) -> AlertSource {
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

/// How much an incident matters: what it could do to the process, and whether anyone could be entitled to it.
fn severity(consequence: f32, who: Who) -> Severity {
    let risk = if who == Who::Stranger { consequence } else { consequence * FAMILIAR };
    SEVERITIES.iter().find(|(least, _)| risk >= *least).map_or(Severity::Low, |(_, severity)| *severity)
}

/// Two digits: more is not known.
fn round(share: f32) -> f32 {
    (share * 100.0).round() / 100.0
}

const SEVERITIES: &[(f32, Severity)] =
    &[(0.85, Severity::Critical), (0.5, Severity::High), (0.25, Severity::Medium), (0.0, Severity::Low)];
/// Who belongs to the plant more likely had a reason.
const FAMILIAR: f32 = 0.8;
const RULE: &str = "correlation";
/// Evidence is gathered for so long before it is forgotten: microseconds.
const GATHERING: u64 = 300_000_000;
/// Findings that are kept while an incident waits.
const MOST_WAITING: usize = 64;
/// So many seconds in which something was found about the whole plant make an incident,
const PERSISTENT: usize = 10;
/// when they lie within these microseconds.
const LASTING: u64 = 12_000_000;
/// An alert that goes on is told again after this: microseconds.
const AGAIN: u64 = 60_000_000;
/// For so long after it was raised the minute of context moves on: microseconds.
const PICTURE: u64 = 30_000_000;
const MOST_TARGETS: usize = 256;
const MOST_SOURCES: usize = 16;
/// Sentences that are kept of a kind.
const MOST_SENTENCES: usize = 5;
/// Loss lowers confidence by no more than this.
const MOST_LOSS: f32 = 0.3;
