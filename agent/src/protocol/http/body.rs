//! The lines between the parts of a chunked body (RFC 9112 section 7.1).

use super::search;

/// A line of a chunked body.
pub(super) enum Line<'a> {
    /// The line without its end, and its length with it.
    Whole(&'a [u8], usize),
    Part,
    TooLong,
}

/// The line at the front; a line feed alone ends it too.
pub(super) fn line(bytes: &[u8]) -> Line<'_> {
    let window = bytes.get(..LONGEST_LINE).unwrap_or(bytes);
    match memchr::memchr(b'\n', window) {
        Some(end) => {
            let line = window.get(..end).unwrap_or_default();
            Line::Whole(line.strip_suffix(b"\r").unwrap_or(line), end.saturating_add(1))
        }
        None if window.len() < LONGEST_LINE => Line::Part,
        None => Line::TooLong,
    }
}

/// What a line before a chunk says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// Nothing: it ends the chunk before it.
    Empty,
    /// So many bytes follow; not clean when more than an extension stands behind the number.
    Chunk {
        size: u64,
        clean: bool,
    },
    Last,
    Bad,
}

pub(super) fn chunk_size(line: &[u8]) -> Size {
    let line = line.trim_ascii();
    let mut size = 0_u64;
    let mut rest = line;
    while let [digit, after @ ..] = rest {
        let Some(value) = char::from(*digit).to_digit(16) else { break };
        if size > u64::MAX >> 4 {
            return Size::Bad;
        }
        size = size << 4 | u64::from(value);
        rest = after;
    }
    let clean = matches!(rest.trim_ascii_start(), [] | [b';', ..]);
    match (line.len() > rest.len(), size) {
        (false, _) if line.is_empty() => Size::Empty,
        (false, _) => Size::Bad,
        (true, 0) => Size::Last,
        (true, size) if size <= i64::MAX as u64 => Size::Chunk { size, clean },
        (true, _) => Size::Bad,
    }
}

/// Whether a line after the last chunk is a field (`name: value` or its folded rest).
pub(super) fn is_trailer(line: &[u8]) -> bool {
    match line {
        [b' ' | b'\t', ..] => true,
        _ => memchr::memchr(b':', line)
            .and_then(|colon| line.get(..colon))
            .is_some_and(|name| !name.is_empty() && name.iter().all(|byte| search::is_token(*byte))),
    }
}

/// Extensions are short or an attack on memory.
const LONGEST_LINE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_sizes_are_hexadecimal_with_anything_behind() {
        let chunk = |size, clean| Size::Chunk { size, clean };
        assert_eq!(chunk_size(b"1aF"), chunk(0x1af, true));
        assert_eq!(chunk_size(b" 00f \t"), chunk(15, true));
        assert_eq!(chunk_size(b"5 ; name=\"v\""), chunk(5, true));
        assert_eq!(chunk_size(b"fx"), chunk(15, false));
        assert_eq!(chunk_size(b"000;last"), Size::Last);
        assert_eq!(chunk_size(b""), Size::Empty);
        assert_eq!(chunk_size(b"-5"), Size::Bad);
        assert_eq!(chunk_size(b"ffffffffffffffff"), Size::Bad);
        assert_eq!(chunk_size(b"10000000000000000"), Size::Bad);
    }
}
