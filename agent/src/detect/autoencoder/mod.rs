//! The unusual minute: an LSTM autoencoder has learnt to tell normal minutes again; one that it tells
//! badly is none. Errors count the more, the better the feature is told on normal traffic it did not
//! learn from. Trained with burn, scored without.

pub mod network;
pub mod own;
#[cfg(test)]
mod tests;

use fieldward_shared::weights::WeightVector;
use serde::{Deserialize, Serialize};

use self::network::Network;
use super::Kind;
use super::minutes::{Judge, Learning, Lesson, OTHER_SHARE, TOGETHER, Watching};
use super::threshold::Threshold;
use crate::features::COUNT;
use crate::learn::dataset::{Rows, Scaler};
use crate::learn::steps::{STEPS, WIDTH};
use crate::learn::trainer::{TrainConfig, train};
use crate::model::{ModelError, pack, unpack};

/// Its line among the detectors.
pub const KIND: Kind = Kind {
    name: NAME,
    file: "autoencoder.bin",
    learn: |seed| Box::new(Learning::new(NAME, seed, fit)),
    load: |bytes| {
        let model: Model = unpack(NAME, VERSION, bytes)?;
        let damaged = |why: &str| ModelError::Damaged(why.to_owned());
        let network = Network::new(&model.weights).map_err(|misfit| damaged(&misfit.to_string()))?;
        let told = model.importance.len() == COUNT
            && model.importance.iter().all(|value| value.is_finite() && *value > 0.0);
        if !told || !model.scaler.fits() || !model.threshold.fits() {
            return Err(damaged("its numbers do not fit the features"));
        }
        let mut judge = Retelling::new(network, model.importance);
        judge.usual = Some(model.usual).filter(|usual| usual.is_finite() && *usual > 0.0);
        Ok(Box::new(Watching::new(judge, model.scaler, model.threshold)))
    },
};

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Model {
    scaler: Scaler,
    weights: WeightVector,
    /// How much an error of each feature counts.
    importance: Vec<f32>,
    threshold: Threshold,
    /// The mean score of the minutes that set it.
    usual: f32,
}

fn fit(rows: &Rows, seed: u64) -> Option<Vec<u8>> {
    fit_with(rows, &TrainConfig { seed, ..TrainConfig::default() })
}

fn fit_with(rows: &Rows, config: &TrainConfig) -> Option<Vec<u8>> {
    let lesson = Lesson::of(rows)?;
    let learn: Vec<f32> = lesson.learn().flatten().copied().collect();
    let validate: Vec<f32> = lesson.validate().flatten().copied().collect();
    let weights = train(&learn, &validate, None, config, &mut |progress| {
        let (updates, most, error) = (progress.updates, progress.most, progress.error);
        tracing::debug!(updates, most, error, "autoencoder");
    });
    let weights = weights.inspect_err(|misfit| tracing::warn!("autoencoder: {misfit}")).ok()?;
    let mut judge = Retelling::new(Network::new(&weights).ok()?, vec![1.0; COUNT]);
    judge.importance = judge.importance_on(lesson.validate());
    let runs = lesson.scores(|minute| judge.score(minute));
    let threshold = Threshold::calibrate(&runs, IN_A_ROW, TOGETHER / OTHER_SHARE)?;
    let (importance, usual) = (judge.importance, threshold.usual(&runs));
    Some(pack(NAME, VERSION, &Model { scaler: lesson.scaler, weights, importance, threshold, usual }))
}

/// The network, and the minute as it told it last.
pub struct Retelling {
    network: Network,
    importance: Vec<f32>,
    told: Box<[f32]>,
    usual: Option<f32>,
}

impl Retelling {
    /// With this network, and how much an error of each feature counts.
    pub fn new(network: Network, importance: Vec<f32>) -> Self {
        Self { network, importance, told: vec![0.0; WIDTH].into(), usual: None }
    }

    /// The inverse of the mean squared error of each feature on these minutes, within bounds.
    fn importance_on<'a>(&mut self, minutes: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
        self.errors(minutes).into_iter().map(|error| (1.0 / error.max(LEAST_ERROR)) as f32).collect()
    }

    /// The mean squared error of each feature on these minutes.
    fn errors<'a>(&mut self, minutes: impl Iterator<Item = &'a [f32]>) -> Vec<f64> {
        let (mut sums, mut rows) = (vec![0.0_f64; COUNT], 0.0);
        for minute in minutes {
            self.network.tell(minute, &mut self.told);
            for (row, told) in minute.chunks_exact(COUNT).zip(self.told.chunks_exact(COUNT)) {
                rows += 1.0;
                for ((sum, value), told) in sums.iter_mut().zip(row).zip(told) {
                    *sum += f64::from(value - told).powi(2);
                }
            }
        }
        sums.into_iter().map(|sum| sum / f64::max(rows, 1.0)).collect()
    }
}

impl Judge for Retelling {
    const NAME: &'static str = NAME;
    const KIND: &'static str = "unusual minute";
    const SAYS: &'static str = "a minute as none in learning";

    fn score(&mut self, minute: &[f32]) -> f32 {
        self.network.tell(minute, &mut self.told);
        let rows = minute.chunks_exact(COUNT).zip(self.told.chunks_exact(COUNT));
        let errors = rows.map(|(row, told)| {
            let each = row.iter().zip(told).zip(&self.importance);
            each.map(|((value, told), importance)| (value - told).powi(2) * importance).sum::<f32>()
        });
        errors.sum::<f32>() / (STEPS * COUNT) as f32
    }

    fn expected(&mut self, expected: &mut [f32]) {
        expected.copy_from_slice(&self.told);
    }

    fn usual(&self) -> Option<f32> {
        self.usual
    }
}

const NAME: &str = "autoencoder";
const VERSION: u32 = 3;
/// Scores in a row that must lie above: one alone may be a burst that falls into two steps.
const IN_A_ROW: u32 = 2;
/// Better told than this is no more important.
const LEAST_ERROR: f64 = 0.05;
