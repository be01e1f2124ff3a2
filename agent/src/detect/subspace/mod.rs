//! The unusual pattern: normal minutes lie near a plane of few dimensions among all that are possible.
//! Told are minutes that lie far off the plane (Q), or on it but far from the middle (T²): Jackson and
//! Mudholkar, 1979. Each has its own limit, set on traffic the plane was not fitted to.

pub mod eigen;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::Kind;
use super::minutes::{Judge, Learning, Lesson, OTHER_SHARE, TOGETHER, Watching};
use super::threshold::Threshold;
use crate::learn::dataset::{Rows, Scaler};
use crate::learn::steps::WIDTH;
use crate::model::{ModelError, pack, unpack};

/// Its line among the detectors.
pub const KIND: Kind = Kind {
    name: NAME,
    file: "pca.bin",
    learn: |seed| Box::new(Learning::new(NAME, seed, fit)),
    load: |bytes| {
        let model: Model = unpack(NAME, VERSION, bytes)?;
        if !model.plane.fits() || !model.scaler.fits() || !model.threshold.fits() {
            return Err(ModelError::Damaged("its numbers do not fit the features".to_owned()));
        }
        Ok(Box::new(Watching::new(Distance::new(model.plane), model.scaler, model.threshold)))
    },
};

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Model {
    scaler: Scaler,
    plane: Plane,
    threshold: Threshold,
}

/// A plane among minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plane {
    mean: Vec<f32>,
    /// Directions of unit length, one behind the other.
    directions: Vec<f32>,
    /// The variance along each.
    variances: Vec<f32>,
    /// Limits of Q and T²; scores are measured by them.
    limits: [f32; 2],
}

/// A plane, and the minute that was held against it last.
pub struct Distance {
    plane: Plane,
    centred: Box<[f32]>,
    along: Box<[f32]>,
}

/// Nothing here is left to chance.
fn fit(rows: &Rows, _seed: u64) -> Option<Vec<u8>> {
    let lesson = Lesson::of(rows)?;
    let mut distance = Distance::new(Plane::through(lesson.learn()));
    let mut limits = [0.0; 2];
    for (at, limit) in limits.iter_mut().enumerate() {
        // Either may alarm, so each gets half of the rate.
        let scores = lesson.scores(|minute| distance.measure(minute)[at]);
        *limit = Threshold::calibrate(&scores, IN_A_ROW, 2.0 * TOGETHER / OTHER_SHARE)?.limit;
    }
    distance.plane.limits = limits;
    let threshold = Threshold { limit: 1.0, in_a_row: IN_A_ROW };
    Some(pack(NAME, VERSION, &Model { scaler: lesson.scaler, plane: distance.plane, threshold }))
}

impl Plane {
    /// The plane that holds most of the variance of these minutes.
    pub fn through<'a>(minutes: impl Iterator<Item = &'a [f32]> + Clone) -> Self {
        let (mut mean, mut count) = (vec![0.0_f64; WIDTH], 0.0);
        for minute in minutes.clone() {
            count += 1.0;
            for (sum, value) in mean.iter_mut().zip(minute) {
                *sum += f64::from(*value);
            }
        }
        let mean: Vec<f32> = mean.into_iter().map(|sum| (sum / f64::max(count, 1.0)) as f32).collect();
        let found = eigen::directions(minutes, &mean, MOST_DIRECTIONS);
        let (mut held, mut kept) = (0.0, 0);
        while kept < found.variances.len() && held < SHARE * found.total {
            held += found.variances[kept];
            kept += 1;
        }
        Self {
            mean,
            directions: found.vectors[..kept * WIDTH].iter().map(|value| *value as f32).collect(),
            variances: found.variances[..kept].iter().map(|value| value.max(LEAST_VARIANCE) as f32).collect(),
            limits: [1.0; 2],
        }
    }

    fn fits(&self) -> bool {
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        self.mean.len() == WIDTH
            && self.directions.len() == self.variances.len() * WIDTH
            && self.variances.len() <= MOST_DIRECTIONS
            && finite(&self.mean)
            && finite(&self.directions)
            && self.variances.iter().chain(&self.limits).all(|value| value.is_finite() && *value > 0.0)
    }
}

impl Distance {
    /// From this plane.
    pub fn new(plane: Plane) -> Self {
        let along = vec![0.0; plane.variances.len()].into();
        Self { plane, centred: vec![0.0; WIDTH].into(), along }
    }

    /// Q and T² of a minute.
    pub fn measure(&mut self, minute: &[f32]) -> [f32; 2] {
        let mut off = 0.0;
        for ((centred, value), mean) in self.centred.iter_mut().zip(minute).zip(&self.plane.mean) {
            *centred = value - mean;
            off += *centred * *centred;
        }
        let mut far = 0.0;
        let directions = self.plane.directions.chunks_exact(WIDTH).zip(&self.plane.variances);
        for ((direction, variance), along) in directions.zip(self.along.iter_mut()) {
            *along = dot(direction, &self.centred);
            off -= *along * *along;
            far += *along * *along / variance;
        }
        [off.max(0.0), far]
    }
}

impl Judge for Distance {
    const NAME: &'static str = NAME;
    const KIND: &'static str = "unusual pattern";
    const SAYS: &'static str = "a pattern as none in learning";

    fn score(&mut self, minute: &[f32]) -> f32 {
        let [off, far] = self.measure(minute);
        (off / self.plane.limits[0]).max(far / self.plane.limits[1])
    }

    /// The nearest minute on the plane; when the distance on the plane is what alarms, its middle.
    fn expected(&mut self, expected: &mut [f32]) {
        expected.copy_from_slice(&self.plane.mean);
        let inside = self.along.iter().zip(&self.plane.variances);
        let far: f32 = inside.map(|(along, variance)| along * along / variance).sum();
        if far > self.plane.limits[1] {
            return;
        }
        for (direction, along) in self.plane.directions.chunks_exact(WIDTH).zip(&self.along) {
            for (expected, value) in expected.iter_mut().zip(direction) {
                *expected += along * value;
            }
        }
    }
}

/// In eight sums side by side, which the compiler makes one instruction of.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (ones, others) = (one.chunks_exact(8), other.chunks_exact(8));
    let rest: f32 = ones.remainder().iter().zip(others.remainder()).map(|(a, b)| a * b).sum();
    for (one, other) in ones.zip(others) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += one * other;
        }
    }
    rest + sums.iter().sum::<f32>()
}

const NAME: &str = "pca";
const VERSION: u32 = 1;
const IN_A_ROW: u32 = 2;
/// Directions are kept until they hold this share of the variance, but not more than so many.
const SHARE: f64 = 0.95;
const MOST_DIRECTIONS: usize = 64;
/// Along a direction with less variance, nothing is far.
const LEAST_VARIANCE: f64 = 1e-3;
