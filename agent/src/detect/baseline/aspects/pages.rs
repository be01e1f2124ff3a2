//! HTTP: who asks which server for what, with which program, who logs in, and who is turned away. Queries
//! and serial numbers are left out of paths.

use super::{Clean, Told, key, number, text, without_serials, word};
use crate::detect::baseline::{Aspect, Fact};
use crate::protocol::ProtocolEvent;

pub static PAGE: Aspect = Aspect {
    name: "http page",
    protocol: "http",
    confidence: 0.45,
    consequence: 0.3,
    sentence: "asks for",
    ..Aspect::USUAL
};

pub static CHANGE: Aspect = Aspect {
    name: "http change",
    protocol: "http",
    confidence: 0.8,
    consequence: 0.8,
    sentence: "sends",
    ..Aspect::USUAL
};

pub static PROGRAM: Aspect = Aspect {
    name: "http program",
    protocol: "http",
    confidence: 0.35,
    consequence: 0.2,
    sentence: "uses the program",
    others: 0.6,
    ..Aspect::USUAL
};

pub static LOGIN: Aspect = Aspect {
    name: "http login",
    protocol: "http",
    confidence: 0.6,
    consequence: 0.5,
    sentence: "sends a name and password by",
    ..Aspect::USUAL
};

pub static REFUSAL: Aspect = Aspect {
    name: "http refusal",
    protocol: "http",
    confidence: 0.5,
    consequence: 0.3,
    sentence: "was turned away:",
    ..Aspect::USUAL
};

pub fn event(event: &ProtocolEvent<'_>, scratch: &mut Vec<u8>, told: &mut Told<'_>) {
    let (from, to) = (event.src().addr, event.dst().addr);
    if word(event, "kind") == "response" {
        let status = number(event, "status").unwrap_or_default();
        if status >= 400 {
            told(&Fact {
                aspect: &REFUSAL,
                actor: to,
                target: Some(from),
                key: key(&REFUSAL, to.bytes(), &[super::hash(from.bytes()), status]),
                sort: match status {
                    401 | 403 => "login",
                    404 => "missing",
                    500.. => "broken",
                    _ => "",
                },
                what: &format_args!("status {status} @ {from}"),
                value: None,
            });
        }
        return;
    }
    if super::is_everyone(to) {
        // How devices find each other.
        return;
    }
    let (method, uri) = (text(event, "method"), text(event, "uri"));
    without_serials(uri.split(|byte| b"?;#".contains(byte)).next().unwrap_or_default(), scratch);
    let aspect = if READING.contains(&method) { &PAGE } else { &CHANGE };
    told(&Fact {
        aspect,
        actor: from,
        target: Some(to),
        key: key(aspect, from.bytes(), &[super::hash(to.bytes()), super::hash(method), super::hash(scratch)]),
        sort: if is_firmware(scratch) { "firmware" } else { "" },
        what: &format_args!("{} {} @ {to}", Clean(method), Clean(scratch)),
        value: None,
    });
    let auth = word(event, "auth");
    if !auth.is_empty() {
        told(&Fact {
            aspect: &LOGIN,
            actor: from,
            target: Some(to),
            key: key(&LOGIN, from.bytes(), &[super::hash(to.bytes()), super::hash(auth.as_bytes())]),
            sort: "",
            what: &format_args!("{auth} @ {to}"),
            value: None,
        });
    }
    let program = text(event, "user_agent");
    told(&Fact {
        aspect: &PROGRAM,
        actor: from,
        target: Some(to),
        key: key(&PROGRAM, from.bytes(), &[super::hash(program)]),
        sort: "",
        what: &Clean(program),
        value: None,
    });
}

/// Whether a page by its name changes what a device runs.
fn is_firmware(page: &[u8]) -> bool {
    FIRMWARE.iter().any(|word| memchr::memmem::find(page, word).is_some())
}

const FIRMWARE: &[&[u8]] = &[b"firmware", b"upgrade", b"update", b"flash"];

/// Methods that change nothing at the server, those of device discovery and of shared folders among them.
const READING: &[&[u8]] = &[
    b"",
    b"GET",
    b"HEAD",
    b"OPTIONS",
    b"M-SEARCH",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"PROPFIND",
    b"REPORT",
];
