//! DNS messages (RFC 1035 §4), names in full unless a pointer is asked for.

use super::wire;

/// A name as labels, closed by the root.
pub fn name(name: &str) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.len() + 2);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// Refers to the name that begins `offset` bytes into the message.
pub fn pointer(offset: u16) -> Vec<u8> {
    wire![0xc000 | offset]
}

/// A question.
pub fn question(name: impl AsRef<[u8]>, kind: u16) -> Vec<u8> {
    wire![name.as_ref(), kind, IN]
}

/// A record.
pub fn record(name: impl AsRef<[u8]>, kind: u16, ttl: u32, data: impl AsRef<[u8]>) -> Vec<u8> {
    wire![name.as_ref(), kind, IN, ttl, data.as_ref().len() as u16, data.as_ref()]
}

/// The record by which a sender says what it can do (RFC 6891 §6.1.2).
pub fn edns(payload: u16, flags: u32) -> Vec<u8> {
    wire![0_u8, 41_u16, payload, flags, 0_u16]
}

/// A message: id, flags, the counts of its four sections, their bytes.
pub fn message(id: u16, flags: u16, counts: [u16; 4], sections: impl AsRef<[u8]>) -> Vec<u8> {
    let [questions, answers, authorities, additionals] = counts;
    wire![id, flags, questions, answers, authorities, additionals, sections.as_ref()]
}

/// A query with one question.
pub fn query(id: u16, host: &str, kind: u16) -> Vec<u8> {
    message(id, QUERY, [1, 0, 0, 0], question(name(host), kind))
}

/// A reply with that question and these answers' data.
pub fn reply(id: u16, host: &str, kind: u16, answers: &[&[u8]]) -> Vec<u8> {
    let mut sections = question(name(host), kind);
    for data in answers {
        sections.extend(record(pointer(12), kind, 300, data));
    }
    message(id, REPLY, [1, answers.len() as u16, 0, 0], sections)
}

/// As TCP carries it: the length in front.
pub fn framed(message: impl AsRef<[u8]>) -> Vec<u8> {
    wire![message.as_ref().len() as u16, message.as_ref()]
}

/// Flags of a query that wants recursion.
pub const QUERY: u16 = 0x0100;
/// Flags of a reply without error.
pub const REPLY: u16 = 0x8180;
/// The class of the Internet.
pub const IN: u16 = 1;
