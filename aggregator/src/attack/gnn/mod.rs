//! The network: a relational graph network over techniques, tactics, assets, mitigations, words of names, and who used
//! what, with the history of what was seen as its question. A head for the next tactic stands beside the one for
//! techniques, and moves it.
//!
//! `train.rs` teaches it with burn. What it says of the graph does not depend on the question, so a trained
//! network is kept as what it made of each technique ([`Settled`]) and is asked by plain loops.

mod inputs;
mod shape;
pub mod train;

use fieldward_shared::weights::{Misfit, WeightVector};
use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::sequences::History;
pub use inputs::Inputs;
pub use shape::{HIDDEN, Shape};

/// A network that was trained: several that began differently, whose mean is the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// For which numbers of things.
    pub shape: Shape,
    /// Their weights.
    pub members: Vec<WeightVector>,
    /// What makes a probability of the mean's.
    pub scale: Scale,
}

/// What is done to the log-odds of a probability so that it means what it says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// What they are divided by.
    pub temperature: f32,
    /// What is added then.
    pub offset: f32,
}

impl Default for Scale {
    fn default() -> Self {
        Self { temperature: 1.0, offset: 0.0 }
    }
}

impl Scale {
    /// The probability.
    pub fn apply(&self, probability: f32) -> f32 {
        let odds = probability.clamp(1e-6, 1.0 - 1e-6);
        let odds = (odds / (1.0 - odds)).ln() / self.temperature + self.offset;
        1.0 / (1.0 + (-odds).exp())
    }
}

/// What comes next, as a network says.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// Of each technique; what was seen already has nothing. They add up to one.
    pub techniques: Vec<f32>,
    /// Of each tactic.
    pub tactics: Vec<f32>,
}

impl Network {
    /// Asks all members and gives their mean, not scaled.
    pub fn outlook(&self, graph: &Graph, history: &History) -> Outlook {
        let inputs = Inputs::of(graph, history);
        let mut outlook =
            Outlook { techniques: vec![0.0; self.shape.techniques], tactics: vec![0.0; self.shape.tactics] };
        for member in &self.members {
            let one = Settled::new(self.shape, member.values()).outlook(graph, &inputs);
            add(&mut outlook.techniques, &one.techniques);
            add(&mut outlook.tactics, &one.tactics);
        }
        let count = self.members.len().max(1) as f32;
        outlook.techniques.iter_mut().chain(&mut outlook.tactics).for_each(|value| *value /= count);
        outlook
    }

    /// Whether it belongs to a graph.
    pub fn fit(&self, graph: &Graph) -> Result<(), Misfit> {
        let shape = Shape::of(graph);
        if self.shape != shape {
            return Err(Misfit::Length { found: self.shape.techniques, wanted: shape.techniques });
        }
        self.members.iter().try_for_each(|member| member.fit(&shape.settled()))
    }
}

/// A member as it is asked: what it made of the graph, and its heads.
struct Settled<'a> {
    shape: Shape,
    techniques: &'a [f32],
    context: &'a [f32],
    first: &'a [f32],
    second: &'a [f32],
    tactic: &'a [f32],
    offset: &'a [f32],
    weight: f32,
}

impl<'a> Settled<'a> {
    fn new(shape: Shape, mut rest: &'a [f32]) -> Self {
        let mut take = |count: usize| {
            let (part, after) = rest.split_at(count.min(rest.len()));
            rest = after;
            part
        };
        Self {
            shape,
            techniques: take(shape.techniques * HIDDEN),
            context: take(shape.context * HIDDEN),
            first: take(shape.question() * HIDDEN),
            second: take(HIDDEN * HIDDEN),
            tactic: take(HIDDEN * shape.tactics),
            offset: take(2 * shape.tactics + 1),
            weight: take(1).first().copied().unwrap_or_default(),
        }
    }

    fn outlook(&self, graph: &Graph, inputs: &Inputs) -> Outlook {
        let mut question = mean(&inputs.last, self.techniques);
        question.extend(mean(&inputs.decayed, self.techniques));
        question.extend(mean(&inputs.context, self.context));
        question.extend(&inputs.plain);
        let asked: Vec<f32> = product(&question, self.first, HIDDEN).into_iter().map(f32::tanh).collect();
        let mut tactics = product(&asked, self.tactic, self.shape.tactics);
        tactics.iter_mut().zip(&inputs.offsets).for_each(|(logit, at)| *logit += self.offset[*at]);
        softmax(&mut tactics);
        let wanted = product(&asked, self.second, HIDDEN);
        let logit = |(at, one): (usize, &[f32])| {
            let fit: f32 = one.iter().zip(&wanted).map(|(is, want)| is * want).sum();
            let tactic: f32 = graph.tactics_of[at].iter().map(|place| tactics[*place]).sum();
            fit + self.weight * (tactic + LEAST).ln() - inputs.seen[at] * SEEN
        };
        let mut techniques: Vec<f32> = self.techniques.chunks_exact(HIDDEN).enumerate().map(logit).collect();
        softmax(&mut techniques);
        Outlook { techniques, tactics }
    }
}

/// The weighted mean of rows; nothing of nothing.
fn mean(weights: &[f32], rows: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0; HIDDEN];
    let all: f32 = weights.iter().sum::<f32>().max(1.0);
    for (weight, row) in weights.iter().zip(rows.chunks_exact(HIDDEN)).filter(|(weight, _)| **weight != 0.0) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight / all * value);
    }
    sums
}

fn product(row: &[f32], matrix: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    for (value, weights) in row.iter().zip(matrix.chunks_exact(columns)) {
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
    }
    sums
}

fn add(sums: &mut [f32], values: &[f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

/// Makes probabilities of logits.
pub fn softmax(values: &mut [f32]) {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    values.iter_mut().for_each(|value| *value = (*value - most).exp());
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum.max(f32::MIN_POSITIVE));
}

/// What is taken from what was seen already.
const SEEN: f32 = 1e4;
/// So that no tactic is impossible.
const LEAST: f32 = 1e-9;
