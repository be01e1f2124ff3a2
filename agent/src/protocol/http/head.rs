//! The head of a message: start line and header fields (RFC 9112 sections 2 to 6).
//!
//! As forgiving as what is found in plants: line feeds alone, folded lines, odd names. What is wrong
//! is noted and shown. Credentials are not read: of `Authorization` only the scheme is known.

use super::search::{LONGEST_METHOD, is_method, is_token};
use crate::flow::Direction;
use crate::protocol::{Context, Fields, Value};

/// How far an unfinished head was looked through, so that a head that trickles in costs no more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen(usize);

/// What stands at the front of the bytes.
pub(super) enum Parsed<'a> {
    /// No HTTP.
    Garbage,
    Part,
    /// A head and its length with the empty line.
    Whole(Head<'a>, usize),
}

/// The first line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start<'a> {
    Request { method: &'a [u8], target: &'a [u8], version: Option<&'a [u8]> },
    Response { version: &'a [u8], status: Option<u16>, reason: &'a [u8] },
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Chunked,
    Length(u64),
    UntilClose,
}

/// What of a head is shown or needed.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) start: Start<'a>,
    host: Option<&'a [u8]>,
    user_agent: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
    referrer: Option<&'a [u8]>,
    server: Option<&'a [u8]>,
    forwarded_for: Option<&'a [u8]>,
    upgrade: Option<&'a [u8]>,
    auth: Option<&'static str>,
    length: Option<u64>,
    /// A Transfer-Encoding stands; its last coding is `chunked`.
    transfer: Option<bool>,
    fault: Option<&'static str>,
}

/// Reads a head if all of it is there.
pub(super) fn read<'a>(bytes: &'a [u8], seen: &mut Seen) -> Parsed<'a> {
    if seen.0 == 0 && !may_begin(bytes) {
        return Parsed::Garbage;
    }
    let Some(length) = end_of_head(bytes, seen) else { return Parsed::Part };
    match beginning(bytes.get(..length).unwrap_or_default()) {
        Some(head) => Parsed::Whole(head, length),
        None => Parsed::Garbage,
    }
}

/// What a head says as far as it is there.
pub(super) fn beginning(bytes: &[u8]) -> Option<Head<'_>> {
    let (line, mut rest) = split_line(bytes);
    let mut head = Head::new(start_line(line)?);
    while !rest.is_empty() {
        let (line, mut after) = split_field(rest);
        std::mem::swap(&mut rest, &mut after);
        if line.is_empty() {
            break;
        }
        head.field(line);
    }
    if head.transfer.is_some() && head.length.is_some() {
        head.fault.get_or_insert("both Content-Length and Transfer-Encoding");
    }
    Some(head)
}

/// A request of HTTP/0.9: one line without a version.
pub(super) fn simple_request(bytes: &[u8]) -> Option<Head<'_>> {
    let (line, _) = split_line(bytes);
    match start_line(line)? {
        start @ Start::Request { version: None, .. } => Some(Head::new(start)),
        _ => None,
    }
}

/// Whether a head can begin so: a token and a space, or a version.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let window = bytes.get(..=LONGEST_METHOD).unwrap_or(bytes);
    if window.starts_with(b"HTTP/") {
        return true;
    }
    match memchr::memchr(b' ', window) {
        Some(space) => window.get(..space).is_some_and(is_methodical),
        None => window.len() <= LONGEST_METHOD && window.iter().all(|byte| is_token(*byte) || *byte == b'/'),
    }
}

/// A known method, or a word that could be one.
fn is_methodical(token: &[u8]) -> bool {
    is_method(token)
        || (token.len() > 2 && token.iter().all(|byte| is_token(*byte) && !byte.is_ascii_lowercase()))
}

/// The first line, if it is one of HTTP.
pub(super) fn start_line(line: &[u8]) -> Option<Start<'_>> {
    if let Some(rest) = line.strip_prefix(b"HTTP/") {
        let (version, rest) = split_at_space(rest);
        let (code, reason) = split_at_space(rest.trim_ascii_start());
        let status = match code {
            [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                [*a, *b, *c].iter().try_fold(0_u16, |sum, digit| {
                    sum.checked_mul(10)?.checked_add(u16::from(digit.wrapping_sub(b'0')))
                })
            }
            _ => None,
        };
        // `HTTP/1.10` is no version, and is answered by browsers all the same.
        let versioned = matches!(version, [b'0'..=b'9', b'.', minor @ ..]
            if !minor.is_empty() && minor.iter().all(u8::is_ascii_digit));
        return versioned.then_some(Start::Response { version, status, reason });
    }
    let (method, rest) = split_at_space(line);
    if let Some(at) = memchr::memmem::rfind(rest, b" HTTP/") {
        let (target, version) = rest.split_at_checked(at)?;
        let version = version.get(b" HTTP/".len()..)?.trim_ascii_end();
        return is_methodical(method).then_some(Start::Request {
            method,
            target: target.trim_ascii(),
            version: Some(version),
        });
    }
    let target = rest.trim_ascii();
    let known = is_method(method) && !target.is_empty();
    known.then_some(Start::Request { method, target, version: None })
}

impl<'a> Head<'a> {
    fn new(start: Start<'a>) -> Self {
        Self {
            start,
            host: None,
            user_agent: None,
            content_type: None,
            referrer: None,
            server: None,
            forwarded_for: None,
            upgrade: None,
            auth: None,
            length: None,
            transfer: None,
            fault: None,
        }
    }

    /// The status code of a response.
    pub(super) const fn status(&self) -> Option<u16> {
        match self.start {
            Start::Response { status, .. } => status,
            Start::Request { .. } => None,
        }
    }

    /// Whether the connection goes on in this protocol.
    pub(super) fn upgrades_to(&self, protocol: &[u8]) -> bool {
        self.upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(protocol))
    }

    /// How a request's body ends (RFC 9112 section 6.3).
    pub(super) const fn body_of_request(&self) -> Body {
        match (self.transfer, self.length) {
            (Some(true), _) => Body::Chunked,
            (_, Some(length)) => Body::Length(length),
            (_, None) => Body::Length(0),
        }
    }

    /// How a response's body ends; the response to a HEAD has none, whatever it says.
    pub(super) const fn body_of_response(&self, to_head: bool) -> Body {
        match (self.status(), self.transfer, self.length) {
            _ if to_head => Body::Length(0),
            (Some(100..=199 | 204 | 304), ..) => Body::Length(0),
            (_, Some(true), _) => Body::Chunked,
            (_, None, Some(length)) => Body::Length(length),
            _ => Body::UntilClose,
        }
    }

    /// Emits the message.
    pub(super) fn emit(
        &self,
        from: Direction,
        body_len: Option<u64>,
        rtt: Option<u64>,
        fault: Option<&'static str>,
        ctx: &mut Context<'_>,
    ) {
        let mut fields = Fields::new();
        let text = |fields: &mut Fields<'a>, name, value: Option<&'a [u8]>| {
            if let Some(value) = value {
                fields.text(name, value);
            }
        };
        match self.start {
            Start::Request { method, target, version } => {
                fields.str("kind", "request");
                fields.text("method", method);
                text(&mut fields, "host", self.host);
                fields.text("uri", target);
                text(&mut fields, "version", version);
            }
            Start::Response { version, status, reason } => {
                fields.str("kind", "response");
                fields.text("version", version);
                if let Some(status) = status {
                    fields.number("status", status);
                }
                fields.text("reason", reason);
            }
        }
        text(&mut fields, "user_agent", self.user_agent);
        text(&mut fields, "content_type", self.content_type);
        if let Some(length) = self.length {
            fields.number("content_length", length);
        }
        text(&mut fields, "referrer", self.referrer);
        text(&mut fields, "server", self.server);
        if let Some(auth) = self.auth {
            fields.str("auth", auth);
        }
        if let Some(chunked) = self.transfer {
            fields.str("transfer", if chunked { "chunked" } else { "other" });
        }
        text(&mut fields, "xff", self.forwarded_for);
        text(&mut fields, "upgrade", self.upgrade);
        if let Some(body_len) = body_len {
            fields.number("body_len", body_len);
        }
        if let Some(rtt) = rtt {
            fields.push("rtt", Value::Span(rtt));
        }
        let status = matches!(self.start, Start::Response { status: None, .. });
        let fault = fault.or(self.fault).or(status.then_some("status is no number"));
        ctx.emit(super::NAME, from, &fields, fault);
    }

    fn field(&mut self, line: &'a [u8]) {
        let Some(colon) = memchr::memchr(b':', line) else {
            self.fault.get_or_insert("header line without a colon");
            return;
        };
        let (name, value) = line.split_at_checked(colon).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.last().is_some_and(u8::is_ascii_whitespace) {
            self.fault.get_or_insert("space before a colon");
        }
        let name = name.trim_ascii();
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match (name.len(), name.first().map(u8::to_ascii_lowercase)) {
            (4, Some(b'h')) if is(b"host") => self.host = Some(value),
            (6, Some(b's')) if is(b"server") => self.server = Some(value),
            (7, Some(b'r')) if is(b"referer") => self.referrer = Some(value),
            (7, Some(b'u')) if is(b"upgrade") => self.upgrade = Some(value),
            (10, Some(b'u')) if is(b"user-agent") => self.user_agent = Some(value),
            (12, Some(b'c')) if is(b"content-type") => self.content_type = Some(value),
            (13, Some(b'a')) if is(b"authorization") => self.auth = Some(scheme(value)),
            (14, Some(b'c')) if is(b"content-length") => self.content_length(value),
            (15, Some(b'x')) if is(b"x-forwarded-for") => self.forwarded_for = Some(value),
            (17, Some(b't')) if is(b"transfer-encoding") => {
                let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
                self.transfer = Some(last.trim_ascii().eq_ignore_ascii_case(b"chunked"));
            }
            _ => {}
        }
    }

    fn content_length(&mut self, value: &[u8]) {
        let number = |value: &[u8]| {
            let digits = value.trim_ascii();
            let number: Option<u64> = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            number.filter(|number| digits.first() != Some(&b'+') && *number <= i64::MAX as u64)
        };
        // One value may stand several times (RFC 9110 section 8.6).
        for part in value.split(|byte| *byte == b',') {
            match (number(part), self.length) {
                (None, _) => {
                    self.fault.get_or_insert("bad Content-Length");
                }
                (Some(new), Some(old)) if new != old => {
                    self.fault.get_or_insert("Content-Length twice and different");
                }
                (Some(new), _) => self.length = Some(new),
            }
        }
    }
}

/// The scheme of credentials. Only known words are shown: what else stands there may be a secret.
fn scheme(value: &[u8]) -> &'static str {
    const KNOWN: &[&str] = &["Basic", "Bearer", "Digest", "Negotiate", "NTLM", "AWS4-HMAC-SHA256"];
    let (word, _) = split_at_space(value);
    KNOWN.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(word)).copied().unwrap_or("other")
}

/// The length of the head up to and with its empty line.
fn end_of_head(bytes: &[u8], seen: &mut Seen) -> Option<usize> {
    let mut from = seen.0;
    loop {
        let Some(found) = memchr::memchr(b'\n', bytes.get(from..)?) else {
            seen.0 = bytes.len();
            return None;
        };
        let after = from.saturating_add(found).saturating_add(1);
        match bytes.get(after..) {
            Some([b'\n', ..]) => return Some(after.saturating_add(1)),
            Some([b'\r', b'\n', ..]) => return Some(after.saturating_add(2)),
            // The next byte decides: this line feed is looked at again.
            Some([] | [b'\r']) | None => {
                seen.0 = after.saturating_sub(1);
                return None;
            }
            Some(_) => from = after,
        }
    }
}

/// The first line without its end, and what follows.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at_checked(end).unwrap_or_default();
    (line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..).unwrap_or_default())
}

/// The first field with the lines folded into it (RFC 9112 section 5.2), and what follows.
fn split_field(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (line, mut rest) = split_line(bytes);
    if line.is_empty() || !matches!(rest.first(), Some(b' ' | b'\t')) {
        return (line, rest);
    }
    while matches!(rest.first(), Some(b' ' | b'\t')) {
        (_, rest) = split_line(rest);
    }
    let whole = bytes.get(..bytes.len().saturating_sub(rest.len())).unwrap_or_default();
    (whole.trim_ascii_end(), rest)
}

fn split_at_space(bytes: &[u8]) -> (&[u8], &[u8]) {
    let space = memchr::memchr(b' ', bytes).unwrap_or(bytes.len());
    let (before, after) = bytes.split_at_checked(space).unwrap_or_default();
    (before, after.get(1..).unwrap_or_default())
}
