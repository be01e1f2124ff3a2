//! The first directions of the spread of rows: subspace iteration on their covariance, then Jacobi
//! rotations within what was found (Golub and Van Loan, Matrix Computations, 8.2 and 8.5). A library for
//! linear algebra would bring in far more than these two loops.

use fastrand::Rng;

/// Directions of unit length, the one with the largest spread first.
pub struct Directions {
    /// One behind the other, `width` numbers each.
    pub vectors: Vec<f64>,
    /// The variance along each.
    pub variances: Vec<f64>,
    /// The variance in all directions together.
    pub total: f64,
}

/// The first `count` directions of rows around their mean.
pub fn directions<'a>(rows: impl Iterator<Item = &'a [f32]>, mean: &[f32], count: usize) -> Directions {
    let width = mean.len();
    let covariance = covariance(rows, mean);
    let total = (0..width).map(|at| covariance[at * width + at]).sum();
    let count = count.min(width);
    let mut chance = Rng::with_seed(1);
    let mut vectors: Vec<f64> = (0..count * width).map(|_| chance.f64() - 0.5).collect();
    orthogonal(&mut vectors, width, &mut chance);
    for _ in 0..ROUNDS {
        vectors = times(&covariance, &vectors, width);
        orthogonal(&mut vectors, width, &mut chance);
    }
    let image = times(&covariance, &vectors, width);
    let mut small = vec![0.0; count * count];
    for (row, vector) in vectors.chunks_exact(width).enumerate() {
        for (column, image) in image.chunks_exact(width).enumerate() {
            small[row * count + column] = dot(vector, image);
        }
    }
    let rotation = jacobi(&mut small, count);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|one, other| small[other * count + other].total_cmp(&small[one * count + one]));
    let mut turned = vec![0.0; count * width];
    for (turned, column) in turned.chunks_exact_mut(width).zip(&order) {
        for (row, vector) in vectors.chunks_exact(width).enumerate() {
            add(turned, rotation[row * count + column], vector);
        }
    }
    let variances = order.iter().map(|at| small[at * count + at].max(0.0)).collect();
    Directions { vectors: turned, variances, total }
}

fn covariance<'a>(rows: impl Iterator<Item = &'a [f32]>, mean: &[f32]) -> Vec<f64> {
    let width = mean.len();
    let mut sums = vec![0.0_f64; width * width];
    let mut count = 0.0_f64;
    let mut wide = vec![0.0_f64; width];
    for row in rows {
        count += 1.0;
        for ((wide, value), mean) in wide.iter_mut().zip(row).zip(mean) {
            *wide = f64::from(value - mean);
        }
        for (at, value) in wide.iter().enumerate() {
            // Half of it is enough: it is the same on both sides.
            add(&mut sums[at * width + at..(at + 1) * width], *value, &wide[at..]);
        }
    }
    for row in 0..width {
        for column in row..width {
            let value = sums[row * width + column] / count.max(1.0);
            sums[row * width + column] = value;
            sums[column * width + row] = value;
        }
    }
    sums
}

/// The matrix times each vector; it is symmetric, so its rows are its columns.
fn times(matrix: &[f64], vectors: &[f64], width: usize) -> Vec<f64> {
    let mut products = vec![0.0; vectors.len()];
    for (product, vector) in products.chunks_exact_mut(width).zip(vectors.chunks_exact(width)) {
        for (value, row) in vector.iter().zip(matrix.chunks_exact(width)) {
            add(product, *value, row);
        }
    }
    products
}

/// Makes vectors orthogonal and of unit length (Gram and Schmidt, twice); one that vanishes is drawn anew.
fn orthogonal(vectors: &mut [f64], width: usize, chance: &mut Rng) {
    for at in 0..vectors.len() / width {
        let (before, rest) = vectors.split_at_mut(at * width);
        let vector = &mut rest[..width];
        for attempt in 0..4 {
            let length = dot(vector, vector).sqrt();
            if length < VANISHED || !length.is_finite() {
                vector.iter_mut().for_each(|value| *value = chance.f64() - 0.5);
            } else {
                vector.iter_mut().for_each(|value| *value /= length);
            }
            for earlier in before.chunks_exact(width) {
                let along = dot(vector, earlier);
                add(vector, -along, earlier);
            }
            if attempt > 0 && dot(vector, vector) > 0.5 {
                break;
            }
        }
        let length = dot(vector, vector).sqrt().max(VANISHED);
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

/// Turns a symmetric matrix until it is diagonal; gives the rotation, directions in its columns.
fn jacobi(matrix: &mut [f64], width: usize) -> Vec<f64> {
    let mut rotation = vec![0.0; width * width];
    (0..width).for_each(|at| rotation[at * width + at] = 1.0);
    for _ in 0..SWEEPS {
        for p in 0..width {
            for q in p + 1..width {
                let off = matrix[p * width + q];
                if off.abs() < VANISHED {
                    continue;
                }
                let theta = (matrix[q * width + q] - matrix[p * width + p]) / (2.0 * off);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                turn_columns(matrix, width, p, q, c, t * c);
                turn_rows(matrix, width, p, q, c, t * c);
                turn_columns(&mut rotation, width, p, q, c, t * c);
            }
        }
    }
    rotation
}

fn turn_columns(matrix: &mut [f64], width: usize, p: usize, q: usize, c: f64, s: f64) {
    for row in matrix.chunks_exact_mut(width) {
        (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
    }
}

fn turn_rows(matrix: &mut [f64], width: usize, p: usize, q: usize, c: f64, s: f64) {
    for column in 0..width {
        let (one, other) = (matrix[p * width + column], matrix[q * width + column]);
        matrix[p * width + column] = c * one - s * other;
        matrix[q * width + column] = s * one + c * other;
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

fn add(sums: &mut [f64], factor: f64, values: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

const ROUNDS: usize = 40;
const SWEEPS: usize = 12;
const VANISHED: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directions_of_a_known_spread_are_found() {
        let mut chance = Rng::with_seed(3);
        // Along (1, 1, 0), (1, -1, 0) and (0, 0, 1) with deviations 3, 1 and 0.1.
        let rows: Vec<[f32; 3]> = (0..4000)
            .map(|_| {
                let [a, b, c] = [3.0, 1.0, 0.1].map(|scale| scale * 12_f32.sqrt() * (chance.f32() - 0.5));
                [(a + b) / 2_f32.sqrt(), (a - b) / 2_f32.sqrt(), c]
            })
            .collect();
        let found = directions(rows.iter().map(|row| &row[..]), &[0.0; 3], 2);
        assert!((found.variances[0] - 9.0).abs() < 0.4, "{:?}", found.variances);
        assert!((found.variances[1] - 1.0).abs() < 0.1, "{:?}", found.variances);
        assert!((found.total - 10.01).abs() < 0.4);
        assert!((found.vectors[0] - found.vectors[1]).abs() < 0.02 && found.vectors[2].abs() < 0.02);
        assert!(dot(&found.vectors[..3], &found.vectors[3..]).abs() < 1e-9);
    }

    #[test]
    fn rows_without_spread_give_directions_without_variance() {
        let rows = [[0.0_f32; 4]; 10];
        let found = directions(rows.iter().map(|row| &row[..]), &[0.0; 4], 3);
        assert!(found.vectors.iter().all(|value| value.is_finite()));
        assert_eq!((found.variances, found.total), (vec![0.0; 3], 0.0));
    }
}
