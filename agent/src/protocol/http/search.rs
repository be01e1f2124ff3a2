//! Where a message begins in bytes that may begin anywhere: strict, so that bodies do not fool it.
//!
//! A beginning need not stand at the start of a line, since a body before it seldom ends with one.

use super::Search;

/// The first request line `METHOD SP target SP HTTP/1.x` with its line end and a known method.
pub(super) fn request(bytes: &[u8]) -> Search {
    for space in memchr::memchr_iter(b' ', bytes) {
        let (before, after) = bytes.split_at_checked(space).unwrap_or_default();
        let Some(method) = method_at_end(before) else { continue };
        let start = space.saturating_sub(method);
        match target_and_version(after.get(1..).unwrap_or_default()) {
            Some(true) => return Search::At(start),
            Some(false) => {}
            None => return Search::Nothing { discard: start },
        }
    }
    Search::Nothing { discard: bytes.len().saturating_sub(LONGEST_METHOD) }
}

/// The first status line `HTTP/1.x SP 3DIGIT` with its line end.
pub(super) fn response(bytes: &[u8]) -> Search {
    let mut from = 0_usize;
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr::memmem::find(rest, b"HTTP/1.")) {
        let start = from.saturating_add(found);
        match status_line(bytes.get(start..).unwrap_or_default()) {
            Some(true) => return Search::At(start),
            Some(false) => from = start.saturating_add(1),
            None => return Search::Nothing { discard: start },
        }
    }
    // Up to six bytes may be the beginning of the word.
    let tail = (1..7).rev().find(|tail| b"HTTP/1.".get(..*tail).is_some_and(|word| bytes.ends_with(word)));
    Search::Nothing { discard: bytes.len().saturating_sub(tail.unwrap_or(0)) }
}

/// Methods of HTTP, WebDAV (with DeltaV), UPnP and of others that are seen in practice.
pub(super) fn is_method(token: &[u8]) -> bool {
    matches!(
        token,
        b"GET"
            | b"POST"
            | b"HEAD"
            | b"PUT"
            | b"DELETE"
            | b"OPTIONS"
            | b"CONNECT"
            | b"TRACE"
            | b"PATCH"
            | b"COPY"
            | b"LOCK"
            | b"MOVE"
            | b"POLL"
            | b"BCOPY"
            | b"BMOVE"
            | b"MKCOL"
            | b"LABEL"
            | b"MERGE"
            | b"SEARCH"
            | b"UNLOCK"
            | b"REPORT"
            | b"UPDATE"
            | b"NOTIFY"
            | b"BDELETE"
            | b"CHECKIN"
            | b"CHECKOUT"
            | b"PROPFIND"
            | b"PROPPATCH"
            | b"CCM_POST"
            | b"SUBSCRIBE"
            | b"BPROPFIND"
            | b"BPROPPATCH"
            | b"UNCHECKOUT"
            | b"MKACTIVITY"
            | b"MKWORKSPACE"
            | b"UNSUBSCRIBE"
            | b"RPC_CONNECT"
            | b"RPC_IN_DATA"
            | b"RPC_OUT_DATA"
            | b"VERSION-CONTROL"
            | b"BASELINE-CONTROL"
            | b"SSTP_DUPLEX_POST"
            | b"M-SEARCH"
    )
}

/// Bytes of a token (RFC 9110 section 5.6.2).
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// The longest known method; also the longest unknown one that is believed.
pub(super) const LONGEST_METHOD: usize = 16;

/// The length of the longest method that these bytes end with.
fn method_at_end(bytes: &[u8]) -> Option<usize> {
    // No method is shorter than three letters, and all end with one.
    if !bytes.last().is_some_and(u8::is_ascii_uppercase) {
        return None;
    }
    (3..=LONGEST_METHOD)
        .rev()
        .find(|length| bytes.len().checked_sub(*length).and_then(|at| bytes.get(at..)).is_some_and(is_method))
}

/// Whether a request line goes on so; `None` when its end is not there yet.
fn target_and_version(bytes: &[u8]) -> Option<bool> {
    let window = bytes.get(..LONGEST_LINE).unwrap_or(bytes);
    let Some(end) = window.iter().position(|byte| *byte <= b' ' || *byte == 0x7f) else {
        return (window.len() == LONGEST_LINE).then_some(false);
    };
    match follow(window.get(end..).unwrap_or_default(), b" HTTP/1.#") {
        _ if end == 0 => Some(false),
        Follow::No => Some(false),
        Follow::Part => None,
        Follow::Rest(rest) => line_end(rest),
    }
}

/// Whether these bytes are a status line; `None` when its end is not there yet.
fn status_line(bytes: &[u8]) -> Option<bool> {
    match follow(bytes, b"HTTP/1.# ###") {
        Follow::No => Some(false),
        Follow::Part => None,
        Follow::Rest([b' ', reason @ ..]) => {
            let window = reason.get(..LONGEST_REASON).unwrap_or(reason);
            match window.iter().position(|byte| *byte < b' ' && *byte != b'\t') {
                None => (window.len() == LONGEST_REASON).then_some(false),
                Some(end) => line_end(window.get(end..).unwrap_or_default()),
            }
        }
        Follow::Rest(rest) => line_end(rest),
    }
}

fn line_end(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [] | [b'\r'] => None,
        [b'\n', ..] | [b'\r', b'\n', ..] => Some(true),
        _ => Some(false),
    }
}

/// How bytes compare with a pattern in which `#` stands for a digit.
pub(super) enum Follow<'a> {
    No,
    /// They agree as far as they go.
    Part,
    /// What comes behind the pattern.
    Rest(&'a [u8]),
}

pub(super) fn follow<'a>(bytes: &'a [u8], pattern: &[u8]) -> Follow<'a> {
    let agree = |(byte, wanted): (&u8, &u8)| byte == wanted || *wanted == b'#' && byte.is_ascii_digit();
    if !bytes.iter().zip(pattern).all(agree) {
        return Follow::No;
    }
    bytes.get(pattern.len()..).map_or(Follow::Part, Follow::Rest)
}

/// As much of a line is kept while its end is waited for.
pub(super) const LONGEST_LINE: usize = 8 * 1024;

const LONGEST_REASON: usize = 256;
