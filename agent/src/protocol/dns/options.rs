//! Lists of code, length and value behind or inside a message: EDNS options (RFC 6891, section
//! 6.1.2) and the TLVs of DNS stateful operations (RFC 8490, section 5.4).

use super::Fault;
use super::message::{HEADER, Header};
use crate::bytes::Reader;

/// The next option: its code and its value.
pub(super) fn next<'a>(reader: &mut Reader<'a>) -> Option<(u16, &'a [u8])> {
    let code = reader.u16()?;
    let length = reader.u16()?;
    Some((code, reader.take(usize::from(length))?))
}

/// Whether the value of an EDNS option has the form that its code demands.
pub(super) fn check(code: u16, value: &[u8]) -> Result<(), Fault> {
    let fine = match code {
        CLIENT_SUBNET => client_subnet(value),
        COOKIE => matches!(value.len(), 8 | 16..=40),
        KEEPALIVE => matches!(value.len(), 0 | 2),
        _ => true,
    };
    if fine { Ok(()) } else { Err("an EDNS option of the wrong form") }
}

/// RFC 7871, section 6: as many bytes of the address as the prefix needs, and zeros behind it.
fn client_subnet(value: &[u8]) -> bool {
    let &[f0, f1, source, scope, ref address @ ..] = value else { return false };
    let most = match u16::from_be_bytes([f0, f1]) {
        // No family: only to say that nothing shall be told.
        0 => 0,
        1 => 32,
        2 => 128,
        _ => return true,
    };
    let bytes = usize::from(source.div_ceil(8));
    let spare = match source % 8 {
        0 => 0,
        used => u8::MAX.wrapping_shr(u32::from(used)),
    };
    source <= most
        && scope <= most
        && address.len() == bytes
        && address.last().is_none_or(|last| last & spare == 0)
}

/// Whether what follows a header without records are the TLVs of a stateful operation.
pub(super) fn are_dso(header: &Header, rest: &[u8]) -> bool {
    if header.opcode() != DSO || header.least() != HEADER as u32 {
        return false;
    }
    let mut reader = Reader::new(rest);
    while reader.left() > 0 {
        if next(&mut reader).is_none() {
            return false;
        }
    }
    true
}

const DSO: u8 = 6;
const CLIENT_SUBNET: u16 = 8;
const COOKIE: u16 = 10;
const KEEPALIVE: u16 = 11;
