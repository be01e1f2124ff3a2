//! Whole numbers from a discrete Gaussian, exactly: no floating point comes near them, so none can leak through
//! its gaps. After Canonne, Kamath and Steinke (arXiv 2004.00010): a discrete Laplace that is accepted with the
//! right chance, out of fair draws alone.

use super::keystream::Keystream;

/// Largest standard deviation that the arithmetic holds.
pub const WIDEST: u64 = 1 << 26;

/// A discrete Gaussian with mean zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscreteGaussian {
    deviation: u64,
}

impl DiscreteGaussian {
    /// With this standard deviation, at least one and at most [`WIDEST`].
    pub const fn new(deviation: u64) -> Option<Self> {
        if deviation >= 1 && deviation <= WIDEST { Some(Self { deviation }) } else { None }
    }

    /// A number.
    pub fn draw(self, chance: &mut Keystream) -> i64 {
        let width = u128::from(self.deviation) + 1;
        let variance = u128::from(self.deviation) * u128::from(self.deviation);
        loop {
            let drawn = laplace(width, chance);
            let size = u128::from(drawn.unsigned_abs());
            // It never comes that far (exp(-1024)), and squares would not fit.
            if size > width << 10 {
                continue;
            }
            let off = (size * width).abs_diff(variance);
            if decays(off * off, 2 * variance * width * width, chance) {
                return drawn;
            }
        }
    }
}

/// A discrete Laplace: chance falls by e every `width`.
fn laplace(width: u128, chance: &mut Keystream) -> i64 {
    loop {
        let low = chance.below(width);
        if !decays(low, width, chance) {
            continue;
        }
        let mut turns = 0;
        while decays(1, 1, chance) {
            turns += 1;
        }
        let size = (low + width * turns) as i64;
        let negative = chance.next_u32() & 1 == 1;
        // Zero has one sign only.
        if !(negative && size == 0) {
            return if negative { -size } else { size };
        }
    }
}

/// True with the chance exp(-above/below).
fn decays(above: u128, below: u128, chance: &mut Keystream) -> bool {
    let whole = above / below;
    (0..whole).all(|_| decays_little(1, 1, chance)) && decays_little(above % below, below, chance)
}

/// The same for a fraction of at most one: von Neumann's game.
fn decays_little(above: u128, below: u128, chance: &mut Keystream) -> bool {
    let mut turn = 1;
    // One of `turn` and `above` of `below`, drawn apart so that no product grows.
    while chance.below(turn) == 0 && chance.below(below) < above {
        turn += 1;
    }
    turn % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_as_often_as_they_should() {
        let (noise, mut chance) = (DiscreteGaussian::new(3).unwrap(), Keystream::new(&[3; 32]));
        let most = 200_000;
        let mut seen = [0_f64; 41];
        for _ in 0..most {
            let drawn = noise.draw(&mut chance);
            assert!(drawn.abs() <= 20, "{drawn} of deviation 3");
            seen[(drawn + 20) as usize] += 1.0;
        }
        let weight = |at: i32| f64::exp(-f64::from(at * at) / 18.0);
        let all: f64 = (-60..=60).map(weight).sum();
        let cells = (-9..=9).map(|at| (seen[(at + 20) as usize], f64::from(most) * weight(at) / all));
        let chi: f64 = cells.map(|(found, wanted)| (found - wanted).powi(2) / wanted).sum();
        // Nineteen cells: beyond 45 once in two thousand seeds.
        assert!(chi < 45.0, "chi square {chi}");
    }

    #[test]
    fn wide_noise_has_its_variance() {
        for deviation in [1000_u64, 5_930_642, WIDEST] {
            let (noise, mut chance) = (DiscreteGaussian::new(deviation).unwrap(), Keystream::new(&[9; 32]));
            let most = 20_000;
            let drawn: Vec<f64> =
                (0..most).map(|_| noise.draw(&mut chance) as f64 / deviation as f64).collect();
            let mean = drawn.iter().sum::<f64>() / f64::from(most);
            let variance = drawn.iter().map(|value| value * value).sum::<f64>() / f64::from(most);
            assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{deviation}: {mean}, {variance}");
        }
        assert!(DiscreteGaussian::new(0).is_none() && DiscreteGaussian::new(WIDEST + 1).is_none());
    }
}
