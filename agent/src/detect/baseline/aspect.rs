//! What an aspect and a fact are. How a fact that breaks the baseline is weighed stands in the aspect, so
//! that a new aspect is a `static` and nothing else.

use std::fmt::Display;

use crate::flow::Addr;

/// One side of what a plant does.
pub struct Aspect {
    /// Its name in files and findings.
    pub name: &'static str,
    /// The protocol in which it shows.
    pub protocol: &'static str,
    /// How sure a fact that is new is a finding.
    pub confidence: f32,
    /// How much it could hurt.
    pub consequence: f32,
    /// A new fact in words: who, does what.
    pub sentence: &'static str,
    /// What it means that nobody learnt a fact.
    pub unknown: Unknown,
    /// How far beyond the learnt range a value may lie, as a share of that range.
    pub margin: f64,
    /// Further shares of the range, divided by how often the fact was seen: a few sightings say little.
    pub few: f64,
    /// The same in steps of the value.
    pub slack: f64,
    /// Whether a value may also be too small.
    pub both_sides: bool,
    /// A range that reaches this far teaches nothing.
    pub useless: f64,
    /// What the confidence is multiplied with where others were seen to do the same there.
    pub others: f32,
    /// Where others were seen to do the same but for its numbers.
    pub kin: f32,
    /// Where this actor was seen to do the same elsewhere.
    pub elsewhere: f32,
    /// The same where that was another server altogether.
    pub far: f32,
    /// Where this actor was seen to do other things there.
    pub there: f32,
    /// After so many seconds without it, it is said anew when it comes back.
    pub pause: u64,
    /// Whether it says how much there is of something, not what.
    pub is_volume: bool,
}

impl Aspect {
    /// What most aspects are.
    pub const USUAL: Self = Self {
        name: "",
        protocol: "ip",
        confidence: 0.5,
        consequence: 0.3,
        sentence: "",
        unknown: Unknown::New,
        margin: 0.0,
        few: 0.0,
        slack: 0.0,
        both_sides: false,
        useless: f64::INFINITY,
        others: 0.8,
        kin: 1.0,
        elsewhere: 0.7,
        far: 0.7,
        there: 0.9,
        pause: 120,
        is_volume: false,
    };
}

/// What it means that nobody learnt a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It is new: a finding.
    New,
    /// The most that anybody else was seen to do is the measure.
    Most,
    /// Nothing: only what was learnt can be missed.
    Nothing,
}

/// One thing that was seen.
pub struct Fact<'a> {
    /// Which side of the plant's doings.
    pub aspect: &'static Aspect,
    /// Who.
    pub actor: Addr,
    /// To whom.
    pub target: Option<Addr>,
    /// The same number for the same fact.
    pub key: u64,
    /// What sort of its aspect, where there are several: a stable word.
    pub sort: &'static str,
    /// What, without the actor: the same text for the same fact. What is done and where stand apart:
    /// `deed @ place`.
    pub what: &'a dyn Display,
    /// How much, where that counts.
    pub value: Option<f64>,
}
