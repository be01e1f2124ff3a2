//! The classic pcap format: one header, then packets one after the other.
//!
//! Four magic numbers tell the byte order and the unit of the fraction of a second; a fifth the
//! variant of early Linux with eight more bytes before each packet. Field by field as in
//! draft-ietf-opsawg-pcap.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use fieldward_shared::time::Timestamp;

use super::LinkType;
use super::error::{Damage, Fault};
use super::file::{Entry, LARGEST_PACKET};
use super::input::Input;
use super::order::{Order, Record};

/// A file whose header was read.
pub(super) struct Classic {
    order: Order,
    /// The fraction of a second is in nanoseconds, not microseconds.
    nanos: bool,
    /// How many bytes stand before each packet.
    header: usize,
    lengths: Lengths,
    link: LinkType,
}

/// In which order the two lengths of a packet stand.
#[derive(Clone, Copy)]
enum Lengths {
    /// Captured, then on the wire: version 2.4, since 1998.
    CapturedFirst,
    /// On the wire first: before 2.3.
    WireFirst,
    /// Writers of 2.3 did both; the captured length is the smaller.
    Either,
}

impl Classic {
    /// Reads the file header where `magic`, the first bytes, is one of this format.
    pub(super) fn open(magic: [u8; 4], input: &mut Input) -> Option<Result<Self, Fault>> {
        let order = if is_magic(Order::Little.u32(magic)) {
            Order::Little
        } else if is_magic(Order::Big.u32(magic)) {
            Order::Big
        } else {
            return None;
        };
        Some(Self::header(order, input))
    }

    fn header(order: Order, input: &mut Input) -> Result<Self, Fault> {
        let at = input.position();
        let whole = input.want(FILE_HEADER)?;
        let mut fields = Record { order, rest: input.ahead() };
        let cut = Fault::CutShort {
            unit: "file header",
            at,
            missing: FILE_HEADER.saturating_sub(fields.rest.len()) as u64,
        };
        if !whole {
            return Err(cut);
        }
        let read = |fields: &mut Record<'_>| {
            let (magic, major, minor) = (fields.u32()?, fields.u16()?, fields.u16()?);
            // Time zone, accuracy and snapshot length: the first two are always 0, and packets
            // longer than the third are in many files.
            fields.take(12)?;
            Some((magic, major, minor, fields.u32()?))
        };
        let (magic, major, minor, network) = read(&mut fields).ok_or(cut)?;
        // Above the link type stand the length of the frame check sequence and flags.
        let number = network & 0xffff;
        let link = LinkType::from_number(number).ok_or(Fault::UnknownLink(number))?;
        input.advance(FILE_HEADER);
        Ok(Self {
            order,
            nanos: magic == NANOS,
            header: if magic == MODIFIED { MODIFIED_HEADER } else { PACKET_HEADER },
            lengths: match (major, minor) {
                (2, 0..=2) | (543, _) => Lengths::WireFirst,
                (2, 3) => Lengths::Either,
                _ => Lengths::CapturedFirst,
            },
            link,
        })
    }

    /// The next packet; `None` at the end.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<Entry>, Fault> {
        let at = input.position();
        if !input.want(self.header)? {
            let here = input.ahead().len();
            return if here == 0 { Ok(None) } else { Err(cut_short(at, self.header, here)) };
        }
        let mut fields = Record { order: self.order, rest: input.ahead() };
        let (Some(seconds), Some(fraction), Some(first), Some(second)) =
            (fields.u32(), fields.u32(), fields.u32(), fields.u32())
        else {
            return Err(cut_short(at, self.header, input.ahead().len()));
        };
        let (captured, wire) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::Either => (first.min(second), first.max(second)),
        };
        if captured > LARGEST_PACKET {
            return Err(Fault::Damaged { at, damage: Damage::PacketTooLarge(captured) });
        }
        let length = captured as usize;
        let record = self.header.saturating_add(length);
        if !input.want(record)? {
            return Err(cut_short(at, record, input.ahead().len()));
        }
        let micros = if self.nanos { fraction / 1000 } else { fraction };
        Ok(Some(Entry {
            ts: Timestamp::from_micros(u64::from(seconds).saturating_mul(1_000_000)).plus(micros.into()),
            link: Ok(self.link),
            wire_len: wire.max(captured),
            data: input.advance(record).part(self.header, length),
        }))
    }
}

const fn is_magic(number: u32) -> bool {
    matches!(number, MICROS | NANOS | MODIFIED)
}

#[cold]
fn cut_short(at: u64, needed: usize, here: usize) -> Fault {
    Fault::CutShort { unit: "packet", at, missing: needed.saturating_sub(here) as u64 }
}

const MICROS: u32 = 0xa1b2_c3d4;
const NANOS: u32 = 0xa1b2_3c4d;
/// Alexey Kuznetzov's variant: interface, protocol and packet type follow the lengths.
const MODIFIED: u32 = 0xa1b2_cd34;

const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;
const MODIFIED_HEADER: usize = 24;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
