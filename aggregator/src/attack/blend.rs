//! Mixes what the network says with what counting says: the logarithms of what each gives, with a weight for each that
//! was learnt where all of them had to answer for incidents that none had seen. First the next tactic is mixed, and
//! that is one voice more for the technique.

use serde::{Deserialize, Serialize};

use super::baselines::{Baseline, Counts};
use super::gnn::{Outlook, softmax};
use super::graph::Graph;
use super::sequences::{History, State};

/// What is mixed for techniques: the network, each way of counting, and the mixed tactic.
pub const VOICES: usize = Baseline::ALL.len() + 2;
/// What is mixed for the next tactic: the network's head, its techniques, and those of two ways of counting.
pub const TACTIC_VOICES: usize = 4;

/// How much each voice counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blend {
    /// For techniques: the network, the ways of counting in their order, the mixed tactic.
    pub techniques: [f32; VOICES],
    /// For tactics: the head, the network's techniques, by stage, Markov.
    pub tactics: [f32; TACTIC_VOICES],
}

impl Default for Blend {
    /// The network alone.
    fn default() -> Self {
        let (mut techniques, mut tactics) = ([0.0; VOICES], [0.0; TACTIC_VOICES]);
        (techniques[0], tactics[0]) = (1.0, 1.0);
        Self { techniques, tactics }
    }
}

/// What all voices say of a history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Voices {
    /// Of techniques: those of [`Blend::techniques`] without the last.
    pub techniques: Vec<Vec<f32>>,
    /// Of tactics.
    pub tactics: Vec<Vec<f32>>,
}

impl Voices {
    /// Asks the counts; the network has answered already.
    pub fn of(graph: &Graph, counts: &Counts, outlook: Outlook, history: &History) -> Self {
        let counted = Baseline::ALL.map(|one| counts.answer(graph, history, one));
        let stage = |values: &[f32]| {
            let mut tactics = vec![0.0; graph.tactics];
            values.iter().enumerate().for_each(|(at, value)| tactics[graph.stage(at)] += value);
            tactics
        };
        let of = |one: Baseline| stage(&counted[one as usize]);
        let tactics =
            vec![outlook.tactics, stage(&outlook.techniques), of(Baseline::Stage), of(Baseline::Markov)];
        let techniques = std::iter::once(outlook.techniques).chain(counted).collect();
        Self { techniques, tactics }
    }
}

impl Blend {
    /// What all voices together say; what was seen has nothing.
    pub fn outlook(&self, graph: &Graph, voices: &Voices, history: &History) -> Outlook {
        let all: Vec<usize> = (0..graph.tactics).collect();
        let mut tactics = mixed(&self.tactics, &logs(&voices.tactics, &all));
        softmax(&mut tactics);
        let open = open(graph, history);
        let mut values = mixed(&self.techniques, &self.logs(graph, voices, &tactics, &open));
        softmax(&mut values);
        let mut techniques = vec![0.0; graph.techniques.len()];
        open.into_iter().zip(values).for_each(|(at, value)| techniques[at] = value);
        Outlook { techniques, tactics }
    }

    fn logs(&self, graph: &Graph, voices: &Voices, tactics: &[f32], open: &[usize]) -> Vec<Vec<f32>> {
        let mut rows = logs(&voices.techniques, open);
        rows.push(open.iter().map(|at| (tactics[graph.stage(*at)] + LEAST).ln()).collect());
        rows
    }

    /// The weights under which what came is least surprising. The voices must not have seen the incidents of the
    /// states. Weights are drawn towards the network alone.
    pub fn fit(graph: &Graph, examples: &[(&State, &Voices)]) -> Self {
        let mut blend = Self::default();
        let all: Vec<usize> = (0..graph.tactics).collect();
        let of_tactics = examples.iter().map(|(state, voices)| {
            let mut came: Vec<usize> = state.answers.iter().map(|at| graph.stage(*at)).collect();
            came.sort_unstable();
            came.dedup();
            (logs(&voices.tactics, &all), came)
        });
        blend.tactics = fit(blend.tactics, &of_tactics.collect::<Vec<_>>());
        let of_techniques = examples.iter().map(|(state, voices)| {
            let mut tactics = mixed(&blend.tactics, &logs(&voices.tactics, &all));
            softmax(&mut tactics);
            let open = open(graph, &state.history);
            let came = (0..open.len()).filter(|at| state.answers.contains(&open[*at])).collect();
            (blend.logs(graph, voices, &tactics, &open), came)
        });
        blend.techniques = fit(blend.techniques, &of_techniques.collect::<Vec<_>>());
        blend
    }
}

/// What was not seen yet.
fn open(graph: &Graph, history: &History) -> Vec<usize> {
    let seen = history.seen();
    (0..graph.techniques.len()).filter(|at| !seen.contains(at)).collect()
}

fn logs(voices: &[Vec<f32>], open: &[usize]) -> Vec<Vec<f32>> {
    voices.iter().map(|voice| open.iter().map(|at| (voice[*at] + LEAST).ln()).collect()).collect()
}

fn mixed(weights: &[f32], rows: &[Vec<f32>]) -> Vec<f32> {
    let mut sums = vec![0.0; rows.first().map_or(0, Vec::len)];
    for (weight, row) in weights.iter().zip(rows) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
    }
    sums
}

/// Walks uphill (Adam) on the logarithm of what was given to any that came, and to each of them.
fn fit<const N: usize>(begin: [f32; N], examples: &[(Vec<Vec<f32>>, Vec<usize>)]) -> [f32; N] {
    let mut weights = begin;
    let (mut means, mut squares) = ([0.0_f32; N], [0.0_f32; N]);
    let examples: Vec<_> = examples.iter().filter(|(_, came)| !came.is_empty()).collect();
    let count = examples.len().max(1) as f32;
    for step in 1..=STEPS {
        let mut slope = [0.0_f32; N];
        for (rows, came) in &examples {
            let mut values = mixed(&weights, rows);
            softmax(&mut values);
            let any = came.iter().map(|at| values[*at]).sum::<f32>().max(f32::MIN_POSITIVE);
            for (slope, row) in slope.iter_mut().zip(rows) {
                let told: f32 = values.iter().zip(row).map(|(value, log)| value * log).sum();
                let of_any: f32 = came.iter().map(|at| values[*at] / any * row[*at]).sum();
                let of_each = came.iter().map(|at| row[*at]).sum::<f32>() / came.len() as f32;
                *slope += (0.5 * (of_any + of_each) - told) / count;
            }
        }
        let rate = RATE * (1.0 - step as f32 / (STEPS + 1) as f32);
        for at in 0..N {
            let slope = slope[at] - DRAWN * (weights[at] - begin[at]);
            means[at] = 0.9 * means[at] + 0.1 * slope;
            squares[at] = 0.99 * squares[at] + 0.01 * slope * slope;
            let (mean, square) =
                (means[at] / (1.0 - 0.9_f32.powi(step)), squares[at] / (1.0 - 0.99_f32.powi(step)));
            weights[at] = (weights[at] + rate * mean / (square.sqrt() + 1e-6)).max(0.0);
        }
    }
    weights
}

/// So that nothing is impossible.
const LEAST: f32 = 1e-4;
const STEPS: i32 = 200;
const RATE: f32 = 0.05;
/// How much weights are drawn to where they began.
const DRAWN: f32 = 0.02;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::catalogue::{Catalogue, Domain};
    use crate::attack::sequences::of_actors;

    #[test]
    fn who_knows_is_heard_and_who_guesses_is_not() {
        let graph = Graph::new(&Catalogue::shipped().unwrap(), Domain::Ics);
        let states = of_actors(&graph);
        let counts = Counts::of(&graph, &states, &[]);
        let (techniques, tactics) = (graph.techniques.len(), graph.tactics);
        let flat = |count: usize| vec![1.0 / count as f32; count];
        // The network knows nothing, and counts have seen everything.
        let outlook = || Outlook { techniques: flat(techniques), tactics: flat(tactics) };
        let voices: Vec<Voices> =
            states.iter().map(|state| Voices::of(&graph, &counts, outlook(), &state.history)).collect();
        let examples: Vec<(&State, &Voices)> = states.iter().zip(&voices).collect();
        let blend = Blend::fit(&graph, &examples);
        assert_eq!(blend, Blend::fit(&graph, &examples));
        let counted: f32 = blend.techniques[1..].iter().sum();
        assert!(counted > 0.5 && blend.tactics[2] + blend.tactics[3] > 0.3, "{blend:?}");
        for (state, voices) in states.iter().zip(&voices) {
            let outlook = blend.outlook(&graph, voices, &state.history);
            assert!((outlook.techniques.iter().sum::<f32>() - 1.0).abs() < 1e-3);
            assert!(state.history.seen().iter().all(|at| outlook.techniques[*at] == 0.0));
        }
    }

    #[test]
    fn the_network_alone_stays_as_it_is() {
        let graph = Graph::new(&Catalogue::shipped().unwrap(), Domain::Ics);
        let counts = Counts::of(&graph, &of_actors(&graph), &[]);
        let mut techniques: Vec<f32> = (0..graph.techniques.len()).map(|at| (at + 1) as f32).collect();
        let sum: f32 = techniques.iter().sum();
        techniques.iter_mut().for_each(|value| *value /= sum);
        let outlook = Outlook { techniques, tactics: vec![1.0 / graph.tactics as f32; graph.tactics] };
        let history = History::default();
        let voices = Voices::of(&graph, &counts, outlook.clone(), &history);
        let mixed = Blend::default().outlook(&graph, &voices, &history);
        for (one, other) in mixed.techniques.iter().zip(&outlook.techniques) {
            // By as much as nothing is impossible.
            assert!((one - other).abs() < 1e-2, "{one} {other}");
        }
    }
}
