//! CONNECT: who comes, under which version, and what is to be said when they are gone.
//!
//! A password is stepped over: nothing of it but its presence is kept.

use super::header::Kind;
use super::message::{CUT_SHORT, Fault};
use super::properties::{self, Properties};
use super::text;
use crate::bytes::Reader;

/// What a CONNECT says, as far as it was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Connect<'a> {
    /// Protocol level without the bridge bit: 3, 4, 5 or nonsense.
    pub level: u8,
    /// The broker on this end is a bridge: it sets the top bit of the level.
    pub bridge: bool,
    pub flags: u8,
    pub keep_alive: Option<u16>,
    pub client_id: Option<&'a [u8]>,
    pub will: Will<'a>,
}

/// The message to publish when the client is gone without a word.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Will<'a> {
    pub topic: Option<&'a [u8]>,
    pub payload_len: Option<u16>,
    pub properties: Properties<'a>,
}

impl<'a> Connect<'a> {
    pub(super) const fn clean_start(&self) -> bool {
        self.flags & 2 != 0
    }

    pub(super) const fn has_will(&self) -> bool {
        self.flags & 4 != 0
    }

    pub(super) const fn will_qos(&self) -> u8 {
        self.flags >> 3 & 3
    }

    pub(super) const fn will_retain(&self) -> bool {
        self.flags & 0x20 != 0
    }

    pub(super) const fn has_password(&self) -> bool {
        self.flags & 0x40 != 0
    }

    pub(super) const fn has_username(&self) -> bool {
        self.flags & 0x80 != 0
    }

    /// Reads the whole body (MQTT 5.0, 3.1), filling `self` as far as it comes; properties of the
    /// connection go into `properties`. Returns the first fault that does not hide what follows it
    /// only after everything was read.
    pub(super) fn read(
        &mut self,
        reader: &mut Reader<'a>,
        properties: &mut Properties<'a>,
    ) -> Result<(), Fault> {
        let name = text::field(reader)?;
        let level = reader.u8().ok_or(CUT_SHORT)?;
        self.level = level & 0x7f;
        self.bridge = level & 0x80 != 0;
        let greeting = match (name, self.level) {
            (b"MQIsdp", 3) | (b"MQTT", 4 | 5) => Ok(()),
            (b"MQIsdp" | b"MQTT", 3..=5) => Err("protocol name and level do not fit"),
            (b"MQIsdp" | b"MQTT", _) => Err("unknown protocol level"),
            _ => Err("unknown protocol name"),
        };
        self.flags = reader.u8().ok_or(CUT_SHORT)?;
        self.keep_alive = Some(reader.u16().ok_or(CUT_SHORT)?);
        if self.level >= 5 {
            properties::read(reader, Kind::Connect, properties)?;
        }
        let client_id = text::field(reader)?;
        self.client_id = Some(client_id);
        let mut will = Ok(());
        if self.has_will() {
            will = self.read_will(reader)?;
        }
        let mut user = Ok(());
        if self.has_username() {
            user = text::check(text::field(reader)?);
        }
        if self.has_password() {
            let len = reader.u16().ok_or(CUT_SHORT)?;
            reader.take(usize::from(len)).ok_or(CUT_SHORT)?;
        }
        greeting.and(self.check_flags()).and(text::check(client_id)).and(will).and(user)
    }

    fn read_will(&mut self, reader: &mut Reader<'a>) -> Result<Result<(), Fault>, Fault> {
        if self.level >= 5 {
            properties::read_will(reader, &mut self.will.properties)?;
        }
        let topic = text::field(reader)?;
        self.will.topic = Some(topic);
        // Two bytes of length.
        self.will.payload_len = Some(text::field(reader)?.len() as u16);
        Ok(if topic.is_empty() { Err("empty will topic") } else { text::check_topic(topic) })
    }

    fn check_flags(&self) -> Result<(), Fault> {
        if self.flags & 1 != 0 {
            return Err("reserved connect flag is set");
        }
        if self.will_qos() == 3 {
            return Err("will QoS 3");
        }
        if !self.has_will() && self.flags & 0x38 != 0 {
            return Err("will flags without a will");
        }
        if self.level < 5 && self.has_password() && !self.has_username() {
            return Err("password without a user name");
        }
        Ok(())
    }
}
