//! Bytes that came before their turn: kept in order until the hole in front of them is filled or
//! given up.
//!
//! Pieces never overlap: the first bytes seen for a place win, later ones are compared with them.
//! What a hole may cost is bounded in bytes, in pieces and in packet time; once the receiver has
//! acknowledged bytes that were never captured, waiting longer is pointless.

use fieldward_shared::time::Timestamp;

use super::digest;

/// What was seen twice with different bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clash {
    /// How many bytes were compared.
    pub len: usize,
    /// Digest of the bytes that count.
    pub first: u64,
    /// Digest of the bytes that came later.
    pub second: u64,
}

/// Bytes kept for later.
#[derive(Debug, Default)]
pub struct Piece {
    seq: u32,
    data: Vec<u8>,
    /// Bytes behind `data` that the capture cut off.
    cut: u32,
}

impl Piece {
    fn covered(&self) -> u32 {
        (self.data.len() as u32).saturating_add(self.cut)
    }

    /// What of the piece lies at `next` or behind it: bytes, then bytes cut off.
    pub fn from(&self, next: u32) -> (&[u8], u32) {
        let past = next.wrapping_sub(self.seq);
        match self.data.get(past as usize..) {
            Some(rest) => (rest, self.cut),
            None => (&[], self.covered().saturating_sub(past)),
        }
    }
}

/// Buffers of pieces, shared by all flows and used again; bounded in total.
#[derive(Debug)]
pub struct Buffers {
    spare: Vec<Vec<u8>>,
    bytes: usize,
    most_bytes: usize,
}

impl Buffers {
    /// At most `most_bytes` may be out at once.
    pub const fn new(most_bytes: usize) -> Self {
        Self { spare: Vec::new(), bytes: 0, most_bytes }
    }

    /// Takes back the buffer of a piece.
    pub fn give_back(&mut self, piece: Piece) {
        let mut buffer = piece.data;
        self.bytes = self.bytes.saturating_sub(buffer.len());
        if self.spare.len() < MOST_SPARE {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let out = self.bytes.saturating_add(bytes.len());
        if out > self.most_bytes {
            return None;
        }
        self.bytes = out;
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.extend_from_slice(bytes);
        Some(buffer)
    }
}

/// The early bytes of one direction of one flow.
#[derive(Debug, Default)]
pub struct Reorder {
    pieces: Vec<Piece>,
    bytes: usize,
    since: Timestamp,
    acked: Option<u32>,
}

impl Reorder {
    /// Nothing is waiting.
    pub const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Keeps `data`, which begins at `seq`, not before `next`. `None`: no room left.
    pub fn insert(
        &mut self,
        next: u32,
        seq: u32,
        data: &[u8],
        cut: u32,
        now: Timestamp,
        buffers: &mut Buffers,
    ) -> Option<Option<Clash>> {
        if self.pieces.is_empty() {
            self.since = now;
            self.acked = None;
        }
        let (mut data, mut start) = (data, seq.wrapping_sub(next));
        let mut clash = None;
        let mut at = 0_usize;
        while let Some(piece) = self.pieces.get(at) {
            let piece_start = piece.seq.wrapping_sub(next);
            let piece_end = piece_start.saturating_add(piece.covered());
            let end = start.saturating_add(data.len() as u32);
            if end <= piece_start {
                break;
            }
            if start < piece_start {
                let before = piece_start.wrapping_sub(start) as usize;
                let (head, tail) = data.split_at_checked(before)?;
                self.keep(at, next.wrapping_add(start), head, 0, buffers)?;
                (data, start) = (tail, piece_start);
            } else if start >= piece_end {
                at = at.saturating_add(1);
            } else {
                let inside = piece_end.min(end).wrapping_sub(start) as usize;
                let (again, tail) = data.split_at_checked(inside)?;
                let (known, _) = piece.from(next.wrapping_add(start));
                let len = again.len().min(known.len());
                let (first, second) = (known.get(..len)?, again.get(..len)?);
                if first != second {
                    clash = Some(Clash { len, first: digest(first), second: digest(second) });
                }
                (data, start) = (tail, start.saturating_add(inside as u32));
                at = at.saturating_add(1);
            }
            if data.is_empty() {
                return Some(clash);
            }
        }
        self.keep(at, next.wrapping_add(start), data, cut, buffers)?;
        Some(clash)
    }

    /// Takes out the first piece if its turn has come.
    pub fn ready(&mut self, next: u32) -> Option<Piece> {
        let first = self.pieces.first()?;
        if (first.seq.wrapping_sub(next) as i32) > 0 {
            return None;
        }
        let piece = self.pieces.remove(0);
        self.bytes = self.bytes.saturating_sub(piece.data.len());
        Some(piece)
    }

    /// The receiver has everything before `ack`.
    pub const fn acknowledged(&mut self, ack: u32) {
        if !self.pieces.is_empty() {
            self.acked = Some(ack);
        }
    }

    /// How many bytes are missing in front of the first piece, once waiting for them has become
    /// pointless.
    pub fn given_up(&self, next: u32, now: Timestamp) -> Option<u32> {
        let missing = self.missing(next)?;
        let acked = self.acked.is_some_and(|ack| ack.wrapping_sub(next) as i32 >= missing as i32);
        let patience = if acked { PATIENCE_ACKED } else { PATIENCE };
        let full = self.bytes > MOST_BYTES || self.pieces.len() > MOST_PIECES;
        (full || now.since(self.since) >= patience).then_some(missing)
    }

    /// How many bytes are missing in front of the first piece.
    pub fn missing(&self, next: u32) -> Option<u32> {
        Some(self.pieces.first()?.seq.wrapping_sub(next))
    }

    /// A hole was closed or given up; the next one has its own patience.
    pub const fn restart(&mut self, now: Timestamp) {
        self.since = now;
    }

    fn keep(&mut self, at: usize, seq: u32, data: &[u8], cut: u32, buffers: &mut Buffers) -> Option<()> {
        let data = buffers.take(data)?;
        self.bytes = self.bytes.saturating_add(data.len());
        self.pieces.insert(at, Piece { seq, data, cut });
        Some(())
    }
}

/// How long a hole waits for a late or repeated segment: longer than two retransmission time-outs of
/// common stacks.
const PATIENCE: u64 = 3_000_000;
/// How long it waits when the receiver has the bytes: longer than two taps are apart.
const PATIENCE_ACKED: u64 = 100_000;
/// The most bytes kept behind a hole.
const MOST_BYTES: usize = 256 * 1024;
/// The most pieces kept behind a hole.
const MOST_PIECES: usize = 256;
/// The most empty buffers kept for use again.
const MOST_SPARE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_micros(1)
    }

    fn insert(reorder: &mut Reorder, next: u32, seq: u32, data: &[u8]) -> Option<Option<Clash>> {
        let mut buffers = Buffers::new(1 << 20);
        reorder.insert(next, seq, data, 0, now(), &mut buffers)
    }

    fn drain(reorder: &mut Reorder, mut next: u32) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some(piece) = reorder.ready(next) {
            let (bytes, cut) = piece.from(next);
            next = next.wrapping_add(bytes.len() as u32).wrapping_add(cut);
            out.extend_from_slice(bytes);
        }
        out
    }

    #[test]
    fn early_pieces_come_out_in_order_across_the_sequence_wrap() {
        let next = u32::MAX - 3;
        let mut reorder = Reorder::default();
        assert_eq!(insert(&mut reorder, next, next.wrapping_add(6), b"gh"), Some(None));
        assert_eq!(insert(&mut reorder, next, next.wrapping_add(2), b"cdef"), Some(None));
        assert_eq!(reorder.missing(next), Some(2));
        assert!(reorder.ready(next).is_none());
        assert_eq!(drain(&mut reorder, next.wrapping_add(2)), b"cdefgh");
    }

    #[test]
    fn the_first_bytes_win_and_a_difference_is_told() {
        let mut reorder = Reorder::default();
        assert_eq!(insert(&mut reorder, 0, 4, b"efgh"), Some(None));
        assert_eq!(insert(&mut reorder, 0, 2, b"cdef"), Some(None));
        let clash = insert(&mut reorder, 0, 3, b"XefgXij").expect("room").expect("a clash");
        assert_eq!(clash.len, 4);
        assert_eq!(drain(&mut reorder, 2), b"cdefghij");
    }

    #[test]
    fn a_hole_is_given_up_after_its_patience() {
        let mut reorder = Reorder::default();
        insert(&mut reorder, 0, 4, b"efgh");
        assert_eq!(reorder.given_up(0, now()), None);
        assert_eq!(reorder.given_up(0, now().plus(PATIENCE)), Some(4));
        reorder.acknowledged(4);
        assert_eq!(reorder.given_up(0, now().plus(PATIENCE_ACKED)), Some(4));
    }

    #[test]
    fn no_more_is_kept_than_allowed() {
        let mut buffers = Buffers::new(10);
        let mut reorder = Reorder::default();
        let mut put = |seq, data: &[u8]| reorder.insert(0, seq, data, 0, now(), &mut buffers);
        assert!(put(1, b"12345678").is_some());
        assert!(put(20, b"123").is_none());
    }
}
