//! MQTT: who connects from where, what he publishes, what he wants to hear.

use super::{Clean, Told, key};
use crate::detect::baseline::{Aspect, Fact};
use crate::protocol::{ProtocolEvent, Value};

pub static CLIENT: Aspect = Aspect {
    name: "mqtt client",
    protocol: "mqtt",
    confidence: 0.8,
    consequence: 0.4,
    sentence: "connects as",
    margin: 0.0,
};

pub static PUBLISH: Aspect = Aspect {
    name: "mqtt publish",
    protocol: "mqtt",
    confidence: 0.8,
    consequence: 0.6,
    sentence: "publishes on",
    margin: 0.0,
};

pub static SUBSCRIBE: Aspect = Aspect {
    name: "mqtt subscribe",
    protocol: "mqtt",
    confidence: 0.8,
    consequence: 0.4,
    sentence: "subscribes to",
    margin: 0.0,
};

pub fn event(event: &ProtocolEvent<'_>, told: &mut Told<'_>) {
    let Some(Value::Str(kind)) = event.get("type") else { return };
    let (from, to) = (event.src().addr, event.dst().addr);
    let text = |name| match event.get(name) {
        Some(Value::Text(text)) => *text,
        _ => &[],
    };
    let mut tell = |aspect: &'static Aspect, text: &[u8]| {
        told(&Fact {
            aspect,
            actor: from,
            target: Some(to),
            key: key(aspect, from.bytes(), &[super::hash(text)]),
            what: &Clean(text),
            value: None,
        });
    };
    match *kind {
        "connect" => tell(&CLIENT, text("client_id")),
        "publish" if event.direction == crate::flow::Direction::ToServer => tell(&PUBLISH, text("topic")),
        "subscribe" => {
            if let Some(Value::Rows(rows)) = event.get("topics") {
                rows.each(&mut |fields| {
                    for field in fields {
                        if let ("topic", Value::Text(filter)) = (field.name, field.value) {
                            tell(&SUBSCRIBE, filter);
                        }
                    }
                });
            }
        }
        _ => {}
    }
}
