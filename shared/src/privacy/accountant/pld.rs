//! Distributions of privacy loss: tighter than Rényi curves, and never below the truth. Gaussians that nobody is
//! sampled for compose in closed form. A sampled one is put on a grid so that its chance under both worlds is kept
//! in each cell ("connecting the dots", Doroshenko et al., arXiv 2207.04380), which can only make epsilon larger,
//! and composed by Fourier transforms.

use super::event::Mechanism;
use super::fft::{Complex, multiply, power, transform};
use super::special::{between, log_phi};

/// Width of a cell, unless so many are composed that their rounding would show.
const CELL: f64 = 1e-4;

/// Most cells of a composed distribution; beyond them cells are wider.
const MOST_CELLS: usize = 1 << 21;

/// Deviations of the noise beyond which a loss counts as infinite: a chance of 1e-23.
const FAR: f64 = 10.0;

/// Chance that is counted as infinite loss on each side of a composed distribution.
const CUT: f64 = 1e-15;

/// Epsilon of mechanisms used one after another; none when one of them has no such distribution here.
pub fn epsilon(mechanisms: &[Mechanism], delta: f64) -> Option<f64> {
    let (mut precision, mut sampled) = (0.0, Vec::new());
    for mechanism in mechanisms {
        match *mechanism {
            _ if !mechanism.is_sound() => return None,
            _ if mechanism.steps() == 0 => {}
            Mechanism::Discrete(_) => return None,
            Mechanism::Gaussian { noise, steps } => precision += steps as f64 / (noise * noise),
            Mechanism::Sampled { noise, rate, steps } if rate >= 1.0 => {
                precision += steps as f64 / (noise * noise)
            }
            Mechanism::Sampled { noise, rate, steps } => sampled.push(Part { noise, rate, steps }),
        }
    }
    if !(delta > 0.0 && delta < 1.0) {
        return None;
    }
    if sampled.is_empty() {
        return Some(gaussian(precision.sqrt(), delta));
    }
    if precision > 0.0 {
        sampled.push(Part { noise: precision.sqrt().recip(), rate: 1.0, steps: 1 });
    }
    let both = [World::With, World::Without].map(|world| composed(&sampled, world, delta));
    both.into_iter().try_fold(0.0_f64, |worst, epsilon| epsilon.map(|epsilon| worst.max(epsilon)))
}

/// Epsilon of a Gaussian whose means are `apart` deviations apart, exactly (Balle and Wang, arXiv 1805.06530).
fn gaussian(apart: f64, delta: f64) -> f64 {
    if gaussian_delta(apart, 0.0) <= delta {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while gaussian_delta(apart, high) > delta {
        (low, high) = (high, high * 2.0);
        if high > 1e9 {
            return f64::INFINITY;
        }
    }
    while high - low > 1e-12 * high {
        let middle = 0.5 * (low + high);
        if gaussian_delta(apart, middle) > delta {
            low = middle
        } else {
            high = middle
        }
        if middle <= low.min(high) && middle >= high {
            break;
        }
    }
    high
}

/// Delta of it at an epsilon.
pub(super) fn gaussian_delta(apart: f64, epsilon: f64) -> f64 {
    if apart == 0.0 {
        return 0.0;
    }
    let (one, other) = (apart / 2.0 - epsilon / apart, -apart / 2.0 - epsilon / apart);
    log_phi(one).exp() - (epsilon + log_phi(other)).exp()
}

/// A sampled Gaussian and how often.
#[derive(Clone, Copy)]
struct Part {
    noise: f64,
    rate: f64,
    steps: u64,
}

/// In which world the losses are looked at: with the one who is protected, or without.
#[derive(Clone, Copy, PartialEq)]
enum World {
    With,
    Without,
}

/// Chances of losses: the first cell is loss `start` cells from zero.
struct Losses {
    start: i64,
    chances: Vec<f64>,
    infinite: f64,
    steps: u64,
}

fn composed(parts: &[Part], world: World, delta: f64) -> Option<f64> {
    let steps: f64 = parts.iter().map(|part| part.steps as f64).sum();
    let mut cell = CELL.min(1e-2 / steps.sqrt());
    loop {
        let losses: Vec<Losses> = parts.iter().map(|part| part.losses(world, cell)).collect::<Option<_>>()?;
        let (low, high) = (edge(&losses, cell, -1.0), edge(&losses, cell, 1.0));
        let cells = ((high - low) / cell).ceil() as usize + 2;
        if cells > MOST_CELLS {
            cell *= 2.0;
            continue;
        }
        return Some(read(&losses, (low / cell).floor() as i64, cells.next_power_of_two(), cell, delta));
    }
}

/// How far the composed losses reach up (1) or down (-1), but for a chance of [`CUT`] (Chernoff).
fn edge(losses: &[Losses], cell: f64, side: f64) -> f64 {
    let reach = |tilt: f64| {
        let moments = losses.iter().map(|losses| {
            let terms = losses.chances.iter().enumerate().filter(|(_, chance)| **chance > 0.0);
            let terms = terms.map(|(nth, chance)| chance.ln() + side * tilt * losses.value(nth, cell));
            let terms: Vec<f64> = terms.collect();
            let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            losses.steps as f64 * (most + terms.iter().map(|term| (term - most).exp()).sum::<f64>().ln())
        });
        (moments.sum::<f64>() - CUT.ln()) / tilt
    };
    let tilts = (-4..9).map(|nth| 2_f64.powi(nth));
    side * tilts.map(reach).fold(f64::INFINITY, f64::min)
}

/// Composes and finds the epsilon that leaves delta.
fn read(losses: &[Losses], low: i64, length: usize, cell: f64, delta: f64) -> f64 {
    let mut all: Vec<Complex> = vec![(1.0, 0.0); length];
    for one in losses {
        let mut row: Vec<Complex> = vec![(0.0, 0.0); length];
        for (nth, chance) in one.chances.iter().enumerate() {
            row[(one.start + nth as i64).rem_euclid(length as i64) as usize].0 += chance;
        }
        transform(&mut row, false);
        all.iter_mut().zip(row).for_each(|(all, row)| *all = multiply(*all, power(row, one.steps)));
    }
    transform(&mut all, true);
    let none: f64 = losses.iter().map(|one| one.steps as f64 * (-one.infinite).ln_1p()).sum();
    // What lies beyond an edge came round to the other one: it is counted once more, as infinite.
    let mut above = -none.exp_m1() + 2.0 * CUT;
    if above >= delta {
        return f64::INFINITY;
    }
    // delta(e) = sum of p (1 - exp(e - loss)) over losses above e, from the top until it is reached.
    let mut weighted = 0.0;
    for nth in (0..length as i64).rev() {
        let loss = (low + nth) as f64 * cell;
        if above - weighted * loss.exp() > delta {
            // It is reached between this cell and the one above.
            return ((above - delta) / weighted).ln().max(0.0);
        }
        let chance = (all[(low + nth).rem_euclid(length as i64) as usize].0 / length as f64).max(0.0);
        above += chance;
        weighted += chance * (-loss).exp();
        if loss < 0.0 {
            break;
        }
    }
    0.0
}

impl Losses {
    fn value(&self, nth: usize, cell: f64) -> f64 {
        (self.start + nth as i64) as f64 * cell
    }
}

impl Part {
    /// One step on the grid; none when it does not fit at all.
    fn losses(&self, world: World, cell: f64) -> Option<Losses> {
        let far = FAR * self.noise;
        // The loss grows with the noisy value in the world with him, and falls in the one without.
        let (least, most) = match world {
            World::With => (self.loss(-far), self.loss(1.0 + far)),
            World::Without => (-self.loss(1.0 + far), -self.loss(-far)),
        };
        let start = (least / cell).floor() as i64;
        let count = ((most / cell).ceil() as i64 - start) as usize;
        if count > 2 * MOST_CELLS {
            return None;
        }
        let mut chances = vec![0.0; count + 1];
        for nth in 0..count {
            let low = (start + nth as i64) as f64 * cell;
            let (own, other) = self.cell(world, low, low + cell);
            // Two ends of a cell share what is in it so that both worlds keep their chance.
            let upper = ((own - other * low.exp()) / -(-cell).exp_m1()).clamp(0.0, own);
            chances[nth] += own - upper;
            chances[nth + 1] += upper;
        }
        let infinite =
            (1.0 - chances.iter().sum::<f64>()).max(0.0).min(self.beyond(world, start, count, cell));
        // What is below the grid counts as its first cell.
        let below = 1.0 - chances.iter().sum::<f64>() - infinite;
        chances[0] += below.max(0.0);
        Some(Losses { start, chances, infinite, steps: self.steps })
    }

    /// The chance of losses above the grid.
    fn beyond(&self, world: World, start: i64, count: usize, cell: f64) -> f64 {
        self.cell(world, (start + count as i64) as f64 * cell, f64::INFINITY).0
    }

    /// Chances of losses between two, in this world and in the other.
    fn cell(&self, world: World, low: f64, high: f64) -> (f64, f64) {
        let (from, to) = match world {
            World::With => (self.place(low), self.place(high)),
            World::Without => (self.place(-high), self.place(-low)),
        };
        let without = between(from / self.noise, to / self.noise);
        let shifted = between((from - 1.0) / self.noise, (to - 1.0) / self.noise);
        let with = (1.0 - self.rate) * without + self.rate * shifted;
        if world == World::With { (with, without) } else { (without, with) }
    }

    /// The loss at a noisy value, in the world with him.
    fn loss(&self, at: f64) -> f64 {
        let exponent = (2.0 * at - 1.0) / (2.0 * self.noise * self.noise);
        if exponent > 500.0 { exponent + self.rate.ln() } else { (self.rate * exponent.exp_m1()).ln_1p() }
    }

    /// The noisy value at which the loss is that much.
    fn place(&self, loss: f64) -> f64 {
        let variance = self.noise * self.noise;
        if loss > 500.0 {
            return variance * (loss - self.rate.ln()) + 0.5;
        }
        let exponent = (loss.exp_m1() / self.rate).max(-1.0).ln_1p();
        variance * exponent + 0.5
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::{GAUSSIAN, SAMPLED};
    use super::*;

    #[test]
    fn gaussians_are_exact() {
        for (apart, at, wanted) in
            [(1.0, 1.0, 0.12693673751), (0.5, 1.0, 6.8295949831e-3), (2.0, 8.0, 4.9540173894e-4)]
        {
            assert!((gaussian_delta(apart, at) / wanted - 1.0).abs() < 1e-9);
        }
        for (noise, steps, delta, _, wanted) in GAUSSIAN {
            let found = epsilon(&[Mechanism::Gaussian { noise, steps }], delta).unwrap();
            assert!((found - wanted).abs() < 6e-7, "{found}, wanted {wanted}");
        }
        let two =
            [Mechanism::Gaussian { noise: 8.0, steps: 30 }, Mechanism::Gaussian { noise: 12.0, steps: 40 }];
        assert!((epsilon(&two, 1e-5).unwrap() - 3.698780).abs() < 6e-7);
        let live = [0.434416, 0.633978, 1.047054, 1.534680, 2.258145, 2.837566, 3.341409, 3.796536];
        for (steps, wanted) in [1, 2, 5, 10, 20, 30, 40, 50].into_iter().zip(live) {
            let found = epsilon(&[Mechanism::Gaussian { noise: 8.0, steps }], 1e-5).unwrap();
            assert!((found - wanted).abs() < 6e-7, "{found}, wanted {wanted}");
        }
    }

    /// The references are rounded up themselves, on cells of 1e-4: with 14,062 steps cells here are finer.
    #[test]
    fn sampled_gaussians_are_never_below_and_hardly_above() {
        for (noise, rate, steps, delta, _, wanted) in SAMPLED {
            let found = epsilon(&[Mechanism::Sampled { noise, rate, steps }], delta).unwrap();
            assert!(
                found > wanted - 3e-5 && found < wanted + 1e-3,
                "{noise} {rate} {steps}: {found}, wanted {wanted}"
            );
        }
    }

    /// The grid, held against the closed form: a rate of one is a Gaussian.
    #[test]
    fn the_grid_is_above_the_closed_form() {
        for (noise, steps, delta, _, wanted) in GAUSSIAN.into_iter().filter(|(noise, ..)| *noise > 1.0) {
            let part = Part { noise, rate: 1.0, steps };
            for world in [World::With, World::Without] {
                let found = composed(&[part], world, delta).unwrap();
                assert!(
                    found > wanted - 6e-7 && found < wanted + 1e-3,
                    "{noise} {steps}: {found}, wanted {wanted}"
                );
            }
        }
    }

    /// One step has a closed form: what is left at the epsilon that was found is within delta, and hardly less.
    #[test]
    fn one_sampled_step_is_just_above_the_truth() {
        for (noise, rate, _, delta, _, _) in SAMPLED {
            let part = Part { noise, rate, steps: 1 };
            for world in [World::With, World::Without] {
                let left = |epsilon: f64| {
                    let (own, other) = part.cell(world, epsilon, f64::INFINITY);
                    own - epsilon.exp() * other
                };
                let delta = delta * rate;
                let found = composed(&[part], world, delta).unwrap();
                assert!(left(found) <= delta, "{noise} {rate}: {} left of {delta}", left(found));
                assert!(found == 0.0 || left(found - 2e-4) > delta, "{noise} {rate}: {found} is too high");
            }
        }
    }

    #[test]
    fn what_it_cannot_reckon_has_no_answer() {
        assert_eq!(epsilon(&[Mechanism::Gaussian { noise: 0.0, steps: 1 }], 1e-5), None);
        assert_eq!(epsilon(&[Mechanism::Gaussian { noise: 1.0, steps: 1 }], 0.0), None);
        assert_eq!(epsilon(&[], 1e-5), Some(0.0));
    }
}
