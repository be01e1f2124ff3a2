//! Trains the autoencoder: Adam on batches in an order drawn from the seed, until the minutes kept for
//! it are told no better. Bounded by the number of updates, since nothing here may read a clock.

use burn::module::Module;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use fastrand::Rng;
use fieldward_shared::weights::{Misfit, WeightVector};

use super::gradient::gradient;
use super::model::{Autoencoder, initial, layout_of, tensor};
use super::steps::STEPS;
use crate::features::COUNT;

/// How training is done.
#[derive(Clone, Copy, Debug)]
pub struct TrainConfig {
    /// Where chance comes from.
    pub seed: u64,
    /// Numbers of a step.
    pub inputs: usize,
    /// Minutes of an update.
    pub batch: usize,
    /// Updates at most: a minute of one core.
    pub updates: usize,
    /// How often at most each minute is seen.
    pub epochs: usize,
    /// Updates between two looks at the minutes that were kept.
    pub round: usize,
    /// Rounds without a better one until it stops.
    pub patience: usize,
    /// How far an update goes.
    pub rate: f64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            inputs: COUNT,
            batch: 64,
            updates: 8000,
            epochs: 60,
            round: 100,
            patience: 8,
            rate: 2e-3,
        }
    }
}

/// How far training has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Updates done.
    pub updates: usize,
    /// Updates at most.
    pub most: usize,
    /// Mean squared error on the minutes that were kept.
    pub error: f32,
    /// The least so far.
    pub best: f32,
}

/// Trains on minutes that lie one behind the other, `inputs` scaled numbers a step, and gives the weights
/// that told those kept for validation best. `start` continues from weights that are known.
pub fn train(
    learn: &[f32],
    validate: &[f32],
    start: Option<&WeightVector>,
    config: &TrainConfig,
    progress: &mut dyn FnMut(Progress),
) -> Result<WeightVector, Misfit> {
    let device = Device::flex().autodiff();
    let width = STEPS * config.inputs;
    let mut best = match start {
        Some(weights) => weights.clone(),
        None => WeightVector::new(&layout_of(config.inputs), initial(config.inputs, config.seed))?,
    };
    let mut network = Autoencoder::with(&best, config.inputs, &device)?;
    let mut adam = AdamConfig::new().init();
    let mut chance = Rng::with_seed(config.seed ^ ORDER);
    let mut order: Vec<usize> = (0..learn.len() / width).collect();
    let (mut at, mut least, mut worse) = (order.len(), f32::INFINITY, 0);
    let updates = config.updates.min((order.len() * config.epochs).div_ceil(config.batch.max(1)));
    for update in 1..=updates {
        if order.is_empty() || worse >= config.patience {
            break;
        }
        let mut batch = Vec::with_capacity(config.batch * width);
        for _ in 0..config.batch {
            if at >= order.len() {
                chance.shuffle(&mut order);
                at = 0;
            }
            batch.extend_from_slice(&learn[order[at] * width..][..width]);
            at += 1;
        }
        let gradients = gradient(&network, &batch, config.inputs);
        // From half way on with smaller and smaller steps.
        let left = (updates - update) as f64 / updates as f64;
        network = adam.step(config.rate * (2.0 * left).min(1.0), network, gradients);
        if update.is_multiple_of(config.round.max(1)) || update == updates {
            let error = error(&network, validate, config.inputs);
            if error < least {
                (least, worse) = (error, 0);
                best = network.weights()?;
            } else {
                worse += 1;
            }
            progress(Progress { updates: update, most: updates, error, best: least });
        }
    }
    Ok(best)
}

/// Mean squared error on minutes.
fn error(network: &Autoencoder, minutes: &[f32], inputs: usize) -> f32 {
    let network = network.valid();
    let device = Device::flex();
    let (mut sum, mut count) = (0.0_f64, 0.0_f64);
    for batch in minutes.chunks(STEPS * inputs * VALIDATION_BATCH) {
        let minutes = tensor(batch.to_vec(), inputs, &device);
        let wrong = (network.forward(minutes.clone()) - minutes).powi_scalar(2).mean();
        let wrong = wrong.into_data().try_into_vec::<f32>().unwrap_or_default();
        sum += f64::from(wrong.first().copied().unwrap_or(f32::NAN)) * batch.len() as f64;
        count += batch.len() as f64;
    }
    (sum / count.max(1.0)) as f32
}

/// The order of batches is drawn apart from the weights.
const ORDER: u64 = 0x6f_7264_6572;
const VALIDATION_BATCH: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::steps::WIDTH;

    fn minutes(count: usize, seed: u64) -> Vec<f32> {
        let mut chance = Rng::with_seed(seed);
        let mut minute = |_| {
            let level = chance.f32() * 4.0 - 2.0;
            (0..WIDTH).map(|_| level + 0.2 * chance.f32()).collect::<Vec<_>>()
        };
        (0..count).flat_map(&mut minute).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_weights_bit_for_bit() {
        let (learn, validate) = (minutes(40, 1), minutes(8, 2));
        let config = TrainConfig { seed: 5, batch: 16, updates: 12, round: 4, ..TrainConfig::default() };
        let run = |config| train(&learn, &validate, None, config, &mut |_| {}).unwrap();
        let weights = run(&config);
        assert_eq!(weights, run(&config));
        assert_ne!(weights, run(&TrainConfig { seed: 6, ..config }));
    }

    #[test]
    fn training_lessens_the_error_and_stops_when_it_does_not() {
        let (learn, validate) = (minutes(40, 1), minutes(8, 2));
        let config = TrainConfig {
            batch: 16,
            updates: 120,
            epochs: 100,
            round: 10,
            rate: 1e-2,
            ..TrainConfig::default()
        };
        let mut seen = Vec::new();
        train(&learn, &validate, None, &config, &mut |progress| seen.push(progress)).unwrap();
        assert!(seen.last().unwrap().best < 0.8 * seen[0].error, "{seen:?}");
        let still = TrainConfig { rate: 0.0, patience: 2, ..config };
        seen.clear();
        train(&learn, &validate, None, &still, &mut |progress| seen.push(progress)).unwrap();
        assert_eq!(seen.len(), 3, "the first is the best, two more are no better");
    }

    #[test]
    fn nothing_to_learn_from_leaves_the_first_weights() {
        let weights = train(&[], &[], None, &TrainConfig::default(), &mut |_| {}).unwrap();
        assert_eq!(weights.values(), initial(COUNT, 0));
    }
}
