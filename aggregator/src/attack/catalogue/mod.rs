//! ATT&CK as facts: ids, names and what is linked to what, with their version. What is shipped is ATT&CK for ICS and
//! the enterprise techniques that lead into a plant; an imported bundle takes the place of a part.
//!
//! Old and new ids both work: [`Catalogue::find`] follows what moved, and says under which id it was found.

pub mod hints;
mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use read::{Broken, part};

/// Which matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    /// Of plants.
    Ics,
    /// Of offices.
    Enterprise,
}

impl Domain {
    /// As bundles and layers call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ics => "ics-attack",
            Self::Enterprise => "enterprise-attack",
        }
    }
}

/// What an attacker is after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tactic {
    /// Such as TA0108.
    pub id: String,
    /// As techniques name it: `initial-access`.
    pub short: String,
    /// For people.
    pub name: String,
}

/// A way to get there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Technique {
    /// Such as T0846, or T0846.001.
    pub id: String,
    /// For people.
    pub name: String,
    /// The id of its object in STIX, without the type.
    pub stix: String,
    /// Places in the tactics of its part.
    pub tactics: Vec<usize>,
    /// What an imported bundle says of it.
    #[serde(default)]
    pub texts: Option<Texts>,
}

/// The full texts of a technique, from an official bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// What it is.
    pub description: String,
    /// How it is found.
    pub detection: String,
    /// On what it works.
    pub platforms: Vec<String>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What is attacked.
    Asset,
    /// What helps.
    Mitigation,
    /// A program made for harm.
    Malware,
    /// A program used for harm.
    Tool,
    /// Who.
    Group,
    /// When and where.
    Campaign,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Asset, Self::Mitigation, Self::Malware, Self::Tool, Self::Group, Self::Campaign];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Mitigation => "mitigation",
            Self::Malware => "malware",
            Self::Tool => "tool",
            Self::Group => "group",
            Self::Campaign => "campaign",
        }
    }

    /// Whether it acts: is an example of how attacks go.
    pub const fn acts(self) -> bool {
        !matches!(self, Self::Asset | Self::Mitigation)
    }
}

/// Something that is linked to techniques.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Such as S0604.
    pub id: String,
    /// For people.
    pub name: String,
    /// Places in the techniques of its part.
    pub techniques: Vec<usize>,
}

/// An id that is called otherwise in another version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Its id there.
    pub to: String,
    /// Its name there.
    pub name: String,
    /// Since which version.
    pub version: String,
}

/// One matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which.
    pub domain: Domain,
    /// Which version of ATT&CK.
    pub version: String,
    /// In the order of the matrix.
    pub tactics: Vec<Tactic>,
    /// By id.
    pub techniques: Vec<Technique>,
    /// By kind, then by id.
    pub entries: Vec<Entry>,
    /// Which entry uses or belongs to which: ids.
    pub links: Vec<(String, String)>,
    /// Old ids and what they became.
    pub moved: BTreeMap<String, Moved>,
    /// Ids that later versions added, and their names.
    pub added: BTreeMap<String, String>,
}

impl Part {
    /// Where a technique stands.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.techniques.binary_search_by(|one| one.id.as_str().cmp(id)).ok()
    }

    /// The tactic that a technique mostly serves here: the first of the matrix.
    pub fn tactic(&self, technique: &Technique) -> Option<&Tactic> {
        technique.tactics.iter().min().and_then(|place| self.tactics.get(*place))
    }

    /// Entries of a kind that are linked to a technique.
    pub fn linked(&self, technique: usize, kind: Kind) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |one| one.kind == kind && one.techniques.contains(&technique))
    }
}

/// A technique that was found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// In which part.
    pub part: &'a Part,
    /// Where in it.
    pub place: usize,
    /// What it is called in a later version, where that differs.
    pub moved: Option<&'a Moved>,
}

impl<'a> Found<'a> {
    /// The technique.
    pub fn technique(&self) -> &'a Technique {
        &self.part.techniques[self.place]
    }
}

/// All matrices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// Of plants.
    pub ics: Part,
    /// Of offices.
    pub enterprise: Part,
}

impl Catalogue {
    /// What this program was built with.
    pub fn shipped() -> Result<Self, Broken> {
        Ok(Self { ics: part(ICS)?, enterprise: part(ENTERPRISE)? })
    }

    /// The matrices.
    pub const fn parts(&self) -> [&Part; 2] {
        [&self.ics, &self.enterprise]
    }

    /// One of them.
    pub const fn part(&self, domain: Domain) -> &Part {
        match domain {
            Domain::Ics => &self.ics,
            Domain::Enterprise => &self.enterprise,
        }
    }

    /// Puts an imported part in the place of another. What moved stays known, so that ids of both versions work.
    pub fn put(&mut self, mut part: Part) {
        let place = match part.domain {
            Domain::Ics => &mut self.ics,
            Domain::Enterprise => &mut self.enterprise,
        };
        for (id, moved) in &place.moved {
            part.moved.entry(id.clone()).or_insert_with(|| moved.clone());
        }
        *place = part;
    }

    /// The technique of an id of this or another version: itself, what it became, what it was before, or, of a
    /// sub-technique that is unknown here, its technique.
    pub fn find(&self, id: &str) -> Option<Found<'_>> {
        let id = id.trim().to_ascii_uppercase();
        self.parts().into_iter().find_map(|part| find(part, &id))
    }

    /// The id under which a technique stands here; ids that are unknown stay as they are.
    pub fn id(&self, id: &str) -> String {
        self.find(id).map_or_else(|| id.to_owned(), |found| found.technique().id.clone())
    }
}

fn find<'a>(part: &'a Part, id: &str) -> Option<Found<'a>> {
    let moved = |place: usize| part.moved.get(&part.techniques[place].id);
    let here = |id: &str| part.place(id).map(|place| Found { part, place, moved: moved(place) });
    here(id)
        .or_else(|| part.moved.get(id).and_then(|moved| here(&moved.to)))
        .or_else(|| part.moved.iter().find(|(_, moved)| moved.to == id).and_then(|(old, _)| here(old)))
        .or_else(|| {
            let (parent, _) = id.split_once('.')?;
            here(parent)
        })
}

const ICS: &str = include_str!("data/ics.tsv");
const ENTERPRISE: &str = include_str!("data/enterprise.tsv");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_both_versions_lead_to_the_same_technique() {
        let catalogue = Catalogue::shipped().unwrap();
        assert_eq!(catalogue.ics.version, "18.1");
        assert_eq!((catalogue.ics.techniques.len(), catalogue.ics.tactics.len()), (83, 12));
        for (old, new) in [("T0855", "T1692.001"), ("T0803", "T1691.001"), ("T0812", "T1694.001")] {
            let (one, other) = (catalogue.find(old).unwrap(), catalogue.find(new).unwrap());
            assert_eq!((one.place, one.part.domain), (other.place, Domain::Ics), "{old}");
            assert_eq!(one.moved.unwrap().to, new);
        }
        assert_eq!(catalogue.find("t0846.001").unwrap().technique().id, "T0846");
        assert_eq!(catalogue.find("T1059.001").unwrap().technique().id, "T1059.001");
        assert_eq!(catalogue.find("T1059.999").unwrap().technique().id, "T1059");
        for strange in ["T9999", "", ".", "T0846\0", "TA0108", "\u{1f600}"] {
            assert!(catalogue.find(strange).is_none(), "{strange}");
        }
    }

    #[test]
    fn what_is_linked_is_there() {
        let catalogue = Catalogue::shipped().unwrap();
        let ics = &catalogue.ics;
        let place = ics.place("T0843").unwrap();
        assert!(ics.linked(place, Kind::Malware).any(|one| one.name == "Stuxnet"));
        assert!(ics.linked(place, Kind::Mitigation).count() > 3);
        assert!(ics.linked(place, Kind::Asset).count() > 0);
        for part in catalogue.parts() {
            assert!(part.techniques.windows(2).all(|two| two[0].id < two[1].id));
            assert!(part.techniques.iter().all(|one| !one.tactics.is_empty() && one.stix.len() == 36));
        }
    }
}
