//! Labels: which attacks a capture holds, as the recorder writes them; and when an alert is about one.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Deserialize;

/// What is true of a capture. Times are seconds since the epoch.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Labels {
    /// The attacks.
    #[serde(default)]
    pub attacks: Vec<Attack>,
    /// When alerts are neither right nor wrong.
    #[serde(default)]
    pub ignore: Vec<Span>,
    /// What looks odd and is harmless.
    #[serde(default)]
    pub benign: Vec<Benign>,
    /// When the capture begins.
    pub capture_start: Option<f64>,
    /// When it ends.
    pub capture_end: Option<f64>,
}

/// An attack.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Attack {
    /// Its first packet.
    pub start: f64,
    /// Its last packet.
    pub end: f64,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its technique (v18).
    pub technique: Option<String>,
    /// The same in v19.
    pub technique_v19: Option<String>,
    /// Techniques that are right too.
    #[serde(default)]
    pub acceptable: Vec<String>,
    /// How far the wire shows the technique.
    pub grade: Option<String>,
    /// fast or context.
    pub kind: Option<String>,
    /// Who does it.
    #[serde(default)]
    pub src: Addresses,
    /// To whom.
    #[serde(default)]
    pub dst: Addresses,
}

/// A time.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Span {
    /// From.
    pub start: f64,
    /// To.
    pub end: f64,
}

/// Something harmless that looks odd.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Benign {
    /// From.
    pub start: f64,
    /// To.
    pub end: f64,
    /// What it is.
    pub name: String,
}

/// None, one, or several addresses or networks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(untagged)]
pub enum Addresses {
    /// Several.
    Many(Vec<String>),
    /// One.
    One(String),
    /// Not labelled.
    #[default]
    None,
}

impl Attack {
    /// Seconds within which it must be found.
    pub fn allowance(&self) -> f64 {
        if self.kind.as_deref() == Some("context") { super::CONTEXT } else { super::FAST }
    }

    /// Its grade; without one, what the technique suggests.
    pub fn grade(&self) -> &str {
        self.grade.as_deref().unwrap_or(if self.technique.is_some() { "A" } else { "C" })
    }

    /// Whether an alert that names these addresses is about it. No address: yes. Else the source must be
    /// named (with a victim, if more than one is named), or nothing but victims.
    pub fn meets(&self, named: &BTreeSet<String>) -> bool {
        let (sources, victims) = (self.src.list(), self.dst.list());
        if named.is_empty() || sources.is_empty() && victims.is_empty() {
            return true;
        }
        let any = |list: &[&str]| named.iter().any(|one| list.iter().any(|other| is_in(one, other)));
        if sources.is_empty() || victims.is_empty() {
            return any(&sources) || any(&victims);
        }
        any(&sources) && (named.len() == 1 || any(&victims))
            || named.iter().all(|one| victims.iter().any(|other| is_in(one, other)))
    }

    /// Whether another attack has an address in common, or either names none.
    pub fn is_kin(&self, other: &Self) -> bool {
        let all = |attack: &Self| -> BTreeSet<String> {
            attack.src.list().into_iter().chain(attack.dst.list()).map(str::to_owned).collect()
        };
        let (one, other) = (all(self), all(other));
        one.is_empty() || other.is_empty() || !one.is_disjoint(&other)
    }
}

impl Addresses {
    fn list(&self) -> Vec<&str> {
        match self {
            Self::None => Vec::new(),
            Self::One(one) => vec![one.as_str()],
            Self::Many(many) => many.iter().map(String::as_str).collect(),
        }
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect()
    }
}

/// Whether two ids mean the same technique: of either version, a parent being equal to its sub-technique.
pub fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (moved(one), moved(other));
    let parent = |id: &str| id.split('.').next().map(str::to_owned);
    one == other || parent(one) == parent(other) && (!one.contains('.') || !other.contains('.'))
}

fn is_in(address: &str, network: &str) -> bool {
    let Some((network, bits)) = network.split_once('/') else { return address == network };
    let (Ok(address), Ok(network)) = (address.parse::<Ipv4Addr>(), network.parse::<Ipv4Addr>()) else {
        return false;
    };
    let Ok(bits @ 0..=32) = bits.parse::<u32>() else { return false };
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    u32::from(address) & mask == u32::from(network) & mask
}

/// The id of v19 for one of v18 that moved.
fn moved(id: &str) -> &str {
    MOVED.iter().find(|(old, _)| *old == id).map_or(id, |(_, new)| new)
}

const MOVED: &[(&str, &str)] = &[
    ("T0803", "T1691.001"),
    ("T0804", "T1691.002"),
    ("T0805", "T1695.001"),
    ("T0812", "T1694.001"),
    ("T0839", "T1693.002"),
    ("T0855", "T1692.001"),
    ("T0856", "T1692.002"),
    ("T0857", "T1693.001"),
    ("T0891", "T1694.002"),
];
