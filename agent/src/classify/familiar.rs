//! How far a case lies from those that were taught. A network is sure of itself also where it was taught
//! nothing; the distance to the nearest of what it was taught says whether it may be.

use serde::{Deserialize, Serialize};

use super::{INPUTS, Input};

/// What was taught: some typical cases of each technique.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Familiar {
    /// What a difference in each number is divided by: how much cases of one technique differ there.
    pub scale: Vec<f32>,
    /// Typical cases, one after another, in steps of [`STEP`].
    pub cases: Vec<u8>,
}

impl Familiar {
    /// Of these cases.
    pub fn new(scale: Vec<f32>, cases: &[Input]) -> Self {
        let steps = cases.iter().flatten().map(|value| (value / STEP).round().clamp(0.0, 255.0) as u8);
        Self { scale, cases: steps.collect() }
    }

    /// The cases.
    pub fn inputs(&self) -> impl Iterator<Item = Input> {
        let cases = self.cases.chunks_exact(INPUTS);
        cases.filter_map(|case| {
            <&[u8; INPUTS]>::try_from(case).ok().map(|case| case.map(|value| f32::from(value) * STEP))
        })
    }

    /// Whether a distance from it is a number.
    pub fn is_sound(&self) -> bool {
        let is_scale = |scale: &f32| scale.is_finite() && *scale > 0.0;
        self.cases.is_empty()
            || self.cases.len().is_multiple_of(INPUTS)
                && self.scale.len() == INPUTS
                && self.scale.iter().all(is_scale)
    }

    /// How far the nearest of them is; nothing is far from nothing.
    pub fn distance(&self, input: &Input) -> f32 {
        let squares = |case: &[u8]| -> f32 {
            let numbers = input.iter().zip(case).zip(&self.scale);
            numbers.map(|((is, was), scale)| ((is - f32::from(*was) * STEP) / scale).powi(2)).sum()
        };
        let nearest = self.cases.chunks_exact(INPUTS).map(squares).min_by(f32::total_cmp);
        nearest.map_or(0.0, f32::sqrt)
    }
}

/// The largest number is that of some ten million, 16.
const STEP: f32 = 1.0 / 16.0;
