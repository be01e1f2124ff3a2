//! Brings an official bundle of ATT&CK (STIX) in: read within bounds, checked as a whole, and only then put in the
//! place of the one before, by a rename. What is damaged, of another domain, or no catalogue leaves the old in force.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::catalogue::{Broken, Catalogue, Domain, Entry, Kind, Moved, Part, Tactic, Technique, Texts};

/// Why a bundle is not taken. The catalogue before it stays in force.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is larger than any bundle.
    #[error("the bundle is larger than {MOST_BYTES} bytes: is it a file of attack-stix-data?")]
    Large,
    /// It is no bundle.
    #[error("this is no STIX bundle, or a damaged one: {0}")]
    Damaged(serde_json::Error),
    /// It is of another matrix.
    #[error("the bundle is of {0}; take ics-attack or enterprise-attack")]
    Domain(String),
    /// It does not hold together.
    #[error("the bundle is no whole catalogue: {0}")]
    Partial(String),
    /// What the program was built with.
    #[error(transparent)]
    Shipped(#[from] Broken),
}

/// Reads a bundle.
pub fn read(source: impl io::Read) -> Result<Part, ImportError> {
    let mut limited = BufReader::new(source.take(MOST_BYTES + 1));
    let objects: Vec<Object> = {
        let mut reader = serde_json::Deserializer::from_reader(&mut limited);
        let objects = Bundle.deserialize(&mut reader).and_then(|objects| reader.end().map(|()| objects));
        match objects {
            Ok(objects) => objects,
            Err(_) if limited.get_ref().limit() == 0 => return Err(ImportError::Large),
            Err(error) => return Err(ImportError::Damaged(error)),
        }
    };
    part(&objects)
}

/// Reads the bundle of a file and puts it into a folder.
pub fn import(file: &Path, folder: &Path) -> Result<Part, ImportError> {
    let part = read(File::open(file).map_err(at(file))?)?;
    fs::create_dir_all(folder).map_err(at(folder))?;
    let (path, beside) = (place(folder, part.domain), folder.join(".attack.new"));
    let write = || -> io::Result<()> {
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(&part)?)?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    write().map_err(at(&path))?;
    Ok(part)
}

/// The catalogue: what is shipped, with what was imported into a folder in its place. An import that cannot be read
/// is said, and what is shipped is in force.
pub fn load(folder: Option<&Path>) -> Result<Catalogue, ImportError> {
    let mut catalogue = Catalogue::shipped()?;
    for path in
        folder.iter().flat_map(|folder| [Domain::Ics, Domain::Enterprise].map(|one| place(folder, one)))
    {
        match kept(&path) {
            Ok(Some(part)) => catalogue.put(part),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "an imported catalogue cannot be read; the one of the program is used. Import it again");
            }
        }
    }
    Ok(catalogue)
}

fn kept(path: &Path) -> Result<Option<Part>, ImportError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    };
    let part: Part =
        serde_json::from_reader(BufReader::new(file.take(MOST_BYTES))).map_err(ImportError::Damaged)?;
    check(&part)?;
    Ok(Some(part))
}

fn place(folder: &Path, domain: Domain) -> PathBuf {
    folder.join(format!("{}.json", domain.name()))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ImportError {
    let path = path.to_owned();
    move |error| ImportError::Io { path, error }
}

/// An object, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    revoked: bool,
    #[serde(default)]
    x_mitre_deprecated: bool,
    #[serde(default)]
    external_references: Vec<Reference>,
    #[serde(default)]
    kill_chain_phases: Vec<Phase>,
    #[serde(default)]
    x_mitre_shortname: String,
    #[serde(default)]
    x_mitre_platforms: Vec<String>,
    #[serde(default)]
    x_mitre_detection: String,
    #[serde(default)]
    x_mitre_version: String,
    #[serde(default)]
    tactic_refs: Vec<String>,
    #[serde(default)]
    source_ref: String,
    #[serde(default)]
    target_ref: String,
    #[serde(default)]
    relationship_type: String,
}

#[derive(Debug, Deserialize)]
struct Reference {
    #[serde(default)]
    source_name: String,
    #[serde(default)]
    external_id: String,
}

#[derive(Debug, Deserialize)]
struct Phase {
    #[serde(default)]
    phase_name: String,
}

impl Object {
    fn attack_id(&self) -> Option<&str> {
        let ours = |one: &&Reference| {
            matches!(one.source_name.as_str(), "mitre-attack" | "mitre-ics-attack" | "mitre-mobile-attack")
        };
        self.external_references.iter().find(ours).map(|one| one.external_id.as_str())
    }

    const fn is_in_force(&self) -> bool {
        !self.revoked && !self.x_mitre_deprecated
    }

    fn entry(&self) -> Option<Kind> {
        Some(match self.kind.as_str() {
            "x-mitre-asset" => Kind::Asset,
            "course-of-action" => Kind::Mitigation,
            "malware" => Kind::Malware,
            "tool" => Kind::Tool,
            "intrusion-set" => Kind::Group,
            "campaign" => Kind::Campaign,
            _ => return None,
        })
    }
}

/// Reads the objects of a bundle one by one, so many and no more.
struct Bundle;

impl<'de> DeserializeSeed<'de> for Bundle {
    type Value = Vec<Object>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Bundle {
    type Value = Vec<Object>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a bundle with objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut objects = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "objects" => objects = Some(map.next_value_seed(Objects)?),
                "type" => {
                    let kind: String = map.next_value()?;
                    if kind != "bundle" {
                        return Err(serde::de::Error::custom(format!("its type is {kind:.40}")));
                    }
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        objects.ok_or_else(|| serde::de::Error::missing_field("objects"))
    }
}

struct Objects;

impl<'de> DeserializeSeed<'de> for Objects {
    type Value = Vec<Object>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Objects {
    type Value = Vec<Object>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut objects = Vec::new();
        while let Some(object) = list.next_element::<Object>()? {
            if objects.len() >= MOST_OBJECTS {
                return Err(serde::de::Error::custom(format!("it has more than {MOST_OBJECTS} objects")));
            }
            objects.push(object);
        }
        Ok(objects)
    }
}

fn part(objects: &[Object]) -> Result<Part, ImportError> {
    let partial = |what: &str| ImportError::Partial(what.to_owned());
    let by_id: HashMap<&str, &Object> = objects.iter().map(|one| (one.id.as_str(), one)).collect();
    let matrix = objects.iter().find(|one| one.kind == "x-mitre-matrix" && one.is_in_force());
    let matrix = matrix.ok_or_else(|| partial("it has no matrix"))?;
    let domain = match matrix.attack_id() {
        Some("ics-attack") => Domain::Ics,
        Some("enterprise-attack") => Domain::Enterprise,
        other => {
            return Err(ImportError::Domain(other.unwrap_or("an unnamed matrix").chars().take(40).collect()));
        }
    };
    let version =
        objects.iter().find(|one| one.kind == "x-mitre-collection").map(|one| one.x_mitre_version.clone());
    let tactic = |id: &String| {
        let one = by_id.get(id.as_str()).filter(|one| one.kind == "x-mitre-tactic")?;
        let id = one.attack_id()?.to_owned();
        Some(Tactic { id, short: one.x_mitre_shortname.clone(), name: one.name.clone() })
    };
    let tactics: Option<Vec<Tactic>> = matrix.tactic_refs.iter().map(tactic).collect();
    let tactics = tactics
        .filter(|tactics| !tactics.is_empty())
        .ok_or_else(|| partial("its matrix names tactics that are not there"))?;
    let place = |phase: &Phase| tactics.iter().position(|one| one.short == phase.phase_name);
    let mut techniques: BTreeMap<String, Technique> = BTreeMap::new();
    for one in objects.iter().filter(|one| one.kind == "attack-pattern" && one.is_in_force()) {
        let (Some(id), Some(stix)) = (one.attack_id(), one.id.strip_prefix("attack-pattern--")) else {
            return Err(partial("a technique has no id"));
        };
        let served: Vec<usize> = one.kill_chain_phases.iter().filter_map(place).collect();
        if served.is_empty() || !is_technique(id) {
            return Err(ImportError::Partial(format!("the technique {id:.20} serves no tactic, or is none")));
        }
        let texts = Texts {
            description: cut(&one.description),
            detection: cut(&one.x_mitre_detection),
            platforms: one.x_mitre_platforms.iter().take(64).map(|one| cut(one)).collect(),
        };
        let technique = Technique {
            id: id.to_owned(),
            name: cut(&one.name),
            stix: stix.to_owned(),
            tactics: served,
            texts: Some(texts),
        };
        techniques.insert(id.to_owned(), technique);
    }
    let techniques: Vec<Technique> = techniques.into_values().collect();
    let mut part = Part {
        domain,
        version: version.filter(|version| !version.is_empty()).unwrap_or_else(|| "unversioned".to_owned()),
        tactics,
        techniques,
        entries: Vec::new(),
        links: Vec::new(),
        moved: BTreeMap::new(),
        added: BTreeMap::new(),
    };
    relate(&mut part, objects, &by_id);
    check(&part)?;
    Ok(part)
}

/// Adds what is linked, and what was replaced by what.
fn relate(part: &mut Part, objects: &[Object], by_id: &HashMap<&str, &Object>) {
    let mut linked: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut links = Vec::new();
    let ends = |one: &Object| {
        by_id.get(one.source_ref.as_str()).copied().zip(by_id.get(one.target_ref.as_str()).copied())
    };
    let in_force = objects.iter().filter(|one| one.kind == "relationship" && one.is_in_force());
    for (one, (from, to)) in in_force.filter_map(|one| Some((one, ends(one)?))) {
        let technique =
            |end: &Object| (end.kind == "attack-pattern").then(|| part.place(end.attack_id()?)).flatten();
        match (technique(from), technique(to)) {
            (None, Some(place)) if from.is_in_force() => linked.entry(&from.id).or_default().push(place),
            (Some(place), None) if to.kind == "x-mitre-asset" && to.is_in_force() => {
                linked.entry(&to.id).or_default().push(place);
            }
            (None, None) => links.extend(from.attack_id().zip(to.attack_id())),
            _ => {}
        }
        if let ("revoked-by", Some(old), Some(new)) =
            (one.relationship_type.as_str(), from.attack_id(), to.attack_id())
        {
            // What was replaced by itself or by something that is gone leads nowhere.
            if old != new && part.place(new).is_some() {
                let moved =
                    Moved { to: new.to_owned(), name: to.name.clone(), version: part.version.clone() };
                part.moved.insert(old.to_owned(), moved);
            }
        }
    }
    for one in objects.iter().filter(|one| one.is_in_force()) {
        let (Some(kind), Some(id), Some(mut techniques)) =
            (one.entry(), one.attack_id(), linked.remove(&*one.id))
        else {
            continue;
        };
        techniques.sort_unstable();
        techniques.dedup();
        part.entries.push(Entry { kind, id: id.to_owned(), name: cut(&one.name), techniques });
    }
    part.entries.sort_by(|one, other| (one.kind, &one.id).cmp(&(other.kind, &other.id)));
    let known: std::collections::HashSet<&str> = part.entries.iter().map(|one| one.id.as_str()).collect();
    let there = links.into_iter().filter(|(one, other)| known.contains(one) && known.contains(other));
    part.links = there.map(|(one, other)| (one.to_owned(), other.to_owned())).collect();
}

/// Whether places are places, and there is as much as a matrix has at least.
fn check(part: &Part) -> Result<(), ImportError> {
    let partial = |what: &str| Err(ImportError::Partial(what.to_owned()));
    if part.techniques.len() < LEAST_TECHNIQUES {
        return partial("it has hardly any techniques in force");
    }
    let tactics = part.tactics.len();
    if part.techniques.iter().any(|one| one.tactics.is_empty() || one.tactics.iter().any(|at| *at >= tactics))
    {
        return partial("a technique names a tactic that is not there");
    }
    if part.techniques.windows(2).any(|two| two[0].id >= two[1].id) {
        return partial("techniques stand twice or out of order");
    }
    let count = part.techniques.len();
    if part.entries.iter().any(|one| one.techniques.iter().any(|at| *at >= count)) {
        return partial("an entry names a technique that is not there");
    }
    Ok(())
}

fn is_technique(id: &str) -> bool {
    let rest = id.strip_prefix('T').unwrap_or_default();
    (4..=8).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Texts of a bounded length.
fn cut(text: &str) -> String {
    text.chars().take(MOST_TEXT).collect()
}

/// The enterprise bundle has some sixty million bytes and thirty thousand objects.
const MOST_BYTES: u64 = 256 << 20;
const MOST_OBJECTS: usize = 200_000;
const MOST_TEXT: usize = 16_384;
const LEAST_TECHNIQUES: usize = 10;

#[cfg(test)]
mod tests;
