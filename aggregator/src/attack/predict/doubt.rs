//! A technique that was seen and may have been another: what comes after each, by how likely it was that one.

use std::collections::BTreeMap;

use super::super::gnn::Outlook;
use super::super::graph::Graph;
use super::super::sequences::History;
use super::{Predictor, whole};

/// Which technique one of those that were seen may have been.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Doubt {
    /// As which it is told.
    pub named: String,
    /// All that it may have been, the named one too, and how likely each is.
    pub may_be: Vec<(String, f32)>,
}

impl Doubt {
    /// What a technique may have been, by shares that add up to one; nothing where there is no doubt.
    pub(super) fn shares(&self, predictor: &Predictor, graph: &Graph) -> Vec<(usize, f32)> {
        let mut shares: BTreeMap<usize, f32> = BTreeMap::new();
        let told = self.may_be.iter().take(MOST);
        for (id, share) in told.filter(|(_, share)| share.is_finite() && *share > 0.0) {
            if let Some(place) = predictor.id(id).and_then(|id| graph.place(&whole(&id))) {
                *shares.entry(place).or_default() += share.min(1.0);
            }
        }
        let is_named = graph.place(&whole(&self.named)).is_some_and(|named| shares.contains_key(&named));
        if !is_named || shares.len() < 2 {
            return Vec::new();
        }
        let sum: f32 = shares.values().sum();
        shares.into_iter().map(|(place, share)| (place, share / sum)).collect()
    }
}

/// The mean of answers by their shares; what was seen stays out.
pub(super) fn mean(
    answers: impl Iterator<Item = ((Outlook, Vec<f32>), f32)>,
    history: &History,
) -> (Outlook, Vec<f32>) {
    let (mut all, mut markov) = (Outlook { techniques: Vec::new(), tactics: Vec::new() }, Vec::new());
    let add = |sums: &mut Vec<f32>, values: Vec<f32>, share: f32| {
        sums.resize(values.len(), 0.0);
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value);
    };
    for ((outlook, counted), share) in answers {
        add(&mut all.techniques, outlook.techniques, share);
        add(&mut all.tactics, outlook.tactics, share);
        add(&mut markov, counted, share);
    }
    for values in [&mut all.techniques, &mut markov] {
        history.seen().into_iter().for_each(|at| values[at] = 0.0);
        let sum = values.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        values.iter_mut().for_each(|value| *value /= sum);
    }
    (all, markov)
}

/// Techniques that one may have been: those behind are unlikely, and each is asked for apart.
const MOST: usize = 5;
