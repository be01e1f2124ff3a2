//! Modbus RTU inside TCP, as serial gateways send it: no header, only unit, function and a CRC.
//!
//! A frame ends where its function and direction say; the CRC is the proof. No bytes are taken for a
//! frame out of step, and no flow is claimed, without one that fits. Messages are read as those of
//! Modbus/TCP are, and paired by unit and function.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[cfg(test)]
mod tests;

use super::modbus::exchange::{Extent, exchange, kind};
use super::modbus::list::List;
use super::modbus::pdu::{self, Length, MOST_LENGTH};
use super::modbus::pending::{Key, Pending};
use super::modbus::{EXCHANGES, NAME};
use super::{Context, Decoder, Fields, Probe, Progress, Protocol, Resume, Search, Sender, Then, Verdict};
use crate::flow::{Direction, Transport};

/// What the registry knows of Modbus RTU over TCP. It has no usual port: gateways use any.
pub const PROTOCOL: Protocol = Protocol {
    name: "modbus_rtu",
    events: &["modbus"],
    transports: &[Transport::Tcp],
    ports: &[],
    probe,
    decoder: || Box::new(Rtu::default()),
    most_held: 1024,
    sample,
};

/// One flow.
#[derive(Debug, Default)]
struct Rtu {
    pending: Pending,
    /// A frame was seen.
    seen: bool,
}

impl Decoder for Rtu {
    fn data(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Progress {
        let mut used = 0_usize;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            let then = match frame(from, rest) {
                Frame::Whole(total) => {
                    self.message(from, rest, total, None, Extent::Whole, ctx);
                    used = used.saturating_add(total);
                    continue;
                }
                Frame::Unseen(need) => Then::More(need),
                _ if !self.seen => Then::Leave,
                Frame::Broken(total) => {
                    self.message(from, rest, total, Some("checksum is wrong"), Extent::Cut, ctx);
                    Then::Search
                }
                Frame::No => Then::Search,
            };
            return Progress { used: used as u64, then };
        }
    }

    fn gap(&mut self, from: Direction, held: &[u8], missing: u64, ctx: &mut Context<'_>) -> Resume {
        if from == Direction::ToClient {
            self.pending.doubt();
        }
        let Some(([_, func], body)) = held.split_first_chunk::<2>() else { return Resume::Search };
        let Length::Exactly(length) = pdu::length(from, *func, body) else { return Resume::Search };
        let total = length.saturating_add(CRC);
        let left = total.saturating_sub(held.len()) as u64;
        if missing > left || length > MOST_LENGTH {
            return Resume::Search;
        }
        self.message(from, held, total, Some("cut by a capture loss"), Extent::Cut, ctx);
        Resume::After(left.saturating_sub(missing))
    }

    fn resync(&mut self, from: Direction, bytes: &[u8], _: &mut Context<'_>) -> Search {
        let mut unseen = None;
        for at in 0..bytes.len() {
            match proven(from, bytes.get(at..).unwrap_or_default()) {
                Frame::Whole(_) => return Search::At(at),
                Frame::Unseen(_) => unseen = unseen.or(Some(at)),
                Frame::Broken(_) | Frame::No => {}
            }
        }
        Search::Nothing { discard: unseen.unwrap_or(bytes.len()) }
    }

    fn end(&mut self, from: Direction, held: &[u8], ctx: &mut Context<'_>) {
        if self.seen && held.len() >= LEAST {
            self.message(from, held, usize::MAX, Some("ends before its length"), Extent::Cut, ctx);
        }
    }

    fn reset(&mut self) {
        self.pending.clear();
        self.seen = false;
    }
}

impl Rtu {
    /// A frame of `total` bytes with its CRC, or what there is of it.
    fn message(
        &mut self,
        from: Direction,
        bytes: &[u8],
        total: usize,
        reason: Option<&'static str>,
        extent: Extent,
        ctx: &mut Context<'_>,
    ) {
        let end = total.saturating_sub(CRC).min(bytes.len());
        let content = bytes.get(..end).unwrap_or_default();
        let Some((&[unit, func], body)) = content.split_first_chunk::<2>() else { return };
        self.seen = true;
        let list = List { from, func, body };
        let key = Key { tid: 0, unit, func: func & 0x7f };
        let mut fields = Fields::new();
        fields.str("kind", kind(from));
        fields.str("framing", "rtu");
        fields.number("unit", unit);
        let wrong = exchange(&mut self.pending, &mut fields, &list, key, ctx.ts, extent);
        ctx.emit(NAME, from, &fields, reason.or(wrong));
    }
}

/// What the bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// A frame of so many bytes, but the CRC does not fit.
    Broken(usize),
    /// No frame.
    No,
    /// Too few bytes to tell; so many tell more.
    Unseen(usize),
    /// A frame of so many bytes.
    Whole(usize),
}

/// The frame that the bytes begin with. Where the function does not tell the length, the frame ends
/// where the CRC first fits.
fn frame(from: Direction, bytes: &[u8]) -> Frame {
    let Some(([_, func], body)) = bytes.split_first_chunk::<2>() else { return Frame::Unseen(LEAST) };
    match pdu::length(from, *func, body) {
        Length::Exactly(length) if length > MOST_LENGTH => Frame::No,
        Length::Exactly(length) => {
            let total = length.saturating_add(CRC);
            match bytes.get(..total) {
                None => Frame::Unseen(total),
                Some(frame) if crc(frame) == 0 => Frame::Whole(total),
                Some(_) => Frame::Broken(total),
            }
        }
        Length::Unseen(need) => Frame::Unseen(need),
        Length::Any => first_fit(bytes),
    }
}

fn first_fit(bytes: &[u8]) -> Frame {
    let mut crc = START;
    for (at, byte) in bytes.iter().enumerate().take(MOST_LENGTH.saturating_add(CRC)) {
        crc = updated(crc, *byte);
        // A frame together with its CRC always leaves 0.
        if crc == 0 && at.saturating_add(1) >= LEAST {
            return Frame::Whole(at.saturating_add(1));
        }
    }
    if bytes.len() < MOST_LENGTH.saturating_add(CRC) {
        Frame::Unseen(bytes.len().saturating_add(1))
    } else {
        Frame::No
    }
}

/// As [`frame`], for bytes that may be anything: only units and functions of the standard, since a CRC
/// that fits somewhere in a long piece proves nothing.
fn proven(from: Direction, bytes: &[u8]) -> Frame {
    let (unit, func) = match bytes {
        [unit, func, ..] => (*unit, *func),
        [unit] => (*unit, 1),
        [] => return Frame::No,
    };
    let exception = func >= 0x80 && from == Direction::ToClient;
    if unit > MOST_UNIT || !pdu::is_public(if exception { func & 0x7f } else { func }) {
        return Frame::No;
    }
    match bytes.get(2..).map(|body| pdu::length(from, func, body)) {
        Some(Length::Any) => Frame::No,
        _ => frame(from, bytes),
    }
}

/// Claims bytes that are whole frames up to the last one, whatever the port.
fn probe(probe: &Probe<'_>) -> Verdict {
    frames_only(probe.bytes, if probe.start { 1 } else { 2 })
}

fn frames_only(bytes: &[u8], least: usize) -> Verdict {
    let judge = |from| {
        let (mut at, mut frames) = (0_usize, 0_usize);
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            // Two bytes of CRC are thin proof for a very short piece.
            if rest.is_empty() && frames >= least && bytes.len() >= MOST_THIN {
                return Some(true);
            }
            match proven(from, rest) {
                Frame::Whole(total) => at = at.saturating_add(total),
                Frame::Unseen(_) => return Some(false),
                _ if rest.is_empty() => return Some(false),
                Frame::Broken(_) | Frame::No => return None,
            }
            frames = frames.saturating_add(1);
        }
    };
    match (judge(Direction::ToServer), judge(Direction::ToClient)) {
        (Some(true), Some(true)) => Verdict::Yes(Sender::Unknown),
        (Some(true), _) => Verdict::Yes(Sender::Client),
        (_, Some(true)) => Verdict::Yes(Sender::Server),
        (None, None) => Verdict::No,
        _ => Verdict::More,
    }
}

/// CRC-16 of serial Modbus (Serial Line, 6.2.2), over a frame with its CRC: 0 when it fits.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(START, |crc, byte| updated(crc, *byte))
}

fn updated(crc: u16, byte: u8) -> u16 {
    let [low, _] = (crc ^ u16::from(byte)).to_le_bytes();
    (crc >> 8) ^ TABLE.get(usize::from(low)).copied().unwrap_or_default()
}

const START: u16 = 0xffff;

static TABLE: [u16; 256] = table();

#[expect(clippy::indexing_slicing, reason = "runs in the compiler, which would refuse a bad index")]
const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut at = 0_u16;
    while at < 256 {
        let mut crc = at;
        let mut bit = 0_u8;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xa001 } else { crc >> 1 };
            bit = bit.wrapping_add(1);
        }
        table[at as usize] = crc;
        at = at.wrapping_add(1);
    }
    table
}

fn sample() -> Vec<(Direction, Vec<u8>)> {
    let mut pieces = Vec::new();
    for (asked, answered) in EXCHANGES {
        pieces.push((Direction::ToServer, framed(1, asked)));
        pieces.push((Direction::ToClient, framed(1, answered)));
    }
    pieces.push((Direction::ToServer, framed(0, &[6, 0, 1, 0, 3])));
    pieces
}

/// A frame with its CRC.
fn framed(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut frame = vec![unit];
    frame.extend_from_slice(pdu);
    let crc = crc(&frame);
    frame.extend_from_slice(&crc.to_le_bytes());
    frame
}

/// Bytes of the CRC.
const CRC: usize = 2;

/// Bytes of the shortest frame.
const LEAST: usize = 4;

/// Frames that claim a flow are together at least so long.
const MOST_THIN: usize = 8;

/// Highest unit on a serial line (Serial Line, 2.2).
const MOST_UNIT: u8 = 247;
