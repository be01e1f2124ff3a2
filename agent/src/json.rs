//! Events as JSON, one object a line, written straight into a byte buffer.
//!
//! Our own writer because this is the hottest place of `decode`: values come from the wire as
//! bytes, lists of registers are long, and no intermediate tree or string is made. Text that is not
//! valid UTF-8 is written with U+FFFD in place of the bad bytes.

use fieldward_shared::time::Timestamp;

use crate::flow::Addr;
use crate::protocol::{Field, ProtocolEvent, Value};

/// Appends one event and a line feed.
pub fn event(out: &mut Vec<u8>, event: &ProtocolEvent<'_>) {
    out.extend_from_slice(b"{\"ts\":");
    timestamp(out, event.ts);
    out.extend_from_slice(b",\"proto\":\"");
    out.extend_from_slice(event.proto.as_bytes());
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
        Value::Bytes(bytes) => list(out, bytes.iter().map(|byte| u64::from(*byte))),
        Value::Hex(bytes) => {
            out.push(b'"');
            hex(out, bytes);
            out.push(b'"');
        }
        Value::Number(value) => number(out, *value),
        Value::Registers(bytes) => {
            let (words, _) = bytes.as_chunks::<2>();
            list(out, words.iter().map(|word| u64::from(u16::from_be_bytes(*word))));
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
            out.extend_from_slice(word.as_bytes());
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
    out.extend_from_slice(field.name.as_bytes());
    out.extend_from_slice(b"\":");
    value(out, &field.value);
}

fn timestamp(out: &mut Vec<u8>, ts: Timestamp) {
    number(out, ts.as_secs());
    out.push(b'.');
    fraction(out, ts.as_micros() % 1_000_000);
}

fn number(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Six digits, with leading zeros.
fn fraction(out: &mut Vec<u8>, micros: u64) {
    let mut digits = [b'0'; 6];
    let mut rest = micros;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.wrapping_add((rest % 10) as u8);
        rest /= 10;
    }
    out.extend_from_slice(&digits);
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

fn list(out: &mut Vec<u8>, numbers: impl Iterator<Item = u64>) {
    out.push(b'[');
    for (at, value) in numbers.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        number(out, value);
    }
    out.push(b']');
}

fn bits(out: &mut Vec<u8>, bytes: &[u8], count: u16) {
    let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| u64::from(byte >> bit & 1)));
    list(out, bits.take(usize::from(count)));
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
        out.push(DIGITS.get(high).copied().unwrap_or_default());
        out.push(DIGITS.get(low).copied().unwrap_or_default());
    }
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    if plain(bytes) {
        out.extend_from_slice(bytes);
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
