//! What is learnt from: rows of steps in a bounded store, cut into minutes, and the minutes split by
//! time into those that are learnt from, those that say when to stop, and those that set the threshold.
//! No row belongs to two parts.

use serde::{Deserialize, Serialize};

use super::steps::{STEPS, Step};
use crate::features::COUNT;

/// Rows of steps, the oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rows {
    values: Vec<f32>,
    /// Rows before which something is missing.
    breaks: Vec<usize>,
    /// Rows for which there was no room; the oldest go first.
    pub forgotten: u64,
}

/// Rows by part, as the numbers of the first rows of minutes.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// To learn from.
    pub learn: Vec<usize>,
    /// To say when learning must stop.
    pub validate: Vec<usize>,
    /// To set the threshold: every one of them, by runs without a break.
    pub calibrate: Vec<Vec<usize>>,
}

impl Rows {
    /// A step is over.
    pub fn push(&mut self, step: &Step) {
        if self.len() >= MOST_ROWS {
            let gone = MOST_ROWS / 8;
            self.values.drain(..gone * COUNT);
            self.breaks.retain(|at| *at > gone);
            self.breaks.iter_mut().for_each(|at| *at -= gone);
            self.forgotten += gone as u64;
        }
        if !step.follows && !self.values.is_empty() {
            self.breaks.push(self.len());
        }
        self.values.extend_from_slice(&step.row);
    }

    /// Whether they can serve; they may come from a file.
    pub fn fits(&self) -> bool {
        self.values.len().is_multiple_of(COUNT)
            && self.len() <= MOST_ROWS
            && self.values.iter().all(|value| value.is_finite())
            && self.breaks.is_sorted()
            && self.breaks.last().is_none_or(|last| *last < self.len())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.values.len() / COUNT
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// A row.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.values[at * COUNT..][..COUNT]
    }

    /// The rows of a minute.
    pub fn minute(&self, first: usize) -> &[f32] {
        &self.values[first * COUNT..][..STEPS * COUNT]
    }

    /// All of them.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All of them, to scale them.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Splits the minutes; at most so many are learnt from.
    pub fn split(&self, most: usize) -> Split {
        let count = self.len();
        let (one, two) = (count * LEARN / 100, count * (LEARN + VALIDATE) / 100);
        let within = |from: usize, to: usize| self.minutes(from, to);
        let learn: Vec<usize> = within(0, one).into_iter().flatten().collect();
        let stride = learn.len().div_ceil(most.max(1)).max(1);
        Split {
            learn: learn.into_iter().step_by(stride).collect(),
            validate: within(one, two).into_iter().flatten().step_by(stride).collect(),
            calibrate: within(two, count),
        }
    }

    /// The minutes that lie within these rows and have no break in them, by runs.
    fn minutes(&self, from: usize, to: usize) -> Vec<Vec<usize>> {
        let mut edges = vec![from];
        edges.extend(self.breaks.iter().copied().filter(|at| (from + 1..to).contains(at)));
        edges.push(to);
        edges
            .windows(2)
            .map(|run| (run[0]..(run[1] + 1).saturating_sub(STEPS).max(run[0])).collect())
            .collect()
    }
}

/// Makes all features alike: how many deviations from the mean, within bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaler {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl Scaler {
    /// With these means and deviations.
    pub const fn new(mean: Vec<f32>, deviation: Vec<f32>) -> Self {
        Self { mean, deviation }
    }

    /// The same deviations around the mean of these rows.
    pub fn around<'a>(&self, minutes: impl Iterator<Item = &'a [f32]>) -> Self {
        let (mut sums, mut count) = (vec![0.0_f64; COUNT], 0.0_f64);
        for row in minutes.flat_map(|minute| minute.chunks_exact(COUNT)) {
            count += 1.0;
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let mean = sums.iter().zip(&self.mean);
        let mean = mean.map(|(sum, mean)| if count > 0.0 { (sum / count) as f32 } else { *mean }).collect();
        Self { mean, deviation: self.deviation.clone() }
    }

    /// Means and deviations, feature by feature.
    pub fn parts(&self) -> impl Iterator<Item = (f32, f32)> {
        self.mean.iter().copied().zip(self.deviation.iter().copied())
    }

    /// Mean and deviation of these rows.
    pub fn of<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone) -> Self {
        let (mut mean, mut square, mut count) = (vec![0.0_f64; COUNT], vec![0.0_f64; COUNT], 0.0_f64);
        for row in rows.clone() {
            count += 1.0;
            for (sum, value) in mean.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= count.max(1.0));
        for row in rows {
            for ((sum, mean), value) in square.iter_mut().zip(&mean).zip(row) {
                *sum += (f64::from(*value) - mean).powi(2);
            }
        }
        let deviation = square.iter().map(|sum| ((sum / count.max(1.0)).sqrt() as f32).max(LEAST_DEVIATION));
        Self { deviation: deviation.collect(), mean: mean.into_iter().map(|mean| mean as f32).collect() }
    }

    /// Whether it can serve; it may come from a file.
    pub fn fits(&self) -> bool {
        self.mean.len() == COUNT
            && self.deviation.len() == COUNT
            && self.mean.iter().all(|mean| mean.is_finite())
            && self.deviation.iter().all(|deviation| deviation.is_finite() && *deviation > 0.0)
    }

    /// Scales rows; what is no number becomes the mean.
    pub fn scale(&self, rows: &[f32], scaled: &mut [f32]) {
        for (row, scaled) in rows.chunks_exact(COUNT).zip(scaled.chunks_exact_mut(COUNT)) {
            for (at, (value, scaled)) in row.iter().zip(scaled).enumerate() {
                let score = (value - self.mean[at]) / self.deviation[at];
                *scaled = if score.is_nan() { 0.0 } else { score.clamp(-MOST_SCORE, MOST_SCORE) };
            }
        }
    }

    /// The value of a feature that has this score.
    pub fn value(&self, feature: usize, score: f32) -> f32 {
        self.mean[feature] + score * self.deviation[feature]
    }
}

/// Hundredths of the rows that are learnt from, and that say when to stop; the others set the threshold.
const LEARN: usize = 60;
const VALIDATE: usize = 10;
/// Rows that are kept: a week of steps.
const MOST_ROWS: usize = 131_072;
/// What never changed in learning may still change by so much for one deviation. Most features are
/// logarithms of counts: the first of something that never was moves one by 0.7.
const LEAST_DEVIATION: f32 = 0.1;
/// Further away is no different.
const MOST_SCORE: f32 = 10.0;
