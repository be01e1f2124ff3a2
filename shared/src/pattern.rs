//! Where a web request goes, without what it says: the path with each value taken out. Words stay, numbers and
//! all that may be a name, a mark or a secret becomes `{}`, the query is dropped. So a page is one endpoint
//! whatever is asked of it, and no value leaves a plant. Reading a pattern again gives the same pattern.

use std::fmt;

/// A path without its values: at most [`LONGEST`] bytes, 8 parts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    bytes: [u8; LONGEST],
    length: u8,
}

impl Pattern {
    /// What there was no room for.
    pub const OTHER: Self = Self::plain(b"other");

    /// Of a target as it stands in a request. Total over any bytes.
    pub fn of(target: &[u8]) -> Self {
        let end = target.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(target.len());
        let target = target.get(..end).unwrap_or_default();
        let path = match target {
            b"*" => return Self::plain(b"*"),
            [b'/', ..] => target,
            _ => match target.windows(3).take(SCHEME).position(|three| three == b"://") {
                // The authority is no part of it.
                Some(at) => target.get(at.saturating_add(3)..).map_or(&b""[..], after_authority),
                None => return Self::plain(VALUE),
            },
        };
        let mut pattern = Self { bytes: [0; LONGEST], length: 0 };
        let mut parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
        let (mut count, mut people) = (1, false);
        while let Some(part) = parts.next() {
            let is_last = count == PARTS && parts.clone().next().is_some();
            let kept = if is_last || people || !is_word(part) { VALUE } else { part };
            if pattern.room() < kept.len().saturating_add(1 + VALUE.len() + 1) {
                pattern.push(VALUE);
                break;
            }
            pattern.push(kept);
            if is_last {
                break;
            }
            people = PEOPLE.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(part));
            count += 1;
        }
        if pattern.length == 0 { Self::plain(b"/") } else { pattern }
    }

    /// What is written so; none when it is no pattern: there is a value in it, or it is too long.
    pub fn read(text: &str) -> Option<Self> {
        let read = if text == Self::OTHER.as_str() { Self::OTHER } else { Self::of(text.as_bytes()) };
        (read.as_str() == text).then_some(read)
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        // Nothing but ASCII is ever put into it.
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    const fn plain(text: &[u8]) -> Self {
        let mut bytes = [0; LONGEST];
        let (head, _) = bytes.split_at_mut(text.len());
        head.copy_from_slice(text);
        Self { bytes, length: text.len() as u8 }
    }

    fn room(&self) -> usize {
        LONGEST.saturating_sub(usize::from(self.length))
    }

    fn push(&mut self, part: &[u8]) {
        let rest = self.bytes.iter_mut().skip(usize::from(self.length));
        for (to, from) in rest.zip([b'/'].iter().chain(part)) {
            *to = *from;
            self.length = self.length.saturating_add(1);
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn after_authority(rest: &[u8]) -> &[u8] {
    let at = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    rest.get(at..).unwrap_or_default()
}

/// Whether a part is a word of whoever wrote the pages, and no value.
fn is_word(part: &[u8]) -> bool {
    if part == VALUE || is_version(part) {
        return true;
    }
    let (stem, extension) = match part.iter().rposition(|byte| *byte == b'.') {
        // `.git`, `.well-known`.
        Some(0) => (part.get(1..).unwrap_or_default(), None),
        Some(at) => (part.get(..at).unwrap_or_default(), part.get(at.saturating_add(1)..)),
        None => (part, None),
    };
    let is_known = |one: &[u8]| EXTENSIONS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(one));
    let is_plain = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_');
    let is_hex = stem.len() >= HEX && stem.iter().all(u8::is_ascii_hexdigit);
    (1..=WORD).contains(&part.len())
        && stem.first().is_some_and(u8::is_ascii_alphabetic)
        && stem.iter().all(is_plain)
        && !is_hex
        && extension.is_none_or(is_known)
}

/// `v1`, `v12`.
fn is_version(part: &[u8]) -> bool {
    matches!(part, [b'v' | b'V', digits @ ..] if (1..=2).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit))
}

/// Bytes of a pattern.
pub const LONGEST: usize = 96;
/// Parts of a path.
const PARTS: usize = 8;
/// What stands for a value.
const VALUE: &[u8] = b"{}";
/// Longer words are none.
const WORD: usize = 24;
/// Letters that are all of hexadecimal digits are a number from so many on.
const HEX: usize = 8;
/// The end of a scheme stands within so many bytes.
const SCHEME: usize = 16;
/// What comes after these names somebody.
const PEOPLE: &[&str] = &[
    "account",
    "accounts",
    "author",
    "authors",
    "customer",
    "customers",
    "email",
    "emails",
    "employee",
    "employees",
    "home",
    "login",
    "mail",
    "member",
    "members",
    "operator",
    "operators",
    "owner",
    "owners",
    "people",
    "person",
    "persons",
    "profile",
    "profiles",
    "staff",
    "u",
    "user",
    "users",
];
/// What files of a web server end with; a name of a person with a dot in it does not.
const EXTENSIONS: &[&str] = &[
    "asp", "aspx", "bin", "cgi", "css", "csv", "do", "gif", "htm", "html", "ico", "ini", "jar", "jpeg",
    "jpg", "js", "json", "jsp", "log", "map", "pdf", "php", "pl", "png", "shtml", "ssi", "svc", "svg", "txt",
    "wasm", "woff", "xml", "zip",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_stay_and_values_go() {
        for (target, pattern) in [
            ("/", "/"),
            ("", "{}"),
            ("*", "*"),
            ("/api/v1/status?token=secret&x=1", "/api/v1/status"),
            ("/api/tanks/17/level#now", "/api/tanks/{}/level"),
            ("//api///status/", "/api/status"),
            ("http://user:pass@10.0.0.1:8080/api/status?q=1", "/api/status"),
            ("http://10.0.0.1", "/"),
            ("plc.example:443", "{}"),
            ("/pumps/550e8400-e29b-41d4-a716-446655440000", "/pumps/{}"),
            ("/blobs/deadbeef", "/blobs/{}"),
            ("/cafe/menu", "/cafe/menu"),
            ("/set/12.5/bar", "/set/{}/bar"),
            ("/tag=Level;value=3", "/{}"),
            ("/users/jane/avatar.png", "/users/{}/avatar.png"),
            ("/Users/Jane.Doe", "/Users/{}"),
            ("/files/jane.doe", "/files/{}"),
            ("/files/jane.doe@example.com", "/files/{}"),
            ("/~jane/index.html", "/{}/index.html"),
            ("/.git/config", "/.git/config"),
            ("/../../etc/passwd", "/{}/{}/etc/passwd"),
            ("/%2e%2e/x", "/{}/x"),
            ("/jquery-3.2.js", "/{}"),
            ("/caf\u{e9}", "/{}"),
            ("/aVeryLongWordThatIsRatherAToken", "/{}"),
            ("/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f/g/h"),
            ("/a/b/c/d/e/f/g/h/i", "/a/b/c/d/e/f/g/{}"),
        ] {
            assert_eq!(Pattern::of(target.as_bytes()).as_str(), pattern, "{target}");
        }
        let long = "/abcdefghijklmnopqrst".repeat(6);
        assert_eq!(
            Pattern::of(long.as_bytes()).as_str(),
            format!("{}/{{}}", "/abcdefghijklmnopqrst".repeat(4))
        );
    }

    #[test]
    fn what_is_no_pattern_is_not_read() {
        for wrong in ["", "/api/17", "/api/", "api", "/a?b", "/users/jane", "Other"] {
            assert_eq!(Pattern::read(wrong), None, "{wrong}");
        }
        assert_eq!(Pattern::read("other"), Some(Pattern::OTHER));
    }

    proptest! {
        #[test]
        fn a_pattern_is_its_own_and_holds_no_digit(target in proptest::collection::vec(prop_oneof![
            Just(b'/'), Just(b'.'), Just(b'v'), any::<u8>(), 97..123_u8], 0..200))
        {
            let pattern = Pattern::of(&target);
            prop_assert_eq!(Pattern::read(pattern.as_str()), Some(pattern));
            prop_assert!(pattern.as_str().len() <= LONGEST);
            prop_assert!(pattern.as_str().split('/').count() <= PARTS + 1);
            for part in pattern.as_str().split('/') {
                prop_assert!(!part.contains(|c: char| c.is_ascii_digit()) || is_version(part.as_bytes()));
            }
        }
    }
}
