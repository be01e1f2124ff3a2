//! The graph that the network works on: techniques in the middle; around them tactics, assets, mitigations, words of
//! their names, and who used them. Groups, campaigns and programs that belong together are one cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::catalogue::{Catalogue, Domain, Entry, Kind, Part};

/// Somebody or something that used techniques.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Such as S0604.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// With whom it belongs together.
    pub cluster: usize,
    /// Places of techniques.
    pub techniques: Vec<usize>,
    /// Places in the context.
    pub context: Vec<usize>,
}

/// A technique of the office, before the plant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// Such as T1566.
    pub id: String,
    /// Places of tactics of the office.
    pub tactics: Vec<usize>,
    /// Words of its name.
    pub words: Vec<usize>,
}

/// The graph of a matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// Which matrix.
    pub domain: Domain,
    /// Ids of techniques.
    pub techniques: Vec<String>,
    /// Tactics that each serves.
    pub tactics_of: Vec<Vec<usize>>,
    /// How many tactics there are.
    pub tactics: usize,
    /// Techniques of each asset.
    pub assets: Vec<Vec<usize>>,
    /// Techniques of each mitigation.
    pub mitigations: Vec<Vec<usize>>,
    /// Words of each technique's name.
    pub words_of: Vec<Vec<usize>>,
    /// How many words there are.
    pub words: usize,
    /// Who used what.
    pub actors: Vec<Actor>,
    /// How many clusters there are, with those of flows.
    pub clusters: usize,
    /// What may come before: techniques of the office, where this is the plant.
    pub context: Vec<Before>,
    /// How many tactics the context has.
    pub context_tactics: usize,
    flows: BTreeMap<String, usize>,
    /// Actors that are linked to those of a cluster, and go with it when it is held out.
    apart: BTreeMap<usize, BTreeSet<usize>>,
    links: BTreeSet<(String, String)>,
}

impl Graph {
    /// The graph of a matrix. Of the office it has whole techniques alone, no sub-techniques.
    pub fn new(catalogue: &Catalogue, domain: Domain) -> Self {
        let part = catalogue.part(domain);
        let whole = Whole::of(part);
        let (office, office_part) = match domain {
            Domain::Ics => (Some(Whole::of(&catalogue.enterprise)), Some(&catalogue.enterprise)),
            Domain::Enterprise => (None, None),
        };
        let names =
            whole.names(part).chain(office.iter().flat_map(|office| office.names(&catalogue.enterprise)));
        let vocabulary = vocabulary(names);
        let words =
            |name: &str| split(name).into_iter().filter_map(|word| vocabulary.get(&word).copied()).collect();
        let tactics = |part: &Part, place: usize| part.techniques[place].tactics.clone();
        let context = office.iter().flat_map(|office| &office.places).map(|place| {
            let one = &catalogue.enterprise.techniques[*place];
            let (id, words) = (one.id.clone(), words(&one.name));
            Before { id, tactics: tactics(&catalogue.enterprise, *place), words }
        });
        let context = context.collect();
        let of = |kind: Kind| {
            let entries = part.entries.iter().filter(move |one| one.kind == kind);
            entries.map(|one| whole.techniques(part, one)).collect::<Vec<_>>()
        };
        let clusters = Clusters::of(catalogue);
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut actors = Vec::new();
        for entry in part.entries.iter().filter(|one| one.kind.acts()) {
            let next = numbers.len();
            let cluster = *numbers.entry(clusters.root(&entry.id)).or_insert(next);
            let there = office_part.and_then(|part| part.entries.iter().find(|one| one.id == entry.id));
            let context = office.as_ref().zip(there);
            actors.push(Actor {
                id: entry.id.clone(),
                name: entry.name.clone(),
                kind: entry.kind,
                cluster,
                techniques: whole.techniques(part, entry),
                context: context
                    .map_or_else(Vec::new, |(office, there)| office.techniques(&catalogue.enterprise, there)),
            });
        }
        Self {
            domain,
            tactics_of: whole.places.iter().map(|place| tactics(part, *place)).collect(),
            words_of: whole.names(part).map(words).collect(),
            techniques: whole.places.iter().map(|place| part.techniques[*place].id.clone()).collect(),
            tactics: part.tactics.len(),
            assets: of(Kind::Asset),
            mitigations: of(Kind::Mitigation),
            words: vocabulary.len(),
            clusters: numbers.len(),
            actors,
            context,
            context_tactics: office_part.map_or(0, |part| part.tactics.len()),
            flows: BTreeMap::new(),
            apart: BTreeMap::new(),
            links: part.links.iter().cloned().collect(),
        }
    }

    /// Whether an actor must not be known where clusters are held out: it is of them, or their program or campaign.
    pub fn goes_with(&self, actor: usize, held: &[usize]) -> bool {
        held.iter().any(|held| {
            self.actors[actor].cluster == *held
                || self.apart.get(held).is_some_and(|all| all.contains(&actor))
        })
    }

    /// The same with a cluster for each incident that flows name.
    pub fn with_flows(mut self, flows: &super::sequences::Flows) -> Self {
        for flow in &flows.flows {
            let known = self.actors.iter().filter(|actor| flow.known.contains(&actor.id));
            let clusters: BTreeSet<usize> = known.map(|actor| actor.cluster).collect();
            let there = self.flows.get(&flow.incident).copied();
            let one = there.or_else(|| clusters.first().copied()).unwrap_or(self.clusters);
            self.clusters = self.clusters.max(one + 1);
            // What a flow is known by belongs together from now on.
            for actor in &mut self.actors {
                if clusters.contains(&actor.cluster) {
                    actor.cluster = one;
                }
            }
            self.flows
                .values_mut()
                .filter(|cluster| clusters.contains(cluster))
                .for_each(|cluster| *cluster = one);
            self.flows.insert(flow.incident.clone(), one);
            let linked = |actor: &Actor| {
                let link = |known: &String| {
                    let (there, back) =
                        ((known.clone(), actor.id.clone()), (actor.id.clone(), known.clone()));
                    self.links.contains(&there) || self.links.contains(&back)
                };
                actor.kind != Kind::Tool && flow.known.iter().any(link)
            };
            let linked: Vec<usize> = (0..self.actors.len()).filter(|at| linked(&self.actors[*at])).collect();
            self.apart.entry(one).or_default().extend(linked);
        }
        self
    }

    /// The cluster of a flow's incident.
    pub fn cluster_of(&self, incident: &str, known: &[String]) -> usize {
        let actor = || self.actors.iter().find(|actor| known.contains(&actor.id)).map(|actor| actor.cluster);
        self.flows.get(incident).copied().or_else(actor).unwrap_or(self.clusters)
    }

    /// Where a technique stands.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.techniques.binary_search_by(|one| one.as_str().cmp(id)).ok()
    }

    /// The tactic that a technique serves first.
    pub fn stage(&self, technique: usize) -> usize {
        self.tactics_of.get(technique).and_then(|all| all.iter().min()).copied().unwrap_or_default()
    }
}

/// Whole techniques of a part, without sub-techniques.
struct Whole {
    places: Vec<usize>,
    of: HashMap<usize, usize>,
}

impl Whole {
    fn of(part: &Part) -> Self {
        let is_whole = |place: &usize| !part.techniques[*place].id.contains('.');
        let places: Vec<usize> = (0..part.techniques.len()).filter(is_whole).collect();
        let of = places.iter().enumerate().map(|(at, place)| (*place, at)).collect();
        Self { places, of }
    }

    fn names<'a>(&'a self, part: &'a Part) -> impl Iterator<Item = &'a str> {
        self.places.iter().map(|place| part.techniques[*place].name.as_str())
    }

    fn techniques(&self, part: &Part, entry: &Entry) -> Vec<usize> {
        let whole = |place: &usize| {
            let id = &part.techniques[*place].id;
            let parent = id.split_once('.').and_then(|(parent, _)| part.place(parent));
            self.of.get(&parent.unwrap_or(*place)).copied()
        };
        entry.techniques.iter().filter_map(whole).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Who belongs together, by use and attribution, in both matrices.
struct Clusters(HashMap<String, String>);

impl Clusters {
    fn of(catalogue: &Catalogue) -> Self {
        let mut clusters = Self(HashMap::new());
        // In the office nearly everybody is linked to everybody by common tools: there it is followed only between
        // those that act in plants.
        let plants: BTreeSet<&str> =
            catalogue.ics.entries.iter().filter(|one| one.kind.acts()).map(|one| one.id.as_str()).collect();
        let links = catalogue.parts().into_iter().flat_map(|part| &part.links);
        for (one, other) in links.filter(|(one, other)| plants.contains(&**one) && plants.contains(&**other))
        {
            let (one, other) = (clusters.root(one), clusters.root(other));
            if one != other {
                clusters.0.insert(one.clone().max(other.clone()), one.min(other));
            }
        }
        clusters
    }

    fn root(&self, id: &str) -> String {
        let mut id = id;
        while let Some(next) = self.0.get(id) {
            id = next;
        }
        id.to_owned()
    }
}

/// Words that at least two names have.
fn vocabulary<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        split(name).into_iter().for_each(|word| *counts.entry(word).or_default() += 1);
    }
    counts.retain(|_, count| *count > 1);
    counts.into_keys().enumerate().map(|(at, word)| (word, at)).collect()
}

fn split(name: &str) -> BTreeSet<String> {
    let words = name.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    words.filter(|word| !word.is_empty() && !COMMON.contains(&word.as_str())).collect()
}

/// Words that say nothing.
const COMMON: [&str; 9] = ["of", "and", "or", "the", "to", "from", "for", "in", "o"];
