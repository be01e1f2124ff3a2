//! DNS: who asks for names at all, under which domains, and how long names are there. Below a domain
//! names come and go and are not kept.

use super::{Clean, Told, key, word};
use crate::detect::baseline::{Aspect, Fact};
use crate::protocol::{ProtocolEvent, Value};

pub static NAME: Aspect = Aspect {
    name: "dns domain",
    protocol: "dns",
    confidence: 0.45,
    consequence: 0.3,
    sentence: "asks for names under",
    others: 0.6,
    kin: 0.8,
    ..Aspect::USUAL
};

pub static LENGTH: Aspect = Aspect {
    name: "dns name length",
    protocol: "dns",
    confidence: 0.7,
    consequence: 0.5,
    sentence: "asks for names as long as",
    unknown: super::super::Unknown::Most,
    margin: 0.5,
    slack: 16.0,
    ..Aspect::USUAL
};

/// The name stands in `scratch` afterwards; false when nobody asks.
pub fn event(event: &ProtocolEvent<'_>, scratch: &mut Vec<u8>, told: &mut Told<'_>) -> bool {
    if word(event, "kind") != "query" {
        return false;
    }
    scratch.clear();
    match event.get("qname") {
        Some(Value::Text(name)) => scratch.extend_from_slice(name),
        Some(Value::Render(name)) => name.render(scratch),
        _ => return false,
    }
    scratch.make_ascii_lowercase();
    let from = event.src().addr;
    let domain = domain(scratch);
    // Devices that look for each other ask everyone, and for what they could use rather than for what is.
    let calls = super::is_everyone(event.dst().addr);
    let mut tell = |aspect: &'static Aspect, what: &dyn std::fmt::Display, number: u64, value| {
        told(&Fact {
            aspect,
            actor: from,
            target: Some(event.dst().addr),
            key: key(aspect, from.bytes(), &[number]),
            sort: "",
            what,
            value,
        });
    };
    if !calls {
        tell(&NAME, &Clean(domain), super::hash(domain), None);
        tell(&LENGTH, &"", 0, Some(scratch.len() as f64));
    }
    true
}

/// The last three labels: under them names come and go.
fn domain(name: &[u8]) -> &[u8] {
    let mut dots = name.iter().enumerate().rev().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
    match dots.nth(2) {
        Some(at) => &name[at + 1..],
        None => name,
    }
}
