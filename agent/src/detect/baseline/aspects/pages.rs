//! HTTP: who asks which server for what, with which program, and who is turned away.

use super::{Clean, Told, key};
use crate::detect::baseline::{Aspect, Fact};
use crate::protocol::{ProtocolEvent, Value};

pub static PAGE: Aspect = Aspect {
    name: "http page",
    protocol: "http",
    confidence: 0.5,
    consequence: 0.4,
    sentence: "asks for",
    margin: 0.0,
};

pub static PROGRAM: Aspect = Aspect {
    name: "http program",
    protocol: "http",
    confidence: 0.4,
    consequence: 0.2,
    sentence: "uses the program",
    margin: 0.0,
};

pub static REFUSAL: Aspect = Aspect {
    name: "http refusal",
    protocol: "http",
    confidence: 0.6,
    consequence: 0.3,
    sentence: "was turned away:",
    margin: 0.0,
};

pub fn event(event: &ProtocolEvent<'_>, told: &mut Told<'_>) {
    let text = |name| match event.get(name) {
        Some(Value::Text(text)) => *text,
        _ => &[],
    };
    let (from, to) = (event.src().addr, event.dst().addr);
    if matches!(event.get("kind"), Some(Value::Str("response"))) {
        let status = event.get("status").and_then(Value::number).unwrap_or_default();
        if status >= 400 {
            told(&Fact {
                aspect: &REFUSAL,
                actor: to,
                target: Some(from),
                key: key(&REFUSAL, to.bytes(), &[super::hash(from.bytes()), status]),
                what: &format_args!("status {status} from {from}"),
                value: None,
            });
        }
        return;
    }
    let (method, uri) = (text("method"), text("uri"));
    let path = uri.split(|byte| *byte == b'?').next().unwrap_or_default();
    told(&Fact {
        aspect: &PAGE,
        actor: from,
        target: Some(to),
        key: key(&PAGE, from.bytes(), &[super::hash(to.bytes()), super::hash(method), super::hash(path)]),
        what: &format_args!("{} {} of {to}", Clean(method), Clean(path)),
        value: None,
    });
    let program = text("user_agent");
    told(&Fact {
        aspect: &PROGRAM,
        actor: from,
        target: Some(to),
        key: key(&PROGRAM, from.bytes(), &[super::hash(program)]),
        what: &Clean(program),
        value: None,
    });
}
