//! The few functions that the accountant needs, exact far into the tails.

use std::f64::consts::{PI, SQRT_2};

/// ln(exp(x) + exp(y)).
pub(super) fn log_add(x: f64, y: f64) -> f64 {
    let (small, large) = (x.min(y), x.max(y));
    if small == f64::NEG_INFINITY { large } else { large + (small - large).exp().ln_1p() }
}

/// ln(erfc(x)).
pub(super) fn log_erfc(x: f64) -> f64 {
    if x < 20.0 {
        return libm::erfc(x).ln();
    }
    let square = x * x;
    let series = 1.0 - 0.5 / square * (1.0 - 1.5 / square * (1.0 - 2.5 / square * (1.0 - 3.5 / square)));
    -square - (x * PI.sqrt()).ln() + series.ln()
}

/// ln of the chance that a normal number is below x.
pub(super) fn log_phi(x: f64) -> f64 {
    log_erfc(-x / SQRT_2) - std::f64::consts::LN_2
}

/// The chance that a normal number lies between two.
pub(super) fn between(low: f64, high: f64) -> f64 {
    if low >= high {
        return 0.0;
    }
    // From the side where the tail is thin, or nothing would be left of the difference.
    let (low, high) = if low > 0.0 { (low, high) } else { (-high, -low) };
    0.5 * (libm::erfc(low / SQRT_2) - libm::erfc(high / SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_join_where_the_series_begins() {
        let (before, after) = (log_erfc(20.0 - 1e-9), log_erfc(20.0));
        assert!((before - after).abs() < 1e-6, "{before} {after}");
        assert!((log_phi(0.0) - 0.5_f64.ln()).abs() < 1e-15);
        assert!((between(-1.0, 1.0) - 0.682_689_492_137_086).abs() < 1e-14);
        assert!((between(9.0, 10.0) / between(-10.0, -9.0) - 1.0).abs() < 1e-15);
    }
}
