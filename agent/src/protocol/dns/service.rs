//! The parameters of SVCB and HTTPS records (RFC 9460, sections 2.2 and 7).

use super::data::{Paper, Parts};
use super::text::{base64, decimal, hex, ipv4, ipv6};
use super::{Fault, name, options};
use crate::bytes::Reader;

pub(super) fn walk<P: Paper>(fields: &mut Parts<'_, '_, P>) -> Result<(), Fault> {
    let mut least = 0_u32;
    while fields.reader.left() > 0 {
        let (key, value) =
            options::next(&mut fields.reader).ok_or("a service parameter that runs past its record")?;
        if u32::from(key) < least {
            return Err("service parameters out of order");
        }
        least = u32::from(key).wrapping_add(1);
        if !fits(key, value) {
            return Err("a service parameter of the wrong form");
        }
        fields.show(|out| parameter(out, key, value));
    }
    Ok(())
}

fn fits(key: u16, value: &[u8]) -> bool {
    match key {
        MANDATORY => !value.is_empty() && value.len().is_multiple_of(2),
        ALPN => !value.is_empty() && protocols_fit(value),
        NO_DEFAULT_ALPN => value.is_empty(),
        PORT => value.len() == 2,
        IPV4_HINT => !value.is_empty() && value.len().is_multiple_of(4),
        ECH => !value.is_empty(),
        IPV6_HINT => !value.is_empty() && value.len().is_multiple_of(16),
        _ => true,
    }
}

fn protocols_fit(value: &[u8]) -> bool {
    let mut reader = Reader::new(value);
    while let Some(length) = reader.u8() {
        if length == 0 || reader.take(usize::from(length)).is_none() {
            return false;
        }
    }
    true
}

fn parameter(out: &mut Vec<u8>, key: u16, value: &[u8]) {
    key_name(out, key);
    if value.is_empty() {
        return;
    }
    out.push(b'=');
    match key {
        MANDATORY => list(out, value.as_chunks::<2>().0, |out, key| key_name(out, u16::from_be_bytes(*key))),
        ALPN => protocols(out, value),
        PORT => list(out, value.as_chunks::<2>().0, |out, port| {
            decimal(out, u64::from(u16::from_be_bytes(*port)));
        }),
        IPV4_HINT => list(out, value.as_chunks::<4>().0, |out, address| {
            ipv4(out, u32::from_be_bytes(*address));
        }),
        ECH => base64(out, value),
        IPV6_HINT => list(out, value.as_chunks::<16>().0, |out, address| ipv6(out, address)),
        _ => hex(out, value),
    }
}

fn list<T>(out: &mut Vec<u8>, items: &[T], item: impl Fn(&mut Vec<u8>, &T)) {
    for (at, one) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        item(out, one);
    }
}

fn protocols(out: &mut Vec<u8>, value: &[u8]) {
    let mut reader = Reader::new(value);
    while let Some(length) = reader.u8() {
        name::printable(out, reader.take(usize::from(length)).unwrap_or_default());
        if reader.left() > 0 {
            out.push(b',');
        }
    }
}

fn key_name(out: &mut Vec<u8>, key: u16) {
    let known = match key {
        MANDATORY => "mandatory",
        ALPN => "alpn",
        NO_DEFAULT_ALPN => "no-default-alpn",
        PORT => "port",
        IPV4_HINT => "ipv4hint",
        ECH => "ech",
        IPV6_HINT => "ipv6hint",
        _ => {
            out.extend_from_slice(b"key");
            return decimal(out, u64::from(key));
        }
    };
    out.extend_from_slice(known.as_bytes());
}

const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4_HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6_HINT: u16 = 6;
