//! Reads a part from lines with tabs, as they lie beside this file.
//!
//! `domain name version`, `tactic id short name`, `technique id name stix tactics`, an entry as
//! `kind id name techniques`, `link id id`, `moved id to name version`, `added id name version`.

use std::collections::BTreeMap;

use super::{Domain, Entry, Kind, Moved, Part, Tactic, Technique};

/// A line that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the catalogue: {what}")]
pub struct Broken {
    /// Which, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// Reads a part.
pub fn part(text: &str) -> Result<Part, Broken> {
    let mut part = Part {
        domain: Domain::Ics,
        version: String::new(),
        tactics: Vec::new(),
        techniques: Vec::new(),
        entries: Vec::new(),
        links: Vec::new(),
        moved: BTreeMap::new(),
        added: BTreeMap::new(),
    };
    // A technique may be named before it stands there.
    let mut entries = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty())
    {
        let broken = |what: &str| Broken { line: at + 1, what: what.to_owned() };
        let fields: Vec<&str> = line.split('\t').collect();
        let kind = fields[0];
        match (kind, &fields[1..]) {
            ("domain", [name, version]) => {
                part.domain = match *name {
                    "ics" => Domain::Ics,
                    "enterprise" => Domain::Enterprise,
                    _ => return Err(broken("no such domain")),
                };
                part.version = (*version).to_owned();
            }
            ("tactic", [id, short, name]) => {
                let [id, short, name] = [id, short, name].map(|text| (*text).to_owned());
                part.tactics.push(Tactic { id, short, name });
            }
            ("technique", [id, name, stix, tactics]) => {
                let place = |short: &str| part.tactics.iter().position(|one| one.short == short);
                let tactics: Option<Vec<usize>> = tactics.split(' ').map(place).collect();
                let tactics = tactics.ok_or_else(|| broken("a tactic that is not there"))?;
                let [id, name, stix] = [id, name, stix].map(|text| (*text).to_owned());
                part.techniques.push(Technique { id, name, stix, tactics, texts: None });
            }
            ("link", [from, to]) => part.links.push(((*from).to_owned(), (*to).to_owned())),
            ("moved", [id, to, name, version]) => {
                let [to, name, version] = [to, name, version].map(|text| (*text).to_owned());
                part.moved.insert((*id).to_owned(), Moved { to, name, version });
            }
            ("added", [id, name, _]) => drop(part.added.insert((*id).to_owned(), (*name).to_owned())),
            (kind, [id, name, techniques, ..]) => {
                let kind = Kind::ALL.into_iter().find(|one| one.name() == kind);
                let kind = kind.ok_or_else(|| broken("no such kind"))?;
                entries.push((at + 1, kind, *id, *name, *techniques));
            }
            _ => return Err(broken("fields are missing")),
        }
    }
    part.techniques.sort_by(|one, other| one.id.cmp(&other.id));
    for (line, kind, id, name, techniques) in entries {
        let places: Option<Vec<usize>> = techniques.split(' ').map(|id| part.place(id)).collect();
        let what = || Broken { line, what: format!("{id} names a technique that is not there") };
        let techniques = places.ok_or_else(what)?;
        part.entries.push(Entry { kind, id: id.to_owned(), name: name.to_owned(), techniques });
    }
    Ok(part)
}
