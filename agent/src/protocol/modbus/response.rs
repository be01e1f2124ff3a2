//! Reads responses: their fields, and what is wrong with them by themselves or beside their request.

use super::list::{self, List};
use super::pdu::{CANOPEN, READ_DEVICE_IDENTIFICATION, SHORT, packed};
use super::request::{
    Asked, BYTE_COUNT, MEI, RECORDS, RESTART_COMMUNICATIONS, coils, diagnostics, mask, rest, single, vendor,
};
use crate::bytes::Reader;
use crate::protocol::{Fields, Value};

/// Adds the fields of a response; says what is wrong with it.
#[inline]
pub(in crate::protocol) fn response<'a>(
    fields: &mut Fields<'a>,
    func: u8,
    body: &'a [u8],
    list: &'a List<'a>,
    asked: Option<&Asked>,
) -> Option<&'static str> {
    // Reads are nearly all there is.
    if let (1..=4, Some((count, data))) = (func, body.split_first()) {
        return read(fields, func, usize::from(*count), data, asked);
    }
    other(fields, func, body, list, asked).unwrap_or(SHORT)
}

/// Coils or registers; the request says which, and how many of the last byte's bits count.
#[inline]
fn read<'a>(
    fields: &mut Fields<'a>,
    func: u8,
    count: usize,
    data: &'a [u8],
    asked: Option<&Asked>,
) -> Judgement {
    let values = data.get(..count).unwrap_or(data);
    if let Some(asked) = asked {
        fields.number("addr", asked.addr);
        fields.number("qty", asked.qty);
    }
    if func <= 2 {
        fields.push("values", coils(values, asked.map_or(u16::MAX, |asked| asked.qty)));
        return match asked {
            _ if data.len() < count => SHORT,
            Some(asked) if count != packed(asked.qty) => ASKED,
            None if count == 0 => BYTE_COUNT,
            _ => None,
        };
    }
    fields.push("values", Value::Registers(values));
    match asked {
        _ if data.len() < count => SHORT,
        _ if !count.is_multiple_of(2) => Some("byte count of registers is odd"),
        Some(asked) if count != usize::from(asked.qty).saturating_mul(2) => ASKED,
        None if count == 0 => BYTE_COUNT,
        _ => None,
    }
}

/// Whether a response can belong to a request of the same function; to choose among several requests
/// that carry the same transaction id.
pub(in crate::protocol) fn answers(func: u8, body: &[u8], asked: &Asked) -> bool {
    let word = |at: usize| match body.get(at..).and_then(<[u8]>::first_chunk::<2>) {
        Some(word) => u16::from_be_bytes(*word),
        None => 0,
    };
    let count = body.first().map_or(0, |count| usize::from(*count));
    match func {
        1 | 2 => count == packed(asked.qty),
        3 | 4 | 23 => count == usize::from(asked.qty).saturating_mul(2),
        5 | 6 | 8 | 15 | 16 => word(0) == asked.addr && (func == 8 || word(2) == asked.qty),
        22 => word(0) == asked.addr && word(2) == asked.qty && word(4) == asked.or_mask,
        _ => true,
    }
}

type Judgement = Option<&'static str>;

/// `None`: shorter than the function needs.
fn other<'a>(
    fields: &mut Fields<'a>,
    func: u8,
    body: &'a [u8],
    list: &'a List<'a>,
    asked: Option<&Asked>,
) -> Option<Judgement> {
    let mut reader = Reader::new(body);
    let mut echo = Asked::default();
    let judgement = match func {
        0 => {
            rest(fields, body);
            Some("function 0 is not allowed")
        }
        1..=4 => return None,
        5 | 6 => single(fields, func, &mut reader, &mut echo)?.or(differs(asked, &echo)),
        7 => {
            fields.number("status", reader.u8()?);
            None
        }
        8 => diagnosed(fields, &mut reader, asked)?,
        11 => {
            fields.number("status", reader.u16()?);
            fields.number("event_count", reader.u16()?);
            None
        }
        12 => event_log(fields, &mut reader)?,
        15 | 16 => {
            echo = Asked { addr: reader.u16()?, qty: reader.u16()?, or_mask: 0 };
            fields.number("addr", echo.addr);
            fields.number("qty", echo.qty);
            differs(asked, &echo)
        }
        17 => server_id(fields, &mut reader)?,
        20 | 21 => records(fields, func, body, list, asked)?,
        22 => mask(fields, &mut reader, &mut echo)?.or(differs(asked, &echo)),
        23 => {
            let count = usize::from(reader.u8()?);
            read(fields, func, count, reader.rest(), asked)
        }
        24 => queue(fields, &mut reader, asked)?,
        43 => encapsulated(fields, &mut reader, list, asked)?,
        0x80.. => exception(fields, func, &mut reader, asked)?,
        _ => {
            vendor(fields, func, body);
            None
        }
    };
    Some(judgement)
}

/// An echo must say what the request said (Application Protocol, 6.5, 6.6, 6.11, 6.12, 6.16).
fn differs(asked: Option<&Asked>, echo: &Asked) -> Judgement {
    let same =
        |asked: &Asked| asked.addr == echo.addr && asked.qty == echo.qty && asked.or_mask == echo.or_mask;
    asked.is_some_and(|asked| !same(asked)).then_some("echo differs from the request")
}

/// Subfunctions 0 to 4 and 10 echo the request's word, the counters put their own in its place.
fn diagnosed<'a>(
    fields: &mut Fields<'a>,
    reader: &mut Reader<'a>,
    asked: Option<&Asked>,
) -> Option<Judgement> {
    let mut echo = Asked::default();
    let judgement = diagnostics(fields, reader, &mut echo)?;
    let echoes = matches!(echo.addr, 0 | RESTART_COMMUNICATIONS | 3 | 10);
    let same = |asked: &Asked| asked.addr == echo.addr && (!echoes || asked.qty == echo.qty);
    Some(judgement.or(asked.is_some_and(|asked| !same(asked)).then_some("echo differs from the request")))
}

fn event_log<'a>(fields: &mut Fields<'a>, reader: &mut Reader<'a>) -> Option<Judgement> {
    let count = usize::from(reader.u8()?);
    fields.number("status", reader.u16()?);
    fields.number("event_count", reader.u16()?);
    fields.number("message_count", reader.u16()?);
    fields.push("events", Value::Bytes(reader.rest()));
    Some(if count == reader.left().saturating_add(6) { None } else { SHORT })
}

/// How long the id is depends on the device; nearly always it is one byte and the run indicator
/// follows it (Application Protocol, 6.13).
fn server_id<'a>(fields: &mut Fields<'a>, reader: &mut Reader<'a>) -> Option<Judgement> {
    let count = usize::from(reader.u8()?);
    let data = reader.rest();
    if let [id, status @ (0 | 0xff), ..] = data {
        fields.number("server_id", *id);
        fields.bool("running", *status == 0xff);
    }
    rest(fields, data);
    Some(if count <= data.len() { None } else { SHORT })
}

fn records<'a>(
    fields: &mut Fields<'a>,
    func: u8,
    body: &'a [u8],
    list: &'a List<'a>,
    asked: Option<&Asked>,
) -> Option<Judgement> {
    body.first()?;
    fields.push("groups", Value::Rows(list));
    let whole = if func == 20 { list::read_records(body) } else { list::written_records(body) };
    // The response of 21 is an echo; its length is all that was kept to compare.
    let other_echo = func == 21 && asked.is_some_and(|asked| usize::from(asked.qty) != body.len());
    Some(match (whole, other_echo) {
        (false, _) => RECORDS,
        (true, true) => Some("echo differs from the request"),
        (true, false) => None,
    })
}

fn queue<'a>(fields: &mut Fields<'a>, reader: &mut Reader<'a>, asked: Option<&Asked>) -> Option<Judgement> {
    let (bytes, count) = (reader.u16()?, reader.u16()?);
    if let Some(asked) = asked {
        fields.number("addr", asked.addr);
    }
    fields.number("qty", count);
    fields.push("values", Value::Registers(reader.rest()));
    let values = usize::from(count).saturating_mul(2);
    let wrong = if usize::from(bytes) != values.saturating_add(2) {
        BYTE_COUNT
    } else if reader.left() < values {
        SHORT
    } else {
        (count > MOST_QUEUED).then_some("more than 31 values in a FIFO")
    };
    Some(wrong)
}

/// Device identification (Application Protocol, 6.21).
fn encapsulated<'a>(
    fields: &mut Fields<'a>,
    reader: &mut Reader<'a>,
    list: &'a List<'a>,
    asked: Option<&Asked>,
) -> Option<Judgement> {
    let kind = reader.u8()?;
    fields.number("sub", kind);
    if kind != READ_DEVICE_IDENTIFICATION {
        rest(fields, reader.rest());
        return Some(if kind == CANOPEN { None } else { MEI });
    }
    let code = reader.u8()?;
    fields.number("read_code", code);
    fields.number("conformity", reader.u8()?);
    let more = reader.u8()?;
    fields.bool("more_follows", more != 0);
    fields.number("next_object_id", reader.u8()?);
    reader.u8()?;
    fields.push("objects", Value::Rows(list));
    Some(if !list::objects_whole(list.body) {
        Some("identification objects do not fit their lengths")
    } else if !matches!(more, 0 | 0xff) {
        Some("more-follows is neither 0x00 nor 0xFF")
    } else if asked.is_some_and(|asked| asked.addr != u16::from(code)) {
        Some("device identification code is not the one asked for")
    } else {
        None
    })
}

/// An exception says nothing about the request, so the request's own words stand beside it.
fn exception(
    fields: &mut Fields<'_>,
    func: u8,
    reader: &mut Reader<'_>,
    asked: Option<&Asked>,
) -> Option<Judgement> {
    let code = reader.u8()?;
    if let Some(asked) = asked {
        match func & 0x7f {
            8 => fields.number("sub", asked.addr),
            1..=6 | 15 | 16 | 22..=24 => fields.number("addr", asked.addr),
            _ => {}
        }
        if matches!(func & 0x7f, 1..=4 | 15 | 16 | 23) {
            fields.number("qty", asked.qty);
        }
    }
    fields.number("exception", code);
    Some((code == 0).then_some("exception code is 0"))
}

const ASKED: Judgement = Some("byte count does not fit the quantity asked for");
const MOST_QUEUED: u16 = 31;
