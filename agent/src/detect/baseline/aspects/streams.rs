//! TCP: bytes that were sent twice and differ. Nothing honest does that; who forges segments or relays
//! and changes them does.

use super::{Told, key, word};
use crate::detect::baseline::{Aspect, Fact};
use crate::protocol::ProtocolEvent;

pub static FORGED: Aspect = Aspect {
    name: "tcp overlap",
    protocol: "tcp",
    confidence: 0.85,
    consequence: 0.8,
    sentence: "seems to send bytes that contradict those sent before, to",
    others: 1.0,
    ..Aspect::USUAL
};

pub fn event(event: &ProtocolEvent<'_>, told: &mut Told<'_>) {
    if word(event, "kind") != "overlap" {
        return;
    }
    let (from, to) = (event.src().addr, event.dst().addr);
    told(&Fact {
        aspect: &FORGED,
        actor: from,
        target: Some(to),
        key: key(&FORGED, from.bytes(), &[super::hash(to.bytes())]),
        sort: "",
        what: &to,
        value: None,
    });
}
