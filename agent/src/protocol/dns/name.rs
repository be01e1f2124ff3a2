//! Domain names on the wire (RFC 1035, sections 3.1 and 4.1.4): labels, and pointers that stand for
//! the rest of a name written elsewhere in the message.
//!
//! One walk serves checking and printing. It ends for any bytes: a name has at most 255 bytes and
//! follows at most 127 pointers.

use super::Fault;
use crate::protocol::Render;

/// How a walked name lies in its message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walked {
    /// Offset behind the name where it was written, not where its pointers led.
    pub end: usize,
    /// A pointer led onwards in the message, or into its header. It may point only to "a prior
    /// occurrence" of a name, so no honest sender writes this.
    pub astray: bool,
}

/// Walks the name at `at` and shows every label.
pub(super) fn labels<'m>(
    message: &'m [u8],
    at: usize,
    mut label: impl FnMut(&'m [u8]),
) -> Result<Walked, Fault> {
    let mut at = at;
    let mut end = None;
    let mut length = 1_usize;
    let mut jumps = 0_u8;
    let mut astray = false;
    loop {
        let first = *message.get(at).ok_or(CUT)?;
        match first {
            0 => return Ok(Walked { end: end.unwrap_or(at.wrapping_add(1)), astray }),
            1..=63 => {
                let next = at.wrapping_add(1).wrapping_add(usize::from(first));
                let text = message.get(at.wrapping_add(1)..next).ok_or(CUT)?;
                length = length.wrapping_add(1).wrapping_add(text.len());
                if length > LONGEST {
                    return Err("a name longer than 255 bytes");
                }
                label(text);
                at = next;
            }
            64..=191 => return Err("a label of a reserved kind"),
            192.. => {
                let low = *message.get(at.wrapping_add(1)).ok_or(CUT)?;
                let target = usize::from(u16::from_be_bytes([first & 0x3f, low]));
                end = end.or(Some(at.wrapping_add(2)));
                jumps = jumps.wrapping_add(1);
                if jumps > MOST_JUMPS {
                    return Err("a name whose pointers go in a circle");
                }
                astray |= target >= at || target < super::message::HEADER;
                at = target;
            }
        }
    }
}

/// A name that was walked before, as text: labels with dots between them, case as on the wire,
/// control characters escaped as in C. A label is shown as it is even if it has a dot in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'m> {
    pub message: &'m [u8],
    pub at: usize,
    /// What stands for the root, which has no label.
    pub root: &'static [u8],
}

impl<'m> Name<'m> {
    /// The name that a question or a record is about.
    pub(super) const fn owner(message: &'m [u8], at: usize) -> Self {
        Self { message, at, root: b"<Root>" }
    }

    /// A name within the data of a record.
    pub(super) const fn inner(message: &'m [u8], at: usize) -> Self {
        Self { message, at, root: b"." }
    }
}

impl Render for Name<'_> {
    fn render(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let _ = labels(self.message, self.at, |label| {
            if out.len() > start {
                out.push(b'.');
            }
            printable(out, label);
        });
        if out.len() == start {
            out.extend_from_slice(self.root);
        }
    }
}

/// Text with its control characters escaped as in C, and U+FFFD for each sequence that has the form
/// of UTF-8, whole or broken off, but not its meaning. Tunnels fill names with such bytes.
pub(super) fn printable(out: &mut Vec<u8>, text: &[u8]) {
    // Bytes that the lead of an ill-formed sequence still claims.
    let mut claimed = 0_u32;
    for chunk in text.utf8_chunks() {
        if !chunk.valid().is_empty() {
            claimed = 0;
            escaped(out, chunk.valid());
        }
        match chunk.invalid() {
            [] => {}
            [0x80..=0xbf] if claimed > 0 => claimed = claimed.wrapping_sub(1),
            [lead, rest @ ..] => {
                out.extend_from_slice("\u{fffd}".as_bytes());
                let length = if *lead < 0xfe { lead.leading_ones() } else { 1 };
                claimed = length.saturating_sub(1).saturating_sub(rest.len() as u32);
            }
        }
    }
}

fn escaped(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            7 => out.extend_from_slice(b"\\a"),
            8 => out.extend_from_slice(b"\\b"),
            9 => out.extend_from_slice(b"\\t"),
            10 => out.extend_from_slice(b"\\n"),
            11 => out.extend_from_slice(b"\\v"),
            12 => out.extend_from_slice(b"\\f"),
            13 => out.extend_from_slice(b"\\r"),
            0..=31 | 127 => {
                let octal = |shift: u32| b'0' | byte.wrapping_shr(shift) & 7;
                out.extend_from_slice(&[b'\\', octal(6), octal(3), octal(0)]);
            }
            _ => out.push(byte),
        }
    }
}

pub(super) const CUT: Fault = "a name that runs past the end";
/// RFC 1035, section 2.3.4.
const LONGEST: usize = 255;
/// An honest name has a label before each pointer, and 127 labels fill it.
const MOST_JUMPS: u8 = 127;
