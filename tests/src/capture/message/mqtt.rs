//! MQTT control packets: 3.1, 3.1.1 and 5.

use super::wire;

/// The versions by their protocol level.
pub const V31: u8 = 3;
/// MQTT 3.1.1.
pub const V311: u8 = 4;
/// MQTT 5.
pub const V5: u8 = 5;

/// A packet: its first byte, the length of the rest, the rest.
pub fn packet(first: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    wire![first, length(body.as_ref().len()), body.as_ref()]
}

/// A number in seven-bit pieces, the lowest first (MQTT 5 §1.5.5).
pub fn length(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4);
    loop {
        let piece = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(piece);
            return bytes;
        }
        bytes.push(piece | 0x80);
    }
}

/// Bytes with their length in front.
pub fn string(text: impl AsRef<[u8]>) -> Vec<u8> {
    wire![text.as_ref().len() as u16, text.as_ref()]
}

/// Properties with their length in front in version 5, nothing before it.
pub fn properties(version: u8, properties: &[u8]) -> Vec<u8> {
    if version == V5 { wire![length(properties.len()), properties] } else { Vec::new() }
}

/// CONNECT with these flags; `rest` is will, user and password as the flags say.
pub fn connect(version: u8, flags: u8, client: &str, rest: &[u8]) -> Vec<u8> {
    let name = if version == V31 { "MQIsdp" } else { "MQTT" };
    let head = wire![string(name), version, flags, 60_u16, properties(version, &[])];
    packet(0x10, wire![head, string(client), rest])
}

/// CONNACK with a return or reason code.
pub fn connack(version: u8, code: u8) -> Vec<u8> {
    packet(0x20, wire![0_u8, code, properties(version, &[])])
}

/// PUBLISH with these flags (DUP 8, QoS 2 and 4, RETAIN 1); `id` counts only above QoS 0.
pub fn publish(version: u8, flags: u8, topic: &str, id: u16, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let id = if flags & 6 == 0 { Vec::new() } else { wire![id] };
    packet(0x30 | flags, wire![string(topic), id, properties(version, &[]), payload.as_ref()])
}

/// PUBACK, PUBREC, PUBREL, PUBCOMP (`kind` 4 to 7) and UNSUBACK before version 5 (11): only an id.
pub fn acknowledge(kind: u8, id: u16) -> Vec<u8> {
    packet(kind << 4 | if kind == 6 { 2 } else { 0 }, wire![id])
}

/// SUBSCRIBE to topics, each with its QoS.
pub fn subscribe(version: u8, id: u16, topics: &[(&str, u8)]) -> Vec<u8> {
    let mut body = wire![id, properties(version, &[])];
    for (topic, qos) in topics {
        body.extend(wire![string(topic), *qos]);
    }
    packet(0x82, body)
}

/// SUBACK, and UNSUBACK of version 5: a code per topic.
pub fn suback(version: u8, kind: u8, id: u16, codes: &[u8]) -> Vec<u8> {
    packet(kind << 4, wire![id, properties(version, &[]), codes])
}

/// UNSUBSCRIBE from topics.
pub fn unsubscribe(version: u8, id: u16, topics: &[&str]) -> Vec<u8> {
    let mut body = wire![id, properties(version, &[])];
    for topic in topics {
        body.extend(string(topic));
    }
    packet(0xa2, body)
}

/// The client is alive.
pub const PINGREQ: [u8; 2] = [0xc0, 0];
/// So is the broker.
pub const PINGRESP: [u8; 2] = [0xd0, 0];
/// The end, without a reason.
pub const DISCONNECT: [u8; 2] = [0xe0, 0];
