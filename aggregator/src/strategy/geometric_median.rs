//! Geometric median: the point from which the way to all updates together is shortest (Weiszfeld's steps, each of
//! them one pass over the updates).

use super::parts::{each, follow};
use super::{Kind, Part, Sees, Settings, Strategy, StrategyError};

pub const KIND: Kind = Kind {
    name: "geometric_median",
    about: "The point from which the way to all plants together is shortest.",
    sees: Sees::Each,
    new: |settings, _| {
        settings.check()?;
        Ok(Box::new(GeometricMedian(*settings)))
    },
};

struct GeometricMedian(Settings);

impl Strategy for GeometricMedian {
    fn combine(&mut self, parts: &[Part<'_>]) -> Result<Vec<f32>, StrategyError> {
        follow(&self.0, middle(&each(KIND.name, parts)?))
    }
}

fn middle(updates: &[&[f32]]) -> Vec<f32> {
    let mut weights = vec![1.0; updates.len()];
    let mut point = weighted(updates, &weights);
    for _ in 0..STEPS {
        for (weight, update) in weights.iter_mut().zip(updates) {
            // One that lies at the point itself would have all the weight there is.
            *weight = distance(&point, update).max(NEAREST).recip();
        }
        let next = weighted(updates, &weights);
        let moved: f64 = next.iter().zip(&point).map(|(one, other)| (one - other).powi(2)).sum();
        let length: f64 = next.iter().map(|value| value.powi(2)).sum();
        point = next;
        if moved <= SETTLED * length {
            break;
        }
    }
    point.into_iter().map(|value| value as f32).collect()
}

fn weighted(updates: &[&[f32]], weights: &[f64]) -> Vec<f64> {
    let all: f64 = weights.iter().sum();
    let mut sum = vec![0.0; updates.first().map_or(0, |first| first.len())];
    for (update, weight) in updates.iter().zip(weights) {
        let share = weight / all;
        sum.iter_mut().zip(*update).for_each(|(sum, value)| *sum += share * f64::from(*value));
    }
    sum
}

fn distance(point: &[f64], update: &[f32]) -> f64 {
    point.iter().zip(update).map(|(point, value)| (point - f64::from(*value)).powi(2)).sum::<f64>().sqrt()
}

/// It settles in far fewer, but for updates that were made to keep it going.
const STEPS: usize = 128;
const NEAREST: f64 = 1e-9;
/// It has settled when a step is a ten-millionth of where it stands (squares).
const SETTLED: f64 = 1e-14;
