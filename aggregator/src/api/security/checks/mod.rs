//! The checks. A new one is a function beside those of its subject, and a line here: what it is called, what it
//! looks at, of which requirements of IEC 62443-3-3 it speaks, how much it weighs.

mod doors;
mod keeping;
mod people;
mod plants;

use serde_json::{Map, Value};

use super::Verdict;
use super::scene::Scene;

pub use keeping::NOTE;

/// A check.
pub struct Check {
    /// As paths name it.
    pub id: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// What it looks at.
    pub about: &'static str,
    /// Of IEC 62443-3-3.
    pub requirements: &'static [&'static str],
    /// How much it counts in the score.
    pub weight: u32,
    /// Whether it needs what takes long to find out.
    pub is_slow: bool,
    /// Looks.
    pub look: fn(&Scene<'_>) -> Found,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// How it is.
    pub verdict: Verdict,
    /// In a sentence.
    pub summary: String,
    /// In figures.
    pub evidence: Map<String, Value>,
    /// What to do; empty where there is nothing to do.
    pub remedy: &'static str,
}

impl Found {
    fn new(verdict: Verdict, summary: impl Into<String>, remedy: &'static str) -> Self {
        let remedy = if verdict == Verdict::Pass { "" } else { remedy };
        Self { verdict, summary: summary.into(), evidence: Map::new(), remedy }
    }

    fn unknown(summary: impl Into<String>, remedy: &'static str) -> Self {
        Self::new(Verdict::Unknown, summary, remedy)
    }

    /// With a figure.
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.evidence.insert(name.to_owned(), value.into());
        self
    }

    /// With the first of what it is about.
    fn naming(self, name: &str, all: &[String]) -> Self {
        let first: Vec<Value> = all.iter().take(NAMED).map(|one| one.as_str().into()).collect();
        self.with(name, first)
    }
}

/// The worst: fails where any fails, warns where any warns.
fn worst(fails: bool, warns: bool) -> Verdict {
    match (fails, warns) {
        (true, _) => Verdict::Fail,
        (false, true) => Verdict::Warn,
        (false, false) => Verdict::Pass,
    }
}

/// How many things of a kind a summary says.
fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Names in evidence.
const NAMED: usize = 20;

macro_rules! checks {
    ($($id:literal $title:literal $about:literal [$($requirement:literal),+] $weight:literal $slow:literal $look:path;)+) => {
        /// All of them.
        pub const CHECKS: &[Check] = &[$(Check {
            id: $id,
            title: $title,
            about: $about,
            requirements: &[$($requirement),+],
            weight: $weight,
            is_slow: $slow,
            look: $look,
        }),+];
    };
}

checks! {
    "agents-connected" "Agents are connected" "when each agent that may report was heard of"
        ["SR 6.2", "SR 7.8"] 10 false plants::connected;
    "capture-loss" "Agents see all the traffic" "the share of the traffic that each agent's capture lost"
        ["SR 6.2"] 8 false plants::capture_loss;
    "agent-spool" "What agents tell arrives" "records that wait in agents' spools, and where they wait"
        ["SR 2.9", "SR 6.1"] 6 false plants::spool;
    "agent-disk" "Agents have room" "free space where each agent's spool lies"
        ["SR 2.9", "SR 7.2"] 4 false plants::disk;
    "clock-offset" "Clocks agree" "by how much each agent's clock is off"
        ["SR 2.11"] 5 false plants::clocks;
    "models-at-work" "Models watch" "what each agent does and which models are at work"
        ["SR 6.2"] 8 false plants::models;
    "model-age" "Models are not stale" "how long ago the oldest model of each agent was learnt"
        ["SR 6.2"] 3 false plants::stale;
    "model-drift" "Traffic is as it was learnt" "how far features have moved from what was learnt"
        ["SR 6.2"] 5 false plants::drift;
    "agent-identity" "Each agent is one" "agents seen twice under one certificate, and records that contradict"
        ["SR 1.2", "SR 1.4", "SR 3.1"] 9 false plants::identity;
    "agents-pending" "Nobody waits at the door" "agents that wait for an operator's approval"
        ["SR 1.3", "SR 7.8"] 2 false plants::pending;
    "agent-releases" "Agents run the aggregator's release" "the version that each agent runs"
        ["SR 7.6", "SR 7.8"] 3 false plants::releases;
    "default-credentials" "No default credentials in plants"
        "open alerts of the last 30 days in which devices were entered with default credentials"
        ["SR 1.5"] 8 false plants::default_credentials;
    "records-lost" "Nothing was lost" "records that agents said were lost, and reports that could not be read"
        ["SR 2.9", "SR 2.10", "SR 3.5"] 7 true plants::lost;
    "agent-certificates" "Agents' certificates are renewed" "how long the certificate of each agent still lasts"
        ["SR 1.8", "SR 1.2"] 7 false doors::agent_certificates;
    "authority" "The authority lasts" "how long roots, intermediate and the aggregator's certificate still last"
        ["SR 1.8", "SR 1.9"] 9 false doors::authority;
    "revocation" "Revocations are known" "where revoked certificates are known from, and how old that is"
        ["SR 1.8"] 5 false doors::revocation;
    "api-tls" "Passwords and tokens are encrypted" "how the API's connections are protected"
        ["SR 4.1", "SR 4.3", "SR 3.1"] 10 false doors::api_tls;
    "link-tls" "The link is encrypted" "by which transport agents are connected, and who vouches for them"
        ["SR 3.1", "SR 4.1", "SR 4.3"] 10 false doors::link;
    "api-origins" "Only safe pages may ask" "origins of other pages that may ask the API"
        ["SR 2.1", "SR 4.1"] 4 false doors::origins;
    "api-limits" "The API limits who asks too often" "requests that each user and key may make a minute"
        ["SR 7.1"] 3 false doors::limits;
    "replicas-link" "The way between aggregators is encrypted" "how Redis is reached, where there are several"
        ["SR 3.1", "SR 4.1", "SR 4.3"] 5 false doors::replicas;
    "demo-mode" "No simulator may come in" "whether simulators may come and play scenarios"
        ["SR 1.2", "SR 7.6"] 4 false doors::demo;
    "outputs" "Whoever is to be told of alerts is told" "how it goes with each output, and since when it fails"
        ["SR 2.8", "SR 6.1", "SR 6.2"] 5 false keeping::outputs;
    "setup-link" "The set-up link is closed" "whether a link still makes an administrator of whoever has it"
        ["SR 1.1", "SR 1.3"] 8 false people::setup;
    "administrators" "Administrators are few, but not one" "people who may decide over users"
        ["SR 1.3", "SR 2.1"] 4 false people::administrators;
    "idle-users" "Whoever may come in does" "when each person who may come in signed in last"
        ["SR 1.3", "SR 1.4"] 5 false people::idle;
    "old-keys" "Keys for programs end and are used" "how long each key still lasts, and when it was used"
        ["SR 1.5", "SR 1.3"] 6 false people::keys;
    "strong-keys" "Programs may no more than they need" "keys that may decide over users, and for all plants"
        ["SR 2.1"] 4 false people::strong_keys;
    "database-access" "The database is not open to others" "the mode of its file, or the password of its server"
        ["SR 4.1", "SR 1.5", "SR 3.4"] 7 false keeping::access;
    "database-durability" "What is committed stays" "the settings of the database, as it tells them itself"
        ["SR 3.4", "SR 7.4"] 8 true keeping::durability;
    "audit-trail" "The audit trail is whole" "whether each row of the trail follows the one before it"
        ["SR 2.8", "SR 2.12", "SR 3.9"] 10 true keeping::audit;
    "retention" "What is old is forgotten" "rows that are older than the configuration lets them become"
        ["SR 4.2", "SR 2.9"] 4 true keeping::retention;
    "backup" "There is a backup" "when `fieldward-aggregator backup` wrote its last one"
        ["SR 7.3", "SR 7.4"] 8 false keeping::backup;
    "disk-room" "The aggregator has room" "free space where its database and its authority lie"
        ["SR 2.9", "SR 7.2"] 7 false keeping::disk;
}
