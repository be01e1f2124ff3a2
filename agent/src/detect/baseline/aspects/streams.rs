//! TCP: bytes that were sent twice and differ. Nothing honest does that; who forges segments or relays
//! and changes them does. And messages that break the rules of their protocol, which some devices send
//! all day, and others only when somebody tries what they bear.

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

pub static MALFORMED: Aspect = Aspect {
    name: "malformed",
    confidence: 0.6,
    consequence: 0.5,
    sentence: "breaks the rules of",
    others: 0.7,
    ..Aspect::USUAL
};

pub fn malformed(event: &ProtocolEvent<'_>, told: &mut Told<'_>) {
    let Some(why) = event.malformed else { return };
    let (from, to) = (event.src().addr, event.dst().addr);
    let parts = [super::hash(to.bytes()), super::hash(event.proto.as_bytes()), super::hash(why.as_bytes())];
    told(&Fact {
        aspect: &MALFORMED,
        actor: from,
        target: Some(to),
        key: key(&MALFORMED, from.bytes(), &parts),
        sort: "",
        what: &format_args!("{}, {why} @ {to}", event.proto),
        value: None,
    });
}

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
