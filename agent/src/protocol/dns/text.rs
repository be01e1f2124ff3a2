//! Bytes as people write them: numbers, addresses, keys, dates.

use std::io::Write;
use std::net::Ipv6Addr;

use super::name;
use crate::protocol::Value;

/// The positions of set bits, highest bit of the first byte first.
pub(super) fn set_bits(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte.wrapping_shl(bit) & 0x80 != 0));
    (0_u64..).zip(bits).filter(|(_, set)| *set).map(|(at, _)| at)
}

pub(super) fn decimal(out: &mut Vec<u8>, number: u64) {
    crate::json::value(out, &Value::Number(number));
}

pub(super) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        digits(out, b"0123456789abcdef", &[byte >> 4, byte & 15]);
    }
}

pub(super) fn ipv4(out: &mut Vec<u8>, address: u32) {
    for (at, byte) in address.to_be_bytes().into_iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        decimal(out, u64::from(byte));
    }
}

pub(super) fn ipv6(out: &mut Vec<u8>, bytes: &[u8]) {
    if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
        // Writing into a Vec cannot fail.
        let _ = write!(out, "{}", Ipv6Addr::from(bytes));
    }
}

pub(super) fn quoted(out: &mut Vec<u8>, string: &[u8]) {
    out.push(b'"');
    name::printable(out, string);
    out.push(b'"');
}

/// RFC 4648, section 4.
pub(super) fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| group.get(at).copied().unwrap_or_default());
        let all = [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63];
        let used = group.len().wrapping_add(1);
        digits(out, ALPHABET, all.get(..used).unwrap_or_default());
        out.extend(std::iter::repeat_n(b'=', 4_usize.wrapping_sub(used)));
    }
}

/// RFC 4648, section 7, without padding, as RFC 5155 wants it.
pub(super) fn base32hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const ALPHABET: &[u8] = b"0123456789abcdefghijklmnopqrstuv";
    for group in bytes.chunks(5) {
        let word = group
            .iter()
            .zip([32, 24, 16, 8, 0])
            .fold(0, |word, (byte, shift)| word | u64::from(*byte).wrapping_shl(shift));
        let used = group.len().saturating_mul(8).div_ceil(5);
        for shift in [35, 30, 25, 20, 15, 10, 5, 0].into_iter().take(used) {
            digits(out, ALPHABET, &[(word.wrapping_shr(shift) & 31) as u8]);
        }
    }
}

fn digits(out: &mut Vec<u8>, alphabet: &[u8], values: &[u8]) {
    out.extend(values.iter().filter_map(|value| alphabet.get(usize::from(*value))));
}

/// `YYYYMMDDHHmmSS` (RFC 4034, section 3.2), from seconds since 1970.
pub(super) fn date(out: &mut Vec<u8>, seconds: u32) {
    let (mut year, mut day) = (1970_u32, seconds / 86_400);
    let leap = |year: u32| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    loop {
        let days = if leap(year) { 366 } else { 365 };
        if day < days {
            break;
        }
        day = day.wrapping_sub(days);
        year = year.wrapping_add(1);
    }
    let mut month = 1_u32;
    for days in [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < days {
            break;
        }
        day = day.wrapping_sub(days);
        month = month.wrapping_add(1);
    }
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let day = day.wrapping_add(1);
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}");
}
