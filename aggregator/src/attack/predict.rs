//! What comes next after what was seen: techniques with probabilities, when, why, and what to do about it. The answer
//! of plain counts (Markov) always stands beside the network's.

mod doubt;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::baselines::{Baseline, Counts};
use super::catalogue::hints::hint;
use super::catalogue::{Catalogue, Domain, Kind};
use super::gnn::{Network, Outlook, Scale};
use super::graph::Graph;
use super::sequences::{Flows, History, SIMULATED, State, of_actors, of_sequence};
use super::timing::{Timing, When};
pub use doubt::Doubt;

/// A network with what its probabilities mean, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// For the plant.
    pub ics: Network,
    /// For the office.
    pub enterprise: Network,
    /// Incidents of this aggregator's own that it was taught with.
    pub own: usize,
}

/// Why a model is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Its bytes are no model.
    #[error("the bytes are no model, or were damaged; make it anew with `attack train`")]
    Damaged,
    /// It belongs to another catalogue.
    #[error("{0}: it was taught on another catalogue; make it anew with `attack train`")]
    Misfit(#[from] fieldward_shared::weights::Misfit),
    /// What the program was built with.
    #[error(transparent)]
    Shipped(#[from] super::catalogue::Broken),
}

impl Model {
    /// What this program was built with.
    pub fn shipped() -> Result<Self, ModelError> {
        Self::load(SHIPPED)
    }

    /// What probabilities of the shipped networks mean, of the plant and of the office.
    pub fn scales_shipped() -> [Scale; 2] {
        Self::load(SHIPPED)
            .map_or_else(|_| Default::default(), |model| [model.ics.scale, model.enterprise.scale])
    }

    /// The bytes of a file: a mark, the model, and a checksum.
    pub fn save(&self) -> Result<Vec<u8>, ModelError> {
        let mut bytes = MARK.to_vec();
        bytes.extend(postcard::to_stdvec(self).map_err(|_| ModelError::Damaged)?);
        let sum = checksum(&bytes);
        bytes.extend(sum.to_le_bytes());
        Ok(bytes)
    }

    /// Of the bytes of a file.
    pub fn load(bytes: &[u8]) -> Result<Self, ModelError> {
        let (body, sum) = bytes.split_last_chunk::<8>().ok_or(ModelError::Damaged)?;
        if checksum(body) != u64::from_le_bytes(*sum) {
            return Err(ModelError::Damaged);
        }
        let body = body.strip_prefix(MARK).ok_or(ModelError::Damaged)?;
        postcard::from_bytes(body).map_err(|_| ModelError::Damaged)
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Answers.
#[derive(Clone)]
pub struct Predictor {
    catalogue: Arc<Catalogue>,
    taught: Arc<Catalogue>,
    plant: Side,
    office: Side,
    timing: Timing,
}

#[derive(Clone)]
struct Side {
    graph: Arc<Graph>,
    network: Arc<Network>,
    counts: Arc<Counts>,
}

/// A technique that may come next.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The tactic that it serves.
    pub tactic: String,
    /// How likely it is among the next.
    pub probability: f32,
    /// What counting alone says.
    pub markov: f32,
    /// Who did what was seen and this as well.
    pub precedents: Vec<Precedent>,
    /// What can be attacked by the last technique and by this.
    pub assets: Vec<String>,
    /// What to look at.
    pub watch: Option<&'static str>,
    /// What helps.
    pub act: Option<&'static str>,
}

/// Somebody who did it so before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precedent {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Which of what was seen it did.
    pub shared: Vec<String>,
}

/// A mitigation and how much it would help against what is expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How likely it is that what comes is something it helps against.
    pub weight: f32,
    /// Of the techniques that are expected, those it helps against.
    pub against: Vec<String>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Which matrix.
    pub domain: Domain,
    /// What was understood of what was seen, in order.
    pub history: Vec<String>,
    /// What was not: ids that no version knows.
    pub unknown: Vec<String>,
    /// Nothing was seen: this is only how attacks begin.
    pub is_prior: bool,
    /// The likeliest first.
    pub next: Vec<Next>,
    /// What counting alone would say, the likeliest first: ids and probabilities.
    pub markov: Vec<(String, f32)>,
    /// Names of tactics and how likely each is next.
    pub tactics: Vec<(String, f32)>,
    /// When.
    pub when: When,
    /// Mitigations, what helps most first.
    pub remedies: Vec<Remedy>,
}

impl Predictor {
    /// As it is shipped.
    pub fn shipped() -> Result<Self, ModelError> {
        Self::new(Model::load(SHIPPED)?, Arc::new(Catalogue::shipped()?), &[])
    }

    /// Of a model; names and texts are of a catalogue, intervals were seen here.
    pub fn new(model: Model, catalogue: Arc<Catalogue>, own: &[f64]) -> Result<Self, ModelError> {
        let taught = Taught::new()?;
        model.ics.fit(&taught.plant)?;
        model.enterprise.fit(&taught.office)?;
        let plant = Counts::of(&taught.plant, &taught.plant_states, &[]);
        let office = Counts::of(&taught.office, &taught.office_states, &[]);
        let side = |graph: Graph, network: Network, counts: Counts| Side {
            graph: Arc::new(graph),
            network: Arc::new(network),
            counts: Arc::new(counts),
        };
        Ok(Self {
            catalogue,
            taught: Arc::new(Catalogue::shipped()?),
            plant: side(taught.plant, model.ics, plant),
            office: side(taught.office, model.enterprise, office),
            timing: Timing::new(&taught.flows, own),
        })
    }

    /// The id under which a technique is kept, whatever version an id is of: that of the catalogue that the networks
    /// were taught on, or of the imported one where that one does not know it.
    pub fn id(&self, id: &str) -> Option<String> {
        let found = self.taught.find(id).or_else(|| self.catalogue.find(id));
        found.map(|found| found.technique().id.clone())
    }

    /// The name of a technique.
    pub fn name(&self, id: &str) -> String {
        let found = self.catalogue.find(id).or_else(|| self.taught.find(id));
        found.map_or_else(|| id.to_owned(), |found| found.technique().name.clone())
    }

    /// What is known of techniques.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// With the names and texts of another catalogue.
    pub fn with_catalogue(self, catalogue: Arc<Catalogue>) -> Self {
        Self { catalogue, ..self }
    }

    /// With intervals that were seen here.
    pub fn with_intervals(&self, own: &[f64]) -> Self {
        Self { timing: self.timing.with_own(own), ..self.clone() }
    }

    /// What comes after these techniques, in the order in which they were seen: so many. What was seen last decides
    /// for which matrix it is.
    pub fn predict(&self, seen: &[String], most: usize) -> Answer {
        self.predict_of(seen, &Doubt::default(), most)
    }

    /// The same where it is in doubt which technique one of them was: what comes after each that it may have been, by
    /// how likely it was that one.
    pub fn predict_of(&self, seen: &[String], doubt: &Doubt, most: usize) -> Answer {
        // Of what goes on for long the newest decides.
        let seen = &seen[seen.len().saturating_sub(MOST_SEEN)..];
        let ids: Vec<String> =
            seen.iter().map(|id| whole(&self.id(id).unwrap_or_else(|| id.clone()))).collect();
        let in_office = |id: &String| self.plant.graph.place(id).is_none() && self.office.place(id).is_some();
        let is_office = ids
            .iter()
            .rev()
            .find(|id| self.plant.graph.place(id).is_some() || in_office(id))
            .is_some_and(in_office);
        let (side, domain) =
            if is_office { (&self.office, Domain::Enterprise) } else { (&self.plant, Domain::Ics) };
        let graph = &*side.graph;
        let context: Vec<usize> = if is_office {
            Vec::new()
        } else {
            ids.iter().filter_map(|id| graph.context.iter().position(|one| one.id == *id)).collect()
        };
        let places = || ids.iter().filter_map(|id| graph.place(id));
        let history = History::of(graph, places(), context.clone());
        let may_be = doubt.shares(self, graph);
        let (outlook, markov) = if may_be.is_empty() {
            side.answers(&history)
        } else {
            let named = graph.place(&whole(&doubt.named));
            let or = |other: usize| {
                let places = places().map(|place| if Some(place) == named { other } else { place });
                side.answers(&History::of(graph, places, context.clone()))
            };
            doubt::mean(may_be.iter().map(|(place, share)| (or(*place), *share)), &history)
        };
        let order = descending(&outlook.techniques);
        let seen_ids: Vec<String> =
            ids.iter().filter(|id| graph.place(id).is_some() || in_context(graph, id)).cloned().collect();
        let last = ids.iter().rev().find(|id| graph.place(id).is_some()).cloned();
        let next: Vec<Next> = order
            .iter()
            .take(most)
            .map(|at| {
                let probability = side.network.scale.apply(outlook.techniques[*at]);
                self.next(side, domain, *at, probability, markov[*at], &history, last.as_deref())
            })
            .collect();
        let part = self.taught.part(domain);
        let name = |at: usize| part.tactics.get(at).map_or_else(String::new, |tactic| tactic.name.clone());
        Answer {
            domain,
            unknown: seen.iter().filter(|id| self.id(id).is_none()).cloned().collect(),
            is_prior: seen_ids.is_empty(),
            history: seen_ids,
            remedies: self.remedies(domain, &next),
            next,
            markov: descending(&markov)
                .into_iter()
                .take(most)
                .map(|at| (graph.techniques[at].clone(), markov[at]))
                .collect(),
            tactics: descending(&outlook.tactics)
                .into_iter()
                .take(3)
                .map(|at| (name(at), outlook.tactics[at]))
                .collect(),
            when: self.timing.when(),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one technique of an answer is made of all of them")]
    fn next(
        &self,
        side: &Side,
        domain: Domain,
        at: usize,
        probability: f32,
        markov: f32,
        history: &History,
        last: Option<&str>,
    ) -> Next {
        let id = side.graph.techniques[at].clone();
        let part = self.taught.part(domain);
        let found = part.place(&id).map(|place| (place, &part.techniques[place]));
        let assets = |id: &str| -> Vec<String> {
            let place = part.place(id);
            place
                .iter()
                .flat_map(|place| part.linked(*place, Kind::Asset))
                .map(|one| one.name.clone())
                .collect()
        };
        let reached = last.map(assets).unwrap_or_default();
        let hint = (domain == Domain::Ics).then(|| hint(&id)).flatten();
        Next {
            name: self.name(&id),
            tactic: found
                .and_then(|(_, technique)| part.tactic(technique))
                .map_or_else(String::new, |one| one.name.clone()),
            probability,
            markov,
            precedents: precedents(&side.graph, history, at),
            assets: assets(&id)
                .into_iter()
                .filter(|asset| reached.contains(asset))
                .take(MOST_SHOWN)
                .collect(),
            watch: hint.map(|hint| hint.watch),
            act: hint.map(|hint| hint.act),
            id,
        }
    }

    /// Mitigations by how much of what is expected they help against.
    fn remedies(&self, domain: Domain, next: &[Next]) -> Vec<Remedy> {
        let part = self.taught.part(domain);
        let mut remedies: BTreeMap<&str, Remedy> = BTreeMap::new();
        for one in next.iter().take(3) {
            for entry in part.place(&one.id).iter().flat_map(|place| part.linked(*place, Kind::Mitigation)) {
                let remedy = remedies.entry(&entry.id).or_insert_with(|| Remedy {
                    id: entry.id.clone(),
                    name: entry.name.clone(),
                    weight: 0.0,
                    against: Vec::new(),
                });
                remedy.weight += one.probability;
                remedy.against.push(one.id.clone());
            }
        }
        let mut remedies: Vec<Remedy> = remedies.into_values().collect();
        remedies
            .sort_by(|one, other| other.weight.total_cmp(&one.weight).then_with(|| one.id.cmp(&other.id)));
        remedies.truncate(MOST_SHOWN);
        remedies
    }
}

impl Side {
    /// What the network says of a history, and what counting says.
    fn answers(&self, history: &History) -> (Outlook, Vec<f32>) {
        let outlook = self.network.outlook(&self.graph, history);
        (outlook, self.counts.answer(&self.graph, history, Baseline::Markov))
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.graph.place(id)
    }
}

fn in_context(graph: &Graph, id: &str) -> bool {
    graph.context.iter().any(|one| one.id == id)
}

/// A technique without its sub-technique.
fn whole(id: &str) -> String {
    id.split('.').next().unwrap_or(id).to_owned()
}

fn descending(values: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).filter(|at| values[*at] > 0.0).collect();
    order.sort_by(|one, other| values[*other].total_cmp(&values[*one]).then_with(|| one.cmp(other)));
    order
}

/// Those who did this and most of what was seen; campaigns before groups before programs.
fn precedents(graph: &Graph, history: &History, next: usize) -> Vec<Precedent> {
    let seen = history.seen();
    let mut found: Vec<Precedent> = graph
        .actors
        .iter()
        .filter(|actor| actor.techniques.contains(&next))
        .map(|actor| Precedent {
            id: actor.id.clone(),
            name: actor.name.clone(),
            kind: actor.kind,
            shared: actor
                .techniques
                .iter()
                .filter(|one| seen.contains(one))
                .map(|one| graph.techniques[*one].clone())
                .collect(),
        })
        .filter(|one| !one.shared.is_empty())
        .collect();
    found.sort_by(|one, other| {
        (other.shared.len(), other.kind, &one.id).cmp(&(one.shared.len(), one.kind, &other.id))
    });
    found.truncate(MOST_PRECEDENTS);
    found
}

/// What networks are taught.
pub struct Taught {
    /// The graph of the plant.
    pub plant: Graph,
    /// Its states.
    pub plant_states: Vec<State>,
    /// The graph of the office.
    pub office: Graph,
    /// Its states.
    pub office_states: Vec<State>,
    /// What they are from.
    pub flows: Flows,
}

impl Taught {
    /// What is known for sure of real attacks, on the shipped catalogue.
    pub fn new() -> Result<Self, super::catalogue::Broken> {
        let (catalogue, flows) = (Catalogue::shipped()?, Flows::shipped());
        let plant = Graph::new(&catalogue, Domain::Ics);
        let office = Graph::new(&catalogue, Domain::Enterprise).with_flows(&flows);
        let (plant_states, office_states) = (of_actors(&plant), flows.states(&office));
        Ok(Self { plant, plant_states, office, office_states, flows })
    }

    /// With the simulator's campaigns and incidents that the aggregator saw itself: techniques in their order.
    pub fn with_own(self, own: &[(String, Vec<String>)]) -> Self {
        let all: Vec<(String, Vec<String>)> = simulated().chain(own.iter().cloned()).collect();
        self.with(&all)
    }

    /// With sequences of the plant: techniques in their order.
    pub fn with(mut self, sequences: &[(String, Vec<String>)]) -> Self {
        for (nth, (name, ids)) in sequences.iter().enumerate() {
            let places: Vec<usize> = ids.iter().filter_map(|id| self.plant.place(&whole(id))).collect();
            let incident = self.plant.clusters + nth;
            self.plant_states.extend(of_sequence(&self.plant, incident, name, &places));
        }
        self
    }
}

/// The simulator's campaigns by name.
pub fn simulated() -> impl Iterator<Item = (String, Vec<String>)> {
    let own = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    SIMULATED.iter().map(move |(name, ids)| ((*name).to_owned(), own(ids)))
}

const SHIPPED: &[u8] = include_bytes!("gnn/network.bin");
const MARK: &[u8] = b"fieldward-next\x01";
/// Techniques of a history that are looked at.
const MOST_SEEN: usize = 256;
const MOST_PRECEDENTS: usize = 3;
const MOST_SHOWN: usize = 8;

#[cfg(test)]
mod tests;
