//! The unusual level: how far the mean of a minute lies from the mean of all. No model at all but scales
//! and a threshold; it finds what moves many features a little and lets nothing average out.

use serde::{Deserialize, Serialize};

use super::Kind;
use super::minutes::{Judge, Learning, Lesson, MEAN_SHARE, TOGETHER, Watching};
use super::threshold::Threshold;
use crate::features::COUNT;
use crate::learn::dataset::{Rows, Scaler};
use crate::learn::steps::STEPS;
use crate::model::{ModelError, pack, unpack};

/// Its line among the detectors.
pub const KIND: Kind = Kind {
    name: NAME,
    file: "mean.bin",
    learn: |seed| Box::new(Learning::new(NAME, seed, fit)),
    load: |bytes| {
        let model: Model = unpack(NAME, VERSION, bytes)?;
        if !model.scaler.fits() || !model.threshold.fits() {
            return Err(ModelError::Damaged("its numbers do not fit the features".to_owned()));
        }
        Ok(Box::new(Watching::new(Mean, model.scaler, model.threshold)))
    },
};

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Model {
    scaler: Scaler,
    threshold: Threshold,
}

/// The squared length of the mean of a minute.
pub struct Mean;

/// Nothing here is left to chance.
fn fit(rows: &Rows, _seed: u64) -> Option<Vec<u8>> {
    let lesson = Lesson::of(rows)?;
    let threshold =
        Threshold::calibrate(&lesson.scores(|minute| Mean.score(minute)), IN_A_ROW, TOGETHER / MEAN_SHARE)?;
    Some(pack(NAME, VERSION, &Model { scaler: lesson.scaler, threshold }))
}

impl Judge for Mean {
    const NAME: &'static str = NAME;
    const KIND: &'static str = "unusual level";
    const SAYS: &'static str = "a level as none in learning";

    fn score(&mut self, minute: &[f32]) -> f32 {
        let mut mean = [0.0; COUNT];
        for row in minute.chunks_exact(COUNT) {
            for (sum, value) in mean.iter_mut().zip(row) {
                *sum += value / STEPS as f32;
            }
        }
        mean.iter().map(|mean| mean * mean).sum()
    }

    /// The mean of all.
    fn expected(&mut self, expected: &mut [f32]) {
        expected.fill(0.0);
    }
}

const NAME: &str = "mean";
const VERSION: u32 = 1;
const IN_A_ROW: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::steps::WIDTH;

    #[test]
    fn what_stays_counts_and_what_averages_out_does_not() {
        let one = |shift: f32| {
            let mut minute = vec![0.0; WIDTH];
            for (step, row) in minute.chunks_exact_mut(COUNT).enumerate() {
                row[3] = shift + if step % 2 == 0 { 2.0 } else { -2.0 };
            }
            Mean.score(&minute)
        };
        assert!(one(0.0) < 1e-6 && (one(3.0) - 9.0).abs() < 1e-4, "{} {}", one(0.0), one(3.0));
    }
}
