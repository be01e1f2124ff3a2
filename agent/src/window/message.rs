//! What a message says, in numbers: read once from the event, counted in several buckets.

#![expect(missing_docs, reason = "fields are counts, and their names say of what")]

use crate::flow::Direction;
use crate::protocol::{ProtocolEvent, Value};

/// A message.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// It was not as it must be.
    pub malformed: bool,
    /// What it says.
    pub said: Said,
}

/// By protocol.
#[derive(Clone, Copy, Debug)]
pub enum Said {
    Modbus(Modbus),
    Mqtt(Mqtt),
    Dns(Dns),
    Http(Http),
    /// A hole or a contradiction in a stream.
    Torn,
    /// Nothing that is counted.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
pub struct Modbus {
    pub asks: bool,
    pub server: u64,
    pub unit: u8,
    pub function: u8,
    pub address: u16,
    pub quantity: u16,
    pub length: u16,
    pub exception: bool,
    pub unmatched: bool,
    /// Microseconds.
    pub waited: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct Mqtt {
    pub kind: &'static str,
    pub refused: bool,
    pub retained: bool,
    pub payload: u64,
    pub topic: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct Dns {
    pub asks: bool,
    pub missing: bool,
    pub repeated: bool,
    pub odd_type: bool,
    pub length: u32,
    pub name: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct Http {
    pub asks: bool,
    pub status: u16,
    pub changing: bool,
    pub length: u32,
    pub odd_characters: u32,
    pub body: u64,
    pub target: u64,
}

impl Message {
    /// Reads an event; `scratch` holds text that is made for it.
    pub fn read(event: &ProtocolEvent<'_>, scratch: &mut Vec<u8>) -> Self {
        let said = match event.proto {
            "modbus" => Said::Modbus(modbus(event)),
            "mqtt" => Said::Mqtt(mqtt(event)),
            "dns" => Said::Dns(dns(event, scratch)),
            "http" => Said::Http(http(event)),
            "tcp" => Said::Torn,
            _ => Said::Nothing,
        };
        Self { malformed: event.malformed.is_some(), said }
    }
}

fn modbus(event: &ProtocolEvent<'_>) -> Modbus {
    let asks = event.direction == Direction::ToServer;
    let server = if asks { event.dst() } else { event.src() };
    Modbus {
        asks,
        server: quick(server.addr.bytes()),
        unit: number(event, "unit") as u8,
        function: number(event, "func") as u8,
        address: number(event, "addr") as u16,
        quantity: event.get("qty").and_then(Value::number).unwrap_or(1) as u16,
        length: number(event, "len") as u16,
        exception: event.get("exception").is_some(),
        unmatched: matches!(event.get("matched"), Some(Value::Bool(false))),
        waited: match event.get("rtt") {
            Some(Value::Span(waited)) => *waited,
            _ => 0,
        },
    }
}

fn mqtt(event: &ProtocolEvent<'_>) -> Mqtt {
    Mqtt {
        kind: word(event, "type"),
        refused: number(event, "reason") != 0,
        retained: is(event, "retain"),
        payload: number(event, "payload_len"),
        topic: quick(text(event, "topic")),
    }
}

fn dns(event: &ProtocolEvent<'_>, scratch: &mut Vec<u8>) -> Dns {
    scratch.clear();
    match event.get("qname") {
        Some(Value::Text(name)) => scratch.extend_from_slice(name),
        Some(Value::Render(name)) => name.render(scratch),
        _ => {}
    }
    Dns {
        asks: word(event, "kind") == "query",
        missing: number(event, "rcode") == 3,
        repeated: is(event, "retransmission"),
        odd_type: matches!(event.get("qtype"), Some(Value::Str("TXT" | "NULL") | Value::Number(10 | 16))),
        length: scratch.len() as u32,
        name: quick(scratch),
    }
}

fn http(event: &ProtocolEvent<'_>) -> Http {
    let (method, uri) = (text(event, "method"), text(event, "uri"));
    Http {
        asks: word(event, "kind") == "request",
        status: number(event, "status") as u16,
        changing: !matches!(method, b"GET" | b"HEAD" | b"OPTIONS" | b""),
        length: uri.len() as u32,
        odd_characters: uri.iter().filter(|byte| ODD.contains(byte)).count() as u32,
        body: number(event, "body_len"),
        target: quick(uri),
    }
}

fn number(event: &ProtocolEvent<'_>, name: &str) -> u64 {
    event.get(name).and_then(Value::number).unwrap_or_default()
}

fn is(event: &ProtocolEvent<'_>, name: &str) -> bool {
    matches!(event.get(name), Some(Value::Bool(true)))
}

fn word(event: &ProtocolEvent<'_>, name: &str) -> &'static str {
    match event.get(name) {
        Some(Value::Str(word)) => word,
        _ => "",
    }
}

fn text<'a>(event: &ProtocolEvent<'a>, name: &str) -> &'a [u8] {
    match event.get(name) {
        Some(Value::Text(text)) => text,
        _ => &[],
    }
}

/// A number for bytes that are met with every packet, eight of them at a time; the same in every run.
/// What has at most eight bytes and the same length has a number of its own.
pub fn quick(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut sum = mix(bytes.len() as u64);
    for word in words {
        sum = mix(sum ^ u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        sum = mix(sum ^ u64::from_le_bytes(last));
    }
    sum
}

const fn mix(value: u64) -> u64 {
    let value = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value ^ value >> 32
}

/// FNV-1a, which others know too: for what is written.
pub fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Characters that paths of device pages do without.
const ODD: &[u8] = b"'\"<>;|`$(){}\\%*!";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_bytes_have_different_numbers() {
        let texts =
            ["", "\0", "\0\0", "a", "b", "abcdefgh", "abcdefgi", "abcdefgh\0", "abcdefghi", "ibcdefgh"];
        let numbers: std::collections::BTreeSet<u64> =
            texts.iter().map(|text| quick(text.as_bytes())).collect();
        assert_eq!(numbers.len(), texts.len());
    }
}
