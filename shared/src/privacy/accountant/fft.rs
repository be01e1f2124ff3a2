//! The fast Fourier transform that composes distributions of privacy loss: radix two, in place.

use std::f64::consts::TAU;

/// A complex number.
pub(super) type Complex = (f64, f64);

/// Transforms a row whose length is a power of two. Twice, once `back`, gives it times its length.
pub(super) fn transform(row: &mut [Complex], back: bool) {
    let length = row.len();
    debug_assert!(length.is_power_of_two());
    let bits = length.trailing_zeros();
    for at in 0..length {
        let other = if bits == 0 { 0 } else { at.reverse_bits() >> (usize::BITS - bits) };
        if at < other {
            row.swap(at, other);
        }
    }
    let turn = if back { TAU } else { -TAU } / length as f64;
    let circle: Vec<Complex> =
        (0..length / 2).map(|nth| (turn * nth as f64).sin_cos()).map(|(s, c)| (c, s)).collect();
    let mut half = 1;
    while half < length {
        let step = length / (2 * half);
        for part in row.chunks_exact_mut(2 * half) {
            let (low, high) = part.split_at_mut(half);
            for ((one, other), angle) in low.iter_mut().zip(high).zip(circle.iter().step_by(step)) {
                let turned = multiply(*other, *angle);
                *other = (one.0 - turned.0, one.1 - turned.1);
                *one = (one.0 + turned.0, one.1 + turned.1);
            }
        }
        half *= 2;
    }
}

/// A product.
pub(super) fn multiply(one: Complex, other: Complex) -> Complex {
    (one.0 * other.0 - one.1 * other.1, one.0 * other.1 + one.1 * other.0)
}

/// A whole power.
pub(super) fn power(mut base: Complex, mut exponent: u64) -> Complex {
    let mut result = (1.0, 0.0);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_where_it_began() {
        let row: Vec<Complex> = (0..64).map(|nth| (f64::from(nth * nth % 17), f64::from(nth % 5))).collect();
        let mut turned = row.clone();
        transform(&mut turned, false);
        // By its definition.
        let wanted = row.iter().enumerate().fold((0.0, 0.0), |sum, (nth, value)| {
            let (sin, cos) = (-TAU * 3.0 * nth as f64 / 64.0).sin_cos();
            let part = multiply(*value, (cos, sin));
            (sum.0 + part.0, sum.1 + part.1)
        });
        assert!((turned[3].0 - wanted.0).abs() < 1e-9 && (turned[3].1 - wanted.1).abs() < 1e-9);
        transform(&mut turned, true);
        assert!(row.iter().zip(&turned).all(|(one, other)| (one.0 - other.0 / 64.0).abs() < 1e-12));
        assert_eq!(power((0.0, 1.0), 6), (-1.0, 0.0));
    }
}
