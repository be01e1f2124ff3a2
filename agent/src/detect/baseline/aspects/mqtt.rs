//! MQTT: who connects from where and is refused, what he publishes and erases, what he wants to hear.
//! A name or a topic belongs to whoever was seen with it: another who uses it is the worse.

use super::{Clean, Told, key, number, text, without_serials, word};
use crate::detect::baseline::{Aspect, Fact};
use crate::flow::Direction;
use crate::protocol::{ProtocolEvent, Value};

const MQTT: Aspect = Aspect { protocol: "mqtt", others: 1.1, there: 1.0, elsewhere: 1.0, ..Aspect::USUAL };

pub static CLIENT: Aspect = Aspect {
    name: "mqtt client",
    confidence: 0.65,
    consequence: 0.5,
    sentence: "connects as",
    others: 1.3,
    kin: 0.7,
    ..MQTT
};

pub static REFUSED: Aspect = Aspect {
    name: "mqtt refusal",
    confidence: 0.6,
    consequence: 0.4,
    sentence: "is refused by the broker with reason",
    others: 0.9,
    ..MQTT
};

pub static PUBLISH: Aspect = Aspect {
    name: "mqtt publish",
    confidence: 0.7,
    consequence: 0.7,
    sentence: "publishes on",
    others: 1.2,
    kin: 0.7,
    ..MQTT
};

pub static ERASE: Aspect = Aspect {
    name: "mqtt erase",
    confidence: 0.8,
    consequence: 0.8,
    sentence: "erases what the broker keeps on",
    ..MQTT
};

pub static SUBSCRIBE: Aspect = Aspect {
    name: "mqtt subscribe",
    confidence: 0.6,
    consequence: 0.4,
    sentence: "subscribes to",
    others: 0.9,
    ..MQTT
};

pub static EVERYTHING: Aspect = Aspect {
    name: "mqtt wildcard",
    confidence: 0.75,
    consequence: 0.6,
    sentence: "wants to hear everything:",
    others: 0.8,
    ..MQTT
};

pub fn event(event: &ProtocolEvent<'_>, scratch: &mut Vec<u8>, told: &mut Told<'_>) {
    let (from, to) = (event.src().addr, event.dst().addr);
    let mut tell = |aspect: &'static Aspect, sort, text: &[u8]| {
        told(&Fact {
            aspect,
            actor: from,
            target: Some(to),
            key: key(aspect, from.bytes(), &[super::hash(text)]),
            sort,
            what: &Clean(text),
            value: None,
        });
    };
    match (word(event, "type"), event.direction) {
        ("connect", _) => {
            without_serials(text(event, "client_id"), scratch);
            tell(&CLIENT, "", scratch);
        }
        ("connack", _) => {
            let reason = number(event, "reason").unwrap_or_default();
            if reason != 0 {
                told(&Fact {
                    aspect: &REFUSED,
                    actor: to,
                    target: Some(from),
                    key: key(&REFUSED, to.bytes(), &[reason]),
                    sort: "",
                    what: &reason,
                    value: None,
                });
            }
        }
        ("publish", Direction::ToServer) => {
            let topic = text(event, "topic");
            without_serials(topic, scratch);
            tell(&PUBLISH, "", scratch);
            let retained = matches!(event.get("retain"), Some(Value::Bool(true)));
            if retained && number(event, "payload_len") == Some(0) {
                tell(&ERASE, "", scratch);
            }
        }
        ("subscribe", _) => {
            if let Some(Value::Rows(rows)) = event.get("topics") {
                rows.each(&mut |fields| {
                    for field in fields {
                        if let ("topic", Value::Text(filter)) = (field.name, field.value) {
                            let wide = filter.iter().any(|byte| b"#+".contains(byte));
                            tell(&SUBSCRIBE, if wide { "wide" } else { "" }, filter);
                            if matches!(filter, b"#" | b"+/#") || filter.starts_with(b"$") {
                                tell(&EVERYTHING, "", filter);
                            }
                        }
                    }
                });
            }
        }
        _ => {}
    }
}
