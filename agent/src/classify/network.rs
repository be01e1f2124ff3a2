//! The classifier's network as plain loops: equal to the trained one within rounding, and quicker.

use fieldward_shared::weights::{Misfit, WeightVector};

use super::{Input, layout};

/// Its weights.
pub struct Network {
    layers: [Layer; 3],
}

struct Layer {
    /// A row for each input.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Network {
    /// A network with these weights for so many classes.
    pub fn new(weights: &WeightVector, classes: usize) -> Result<Self, Misfit> {
        let layout = layout(classes);
        weights.fit(&layout)?;
        let part =
            |name: &str| layout.range(name).map(|at| weights.values()[at].to_vec()).unwrap_or_default();
        let layer = |name: &str| Layer { weights: part(name), bias: part(&format!("{name} bias")) };
        Ok(Self { layers: ["first", "second", "output"].map(layer) })
    }

    /// What speaks for each class.
    pub fn logits(&self, input: &Input) -> Vec<f32> {
        let [first, second, output] = &self.layers;
        let mut hidden = first.apply(input);
        hidden.iter_mut().for_each(|value| *value = value.max(0.0));
        let mut hidden = second.apply(&hidden);
        hidden.iter_mut().for_each(|value| *value = value.max(0.0));
        output.apply(&hidden)
    }
}

impl Layer {
    fn apply(&self, values: &[f32]) -> Vec<f32> {
        let mut sums = self.bias.clone();
        for (value, weights) in values.iter().zip(self.weights.chunks_exact(self.bias.len())) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
        sums
    }
}
