//! A step of training by hand: the error of a batch and its gradient by every weight. burn multiplies
//! the matrices and a test holds the result against burn's own; what goes on inside a cell is plain loops,
//! since differentiating it operation by operation took twice the time.
//!
//! Rows are in order of time: all minutes' first steps, then all second ones.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use super::curves::{sigmoid, tanh};
use super::model::{Autoencoder, Cell, HIDDEN};
use super::steps::STEPS;

/// How the mean squared error on these minutes, `inputs` numbers a step, changes with every weight.
pub fn gradient(network: &Autoencoder, minutes: &[f32], inputs: usize) -> GradientsParams {
    let passed = Passed::through(network, minutes, inputs, 2.0 / minutes.len().max(1) as f32);
    let mut found = GradientsParams::new();
    let [encoder, decoder] = [&network.encoder, &network.decoder];
    let matrices =
        [encoder.input.id, encoder.hidden.id, decoder.input.id, decoder.hidden.id, network.output.id];
    for (id, product) in matrices.into_iter().zip(passed.products()) {
        found.register(id, product);
    }
    for (id, sum) in [encoder.bias.id, decoder.bias.id, network.output_bias.id].into_iter().zip(passed.sums())
    {
        found.register(id, vector(sum));
    }
    found
}

/// What came by on the way through the network and back; a row for each step of each minute.
pub(super) struct Passed {
    pub inputs: usize,
    pub count: usize,
    /// What the encoder was given, and the decoder.
    pub given: Vec<f32>,
    pub code: Vec<f32>,
    /// What the cells gave in each step.
    pub read: Vec<f32>,
    pub told: Vec<f32>,
    /// How the error changes with their gates, and with what was told.
    pub by_read: Vec<f32>,
    pub by_told: Vec<f32>,
    pub wrong: Vec<f32>,
}

impl Passed {
    /// Sends minutes through; an error of one counts `scale`.
    pub fn through(network: &Autoencoder, minutes: &[f32], inputs: usize, scale: f32) -> Self {
        let plain = network.valid();
        let (encoder, decoder) = (Weights::of(&plain.encoder), Weights::of(&plain.decoder));
        let output = plain.output.val();
        let count = minutes.len() / (STEPS * inputs);
        let rows = by_time(minutes, inputs, count);

        // There.
        let input = values(tensor(rows.clone(), inputs).matmul(encoder.input.clone()));
        let read = encoder.run(count, |step| &input[step * count * GATES..][..count * GATES]);
        let code = read.hidden[(STEPS - 1) * count * HIDDEN..].to_vec();
        let input = values(tensor(code.clone(), HIDDEN).matmul(decoder.input.clone()));
        let told = decoder.run(count, |_| &input);
        let mut wrong = values(tensor(told.hidden.clone(), HIDDEN).matmul(output.clone()));
        let bias = values(plain.output_bias.val());
        for (wrong, row) in wrong.chunks_exact_mut(inputs).zip(rows.chunks_exact(inputs)) {
            for ((wrong, value), bias) in wrong.iter_mut().zip(row).zip(&bias) {
                *wrong = (*wrong + bias - value) * scale;
            }
        }

        // And back.
        let by_hidden = values(tensor(wrong.clone(), inputs).matmul(output.transpose()));
        let by_told = decoder.back(&told, count, |step| Some(&by_hidden[step * count * HIDDEN..]));
        let by_code = tensor(together(&by_told, count), GATES);
        let code_by = values(by_code.matmul(decoder.input.clone().transpose()));
        let by_read = encoder.back(&read, count, |step| (step + 1 == STEPS).then_some(&code_by[..]));
        let (read, told) = (read.hidden, told.hidden);
        Self { inputs, count, given: rows, code, read, told, by_read, by_told, wrong }
    }

    /// How the error changes with the weights, in the order of [`layout_of`](super::model::layout_of) without the
    /// biases.
    pub fn products(&self) -> [Tensor<2>; 5] {
        let Self { inputs, count, .. } = *self;
        let product = |rows: &[f32], width, by: &[f32], wide| {
            tensor(rows.to_vec(), width).transpose().matmul(tensor(by.to_vec(), wide))
        };
        // What a cell gave one step before.
        let before = (STEPS - 1) * count * HIDDEN;
        [
            product(&self.given, inputs, &self.by_read, GATES),
            product(&self.read[..before], HIDDEN, &self.by_read[count * GATES..], GATES),
            product(&self.code, HIDDEN, &together(&self.by_told, count), GATES),
            product(&self.told[..before], HIDDEN, &self.by_told[count * GATES..], GATES),
            product(&self.told, HIDDEN, &self.wrong, inputs),
        ]
    }

    /// The same with the biases: encoder, decoder, output.
    pub fn sums(&self) -> [Vec<f32>; 3] {
        [columns(&self.by_read, GATES), columns(&self.by_told, GATES), columns(&self.wrong, self.inputs)]
    }

    /// All of it as one row, in the order of the layout.
    pub fn flat(&self) -> Vec<f32> {
        let [one, two, three, four, five] = self.products().map(values);
        let [read, told, output] = self.sums();
        [one, two, read, three, four, told, five, output].concat()
    }
}

/// A cell's weights.
struct Weights {
    input: Tensor<2>,
    hidden: Tensor<2>,
    bias: Vec<f32>,
}

/// What a cell did in a minute; a row for each step of each minute.
struct Run {
    /// The gates, after their curves.
    gates: Vec<f32>,
    cells: Vec<f32>,
    /// The hyperbolic tangents of the cells.
    curved: Vec<f32>,
    hidden: Vec<f32>,
}

impl Weights {
    fn of(cell: &Cell) -> Self {
        Self { input: cell.input.val(), hidden: cell.hidden.val(), bias: values(cell.bias.val()) }
    }

    /// Runs `count` minutes side by side; `input` gives what the inputs of a step add to the gates.
    fn run<'a>(&self, count: usize, input: impl Fn(usize) -> &'a [f32]) -> Run {
        let size = STEPS * count * HIDDEN;
        let mut run = Run {
            gates: Vec::with_capacity(4 * size),
            cells: Vec::with_capacity(size),
            curved: Vec::with_capacity(size),
            hidden: Vec::with_capacity(size),
        };
        let mut before = vec![0.0; count * HIDDEN];
        for step in 0..STEPS {
            let mut gates = match step {
                0 => vec![0.0; count * GATES],
                _ => values(
                    tensor(run.hidden[(step - 1) * count * HIDDEN..].to_vec(), HIDDEN)
                        .matmul(self.hidden.clone()),
                ),
            };
            let rows = gates.chunks_exact_mut(GATES).zip(input(step).chunks_exact(GATES));
            for ((gates, input), cells) in rows.zip(before.chunks_exact_mut(HIDDEN)) {
                for ((gate, input), bias) in gates.iter_mut().zip(input).zip(&self.bias) {
                    *gate += input + bias;
                }
                let [input, forget, output, candidate] = curve(gates);
                for (at, cell) in cells.iter_mut().enumerate() {
                    *cell = forget[at] * *cell + input[at] * candidate[at];
                }
                let mut curved = [0.0; HIDDEN];
                curved.copy_from_slice(cells);
                tanh(&mut curved);
                run.hidden.extend(curved.iter().zip(output).map(|(curved, gate)| curved * gate));
                run.curved.extend(curved);
            }
            run.cells.extend_from_slice(&before);
            run.gates.append(&mut gates);
        }
        run
    }

    /// How the error changes with the gates before their curves; `hidden` says how it changes with what
    /// the cell gave in a step, besides what that did to later steps.
    fn back<'a>(&self, run: &Run, count: usize, hidden: impl Fn(usize) -> Option<&'a [f32]>) -> Vec<f32> {
        let mut by_gates = vec![0.0; STEPS * count * GATES];
        let mut by_hidden = vec![0.0; count * HIDDEN];
        let mut by_cells = vec![0.0; count * HIDDEN];
        let weights = self.hidden.clone().transpose();
        let nothing = [0.0; HIDDEN];
        for step in (0..STEPS).rev() {
            if let Some(direct) = hidden(step) {
                by_hidden.iter_mut().zip(direct).for_each(|(sum, direct)| *sum += direct);
            }
            let here = &mut by_gates[step * count * GATES..][..count * GATES];
            for (nth, by_gates) in here.chunks_exact_mut(GATES).enumerate() {
                let row = step * count + nth;
                let part = |of: &'_ [f32]| -> [f32; HIDDEN] { array(&of[row * HIDDEN..]) };
                let gate = |at: usize| -> [f32; HIDDEN] { array(&run.gates[row * GATES + at * HIDDEN..]) };
                let (input, forget, output, candidate) = (gate(0), gate(1), gate(2), gate(3));
                let curved = part(&run.curved);
                let before = if step == 0 { nothing } else { array(&run.cells[(row - count) * HIDDEN..]) };
                let by_hidden = &by_hidden[nth * HIDDEN..][..HIDDEN];
                let by_cells = &mut by_cells[nth * HIDDEN..][..HIDDEN];
                let (by_input, rest) = by_gates.split_at_mut(HIDDEN);
                let (by_forget, rest) = rest.split_at_mut(HIDDEN);
                let (by_output, by_candidate) = rest.split_at_mut(HIDDEN);
                for at in 0..HIDDEN {
                    let by_cell = by_cells[at] + by_hidden[at] * output[at] * (1.0 - curved[at] * curved[at]);
                    by_input[at] = by_cell * candidate[at] * input[at] * (1.0 - input[at]);
                    by_forget[at] = by_cell * before[at] * forget[at] * (1.0 - forget[at]);
                    by_output[at] = by_hidden[at] * curved[at] * output[at] * (1.0 - output[at]);
                    by_candidate[at] = by_cell * input[at] * (1.0 - candidate[at] * candidate[at]);
                    by_cells[at] = by_cell * forget[at];
                }
            }
            if step > 0 {
                by_hidden = values(tensor(here.to_vec(), GATES).matmul(weights.clone()));
            }
        }
        by_gates
    }
}

/// Bends the gates of a row: input, forget, output, candidate.
fn curve(gates: &mut [f32]) -> [&[f32]; 4] {
    let (open, candidate) = gates.split_at_mut(3 * HIDDEN);
    sigmoid(open);
    tanh(candidate);
    let (input, rest) = open.split_at(HIDDEN);
    let (forget, output) = rest.split_at(HIDDEN);
    [input, forget, output, candidate]
}

/// Minutes with their steps in order of time.
fn by_time(minutes: &[f32], inputs: usize, count: usize) -> Vec<f32> {
    let mut rows = Vec::with_capacity(minutes.len());
    for step in 0..STEPS {
        for minute in 0..count {
            rows.extend_from_slice(&minutes[(minute * STEPS + step) * inputs..][..inputs]);
        }
    }
    rows
}

/// All steps of each minute together.
fn together(rows: &[f32], count: usize) -> Vec<f32> {
    let mut sums = vec![0.0; count * GATES];
    for step in rows.chunks_exact((count * GATES).max(1)) {
        sums.iter_mut().zip(step).for_each(|(sum, value)| *sum += value);
    }
    sums
}

/// The sum of each column.
fn columns(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sums
}

fn array(values: &[f32]) -> [f32; HIDDEN] {
    let mut array = [0.0; HIDDEN];
    array.copy_from_slice(&values[..HIDDEN]);
    array
}

fn tensor(rows: Vec<f32>, width: usize) -> Tensor<2> {
    let count = rows.len() / width;
    Tensor::from_data(TensorData::new(rows, [count, width]), &Device::flex())
}

fn vector(values: Vec<f32>) -> Tensor<1> {
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), &Device::flex())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    // A tensor of ours holds such numbers; one that did not would leave a gradient of nothing.
    tensor.into_data().try_into_vec::<f32>().unwrap_or_default()
}

pub(super) const GATES: usize = 4 * HIDDEN;

#[cfg(test)]
mod tests {
    use fastrand::Rng;
    use fieldward_shared::weights::WeightVector;

    use super::*;
    use crate::learn::model::{self, initial, layout_of};

    #[test]
    fn it_is_what_burn_finds_operation_by_operation() {
        let (inputs, count) = (9, 5);
        let mut chance = Rng::with_seed(6);
        let minutes: Vec<f32> = (0..count * STEPS * inputs).map(|_| chance.f32() * 4.0 - 2.0).collect();
        let weights = initial(inputs, 2).into_iter().map(|value| value * 1.5 + 0.05).collect();
        let weights = WeightVector::new(&layout_of(inputs), weights).unwrap();
        let device = Device::flex().autodiff();
        let network = Autoencoder::with(&weights, inputs, &device).unwrap();
        let given = model::tensor(minutes.clone(), inputs, &device);
        let loss = (network.forward(given.clone()) - given).powi_scalar(2).mean();
        let theirs = GradientsParams::from_grads(loss.backward(), &network);
        let ours = gradient(&network, &minutes, inputs);
        assert_eq!(ours.len(), theirs.len());
        let mut compared = 0;
        for id in [
            network.encoder.input.id,
            network.encoder.hidden.id,
            network.decoder.input.id,
            network.decoder.hidden.id,
            network.output.id,
        ] {
            let (ours, theirs) = (ours.get::<2>(id).unwrap(), theirs.get::<2>(id).unwrap());
            compared += same(&values(ours), &values(theirs));
        }
        for id in [network.encoder.bias.id, network.decoder.bias.id, network.output_bias.id] {
            let (ours, theirs) = (ours.get::<1>(id).unwrap(), theirs.get::<1>(id).unwrap());
            compared += same(&values(ours), &values(theirs));
        }
        assert_eq!(compared, layout_of(inputs).count());
    }

    fn same(ours: &[f32], theirs: &[f32]) -> usize {
        assert_eq!(ours.len(), theirs.len());
        let most = theirs.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < 1e-5 * most.max(1e-3), "{ours} against {theirs}");
        }
        ours.len()
    }
}
