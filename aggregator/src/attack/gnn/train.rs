//! Teaches the network. In each step half of the incidents are in the graph and the others are asked about, so that it
//! never learns to read an answer from the graph; what is held out is in neither.

use burn::module::{Module, Param};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Device, Tensor, TensorData};
use fastrand::Rng;
use fieldward_shared::weights::{Misfit, WeightVector};

use super::super::graph::Graph;
use super::super::sequences::State;
use super::{HIDDEN, Inputs, LEAST, Network, SEEN, Scale, Shape};

/// How training is done.
#[derive(Clone, Copy, Debug)]
pub struct Training {
    /// Where chance comes from.
    pub seed: u64,
    /// Networks that begin differently.
    pub members: usize,
    /// Updates.
    pub steps: usize,
    /// How far an update goes.
    pub rate: f64,
    /// How much weights are drawn towards nothing.
    pub decay: f32,
    /// The share of numbers of the graph that are left out in a step.
    pub missing: f32,
    /// The share of what was seen that is left out in a step.
    pub unseen: f32,
    /// The share of incidents that are in the graph in a step.
    pub shown: f32,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            seed: 7,
            members: 6,
            steps: 150,
            rate: 1e-2,
            decay: 1e-2,
            missing: 0.3,
            unseen: 0.2,
            shown: 0.5,
        }
    }
}

impl Training {
    /// For the office, where flows are few and techniques many.
    pub fn office() -> Self {
        Self { steps: 100, ..Self::default() }
    }
}

/// The network, to be trained.
#[derive(Module, Debug)]
struct Weights {
    all: Vec<Param<Tensor<2>>>,
}

impl Weights {
    fn initial(shape: &Shape, chance: &mut Rng, device: &Device) -> Self {
        let parts = shape.trained();
        let last = parts.len() - 1;
        let part = |(at, (shape, deviation)): (usize, ([usize; 2], f32))| {
            let count = shape[0] * shape[1];
            let values: Vec<f32> = (0..count).map(|_| gaussian(chance) * deviation).collect();
            // What the head for tactics counts, to begin with.
            let values = if at == last { vec![1.0; count] } else { values };
            Param::from_data(TensorData::new(values, shape), device)
        };
        Self { all: parts.into_iter().enumerate().map(part).collect() }
    }

    fn get(&self, at: usize) -> Tensor<2> {
        self.all[at].val()
    }
}

/// What does not change from step to step.
struct Fixed {
    tactics_of: Tensor<2>,
    tactics: [Tensor<2>; 2],
    assets: [Tensor<2>; 2],
    mitigations: [Tensor<2>; 2],
    words: Tensor<2>,
    context_words: Tensor<2>,
    context_tactics: Tensor<2>,
    offsets: Tensor<2>,
    plain: Tensor<2>,
    seen: Tensor<2>,
    answers: Tensor<2>,
    answer_tactics: Tensor<2>,
}

/// Matrices of one step: who is in the graph, and what is left out of what was seen.
struct Shown {
    /// Actors by techniques and back, by the context and back.
    used: [Tensor<2>; 2],
    used_before: [Tensor<2>; 2],
    last: Tensor<2>,
    decayed: Tensor<2>,
    context: Tensor<2>,
    missing: Option<Tensor<2>>,
}

/// Teaches a network from states; incidents that are held out are in neither states nor graph.
pub fn train(graph: &Graph, states: &[State], held: &[usize], how: &Training) -> Result<Network, Misfit> {
    let shape = Shape::of(graph);
    let states: Vec<&State> = states.iter().filter(|state| !held.contains(&state.incident)).collect();
    let members = (0..how.members).map(|member| {
        let chance = Rng::with_seed(how.seed.wrapping_mul(1_000_003).wrapping_add(member as u64));
        let mut teacher = Teacher::new(graph, shape, &states, held, chance);
        let weights = teacher.teach(how);
        WeightVector::new(&shape.settled(), weights)
    });
    Ok(Network { shape, members: members.collect::<Result<_, _>>()?, scale: Scale::default() })
}

struct Teacher<'a> {
    graph: &'a Graph,
    shape: Shape,
    states: &'a [&'a State],
    inputs: Vec<Inputs>,
    held: &'a [usize],
    chance: Rng,
    device: Device,
}

impl<'a> Teacher<'a> {
    fn new(graph: &'a Graph, shape: Shape, states: &'a [&'a State], held: &'a [usize], chance: Rng) -> Self {
        let inputs = states.iter().map(|state| Inputs::of(graph, &state.history)).collect();
        Self { graph, shape, states, inputs, held, chance, device: Device::flex().autodiff() }
    }

    fn teach(&mut self, how: &Training) -> Vec<f32> {
        let mut weights = Weights::initial(&self.shape, &mut self.chance, &self.device);
        let fixed = self.fixed();
        let adam = AdamWConfig::new().with_beta_2(0.99).with_epsilon(1e-6).with_weight_decay(how.decay);
        let mut adam = adam.init();
        let incidents = self.states.iter().map(|state| state.incident + 1).max().unwrap_or(0);
        for step in 0..how.steps {
            let is_shown: Vec<bool> =
                (0..incidents.max(self.graph.clusters)).map(|_| self.chance.f32() < how.shown).collect();
            let asked: Vec<f32> =
                self.states.iter().map(|state| f32::from(u8::from(!is_shown[state.incident]))).collect();
            let count: f32 = asked.iter().sum();
            if count == 0.0 {
                continue;
            }
            let shown = self.shown(Some(&is_shown), Some(how));
            let asked = self.tensor(asked, [self.states.len(), 1]);
            let loss = (self.loss(&weights, &fixed, &shown) * asked).sum() / count;
            let gradients = GradientsParams::from_grads(loss.backward(), &weights);
            // Slowly at first, and with smaller and smaller steps to the end.
            let rate =
                how.rate * ((step + 1) as f64 / 10.0).min(1.0) * (1.0 - 0.9 * step as f64 / how.steps as f64);
            weights = adam.step(rate, weights, gradients);
        }
        let (techniques, context) = self.settle(&weights, &fixed, &self.shown_all());
        let mut values = read(techniques);
        values.extend(read(context));
        (19..24).for_each(|at| values.extend(read(weights.get(at))));
        values
    }

    /// What the graph says of each technique, and of what comes before.
    fn settle(&self, weights: &Weights, fixed: &Fixed, shown: &Shown) -> (Tensor<2>, Tensor<2>) {
        let words = weights.get(5);
        let begin = weights.get(0) + fixed.words.clone().matmul(words.clone());
        let before = weights.get(1)
            + fixed.context_words.clone().matmul(words)
            + fixed.context_tactics.clone().matmul(weights.get(6));
        let actors =
            shown.used[0].clone().matmul(begin.clone()) + shown.used_before[0].clone().matmul(before.clone());
        let tactics = weights.get(2) + fixed.tactics[1].clone().matmul(begin.clone());
        let assets = weights.get(3) + fixed.assets[1].clone().matmul(begin.clone());
        let mitigations = weights.get(4) + fixed.mitigations[1].clone().matmul(begin.clone());
        let layer = |from: Tensor<2>, actors: Tensor<2>, first: usize| {
            let told = from.clone().matmul(weights.get(first))
                + fixed.tactics[0].clone().matmul(tactics.clone()).matmul(weights.get(first + 1))
                + fixed.assets[0].clone().matmul(assets.clone()).matmul(weights.get(first + 2))
                + fixed.mitigations[0].clone().matmul(mitigations.clone()).matmul(weights.get(first + 3))
                + shown.used[1].clone().matmul(actors).matmul(weights.get(first + 4));
            told.tanh() + from
        };
        let mut middle = layer(begin, actors.clone(), 7);
        if let Some(missing) = &shown.missing {
            middle = middle * missing.clone();
        }
        let before = (before + shown.used_before[1].clone().matmul(actors).matmul(weights.get(17))).tanh();
        let actors = shown.used[0].clone().matmul(middle.clone()).matmul(weights.get(18));
        (layer(middle, actors, 12), before)
    }

    /// How surprised it is by each state.
    fn loss(&self, weights: &Weights, fixed: &Fixed, shown: &Shown) -> Tensor<2> {
        let (techniques, context) = self.settle(weights, fixed, shown);
        let question = Tensor::cat(
            vec![
                shown.last.clone().matmul(techniques.clone()),
                shown.decayed.clone().matmul(techniques.clone()),
                shown.context.clone().matmul(context),
                fixed.plain.clone(),
            ],
            1,
        );
        let asked = question.matmul(weights.get(19)).tanh();
        let states = self.states.len();
        // The offset of each tactic from the last: a row of a matrix for each state and tactic.
        let offsets =
            fixed.offsets.clone().matmul(weights.get(22).transpose()).reshape([states, self.shape.tactics]);
        let tactics = asked.clone().matmul(weights.get(21)) + offsets;
        let shares = softmax(tactics.clone(), 1).matmul(fixed.tactics_of.clone().transpose());
        let logits = asked.matmul(weights.get(20)).matmul(techniques.transpose())
            + (shares + LEAST).log() * weights.get(23)
            - fixed.seen.clone() * SEEN;
        let logs = log_softmax(logits, 1);
        let any = (logs.clone().exp() * fixed.answers.clone()).sum_dim(1);
        let counts = fixed.answers.clone().sum_dim(1);
        let each = (logs * fixed.answers.clone()).sum_dim(1) / counts;
        let tactic = (log_softmax(tactics, 1) * fixed.answer_tactics.clone()).sum_dim(1);
        ((any + 1e-12).log() + each + tactic) * -0.5
    }

    fn fixed(&self) -> Fixed {
        let (graph, shape) = (self.graph, &self.shape);
        let states = self.states.len();
        let of = |rows: &[Vec<usize>], columns: usize| self.incidence(rows, columns);
        let both = |rows: &[Vec<usize>], columns: usize| {
            [
                self.rows(of(rows, columns), columns),
                self.rows(turned(&of(rows, columns), columns), rows.len().max(1)),
            ]
        };
        let reversed = |groups: &[Vec<usize>]| {
            let mut rows = vec![Vec::new(); shape.techniques];
            groups
                .iter()
                .enumerate()
                .for_each(|(at, group)| group.iter().for_each(|one| rows[*one].push(at)));
            rows
        };
        let context_words: Vec<Vec<usize>> = graph.context.iter().map(|one| one.words.clone()).collect();
        let context_tactics: Vec<Vec<usize>> = graph.context.iter().map(|one| one.tactics.clone()).collect();
        let flat =
            |pick: fn(&Inputs) -> &Vec<f32>| self.inputs.iter().flat_map(pick).copied().collect::<Vec<f32>>();
        let width = 2 * shape.tactics + 1;
        let mut offsets = vec![0.0; states * shape.tactics * width];
        let places = self.inputs.iter().flat_map(|one| &one.offsets).enumerate();
        places.for_each(|(row, at)| offsets[row * width + at] = 1.0);
        let (mut answers, mut answer_tactics) =
            (vec![0.0; states * shape.techniques], vec![0.0; states * shape.tactics]);
        for (row, state) in self.states.iter().enumerate() {
            for answer in &state.answers {
                answers[row * shape.techniques + answer] = 1.0;
                answer_tactics[row * shape.tactics + graph.stage(*answer)] +=
                    1.0 / state.answers.len() as f32;
            }
        }
        Fixed {
            tactics_of: self.tensor(of(&graph.tactics_of, shape.tactics), [shape.techniques, shape.tactics]),
            tactics: both(&graph.tactics_of, shape.tactics),
            assets: both(&reversed(&graph.assets), shape.assets),
            mitigations: both(&reversed(&graph.mitigations), shape.mitigations),
            words: self.rows(of(&graph.words_of, shape.words), shape.words),
            context_words: self.rows(of(&context_words, shape.words), shape.words),
            context_tactics: self.rows(of(&context_tactics, shape.context_tactics), shape.context_tactics),
            offsets: self.tensor(offsets, [states * shape.tactics, width]),
            plain: self.tensor(flat(|one| &one.plain), [states, 2 * shape.tactics + 3]),
            seen: self.tensor(flat(|one| &one.seen), [states, shape.techniques]),
            answers: self.tensor(answers, [states, shape.techniques]),
            answer_tactics: self.tensor(answer_tactics, [states, shape.tactics]),
        }
    }

    /// All that may be known.
    fn shown_all(&self) -> Shown {
        let mut all = Self {
            chance: Rng::with_seed(0),
            inputs: self.inputs.clone(),
            device: self.device.clone(),
            ..*self
        };
        all.shown(None, None)
    }

    fn shown(&mut self, is_shown: Option<&[bool]>, how: Option<&Training>) -> Shown {
        let shape = self.shape;
        let is_there = |at: usize| {
            let cluster = self.graph.actors[at].cluster;
            !self.graph.goes_with(at, self.held)
                && is_shown.is_none_or(|all| all.get(cluster) != Some(&false))
        };
        let actors: Vec<usize> = (0..self.graph.actors.len()).filter(|at| is_there(*at)).collect();
        let techniques: Vec<Vec<usize>> =
            actors.iter().map(|at| self.graph.actors[*at].techniques.clone()).collect();
        let before: Vec<Vec<usize>> =
            actors.iter().map(|at| self.graph.actors[*at].context.clone()).collect();
        let (used, used_before) =
            (self.incidence(&techniques, shape.techniques), self.incidence(&before, shape.context));
        let count = actors.len().max(1);
        let back = [turned(&used, shape.techniques), turned(&used_before, shape.context)];
        let [used_back, before_back] = back.map(|values| self.rows(values, count));
        let unseen = how.map_or(0.0, |how| how.unseen);
        let mut thinned = |pick: fn(&Inputs) -> &Vec<f32>, columns: usize| {
            let mut values: Vec<f32> = self.inputs.iter().flat_map(pick).copied().collect();
            if unseen > 0.0 {
                for value in values.iter_mut().filter(|value| **value != 0.0) {
                    *value *= f32::from(u8::from(self.chance.f32() >= unseen));
                }
            }
            normal(&mut values, columns);
            (values, columns)
        };
        let last = thinned(|one| &one.last, shape.techniques);
        let decayed = thinned(|one| &one.decayed, shape.techniques);
        let context = thinned(|one| &one.context, shape.context);
        let missing = how.filter(|how| how.missing > 0.0).map(|how| {
            let kept = 1.0 / (1.0 - how.missing);
            let one = |_| if self.chance.f32() < how.missing { 0.0 } else { kept };
            (0..shape.techniques * HIDDEN).map(one).collect::<Vec<f32>>()
        });
        let states = self.states.len();
        let of = |(values, columns): (Vec<f32>, usize)| self.tensor(values, [states, columns]);
        Shown {
            used: [self.rows(used, shape.techniques), used_back],
            used_before: [self.rows(used_before, shape.context), before_back],
            last: of(last),
            decayed: of(decayed),
            context: of(context),
            missing: missing.map(|values| self.tensor(values, [shape.techniques, HIDDEN])),
        }
    }

    /// Ones where a row has something.
    fn incidence(&self, rows: &[Vec<usize>], columns: usize) -> Vec<f32> {
        let mut values = vec![0.0; rows.len().max(1) * columns];
        for (row, places) in rows.iter().enumerate() {
            places.iter().for_each(|place| values[row * columns + place] = 1.0);
        }
        values
    }

    /// A matrix whose rows are means.
    fn rows(&self, mut values: Vec<f32>, columns: usize) -> Tensor<2> {
        normal(&mut values, columns);
        let rows = values.len() / columns;
        self.tensor(values, [rows, columns])
    }

    fn tensor(&self, values: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }
}

/// Makes the rows of a matrix means; a row with less than one stays as it is.
fn normal(values: &mut [f32], columns: usize) {
    for row in values.chunks_exact_mut(columns) {
        let sum = row.iter().sum::<f32>().max(1.0);
        row.iter_mut().for_each(|value| *value /= sum);
    }
}

/// Rows and columns changed.
fn turned(values: &[f32], columns: usize) -> Vec<f32> {
    let rows = values.len() / columns;
    (0..values.len()).map(|at| values[at % rows * columns + at / rows]).collect()
}

/// From our own generator: the library's is one for the whole process.
fn gaussian(chance: &mut Rng) -> f32 {
    let (one, other) = (1.0 - chance.f32(), chance.f32());
    (-2.0 * one.ln()).sqrt() * (std::f32::consts::TAU * other).cos()
}

fn read(tensor: Tensor<2>) -> Vec<f32> {
    // A tensor that cannot be read leaves the vector short, and the layout refuses it.
    tensor.into_data().try_into_vec::<f32>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::catalogue::{Catalogue, Domain};
    use crate::attack::sequences::{History, of_actors};

    #[test]
    fn the_same_seed_gives_the_same_weights_and_answers_are_probabilities() {
        let graph = Graph::new(&Catalogue::shipped().unwrap(), Domain::Ics);
        let states = of_actors(&graph);
        assert_eq!(states.len(), 139);
        let run = |seed| {
            let how = Training { seed, members: 1, steps: 4, ..Training::default() };
            train(&graph, &states, &[0], &how).unwrap()
        };
        let network = run(1);
        assert_eq!(network, run(1));
        assert_ne!(network, run(2));
        network.fit(&graph).unwrap();
        let scan = graph.place("T0846").unwrap();
        let history = History::of(&graph, [scan], Vec::new());
        for history in [history, History::default()] {
            let outlook = network.outlook(&graph, &history);
            let sum: f32 = outlook.techniques.iter().sum();
            assert!((sum - 1.0).abs() < 1e-3 && (outlook.tactics.iter().sum::<f32>() - 1.0).abs() < 1e-3);
            assert!(history.seen().iter().all(|technique| outlook.techniques[*technique] < 1e-6));
        }
    }

    #[test]
    fn what_is_kept_answers_as_what_was_trained() {
        let graph = Graph::new(&Catalogue::shipped().unwrap(), Domain::Ics);
        let states = of_actors(&graph);
        let some: Vec<&State> = states.iter().collect();
        let mut teacher = Teacher::new(&graph, Shape::of(&graph), &some, &[], Rng::with_seed(3));
        let weights = Weights::initial(&teacher.shape.clone(), &mut teacher.chance, &teacher.device);
        let fixed = teacher.fixed();
        let shown = teacher.shown_all();
        let losses = read(teacher.loss(&weights, &fixed, &shown));
        let (techniques, context) = teacher.settle(&weights, &fixed, &shown);
        let mut values = read(techniques);
        values.extend(read(context));
        (19..24).for_each(|at| values.extend(read(weights.get(at))));
        let member = WeightVector::new(&teacher.shape.settled(), values).unwrap();
        let network = Network { shape: teacher.shape, members: vec![member], scale: Scale::default() };
        for (state, loss) in states.iter().zip(losses) {
            let outlook = network.outlook(&graph, &state.history);
            let came =
                |of: &dyn Fn(usize) -> f32| state.answers.iter().map(|at| of(*at)).collect::<Vec<f32>>();
            let each = came(&|at| outlook.techniques[at]);
            let tactics = came(&|at| outlook.tactics[graph.stage(at)]);
            let mean = |values: &[f32]| values.iter().map(|one| one.ln()).sum::<f32>() / values.len() as f32;
            let ours = -0.5 * (each.iter().sum::<f32>().ln() + mean(&each) + mean(&tactics));
            assert!((ours - loss).abs() < 1e-3, "{}: {ours} {loss}", state.name);
        }
    }
}
