//! How well the next technique is named: one incident is held out, with its group, campaigns and programs, from
//! what is taught and from the graph; only techniques that were not seen yet count. Differences are judged by
//! drawing incidents anew, since states of one incident are no independent witnesses.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use fastrand::Rng;
use fieldward_shared::weights::Misfit;

use super::baselines::{Baseline, Counts};
use super::blend::{Blend, Voices};
use super::gnn::train::{Training, train};
use super::gnn::{Outlook, Scale};
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
    /// Plain answers, then the network, then all of them mixed.
    pub scores: Vec<Score>,
    /// The share of states whose next tactic was first: by the mix, by the network, by Markov.
    pub tactic: [f64; 3],
    /// The network's probabilities, and the mix's.
    pub calibration: [Calibration; 2],
    /// The weights of the mix that all states together give.
    pub blend: Blend,
}

/// How far probabilities mean what they say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// The expected calibration error of the first three: as they come, and scaled.
    pub error: [f64; 2],
    /// What perfect probabilities would show with so few states.
    pub noise: f64,
    /// The scale that all states together give: what is shipped.
    pub scale: Scale,
}

/// What was answered to a state by somebody who had not seen its incident.
#[derive(Clone, Debug, Default)]
struct Answered {
    /// The network, then the counts.
    voices: Voices,
    mixed: Option<Outlook>,
}

/// Holds out each incident in turn. The weights of the mix are learnt anew for each part of the incidents: from what
/// voices that knew neither that part nor another one said of the other.
pub fn evaluate(graph: &Graph, states: &[State], how: &Training, threads: usize) -> Result<Report, Misfit> {
    let incidents: Vec<usize> =
        states.iter().map(|state| state.incident).collect::<BTreeSet<_>>().into_iter().collect();
    let parts = parts(states);
    let blends = blends(graph, states, &parts, how, threads)?;
    let all =
        in_turn(&incidents, threads, |incident| voices(graph, states, &[*incident], &[*incident], how))?;
    let mut answered = vec![Answered::default(); states.len()];
    for (incident, said) in incidents.iter().zip(all) {
        let part = parts.iter().position(|part| part.contains(incident)).unwrap_or_default();
        for (at, voices) in said {
            let mixed = Some(blends[part].outlook(graph, &voices, &states[at].history));
            answered[at] = Answered { voices, mixed };
        }
    }
    Ok(report(graph, states, &answered, incidents.len()))
}

/// The weights of the mix for each part, learnt without it.
fn blends(
    graph: &Graph,
    states: &[State],
    parts: &[Vec<usize>],
    how: &Training,
    threads: usize,
) -> Result<Vec<Blend>, Misfit> {
    let how = Training { members: how.members.min(INNER_MEMBERS), ..*how };
    let pairs: Vec<(usize, usize)> =
        (0..parts.len()).flat_map(|one| (one + 1..parts.len()).map(move |other| (one, other))).collect();
    let said = in_turn(&pairs, threads, |(one, other)| {
        let held = [parts[*one].clone(), parts[*other].clone()].concat();
        voices(graph, states, &held, &held, &how)
    })?;
    let blend = |without: usize| {
        let with = pairs.iter().zip(&said).filter(|((one, other), _)| [*one, *other].contains(&without));
        let examples = with.flat_map(|(_, said)| said).map(|(at, voices)| (&states[*at], voices));
        let examples: Vec<(&State, &Voices)> =
            examples.filter(|(state, _)| !parts[without].contains(&state.incident)).collect();
        Blend::fit(graph, &examples)
    };
    Ok((0..parts.len()).map(blend).collect())
}

/// Does something for each by several threads; answers stand in the order of what was asked.
fn in_turn<T: Sync, R: Send>(
    all: &[T],
    threads: usize,
    work: impl Fn(&T) -> Result<R, Misfit> + Sync,
) -> Result<Vec<R>, Misfit> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let one = || -> Result<(), Misfit> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(asked) = all.get(at) else { return Ok(()) };
            let answer = work(asked)?;
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, answer));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(one)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, answer)| answer).collect())
}

/// What all voices say of the states of some incidents, when others and these were held out.
fn voices(
    graph: &Graph,
    states: &[State],
    held: &[usize],
    asked: &[usize],
    how: &Training,
) -> Result<Vec<(usize, Voices)>, Misfit> {
    let counts = Counts::of(graph, states, held);
    let network = train(graph, states, held, how)?;
    let of = |at: usize| {
        let outlook = network.outlook(graph, &states[at].history);
        (at, Voices::of(graph, &counts, outlook, &states[at].history))
    };
    Ok((0..states.len()).filter(|at| asked.contains(&states[*at].incident)).map(of).collect())
}

/// Incidents in parts of about as many states each.
fn parts(states: &[State]) -> Vec<Vec<usize>> {
    let mut counts: std::collections::BTreeMap<usize, usize> = std::collections::BTreeMap::new();
    states.iter().for_each(|state| *counts.entry(state.incident).or_default() += 1);
    let mut counts: Vec<(usize, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(incident, count)| (std::cmp::Reverse(*count), *incident));
    let mut folds = vec![(0, Vec::new()); PARTS];
    for (incident, count) in counts {
        if let Some(fold) = folds.iter_mut().min_by_key(|(sum, _)| *sum) {
            fold.0 += count;
            fold.1.push(incident);
        }
    }
    folds.into_iter().map(|(_, incidents)| incidents).filter(|fold| !fold.is_empty()).collect()
}

fn report(graph: &Graph, states: &[State], answered: &[Answered], incidents: usize) -> Report {
    let ranks = |of: &dyn Fn(&Answered) -> Vec<f32>| -> Vec<usize> {
        states.iter().zip(answered).map(|(state, one)| rank(&of(one), state)).collect()
    };
    let voice = |at: usize| move |one: &Answered| one.voices.techniques.get(at).cloned().unwrap_or_default();
    let mixed = |one: &Answered| one.mixed.clone().map_or_else(Vec::new, |mixed| mixed.techniques);
    let markov = ranks(&voice(1 + Baseline::Markov as usize));
    let mut scores = Vec::new();
    for (at, baseline) in Baseline::ALL.into_iter().enumerate() {
        scores.push(score(baseline.name(), states, &ranks(&voice(1 + at)), &markov));
    }
    scores.push(score("graph network", states, &ranks(&voice(0)), &markov));
    scores.push(score("all of them mixed", states, &ranks(&mixed), &markov));
    let is_right = |tactics: &[f32], state: &State| {
        let first = (0..tactics.len()).max_by(|one, other| tactics[*one].total_cmp(&tactics[*other]));
        state.answers.iter().any(|answer| Some(graph.stage(*answer)) == first)
    };
    let share = |right: usize| right as f64 / states.len().max(1) as f64;
    let pairs = || states.iter().zip(answered);
    let right = |of: &dyn Fn(&Answered) -> Vec<f32>| {
        share(pairs().filter(|(state, one)| is_right(&of(one), state)).count())
    };
    let tactic = [
        right(&|one| one.mixed.clone().map_or_else(Vec::new, |mixed| mixed.tactics)),
        right(&|one| one.voices.tactics[0].clone()),
        right(&|one| one.voices.tactics[3].clone()),
    ];
    let said = |of: &dyn Fn(&Answered) -> Vec<f32>| -> Vec<Vec<Said>> {
        pairs().map(|(state, one)| first_three(&of(one), state)).collect()
    };
    let calibration = [said(&voice(0)), said(&mixed)].map(|said| calibration(states, said));
    let examples: Vec<(&State, &Voices)> = pairs().map(|(state, one)| (state, &one.voices)).collect();
    let blend = Blend::fit(graph, &examples);
    Report { states: states.len(), incidents, scores, tactic, calibration, blend }
}

fn calibration(states: &[State], raw: Vec<Vec<Said>>) -> Calibration {
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
    Calibration { error: [error(&raw), error(&scaled)], noise: noise(&scaled), scale: fit(&raw) }
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

/// Parts of the incidents, two of which are held out at a time to learn the weights of the mix.
const PARTS: usize = 6;
/// Networks of each of them: weights are asked for, not answers.
const INNER_MEMBERS: usize = 2;
const DRAWS: usize = 4000;
const BINS: usize = 10;
