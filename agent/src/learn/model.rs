//! The LSTM autoencoder: reads a minute, keeps 32 numbers of it, and tells the minute again from them.
//! What it has not learnt to tell it tells wrongly. A cell does one matrix product for the inputs of all
//! steps and one for each step. Weights go in and out as one [`WeightVector`].

use burn::module::{Module, Param};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor, TensorData};
use fastrand::Rng;
use fieldward_shared::weights::{Layout, Misfit, WeightVector};

use super::steps::{STEPS, WIDTH};
use crate::features::COUNT;

/// The network, to be trained.
#[derive(Module, Debug)]
pub struct Autoencoder {
    encoder: Cell,
    decoder: Cell,
    output: Param<Tensor<2>>,
    output_bias: Param<Tensor<1>>,
}

/// An LSTM cell; its four gates lie side by side: input, forget, candidate, output.
#[derive(Module, Debug)]
struct Cell {
    input: Param<Tensor<2>>,
    hidden: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

/// Names and shapes of the weights. All features go in: their first 24 directions hold 0.999 of the
/// variance of normal rows, but what attacks change lies in the rest (11 attacks of 40 seen instead of 24).
pub fn layout() -> Layout {
    Layout::new(PARTS.iter().map(|(name, shape)| (*name, *shape)))
}

/// Weights to begin with: even within the root of the inverse of the number of inputs, and forget gates
/// that are open at first. They come from our own generator, because that of the library is one for the
/// whole process and decides nothing that must come out alike twice.
pub fn initial(seed: u64) -> Vec<f32> {
    let mut chance = Rng::with_seed(seed);
    let mut values = Vec::with_capacity(layout().count());
    for (name, shape) in PARTS {
        let count: usize = shape.iter().product();
        if name.ends_with("bias") {
            let open =
                |at: usize| if (HIDDEN..2 * HIDDEN).contains(&at) && count == 4 * HIDDEN { 1.0 } else { 0.0 };
            values.extend((0..count).map(open));
        } else {
            let bound = (1.0 / shape[0] as f32).sqrt();
            values.extend((0..count).map(|_| (chance.f32() * 2.0 - 1.0) * bound));
        }
    }
    values
}

impl Autoencoder {
    /// The network with these weights.
    pub fn with(weights: &WeightVector, device: &Device) -> Result<Self, Misfit> {
        weights.fit(&layout())?;
        let mut rest = weights.values();
        Ok(Self {
            encoder: Cell::take(COUNT, &mut rest, device),
            decoder: Cell::take(HIDDEN, &mut rest, device),
            output: matrix([HIDDEN, COUNT], &mut rest, device),
            output_bias: vector(COUNT, &mut rest, device),
        })
    }

    /// Its weights.
    pub fn weights(&self) -> Result<WeightVector, Misfit> {
        let mut values = Vec::with_capacity(layout().count());
        for cell in [&self.encoder, &self.decoder] {
            read(&cell.input, &mut values);
            read(&cell.hidden, &mut values);
            read(&cell.bias, &mut values);
        }
        read(&self.output, &mut values);
        read(&self.output_bias, &mut values);
        WeightVector::new(&layout(), values)
    }

    /// Tells minutes again: `[minutes, STEPS, COUNT]` in and out.
    pub fn forward(&self, minutes: Tensor<3>) -> Tensor<3> {
        let [count, _, _] = minutes.dims();
        let device = minutes.device();
        let gates = minutes.reshape([count * STEPS, COUNT]).matmul(self.encoder.input.val())
            + self.encoder.bias.val().unsqueeze();
        let gates = gates.reshape([count, STEPS, 4 * HIDDEN]);
        let mut state = State::new(count, &device);
        for step in 0..STEPS {
            let input = gates.clone().narrow(1, step, 1).reshape([count, 4 * HIDDEN]);
            state = self.encoder.step(input, state);
        }
        // The decoder sees the code at every step: one product serves them all.
        let input = state.hidden.matmul(self.decoder.input.val()) + self.decoder.bias.val().unsqueeze();
        let mut state = State::new(count, &device);
        let mut told = Vec::with_capacity(STEPS);
        for _ in 0..STEPS {
            state = self.decoder.step(input.clone(), state);
            told.push(state.hidden.clone());
        }
        let told: Tensor<3> = Tensor::stack(told, 1);
        let told = told.reshape([count * STEPS, HIDDEN]).matmul(self.output.val())
            + self.output_bias.val().unsqueeze();
        told.reshape([count, STEPS, COUNT])
    }
}

/// What a cell remembers.
struct State {
    hidden: Tensor<2>,
    cell: Tensor<2>,
}

impl State {
    fn new(count: usize, device: &Device) -> Self {
        let zeros = || Tensor::zeros([count, HIDDEN], device);
        Self { hidden: zeros(), cell: zeros() }
    }
}

impl Cell {
    fn take(inputs: usize, rest: &mut &[f32], device: &Device) -> Self {
        Self {
            input: matrix([inputs, 4 * HIDDEN], rest, device),
            hidden: matrix([HIDDEN, 4 * HIDDEN], rest, device),
            bias: vector(4 * HIDDEN, rest, device),
        }
    }

    fn step(&self, input: Tensor<2>, state: State) -> State {
        let gates = input + state.hidden.matmul(self.hidden.val());
        let gate = |at: usize| gates.clone().narrow(1, at * HIDDEN, HIDDEN);
        let cell = sigmoid(gate(1)) * state.cell + sigmoid(gate(0)) * gate(2).tanh();
        State { hidden: sigmoid(gate(3)) * cell.clone().tanh(), cell }
    }
}

/// Minutes as a tensor.
pub fn tensor(minutes: Vec<f32>, device: &Device) -> Tensor<3> {
    let count = minutes.len() / WIDTH;
    Tensor::from_data(TensorData::new(minutes, [count, STEPS, COUNT]), device)
}

fn matrix(shape: [usize; 2], rest: &mut &[f32], device: &Device) -> Param<Tensor<2>> {
    let (values, after) = rest.split_at(shape[0] * shape[1]);
    *rest = after;
    Param::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn vector(count: usize, rest: &mut &[f32], device: &Device) -> Param<Tensor<1>> {
    let (values, after) = rest.split_at(count);
    *rest = after;
    Param::from_data(TensorData::new(values.to_vec(), [count]), device)
}

fn read<const D: usize>(param: &Param<Tensor<D>>, values: &mut Vec<f32>) {
    // A tensor that cannot be read leaves the vector short, and the layout refuses it.
    values.extend(param.val().into_data().try_into_vec::<f32>().unwrap_or_default());
}

/// Numbers in which a minute is kept.
pub const HIDDEN: usize = 32;
const PARTS: [(&str, &[usize]); 8] = [
    ("encoder input", &[COUNT, 4 * HIDDEN]),
    ("encoder hidden", &[HIDDEN, 4 * HIDDEN]),
    ("encoder bias", &[4 * HIDDEN]),
    ("decoder input", &[HIDDEN, 4 * HIDDEN]),
    ("decoder hidden", &[HIDDEN, 4 * HIDDEN]),
    ("decoder bias", &[4 * HIDDEN]),
    ("output", &[HIDDEN, COUNT]),
    ("output bias", &[COUNT]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_go_in_and_out_unchanged() {
        let weights = WeightVector::new(&layout(), initial(3)).unwrap();
        for device in [Device::flex(), Device::flex().autodiff()] {
            let network = Autoencoder::with(&weights, &device).unwrap();
            assert_eq!(network.weights().unwrap(), weights);
        }
    }
}
