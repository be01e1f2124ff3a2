//! How well the next technique is named: one incident is held out, with its group, campaigns and programs, from
//! what is taught and from the graph; only techniques that were not seen yet count. Differences are judged by
//! drawing incidents anew, since states of one incident are no independent witnesses.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;
use fieldward_shared::weights::Misfit;

use super::baselines::{Baseline, Counts};
use super::gnn::Scale;
use super::gnn::train::{Training, train};
use super::graph::Graph;
use super::sequences::State;

/// How one way of answering did.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// What it is called.
    pub name: String,
    /// The share of states where an answer was among the first 1, 3, 5 and 10.
    pub hits: [f64; 4],
    /// Between which the share of the first three lies, with 95 %.
    pub range: [f64; 2],
    /// The mean of one over the rank.
    pub reciprocal: f64,
    /// What the first three have more than Markov, and between which it lies with 95 %.
    pub more: [f64; 3],
}

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How many states of how many incidents.
    pub states: usize,
    /// Incidents.
    pub incidents: usize,
    /// Plain answers, then the network.
    pub scores: Vec<Score>,
    /// The share of states whose next tactic was first: by the network, by Markov.
    pub tactic: [f64; 2],
    /// The expected calibration error of the first three: as they come, and scaled.
    pub calibration: [f64; 2],
    /// What perfect probabilities would show with so few states.
    pub noise: f64,
    /// The scale that all states together give: what is shipped.
    pub scale: Scale,
}

/// What was answered to a state by somebody who had not seen its incident.
#[derive(Clone, Debug, Default)]
struct Answered {
    plain: Vec<Vec<f32>>,
    network: Vec<f32>,
    tactics: Vec<f32>,
}

/// Holds out each incident in turn.
pub fn evaluate(graph: &Graph, states: &[State], how: &Training, threads: usize) -> Result<Report, Misfit> {
    let incidents: Vec<usize> =
        states.iter().map(|state| state.incident).collect::<BTreeSet<_>>().into_iter().collect();
    let answered = Mutex::new(vec![Answered::default(); states.len()]);
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), Misfit> {
        while let Some(incident) = incidents.get(next.fetch_add(1, Ordering::Relaxed)) {
            let counts = Counts::of(graph, states, &[*incident]);
            let network = train(graph, states, &[*incident], how)?;
            for (at, state) in states.iter().enumerate().filter(|(_, state)| state.incident == *incident) {
                let outlook = network.outlook(graph, &state.history);
                let plain = Baseline::ALL.map(|one| counts.answer(graph, &state.history, one)).to_vec();
                let one = Answered { plain, network: outlook.techniques, tactics: outlook.tactics };
                if let Ok(mut answered) = answered.lock() {
                    answered[at] = one;
                }
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    let answered = answered.into_inner().unwrap_or_default();
    Ok(report(graph, states, &answered, incidents.len()))
}

fn report(graph: &Graph, states: &[State], answered: &[Answered], incidents: usize) -> Report {
    let ranks = |of: &dyn Fn(&Answered) -> Vec<f32>| -> Vec<usize> {
        states.iter().zip(answered).map(|(state, one)| rank(&of(one), state)).collect()
    };
    let markov = ranks(&|one| one.plain[MARKOV].clone());
    let mut scores = Vec::new();
    for (at, baseline) in Baseline::ALL.into_iter().enumerate() {
        scores.push(score(baseline.name(), states, &ranks(&|one| one.plain[at].clone()), &markov));
    }
    scores.push(score("graph network", states, &ranks(&|one| one.network.clone()), &markov));
    let stage = |values: &[f32]| {
        let mut tactics = vec![0.0; graph.tactics];
        values.iter().enumerate().for_each(|(at, value)| tactics[graph.stage(at)] += value);
        tactics
    };
    let is_right = |tactics: &[f32], state: &State| {
        let first = (0..tactics.len()).max_by(|one, other| tactics[*one].total_cmp(&tactics[*other]));
        state.answers.iter().any(|answer| Some(graph.stage(*answer)) == first)
    };
    let share = |right: usize| right as f64 / states.len().max(1) as f64;
    let pairs = || states.iter().zip(answered);
    let network = pairs().filter(|(state, one)| is_right(&one.tactics, state)).count();
    let plain = pairs().filter(|(state, one)| is_right(&stage(&one.plain[MARKOV]), state)).count();
    let raw: Vec<Vec<Said>> = pairs().map(|(state, one)| first_three(&one.network, state)).collect();
    // Each incident is scaled by what the others say.
    let scaled = states.iter().zip(&raw).flat_map(|(state, said)| {
        let others = states.iter().zip(&raw).filter(|(other, _)| other.incident != state.incident);
        let scale = fit(&others.flat_map(|(_, said)| said.clone()).collect::<Vec<_>>());
        said.iter()
            .map(move |one| Said { probability: scale.apply(one.probability), ..*one })
            .collect::<Vec<_>>()
    });
    let scaled: Vec<Said> = scaled.collect();
    let raw: Vec<Said> = raw.into_iter().flatten().collect();
    Report {
        states: states.len(),
        incidents,
        scores,
        tactic: [share(network), share(plain)],
        calibration: [error(&raw), error(&scaled)],
        noise: noise(&scaled),
        scale: fit(&raw),
    }
}

/// How many techniques stand before the first that came.
fn rank(values: &[f32], state: &State) -> usize {
    let best = state.answers.iter().map(|answer| values[*answer]).fold(f32::NEG_INFINITY, f32::max);
    let first = state.answers.iter().filter(|answer| values[**answer] >= best).min().copied().unwrap_or(0);
    let seen = state.history.seen();
    let is_before = |(at, value): &(usize, &f32)| {
        !seen.contains(at) && (**value > best || (**value >= best && *at < first))
    };
    values.iter().enumerate().filter(is_before).count()
}

fn score(name: &str, states: &[State], ranks: &[usize], markov: &[usize]) -> Score {
    let share =
        |most: usize| ranks.iter().filter(|rank| **rank < most).count() as f64 / ranks.len().max(1) as f64;
    let hit = |rank: usize| f64::from(u8::from(rank < 3));
    let hits: Vec<f64> = ranks.iter().map(|rank| hit(*rank)).collect();
    let more: Vec<f64> = ranks.iter().zip(markov).map(|(one, other)| hit(*one) - hit(*other)).collect();
    let [low, high] = drawn(states, &hits);
    let [least, most] = drawn(states, &more);
    Score {
        name: name.to_owned(),
        hits: [1, 3, 5, 10].map(share),
        range: [low, high],
        reciprocal: ranks.iter().map(|rank| 1.0 / (*rank as f64 + 1.0)).sum::<f64>()
            / ranks.len().max(1) as f64,
        more: [more.iter().sum::<f64>() / more.len().max(1) as f64, least, most],
    }
}

/// Between which a mean lies when incidents are drawn anew.
fn drawn(states: &[State], values: &[f64]) -> [f64; 2] {
    let mut sums: std::collections::BTreeMap<usize, (f64, f64)> = std::collections::BTreeMap::new();
    for (state, value) in states.iter().zip(values) {
        let sum = sums.entry(state.incident).or_default();
        *sum = (sum.0 + value, sum.1 + 1.0);
    }
    let sums: Vec<(f64, f64)> = sums.into_values().collect();
    if sums.is_empty() {
        return [0.0; 2];
    }
    let mut chance = Rng::with_seed(DRAWS as u64);
    let mean = |_| {
        let drawn = (0..sums.len()).map(|_| sums[chance.usize(..sums.len())]);
        let (sum, count) = drawn.fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
        sum / count
    };
    let mut means: Vec<f64> = (0..DRAWS).map(mean).collect();
    means.sort_by(f64::total_cmp);
    [means[DRAWS / 40], means[DRAWS - 1 - DRAWS / 40]]
}

/// How likely a technique was said to be, and whether it came.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Said {
    probability: f32,
    came: bool,
}

fn first_three(values: &[f32], state: &State) -> Vec<Said> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*other].total_cmp(&values[*one]));
    let said = |at: &usize| Said { probability: values[*at], came: state.answers.contains(at) };
    order.iter().take(3).map(said).collect()
}

/// The scale under which what came is least surprising, looked for on a grid.
fn fit(said: &[Said]) -> Scale {
    let surprise = |scale: &Scale| -> f32 {
        said.iter()
            .map(|one| {
                let probability = scale.apply(one.probability);
                -(if one.came { probability } else { 1.0 - probability }).max(1e-6).ln()
            })
            .sum()
    };
    let temperatures = (2..=60).map(|step| step as f32 * 0.1);
    let scales = temperatures
        .flat_map(|temperature| (-40..=20).map(move |step| Scale { temperature, offset: step as f32 * 0.1 }));
    scales.min_by(|one, other| surprise(one).total_cmp(&surprise(other))).unwrap_or_default()
}

/// By how much probabilities miss what came, in ten bins of as many each.
fn error(said: &[Said]) -> f64 {
    let mut said = said.to_vec();
    said.sort_by(|one, other| one.probability.total_cmp(&other.probability));
    let width = said.len().div_ceil(BINS).max(1);
    let bins = said.chunks(width).map(|bin| {
        let told: f64 = bin.iter().map(|one| f64::from(one.probability)).sum();
        let came = bin.iter().filter(|one| one.came).count() as f64;
        (told - came).abs()
    });
    bins.sum::<f64>() / said.len().max(1) as f64
}

/// The same error where what comes is drawn from the probabilities themselves.
fn noise(said: &[Said]) -> f64 {
    let mut chance = Rng::with_seed(BINS as u64);
    let draws = 200;
    let one = |_| {
        let drawn: Vec<Said> =
            said.iter().map(|one| Said { came: chance.f32() < one.probability, ..*one }).collect();
        error(&drawn)
    };
    (0..draws).map(one).sum::<f64>() / f64::from(draws)
}

/// Where Markov stands among the plain answers.
const MARKOV: usize = 2;
const DRAWS: usize = 4000;
const BINS: usize = 10;
