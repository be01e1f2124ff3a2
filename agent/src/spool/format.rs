//! How a segment is written: a header of 64 bytes, then records one after another, then zeros.
//! Little-endian throughout. Reading is a total function over any bytes: what is no record is damage,
//! and behind damage it goes on with the next record that proves to be one.
//!
//! ```text
//! header   magic 8 | version 2 | lane 1 | 0 | incarnation 16 | first sequence 8 | 0 … | crc32c 4
//! record   length 4 | crc32c 4 | sequence 8 | flags 2 | payload
//! ```
//!
//! A record's checksum begins with its lane and incarnation, so a record in the wrong file is none.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;

use fieldward_shared::alert::Severity;

use super::{LANES, place};

/// Which life of a spool a record belongs to: drawn anew when what the spool knew of itself is lost, so
/// that no two records ever have the same incarnation, lane and sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub [u8; 16]);

impl fmt::Display for Incarnation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// What a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whose records.
    pub incarnation: Incarnation,
    /// Of which lane.
    pub lane: Severity,
    /// No record has a lower sequence.
    pub first: u64,
}

/// Why bytes are no header of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHeader {
    /// Whole, but of this later version.
    Newer(u16),
    /// Damaged, or something else.
    Damaged,
}

impl Header {
    /// As it stands in a file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[lane_number(self.lane), 0]);
        bytes.extend_from_slice(&self.incarnation.0);
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.resize(HEADER_SUM, 0);
        let sum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The header at the beginning of a file.
    pub fn read(bytes: &[u8]) -> Result<Self, NoHeader> {
        let body = bytes.get(..HEADER_SUM).ok_or(NoHeader::Damaged)?;
        if !body.starts_with(MAGIC) || number(bytes, HEADER_SUM) != Some(crc32c::crc32c(body)) {
            return Err(NoHeader::Damaged);
        }
        let version = u16::from_le_bytes(array(body, 8).ok_or(NoHeader::Damaged)?);
        if version > VERSION {
            return Err(NoHeader::Newer(version));
        }
        let lane = body.get(10).and_then(|lane| LANES.get(usize::from(*lane)));
        let read = || Some((*lane?, array(body, 12)?, u64::from_le_bytes(array(body, 28)?)));
        let (lane, incarnation, first) = read().ok_or(NoHeader::Damaged)?;
        if !(1..=HIGHEST).contains(&first) {
            return Err(NoHeader::Damaged);
        }
        Ok(Self { incarnation: Incarnation(incarnation), lane, first })
    }

    /// What the checksum of each record begins with.
    pub fn key(&self) -> u32 {
        crc32c::crc32c_append(u32::from(lane_number(self.lane)), &self.incarnation.0)
    }

    /// The usual name of its file.
    pub fn name(&self) -> String {
        format!("{}-{:020}{SUFFIX}", self.lane.name(), self.first)
    }

    /// What the name of a file says of it, for when its header does not.
    pub fn of_name(name: &str, incarnation: Incarnation) -> Option<Self> {
        let (lane, first) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        let lane = *LANES.iter().find(|known| known.name() == lane)?;
        let first = first.split('.').next()?.parse().ok().filter(|first| (1..=HIGHEST).contains(first))?;
        Some(Self { incarnation, lane, first })
    }
}

fn lane_number(lane: Severity) -> u8 {
    u8::try_from(place(lane)).unwrap_or_default()
}

/// A record, lent from the bytes of its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framed<'a> {
    /// Its sequence.
    pub seq: u64,
    /// See [`LOSS`].
    pub flags: u16,
    /// Where it begins.
    pub at: usize,
    /// Where it ends.
    pub end: usize,
    /// What was put.
    pub payload: &'a [u8],
}

/// Writes a record behind others.
pub fn frame(out: &mut Vec<u8>, key: u32, seq: u64, flags: u16, payload: &[u8]) {
    // Never longer than LONGEST: whoever puts refuses that.
    let len = u32::try_from(payload.len()).unwrap_or_default().to_le_bytes();
    let (seq, flags) = (seq.to_le_bytes(), flags.to_le_bytes());
    let sum = [&len[..], &seq, &flags, payload]
        .iter()
        .fold(key, |sum, part| crc32c::crc32c_append(sum, part))
        .to_le_bytes();
    for part in [&len[..], &sum, &seq, &flags, payload] {
        out.extend_from_slice(part);
    }
}

/// What stands in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A record.
    Record(Framed<'a>),
    /// Bytes that are none, from here to there.
    Damage(usize, usize),
}

/// The pieces of a segment, in order.
pub struct Pieces<'a> {
    bytes: &'a [u8],
    key: u32,
    at: usize,
    /// The last sequence so far.
    last: u64,
    /// Where the zeros at the end begin.
    filled: usize,
    /// How many bytes may still be summed in search of a record; hostile bytes must end, too.
    effort: usize,
}

impl<'a> Pieces<'a> {
    /// The pieces from `at` on; every record has a higher sequence than `last`.
    pub fn new(bytes: &'a [u8], key: u32, at: usize, last: u64) -> Self {
        let filled = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
        Self { bytes, key, at, last, filled, effort: bytes.len().saturating_mul(8) }
    }

    /// How far it has come.
    pub fn at(&self) -> usize {
        self.at
    }

    fn record(&mut self, at: usize, searching: bool) -> Option<Framed<'a>> {
        let head = self.bytes.get(at..at.checked_add(RECORD)?)?;
        let len = usize::try_from(number(head, 0)?).ok().filter(|len| *len <= LONGEST)?;
        let seq = u64::from_le_bytes(array(head, 8)?);
        if seq.checked_sub(self.last).is_none_or(|step| step == 0 || step > FARTHEST) {
            return None;
        }
        let end = at.checked_add(RECORD)?.checked_add(len)?;
        let payload = self.bytes.get(at.checked_add(RECORD)?..end)?;
        if searching {
            self.effort = self.effort.checked_sub(len)?;
        }
        let sum = [head.get(..4)?, head.get(8..)?, payload]
            .iter()
            .fold(self.key, |sum, part| crc32c::crc32c_append(sum, part));
        let flags = u16::from_le_bytes(array(head, 16)?);
        (sum == number(head, 4)?).then_some(Framed { seq, flags, at, end, payload })
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.at >= self.filled {
            return None;
        }
        if let Some(record) = self.record(self.at, false) {
            (self.at, self.last) = (record.end, record.seq);
            return Some(Piece::Record(record));
        }
        let from = self.at;
        let found = (from.saturating_add(1)..self.filled).find(|at| self.record(*at, true).is_some());
        self.at = found.unwrap_or(self.filled);
        Some(Piece::Damage(from, self.at))
    }
}

/// Four bytes as a number.
pub(super) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// So many bytes from a place.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

/// Bytes of a segment's header.
pub const HEADER: usize = 64;
/// Bytes before a record's payload.
pub const RECORD: usize = 18;
/// The longest payload.
pub const LONGEST: usize = 64 * 1024;
/// In the flags of a record that says what was lost.
pub const LOSS: u16 = 1;
/// The end of a segment's name.
pub const SUFFIX: &str = ".seg";

/// No sequence gets so high; one that is has not been written by us.
pub const HIGHEST: u64 = 1 << 62;

const MAGIC: &[u8; 8] = b"FWSPOOL\n";
const VERSION: u16 = 1;
const HEADER_SUM: usize = 60;
/// No two records of a segment lie further apart than this, whatever was lost between them.
const FARTHEST: u64 = 1 << 20;
