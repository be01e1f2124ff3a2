//! Resource records (RFC 1035, section 4.1.3), and lists of them that are walked when read.

use super::message::{HEADER, Message, plain_class};
use super::name::{self, Name, Walked};
use super::words::{Numbered, class, kind};
use super::{Fault, data, text};
use crate::protocol::{Field, Render, Rows, Value};

/// A record whose outer form is whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub kind: u16,
    pub class: u16,
    pub ttl: u32,
    /// Where its data begin.
    pub data: usize,
    /// Where its data, and itself, end.
    pub end: usize,
    /// Its name follows a pointer that no honest sender writes.
    pub astray: bool,
}

impl Record {
    #[inline]
    pub(super) fn read(message: &[u8], at: usize) -> Result<Self, Fault> {
        let walked = owner(message, at)?;
        let data = walked.end.wrapping_add(10);
        let &[k0, k1, c0, c1, t0, t1, t2, t3, l0, l1] =
            message.get(walked.end..).and_then(<[u8]>::first_chunk).ok_or(CUT)?;
        let end = data.wrapping_add(usize::from(u16::from_be_bytes([l0, l1])));
        if end > message.len() {
            return Err("record data that run past the end");
        }
        Ok(Self {
            kind: u16::from_be_bytes([k0, k1]),
            class: u16::from_be_bytes([c0, c1]),
            ttl: u32::from_be_bytes([t0, t1, t2, t3]),
            data,
            end,
            astray: walked.astray,
        })
    }

    /// Whether its data fit its type.
    pub(super) fn check(&self, message: &[u8]) -> Result<(), Fault> {
        // Most records are addresses, and of those only the length can be wrong.
        match (self.kind, self.class, self.end.wrapping_sub(self.data)) {
            (kind::A, class::IN, 4) | (kind::AAAA, class::IN, 16) => Ok(()),
            _ if self.says_nothing() => Ok(()),
            _ => data::walk(message, self, &mut data::Nowhere),
        }
    }

    /// Conditions and deletions of a dynamic update name a record set without its data (RFC 2136,
    /// sections 2.4 and 2.5).
    const fn says_nothing(&self) -> bool {
        self.data == self.end && matches!(self.class, class::NONE | class::ANY)
    }
}

/// The name of a record. Most are a pointer to the first name of the message, which was walked before.
fn owner(message: &[u8], at: usize) -> Result<Walked, Fault> {
    let end = at.wrapping_add(2);
    let pointer = message.get(at..).and_then(<[u8]>::first_chunk::<2>);
    if at > HEADER && pointer.is_some_and(|pointer| u16::from_be_bytes(*pointer) == TO_FIRST) {
        return Ok(Walked { end, astray: false });
    }
    name::labels(message, at, |_| ())
}

/// The data of a record as text; in hexadecimal where they do not fit the type.
struct Data<'m> {
    message: &'m [u8],
    record: Record,
}

impl Render for Data<'_> {
    fn render(&self, out: &mut Vec<u8>) {
        let start = out.len();
        if self.record.says_nothing() {
            return;
        }
        if data::walk(self.message, &self.record, out).is_err() {
            out.truncate(start);
            text::hex(out, self.message.get(self.record.data..self.record.end).unwrap_or_default());
        }
    }
}

/// The answers of a message.
pub(super) struct Answers<'a> {
    pub message: &'a Message<'a>,
    pub mdns: bool,
}

impl Rows for Answers<'_> {
    fn each(&self, row: &mut dyn FnMut(&[Field<'_>])) {
        let bytes = self.message.bytes;
        let mut at = self.message.answers_at;
        for _ in 0..self.message.answers {
            let Ok(record) = Record::read(bytes, at) else { return };
            let owner = Name::owner(bytes, at);
            let (word, data) = (Numbered::kind(record.kind), Data { message: bytes, record });
            let class = Numbered::class(plain_class(record.class, self.mdns));
            let fields = [
                Field { name: "name", value: Value::Render(&owner) },
                Field { name: "type", value: word.value() },
                Field { name: "ttl", value: Value::Number(u64::from(record.ttl)) },
                Field { name: "data", value: Value::Render(&data) },
                Field { name: "class", value: class.value() },
            ];
            let usual = matches!(class.value(), Value::Str("IN"));
            row(fields.get(..if usual { 4 } else { 5 }).unwrap_or_default());
            at = record.end;
        }
    }
}

/// The questions of a message.
pub(super) struct Questions<'a> {
    pub message: &'a Message<'a>,
    pub mdns: bool,
}

impl Rows for Questions<'_> {
    fn each(&self, row: &mut dyn FnMut(&[Field<'_>])) {
        let bytes = self.message.bytes;
        let mut at = HEADER;
        for _ in 0..self.message.questions {
            let Ok(walked) = name::labels(bytes, at, |_| ()) else { return };
            let next = walked.end.wrapping_add(4);
            let Some(&[k0, k1, c0, c1]) = bytes.get(walked.end..next) else { return };
            let owner = Name::owner(bytes, at);
            let kind = Numbered::kind(u16::from_be_bytes([k0, k1]));
            let class = Numbered::class(plain_class(u16::from_be_bytes([c0, c1]), self.mdns));
            let fields = [
                Field { name: "qname", value: Value::Render(&owner) },
                Field { name: "qtype", value: kind.value() },
                Field { name: "qclass", value: class.value() },
            ];
            let usual = matches!(class.value(), Value::Str("IN"));
            row(fields.get(..if usual { 2 } else { 3 }).unwrap_or_default());
            at = next;
        }
    }
}

/// A pointer to the first byte behind the header.
const TO_FIRST: u16 = 0xc000 | HEADER as u16;
const CUT: Fault = "a record that runs past the end";
pub(super) const ASTRAY: Fault = "a name with a pointer that does not lead back";
