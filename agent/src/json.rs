//! Events as JSON, one object a line, written straight into a byte buffer.
//!
//! Our own writer because this is the hottest place of `decode`: values come from the wire as
//! bytes, lists of registers are long, and no intermediate tree or string is made. Text that is not
//! valid UTF-8 is written with U+FFFD in place of the bad bytes.

mod digits;

use fieldward_shared::time::Timestamp;

use crate::flow::Addr;
use crate::protocol::{Field, ProtocolEvent, Value};

/// Appends one event and a line feed.
pub fn event(out: &mut Vec<u8>, event: &ProtocolEvent<'_>) {
    out.extend_from_slice(b"{\"ts\":");
    timestamp(out, event.ts);
    out.extend_from_slice(b",\"proto\":\"");
    word(out, event.proto.as_bytes());
    let (src, dst) = (event.src(), event.dst());
    out.extend_from_slice(b"\",\"src\":\"");
    address(out, &src.addr);
    out.extend_from_slice(b"\",\"sport\":");
    number(out, u64::from(src.port));
    out.extend_from_slice(b",\"dst\":\"");
    address(out, &dst.addr);
    out.extend_from_slice(b"\",\"dport\":");
    number(out, u64::from(dst.port));
    out.extend_from_slice(b",\"conn\":\"");
    hex(out, &event.flow.id.to_be_bytes());
    out.push(b'"');
    for field in event.fields {
        out.push(b',');
        member(out, field);
    }
    if let Some(reason) = event.malformed {
        out.extend_from_slice(b",\"malformed\":\"");
        out.extend_from_slice(reason.as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b"}\n");
}

/// Appends one value.
pub fn value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Bits { bytes, count } => bits(out, bytes, *count),
        Value::Bool(yes) => out.extend_from_slice(if *yes { b"true" } else { b"false" }),
        Value::Bytes(bytes) => list(out, bytes.iter().map(|byte| u16::from(*byte))),
        Value::Hex(bytes) => {
            out.push(b'"');
            hex(out, bytes);
            out.push(b'"');
        }
        Value::Number(value) => number(out, *value),
        Value::Registers(bytes) => {
            let (words, _) = bytes.as_chunks::<2>();
            list(out, words.iter().map(|word| u16::from_be_bytes(*word)));
        }
        Value::Render(render) => {
            out.push(b'"');
            let start = out.len();
            render.render(out);
            // Nearly all names are plain; only the others cost a copy.
            if !plain(out.get(start..).unwrap_or_default()) {
                let raw = out.split_off(start);
                escape(out, &raw);
            }
            out.push(b'"');
        }
        Value::Rows(rows) => {
            out.push(b'[');
            let mut first = true;
            rows.each(&mut |row| {
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                object(out, row);
            });
            out.push(b']');
        }
        Value::Span(micros) => {
            number(out, micros / 1_000_000);
            out.push(b'.');
            fraction(out, micros % 1_000_000);
        }
        Value::Str(word) => {
            out.push(b'"');
            self::word(out, word.as_bytes());
            out.push(b'"');
        }
        Value::Text(bytes) => text(out, bytes),
    }
}

/// Appends an object of fields.
pub fn object(out: &mut Vec<u8>, fields: &[Field<'_>]) {
    out.push(b'{');
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        member(out, field);
    }
    out.push(b'}');
}

fn member(out: &mut Vec<u8>, field: &Field<'_>) {
    out.push(b'"');
    word(out, field.name.as_bytes());
    out.extend_from_slice(b"\":");
    value(out, &field.value);
}

fn timestamp(out: &mut Vec<u8>, ts: Timestamp) {
    number(out, ts.as_secs());
    out.push(b'.');
    fraction(out, ts.as_micros() % 1_000_000);
}

fn number(out: &mut Vec<u8>, value: u64) {
    match digits::of(value) {
        Some(digits) => digits.append(out),
        None => {
            number(out, value / 1_000_000);
            fraction(out, value % 1_000_000);
        }
    }
}

/// Six digits, with leading zeros.
fn fraction(out: &mut Vec<u8>, below_a_million: u64) {
    digits::six(below_a_million).append(out);
}

fn address(out: &mut Vec<u8>, addr: &Addr) {
    if let [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, v4 @ ..] = addr.bytes() {
        for (at, byte) in v4.iter().enumerate() {
            if at > 0 {
                out.push(b'.');
            }
            number(out, u64::from(*byte));
        }
        return;
    }
    use std::io::Write;
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{addr}");
}

fn list(out: &mut Vec<u8>, numbers: impl Iterator<Item = u16>) {
    out.push(b'[');
    let start = out.len();
    for value in numbers {
        digits::with_comma(value).append(out);
    }
    close_list(out, start);
}

fn bits(out: &mut Vec<u8>, bytes: &[u8], count: u16) {
    out.push(b'[');
    let start = out.len();
    let count = usize::from(count).min(bytes.len() << 3);
    for byte in bytes.iter().take(count.div_ceil(8)) {
        out.extend_from_slice(digits::eight_bits(*byte));
    }
    out.truncate(start + (count << 1));
    close_list(out, start);
}

/// Turns the comma behind the last item into the end of the list.
fn close_list(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.pop();
    }
    out.push(b']');
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        out.extend_from_slice(&digits::hex(*byte));
    }
}

/// Appends a short word without a call to the general copy: two fixed copies that may overlap.
fn word(out: &mut Vec<u8>, word: &[u8]) {
    let start = out.len();
    match (word.first_chunk::<8>(), word.last_chunk::<8>(), word.len()) {
        (Some(head), Some(tail), 8..=16) => {
            out.extend_from_slice(head);
            out.truncate(start + word.len() - 8);
            out.extend_from_slice(tail);
        }
        (_, _, 4..=7) => {
            let (Some(head), Some(tail)) = (word.first_chunk::<4>(), word.last_chunk::<4>()) else { return };
            out.extend_from_slice(head);
            out.truncate(start + word.len() - 4);
            out.extend_from_slice(tail);
        }
        _ => out.extend_from_slice(word),
    }
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    if plain(bytes) {
        word(out, bytes);
    } else {
        escape(out, bytes);
    }
    out.push(b'"');
}

/// Nothing in it needs escaping.
fn plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\'))
}

fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        escaped(out, chunk.valid());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn escaped(out: &mut Vec<u8>, valid: &str) {
    for byte in valid.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f | 0x7f => {
                out.extend_from_slice(b"\\u00");
                hex(out, &[byte]);
            }
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(shown: Value<'_>) -> String {
        let mut out = Vec::new();
        value(&mut out, &shown);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn values_print_as_json() {
        assert_eq!(shown(Value::Registers(&[0, 17, 255, 255])), "[17,65535]");
        assert_eq!(shown(Value::Registers(&[])), "[]");
        assert_eq!(shown(Value::Bits { bytes: &[], count: 9 }), "[]");
        assert_eq!(shown(Value::Bits { bytes: &[0b0000_0101, 0xff], count: 10 }), "[1,0,1,0,0,0,0,0,1,1]");
        assert_eq!(shown(Value::Span(1_000_042)), "1.000042");
        assert_eq!(shown(Value::Hex(&[0x0a, 0xff])), "\"0aff\"");
        assert_eq!(shown(Value::Bytes(&[0, 128])), "[0,128]");
    }

    #[test]
    fn text_from_the_wire_stays_valid_json() {
        for bytes in
            [&b"plain"[..], b"a\"b\\c\x00\x1f\n\x7f", b"\xff\xfe bad \xc3\xa9", "grüß\u{1f600}".as_bytes()]
        {
            let json = shown(Value::Text(bytes));
            let back: String = serde_json::from_str(&json).expect("valid JSON");
            assert_eq!(back, String::from_utf8_lossy(bytes));
        }
    }
}
