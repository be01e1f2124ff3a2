//! Titles, descriptions and summaries, as a colleague would write them: who did what to whom, with
//! numbers, then what it looks like, then what is uncertain.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fieldward_shared::time::Timestamp;

use super::Loss;
use super::clues::Clues;
use super::incident::Key;
use super::raised::Fact;
use crate::classify::Answer;
use crate::classify::technique::{Technique, technique};
use crate::flow::Addr;

/// What is told of an incident.
pub struct About<'a> {
    pub key: Key,
    pub stranger: bool,
    pub clues: &'a Clues,
    pub facts: &'a [Fact],
    pub targets: &'a BTreeSet<Addr>,
    pub more_targets: u64,
    pub count: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    pub named: Option<&'a Technique>,
    pub loss: Loss,
}

/// What clues of these kinds and sorts (`*`: all sorts) are called, for one and for several, and the
/// word before the targets.
struct Phrase {
    clues: &'static [(&'static str, &'static str)],
    one: &'static str,
    several: &'static str,
    at: &'static str,
}

const fn say(
    clues: &'static [(&'static str, &'static str)],
    one: &'static str,
    several: &'static str,
    at: &'static str,
) -> Phrase {
    Phrase { clues, one, several, at }
}

/// The gravest first: the first that fits makes the title.
const PHRASES: &[Phrase] = &[
    say(
        &[("impersonation", ""), ("card", "others")],
        "took the place of another address",
        "took the place of {} addresses",
        ":",
    ),
    say(
        &[("tcp overlap", "")],
        "sent bytes that contradict those before",
        "sent bytes that contradict those before",
        "to",
    ),
    say(
        &[("http change", "firmware"), ("http page", "firmware")],
        "opened the firmware page",
        "opened {} firmware pages",
        "of",
    ),
    say(
        &[("modbus service", "file write"), ("modbus service", "vendor write")],
        "wrote program records",
        "wrote program records of {} units",
        "to",
    ),
    say(&[("modbus service", "restart")], "sent a restart command", "sent {} restart commands", "to"),
    say(
        &[("modbus service", "silence")],
        "told a controller to be silent",
        "told {} controllers to be silent",
        ":",
    ),
    say(
        &[("modbus service", "vendor"), ("modbus service", "clear")],
        "used a vendor's or service function",
        "used {} vendor or service functions",
        "of",
    ),
    say(&[("modbus value", "*")], "wrote an unusual value", "wrote {} unusual values", "to"),
    say(&[("modbus write", "*")], "wrote where it never did", "wrote in {} ways it never did", "to"),
    say(
        &[("modbus service", "file read"), ("modbus service", "vendor read")],
        "read program records",
        "read program records of {} units",
        "from",
    ),
    say(&[("modbus function", "diagnose")], "sent a diagnostic command", "sent {} diagnostic commands", "to"),
    say(
        &[("mqtt client", "others")],
        "logged in under another client's name",
        "logged in under {} other clients' names",
        "at",
    ),
    say(&[("mqtt erase", "")], "erased a topic", "erased {} topics", "at"),
    say(
        &[("mqtt publish", "*")],
        "published on an unfamiliar topic",
        "published on {} unfamiliar topics",
        "at",
    ),
    say(
        &[("web traversal", ""), ("web injection", ""), ("web command", ""), ("web script", "")],
        "sent an odd web request",
        "sent {} odd web requests",
        "to",
    ),
    say(&[("http change", "")], "changed a web page's settings", "changed settings on {} web pages", "of"),
    say(&[("reading repeat", "")], "repeats old readings", "repeats old readings of {} blocks", ""),
    say(&[("reading step", "")], "shows a reading that jumps", "shows {} readings that jump", ""),
    say(
        &[("reading range", "")],
        "shows a reading out of its range",
        "shows {} readings out of their range",
        "",
    ),
    say(&[("silence", "")], "has fallen silent", "has fallen silent to {} partners", ":"),
    say(&[("dns name length", "")], "looked up unusually long names", "looked up unusually long names", "at"),
    say(&[("http refusal", "login")], "was refused a login", "was refused {} logins", "by"),
    say(
        &[("modbus exception", "unit")],
        "asked for a unit that is not there",
        "asked for {} units that are not there",
        "behind",
    ),
    say(&[("modbus function", "identify")], "asked a device who it is", "asked {} devices who they are", ":"),
    say(&[("mqtt wildcard", "")], "subscribed to every topic", "subscribed to every topic", "at"),
    say(&[("modbus place", "*")], "read an unfamiliar place", "read {} unfamiliar places", "of"),
    say(
        &[("modbus function", "*")],
        "used an unfamiliar Modbus function",
        "used {} unfamiliar Modbus functions",
        "on",
    ),
    say(&[("mqtt client", "")], "logged in under an unknown name", "logged in under {} unknown names", "at"),
    say(
        &[("mqtt subscribe", "*")],
        "subscribed to an unfamiliar topic",
        "subscribed to {} unfamiliar topics",
        "at",
    ),
    say(&[("mqtt refusal", "")], "was refused by the broker", "was refused by the broker", ":"),
    say(&[("http page", "")], "opened an unfamiliar web page", "opened {} unfamiliar web pages", "of"),
    say(&[("http login", "")], "logged in to a web page", "logged in to {} web pages", "of"),
    say(&[("dns domain", "")], "looked up an unfamiliar domain", "looked up {} unfamiliar domains", "at"),
    say(
        &[("peers", ""), ("asks", "")],
        "turns to others, though until now it only answered",
        "turns to {} others, though until now it only answered",
        ":",
    ),
    say(&[("malformed", "")], "breaks the rules of a protocol", "breaks rules of protocols in {} ways", "at"),
    say(&[("link", "*"), ("talk", "")], "opened a new connection", "opened {} new connections", "to"),
    say(&[("card", "")], "has another network card", "has {} other network cards", ":"),
    say(&[("silence over", "")], "speaks again", "speaks again", "to"),
];

/// What happened, in a line.
pub fn title(about: &About<'_>) -> String {
    let lead = lead(about);
    let (doing, before) = lead.map(|lead| (lead, "at")).unwrap_or_else(|| spoken(about));
    let mut title = format!("{} {doing}", subject(about));
    if !about.targets.is_empty() && matches!(about.key, Key::Actor(_)) {
        let _ = match before {
            "" => Ok(()),
            ":" => write!(title, ": {}", targets(about)),
            before => write!(title, " {before} {}", targets(about)),
        };
    }
    title
}

/// What the gravest sign is called, and the word before the targets.
fn spoken(about: &About<'_>) -> (String, &'static str) {
    PHRASES
        .iter()
        .find(|phrase| phrase.count(about.clues) > 0)
        .map_or_else(|| (other(about), "at"), |phrase| (phrase.doing(about.clues), phrase.at))
}

/// What matters more than what was said: how much and how fast.
fn lead(about: &About<'_>) -> Option<String> {
    let functions = about.clues.all("modbus function") + about.clues.all("modbus service");
    if functions >= SWEEP && about.clues.of("modbus exception", "function") >= SWEEP / 2 {
        return Some(format!("tried {functions} Modbus functions one by one"));
    }
    if !matches!(about.named?.id, "T0805" | "T0806" | "T0814") {
        return None;
    }
    let (most, what) = fastest(about.clues);
    (most >= FLOOD).then(|| format!("sent up to {} {what} a second", thousands(most.into())))
}

/// What it did most in one second.
fn fastest(clues: &Clues) -> (u32, &'static str) {
    let peak = &clues.peak;
    let rates = [
        (peak.writes, "writes"),
        (peak.requests, "requests"),
        (peak.connects, "logins"),
        (peak.attempts, "connection attempts"),
        (peak.publishes, "messages"),
        (peak.pages, "web requests"),
    ];
    // Of equals the first: it says more than what carries it.
    rates.into_iter().rev().max_by_key(|(rate, _)| *rate).unwrap_or_default()
}

/// What happened, in a few sentences.
pub fn description(about: &About<'_>) -> String {
    let mut said = format!("{} {}.", subject(about), list(&phrases(about.clues), 4));
    let lasted = about.last.since(about.first) / 1_000_000;
    let place = targets(about);
    let to = if place.is_empty() { String::new() } else { format!(", about {place}") };
    let _ = write!(
        said,
        " {} {} in {}{to}.",
        thousands(about.count),
        if about.count == 1 { "finding" } else { "findings" },
        seconds(lasted)
    );
    let gravest = about.facts.iter().max_by(|one, other| one.consequence.total_cmp(&other.consequence));
    if let Some(sentence) = gravest.and_then(|fact| fact.evidence.first()) {
        let _ = write!(said, " The gravest: {}.", tidy(sentence));
    }
    let (most, what) = fastest(about.clues);
    if most >= FLOOD {
        let _ = write!(said, " At its fastest it sent {} {what} a second.", thousands(most.into()));
    }
    match about.named {
        Some(named) => {
            let _ = write!(said, " This looks like {} ({}, {}).", named.name, named.id, named.tactic);
        }
        None => said += " It fits no technique that is known here; what it is stays open.",
    }
    if about.stranger {
        said += " The address was not there in learning: find out whose it is.";
    }
    if about.loss.share() >= LITTLE {
        let _ = write!(
            said,
            " Of the minute before, {} bytes ({:.1} %) were not captured, so something may be missing here.",
            thousands(about.loss.missed),
            about.loss.share() * 100.0
        );
    }
    said
}

/// Which detectors agree on what.
pub fn summary(about: &About<'_>) -> String {
    let mut detectors: Vec<(&str, Vec<String>)> = Vec::new();
    for fact in about.facts {
        let said = format!("{} ({})", fact.kind, thousands(u64::from(fact.different)));
        match detectors.iter_mut().find(|(name, _)| *name == fact.detector) {
            Some((_, kinds)) => kinds.push(said),
            None => detectors.push((fact.detector, vec![said])),
        }
    }
    let agree = match detectors.len() {
        1 => "1 detector".to_owned(),
        count => format!("{count} detectors agree"),
    };
    let each = detectors.iter().map(|(name, kinds)| format!("{name}: {}", kinds.join(", ")));
    format!("{agree}, {} kinds of evidence. {}", about.facts.len(), each.collect::<Vec<_>>().join("; "))
}

/// What the classifier takes it for.
pub fn opinion(answer: &Answer) -> String {
    let percent = |share: f32| (share * 100.0).round();
    let named = answer.techniques.iter().take(3).filter_map(|one| {
        let name = technique(&one.technique)?.name;
        Some(format!("{name} ({}, {} %)", one.technique, percent(one.probability)))
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let lead =
        if answer.is_unknown { "like nothing it was taught; nearest to it" } else { "looks most like" };
    format!("{lead}: {named}; a benign change: {} %", percent(answer.benign))
}

/// What was done, as a list.
pub fn doings(clues: &Clues) -> String {
    list(&phrases(clues), 4)
}

/// The protocol of the gravest findings; of several the commonest.
pub fn protocol(facts: &[Fact]) -> &'static str {
    let spoken = facts.iter().filter(|fact| !matches!(fact.protocol, "ip" | "ethernet"));
    let most = spoken.max_by_key(|fact| fact.count).or_else(|| facts.iter().max_by_key(|fact| fact.count));
    most.map_or("ip", |fact| fact.protocol)
}

/// A number with commas.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut said = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            said.push(',');
        }
        said.push(digit);
    }
    said
}

impl Phrase {
    /// How many different things it is about.
    fn count(&self, clues: &Clues) -> u32 {
        let count = |(kind, sort): &(&str, &str)| match *sort {
            ANY => clues.all(kind),
            sort => clues.of(kind, sort),
        };
        self.clues.iter().map(count).sum()
    }

    fn doing(&self, clues: &Clues) -> String {
        match self.count(clues) {
            1 => self.one.to_owned(),
            count => self.several.replace("{}", &thousands(count.into())),
        }
    }
}

fn phrases(clues: &Clues) -> Vec<String> {
    PHRASES.iter().filter(|phrase| phrase.count(clues) > 0).map(|phrase| phrase.doing(clues)).collect()
}

/// What nobody has a phrase for is named by its kinds.
fn other(about: &About<'_>) -> String {
    let kinds: Vec<&str> = about.facts.iter().map(|fact| fact.kind).take(3).collect();
    format!("shows what was not learnt: {}", kinds.join(", "))
}

fn subject(about: &About<'_>) -> String {
    match about.key {
        Key::Actor(addr) if about.stranger => format!("{addr}, new on the network,"),
        Key::Actor(addr) | Key::Target(addr) => addr.to_string(),
        Key::Plant => "The plant".to_owned(),
    }
}

fn targets(about: &About<'_>) -> String {
    let count = about.targets.len() as u64 + about.more_targets;
    let mut named = about.targets.iter().map(ToString::to_string);
    match (named.next(), named.next(), count) {
        (Some(one), Some(other), 2) => format!("{one} and {other}"),
        (Some(one), Some(_), count) => format!("{one} and {} others", thousands(count - 1)),
        (one, ..) => one.unwrap_or_default(),
    }
}

fn list(parts: &[String], most: usize) -> String {
    match parts {
        [] => "does what was not learnt".to_owned(),
        [one] => one.clone(),
        many => {
            let shown = &many[..many.len().min(most)];
            let (last, first) =
                shown.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
            format!("{} and {last}", first.join(", "))
        }
    }
}

fn seconds(count: u64) -> String {
    match count {
        0 | 1 => "one second".to_owned(),
        2..120 => format!("{count} seconds"),
        120..7200 => format!("{} minutes", count / 60),
        _ => format!("{:.1} hours", count as f64 / 3600.0),
    }
}

fn tidy(sentence: &str) -> &str {
    sentence.trim_end_matches('.')
}

/// Whatever the sort.
const ANY: &str = "*";
/// From so many functions on they were tried one by one.
const SWEEP: u32 = 15;
/// From so many messages a second the speed is said.
const FLOOD: u32 = 10;
/// A smaller share of lost bytes is not worth a word.
const LITTLE: f32 = 0.001;
