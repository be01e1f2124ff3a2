//! The classifier among what plants learn together: its body is shared, its last layer and temperature are the
//! plant's own. A gradient of a case is made by plain loops, one case at a time: the network is so small that
//! nothing is gained by more of them.

use std::ops::Range;

use fieldward_shared::weights::{Layout, Misfit, WeightVector};

use crate::classify::{FIRST, INPUTS, Input, SECOND, softmax};
use crate::learn::clipped::Summed;
use crate::learn::private::Task;

/// A case, and how likely each class is in truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What the classifier sees.
    pub input: Input,
    /// A share for each class; together one.
    pub truth: Vec<f32>,
}

/// Cases to learn from, under a last layer that stays as it is.
pub struct Cases {
    cases: Vec<Case>,
    /// Cases that are no secret of the plant.
    public: Vec<Case>,
    last: Last,
}

/// The last layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Last {
    /// A row of classes for each hidden number.
    pub weights: Vec<f32>,
    /// One for each class.
    pub bias: Vec<f32>,
}

impl Last {
    /// How far off the answer to what it is given is, and its loss.
    pub fn off(&self, deep: &[f32; SECOND], truth: &[f32]) -> (Vec<f32>, f64) {
        let mut shares = self.bias.clone();
        add_product(deep, &self.weights, &mut shares);
        softmax(&mut shares);
        let surprise = shares.iter().zip(truth).map(|(share, truth)| truth * share.max(1e-30).ln());
        let loss = -f64::from(surprise.sum::<f32>());
        (shares.iter().zip(truth).map(|(share, truth)| share - truth).collect(), loss)
    }
}

/// The shared part of the weights.
pub fn body() -> Layout {
    let shapes: [(&str, &[usize]); 4] = [
        ("first", &[INPUTS, FIRST]),
        ("first bias", &[FIRST]),
        ("second", &[FIRST, SECOND]),
        ("second bias", &[SECOND]),
    ];
    Layout::new(shapes)
}

/// What one case went through.
struct Passed {
    hidden: [f32; FIRST],
    by_first: [f32; FIRST],
    by_second: [f32; SECOND],
    loss: f64,
    norm2: f64,
}

impl Cases {
    /// These, and public ones beside them.
    pub const fn new(cases: Vec<Case>, public: Vec<Case>, last: Last) -> Self {
        Self { cases, public, last }
    }

    /// The loss of a case.
    #[cfg(test)]
    pub fn loss(&self, weights: &[f32], case: &Case) -> f64 {
        self.pass(weights, case).loss
    }

    fn pass(&self, weights: &[f32], case: &Case) -> Passed {
        let second = parts(weights)[2];
        let (hidden, deep) = think(weights, case);
        let (off, loss) = self.last.off(&deep, &case.truth);
        let mut by_second = back(&off, &self.last.weights, deep);
        by_second.iter_mut().zip(deep).for_each(|(by, value)| *by = if value > 0.0 { *by } else { 0.0 });
        let mut by_first = back(&by_second, second, hidden);
        by_first.iter_mut().zip(hidden).for_each(|(by, value)| *by = if value > 0.0 { *by } else { 0.0 });
        // A one for the bias.
        let norm2 =
            (square(&case.input) + 1.0) * square(&by_first) + (square(&hidden) + 1.0) * square(&by_second);
        Passed { hidden, by_first, by_second, loss, norm2 }
    }

    fn add(&self, weights: &[f32], case: &Case, clip: f64, sum: &mut Summed) {
        let passed = self.pass(weights, case);
        let norm = passed.norm2.sqrt();
        // A gradient that is no number adds nothing.
        if !norm.is_finite() {
            return;
        }
        let factor = if norm > clip { (clip / norm) as f32 } else { 1.0 };
        sum.cut += usize::from(norm > clip);
        sum.loss += passed.loss;
        let [first, first_bias, second, second_bias] = places();
        outer(&case.input, &passed.by_first, factor, &mut sum.gradient[first]);
        outer(&[1.0], &passed.by_first, factor, &mut sum.gradient[first_bias]);
        outer(&passed.hidden, &passed.by_second, factor, &mut sum.gradient[second]);
        outer(&[1.0], &passed.by_second, factor, &mut sum.gradient[second_bias]);
    }
}

impl Task for Cases {
    fn examples(&self) -> usize {
        self.cases.len()
    }

    fn clipped(&self, weights: &[f32], chosen: &[usize], clip: f64) -> Result<Summed, Misfit> {
        WeightVector::new(&body(), weights.to_vec())?;
        let mut sum = Summed { gradient: vec![0.0; weights.len()], ..Summed::default() };
        chosen.iter().for_each(|at| self.add(weights, &self.cases[*at], clip, &mut sum));
        Ok(sum)
    }

    /// The mean of the public cases.
    fn public(&mut self, weights: &[f32]) -> Result<Option<Vec<f32>>, Misfit> {
        if self.public.is_empty() {
            return Ok(None);
        }
        let mut sum = Summed { gradient: vec![0.0; weights.len()], ..Summed::default() };
        self.public.iter().for_each(|case| self.add(weights, case, f64::INFINITY, &mut sum));
        let many = self.public.len() as f32;
        sum.gradient.iter_mut().for_each(|value| *value /= many);
        Ok(Some(sum.gradient))
    }
}

/// What the body makes of a case: after its first layer, and after its second.
pub fn think(weights: &[f32], case: &Case) -> ([f32; FIRST], [f32; SECOND]) {
    let [first, first_bias, second, second_bias] = parts(weights);
    let mut hidden: [f32; FIRST] = array(first_bias);
    add_product(&case.input, first, &mut hidden);
    hidden.iter_mut().for_each(|value| *value = value.max(0.0));
    let mut deep: [f32; SECOND] = array(second_bias);
    add_product(&hidden, second, &mut deep);
    deep.iter_mut().for_each(|value| *value = value.max(0.0));
    (hidden, deep)
}

/// Where the parts lie.
const fn places() -> [Range<usize>; 4] {
    let first = INPUTS * FIRST;
    let second = first + FIRST;
    let last = second + FIRST * SECOND;
    [0..first, first..second, second..last, last..last + SECOND]
}

fn parts(weights: &[f32]) -> [&[f32]; 4] {
    places().map(|place| &weights[place])
}

fn array<const N: usize>(values: &[f32]) -> [f32; N] {
    let mut array = [0.0; N];
    array.copy_from_slice(values);
    array
}

/// Adds `row` times a matrix that has a row for each of its values.
fn add_product(row: &[f32], matrix: &[f32], sums: &mut [f32]) {
    for (value, weights) in row.iter().zip(matrix.chunks_exact(sums.len())) {
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
    }
}

/// How the error changes with what went into a layer.
fn back<const N: usize>(by: &[f32], matrix: &[f32], _: [f32; N]) -> [f32; N] {
    let mut into = [0.0; N];
    for (into, weights) in into.iter_mut().zip(matrix.chunks_exact(by.len())) {
        *into = weights.iter().zip(by).map(|(weight, by)| weight * by).sum();
    }
    into
}

fn outer(rows: &[f32], columns: &[f32], factor: f32, sums: &mut [f32]) {
    for (row, sums) in rows.iter().zip(sums.chunks_exact_mut(columns.len())) {
        sums.iter_mut().zip(columns).for_each(|(sum, column)| *sum += row * factor * column);
    }
}

fn square(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum()
}
