//! How many numbers a network has, and where they lie.

use fieldward_shared::weights::Layout;
use serde::{Deserialize, Serialize};

use super::super::graph::Graph;

/// Numbers that stand for a thing of the graph.
pub const HIDDEN: usize = 24;

/// How many things of each kind a graph has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Techniques.
    pub techniques: usize,
    /// Tactics.
    pub tactics: usize,
    /// Assets.
    pub assets: usize,
    /// Mitigations.
    pub mitigations: usize,
    /// Words.
    pub words: usize,
    /// Techniques that may come before.
    pub context: usize,
    /// Their tactics.
    pub context_tactics: usize,
}

impl Shape {
    /// Of a graph.
    pub fn of(graph: &Graph) -> Self {
        // No tensor is empty.
        Self {
            techniques: graph.techniques.len(),
            tactics: graph.tactics,
            assets: graph.assets.len().max(1),
            mitigations: graph.mitigations.len().max(1),
            words: graph.words,
            context: graph.context.len().max(1),
            context_tactics: graph.context_tactics.max(1),
        }
    }

    /// Numbers of a question.
    pub const fn question(&self) -> usize {
        3 * HIDDEN + 2 * self.tactics + 3
    }

    /// The weights that are trained, and how far from nothing each begins.
    pub fn trained(&self) -> Vec<([usize; 2], f32)> {
        let square = (1.0 / HIDDEN as f32).sqrt();
        let of = |count: usize| (1.0 / count as f32).sqrt();
        let relation = ([HIDDEN, HIDDEN], square);
        let mut all = vec![
            ([self.techniques, HIDDEN], 0.15),
            ([self.context, HIDDEN], 0.15),
            ([self.tactics, HIDDEN], 0.5),
            ([self.assets, HIDDEN], of(self.assets)),
            ([self.mitigations, HIDDEN], of(self.mitigations)),
            ([self.words, HIDDEN], of(self.words)),
            ([self.context_tactics, HIDDEN], of(self.context_tactics)),
        ];
        all.extend([relation; RELATIONS]);
        all.extend([
            ([self.question(), HIDDEN], of(self.question())),
            ([HIDDEN, HIDDEN], 0.3 * square),
            ([HIDDEN, self.tactics], 0.3 * square),
            ([1, 2 * self.tactics + 1], 0.0),
            ([1, 1], 0.0),
        ]);
        all
    }

    /// The weights that are kept.
    pub fn settled(&self) -> Layout {
        let shapes: [(&str, &[usize]); 7] = [
            ("techniques", &[self.techniques, HIDDEN]),
            ("context", &[self.context, HIDDEN]),
            ("first", &[self.question(), HIDDEN]),
            ("second", &[HIDDEN, HIDDEN]),
            ("tactic", &[HIDDEN, self.tactics]),
            ("offset", &[2 * self.tactics + 1]),
            ("weight", &[1]),
        ];
        Layout::new(shapes)
    }
}

/// Matrices between things: twice self, tactic, asset, mitigation and actor; from actors to the context, and what an
/// actor is after the first layer.
pub(super) const RELATIONS: usize = 12;
