//! What a network reads of a history.

use super::super::graph::Graph;
use super::super::sequences::History;

/// A history in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Techniques of the last stage.
    pub last: Vec<f32>,
    /// All techniques, those of older stages less.
    pub decayed: Vec<f32>,
    /// Of the office.
    pub context: Vec<f32>,
    /// What was seen.
    pub seen: Vec<f32>,
    /// Tactics that were seen, the last of them (its first place: none), how much was seen, whether anything of the
    /// office was.
    pub plain: Vec<f32>,
    /// For each tactic, which offset from the last it is.
    pub offsets: Vec<usize>,
}

impl Inputs {
    /// Of a history.
    pub fn of(graph: &Graph, history: &History) -> Self {
        let (techniques, tactics) = (graph.techniques.len(), graph.tactics);
        let mut inputs = Self {
            last: vec![0.0; techniques],
            decayed: vec![0.0; techniques],
            context: vec![0.0; graph.context.len().max(1)],
            seen: vec![0.0; techniques],
            plain: vec![0.0; 2 * tactics + 3],
            offsets: Vec::with_capacity(tactics),
        };
        let known = |technique: &&usize| **technique < techniques;
        for (age, stage) in history.stages.iter().rev().enumerate() {
            for technique in stage.iter().filter(known) {
                // What was done again counts as when it was done last.
                let weight = FADING.powi(i32::try_from(age).unwrap_or(i32::MAX));
                inputs.decayed[*technique] = inputs.decayed[*technique].max(weight);
                inputs.seen[*technique] = 1.0;
                inputs.plain[graph.stage(*technique)] = 1.0;
            }
        }
        history.last().iter().filter(known).for_each(|technique| inputs.last[*technique] = 1.0);
        for technique in history.context.iter().filter(|place| **place < graph.context.len()) {
            inputs.context[*technique] = 1.0;
        }
        let place = history.stage(graph).map_or(0, |stage| stage + 1);
        inputs.plain[tactics + place] = 1.0;
        inputs.plain[2 * tactics + 1] = (1.0 + inputs.seen.iter().sum::<f32>()).ln();
        inputs.plain[2 * tactics + 2] = f32::from(u8::from(inputs.context.iter().any(|is| *is > 0.0)));
        // From -tactics to tactics, shifted.
        inputs.offsets.extend((0..tactics).map(|tactic| (tactic + 1 + tactics) - place));
        inputs
    }
}

/// How much less a stage counts than the next one.
const FADING: f32 = 0.6;
