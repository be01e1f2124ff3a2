//! The LSTM autoencoder: reads a minute, keeps 32 numbers of it, and tells the minute again from them.
//! What it has not learnt to tell it tells wrongly. Weights go in and out as one [`WeightVector`].

use burn::module::{Module, Param};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor, TensorData};
use fastrand::Rng;
use fieldward_shared::weights::{Layout, Misfit, WeightVector};

use super::steps::STEPS;
use crate::features::COUNT;

/// The network, to be trained.
#[derive(Module, Debug)]
pub struct Autoencoder {
    pub(super) encoder: Cell,
    pub(super) decoder: Cell,
    pub(super) output: Param<Tensor<2>>,
    pub(super) output_bias: Param<Tensor<1>>,
}

/// An LSTM cell; its four gates lie side by side: input, forget, output, candidate. The first three are
/// sigmoids, and one call serves them all.
#[derive(Module, Debug)]
pub(super) struct Cell {
    pub(super) input: Param<Tensor<2>>,
    pub(super) hidden: Param<Tensor<2>>,
    pub(super) bias: Param<Tensor<1>>,
}

/// Names and shapes of the weights. All features go in: their first 24 directions hold 0.999 of the
/// variance of normal rows, but what attacks change lies in the rest (11 attacks of 40 seen instead of 24).
pub fn layout() -> Layout {
    layout_of(COUNT)
}

/// The same for steps of so many numbers.
pub fn layout_of(inputs: usize) -> Layout {
    Layout::new(parts(inputs).iter().map(|(name, shape)| (*name, shape.as_slice())))
}

/// Weights to begin with: even within the root of the inverse of the number of inputs, and forget gates
/// that are open at first. They come from our own generator, because that of the library is one for the
/// whole process and decides nothing that must come out alike twice.
pub fn initial(inputs: usize, seed: u64) -> Vec<f32> {
    let mut chance = Rng::with_seed(seed);
    let mut values = Vec::with_capacity(layout_of(inputs).count());
    for (name, shape) in parts(inputs) {
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
    /// The network with these weights, for steps of so many numbers.
    pub fn with(weights: &WeightVector, inputs: usize, device: &Device) -> Result<Self, Misfit> {
        weights.fit(&layout_of(inputs))?;
        let mut rest = weights.values();
        Ok(Self {
            encoder: Cell::take(inputs, &mut rest, device),
            decoder: Cell::take(HIDDEN, &mut rest, device),
            output: matrix([HIDDEN, inputs], &mut rest, device),
            output_bias: vector(inputs, &mut rest, device),
        })
    }

    /// The network as it serves: of all features, and not to be differentiated.
    pub fn plain(weights: &WeightVector) -> Result<Self, Misfit> {
        Self::with(weights, COUNT, &Device::flex())
    }

    /// Its weights.
    pub fn weights(&self) -> Result<WeightVector, Misfit> {
        let [_, inputs] = self.output.val().dims();
        let layout = layout_of(inputs);
        let mut values = Vec::with_capacity(layout.count());
        for cell in [&self.encoder, &self.decoder] {
            read(&cell.input, &mut values);
            read(&cell.hidden, &mut values);
            read(&cell.bias, &mut values);
        }
        read(&self.output, &mut values);
        read(&self.output_bias, &mut values);
        WeightVector::new(&layout, values)
    }

    /// Tells minutes again: `[minutes, STEPS, inputs]` in and out.
    pub fn forward(&self, minutes: Tensor<3>) -> Tensor<3> {
        let [count, _, inputs] = minutes.dims();
        let (weights, bias) = (self.encoder.input.val(), self.encoder.bias.val().unsqueeze::<2>());
        let mut state = None;
        for step in 0..STEPS {
            let row = minutes.clone().narrow(1, step, 1).reshape([count, inputs]);
            let input = row.matmul(weights.clone()) + bias.clone();
            state = Some(self.encoder.step(input, state));
        }
        let code = state.map_or_else(|| Tensor::zeros([count, HIDDEN], &minutes.device()), |end| end.hidden);
        // The decoder sees the code at every step: one product serves them all.
        let input = code.matmul(self.decoder.input.val()) + self.decoder.bias.val().unsqueeze();
        let mut state = None;
        let mut told = Vec::with_capacity(STEPS);
        for _ in 0..STEPS {
            let next = self.decoder.step(input.clone(), state);
            told.push(next.hidden.clone());
            state = Some(next);
        }
        let told: Tensor<3> = Tensor::stack(told, 1);
        let told = told.reshape([count * STEPS, HIDDEN]).matmul(self.output.val())
            + self.output_bias.val().unsqueeze();
        told.reshape([count, STEPS, inputs])
    }
}

/// What a cell remembers.
struct State {
    hidden: Tensor<2>,
    cell: Tensor<2>,
}

impl Cell {
    fn take(inputs: usize, rest: &mut &[f32], device: &Device) -> Self {
        Self {
            input: matrix([inputs, 4 * HIDDEN], rest, device),
            hidden: matrix([HIDDEN, 4 * HIDDEN], rest, device),
            bias: vector(4 * HIDDEN, rest, device),
        }
    }

    /// The next state; there is none before the first step.
    fn step(&self, input: Tensor<2>, state: Option<State>) -> State {
        let (gates, before) = match state {
            Some(State { hidden, cell }) => (input + hidden.matmul(self.hidden.val()), Some(cell)),
            None => (input, None),
        };
        let open = sigmoid(gates.clone().narrow(1, 0, 3 * HIDDEN));
        let candidate = gates.narrow(1, 3 * HIDDEN, HIDDEN).tanh();
        let gate = |at: usize| open.clone().narrow(1, at * HIDDEN, HIDDEN);
        let mut cell = gate(0) * candidate;
        if let Some(before) = before {
            cell = cell + gate(1) * before;
        }
        State { hidden: gate(2) * cell.clone().tanh(), cell }
    }
}

/// Minutes as a tensor.
pub fn tensor(minutes: Vec<f32>, inputs: usize, device: &Device) -> Tensor<3> {
    let count = minutes.len() / (STEPS * inputs);
    Tensor::from_data(TensorData::new(minutes, [count, STEPS, inputs]), device)
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

/// Names and shapes.
fn parts(inputs: usize) -> [(&'static str, Vec<usize>); 8] {
    [
        ("encoder input", vec![inputs, 4 * HIDDEN]),
        ("encoder hidden", vec![HIDDEN, 4 * HIDDEN]),
        ("encoder bias", vec![4 * HIDDEN]),
        ("decoder input", vec![HIDDEN, 4 * HIDDEN]),
        ("decoder hidden", vec![HIDDEN, 4 * HIDDEN]),
        ("decoder bias", vec![4 * HIDDEN]),
        ("output", vec![HIDDEN, inputs]),
        ("output bias", vec![inputs]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_go_in_and_out_unchanged() {
        let weights = WeightVector::new(&layout(), initial(COUNT, 3)).unwrap();
        for device in [Device::flex(), Device::flex().autodiff()] {
            let network = Autoencoder::with(&weights, COUNT, &device).unwrap();
            assert_eq!(network.weights().unwrap(), weights);
        }
    }
}
