//! Trains the classifier: cross entropy, Adam, batches in an order drawn from the seed. In each batch some
//! clues are taken away and all are made a little stronger or weaker, so that no single one decides alone.

use burn::module::{Module, Param};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Tensor, TensorData};
use fastrand::Rng;
use fieldward_shared::weights::{Misfit, WeightVector};

use crate::classify::{FIRST, INPUTS, Input, SECOND, layout};

/// What is learnt from: a case, which class it is, and how much it counts.
#[derive(Clone, Debug)]
pub struct Example {
    /// The case.
    pub input: Input,
    /// Its class.
    pub class: usize,
    /// How much it counts.
    pub weight: f32,
}

/// How training is done.
#[derive(Clone, Copy, Debug)]
pub struct Training {
    /// Where chance comes from.
    pub seed: u64,
    /// Cases of an update.
    pub batch: usize,
    /// How often each case is seen.
    pub epochs: usize,
    /// How far an update goes.
    pub rate: f64,
    /// The share of clues that are taken away.
    pub missing: f32,
    /// How much weights are drawn towards nothing.
    pub decay: f32,
}

impl Default for Training {
    fn default() -> Self {
        Self { seed: 0, batch: 128, epochs: 30, rate: 2e-3, missing: 0.1, decay: 1e-4 }
    }
}

/// The network, to be trained.
#[derive(Module, Debug)]
struct Network {
    first: Param<Tensor<2>>,
    first_bias: Param<Tensor<1>>,
    second: Param<Tensor<2>>,
    second_bias: Param<Tensor<1>>,
    output: Param<Tensor<2>>,
    output_bias: Param<Tensor<1>>,
}

impl Network {
    fn with(values: &[f32], classes: usize, device: &Device) -> Self {
        let mut rest = values;
        let mut take = |shape: &[usize]| {
            let (values, after) = rest.split_at(shape.iter().product());
            rest = after;
            TensorData::new(values.to_vec(), shape.to_vec())
        };
        Self {
            first: Param::from_data(take(&[INPUTS, FIRST]), device),
            first_bias: Param::from_data(take(&[FIRST]), device),
            second: Param::from_data(take(&[FIRST, SECOND]), device),
            second_bias: Param::from_data(take(&[SECOND]), device),
            output: Param::from_data(take(&[SECOND, classes]), device),
            output_bias: Param::from_data(take(&[classes]), device),
        }
    }

    fn forward(&self, cases: Tensor<2>) -> Tensor<2> {
        let hidden = relu(cases.matmul(self.first.val()) + self.first_bias.val().unsqueeze());
        let hidden = relu(hidden.matmul(self.second.val()) + self.second_bias.val().unsqueeze());
        hidden.matmul(self.output.val()) + self.output_bias.val().unsqueeze()
    }

    fn values(&self) -> Vec<f32> {
        let mut values = Vec::new();
        read(&self.first, &mut values);
        read(&self.first_bias, &mut values);
        read(&self.second, &mut values);
        read(&self.second_bias, &mut values);
        read(&self.output, &mut values);
        read(&self.output_bias, &mut values);
        values
    }
}

/// Trains on examples of so many classes. `start` continues from weights that are known.
pub fn train(
    examples: &[Example],
    classes: usize,
    start: Option<&WeightVector>,
    how: &Training,
) -> Result<WeightVector, Misfit> {
    let device = Device::flex().autodiff();
    let layout = layout(classes);
    let start = match start {
        Some(weights) => weights.clone(),
        None => WeightVector::new(&layout, initial(classes, how.seed))?,
    };
    start.fit(&layout)?;
    let mut network = Network::with(start.values(), classes, &device);
    let mut adam = AdamConfig::new().init();
    let mut chance = Rng::with_seed(how.seed ^ ORDER);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let batches = examples.len().div_ceil(how.batch.max(1));
    let updates = batches * how.epochs;
    for epoch in 0..how.epochs {
        chance.shuffle(&mut order);
        for (nth, places) in order.chunks(how.batch.max(1)).enumerate() {
            let mut inputs = Vec::with_capacity(places.len() * INPUTS);
            let mut wanted = vec![0.0; places.len() * classes];
            let mut sum = 0.0;
            for (row, place) in places.iter().enumerate() {
                let example = &examples[*place];
                inputs.extend(blurred(&example.input, how.missing, &mut chance));
                wanted[row * classes + example.class] = example.weight;
                sum += example.weight;
            }
            let inputs = Tensor::<2>::from_data(TensorData::new(inputs, [places.len(), INPUTS]), &device);
            let wanted = Tensor::<2>::from_data(TensorData::new(wanted, [places.len(), classes]), &device);
            let surprise = -(log_softmax(network.forward(inputs), 1) * wanted).sum() / sum.max(1e-6);
            let size = network.first.val().powi_scalar(2).sum() + network.second.val().powi_scalar(2).sum();
            let loss = surprise + size * how.decay;
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            // From half way on with smaller and smaller steps.
            let left = (updates - epoch * batches - nth) as f64 / updates as f64;
            network = adam.step(how.rate * (2.0 * left).min(1.0), network, gradients);
        }
    }
    WeightVector::new(&layout, network.values())
}

/// The case with some clues taken away and all a little stronger or weaker.
fn blurred(input: &Input, missing: f32, chance: &mut Rng) -> impl Iterator<Item = f32> {
    input
        .map(|value| {
            let kept = chance.f32() >= missing;
            if kept { value * (0.9 + 0.2 * chance.f32()) } else { 0.0 }
        })
        .into_iter()
}

/// Weights to begin with, from our own generator: the library's is one for the whole process.
fn initial(classes: usize, seed: u64) -> Vec<f32> {
    let mut chance = Rng::with_seed(seed);
    let mut values = Vec::new();
    for [inputs, outputs] in [[INPUTS, FIRST], [FIRST, SECOND], [SECOND, classes]] {
        let bound = (3.0 / inputs as f32).sqrt();
        values.extend((0..inputs * outputs).map(|_| (chance.f32() * 2.0 - 1.0) * bound));
        values.extend((0..outputs).map(|_| 0.0));
    }
    values
}

fn read<const D: usize>(param: &Param<Tensor<D>>, values: &mut Vec<f32>) {
    // A tensor that cannot be read leaves the vector short, and the layout refuses it.
    values.extend(param.val().into_data().try_into_vec::<f32>().unwrap_or_default());
}

/// The order of batches is drawn apart from the weights.
const ORDER: u64 = 0x6f_7264_6572;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Classifier, Familiar, Model};

    /// Three classes that differ in one clue each.
    fn examples(count: usize, seed: u64) -> Vec<Example> {
        let mut chance = Rng::with_seed(seed);
        let one = |at: usize| {
            let mut input = [0.0; INPUTS];
            input.iter_mut().for_each(|value| *value = chance.f32() * 0.2);
            input[at % 3 * 7] += 1.5;
            Example { input, class: at % 3, weight: 1.0 }
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn classes_are_told_apart_and_scored_as_trained() {
        let weights = train(&examples(300, 1), 3, None, &Training::default()).unwrap();
        let classes = ["benign", "T0846", "T0836"].map(str::to_owned).to_vec();
        let model = Model {
            classes,
            weights: weights.clone(),
            temperature: 1.0,
            familiar: Familiar::default(),
            unknown: 0.0,
        };
        let classifier = Classifier::load(&Classifier::save(&model)).unwrap();
        let device = Device::flex();
        let network = Network::with(weights.values(), 3, &device);
        for example in examples(60, 2) {
            let shares = classifier.probabilities(&example.input);
            let best = (0..3).max_by(|one, other| shares[*one].total_cmp(&shares[*other]));
            assert_eq!(best, Some(example.class), "{shares:?}");
            let case = Tensor::from_data(TensorData::new(example.input.to_vec(), [1, INPUTS]), &device);
            let mut logits = network.forward(case).into_data().try_into_vec::<f32>().unwrap();
            crate::classify::softmax(&mut logits);
            for (ours, theirs) in shares.iter().zip(logits) {
                assert!((ours - theirs).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_weights_bit_for_bit() {
        let run = |seed| {
            let how = Training { seed, epochs: 2, ..Training::default() };
            train(&examples(60, 1), 3, None, &how).unwrap()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }
}
