//! The gradient of each minute by itself, cut to a norm, and the sum of those: what one minute can do to a step
//! is bounded, whatever it holds.
//!
//! The gradient of a weight is a sum over steps of what went in times how the error changes with what came out,
//! so its norm follows from products of the steps among each other (ghost norms, Goodfellow 2015): no minute's
//! gradient is ever written out, and all of them cost little more than one of the whole batch.

use super::gradient::{GATES, Passed};
use super::model::{Autoencoder, HIDDEN};
use super::steps::STEPS;

/// The sum of cut gradients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summed {
    /// In the order of the layout.
    pub gradient: Vec<f32>,
    /// The sum of the losses.
    pub loss: f64,
    /// How many were longer than the norm.
    pub cut: usize,
}

/// The sum of the gradients of the mean squared errors of these minutes, each cut to `clip`.
pub fn clipped(network: &Autoencoder, minutes: &[f32], inputs: usize, clip: f64) -> Summed {
    let width = STEPS * inputs;
    let scale = 2.0 / width as f32;
    let mut passed = Passed::through(network, minutes, inputs, scale);
    let norms: Vec<f64> = (0..passed.count).map(|minute| norm2(&passed, minute).sqrt()).collect();
    if norms.iter().any(|norm| !norm.is_finite()) {
        // A minute whose gradient is no number adds nothing.
        let minutes = minutes.chunks_exact(width).zip(&norms).filter(|(_, norm)| norm.is_finite());
        let minutes: Vec<f32> = minutes.flat_map(|(minute, _)| minute).copied().collect();
        return clipped(network, &minutes, inputs, clip);
    }
    let cut = norms.iter().filter(|norm| **norm > clip).count();
    let factors: Vec<f32> =
        norms.iter().map(|norm| if *norm > clip { (clip / norm) as f32 } else { 1.0 }).collect();
    let loss = passed.wrong.iter().map(|wrong| f64::from(wrong / scale).powi(2)).sum::<f64>() / width as f64;
    for (rows, width) in
        [(&mut passed.by_read, GATES), (&mut passed.by_told, GATES), (&mut passed.wrong, inputs)]
    {
        for (row, factor) in rows.chunks_exact_mut(width).zip(factors.iter().cycle()) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
    }
    Summed { gradient: passed.flat(), loss, cut }
}

/// The same by a loop of minutes, one at a time: what [`clipped`] is held against.
pub fn one_by_one(network: &Autoencoder, minutes: &[f32], inputs: usize, clip: f64) -> Summed {
    let width = STEPS * inputs;
    let scale = 2.0 / width as f32;
    let mut sum = Summed::default();
    for minute in minutes.chunks_exact(width) {
        let passed = Passed::through(network, minute, inputs, scale);
        let gradient = passed.flat();
        let norm = gradient.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        let factor = if norm > clip { (clip / norm) as f32 } else { 1.0 };
        sum.cut += usize::from(norm > clip);
        sum.gradient.resize(gradient.len(), 0.0);
        sum.gradient.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value * factor);
        sum.loss +=
            passed.wrong.iter().map(|wrong| f64::from(wrong / scale).powi(2)).sum::<f64>() / width as f64;
    }
    sum
}

/// The squared norm of a minute's gradient.
fn norm2(passed: &Passed, minute: usize) -> f64 {
    let table = |rows: &[f32], width: usize| Table::of(rows, width, passed.count, minute);
    let (given, read) = (table(&passed.given, passed.inputs), table(&passed.read, HIDDEN));
    let (told, code) = (table(&passed.told, HIDDEN), &passed.code[minute * HIDDEN..][..HIDDEN]);
    let code = product(code, code);
    let (by_read, by_told) = (table(&passed.by_read, GATES), table(&passed.by_told, GATES));
    let wrong = table(&passed.wrong, passed.inputs);
    let mut sum = 0.0;
    for one in 0..STEPS {
        for other in 0..=one {
            let before = |of: &Table| if other == 0 { 0.0 } else { of.0[one - 1][other - 1] };
            // A one for the bias.
            let here = by_read.0[one][other] * (1.0 + given.0[one][other] + before(&read))
                + by_told.0[one][other] * (1.0 + code + before(&told))
                + wrong.0[one][other] * (1.0 + told.0[one][other]);
            sum += if one == other { here } else { 2.0 * here };
        }
    }
    // What is no number stays none.
    if sum < 0.0 { 0.0 } else { sum }
}

/// Products of a minute's steps among each other; only those with an earlier or the same one.
struct Table([[f64; STEPS]; STEPS]);

impl Table {
    fn of(rows: &[f32], width: usize, count: usize, minute: usize) -> Self {
        let row = |step: usize| &rows[(step * count + minute) * width..][..width];
        let mut table = [[0.0; STEPS]; STEPS];
        for (one, products) in table.iter_mut().enumerate() {
            for (other, place) in products.iter_mut().enumerate().take(one + 1) {
                *place = product(row(one), row(other));
            }
        }
        Self(table)
    }
}

/// In eight sums, so that they are made side by side.
fn product(one: &[f32], other: &[f32]) -> f64 {
    let mut sums = [0.0_f32; 8];
    let (ones, rest) = one.as_chunks::<8>();
    let (others, other_rest) = other.as_chunks::<8>();
    for (one, other) in ones.iter().zip(others) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += one * other;
        }
    }
    let rest: f32 = rest.iter().zip(other_rest).map(|(one, other)| one * other).sum();
    sums.iter().map(|sum| f64::from(*sum)).sum::<f64>() + f64::from(rest)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use fastrand::Rng;
    use fieldward_shared::weights::WeightVector;

    use super::*;
    use crate::learn::model::{initial, layout_of};

    #[test]
    fn the_sum_is_that_of_gradients_cut_one_by_one() {
        let (inputs, count) = (9, 7);
        let mut chance = Rng::with_seed(3);
        let mut minutes: Vec<f32> = (0..count * STEPS * inputs).map(|_| chance.f32() * 4.0 - 2.0).collect();
        // One that would outweigh all others.
        minutes[..STEPS * inputs].iter_mut().for_each(|value| *value *= 40.0);
        let weights = initial(inputs, 2).into_iter().map(|value| value * 1.5 + 0.05).collect();
        let weights = WeightVector::new(&layout_of(inputs), weights).unwrap();
        let network = Autoencoder::with(&weights, inputs, &Device::flex()).unwrap();
        let plain = one_by_one(&network, &minutes, inputs, f64::INFINITY);
        for clip in [1e-3, 0.3, 0.6, 1.5, 1e3] {
            let (ours, theirs) =
                (clipped(&network, &minutes, inputs, clip), one_by_one(&network, &minutes, inputs, clip));
            assert_eq!(ours.cut, theirs.cut, "{clip}");
            assert!((ours.loss / theirs.loss - 1.0).abs() < 1e-5);
            let most = theirs.gradient.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            for (ours, theirs) in ours.gradient.iter().zip(&theirs.gradient) {
                assert!((ours - theirs).abs() < 1e-4 * most, "{ours} against {theirs} at {clip}");
            }
            let length = ours.gradient.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
            assert!(length <= clip * count as f64 * 1.0001);
        }
        let cut = clipped(&network, &minutes, inputs, 0.3);
        assert!(cut.cut >= 1 && plain.gradient != cut.gradient);
        let without = clipped(&network, &minutes[STEPS * inputs..], inputs, 0.3);
        minutes[5] = f32::NAN;
        assert!(clipped(&network, &minutes, inputs, 0.3) == without, "it adds nothing");
        let none = clipped(&network, &minutes[..STEPS * inputs], inputs, 0.3);
        assert!(none.gradient.iter().all(|value| *value == 0.0) && none.loss == 0.0);
    }
}
