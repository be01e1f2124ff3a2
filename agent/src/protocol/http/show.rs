//! A head as an event. Credentials never leave this module: of `Authorization` only a known word is
//! shown, and names and passwords are cut out of hosts and referrers.

use super::head::{Head, Start};
use super::{Context, NAME};
use crate::flow::Direction;
use crate::protocol::{Fields, Render, Value};

impl Head<'_> {
    /// `body` is the length of its body, `rtt` the time since its request.
    pub(super) fn emit(
        &self,
        from: Direction,
        body: Option<u64>,
        rtt: Option<u64>,
        malformed: Option<&'static str>,
        ctx: &mut Context<'_>,
    ) {
        let [host, referrer] = [self.host, self.referrer].map(|text| text.map(Text::without_user));
        let [agent, kind, server, forwarded_for, upgrade] =
            [self.user_agent, self.content_type, self.server, self.forwarded_for, self.upgrade]
                .map(|text| text.map(Text::plain));
        let mut fields = Fields::new();
        match self.start {
            Start::Request { method, uri, version } => {
                fields.str("kind", "request");
                fields.text("method", method);
                self.put(&mut fields, "host", &host);
                fields.text("uri", uri);
                if let Some(version) = version {
                    fields.text("version", version);
                }
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
        self.put(&mut fields, "user_agent", &agent);
        self.put(&mut fields, "content_type", &kind);
        if let Some(length) = self.content_length {
            fields.number("content_length", length);
        }
        self.put(&mut fields, "referrer", &referrer);
        self.put(&mut fields, "server", &server);
        if let Some(auth) = self.auth {
            fields.str("auth", auth);
        }
        if self.chunked {
            fields.str("transfer", "chunked");
        }
        self.put(&mut fields, "xff", &forwarded_for);
        self.put(&mut fields, "upgrade", &upgrade);
        if let Some(body) = body {
            fields.number("body_len", body);
        }
        if let Some(rtt) = rtt {
            fields.push("rtt", Value::Span(rtt));
        }
        ctx.emit(NAME, from, &fields, malformed.or(self.malformed));
    }

    fn put<'a>(&self, fields: &mut Fields<'a>, name: &'static str, text: &'a Option<Text<'a>>) {
        match text {
            None => {}
            Some(Text([text, []])) if !self.folded => fields.text(name, text),
            Some(text) => fields.push(name, Value::Render(text)),
        }
    }
}

/// A value in two parts, between which something was cut out.
struct Text<'a>([&'a [u8]; 2]);

impl<'a> Text<'a> {
    const fn plain(text: &'a [u8]) -> Self {
        Self([text, &[]])
    }

    /// `user:password@` cut out of a host or an address.
    fn without_user(text: &'a [u8]) -> Self {
        if memchr::memchr(b'@', text).is_none() {
            return Self([text, &[]]);
        }
        let begin = memchr::memmem::find(text, b"//").map_or(0, |slashes| slashes.saturating_add(2));
        let (before, rest) = text.split_at_checked(begin).unwrap_or_default();
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
        match rest.get(..end).and_then(|authority| memchr::memrchr(b'@', authority)) {
            None => Self([text, &[]]),
            Some(at) => Self([before, rest.get(at.saturating_add(1)..).unwrap_or_default()]),
        }
    }
}

impl Render for Text<'_> {
    /// A fold is one space (RFC 9112 section 5.2).
    fn render(&self, out: &mut Vec<u8>) {
        let Self(parts) = self;
        for part in parts {
            let mut lines = part.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            out.extend_from_slice(lines.next().unwrap_or_default());
            for line in lines {
                out.push(b' ');
                out.extend_from_slice(line);
            }
        }
    }
}

/// The scheme of an `Authorization`, when it is a known one: anything else may be a secret itself.
pub(super) fn scheme(value: &[u8]) -> &'static str {
    let word = value.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    SCHEMES.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(word)).copied().unwrap_or("other")
}

/// Registered ones (RFC 9110 section 16.4.1), and three that are not but common.
const SCHEMES: &[&str] = &[
    "Basic",
    "Bearer",
    "Digest",
    "NTLM",
    "Negotiate",
    "AWS4-HMAC-SHA256",
    "ApiKey",
    "Concealed",
    "DPoP",
    "GNAP",
    "HOBA",
    "Mutual",
    "OAuth",
    "PrivateToken",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "Token",
    "vapid",
];
