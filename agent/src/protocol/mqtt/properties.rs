//! Properties of MQTT 5.0: what each is called, how it is written, where it may stand.
//!
//! A block is checked once in full; what was sound of it is walked again when an event is made, so
//! nothing is copied and no struct of thirty optional values is filled per packet.

use super::header::{Kind, Varint, varint};
use super::message::{CUT_SHORT, Fault};
use super::text;
use crate::bytes::Reader;
use crate::protocol::{Fields, Value};

/// A block of properties after it was checked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Properties<'a> {
    /// The properties, as far as they are sound.
    sound: &'a [u8],
    /// Topic alias; 0 is none.
    pub alias: u16,
    /// The name that the server gave to a client without one.
    pub assigned_client_id: Option<&'a [u8]>,
    /// How many user properties.
    user: u32,
}

/// Where properties may stand: one bit per kind of packet, and one for the will.
const WILL: u32 = 1;
const CONNECT: u32 = 1 << 1;
const CONNACK: u32 = 1 << 2;
const PUBLISH: u32 = 1 << 3;
const ACKS: u32 = 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7;
const SUBSCRIBE: u32 = 1 << 8;
const SUBACKS: u32 = 1 << 9 | 1 << 11;
const DISCONNECT: u32 = 1 << 14;
const AUTH: u32 = 1 << 15;
const MESSAGE: u32 = PUBLISH | WILL;
const ANYWHERE: u32 = u32::MAX;

const USER: u32 = 0x26;
const SUBSCRIPTION_ID: u32 = 0x0b;
const WILL_DELAY: u32 = 0x18;

/// How a property is written, and which values it may take.
#[derive(Clone, Copy)]
enum Form {
    Binary,
    /// One byte, 0 or 1.
    Flag,
    /// Four bytes; zero is refused where the flag is set.
    Long {
        nonzero: bool,
    },
    Pair,
    /// Two bytes; zero is refused where the flag is set.
    Short {
        nonzero: bool,
    },
    Text,
    Topic,
    Varint,
}

struct Property {
    /// Its field in events; `None` is not shown.
    name: Option<&'static str>,
    form: Form,
    places: u32,
}

/// MQTT 5.0, 2.2.2.2. Authentication data is not shown: it may be a secret.
const fn property(id: u32) -> Option<Property> {
    let (name, form, places) = match id {
        0x01 => ("payload_format", Form::Flag, MESSAGE),
        0x02 => ("message_expiry", Form::Long { nonzero: false }, MESSAGE),
        0x03 => ("content_type", Form::Text, MESSAGE),
        0x08 => ("response_topic", Form::Topic, MESSAGE),
        0x09 => ("correlation_data", Form::Binary, MESSAGE),
        SUBSCRIPTION_ID => ("subscription_id", Form::Varint, PUBLISH | SUBSCRIBE),
        0x11 => ("session_expiry", Form::Long { nonzero: false }, CONNECT | CONNACK | DISCONNECT),
        0x12 => ("assigned_client_id", Form::Text, CONNACK),
        0x13 => ("server_keep_alive", Form::Short { nonzero: false }, CONNACK),
        0x15 => ("auth_method", Form::Text, CONNECT | CONNACK | AUTH),
        0x16 => ("", Form::Binary, CONNECT | CONNACK | AUTH),
        0x17 => ("request_problem_info", Form::Flag, CONNECT),
        WILL_DELAY => ("will_delay", Form::Long { nonzero: false }, WILL),
        0x19 => ("request_response_info", Form::Flag, CONNECT),
        0x1a => ("response_info", Form::Text, CONNACK),
        0x1c => ("server_reference", Form::Text, CONNACK | DISCONNECT),
        0x1f => ("reason_string", Form::Text, CONNACK | ACKS | SUBACKS | DISCONNECT | AUTH),
        0x21 => ("receive_maximum", Form::Short { nonzero: true }, CONNECT | CONNACK),
        0x22 => ("topic_alias_maximum", Form::Short { nonzero: false }, CONNECT | CONNACK),
        // Stands beside the topic in events.
        0x23 => ("", Form::Short { nonzero: true }, PUBLISH),
        0x24 => ("maximum_qos", Form::Flag, CONNACK),
        0x25 => ("retain_available", Form::Flag, CONNACK),
        // Counted, not shown.
        USER => ("", Form::Pair, ANYWHERE),
        0x27 => ("maximum_packet_size", Form::Long { nonzero: true }, CONNECT | CONNACK),
        0x28 => ("wildcard_subscription", Form::Flag, CONNACK),
        0x29 => ("subscription_ids", Form::Flag, CONNACK),
        0x2a => ("shared_subscription", Form::Flag, CONNACK),
        _ => return None,
    };
    Some(Property { name: if name.is_empty() { None } else { Some(name) }, form, places })
}

/// Reads the length of a block and the block; `into` gets what is sound of it, even when a fault ends
/// it.
pub(super) fn read<'a>(reader: &mut Reader<'a>, kind: Kind, into: &mut Properties<'a>) -> Result<(), Fault> {
    block(reader, 1_u32.wrapping_shl(kind as u32), into)
}

/// The properties of a will.
pub(super) fn read_will<'a>(reader: &mut Reader<'a>, into: &mut Properties<'a>) -> Result<(), Fault> {
    block(reader, WILL, into)
}

fn block<'a>(reader: &mut Reader<'a>, place: u32, into: &mut Properties<'a>) -> Result<(), Fault> {
    let mut ahead = *reader;
    let len = match varint(&mut ahead) {
        Varint::Number { number, minimal: true } => number as usize,
        Varint::Number { .. } | Varint::Broken => return Err("broken length of properties"),
        Varint::Short => return Err(CUT_SHORT),
    };
    let whole = ahead.take(len);
    // What was cut off is still worth a look: the first properties may be whole.
    let present = whole.unwrap_or(ahead.rest());
    let mut inside = Reader::new(present);
    let mut seen = 0_u64;
    while inside.left() > 0 {
        if let Err(fault) = one(&mut inside, place, &mut seen, into) {
            return Err(match (whole, fault) {
                (None, _) => CUT_SHORT,
                (Some(_), CUT_SHORT) => SHORT_BLOCK,
                (Some(_), fault) => fault,
            });
        }
        into.sound = present.get(..inside.position()).unwrap_or_default();
    }
    if whole.is_none() {
        return Err(CUT_SHORT);
    }
    *reader = ahead;
    Ok(())
}

fn one<'a>(
    reader: &mut Reader<'a>,
    place: u32,
    seen: &mut u64,
    into: &mut Properties<'a>,
) -> Result<(), Fault> {
    let Some((id, property, value)) = next(reader)? else { return Err("unknown property") };
    if property.places & place == 0 {
        return Err("property in a packet that may not carry it");
    }
    let bit = 1_u64.wrapping_shl(id);
    let may_repeat = id == USER || id == SUBSCRIPTION_ID && place == PUBLISH;
    if *seen & bit != 0 && !may_repeat {
        return Err("property given twice");
    }
    *seen |= bit;
    match (property.form, value) {
        (Form::Text, Value::Text(text)) => text::check(text)?,
        (Form::Topic, Value::Text(topic)) => text::check_topic(topic)?,
        (Form::Flag, Value::Number(2..)) => return Err("property with a value that it may not have"),
        (Form::Short { nonzero: true } | Form::Long { nonzero: true } | Form::Varint, Value::Number(0)) => {
            return Err("property is zero");
        }
        _ => {}
    }
    match (id, value) {
        // Two bytes wide by its form.
        (0x23, Value::Number(alias)) => into.alias = alias as u16,
        (0x12, Value::Text(name)) => into.assigned_client_id = Some(name),
        (USER, _) => into.user = into.user.saturating_add(1),
        _ => {}
    }
    Ok(())
}

/// The next property by its form alone; `None` when its identifier has no meaning.
fn next<'a>(reader: &mut Reader<'a>) -> Result<Option<(u32, Property, Value<'a>)>, Fault> {
    let id = number(reader)?;
    let Some(property) = property(id) else { return Ok(None) };
    let value = match property.form {
        Form::Binary => Value::Hex(text::field(reader)?),
        Form::Flag => Value::Number(reader.u8().ok_or(SHORT_BLOCK)?.into()),
        Form::Long { .. } => Value::Number(reader.u32().ok_or(SHORT_BLOCK)?.into()),
        Form::Pair => {
            let (name, value) = (text::field(reader)?, text::field(reader)?);
            text::check(name)?;
            text::check(value)?;
            Value::Bool(true)
        }
        Form::Short { .. } => Value::Number(reader.u16().ok_or(SHORT_BLOCK)?.into()),
        Form::Text | Form::Topic => Value::Text(text::field(reader)?),
        Form::Varint => Value::Number(number(reader)?.into()),
    };
    Ok(Some((id, property, value)))
}

fn number(reader: &mut Reader<'_>) -> Result<u32, Fault> {
    match varint(reader) {
        Varint::Number { number, .. } => Ok(number),
        Varint::Broken => Err("broken number in properties"),
        Varint::Short => Err(SHORT_BLOCK),
    }
}

impl<'a> Properties<'a> {
    /// There is at least one.
    pub(super) const fn any(&self) -> bool {
        !self.sound.is_empty()
    }

    /// Adds what is worth showing, each once, in the order of the wire. Names stand only once
    /// because all but two properties may stand only once.
    pub(super) fn show(&self, fields: &mut Fields<'a>) {
        let mut reader = Reader::new(self.sound);
        let mut subscribed = false;
        while let Ok(Some((id, property, value))) = next(&mut reader) {
            let again = id == SUBSCRIPTION_ID && std::mem::replace(&mut subscribed, true);
            if let Some(name) = property.name
                && !again
            {
                fields.push(name, value);
            }
        }
        if self.user > 0 {
            fields.number("user_properties", self.user);
        }
    }

    /// Of a will only when it is sent: the rest belongs to a message that may never be.
    pub(super) fn show_will(&self, fields: &mut Fields<'a>) {
        let mut reader = Reader::new(self.sound);
        while let Ok(Some((id, _, value))) = next(&mut reader) {
            if id == WILL_DELAY {
                fields.push("will_delay", value);
            }
        }
    }
}

const SHORT_BLOCK: Fault = "properties end inside a property";
