//! Compares a fact with the book, weighs how much it says, and says it in a sentence with the numbers.

use std::fmt::Write as _;

use super::book::{Book, Known, Short};
use super::{Fact, Unknown};
use crate::window::hash;

/// How a fact breaks the baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Broken {
    /// It was never seen.
    New,
    /// Its value lies beyond what was seen, by so many times what may be.
    Beyond(f64),
}

impl Broken {
    /// A number of its own for each way.
    pub const fn way(self) -> u64 {
        match self {
            Self::New => 1,
            Self::Beyond(_) => 2,
        }
    }
}

/// How the fact breaks the baseline, if it does.
pub fn broken(book: &mut Book, fact: &Fact<'_>) -> Option<Broken> {
    let aspect = fact.aspect;
    if book.is_empty() && aspect.unknown != Unknown::New {
        return None;
    }
    let range = match (book.find(fact), aspect.unknown) {
        (Some(known), _) => (known.range, known.count),
        (None, Unknown::New) => return Some(Broken::New),
        (None, Unknown::Nothing) => return None,
        // What nobody did in learning is measured by nothing at all.
        (None, Unknown::Most) => (Some(book.most(aspect.name).unwrap_or_default()), 1000),
    };
    let ((Some((low, high)), count), Some(value)) = (range, fact.value) else { return None };
    if high >= aspect.useless {
        return None;
    }
    let width = (high - low).max(high.abs() * LEAST_RANGE);
    let few = aspect.few / count.max(1) as f64;
    // A point that was always zero has no range of its own to be measured by.
    let width = if width == 0.0 && few > 0.0 { few } else { width * (aspect.margin + few) };
    let slack = match aspect.unknown {
        Unknown::Most => (width + aspect.slack) / book.sureness(),
        _ => width + aspect.slack,
    };
    let over = if aspect.both_sides && value < low { low - value } else { value - high };
    (over > slack).then(|| Broken::Beyond(over / slack.max(f64::MIN_POSITIVE)))
}

/// What is to be said of a fact that breaks the baseline.
pub struct Told {
    /// How sure it is a finding.
    pub confidence: f32,
    /// A number for what it is about, whoever does it.
    pub about: u64,
    /// Others were seen to do it.
    pub is_others: bool,
    /// Why, in a sentence.
    pub evidence: String,
}

/// How sure it is a finding, and why.
pub fn explain(book: &Book, fact: &Fact<'_>, broken: Broken) -> Told {
    let (aspect, actor, what) = (fact.aspect, fact.actor.to_string(), fact.what.to_string());
    let (mut confidence, mut text) = (aspect.confidence, format!("{actor} {}", aspect.sentence));
    if !what.is_empty() {
        let _ = write!(text, " {}", what.replace(" @ ", " of "));
    }
    if let Some(value) = fact.value {
        let colon = if text.ends_with(':') { "" } else { ":" };
        let _ = write!(text, "{colon} {}", Short(value));
    }
    let (about, mut is_others) = (hash(what.as_bytes()), false);
    let stranger = !book.is_empty() && !book.knows(&actor);
    match broken {
        Broken::Beyond(times) => {
            confidence *= (1.0 - 0.5 / times.max(1.0)) as f32;
            if aspect.unknown == Unknown::Most {
                // How often things happen lies many times beyond when it is no matter of taste.
                confidence += (MOST_SURE - confidence).max(0.0) * (1.0 - FAR / times.max(FAR)) as f32;
            }
            let known = book.known(aspect.name, &actor, &what).and_then(|known| known.range);
            let _ = match (known, book.most_seen(aspect.name)) {
                (Some((low, high)), _) if aspect.both_sides => {
                    write!(text, "; learnt: {} to {}", Short(low), Short(high))
                }
                (Some((_, high)), _) => write!(text, "; learnt: at most {}", Short(high)),
                (None, Some((_, high))) => write!(text, "; nobody was seen beyond {}", Short(high)),
                (None, None) => Ok(()),
            };
        }
        Broken::New => {
            let seen = Seen::of(book, aspect.name, &actor, &what);
            for (yes, share) in [
                (!seen.others.is_empty(), aspect.others),
                (seen.others.is_empty() && seen.kin, aspect.kin),
                (seen.elsewhere == Elsewhere::Near, aspect.elsewhere),
                (seen.elsewhere == Elsewhere::Far, aspect.far),
                (seen.there, aspect.there),
            ] {
                confidence *= if yes { share } else { 1.0 };
            }
            is_others = !seen.others.is_empty();
            match seen.others.as_slice() {
                [] => text += "; never seen before",
                known => {
                    let _ = write!(text, "; until now only {}", known.join(", "));
                }
            }
            if seen.elsewhere != Elsewhere::No {
                text += "; it was seen to do so elsewhere";
            }
            confidence *= book.sureness() as f32;
            if let Some(seconds) = book.seconds().filter(|seconds| *seconds < SHORT) {
                let _ = write!(text, "; only {seconds} seconds were learnt from");
            }
        }
    }
    if stranger {
        confidence *= STRANGER;
        text += "; this address was not known here";
    }
    Told { confidence: confidence.min(MOST_SURE), about, is_others, evidence: text }
}

/// What the book has that is like a new fact.
struct Seen<'a> {
    others: Vec<&'a str>,
    kin: bool,
    elsewhere: Elsewhere,
    there: bool,
}

/// Where else an actor does the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Elsewhere {
    No,
    /// At another server.
    Far,
    /// At another unit of the same server, or where servers have no units.
    Near,
}

impl<'a> Seen<'a> {
    fn of(book: &'a Book, aspect: &str, actor: &str, what: &str) -> Self {
        let mut seen = Self { others: Vec::new(), kin: false, elsewhere: Elsewhere::No, there: false };
        let (deed, place) = parts(what);
        for Known { actor: whose, what: known, .. } in book.facts().filter(|known| known.aspect == aspect) {
            if whose != actor {
                if known == what && seen.others.len() < 3 && !what.is_empty() {
                    seen.others.push(whose);
                }
                seen.kin |= kin(known, what);
                continue;
            }
            let (known_deed, known_place) = parts(known);
            if place.is_some() && known_deed == deed {
                let near = server(place) == server(known_place);
                seen.elsewhere = seen.elsewhere.max(if near { Elsewhere::Near } else { Elsewhere::Far });
            }
            seen.there |= place.is_some() && known_place == place;
        }
        seen
    }
}

/// What is done, and where.
fn parts(what: &str) -> (&str, Option<&str>) {
    what.split_once(" @ ").map_or((what, None), |(deed, place)| (deed, Some(place)))
}

/// Whether two texts are the same but for their numbers.
fn kin(one: &str, other: &str) -> bool {
    let letters = |byte: &u8| !byte.is_ascii_digit();
    !one.is_empty() && one.bytes().filter(letters).eq(other.bytes().filter(letters))
}

/// The server of "unit 1 of server".
fn server(place: Option<&str>) -> Option<&str> {
    place?.split_once(" of ").map(|(_, server)| server)
}

/// A range that was only ever one value is taken to be this share of it wide.
const LEAST_RANGE: f64 = 0.05;
/// What somebody does whom nobody knows is more likely wrong.
const STRANGER: f32 = 1.3;
const MOST_SURE: f32 = 0.97;
/// Seconds: who learns for a shorter time is told so.
const SHORT: u64 = 600;
/// So many times beyond what may be it becomes surer and surer.
const FAR: f64 = 4.0;
