//! What a plant makes of shared weights: the last layer fitted to its own windows, how much each feature counts,
//! and the threshold. None of it leaves the plant.

use fieldward_shared::weights::{Misfit, WeightVector};

use super::network::Network;
use super::{IN_A_ROW, LEAST_ERROR, Model, NAME, Retelling, VERSION};
use crate::detect::minutes::{Judge as _, OTHER_SHARE, TOGETHER};
use crate::detect::threshold::Threshold;
use crate::features::COUNT;
use crate::learn::dataset::Scaler;
use crate::learn::model::{HIDDEN, layout};
use crate::learn::steps::{STEPS, WIDTH};
use crate::learn::windows::Minute;
use crate::model::{ModelError, pack, unpack};

/// A model of this plant.
pub struct Own {
    scaler: Scaler,
    weights: WeightVector,
    retelling: Retelling,
}

impl Own {
    /// Shared weights, and the last layer drawn to what these minutes want.
    pub fn fit(shared: &WeightVector, scaler: &Scaler, learn: &[Minute]) -> Result<Self, Misfit> {
        let scaled = scaled(scaler, learn);
        let weights = last_layer(shared, &scaled)?;
        let mut retelling = Retelling::new(Network::new(&weights)?, vec![1.0; COUNT]);
        retelling.importance = importance(&retelling.errors(scaled.chunks_exact(WIDTH)), &scaled);
        Ok(Self { scaler: scaler.clone(), weights, retelling })
    }

    /// The model of a file.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        let model: Model = unpack(NAME, VERSION, bytes)?;
        let damaged = |why: &str| ModelError::Damaged(why.to_owned());
        if !model.scaler.fits() || model.importance.len() != COUNT {
            return Err(damaged("its numbers do not fit the features"));
        }
        let network = Network::new(&model.weights).map_err(|misfit| damaged(&misfit.to_string()))?;
        let retelling = Retelling::new(network, model.importance);
        Ok(Self { scaler: model.scaler, weights: model.weights, retelling })
    }

    /// As a file; `usual` is the mean score where all is calm.
    pub fn write(self, threshold: Threshold, usual: f32) -> Vec<u8> {
        let importance = self.retelling.importance;
        pack(
            NAME,
            VERSION,
            &Model { scaler: self.scaler, weights: self.weights, importance, threshold, usual },
        )
    }

    /// The mean squared error of each minute in deviations of `measure`, so that models of different scalings
    /// can be compared.
    pub fn losses(&mut self, minutes: &[Minute], measure: &Scaler) -> Vec<f64> {
        let mut given = vec![0.0; WIDTH];
        let (mut is, mut told) = (vec![0.0; WIDTH], vec![0.0; WIDTH]);
        let mut loss = |minute: &Minute| {
            self.scaler.scale(&minute.values, &mut given);
            self.retelling.score(&given);
            for (at, (value, said)) in told.iter_mut().zip(&self.retelling.told).enumerate() {
                *value = self.scaler.value(at % COUNT, *said);
            }
            measure.scale(&told.clone(), &mut told);
            measure.scale(&minute.values, &mut is);
            is.iter().zip(&told).map(|(is, told)| f64::from(is - told).powi(2)).sum::<f64>() / WIDTH as f64
        };
        minutes.iter().map(&mut loss).collect()
    }

    /// The scores of all twelve steps in a row, by runs of minutes that follow each other.
    pub fn scores(&mut self, minutes: &[Minute]) -> Vec<Vec<f32>> {
        let mut runs = Vec::new();
        for run in minutes.chunk_by(|one, other| one.number + 1 == other.number) {
            let rows = scaled(&self.scaler, run);
            let starts = 0..=(rows.len() - WIDTH) / COUNT;
            runs.push(starts.map(|at| self.retelling.score(&rows[at * COUNT..][..WIDTH])).collect());
        }
        runs
    }
}

/// The threshold that these scores ask for. Less than three hours do not show how scores fall off; until then it is
/// taken to be as at the plants that were measured, and once a day is seldom enough.
pub fn threshold(runs: &[Vec<f32>]) -> Option<Threshold> {
    let most = runs.iter().flatten().copied().filter(|score| score.is_finite()).fold(0.0, f32::max);
    let seen: usize = runs.iter().map(|run| run.len().div_ceil(2 * STEPS)).sum();
    let above = (BLOCKS_A_DAY / seen.max(1) as f32).powf(SLOPE).max(LEAST_ABOVE);
    let first = Threshold { limit: most * above, in_a_row: IN_A_ROW };
    Threshold::calibrate(runs, IN_A_ROW, TOGETHER / OTHER_SHARE).or(first.fits().then_some(first))
}

fn scaled(scaler: &Scaler, minutes: &[Minute]) -> Vec<f32> {
    let mut scaled = vec![0.0; minutes.len() * WIDTH];
    for (minute, scaled) in minutes.iter().zip(scaled.chunks_exact_mut(WIDTH)) {
        scaler.scale(&minute.values, scaled);
    }
    scaled
}

/// An error counts the less, the larger it is on normal minutes; but what varies little at this plant is told well
/// without knowing anything, so it is held against its own variance.
fn importance(errors: &[f64], scaled: &[f32]) -> Vec<f32> {
    let rows = (scaled.len() / COUNT).max(1) as f64;
    let (mut means, mut squares) = ([0.0_f64; COUNT], [0.0_f64; COUNT]);
    for row in scaled.chunks_exact(COUNT) {
        for ((mean, square), value) in means.iter_mut().zip(&mut squares).zip(row) {
            *mean += f64::from(*value) / rows;
            *square += f64::from(*value).powi(2) / rows;
        }
    }
    let variance =
        means.iter().zip(&squares).map(|(mean, square)| (square - mean * mean).max(LEAST_VARIANCE));
    errors
        .iter()
        .zip(variance)
        .map(|(error, variance)| (1.0 / error.max(LEAST_ERROR * variance)) as f32)
        .collect()
}

/// The last layer that tells these minutes best, drawn to the shared one as if that had been seen for
/// [`TRUSTED`] steps (ridge regression). What comes before it stays as it is.
fn last_layer(shared: &WeightVector, scaled: &[f32]) -> Result<WeightVector, Misfit> {
    let (network, layout) = (Network::new(shared)?, layout());
    let mut values = shared.values().to_vec();
    let (Some(output), Some(bias)) = (layout.range("output"), layout.range("output bias")) else {
        return Ok(shared.clone());
    };
    let mut square = vec![[0.0_f64; WIDE]; WIDE];
    let mut wanted = vec![[0.0_f64; COUNT]; WIDE];
    for minute in scaled.chunks_exact(WIDTH) {
        let mut rows = minute.chunks_exact(COUNT);
        network.think(minute, |hidden| {
            let Some(row) = rows.next() else { return };
            let mut mind = [1.0; WIDE];
            mind[..HIDDEN].iter_mut().zip(hidden).for_each(|(to, from)| *to = f64::from(*from));
            for ((squares, wanted), one) in square.iter_mut().zip(&mut wanted).zip(mind) {
                squares.iter_mut().zip(mind).for_each(|(sum, other)| *sum += one * other);
                wanted.iter_mut().zip(row).for_each(|(sum, value)| *sum += one * f64::from(*value));
            }
        });
    }
    let steps = (scaled.len() / COUNT).max(1) as f64;
    for at in 0..WIDE {
        let trust = TRUSTED * (square[at][at] / steps).max(LEAST_TRUST);
        square[at][at] += trust;
        for (feature, wanted) in wanted[at].iter_mut().enumerate() {
            let shared = if at == HIDDEN { bias.start } else { output.start + at * COUNT } + feature;
            *wanted += trust * f64::from(values[shared]);
        }
    }
    solve(&mut square, &mut wanted);
    for (at, row) in wanted.iter().enumerate() {
        let start = if at == HIDDEN { bias.start } else { output.start + at * COUNT };
        values[start..start + COUNT].iter_mut().zip(row).for_each(|(to, from)| *to = *from as f32);
    }
    WeightVector::new(&layout, values)
}

/// Solves the system of a positive matrix in place (Gauss; it needs no pivots there).
fn solve(square: &mut [[f64; WIDE]], wanted: &mut [[f64; COUNT]]) {
    for at in 0..WIDE {
        let (pivot, right) = (square[at], wanted[at]);
        for other in (0..WIDE).filter(|other| *other != at) {
            let factor = square[other][at] / pivot[at];
            square[other].iter_mut().zip(pivot).for_each(|(to, from)| *to -= factor * from);
            wanted[other].iter_mut().zip(right).for_each(|(to, from)| *to -= factor * from);
        }
    }
    for (at, row) in wanted.iter_mut().enumerate() {
        row.iter_mut().for_each(|value| *value /= square[at][at]);
    }
}

/// The hidden numbers, and a one.
const WIDE: usize = HIDDEN + 1;
/// Steps that the shared last layer counts as: an hour.
const TRUSTED: f64 = (60 * STEPS) as f64;
const LEAST_TRUST: f64 = 1e-4;
/// In squared deviations of the scaling: what never varied may still do so.
const LEAST_VARIANCE: f64 = 0.01;
/// Two minutes each.
const BLOCKS_A_DAY: f32 = 720.0;
/// Twice the highest score of two minutes was passed by four in a hundred such stretches: a slope of 0.22.
const SLOPE: f32 = 0.25;
const LEAST_ABOVE: f32 = 1.5;

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::learn::model::initial;

    fn minutes(count: u64, seed: u64) -> Vec<Minute> {
        let mut chance = Rng::with_seed(seed);
        let mut minute = |number| {
            let level = chance.f32() - 0.5;
            let value = |at: usize| 3.0 + (at % COUNT) as f32 * 0.01 + level + 0.1 * (chance.f32() - 0.5);
            Minute { number, values: (0..WIDTH).map(value).collect() }
        };
        (0..count).map(&mut minute).collect()
    }

    #[test]
    fn the_last_layer_learns_the_level_of_the_plant() {
        let scaler = Scaler::new(vec![0.0; COUNT], vec![1.0; COUNT]);
        let shared = WeightVector::new(&layout(), initial(COUNT, 1)).unwrap();
        let (learn, held) = (minutes(400, 1), minutes(40, 2));
        let mean = |losses: Vec<f64>| losses.iter().sum::<f64>() / losses.len() as f64;
        let mut before = Own::fit(&shared, &scaler, &[]).unwrap();
        let mut after = Own::fit(&shared, &scaler, &learn).unwrap();
        assert_eq!(before.weights, shared, "nothing to learn from changes nothing");
        let (before, after_loss) = (mean(before.losses(&held, &scaler)), mean(after.losses(&held, &scaler)));
        assert!(after_loss < before * 0.02, "{after_loss} of {before}");
        // What comes before the last layer is shared and stays.
        let start = layout().range("output").unwrap().start;
        assert_eq!(after.weights.values()[..start], shared.values()[..start]);
        let runs = after.scores(&held);
        assert_eq!((runs.len(), runs[0].len()), (1, 40 * STEPS - STEPS + 1));
        let limit = threshold(&runs).unwrap();
        assert!(runs.iter().flatten().all(|score| *score < limit.limit));
        let usual = limit.usual(&runs);
        assert!(usual > 0.0 && usual < limit.limit);
        let read = Own::read(&after.write(limit, usual)).unwrap();
        assert_eq!(read.scaler, scaler);
    }
}
