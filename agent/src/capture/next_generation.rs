//! The pcapng format: sections of blocks, each interface with its own link type and clock.
//!
//! Sections, interfaces and packets are read; every other block is passed over in a stream,
//! however large it is. A block is used only when all of it is there and both its lengths agree.
//! Block by block as in draft-ietf-opsawg-pcapng.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod clock;

use fieldward_shared::time::Timestamp;

use self::clock::Clock;
use super::LinkType;
use super::error::{Damage, Fault};
use super::file::{Entry, LARGEST_PACKET};
use super::input::{Input, LARGEST};
use super::order::{Order, Record};

/// The first bytes of a file: the type of a section header, the same in both byte orders.
pub(super) const MAGIC: [u8; 4] = SECTION.to_le_bytes();

/// Reads blocks.
pub(super) struct NextGeneration {
    order: Order,
    /// Those of this section, by their number.
    interfaces: Vec<Interface>,
    /// When the last packet was captured: simple packets do not say.
    last: Timestamp,
}

struct Interface {
    /// The number of the link type where it is unknown.
    link: Result<LinkType, u32>,
    /// The most that is captured of a packet; 0 is all.
    snaplen: u32,
    clock: Clock,
}

/// Where a packet is in its block.
struct Found {
    ts: Timestamp,
    link: Result<LinkType, u32>,
    wire_len: u32,
    offset: usize,
    length: u32,
}

impl Default for NextGeneration {
    fn default() -> Self {
        Self { order: Order::Little, interfaces: Vec::new(), last: Timestamp::default() }
    }
}

impl NextGeneration {
    /// The next packet; `None` at the end.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<Entry>, Fault> {
        loop {
            let at = input.position();
            let Some((kind, length)) = self.block(at, input)? else {
                return Ok(None);
            };
            let damaged = |damage| Fault::Damaged { at, damage };
            if !matches!(kind, SECTION | INTERFACE | ENHANCED | SIMPLE | OBSOLETE) {
                self.pass(at, length, input)?;
                continue;
            }
            let size = length as usize;
            if size > LARGEST {
                return Err(damaged(Damage::BlockTooLarge(length)));
            }
            if !input.want(size)? {
                return Err(cut_short(at, size as u64, input.ahead().len()));
            }
            let body = self.body(size, input).map_err(damaged)?;
            let found = self.read(kind, length, body).map_err(damaged)?;
            let block = input.advance(size);
            if let Some(found) = found {
                self.last = found.ts;
                return Ok(Some(Entry {
                    ts: found.ts,
                    link: found.link,
                    wire_len: found.wire_len.max(found.length),
                    data: block.part(found.offset, found.length as usize),
                }));
            }
        }
    }

    /// The kind and length of the block ahead; `None` at the end. A new section tells the order.
    fn block(&mut self, at: u64, input: &mut Input) -> Result<Option<(u32, u32)>, Fault> {
        if !input.want(SMALLEST)? {
            let here = input.ahead().len();
            return if here == 0 { Ok(None) } else { Err(cut_short(at, SMALLEST as u64, here)) };
        }
        let mut fields = Record { order: self.order, rest: input.ahead() };
        let (Some(kind), Some(length), Some(mark)) = (fields.u32(), fields.array(), fields.array()) else {
            return Err(cut_short(at, SMALLEST as u64, input.ahead().len()));
        };
        if kind == SECTION {
            self.order = match (Order::Little.u32(mark), Order::Big.u32(mark)) {
                (BYTE_ORDER, _) => Order::Little,
                (_, BYTE_ORDER) => Order::Big,
                (_, other) => return Err(Fault::Damaged { at, damage: Damage::ByteOrder(other) }),
            };
        }
        let length = self.order.u32(length);
        if length < SMALLEST as u32 || !length.is_multiple_of(4) {
            return Err(Fault::Damaged { at, damage: Damage::BlockLength(length) });
        }
        Ok(Some((kind, length)))
    }

    /// What is in the block of `size` bytes ahead, between its two lengths.
    fn body<'a>(&self, size: usize, input: &'a Input) -> Result<&'a [u8], Damage> {
        let block = input.ahead().get(..size).unwrap_or_default();
        let (rest, end) = block.split_last_chunk().unwrap_or((&[], &[0; 4]));
        let end = self.order.u32(*end);
        if end as usize != size {
            return Err(Damage::BlockEnds(size as u32, end));
        }
        Ok(rest.get(BLOCK_HEADER..).unwrap_or_default())
    }

    /// Moves past a block of no interest without holding it.
    fn pass(&self, at: u64, length: u32, input: &mut Input) -> Result<(), Fault> {
        let end_length = size_of::<u32>();
        let missing = input.skip(u64::from(length).saturating_sub(end_length as u64))?;
        if missing > 0 || !input.want(end_length)? {
            let missing = missing.saturating_add(end_length as u64);
            return Err(cut_short(at, missing, input.ahead().len()));
        }
        let end = input.ahead().first_chunk().map_or(0, |bytes| self.order.u32(*bytes));
        if end != length {
            return Err(Fault::Damaged { at, damage: Damage::BlockEnds(length, end) });
        }
        input.advance(end_length);
        Ok(())
    }

    fn read(&mut self, kind: u32, length: u32, body: &[u8]) -> Result<Option<Found>, Damage> {
        let short = Damage::BlockTooShort(length);
        let mut fields = Record { order: self.order, rest: body };
        match kind {
            SECTION => self.section(&mut fields).ok_or(short)?.map(|()| None),
            INTERFACE => self.interface(&mut fields).ok_or(short)?.map(|()| None),
            SIMPLE => self.simple(&mut fields).ok_or(short)?.map(Some),
            _ => self.packet(kind, length, &mut fields).ok_or(short)?.map(Some),
        }
    }

    fn section(&mut self, fields: &mut Record<'_>) -> Option<Result<(), Damage>> {
        let _byte_order = fields.u32()?;
        let major = fields.u16()?;
        // The minor version and the length of the section are of no use here; both must be there.
        fields.take(10)?;
        if major != 1 {
            return Some(Err(Damage::Version(major)));
        }
        self.interfaces.clear();
        Some(Ok(()))
    }

    fn interface(&mut self, fields: &mut Record<'_>) -> Option<Result<(), Damage>> {
        let number = u32::from(fields.u16()?);
        let _reserved = fields.u16()?;
        let snaplen = fields.u32()?;
        if self.interfaces.len() >= MOST_INTERFACES {
            return Some(Err(Damage::TooManyInterfaces(MOST_INTERFACES)));
        }
        self.interfaces.push(Interface {
            link: LinkType::from_number(number).ok_or(number),
            snaplen,
            clock: Clock::from_options(fields),
        });
        Some(Ok(()))
    }

    /// A packet block, the enhanced or the obsolete one.
    fn packet(&self, kind: u32, length: u32, fields: &mut Record<'_>) -> Option<Result<Found, Damage>> {
        let interface = if kind == OBSOLETE {
            let interface = fields.u16()?;
            let _drops = fields.u16()?;
            interface.into()
        } else {
            fields.u32()?
        };
        let (high, low) = (fields.u32()?, fields.u32()?);
        let (captured, wire_len) = (fields.u32()?, fields.u32()?);
        let Some(interface) = self.interfaces.get(interface as usize) else {
            return Some(Err(Damage::NoInterface(interface, self.interfaces.len())));
        };
        if captured > LARGEST_PACKET {
            return Some(Err(Damage::PacketTooLarge(captured)));
        }
        if captured as usize > fields.rest.len() {
            return Some(Err(Damage::PacketBeyondBlock(captured, length)));
        }
        Some(Ok(Found {
            ts: interface.clock.time(u64::from(high) << 32 | u64::from(low)),
            link: interface.link,
            wire_len,
            offset: BLOCK_HEADER.saturating_add(PACKET_FIELDS),
            length: captured,
        }))
    }

    /// A simple packet is of the first interface and has neither time nor captured length: that is
    /// the length on the wire, the snapshot length or what the block has room for.
    fn simple(&self, fields: &mut Record<'_>) -> Option<Result<Found, Damage>> {
        let wire_len = fields.u32()?;
        let Some(interface) = self.interfaces.first() else {
            return Some(Err(Damage::NoInterface(0, 0)));
        };
        let most = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let room = u32::try_from(fields.rest.len()).unwrap_or(u32::MAX);
        let length = wire_len.min(most).min(room);
        if length > LARGEST_PACKET {
            return Some(Err(Damage::PacketTooLarge(length)));
        }
        Some(Ok(Found {
            ts: self.last,
            link: interface.link,
            wire_len,
            offset: BLOCK_HEADER.saturating_add(SIMPLE_FIELDS),
            length,
        }))
    }
}

#[cold]
fn cut_short(at: u64, needed: u64, here: usize) -> Fault {
    Fault::CutShort { unit: "block", at, missing: needed.saturating_sub(here as u64) }
}

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE: u32 = 2;
const SIMPLE: u32 = 3;
const ENHANCED: u32 = 6;

const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Type and length before, length after: a block without a body.
const SMALLEST: usize = 12;
const BLOCK_HEADER: usize = 8;
const PACKET_FIELDS: usize = 20;
const SIMPLE_FIELDS: usize = 4;

/// As many as the obsolete packet block can name.
const MOST_INTERFACES: usize = 65_536;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
