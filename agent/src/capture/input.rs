//! The bytes of a capture file, through one buffer.
//!
//! Anything that can be read will do, whatever sizes it reads in: a file, a pipe, a socket. The
//! buffer does not depend on the size of the file; it grows only for a record larger than itself,
//! only while the bytes of that record really come, and never beyond [`LARGEST`].

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::io::{self, ErrorKind, Read};

/// The largest record that is held as a whole.
pub(super) const LARGEST: usize = 16 << 20;

const BUFFER: usize = 256 << 10;

/// A window onto the bytes of a file that only moves forwards.
pub(super) struct Input {
    reader: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    /// The bytes not used yet are `bytes[start..end]`.
    start: usize,
    end: usize,
    /// Where `start` is in the file.
    position: u64,
    ended: bool,
}

/// Bytes that were used, still in the buffer until the input is moved again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: usize,
    len: usize,
}

impl Span {
    /// The `len` bytes that begin `offset` into it, as far as it has them.
    pub(super) fn part(self, offset: usize, len: usize) -> Self {
        let offset = offset.min(self.len);
        let len = len.min(self.len.saturating_sub(offset));
        Self { start: self.start.saturating_add(offset), len }
    }
}

impl Input {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self { reader, bytes: vec![0; BUFFER], start: 0, end: 0, position: 0, ended: false }
    }

    /// Where the bytes not used yet begin in the file.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// The bytes that are here and not used yet.
    pub(super) fn ahead(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads until `count` bytes are ahead; false when the file ends before.
    #[inline]
    pub(super) fn want(&mut self, count: usize) -> io::Result<bool> {
        if self.end.saturating_sub(self.start) >= count {
            return Ok(true);
        }
        self.refill(count)
    }

    /// Moves past `count` bytes that are ahead. The span holds until the next `want` or `skip`.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) -> Span {
        let len = count.min(self.end.saturating_sub(self.start));
        let span = Span { start: self.start, len };
        self.start = self.start.saturating_add(len);
        self.position = self.position.saturating_add(len as u64);
        span
    }

    /// The bytes of a span.
    #[inline]
    pub(super) fn lend(&self, span: Span) -> &[u8] {
        self.bytes.get(span.start..span.start.saturating_add(span.len)).unwrap_or_default()
    }

    /// Moves past `count` bytes, however many, without holding them. Says how many were missing.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        loop {
            let here = usize::try_from(left).unwrap_or(usize::MAX);
            left = left.saturating_sub(self.advance(here).len as u64);
            if left == 0 || !self.want(1)? {
                return Ok(left);
            }
        }
    }

    #[cold]
    fn refill(&mut self, count: usize) -> io::Result<bool> {
        if count > LARGEST {
            return Err(ErrorKind::InvalidInput.into());
        }
        self.bytes.copy_within(self.start..self.end, 0);
        self.end = self.end.saturating_sub(self.start);
        self.start = 0;
        while self.end < count && !self.ended {
            if self.end == self.bytes.len() {
                self.bytes.resize(self.end.saturating_mul(2).min(LARGEST), 0);
            }
            let room = self.bytes.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end = self.end.saturating_add(read.min(room.len())),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.end >= count)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.bytes.len()
    }
}
