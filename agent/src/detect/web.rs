//! Web: requests that climb out of a server's pages or carry commands of another language in their target.
//! No plant is needed to know them, so nothing is learnt; what is odd in this plant alone is the
//! baseline's. Targets are read as servers read them, percent signs undone twice.

use std::fmt::Write as _;

use fieldward_shared::time::Timestamp;
use hashbrown::HashMap;

use super::{Detector, Finding, Watcher};
use crate::flow::Addr;
use crate::protocol::{ProtocolEvent, Value};
use crate::window::hash;

/// Its line among the detectors.
pub fn new() -> Watcher {
    Box::new(Web { plain: Vec::with_capacity(MOST_TARGET), said: HashMap::default() })
}

/// What to look for: a kind, what it is in words, and pieces of which one is enough.
struct Pattern {
    kind: &'static str,
    words: &'static str,
    consequence: f32,
    pieces: &'static [&'static str],
}

static PATTERNS: &[Pattern] = &[
    Pattern {
        kind: "web traversal",
        words: "climbs out of the pages of",
        consequence: 0.7,
        pieces: &[
            "../",
            "..\\",
            "/..",
            "\\..",
            "/etc/passwd",
            "/etc/shadow",
            "win.ini",
            "boot.ini",
            "/proc/self",
            "/proc/version",
            "....//",
            "web-inf",
            "global.asa",
            "php://",
            "file:/",
            "c:\\windows",
            "/.git/",
            "/.htaccess",
        ],
    },
    Pattern {
        kind: INJECTION,
        words: "sends database language to",
        consequence: 0.8,
        pieces: &[
            "union select",
            "union all select",
            "' or ",
            "\" or ",
            "or 1=1",
            "' and ",
            "drop table",
            "sleep(",
            "benchmark(",
            "waitfor delay",
            "information_schema",
            "'--",
            "*/--",
            "' --",
            "/*",
            "select count(",
            "xp_cmdshell",
            "order by 1",
            " order by ",
            "group by concat",
            "case when",
            "extractvalue(",
            "updatexml(",
            "concat(0x",
            "||chr(",
            "chr(1",
            "char(1",
            "cast((",
            "elt(",
            "dbms_",
            "utl_inaddr",
            " rlike ",
            "(select ",
            "select (",
            ";select ",
            "pg_sleep",
            "procedure analyse",
            "load_file(",
            "into outfile",
            "rand(0)",
            "crypt_key(",
            "make_set(",
            "json_keys(",
            "') and ",
            "\") and ",
            "') or ",
            "\") or ",
            "\" and ",
            "' like '",
            "ctxsys.",
            "generate_series(",
            "sysibm",
            "delete from",
            "drop function",
            ";iif(",
            ",iif(",
            "randomblob",
            "regexp_substring(",
            "from dual",
        ],
    },
    Pattern {
        kind: "web command",
        words: "sends shell commands to",
        consequence: 0.9,
        pieces: &[
            "`",
            "$(",
            "; cat ",
            ";cat ",
            "| nc ",
            "|nc ",
            "|| ",
            "&& ",
            "wget http",
            "curl http",
            "; ls",
            "; id",
            ";id",
            "| sh",
            "cmd.exe",
            "powershell",
            "${jndi:",
            "/bin/",
            "; ping",
            "& ping",
            "| ping",
            "& id",
            "|id",
            "| id",
            "|dir",
            "| dir",
            "dir c:",
            "|cat ",
            "| cat ",
            "|ls",
            "| ls",
            ";ls",
            ";netstat",
            "netstat -",
            "<!--#exec",
            "system(",
            "passthru(",
            "phpinfo(",
            "<?php",
        ],
    },
    Pattern {
        kind: "web script",
        words: "sends script to",
        consequence: 0.6,
        pieces: &[
            "<script",
            "javascript:",
            "onerror=",
            "onload=",
            "<iframe",
            "<svg",
            "<img",
            "document.cookie",
            "alert(",
            "prompt(",
            "confirm(",
            "expression(",
            "fromcharcode",
            "vbscript:",
            "-moz-binding",
            "onmouseover=",
            "onfocus=",
            "onclick=",
            "<body",
            "<input",
            "<object",
            "<embed",
            "<style",
            "<meta",
            "<html",
            "<div",
            "<a href",
            "<?xml",
            "<link",
            "data:text/html",
        ],
    },
];

impl Pattern {
    fn fits(&self, plain: &[u8]) -> bool {
        self.pieces.iter().any(|piece| memchr::memmem::find(plain, piece.as_bytes()).is_some())
            || self.kind == INJECTION && has_truism(plain)
    }
}

/// Whether numbers are compared as in `or 7=7`: nobody asks a page for that.
fn has_truism(plain: &[u8]) -> bool {
    memchr::memchr_iter(b'=', plain).any(|at| {
        let before = plain[..at].trim_ascii_end();
        let after = plain[at + 1..].trim_ascii_start();
        let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || !after.first().is_some_and(u8::is_ascii_digit) {
            return false;
        }
        let before = &before[..before.len() - digits];
        let gap = before.iter().rev().take_while(|byte| b" (\"'".contains(byte)).count();
        let before = &before[..before.len() - gap];
        gap > 0 && JOINTS.iter().any(|word| before.ends_with(word.as_bytes()))
    })
}

/// The detector.
struct Web {
    plain: Vec<u8>,
    /// When who was last told of, by kind.
    said: HashMap<(Addr, Addr, &'static str), Timestamp, foldhash::fast::FixedState>,
}

impl Web {
    fn say(&mut self, event: &ProtocolEvent<'_>, uri: &[u8], pattern: &Pattern, found: &mut Vec<Finding>) {
        let (actor, target) = (event.src().addr, event.dst().addr);
        let key = (actor, target, pattern.kind);
        if self.said.get(&key).is_some_and(|at| event.ts.since(*at).max(at.since(event.ts)) < AGAIN) {
            return;
        }
        if self.said.len() >= MOST_SAID {
            self.said.clear();
        }
        self.said.insert(key, event.ts);
        let mut evidence = format!("{actor} {} {target}: ", pattern.words);
        for byte in uri.iter().take(MOST_SHOWN) {
            let _ = evidence.write_char(if byte.is_ascii_graphic() { char::from(*byte) } else { '?' });
        }
        found.push(Finding {
            at: event.ts,
            detector: NAME,
            kind: pattern.kind,
            sort: "",
            about: hash(uri),
            is_others: false,
            is_more: false,
            actor: Some(actor),
            target: Some(target),
            protocol: "http",
            confidence: 0.9,
            consequence: pattern.consequence,
            evidence,
        });
    }
}

impl Detector for Web {
    fn name(&self) -> &'static str {
        NAME
    }

    fn event(&mut self, event: &ProtocolEvent<'_>, found: &mut Vec<Finding>) {
        if event.proto != "http" {
            return;
        }
        let Some(Value::Text(uri)) = event.get("uri") else { return };
        if !uri.iter().any(|byte| TELLING.contains(byte)) {
            return;
        }
        let mut plain = std::mem::take(&mut self.plain);
        undone(uri, &mut plain);
        for pattern in PATTERNS {
            if pattern.fits(&plain) {
                self.say(event, uri, pattern, found);
            }
        }
        self.plain = plain;
    }
}

/// The target in small letters, with percent signs undone twice and plus signs as spaces.
fn undone(uri: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&uri[..uri.len().min(MOST_TARGET)]);
    for _ in 0..2 {
        let (mut from, mut to) = (0, 0);
        while let Some(byte) = out.get(from).copied() {
            let hex = |at: usize| out.get(at).and_then(|byte| char::from(*byte).to_digit(16));
            let (byte, used) = match (byte, hex(from + 1), hex(from + 2)) {
                (b'%', Some(high), Some(low)) => ((high << 4 | low) as u8, 3),
                _ => (byte, 1),
            };
            out[to] = byte;
            (from, to) = (from + used, to + 1);
        }
        out.truncate(to);
    }
    out.make_ascii_lowercase();
    out.iter_mut().filter(|byte| **byte == b'+').for_each(|byte| *byte = b' ');
}

const NAME: &str = "web";
const INJECTION: &str = "web injection";
/// Words of a database's language before a comparison.
const JOINTS: &[&str] = &["and", "or", "where", "when", "having", "not"];
/// Without one of these a target is harmless; most have none and cost nothing more.
const TELLING: &[u8] = b"%'\"<>;|`$()\\.*+&";
/// Bytes of a target that are looked at, and shown.
const MOST_TARGET: usize = 4096;
const MOST_SHOWN: usize = 120;
/// The same is said again after this: microseconds.
const AGAIN: u64 = 60_000_000;
const MOST_SAID: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(uri: &str) -> Vec<&'static str> {
        let mut plain = Vec::new();
        undone(uri.as_bytes(), &mut plain);
        PATTERNS.iter().filter(|pattern| pattern.fits(&plain)).map(|pattern| pattern.kind).collect()
    }

    #[test]
    fn what_attacks_send_is_known_in_every_writing() {
        for (uri, kind) in [
            ("/../../etc/passwd", "web traversal"),
            ("/%2e%2e%2f%2e%2e%2fwindows", "web traversal"),
            ("/%252e%252e%252fconfig", "web traversal"),
            ("/status?id=%27+OR+%271%27%3D%271", "web injection"),
            ("/report?from=1+UNION+SELECT+name", "web injection"),
            ("/config?host=127.0.0.1%3B+cat+/x", "web command"),
            ("/config?host=$(reboot)", "web command"),
            ("/login?user=%3CScript%3Ealert(1)", "web script"),
            ("/status?id=1%29+AND+%284519%3D4519", "web injection"),
            ("/ping?host=a%7Cid", "web command"),
        ] {
            assert!(kinds(uri).contains(&kind), "{uri}: {:?}", kinds(uri));
        }
    }

    #[test]
    fn what_plants_ask_for_is_harmless() {
        for uri in [
            "/",
            "/api/values?from=2026-01-01T00:00:00+01:00&to=now",
            "/img/logo.v2.png",
            "/a%20b/c.html",
            "/cgi-bin/status.cgi?page=1&sort=name",
            "/firmware/PLC-300",
            "%",
            "/100%",
            "/trend?from=7&floor=7&door=12",
            "/%zz",
        ] {
            assert_eq!(kinds(uri), [""; 0], "{uri}");
        }
    }
}
