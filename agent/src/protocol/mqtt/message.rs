//! One packet, read under a given version: its parts, and the first thing wrong with it.
//!
//! Reading goes as far as it can: what was understood before a fault is kept and shown.

use super::connect::Connect;
use super::header::{Header, Kind};
use super::properties::{self, Properties};
use super::reason;
use super::text;
use super::topics::Topics;
use crate::bytes::Reader;

/// What is wrong with a packet, in plain words.
pub(super) type Fault = &'static str;

/// The body ended before what it announced.
pub(super) const CUT_SHORT: Fault = "packet is too short for what it announces";

/// The parts of a packet; which ones there are depends on its kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Message<'a> {
    pub connect: Option<Connect<'a>>,
    pub session_present: Option<bool>,
    pub topic: Option<&'a [u8]>,
    pub topics: Topics<'a>,
    pub packet_id: Option<u16>,
    pub payload_len: Option<u32>,
    /// Return or reason codes: several in a SUBACK or UNSUBACK, else at most one.
    pub reasons: &'a [u8],
    pub properties: Properties<'a>,
}

impl<'a> Message<'a> {
    /// Reads `body` as version 3, 4 or 5 into `self`, which must be new; filled in place because it
    /// is large to move. Of a PUBLISH only the part before its payload is needed; of the others the
    /// body is whole unless something cut it.
    pub(super) fn read(&mut self, header: &Header, body: &'a [u8], version: u8) -> Result<(), Fault> {
        let mut reader = Reader::new(body);
        self.body(header, &mut reader, version).and(check_header(header, version))?;
        if reader.left() > 0 && header.kind != Kind::Publish {
            return Err("bytes after the end of the packet's content");
        }
        Ok(())
    }

    fn body(&mut self, header: &Header, reader: &mut Reader<'a>, version: u8) -> Result<(), Fault> {
        match header.kind {
            Kind::Unassigned => {
                reader.take(reader.left());
                Err("unassigned packet type")
            }
            Kind::Connect => {
                let connect = self.connect.insert(Connect::default());
                connect.read(reader, &mut self.properties)
            }
            Kind::Connack => self.connack(reader, version),
            Kind::Publish => self.publish(header, reader, version),
            Kind::Puback | Kind::Pubrec | Kind::Pubrel | Kind::Pubcomp => {
                let id = self.packet_id(reader);
                if version == 5 {
                    self.reason_and_properties(header.kind, reader)?;
                }
                id
            }
            Kind::Subscribe | Kind::Unsubscribe => self.subscribe(header.kind, reader, version),
            Kind::Suback | Kind::Unsuback => self.suback(header.kind, reader, version),
            Kind::Pingreq | Kind::Pingresp => Ok(()),
            Kind::Disconnect if version == 5 => self.reason_and_properties(header.kind, reader),
            Kind::Disconnect => Ok(()),
            Kind::Auth if version == 5 => self.reason_and_properties(header.kind, reader),
            Kind::Auth => {
                reader.take(reader.left());
                Err("AUTH before MQTT 5")
            }
        }
    }

    /// MQTT 5.0, 3.2.
    fn connack(&mut self, reader: &mut Reader<'a>, version: u8) -> Result<(), Fault> {
        let flags = reader.u8().ok_or(CUT_SHORT)?;
        self.session_present = Some(flags & 1 != 0);
        let code = reader.take(1).ok_or(CUT_SHORT)?;
        self.reasons = code;
        if version == 5 {
            properties::read(reader, Kind::Connack, &mut self.properties)?;
        }
        // Version 3.1 says nothing of the first byte.
        if version != 3 && flags > 1 {
            return Err("reserved acknowledge flags are set");
        }
        if version != 3 && flags == 1 && code != [0] {
            return Err("session present in a refusal");
        }
        reason::check(Kind::Connack, version, code)
    }

    /// MQTT 5.0, 3.3.
    fn publish(&mut self, header: &Header, reader: &mut Reader<'a>, version: u8) -> Result<(), Fault> {
        let topic = text::field(reader)?;
        self.topic = Some(topic);
        let id = if header.qos() > 0 { self.packet_id(reader) } else { Ok(()) };
        let flags = match (header.qos(), header.dup()) {
            (3, _) => Err("QoS 3"),
            (0, true) => Err("DUP with QoS 0"),
            _ => Ok(()),
        };
        if header.qos() > 0 && self.packet_id.is_none() {
            return flags.and(id);
        }
        if version == 5 {
            let read = properties::read(reader, Kind::Publish, &mut self.properties);
            if read.is_err() {
                return flags.and(read);
            }
        }
        // A position inside a packet fits its length.
        self.payload_len = Some(header.remaining.saturating_sub(reader.position() as u32));
        flags?;
        text::check_topic(topic)?;
        if topic.is_empty() && self.properties.alias == 0 {
            return Err("empty topic");
        }
        id
    }

    /// MQTT 5.0, 3.8 and 3.10.
    fn subscribe(&mut self, kind: Kind, reader: &mut Reader<'a>, version: u8) -> Result<(), Fault> {
        let id = self.packet_id(reader);
        if self.packet_id.is_none() {
            return id;
        }
        if version == 5 {
            properties::read(reader, kind, &mut self.properties)?;
        }
        let list = reader.take(reader.left()).unwrap_or_default();
        let (topics, fault) = Topics::read(list, kind == Kind::Subscribe, version);
        self.topics = topics;
        self.topic = topics.first();
        fault.and(id)
    }

    /// MQTT 5.0, 3.9 and 3.11.
    fn suback(&mut self, kind: Kind, reader: &mut Reader<'a>, version: u8) -> Result<(), Fault> {
        let id = self.packet_id(reader);
        if self.packet_id.is_none() {
            return id;
        }
        if version == 5 {
            properties::read(reader, kind, &mut self.properties)?;
        }
        // Before version 5 an UNSUBACK has no codes; any would be bytes after the end.
        if kind == Kind::Suback || version == 5 {
            self.reasons = reader.take(reader.left()).unwrap_or_default();
            if self.reasons.is_empty() {
                return Err("no reason code");
            }
            reason::check(kind, version, self.reasons)?;
        }
        id
    }

    /// The end of an acknowledgement, a DISCONNECT or an AUTH in version 5: the code may be left out,
    /// and the properties behind it (MQTT 5.0, 3.4.2.1).
    fn reason_and_properties(&mut self, kind: Kind, reader: &mut Reader<'a>) -> Result<(), Fault> {
        let Some(code) = reader.take(1) else { return Ok(()) };
        self.reasons = code;
        if reader.left() > 0 {
            properties::read(reader, kind, &mut self.properties)?;
        }
        reason::check(kind, 5, code)
    }

    /// Zero is no packet id (MQTT 5.0, 2.2.1), but the rest can be read.
    fn packet_id(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        let id = reader.u16().ok_or(CUT_SHORT)?;
        self.packet_id = Some(id);
        if id == 0 { Err("packet id 0") } else { Ok(()) }
    }
}

fn check_header(header: &Header, version: u8) -> Result<(), Fault> {
    if !header.flags_fit(version) {
        return Err("reserved flag bits are wrong");
    }
    if !header.minimal && version == 5 {
        return Err("remaining length takes more bytes than it needs");
    }
    Ok(())
}

/// How many bytes of the body of a PUBLISH lie before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// More of it must be there to tell: at least so many.
    AtLeast(usize),
    Known(usize),
}

/// Measures the part of a PUBLISH that must be read.
pub(super) fn publish_head(header: &Header, body: &[u8], version: u8) -> Head {
    let mut reader = Reader::new(body);
    let Some(topic) = reader.u16() else { return Head::AtLeast(2) };
    let id = if header.qos() > 0 { 4 } else { 2 };
    let before = usize::from(topic).saturating_add(id);
    if version != 5 {
        return Head::Known(before);
    }
    let mut block = Reader::new(body.get(before..).unwrap_or_default());
    match super::header::varint(&mut block) {
        super::header::Varint::Number { number, .. } => {
            Head::Known(before.saturating_add(block.position()).saturating_add(number as usize))
        }
        super::header::Varint::Broken => Head::Known(before.saturating_add(4)),
        super::header::Varint::Short => Head::AtLeast(body.len().max(before).saturating_add(1)),
    }
}
