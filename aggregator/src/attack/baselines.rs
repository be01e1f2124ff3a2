//! Plain answers to the same question, from counts alone. They stand beside the network's in every table, and the
//! Markov one in every prediction.

use std::collections::{BTreeSet, HashMap};

use super::graph::Graph;
use super::sequences::{History, State};

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// How often each technique came next.
    popular: Vec<f32>,
    /// After each stage; the first is before any.
    by_stage: Vec<Vec<f32>>,
    /// After each technique.
    after: HashMap<usize, Vec<f32>>,
    /// Who used both, and how many used each.
    both: Vec<Vec<f32>>,
    used: Vec<f32>,
    /// What each actor used.
    actors: Vec<Vec<usize>>,
}

/// A plain answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// What comes most often at all.
    Popularity,
    /// What comes most often after the stage.
    Stage,
    /// What comes most often after what was seen last; where little is known of that, as after the stage.
    Markov,
    /// What those used who used what was seen.
    Together,
    /// What those used who are most like what was seen.
    Alike,
}

impl Baseline {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Popularity, Self::Stage, Self::Markov, Self::Together, Self::Alike];

    /// As tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Popularity => "popularity",
            Self::Stage => "tactic-stage popularity",
            Self::Markov => "Markov with back-off",
            Self::Together => "co-occurrence",
            Self::Alike => "nearest actors",
        }
    }
}

impl Counts {
    /// Of all states but those of the incidents that are held out.
    pub fn of(graph: &Graph, states: &[State], held: &[usize]) -> Self {
        let count = graph.techniques.len();
        let mut counts = Self {
            popular: vec![0.0; count],
            by_stage: vec![vec![0.0; count]; graph.tactics + 1],
            after: HashMap::new(),
            both: vec![vec![0.0; count]; count],
            used: vec![0.0; count],
            actors: Vec::new(),
        };
        for state in states.iter().filter(|state| !held.contains(&state.incident)) {
            let last = state.history.last();
            let stage = &mut counts.by_stage[state.history.stage(graph).map_or(0, |stage| stage + 1)];
            for answer in &state.answers {
                counts.popular[*answer] += 1.0;
                stage[*answer] += 1.0;
                for before in last {
                    let after = counts.after.entry(*before).or_insert_with(|| vec![0.0; count]);
                    after[*answer] += 1.0 / last.len() as f32;
                }
            }
        }
        let actors = graph.actors.iter().enumerate().filter(|(at, _)| !graph.goes_with(*at, held));
        for (_, actor) in actors {
            for one in &actor.techniques {
                counts.used[*one] += 1.0;
                counts.popular[*one] += 1e-3;
                actor.techniques.iter().for_each(|other| counts.both[*one][*other] += 1.0);
            }
            counts.actors.push(actor.techniques.clone());
        }
        counts
    }

    /// The probability of each technique; what was seen already has nothing.
    pub fn answer(&self, graph: &Graph, history: &History, baseline: Baseline) -> Vec<f32> {
        let seen = history.seen();
        let mut values = match baseline {
            Baseline::Popularity => self.popular.clone(),
            Baseline::Stage => self.stage(graph, history, 1e-3),
            Baseline::Markov => self.markov(graph, history),
            Baseline::Together => self.together(history),
            Baseline::Alike => self.alike(&seen),
        };
        values.iter_mut().enumerate().filter(|(at, _)| seen.contains(at)).for_each(|(_, value)| *value = 0.0);
        let sum: f32 = values.iter().sum();
        values.iter_mut().for_each(|value| *value /= sum.max(f32::MIN_POSITIVE));
        values
    }

    fn stage(&self, graph: &Graph, history: &History, popular: f32) -> Vec<f32> {
        let stage = &self.by_stage[history.stage(graph).map_or(0, |stage| stage + 1)];
        let all: f32 = self.popular.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let values: Vec<f32> =
            stage.iter().zip(&self.popular).map(|(here, at_all)| here + popular * at_all / all).collect();
        let sum: f32 = values.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        values.into_iter().map(|value| value / sum).collect()
    }

    fn markov(&self, graph: &Graph, history: &History) -> Vec<f32> {
        let prior = self.stage(graph, history, 0.5);
        let last = history.last();
        if last.is_empty() {
            return prior;
        }
        let mut sums = vec![0.0; prior.len()];
        for technique in last {
            let known = self.after.get(technique);
            let count: f32 = known.map_or(0.0, |known| known.iter().sum());
            for (at, sum) in sums.iter_mut().enumerate() {
                *sum += (known.map_or(0.0, |known| known[at]) + prior[at]) / (count + 1.0);
            }
        }
        sums
    }

    fn alike(&self, seen: &BTreeSet<usize>) -> Vec<f32> {
        let mut sums: Vec<f32> = self.used.iter().map(|used| used * 1e-3).collect();
        for actor in &self.actors {
            let shared = actor.iter().filter(|one| seen.contains(one)).count() as f32;
            let like = shared * shared / (seen.len() * actor.len()).max(1) as f32;
            actor.iter().for_each(|one| sums[*one] += like);
        }
        sums
    }

    fn together(&self, history: &History) -> Vec<f32> {
        let mut sums: Vec<f32> = self.used.iter().map(|used| used * 1e-3).collect();
        for technique in history.seen().into_iter().filter(|technique| *technique < self.used.len()) {
            let used = self.used[technique] + 2.0;
            sums.iter_mut().zip(&self.both[technique]).for_each(|(sum, both)| *sum += both / used);
        }
        sums
    }
}
