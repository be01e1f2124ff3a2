//! A head: its first line, the header fields that are shown, and how its body is framed.
//!
//! One pass over the lines, nothing copied. Where the standard lets a receiver choose, the choice is
//! the one that browsers and servers make, and the event says so in `malformed`.

use super::search;
use super::show;

/// What was read.
#[expect(clippy::large_enum_variant, reason = "most heads come whole, and a box would be an allocation each")]
pub(super) enum Parsed<'a> {
    /// No message begins like this.
    Garbage,
    /// Its end is not there yet.
    Part,
    /// The head and its length.
    Whole(Head<'a>, usize),
}

/// How far an unfinished head was looked through, so that its pieces are not read again and again.
#[derive(Default)]
pub(super) struct Seen {
    /// Where its unfinished line begins.
    line: usize,
    /// How far that was searched for its end.
    at: usize,
}

/// A request line or a status line.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    Request { method: &'a [u8], uri: &'a [u8], version: Option<&'a [u8]> },
    Response { version: &'a [u8], status: Option<u16>, reason: &'a [u8] },
}

/// How a body ends (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Chunked,
    Length(u64),
    UntilClose,
}

pub(super) struct Head<'a> {
    pub(super) start: Start<'a>,
    pub(super) host: Option<&'a [u8]>,
    pub(super) user_agent: Option<&'a [u8]>,
    pub(super) content_type: Option<&'a [u8]>,
    pub(super) content_length: Option<u64>,
    pub(super) referrer: Option<&'a [u8]>,
    pub(super) server: Option<&'a [u8]>,
    /// The word before the credentials.
    pub(super) auth: Option<&'static str>,
    pub(super) forwarded_for: Option<&'a [u8]>,
    pub(super) upgrade: Option<&'a [u8]>,
    pub(super) chunked: bool,
    /// Some value goes on in the next line.
    pub(super) folded: bool,
    pub(super) malformed: Option<&'static str>,
    encoded: bool,
}

/// Reads the head at the front of `bytes`, which begin with no empty line.
pub(super) fn read<'a>(bytes: &'a [u8], seen: &mut Seen) -> Parsed<'a> {
    if seen.at > 0 {
        let first_line = seen.line == 0;
        let ended = seen.advance(bytes);
        if !ended && seen.line > 0 && !first_line {
            return Parsed::Part;
        }
        if !ended && seen.line == 0 {
            return if could_begin(bytes) { Parsed::Part } else { Parsed::Garbage };
        }
    }
    match lines(bytes) {
        Lines::Garbage => Parsed::Garbage,
        Lines::Whole(head, length) => Parsed::Whole(head, length),
        Lines::Part(None) if !could_begin(bytes) => Parsed::Garbage,
        Lines::Part(_) => {
            seen.advance(bytes);
            Parsed::Part
        }
    }
}

/// The head whose end may be missing, as far as there are whole lines.
pub(super) fn beginning(bytes: &[u8]) -> Option<Head<'_>> {
    match lines(bytes) {
        Lines::Garbage => None,
        Lines::Part(None) => Head::new(bytes),
        Lines::Part(head) => head,
        Lines::Whole(head, _) => Some(head),
    }
}

/// A request of HTTP/0.9: one line, no version, nothing behind it (RFC 1945 section 4.1).
pub(super) fn simple_request(bytes: &[u8]) -> Option<Head<'_>> {
    let (line, next) = line_at(bytes, 0)?;
    let head = Head::new(line).filter(|_| next == bytes.len())?;
    matches!(head.start, Start::Request { version: None, .. }).then_some(head)
}

impl Seen {
    /// Looks on for the empty line; whether it was found.
    fn advance(&mut self, bytes: &[u8]) -> bool {
        while let Some(found) = bytes.get(self.at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
            let end = self.at.saturating_add(found);
            let line = bytes.get(self.line..end).unwrap_or_default();
            let empty = line.iter().all(|byte| *byte == b'\r');
            self.line = end.saturating_add(1);
            self.at = self.line;
            if empty {
                return true;
            }
        }
        self.at = bytes.len();
        false
    }
}

enum Lines<'a> {
    Garbage,
    /// The lines stop before the empty one; what they say, when the first is whole.
    Part(Option<Head<'a>>),
    Whole(Head<'a>, usize),
}

#[inline]
fn lines(bytes: &[u8]) -> Lines<'_> {
    let Some((first, mut at)) = line_at(bytes, 0) else { return Lines::Part(None) };
    let Some(mut head) = Head::new(first) else { return Lines::Garbage };
    loop {
        let Some((mut line, mut next)) = line_at(bytes, at) else { return Lines::Part(Some(head)) };
        if line.is_empty() {
            head.judge();
            return Lines::Whole(head, next);
        }
        // A line that begins with a space continues the one before it (RFC 9112 section 5.2).
        while let Some(b' ' | b'\t') = bytes.get(next) {
            let Some((more, after)) = line_at(bytes, next) else { return Lines::Part(Some(head)) };
            line = bytes.get(at..next.saturating_add(more.len())).unwrap_or_default();
            next = after;
            head.folded = true;
            head.note("folded header line");
        }
        head.line(line);
        at = next;
    }
}

/// The line that begins at `at`, without its end, and where the next begins. A line feed alone ends
/// it too (RFC 9112 section 2.2): many controllers send it. Others turn each line feed of their text
/// into two characters and so send two carriage returns.
#[inline]
fn line_at(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let end = memchr::memchr(b'\n', rest)?;
    let mut line = rest.get(..end)?;
    while let [before @ .., b'\r'] = line {
        line = before;
    }
    Some((line, at.saturating_add(end).saturating_add(1)))
}

/// Whether a first line without its end may become one.
fn could_begin(bytes: &[u8]) -> bool {
    if bytes.starts_with(HTTP) || HTTP.starts_with(bytes) {
        return true;
    }
    let token = bytes.iter().take_while(|byte| search::is_token(**byte)).count();
    token <= search::LONGEST_METHOD && matches!((token, bytes.get(token)), (1.., None | Some(b' ')))
}

impl<'a> Head<'a> {
    /// A head with nothing but its first line.
    fn new(line: &'a [u8]) -> Option<Self> {
        let (start, malformed) = match line.strip_prefix(HTTP) {
            Some(rest) => status_line(rest),
            None => request_line(line)?,
        };
        Some(Self {
            start,
            host: None,
            user_agent: None,
            content_type: None,
            content_length: None,
            referrer: None,
            server: None,
            auth: None,
            forwarded_for: None,
            upgrade: None,
            chunked: false,
            folded: false,
            malformed,
            encoded: false,
        })
    }

    pub(super) const fn status(&self) -> Option<u16> {
        match self.start {
            Start::Response { status, .. } => status,
            Start::Request { .. } => None,
        }
    }

    pub(super) fn upgrades_to(&self, protocol: &[u8]) -> bool {
        self.upgrade.is_some_and(|list| {
            list.split(|byte| *byte == b',').any(|one| one.trim_ascii().eq_ignore_ascii_case(protocol))
        })
    }

    pub(super) const fn body_of_request(&self) -> Body {
        match (self.chunked, self.content_length) {
            (true, _) => Body::Chunked,
            (false, Some(length)) => Body::Length(length),
            (false, None) => Body::Length(0),
        }
    }

    pub(super) const fn body_of_response(&self, to_head: bool) -> Body {
        match (self.status(), self.content_length) {
            _ if to_head => Body::Length(0),
            (Some(204 | 304), _) => Body::Length(0),
            _ if self.chunked => Body::Chunked,
            (_, Some(length)) => Body::Length(length),
            (_, None) => Body::UntilClose,
        }
    }

    /// One header line, unfolded ends removed.
    #[inline]
    fn line(&mut self, line: &'a [u8]) {
        let Some((name, value)) = memchr::memchr(b':', line).and_then(|colon| line.split_at_checked(colon))
        else {
            return self.note("header line without a colon");
        };
        let name = match name {
            // The line before it was the first one, which nothing can continue.
            [b' ' | b'\t', ..] => return self.note("folded header line"),
            [.., b' ' | b'\t' | b'\n'] => {
                self.note("space before a colon");
                name.trim_ascii_end()
            }
            _ => name,
        };
        let value = || value.get(1..).unwrap_or_default().trim_ascii();
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.set_host(value()),
            6 if name.eq_ignore_ascii_case(b"server") => self.server = self.server.or(Some(value())),
            7 if name.eq_ignore_ascii_case(b"referer") => self.referrer = self.referrer.or(Some(value())),
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.upgrade = self.upgrade.or(Some(value())),
            10 if name.eq_ignore_ascii_case(b"user-agent") => {
                self.user_agent = self.user_agent.or(Some(value()));
            }
            12 if name.eq_ignore_ascii_case(b"content-type") => {
                self.content_type = self.content_type.or(Some(value()));
            }
            13 if name.eq_ignore_ascii_case(b"authorization") => {
                self.auth = self.auth.or(Some(show::scheme(value())));
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.set_length(value()),
            15 if name.eq_ignore_ascii_case(b"x-forwarded-for") => {
                self.forwarded_for = self.forwarded_for.or(Some(value()));
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.set_coding(value()),
            19 if name.eq_ignore_ascii_case(b"proxy-authorization") => {
                self.auth = self.auth.or(Some(show::scheme(value())));
            }
            _ => {}
        }
    }

    fn set_host(&mut self, value: &'a [u8]) {
        if self.host.is_some_and(|first| first != value) {
            self.note("two hosts");
        }
        self.host = self.host.or(Some(value));
    }

    /// The first good length counts; a list of equal ones is one (RFC 9110 section 8.6).
    fn set_length(&mut self, value: &[u8]) {
        for one in value.split(|byte| *byte == b',') {
            match (number(one.trim_ascii()), self.content_length) {
                (None, _) => self.note("bad content-length"),
                (Some(length), None) => self.content_length = Some(length),
                (Some(length), Some(first)) if length != first => self.note("two content-lengths"),
                _ => {}
            }
        }
    }

    /// Only the last coding frames the body (RFC 9112 section 6.1).
    fn set_coding(&mut self, value: &[u8]) {
        self.encoded = true;
        let last = value.rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii).find(|one| !one.is_empty());
        let coding = last.and_then(|one| one.split(|byte| *byte == b';').next()).unwrap_or_default();
        if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") {
            self.chunked = true;
        } else {
            self.note("unknown transfer coding");
        }
    }

    /// What the lines say together.
    fn judge(&mut self) {
        if self.encoded && self.content_length.is_some() {
            // Smuggling; the coding wins (RFC 9112 section 6.3).
            self.malformed = Some("both content-length and transfer-encoding");
        }
    }

    fn note(&mut self, reason: &'static str) {
        self.malformed.get_or_insert(reason);
    }
}

/// The target ends at the first space, as servers read it, whatever comes before the version.
fn request_line(line: &[u8]) -> Option<(Start<'_>, Option<&'static str>)> {
    let space = line.iter().take(search::LONGEST_METHOD.saturating_add(1)).position(|byte| *byte == b' ')?;
    let (method, rest) = line.split_at_checked(space)?;
    let rest = rest.trim_ascii();
    let target = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    let (uri, rest) = rest.split_at_checked(target)?;
    let rest = rest.trim_ascii_start();
    let last = memchr::memrchr(b' ', rest).map_or(0, |space| space.saturating_add(1));
    let version = rest.get(last..).and_then(|word| word.strip_prefix(HTTP));
    if !search::is_method(method) {
        // Any word is a method to somebody, but then the rest must be right. PRI opens HTTP/2.
        let word = !method.is_empty() && method.iter().all(|byte| search::is_token(*byte));
        version.filter(|_| word && method != b"PRI")?;
    }
    let malformed = match version {
        None => Some("request line without a version"),
        Some(_) if last > 0 => Some("space in the target"),
        Some(_) => None,
    };
    Some((Start::Request { method, uri, version }, malformed))
}

/// A status line behind its `HTTP/`.
fn status_line(line: &[u8]) -> (Start<'_>, Option<&'static str>) {
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    let (version, rest) = line.split_at_checked(end).unwrap_or_default();
    let rest = rest.trim_ascii();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // status-code = 3DIGIT (RFC 9112 section 4)
    let (code, reason) = rest.split_at_checked(3).filter(|_| digits >= 3).unwrap_or((&[], rest));
    let status = number(code).and_then(|code| u16::try_from(code).ok());
    let malformed = (digits != 3).then_some("bad status code");
    (Start::Response { version, status, reason: reason.trim_ascii_start() }, malformed)
}

/// A number of nothing but digits that a length can be.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0_u64, |number, digit| {
        let value = digit.checked_sub(b'0').filter(|value| *value < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(value))
    })?;
    (number <= i64::MAX as u64).then_some(number)
}

const HTTP: &[u8] = b"HTTP/";
