//! Training of which no single example can be told afterwards (DP-SGD, Abadi 2016): each takes part in a step by
//! chance, its gradient is cut to a norm, and Gaussian noise covers what one of that norm could have done. What the
//! pull to the round's weights and public examples add depends on nobody and needs no noise.

use fieldward_shared::privacy::keystream::Keystream;
use fieldward_shared::weights::Misfit;
use serde::{Deserialize, Serialize};

use super::clipped::Summed;
use super::gaussian::{Gaussian, happens};
use super::learner::Settings;

/// What is learnt, from examples that have a number each.
pub trait Task {
    /// How many examples there are.
    fn examples(&self) -> usize;

    /// The sum of the gradients of these examples at these weights, each cut to `clip`.
    fn clipped(&self, weights: &[f32], chosen: &[usize], clip: f64) -> Result<Summed, Misfit>;

    /// The gradient of what is no secret of the plant; nothing when there is no such thing.
    fn public(&mut self, _weights: &[f32]) -> Result<Option<Vec<f32>>, Misfit> {
        Ok(None)
    }
}

/// Where training stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The weights.
    pub weights: Vec<f32>,
    /// What Adam remembers: means of gradients and of their squares.
    means: Vec<f64>,
    squares: Vec<f64>,
    /// Steps that were done.
    pub steps: u64,
    /// Epochs that were done.
    pub epochs: u32,
    /// Mean loss of the last epoch's examples.
    pub loss: f32,
}

impl Standing {
    /// At the weights of the round.
    pub fn new(base: &[f32]) -> Self {
        let nothing = vec![0.0; base.len()];
        Self { weights: base.to_vec(), means: nothing.clone(), squares: nothing, ..Self::default() }
    }

    /// Whether it can go on with so many weights; it may come from a file.
    pub fn fits(&self, weights: usize) -> bool {
        [self.weights.len(), self.means.len(), self.squares.len()] == [weights; 3]
    }

    /// One epoch: so many steps that each example takes part once in the mean. `rest` is called after each.
    pub fn epoch(
        &mut self,
        task: &mut dyn Task,
        base: &[f32],
        share: f64,
        settings: &Settings,
        chance: &mut Keystream,
        rest: &mut dyn FnMut(),
    ) -> Result<(), Misfit> {
        let (mut loss, mut seen) = (0.0, 0_usize);
        for _ in 0..steps(share) {
            let chosen: Vec<usize> = (0..task.examples()).filter(|_| happens(chance, share)).collect();
            let mut sum = vec![0.0_f64; self.weights.len()];
            for part in chosen.chunks(AT_ONCE) {
                let found = task.clipped(&self.weights, part, settings.clip)?;
                sum.iter_mut().zip(&found.gradient).for_each(|(sum, value)| *sum += f64::from(*value));
                loss += found.loss;
            }
            seen += chosen.len();
            if settings.noise > 0.0 {
                Gaussian::new(chance).add(settings.noise * settings.clip, &mut sum);
            }
            // Divided by what it is in the mean: how many there were is a secret too.
            let many = f64::from(settings.batch.max(1)).min(task.examples().max(1) as f64);
            sum.iter_mut().for_each(|sum| *sum /= many);
            if let Some(public) = task.public(&self.weights)? {
                sum.iter_mut().zip(public).for_each(|(sum, value)| *sum += f64::from(value));
            }
            for ((sum, weight), base) in sum.iter_mut().zip(&self.weights).zip(base) {
                *sum += settings.proximal * f64::from(weight - base);
            }
            self.step(&sum, settings.rate);
            rest();
        }
        self.epochs += 1;
        self.loss = (loss / seen.max(1) as f64) as f32;
        Ok(())
    }

    /// A step of Adam.
    fn step(&mut self, gradient: &[f64], rate: f64) {
        self.steps += 1;
        let nth = self.steps.min(100_000) as i32;
        let (fresh, wide) = (1.0 - FIRST.powi(nth), 1.0 - SECOND.powi(nth));
        let numbers = self.means.iter_mut().zip(&mut self.squares).zip(gradient).zip(&mut self.weights);
        for (((mean, square), gradient), weight) in numbers {
            *mean = FIRST * *mean + (1.0 - FIRST) * gradient;
            *square = SECOND * *square + (1.0 - SECOND) * gradient * gradient;
            let step = rate * (*mean / fresh) / ((*square / wide).sqrt() + LEAST);
            *weight = (f64::from(*weight) - step) as f32;
        }
    }
}

/// With which chance an example takes part in a step.
pub fn share(examples: usize, batch: u32) -> f64 {
    (f64::from(batch) / examples.max(1) as f64).min(1.0)
}

/// Steps of an epoch.
pub fn steps(share: f64) -> u64 {
    ((1.0 / share).round() as u64).max(1)
}

/// Examples whose gradients are made at once: it bounds memory.
const AT_ONCE: usize = 64;
const FIRST: f64 = 0.9;
const SECOND: f64 = 0.999;
const LEAST: f64 = 1e-5;

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples are points; the loss is half the squared distance to them.
    struct Points(Vec<[f32; 2]>);

    impl Task for Points {
        fn examples(&self) -> usize {
            self.0.len()
        }

        fn clipped(&self, weights: &[f32], chosen: &[usize], clip: f64) -> Result<Summed, Misfit> {
            let mut sum = Summed { gradient: vec![0.0; 2], ..Summed::default() };
            for at in chosen {
                let off = [weights[0] - self.0[*at][0], weights[1] - self.0[*at][1]];
                let norm = f64::from(off[0]).hypot(f64::from(off[1]));
                let factor = (clip / norm.max(1e-12)).min(1.0) as f32;
                sum.gradient.iter_mut().zip(off).for_each(|(sum, off)| *sum += off * factor);
                sum.loss += norm * norm / 2.0;
            }
            Ok(sum)
        }
    }

    fn settings() -> Settings {
        Settings { epochs: 1, batch: 50, rate: 0.05, proximal: 0.0, clip: 1.0, noise: 0.0, seed: 0 }
    }

    fn train(settings: &Settings, epochs: usize, seed: u8) -> Standing {
        let mut task = Points(vec![[1.0, -2.0]; 200]);
        let mut standing = Standing::new(&[0.0, 0.0]);
        let mut chance = Keystream::new(&[seed; 32]);
        for _ in 0..epochs {
            let share = share(200, settings.batch);
            standing.epoch(&mut task, &[0.0, 0.0], share, settings, &mut chance, &mut || {}).unwrap();
        }
        standing
    }

    #[test]
    fn it_learns_and_noise_moves_it_and_the_pull_holds_it_back() {
        let plain = train(&settings(), 40, 1);
        assert_eq!((plain.steps, plain.epochs), (160, 40));
        assert!((plain.weights[0] - 1.0).abs() < 0.05 && (plain.weights[1] + 2.0).abs() < 0.05, "{plain:?}");
        let noisy = Settings { noise: 2.0, ..settings() };
        let (one, other) = (train(&noisy, 40, 1), train(&noisy, 40, 2));
        assert_eq!(one, train(&noisy, 40, 1));
        assert_ne!(one.weights, other.weights);
        assert!((one.weights[1] + 2.0).abs() < 0.5, "{one:?}");
        let held = train(&Settings { proximal: 9.0, ..settings() }, 40, 1);
        assert!(held.weights[1] > -0.3, "{held:?}");
    }

    #[test]
    fn examples_take_part_as_often_as_they_should() {
        assert_eq!((share(1000, 100), steps(share(1000, 100))), (0.1, 10));
        assert_eq!((share(10, 100), steps(1.0)), (1.0, 1));
        assert_eq!(steps(share(0, 64)), 1);
    }
}
