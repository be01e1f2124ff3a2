//! An incident: first it waits and gathers findings, then it is raised and only counts them, so that an
//! attack of hours takes no more room than one of seconds. As an alert it is written whenever asked.

use std::collections::{BTreeSet, VecDeque};

use fieldward_shared::alert::{Alert, AlertId, AlertSource, Severity, Status};
use fieldward_shared::time::Timestamp;

use super::clues::{self, Clues};
use super::raised::{Fact, Raised, round};
use super::surge::{Pulse, Surge};
use super::weigh::{self, ENOUGH, Kind, SAY, Who};
use super::{Loss, Picture, Told, context, words};
use crate::classify::technique::technique;
use crate::classify::{Answer, Case, Classifier};
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
    clues: Clues,
    surge: Surge,
    raised: Option<Raised>,
    /// Clues that whoever did it showed in alerts before this one.
    shown: u128,
    /// What may be the next thing he does, until it is one or turns out to belong here.
    next: Option<Box<Incident>>,
}

impl Incident {
    /// One that begins.
    pub fn new(key: Key, first: Timestamp, surge: Surge) -> Self {
        Self {
            key,
            first,
            last: first,
            stranger: false,
            waiting: VecDeque::new(),
            clues: Clues::default(),
            surge,
            raised: None,
            shown: 0,
            next: None,
        }
    }

    /// What it is about.
    pub const fn key(&self) -> Key {
        self.key
    }

    /// The first finding.
    pub const fn first(&self) -> Timestamp {
        self.first
    }

    /// Which clues there are, a bit each.
    pub fn kinds(&self) -> u128 {
        self.clues.kinds()
    }

    /// The likeliest technique when it was raised.
    pub fn technique(&self) -> Option<&str> {
        self.raised.as_ref()?.technique.as_deref()
    }

    /// Whether something was too much before it is raised.
    pub fn is_more(&self) -> bool {
        self.waiting.iter().any(|finding| finding.is_more)
    }

    /// Whether whoever did it was not there in learning.
    pub const fn is_stranger(&self) -> bool {
        self.stranger
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

    /// Another finding; `surge` is what another thing that begins now is held against, if it may be told.
    pub fn find(&mut self, finding: Finding, stranger: bool, surge: Option<Surge>) {
        self.last = self.last.max(finding.at);
        self.stranger |= stranger;
        if let Some(raised) = &mut self.raised {
            let known = self.shown | self.clues.kinds();
            let is_else = clues::kind(&finding) & known == 0 && !finding.is_more;
            let is_else = is_else && finding.at.since(raised.at) > STAGE;
            match surge.filter(|_| is_else && matches!(self.key, Key::Actor(_))) {
                Some(surge) => {
                    let begun = || Box::new(Self { shown: known, ..Self::new(self.key, finding.at, surge) });
                    self.next.get_or_insert_with(begun).find(finding, self.stranger, None);
                }
                None => {
                    raised.add(&mut self.clues, &finding);
                }
            }
            return;
        }
        let from = finding.at;
        self.waiting.retain(|old| from.since(old.at) <= GATHERING);
        if self.waiting.len() >= MOST_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(finding);
        self.clues.count(self.waiting.iter());
        self.first = self.waiting.front().map_or(from, |first| first.at);
    }

    /// The next thing that whoever did it does, once it is known for another technique than this one. What
    /// is the same technique belongs here.
    pub fn turn(&mut self, classifier: Option<&Classifier>, already: &[String]) -> Option<Self> {
        let next = self.next.as_ref()?;
        let classifier = classifier?;
        if !next.is_enough(Some(classifier), already) {
            return None;
        }
        let (then, now) = (classifier.answer(&self.case()), classifier.answer(&next.case()));
        let named = now.techniques.first().filter(|first| !now.is_unknown && first.probability >= TURN);
        if named
            .is_none_or(|named| then.techniques.first().is_some_and(|one| one.technique == named.technique))
        {
            self.settle();
            return None;
        }
        self.next.take().map(|next| *next)
    }

    /// What might have been the next thing belongs here.
    pub fn settle(&mut self) {
        let Some(next) = self.next.take() else { return };
        if let Some(raised) = &mut self.raised {
            next.waiting.iter().for_each(|finding| raised.add(&mut self.clues, finding));
        }
    }

    /// How much the gravest of its findings could hurt.
    pub fn gravest(&self) -> f32 {
        let facts = self.raised.iter().flat_map(|raised| &raised.facts).map(|fact| fact.consequence);
        facts.chain(self.waiting.iter().map(|finding| finding.consequence)).fold(0.0, f32::max)
    }

    /// The technique that it looks most like just now.
    pub fn likeliest(&self, classifier: &Classifier) -> Option<String> {
        Some(classifier.answer(&self.case()).techniques.into_iter().next()?.technique)
    }

    /// It was quiet, and then there was more of it.
    pub fn go_on(&mut self, more: Self) {
        let Some(raised) = &mut self.raised else { return };
        more.waiting.iter().for_each(|finding| raised.add(&mut self.clues, finding));
        self.last = self.last.max(more.last);
        raised.told.0 = self.last;
    }

    /// Raises it if the evidence is enough; tells it when it has become graver.
    pub fn rise(
        &mut self,
        facility: &str,
        classifier: Option<&Classifier>,
        already: &[String],
        loss: Loss,
        window: &Window,
        told: &mut Vec<Told>,
    ) {
        if let Some(raised) = &mut self.raised {
            if !std::mem::take(&mut raised.has_news) {
                return;
            }
            let graver = self.alert(facility, classifier).filter(|alert| Some(alert.severity) > self.told());
            if let (Some(alert), Some(raised)) = (graver, &mut self.raised) {
                raised.told = (self.last, alert.severity);
                told.push(Told::Updated(alert));
            }
            return;
        }
        if !self.is_enough(classifier, already) {
            return;
        }
        let mut raised = Raised::new(self.last, loss);
        self.clues.forget();
        for finding in std::mem::take(&mut self.waiting) {
            raised.add(&mut self.clues, &finding);
        }
        self.raised = Some(raised);
        self.look(self.last.as_secs(), window);
        if let (Some(alert), Some(raised)) = (self.alert(facility, classifier), &mut self.raised) {
            raised.told.1 = alert.severity;
            raised.technique = alert.candidates.first().map(|first| first.technique.clone());
            told.push(Told::Raised(alert));
        }
    }

    /// Whether the evidence is enough. What concerns nobody in particular is enough when it lasts.
    /// What was `told` already of whoever did it must stand without his newness.
    fn is_enough(&self, classifier: Option<&Classifier>, told: &[String]) -> bool {
        if self.key != Key::Plant {
            let answer = classifier.map(|classifier| classifier.answer(&self.case()));
            let first = answer.as_ref().and_then(|answer| answer.techniques.first());
            let is_told = first.is_some_and(|first| told.contains(&first.technique));
            let who = if is_told && self.stranger { Who::Known } else { self.who() };
            let kinds = weigh::kinds(self.waiting.iter());
            let sure = weigh::confidence(who, &kinds);
            let answer = answer.filter(|_| !weigh::is_only_newness(&kinds));
            return answer.map_or(sure, |answer| weigh::with_opinion(sure, answer.benign, SAY)) >= ENOUGH;
        }
        let fresh =
            self.waiting.iter().map(|finding| finding.at).filter(|at| self.last.since(*at) <= LASTING);
        let seconds: BTreeSet<u64> = fresh.map(Timestamp::as_secs).collect();
        seconds.len() >= PERSISTENT
    }

    /// What the plant sent in a second of it.
    pub fn pass(&mut self, pulse: &Pulse) {
        self.surge.pass(pulse);
        if let Some(next) = &mut self.next {
            next.surge.pass(pulse);
        }
    }

    /// How fast whoever did it goes just now.
    pub fn measure(&mut self, second: u64, window: &Window) {
        if let Key::Actor(actor) = self.key {
            self.clues.measure(actor, second, window);
        }
    }

    /// A second is over.
    pub fn second(
        &mut self,
        now: Timestamp,
        window: &Window,
        facility: &str,
        classifier: Option<&Classifier>,
        told: &mut Vec<Told>,
    ) {
        if self.next.as_ref().is_some_and(|next| now.since(next.first) > STAGE_PATIENCE) {
            self.settle();
        }
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
            told.extend(self.alert(facility, classifier).map(Told::Updated));
        }
    }

    fn look(&mut self, second: u64, window: &Window) {
        let actor = match self.key {
            Key::Actor(addr) | Key::Target(addr) => Some(addr),
            Key::Plant => None,
        };
        if let Some(raised) = &mut self.raised {
            let behavior = words::doings(&self.clues);
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

    /// What the classifier is shown.
    fn case(&self) -> Case<'_> {
        let (targets, findings) = match &self.raised {
            Some(raised) => (raised.targets.len() as u64 + raised.more_targets, raised.count),
            None => {
                let targets: BTreeSet<Addr> = self.waiting.iter().filter_map(|one| one.target).collect();
                (targets.len() as u64, self.waiting.len() as u64)
            }
        };
        Case {
            clues: &self.clues,
            surge: &self.surge,
            stranger: self.stranger,
            has_actor: matches!(self.key, Key::Actor(_)),
            targets,
            findings,
            seconds: self.last.since(self.first) / 1_000_000,
        }
    }

    /// How things stand, to learn from.
    pub fn picture(&self) -> Picture {
        let case = self.case();
        let kinds = match &self.raised {
            Some(raised) => raised.facts.iter().map(Fact::as_kind).collect(),
            None => weigh::kinds(self.waiting.iter()),
        };
        let key = match self.key {
            Key::Actor(addr) | Key::Target(addr) => Some(addr),
            Key::Plant => None,
        };
        let targets: BTreeSet<Addr> = match &self.raised {
            Some(raised) => raised.targets.clone(),
            None => self.waiting.iter().filter_map(|one| one.target).collect(),
        };
        Picture {
            input: case.input(),
            sure: weigh::confidence(self.who(), &kinds),
            is_raised: self.is_raised(),
            first: self.first,
            last: self.last,
            findings: case.findings,
            named: key.into_iter().chain(targets).map(|addr| addr.to_string()).collect(),
        }
    }

    /// The id of its alert.
    pub fn id(&self, facility: &str) -> AlertId {
        AlertId::new(facility, RULE, &format!("{:?}", self.key), self.first)
    }

    /// The alert, if it was raised, as things stand.
    pub fn alert(&self, facility: &str, classifier: Option<&Classifier>) -> Option<Alert> {
        let raised = self.raised.as_ref()?;
        let answer = classifier.map(|classifier| classifier.answer(&self.case()));
        let first = answer.as_ref().filter(|answer| !answer.is_unknown);
        let named = first.and_then(|answer| technique(&answer.techniques.first()?.technique));
        let kinds: Vec<Kind> = raised.facts.iter().map(Fact::as_kind).collect();
        let sure = weigh::confidence(self.who(), &kinds);
        let sure = answer.as_ref().map_or(sure, |answer| weigh::with_opinion(sure, answer.benign, SAY));
        let sure = sure * (1.0 - raised.loss.share().min(MOST_LOSS));
        let about = words::About {
            key: self.key,
            stranger: self.stranger,
            clues: &self.clues,
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
        let gravest = self.gravest();
        Some(Alert {
            id: self.id(facility),
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
            sources: (raised.facts.iter().take(MOST_SOURCES).map(Fact::source))
                .chain(answer.as_ref().map(|answer| opinion(answer, self.last)))
                .collect(),
            context_analysis: Some(raised.context.clone()),
            first_seen: self.first,
            last_seen: self.last,
            count: raised.count,
            src_assets: actor.iter().map(ToString::to_string).collect(),
            dst_assets: raised.targets.iter().map(ToString::to_string).collect(),
            protocol: words::protocol(&raised.facts).to_owned(),
            tactic: named.map(|named| named.tactic.to_owned()),
            candidates: answer.map(Answer::likeliest).unwrap_or_default(),
            maintenance: None,
        })
    }
}

/// What the classifier says.
fn opinion(answer: &Answer, at: Timestamp) -> AlertSource {
    let first = answer.techniques.first().map_or(0.0, |first| first.probability);
    AlertSource {
        layer: 2,
        model_name: "classifier".to_owned(),
        confidence: round(first),
        detection_time: at,
        evidence: words::opinion(answer),
        context_evidence: serde_json::json!({
            "benign": round(answer.benign), "unknown": answer.is_unknown,
        }),
    }
}

/// How much an incident matters: what it could do to the process, and whether anyone could be entitled to it.
fn severity(consequence: f32, who: Who) -> Severity {
    let risk = if who == Who::Stranger { consequence } else { consequence * FAMILIAR };
    SEVERITIES.iter().find(|(least, _)| risk >= *least).map_or(Severity::Low, |(_, severity)| *severity)
}

const SEVERITIES: &[(f32, Severity)] =
    &[(0.85, Severity::Critical), (0.5, Severity::High), (0.25, Severity::Medium), (0.0, Severity::Low)];
/// Who belongs to the plant more likely had a reason.
const FAMILIAR: f32 = 0.8;
/// So long after an alert was raised something else may be the next thing: microseconds.
const STAGE: u64 = 3_000_000;
/// Waits so long to be known for one: microseconds.
const STAGE_PATIENCE: u64 = 60_000_000;
/// How likely another technique must be to make it one.
const TURN: f32 = 0.5;
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
const MOST_SOURCES: usize = 16;
/// Loss lowers confidence by no more than this.
const MOST_LOSS: f32 = 0.3;
