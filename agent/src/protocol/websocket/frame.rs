//! The header of a frame (RFC 6455, section 5.2), and masking.

use crate::bytes::Reader;

/// What stands before a payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub opcode: Opcode,
    /// The last frame of its message.
    pub last: bool,
    /// A reserved bit stands: an extension has changed the payload.
    pub extended: bool,
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload.
    pub len: u64,
    pub header_len: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Binary,
    Continuation,
    /// Close, ping and pong, which may stand between the frames of a message.
    Control,
    Text,
}

/// What the first bytes of a frame give.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    Broken,
    Frame(Frame),
    /// So many bytes must be there.
    Short(usize),
}

impl Frame {
    /// Reads the first two to fourteen bytes.
    pub(super) fn read(bytes: &[u8]) -> Start {
        let mut reader = Reader::new(bytes);
        let (Some(first), Some(second)) = (reader.u8(), reader.u8()) else { return Start::Short(2) };
        let last = first & 0x80 != 0;
        let short = second & 0x7f;
        let opcode = match first & 15 {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            // Section 5.5: short and never in parts.
            8..=10 if last && short <= 125 => Opcode::Control,
            _ => return Start::Broken,
        };
        let masked = second & 0x80 != 0;
        let length: usize = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let header_len = length.saturating_add(if masked { 6 } else { 2 });
        if bytes.len() < header_len {
            return Start::Short(header_len);
        }
        let digits = reader.take(length).unwrap_or_default();
        let len = match length {
            0 => u64::from(short),
            _ => digits.iter().fold(0, |sum: u64, digit| sum << 8 | u64::from(*digit)),
        };
        // The least number of bytes must be used, and the highest bit be zero.
        let least = [0, 0, 126, 0, 0, 0, 0, 0, 0x1_0000].get(length).copied().unwrap_or_default();
        if len < least || len >> 63 != 0 {
            return Start::Broken;
        }
        let mask = masked.then(|| reader.u32().unwrap_or_default().to_be_bytes());
        Start::Frame(Self { opcode, last, extended: first & 0x70 != 0, mask, len, header_len })
    }
}

/// Lays bytes open in `plain` (section 5.3), and turns the key to the byte after them.
pub(super) fn unmask(bytes: &[u8], mask: &mut [u8; 4], plain: &mut Vec<u8>) {
    plain.clear();
    plain.extend_from_slice(bytes);
    for four in plain.chunks_mut(4) {
        for (byte, key) in four.iter_mut().zip(*mask) {
            *byte ^= key;
        }
    }
    mask.rotate_left(bytes.len() & 3);
}
