//! Rényi differential privacy: each mechanism as a curve over orders, curves add up, and epsilon is the best
//! that an order gives. Orders and formulas are those of dp-accounting, so that its values can be compared.

use super::event::{Discrete, Mechanism};
use super::special::{log_add, log_erfc};

/// Terms of a series after which an order is given up.
const MOST_TERMS: u32 = 1000;

/// The orders that are tried: 1.1 to 10.9, whole ones to 63, and four large ones.
pub fn orders() -> impl Iterator<Item = f64> {
    let fractions = (1..100).map(|tenth| 1.0 + f64::from(tenth) / 10.0);
    fractions.chain((11..64).map(f64::from)).chain([128.0, 256.0, 512.0, 1024.0])
}

/// Epsilon of mechanisms used one after another; infinite when it cannot be bounded.
pub fn epsilon(mechanisms: &[Mechanism], delta: f64) -> f64 {
    if mechanisms.iter().any(|mechanism| !mechanism.is_sound()) {
        return f64::INFINITY;
    }
    let mut all = Curve::default();
    mechanisms.iter().for_each(|mechanism| all.add(&Curve::of_a_step(mechanism), mechanism.steps()));
    all.epsilon(delta)
}

/// What was spent at each order. A curve of a single step costs a long series at most orders; sums of them cost nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve(Box<[f64]>);

impl Default for Curve {
    /// Nothing was spent.
    fn default() -> Self {
        Self(orders().map(|_| 0.0).collect())
    }
}

impl Curve {
    /// What a mechanism costs that is used once, however often it says; infinite when it is none.
    pub fn of_a_step(mechanism: &Mechanism) -> Self {
        let step = mechanism.with_steps(1);
        let sound = step.is_sound();
        Self(orders().map(|order| if sound { curve(&step, order) } else { f64::INFINITY }).collect())
    }

    /// Adds another, so many times.
    pub fn add(&mut self, other: &Self, times: u64) {
        // Nothing of what is infinite is nothing.
        if times > 0 {
            self.0.iter_mut().zip(&other.0).for_each(|(sum, one)| *sum += times as f64 * one);
        }
    }

    /// Epsilon at a delta: the best that an order gives.
    pub fn epsilon(&self, delta: f64) -> f64 {
        if !(delta > 0.0 && delta < 1.0) {
            return f64::INFINITY;
        }
        let bounds = orders().zip(&self.0).map(|(order, spent)| convert(order, *spent, delta));
        bounds.fold(f64::INFINITY, f64::min)
    }
}

/// From an order to epsilon (Canonne, Kamath and Steinke, arXiv 2004.00010, proposition 12).
fn convert(order: f64, spent: f64, delta: f64) -> f64 {
    if spent.is_nan() {
        return f64::INFINITY;
    }
    // Bounded by the divergence alone.
    if delta * delta + (-spent).exp_m1() > 0.0 {
        return 0.0;
    }
    let epsilon = spent + (-1.0 / order).ln_1p() - (delta * order).ln() / (order - 1.0);
    epsilon.max(0.0)
}

fn curve(mechanism: &Mechanism, order: f64) -> f64 {
    match *mechanism {
        _ if mechanism.steps() == 0 => 0.0,
        Mechanism::Gaussian { noise, steps } => steps as f64 * order / (2.0 * noise * noise),
        Mechanism::Sampled { noise, rate, steps } if rate >= 1.0 => {
            curve(&Mechanism::Gaussian { noise, steps }, order)
        }
        Mechanism::Sampled { noise, rate, steps } => steps as f64 * sampled(noise, rate, order),
        Mechanism::Discrete(discrete) => discrete.steps as f64 * order / 2.0 * concentrated(&discrete),
    }
}

/// Twice the concentrated privacy of a sum of discrete Gaussians (Kairouz, Liu and Steinke, arXiv 2102.06387).
pub(super) fn concentrated(discrete: &Discrete) -> f64 {
    let Discrete { norm, deviation, plants, length, .. } = *discrete;
    let (plants, length) = (f64::from(plants), length as f64);
    let variance = deviation * deviation;
    // How far a sum of several is from a single one; nothing for deviations above one unit or so.
    let pairs = 1..plants as u32;
    let far =
        |k: u32| (-2.0 * std::f64::consts::PI.powi(2) * variance * f64::from(k) / f64::from(k + 1)).exp();
    let tau = 10.0 * pairs.map(far).take_while(|part| *part > 0.0).sum::<f64>();
    let central = norm * norm / (plants * variance);
    (central + 0.5 * tau * length).min((central.sqrt() + tau * length.sqrt()).powi(2))
}

/// A Gaussian on a Poisson sample (Mironov, Talwar and Zhang, arXiv 1908.10530).
fn sampled(noise: f64, rate: f64, order: f64) -> f64 {
    let is_whole = order.fract() == 0.0;
    let moment = if is_whole { whole(noise, rate, order as u32) } else { fraction(noise, rate, order) };
    moment.map_or(f64::INFINITY, |moment| moment / (order - 1.0))
}

fn whole(noise: f64, rate: f64, order: u32) -> Option<f64> {
    let (mut coefficient, mut moment) = (0.0, f64::NEG_INFINITY);
    for i in 0..=order {
        let (power, rest) = (f64::from(i), f64::from(order - i));
        let term = coefficient + power * rate.ln() + rest * (-rate).ln_1p();
        moment = log_add(moment, term + (power * power - power) / (2.0 * noise * noise));
        coefficient += (rest / (power + 1.0)).ln();
    }
    Some(moment)
}

/// None when the series does not converge in time: low orders at high rates. Signs alternate from the order on; all
/// terms are added all the same, as dp-accounting does, which can only make the bound larger.
fn fraction(noise: f64, rate: f64, order: f64) -> Option<f64> {
    let (ln_rate, ln_rest) = (rate.ln(), (-rate).ln_1p());
    let (variance, width) = (noise * noise, std::f64::consts::SQRT_2 * noise);
    let edge = variance * (1.0 / rate - 1.0).ln() + 0.5;
    let (mut moment, mut last) = (f64::NEG_INFINITY, (f64::NEG_INFINITY, f64::NEG_INFINITY));
    let mut coefficient = 1.0_f64;
    for i in 0..MOST_TERMS {
        let i = f64::from(i);
        let j = order - i;
        let size = coefficient.abs().ln() - std::f64::consts::LN_2;
        let below =
            size + i * ln_rate + j * ln_rest + (i * i - i) / (2.0 * variance) + log_erfc((i - edge) / width);
        let above =
            size + j * ln_rate + i * ln_rest + (j * j - j) / (2.0 * variance) + log_erfc((edge - j) / width);
        moment = log_add(moment, log_add(below, above));
        if below < last.0 && above < last.1 && below.max(above) < moment - 30.0 {
            return Some(moment);
        }
        last = (below, above);
        coefficient *= j / (i + 1.0);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::reference::{GAUSSIAN, SAMPLED};
    use super::*;
    use crate::privacy::ring::{Ring, Terms};

    #[track_caller]
    fn close(found: f64, wanted: f64) {
        assert!((found / wanted - 1.0).abs() < 1e-4, "{found}, wanted {wanted}");
    }

    #[test]
    fn gaussians_cost_what_they_should() {
        for (noise, steps, delta, wanted, _) in GAUSSIAN {
            close(epsilon(&[Mechanism::Gaussian { noise, steps }], delta), wanted);
        }
        let two =
            [Mechanism::Gaussian { noise: 8.0, steps: 30 }, Mechanism::Gaussian { noise: 12.0, steps: 40 }];
        close(epsilon(&two, 1e-5), 4.000_731);
        let live = [0.477554, 0.694826, 1.143151, 1.671218, 2.451506, 3.075356, 3.617100, 4.105662];
        for (steps, wanted) in [1, 2, 5, 10, 20, 30, 40, 50].into_iter().zip(live) {
            close(epsilon(&[Mechanism::Gaussian { noise: 8.0, steps }], 1e-5), wanted);
        }
    }

    #[test]
    fn sampled_gaussians_cost_what_they_should() {
        for (noise, rate, steps, delta, wanted, _) in SAMPLED {
            close(epsilon(&[Mechanism::Sampled { noise, rate, steps }], delta), wanted);
        }
    }

    #[test]
    fn discrete_gaussians_cost_what_they_should() {
        // Plants, length, bits of the sum, epsilon: fifty rounds with z = 8.
        for (plants, length, bits, wanted) in [
            (10, 2048, 20, 4.105809),
            (50, 65536, 20, 4.105949),
            (1000, 65536, 20, 4.105999),
            (1000, 65536, 16, 4.153915),
            (1000, 1_048_576, 24, 4.105680),
        ] {
            let (n, d) = (f64::from(plants), f64::from(length));
            let each = 8.0 / n.sqrt();
            let room = (2_f64.powi(2 * bits) - n * 16.0).sqrt();
            let scale = room / (8.0 * (n * n / d + n * each * each).sqrt());
            // A ring of which one unit is one, with the scale as its clip norm.
            let ring = Ring::new(Terms { bits: 0, clip: scale, members: 1, deviation: 0 }).unwrap();
            let norm = ring.rounded_norm2(length as usize).sqrt();
            let (deviation, length) = (each * scale, length as u64);
            let discrete = Discrete { norm, deviation, plants, length, steps: 50 };
            let found = epsilon(&[Mechanism::Discrete(discrete)], 1e-5);
            close(found, wanted);
        }
    }

    #[test]
    fn what_is_no_mechanism_has_no_bound() {
        for bad in [0.0, -1.0, f64::NAN] {
            assert_eq!(epsilon(&[Mechanism::Gaussian { noise: bad, steps: 1 }], 1e-5), f64::INFINITY);
        }
        assert_eq!(epsilon(&[Mechanism::Sampled { noise: 1.0, rate: 1.5, steps: 1 }], 1e-5), f64::INFINITY);
        assert_eq!(epsilon(&[], 0.0), f64::INFINITY);
        assert_eq!(epsilon(&[], 1e-5), 0.0);
    }
}
