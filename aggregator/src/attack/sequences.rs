//! How attacks went: what is known in order. Public attack flows name what follows what; of the campaigns and
//! programs of ATT&CK only the set is known, which the order of the tactics puts in stages; the simulator's campaigns
//! are ours. A [`State`] is one question: this was seen, what came next?

use std::collections::{BTreeMap, BTreeSet};

use super::graph::Graph;

/// A question with its answers. Numbers are places in a [`Graph`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// What happened together is one incident: it is held out together.
    pub incident: usize,
    /// Of whom it is told.
    pub name: String,
    /// What was seen.
    pub history: History,
    /// What came next, and was not seen before.
    pub answers: Vec<usize>,
}

/// What was seen, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Techniques, stage by stage: what was done for the same tactic without another between.
    pub stages: Vec<Vec<usize>>,
    /// Techniques of the office that came before.
    pub context: Vec<usize>,
}

impl History {
    /// Of techniques in the order in which they were seen.
    pub fn of(graph: &Graph, seen: impl IntoIterator<Item = usize>, context: Vec<usize>) -> Self {
        let mut history = Self { stages: Vec::new(), context };
        seen.into_iter().for_each(|technique| history.push(graph, technique));
        history
    }

    /// One more.
    pub fn push(&mut self, graph: &Graph, technique: usize) {
        let stage = graph.stage(technique);
        match self.stages.last_mut() {
            Some(last) if last.first().is_some_and(|one| graph.stage(*one) == stage) => {
                if !last.contains(&technique) {
                    last.push(technique);
                }
            }
            _ => self.stages.push(vec![technique]),
        }
    }

    /// Everything that was seen.
    pub fn seen(&self) -> BTreeSet<usize> {
        self.stages.iter().flatten().copied().collect()
    }

    /// The stage that it is in: a tactic.
    pub fn stage(&self, graph: &Graph) -> Option<usize> {
        self.stages.last()?.first().map(|one| graph.stage(*one))
    }

    /// What was seen last.
    pub fn last(&self) -> &[usize] {
        self.stages.last().map_or(&[], Vec::as_slice)
    }
}

/// The states of campaigns, groups and programs: what each used, in stages by the order of the tactics.
pub fn of_actors(graph: &Graph) -> Vec<State> {
    let mut states = Vec::new();
    for actor in &graph.actors {
        let mut by_stage: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for technique in &actor.techniques {
            by_stage.entry(graph.stage(*technique)).or_default().push(*technique);
        }
        let stages: Vec<Vec<usize>> = by_stage.into_values().collect();
        // What begins in the office has a history before its first stage.
        let first = usize::from(actor.context.is_empty());
        for next in first..stages.len() {
            let history = History { stages: stages[..next].to_vec(), context: actor.context.clone() };
            let (incident, name) = (actor.cluster, actor.name.clone());
            states.push(State { incident, name, history, answers: stages[next].clone() });
        }
    }
    states
}

/// The states of a sequence, one for each technique that was not there before.
pub fn of_sequence(graph: &Graph, incident: usize, name: &str, techniques: &[usize]) -> Vec<State> {
    let mut states = Vec::new();
    let mut history = History::default();
    for next in techniques {
        if !history.stages.is_empty() && !history.seen().contains(next) {
            let (history, answers) = (history.clone(), vec![*next]);
            states.push(State { incident, name: name.to_owned(), history, answers });
        }
        history.push(graph, *next);
    }
    states
}

/// An attack flow: actions, and which follow each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// Flows of one incident share it.
    pub incident: String,
    /// Ids that the catalogue knows it by.
    pub known: Vec<String>,
    /// Technique ids, and the places of what follows.
    pub actions: Vec<(String, Vec<usize>)>,
}

/// What the program knows of ordered intrusions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// Them.
    pub flows: Vec<Flow>,
    /// Seconds from one action to the next, where both have a time; negative where they ran beside each other.
    pub intervals: Vec<Vec<i64>>,
}

impl Flows {
    /// What this program was built with.
    pub fn shipped() -> Self {
        Self::read(FLOWS)
    }

    /// Reads lines with tabs; what is no line of a flow is passed over.
    pub fn read(text: &str) -> Self {
        let mut all = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields.as_slice() {
                ["flow", name, incident, known] => all.flows.push(Flow {
                    name: (*name).to_owned(),
                    incident: (*incident).to_owned(),
                    known: known.split(' ').filter(|id| !id.is_empty()).map(str::to_owned).collect(),
                    actions: Vec::new(),
                }),
                ["intervals", _, seconds] => {
                    all.intervals.push(seconds.split(' ').filter_map(|one| one.parse().ok()).collect());
                }
                [technique, next] => {
                    let next = next.split(' ').filter_map(|place| place.parse().ok()).collect();
                    if let Some(flow) = all.flows.last_mut() {
                        flow.actions.push(((*technique).to_owned(), next));
                    }
                }
                _ => {}
            }
        }
        all
    }

    /// The states of the flows, after each action with what follows it and was not on its way.
    pub fn states(&self, graph: &Graph) -> Vec<State> {
        let mut states = Vec::new();
        for flow in &self.flows {
            let incident = graph.cluster_of(&flow.incident, &flow.known);
            let place = |id: &str| graph.place(id.split('.').next().unwrap_or(id));
            let places: Vec<Option<usize>> = flow.actions.iter().map(|(id, _)| place(id)).collect();
            let mut before: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); places.len()];
            for (at, place) in places.iter().enumerate() {
                let way: BTreeSet<usize> = before[at].iter().copied().chain([at]).collect();
                let after = flow.actions[at].1.iter().copied().filter(|next| *next < places.len());
                for next in after.clone().filter(|next| *next > at) {
                    before[next].extend(&way);
                }
                if place.is_none() {
                    continue;
                }
                let history = History::of(graph, way.iter().filter_map(|at| places[*at]), Vec::new());
                let seen = history.seen();
                let answers: BTreeSet<usize> = after.filter_map(|next| places[next]).collect();
                let answers: Vec<usize> = answers.difference(&seen).copied().collect();
                if !answers.is_empty() {
                    states.push(State { incident, name: flow.name.clone(), history, answers });
                }
            }
        }
        states
    }
}

/// The simulator's campaigns in their order. They were made after real ones, so an evaluation leaves them out.
pub const SIMULATED: &[(&str, &[&str])] = &[
    ("grid-outage", &["T0846", "T0888", "T0861", "T0802", "T0855", "T0806", "T0805", "T0816", "T0809"]),
    ("safety-override", &["T0846", "T0888", "T0845", "T0858", "T0843", "T0855", "T0816"]),
    ("quiet-damage", &["T0888", "T0845", "T0801", "T0843", "T0832", "T0836"]),
    ("open-door", &["T0846", "T0812", "T0811", "T0861", "T0836", "T0838", "T0855"]),
];

const FLOWS: &str = include_str!("catalogue/data/flows.tsv");
