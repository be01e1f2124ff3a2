//! Whether two samples are of one distribution (Kolmogorov and Smirnov, two samples), from counts in bins. Edges are
//! the only places that are compared, so the distance is never more than the true one: the test errs towards calm.

/// The furthest that the two lie apart, as shares at or below an edge: 0 to 1. It is the effect too: so large a share
/// of the steps lies elsewhere at least.
pub fn distance(then: &[f32], now: &[u32]) -> f32 {
    let all = now.iter().map(|count| f64::from(*count)).sum::<f64>().max(1.0);
    let (mut one, mut other, mut most) = (0.0, 0.0, 0.0_f64);
    for (share, count) in then.iter().zip(now) {
        one += f64::from(*share);
        other += f64::from(*count) / all;
        most = most.max((one - other).abs());
    }
    most.min(1.0) as f32
}

/// With which chance two samples of one distribution lie so far apart, by the limit with Stephens' correction for
/// small samples (Press et al., Numerical Recipes, 14.3).
pub fn chance(distance: f64, one: f64, other: f64) -> f64 {
    let root = (one * other / (one + other).max(f64::MIN_POSITIVE)).sqrt();
    let at = (root + 0.12 + 0.11 / root.max(f64::MIN_POSITIVE)) * distance;
    // Below this the sum converges slowly, and the chance is 1 to nine digits.
    if root <= 0.0 || !at.is_finite() || at < 0.27 {
        return 1.0;
    }
    let term = |nth: i32| {
        let sign = if nth % 2 == 1 { 1.0 } else { -1.0 };
        sign * (-2.0 * f64::from(nth * nth) * at * at).exp()
    };
    (2.0 * (1..=TERMS).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

const TERMS: i32 = 20;

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    #[test]
    fn the_chance_is_that_of_the_tables() {
        // Kolmogorov's distribution: 1.3581 is passed by one of twenty, 1.6276 by one of a hundred.
        let many = 1e12;
        let at = |value: f64| chance(value / (many / 2.0_f64).sqrt(), many, many);
        for (value, expected) in
            [(0.3, 0.999_990_7), (1.0, 0.269_999_7), (1.3581, 0.05), (1.6276, 0.01), (1.9495, 0.001)]
        {
            assert!((at(value) - expected).abs() < 1e-4 * expected.max(0.05), "{value}: {}", at(value));
        }
        assert_eq!(
            (chance(0.0, 10.0, 10.0), chance(f64::NAN, 10.0, 10.0), chance(1.0, 0.0, 0.0)),
            (1.0, 1.0, 1.0)
        );
        assert!(chance(1.0, 300.0, 300.0) < 1e-100);
    }

    #[test]
    fn samples_of_one_distribution_are_rarely_told_apart_and_others_are() {
        let mut chance_of = Rng::with_seed(5);
        let mut counts = |all: usize, shift: f32| {
            let mut counts = [0_u32; 10];
            for _ in 0..all {
                counts[(((chance_of.f32() + shift) * 10.0) as usize).min(9)] += 1;
            }
            counts
        };
        let mut wrong = 0;
        for _ in 0..400 {
            let (then, now) = (counts(300, 0.0), counts(1000, 0.0));
            let shares = then.map(|count| count as f32 / 300.0);
            wrong += u32::from(chance(f64::from(distance(&shares, &now)), 300.0, 1000.0) < 0.05);
        }
        assert!(wrong <= 28, "{wrong} of 400 at one of twenty: bins make it fewer, not more");
        let shares = counts(300, 0.0).map(|count| count as f32 / 300.0);
        let moved = distance(&shares, &counts(1000, 0.2));
        assert!((0.15..0.3).contains(&moved) && chance(f64::from(moved), 300.0, 1000.0) < 1e-4);
        // Many windows make the smallest shift significant; the effect stays what it is.
        let (then, now) = (counts(400_000, 0.0).map(|count| count as f32 / 400_000.0), counts(400_000, 0.01));
        let little = distance(&then, &now);
        assert!(little < 0.02 && chance(f64::from(little), 400_000.0, 400_000.0) < 1e-6);
    }
}
