//! Reads requests: their fields, what is wrong with them, and what their responses must agree with.

use super::list::{self, List};
use super::pdu::{CANOPEN, READ_DEVICE_IDENTIFICATION, SHORT, UMAS, most, packed};
use crate::bytes::Reader;
use crate::protocol::{Fields, Value};

/// What is kept of a request to judge and complete its response.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::protocol) struct Asked {
    /// First address; subfunction of 8; identification code of 43/14.
    pub addr: u16,
    /// How many are read or written; the value or mask where one register is written.
    pub qty: u16,
    /// The second mask of 22.
    pub or_mask: u16,
}

/// Adds the fields of a request; says what is wrong with it.
#[inline]
pub(in crate::protocol) fn request<'a>(
    fields: &mut Fields<'a>,
    func: u8,
    body: &'a [u8],
    list: &'a List<'a>,
    asked: &mut Asked,
) -> Option<&'static str> {
    // Reads are nearly all there is.
    if let (1..=4, Some([a1, a2, q1, q2])) = (func, body.first_chunk::<4>()) {
        asked.addr = u16::from_be_bytes([*a1, *a2]);
        asked.qty = u16::from_be_bytes([*q1, *q2]);
        range(fields, asked);
        return judged(func, asked);
    }
    other(fields, func, body, list, asked).unwrap_or(SHORT)
}

fn range(fields: &mut Fields<'_>, asked: &Asked) {
    fields.number("addr", asked.addr);
    fields.number("qty", asked.qty);
}

/// A range must have a quantity within limits and end at the last address.
#[inline]
fn judged(func: u8, asked: &Asked) -> Option<&'static str> {
    if asked.qty == 0 || asked.qty > most(func) {
        return QUANTITY;
    }
    past_end(asked.addr, asked.qty)
}

#[inline]
fn past_end(addr: u16, qty: u16) -> Option<&'static str> {
    let end = u32::from(addr).saturating_add(u32::from(qty));
    (end > 0x1_0000).then_some("addresses run past 65535")
}

type Judgement = Option<&'static str>;

/// `None`: shorter than the function needs.
fn other<'a>(
    fields: &mut Fields<'a>,
    func: u8,
    body: &'a [u8],
    list: &'a List<'a>,
    asked: &mut Asked,
) -> Option<Judgement> {
    let mut reader = Reader::new(body);
    match func {
        0 => {
            rest(fields, body);
            Some(Some("function 0 is not allowed"))
        }
        1..=4 => None,
        5 | 6 => single(fields, func, &mut reader, asked),
        7 | 11 | 12 | 17 => Some(None),
        8 => diagnostics(fields, &mut reader, asked),
        15 | 16 => multiple(fields, func, &mut reader, asked),
        20 | 21 => records(fields, func, body, list, asked),
        22 => mask(fields, &mut reader, asked),
        23 => read_write(fields, &mut reader, asked),
        24 => {
            asked.addr = reader.u16()?;
            fields.number("addr", asked.addr);
            Some(None)
        }
        43 => encapsulated(fields, &mut reader, asked),
        _ => {
            vendor(fields, func, body);
            Some(None)
        }
    }
}

/// Writes of one coil or register; the response is an echo.
pub(super) fn single<'a>(
    fields: &mut Fields<'a>,
    func: u8,
    reader: &mut Reader<'a>,
    asked: &mut Asked,
) -> Option<Judgement> {
    asked.addr = reader.u16()?;
    let value = reader.take(2)?;
    asked.qty = u16::from_be_bytes(value.try_into().ok()?);
    fields.number("addr", asked.addr);
    match (func, asked.qty) {
        // The first byte of "on" is 0xFF, so its lowest bit is the coil.
        (5, 0 | 0xff00) => fields.push("values", Value::Bits { bytes: value, count: 1 }),
        (5, _) => {
            fields.push("values", Value::Registers(value));
            return Some(Some("coil value is neither 0x0000 nor 0xFF00"));
        }
        _ => fields.push("values", Value::Registers(value)),
    }
    Some(None)
}

/// Diagnostics (Application Protocol, 6.8); most responses are an echo.
pub(super) fn diagnostics<'a>(
    fields: &mut Fields<'a>,
    reader: &mut Reader<'a>,
    asked: &mut Asked,
) -> Option<Judgement> {
    asked.addr = reader.u16()?;
    fields.number("sub", asked.addr);
    rest(fields, reader.rest());
    asked.qty = reader.u16()?;
    let wrong = asked.addr == RESTART_COMMUNICATIONS && !matches!(asked.qty, 0 | 0xff00);
    Some(wrong.then_some("restart option is neither 0x0000 nor 0xFF00"))
}

fn multiple<'a>(
    fields: &mut Fields<'a>,
    func: u8,
    reader: &mut Reader<'a>,
    asked: &mut Asked,
) -> Option<Judgement> {
    asked.addr = reader.u16()?;
    asked.qty = reader.u16()?;
    range(fields, asked);
    let count = usize::from(reader.u8()?);
    let data = reader.rest().get(..count).unwrap_or(reader.rest());
    let need = if func == 15 { packed(asked.qty) } else { usize::from(asked.qty).saturating_mul(2) };
    let values = if func == 15 { coils(data, asked.qty) } else { Value::Registers(data) };
    fields.push("values", values);
    let limits = judged(func, asked);
    let wrong = if limits.is_some() {
        limits
    } else if count != need {
        BYTE_COUNT
    } else if data.len() < count {
        SHORT
    } else {
        None
    };
    Some(wrong)
}

/// As many coils as were meant and are there.
pub(super) fn coils(bytes: &[u8], count: u16) -> Value<'_> {
    let there = u16::try_from(bytes.len().saturating_mul(8)).unwrap_or(u16::MAX);
    Value::Bits { bytes, count: count.min(there) }
}

fn records<'a>(
    fields: &mut Fields<'a>,
    func: u8,
    body: &'a [u8],
    list: &'a List<'a>,
    asked: &mut Asked,
) -> Option<Judgement> {
    body.first()?;
    asked.qty = u16::try_from(body.len()).unwrap_or(u16::MAX);
    fields.push("groups", Value::Rows(list));
    let whole = if func == 20 { list::asked_records(body) } else { list::written_records(body) };
    Some(if whole { None } else { RECORDS })
}

/// Mask write (Application Protocol, 6.16); the response is an echo.
pub(super) fn mask(fields: &mut Fields<'_>, reader: &mut Reader<'_>, asked: &mut Asked) -> Option<Judgement> {
    asked.addr = reader.u16()?;
    asked.qty = reader.u16()?;
    asked.or_mask = reader.u16()?;
    fields.number("addr", asked.addr);
    fields.number("and_mask", asked.qty);
    fields.number("or_mask", asked.or_mask);
    Some(None)
}

fn read_write<'a>(fields: &mut Fields<'a>, reader: &mut Reader<'a>, asked: &mut Asked) -> Option<Judgement> {
    asked.addr = reader.u16()?;
    asked.qty = reader.u16()?;
    range(fields, asked);
    let (write_addr, write_qty) = (reader.u16()?, reader.u16()?);
    fields.number("write_addr", write_addr);
    fields.number("write_qty", write_qty);
    let count = usize::from(reader.u8()?);
    let data = reader.rest().get(..count).unwrap_or(reader.rest());
    fields.push("write_values", Value::Registers(data));
    let limits = judged(23, asked);
    let wrong = if limits.is_some() {
        limits
    } else if write_qty == 0 || write_qty > MOST_WRITTEN_BY_23 {
        QUANTITY
    } else if count != usize::from(write_qty).saturating_mul(2) {
        BYTE_COUNT
    } else if data.len() < count {
        SHORT
    } else {
        past_end(write_addr, write_qty)
    };
    Some(wrong)
}

fn encapsulated<'a>(
    fields: &mut Fields<'a>,
    reader: &mut Reader<'a>,
    asked: &mut Asked,
) -> Option<Judgement> {
    let kind = reader.u8()?;
    fields.number("sub", kind);
    if kind != READ_DEVICE_IDENTIFICATION {
        rest(fields, reader.rest());
        return Some(if kind == CANOPEN { None } else { MEI });
    }
    let code = reader.u8()?;
    asked.addr = u16::from(code);
    fields.number("read_code", code);
    fields.number("object_id", reader.u8()?);
    Some((!matches!(code, 1..=4)).then_some("device identification code is not 1 to 4"))
}

/// A message whose content only its vendor knows.
pub(super) fn vendor<'a>(fields: &mut Fields<'a>, func: u8, body: &'a [u8]) {
    // UMAS: a session number, then a function of its own.
    if let (UMAS, Some([_, sub])) = (func, body.first_chunk::<2>()) {
        fields.number("sub", *sub);
    }
    rest(fields, body);
}

/// Bytes that are shown as they are.
pub(super) fn rest<'a>(fields: &mut Fields<'a>, bytes: &'a [u8]) {
    if !bytes.is_empty() {
        fields.push("data", Value::Hex(bytes));
    }
}

pub(super) const RESTART_COMMUNICATIONS: u16 = 1;
const MOST_WRITTEN_BY_23: u16 = 121;
const QUANTITY: Judgement = Some("quantity is 0 or over the limit");
pub(super) const BYTE_COUNT: Judgement = Some("byte count does not fit the quantity");
pub(super) const MEI: Judgement = Some("MEI type is not assigned");
pub(super) const RECORDS: Judgement = Some("file record groups do not fit their lengths");
