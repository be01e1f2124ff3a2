//! `ProtocolEvent`, the narrow waist: below it packets and protocols, above it windows, features
//! and detectors that match on no protocol's struct.
//!
//! An event borrows everything from the packet at hand; fields are names with values. Whoever
//! wants to keep something copies it. Text that costs something to make (a compressed DNS name, a
//! list of answers) is a [`Render`] or [`Rows`], made only when somebody reads it; the decoder has
//! checked it before.

use std::fmt;

use arrayvec::ArrayVec;
use fieldward_shared::time::Timestamp;

use crate::flow::{Direction, Endpoint, FlowInfo};
use crate::frame::{Arp, Frame};

/// One message of one protocol (or one fact about a flow), seen in packet time.
#[derive(Debug)]
pub struct ProtocolEvent<'a> {
    /// Time of the packet that completed the message.
    pub ts: Timestamp,
    /// Name of the protocol, as in `decode --protocol`.
    pub proto: &'static str,
    /// The flow that carried it.
    pub flow: &'a FlowInfo,
    /// Which side of the flow sent it.
    pub direction: Direction,
    /// What it says, in the order in which it is printed.
    pub fields: &'a [Field<'a>],
    /// What was wrong with it, if anything.
    pub malformed: Option<&'static str>,
}

impl<'a> ProtocolEvent<'a> {
    /// Who sent it.
    pub const fn src(&self) -> Endpoint {
        match self.direction {
            Direction::ToServer => self.flow.client,
            Direction::ToClient => self.flow.server,
        }
    }

    /// Who it was sent to.
    pub const fn dst(&self) -> Endpoint {
        match self.direction {
            Direction::ToServer => self.flow.server,
            Direction::ToClient => self.flow.client,
        }
    }

    /// The value of the field `name`.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }
}

/// A name and its value.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The name, as printed; plain ASCII that needs no escaping.
    pub name: &'static str,
    /// The value.
    pub value: Value<'a>,
}

/// What a field can hold.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// Coils, discrete inputs and other packed bits, lowest bit of the first byte first: `[0,1,…]`.
    Bits {
        /// The packed bits.
        bytes: &'a [u8],
        /// How many of them count.
        count: u16,
    },
    /// Yes or no.
    Bool(bool),
    /// Bytes as a list of numbers.
    Bytes(&'a [u8]),
    /// Bytes that are no text, shown in hexadecimal.
    Hex(&'a [u8]),
    /// A whole number.
    Number(u64),
    /// 16-bit big-endian registers: `[17,65535,…]`.
    Registers(&'a [u8]),
    /// Text made on demand.
    Render(&'a dyn Render),
    /// A list of records.
    Rows(&'a dyn Rows),
    /// A span of time in microseconds, shown in seconds.
    Span(u64),
    /// A word of ours.
    Str(&'static str),
    /// Text from the wire: may be anything, shown with invalid UTF-8 replaced.
    Text(&'a [u8]),
}

impl Value<'_> {
    /// The number, if it is one.
    pub const fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        crate::json::value(&mut out, self);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

/// Text that is made when it is read.
pub trait Render {
    /// Appends the text to `out`, unescaped.
    fn render(&self, out: &mut Vec<u8>);
}

/// A list of records that is walked when it is read.
pub trait Rows {
    /// Calls `row` once per record.
    fn each(&self, row: &mut dyn FnMut(&[Field<'_>]));
}

/// The most fields an event carries.
const MOST_FIELDS: usize = 32;

/// The fields of an event while a decoder puts them together.
#[derive(Debug, Default)]
pub struct Fields<'a>(ArrayVec<Field<'a>, MOST_FIELDS>);

impl<'a> Fields<'a> {
    /// No field yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field. An event with more than 32 would lose the last ones, which is a mistake in a
    /// decoder and not something that bytes can bring about.
    pub fn push(&mut self, name: &'static str, value: Value<'a>) {
        let full = self.0.try_push(Field { name, value }).is_err();
        debug_assert!(!full, "more than {MOST_FIELDS} fields");
    }

    /// Adds a number.
    pub fn number(&mut self, name: &'static str, number: impl Into<u64>) {
        self.push(name, Value::Number(number.into()));
    }

    /// Adds a word of ours.
    pub fn str(&mut self, name: &'static str, word: &'static str) {
        self.push(name, Value::Str(word));
    }

    /// Adds text from the wire.
    pub fn text(&mut self, name: &'static str, text: &'a [u8]) {
        self.push(name, Value::Text(text));
    }

    /// Adds yes or no.
    pub fn bool(&mut self, name: &'static str, yes: bool) {
        self.push(name, Value::Bool(yes));
    }

    /// The fields so far.
    pub fn as_slice(&self) -> &[Field<'a>] {
        &self.0
    }
}

/// Takes events as they come, and what lies below them where it wants that.
pub trait Sink {
    /// One event; it borrows from the packet at hand.
    fn event(&mut self, event: &ProtocolEvent<'_>);

    /// One frame, before the events that it completes.
    fn frame(&mut self, _ts: Timestamp, _frame: &Frame<'_>) {}

    /// Someone says which network card has which address.
    fn arp(&mut self, _ts: Timestamp, _arp: &Arp) {}
}
