//! How much evidence is enough. Kinds of evidence speak for something independently of each other; the
//! doubt that each leaves is multiplied, and an incident is raised when little doubt is left.
//!
//! The classifier has its say too, within bounds: it may double or halve the odds six times. That is enough to
//! hold back what it is certain is a benign change, however strong the evidence; where it doubts, evidence
//! decides.
//!
//! A further finding of the same kind says less than one of another kind: doubling their number counts
//! as half a kind. What is new on the network is judged as it is; who belongs to the plant does new
//! things now and then, and is believed more.

use super::clues::identity;
use crate::detect::Finding;

/// Confidence from which an incident is raised.
pub const ENOUGH: f32 = 0.75;

/// How much of a detector's confidence counts.
const TRUST: &[(Who, f32)] = &[(Who::Stranger, 1.0), (Who::Known, 0.6), (Who::Plant, 0.6)];
/// What it says that someone was not there in learning.
const NEW_HERE: f32 = 0.5;
/// How much the classifier has to say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Say {
    /// It multiplies or divides the odds by no more than this.
    pub most: f32,
    /// What is benign is so many times commoner in a plant than where it was taught.
    pub prior: f32,
}

/// As it serves.
pub const SAY: Say = Say { most: 64.0, prior: 16.0 };
/// Evidence that is less sure than this is not made surer.
const WORTH: f32 = 0.55;
/// Kinds that tell the same thing twice.
const SAME: &[(&str, &str)] = &[("card", "asset"), ("broadcast", "asset")];
/// Never quite sure.
const MOST: f32 = 0.99;

/// Whose doings they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Someone who was not there in learning.
    Stranger,
    /// Someone who belongs to the plant.
    Known,
    /// Nobody in particular.
    Plant,
}

/// A kind of evidence: how sure its surest finding is, and how many different ones there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// The surest.
    pub confidence: f32,
    /// Different findings.
    pub different: u32,
}

/// How sure all evidence together is, from 0 to 1.
pub fn confidence(who: Who, kinds: &[Kind]) -> f32 {
    let trust = TRUST.iter().find(|(whose, _)| *whose == who).map_or(1.0, |(_, trust)| *trust);
    let is_newness = |kind: &Kind| same(kind.name) == "asset";
    let mut doubt = 1.0;
    let mut newness: f32 = if who == Who::Stranger { NEW_HERE } else { 0.0 };
    for kind in kinds {
        if is_newness(kind) && who == Who::Stranger && kind.different < 2 {
            newness = newness.max(kind.confidence);
        } else {
            let left = 1.0 - kind.confidence.clamp(0.0, 1.0) * trust;
            doubt *= left.powf(1.0 + 0.5 * (kind.different.max(1) as f32).log2());
        }
    }
    (1.0 - doubt * (1.0 - newness)).min(MOST)
}

/// How sure it is when a classifier, which has so much to say, tells how likely nothing bad happens.
pub fn with_opinion(sure: f32, benign: f32, say: Say) -> f32 {
    let odds = |share: f32| share / (1.0 - share).max(1e-6);
    // Of someone who is only new there is nothing to be said.
    let most = if sure >= WORTH { say.most } else { 1.0 };
    let opinion = (odds(1.0 - benign) / say.prior).clamp(1.0 / say.most, most);
    let odds = odds(sure) * opinion;
    (odds / (1.0 + odds)).min(MOST)
}

/// Whether somebody is there who was not, and that is all: no crime, whatever a classifier thinks of it.
pub fn is_only_newness(kinds: &[Kind]) -> bool {
    kinds.iter().all(|kind| same(kind.name) == "asset")
}

/// The kinds among findings, in the order of their first appearance.
pub fn kinds<'a>(findings: impl Iterator<Item = &'a Finding> + Clone) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    for (at, finding) in findings.clone().enumerate() {
        let name = same(finding.kind);
        let about = identity(finding);
        let again = findings.clone().take(at).any(|old| identity(old) == about);
        match kinds.iter_mut().find(|kind| kind.name == name) {
            Some(kind) => {
                kind.confidence = kind.confidence.max(finding.confidence);
                kind.different += u32::from(!again && finding.kind == name);
            }
            None => kinds.push(Kind { name, confidence: finding.confidence, different: 1 }),
        }
    }
    kinds
}

fn same(kind: &'static str) -> &'static str {
    SAME.iter().find(|(one, _)| *one == kind).map_or(kind, |(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &'static str, confidence: f32, different: u32) -> Kind {
        Kind { name, confidence, different }
    }

    #[test]
    fn one_weak_fact_waits_and_several_kinds_do_not() {
        let page = kind("http page", 0.5, 1);
        let program = kind("http program", 0.4, 1);
        assert!(confidence(Who::Known, &[page]) < ENOUGH);
        assert!(confidence(Who::Known, &[kind("modbus value", 0.9, 1)]) < ENOUGH);
        assert!(
            confidence(Who::Known, &[kind("modbus value", 0.9, 4), kind("modbus place", 0.8, 1)]) > ENOUGH
        );
        assert!(confidence(Who::Stranger, &[kind("asset", 0.6, 1)]) < ENOUGH);
        assert!(confidence(Who::Stranger, &[page, program]) > ENOUGH);
        assert!(confidence(Who::Stranger, &[kind("link", 0.5, 1)]) >= ENOUGH);
    }

    #[test]
    fn a_classifier_moves_the_balance_as_far_as_it_may() {
        assert!(with_opinion(MOST, 1.0, SAY) < ENOUGH, "what is certainly benign is not told");
        assert!(with_opinion(0.95, 0.1, SAY) > ENOUGH, "where it doubts, evidence decides");
        let with_opinion = |sure, benign| with_opinion(sure, benign, Say { most: 4.0, prior: 1.0 });
        assert!((with_opinion(0.7, 0.5) - 0.7).abs() < 1e-6);
        assert!(with_opinion(0.6, 0.01) > ENOUGH);
        assert!(with_opinion(0.5, 0.01) < ENOUGH, "being new is no crime");
        assert!(with_opinion(ENOUGH, 0.9) < ENOUGH);
        assert!(with_opinion(0.95, 1.0) > ENOUGH, "with less to say it cannot hold back strong evidence");
        assert!(with_opinion(0.3, 0.0) < ENOUGH, "weak evidence is not");
    }

    #[test]
    fn being_new_is_not_doing_something() {
        let (asset, card) = (kind("asset", 0.65, 1), kind("broadcast", 0.1, 1));
        assert!(is_only_newness(&[asset, card]));
        assert!(!is_only_newness(&[asset, kind("link", 0.5, 1)]));
    }

    #[test]
    fn more_of_the_same_says_less_than_something_else() {
        let twice = confidence(Who::Known, &[kind("link", 0.5, 2)]);
        let two = confidence(Who::Known, &[kind("link", 0.5, 1), kind("http page", 0.5, 1)]);
        assert!(twice < two, "{twice} {two}");
        assert!(confidence(Who::Stranger, &[kind("link", 0.99, 9999)]) <= MOST);
    }
}
