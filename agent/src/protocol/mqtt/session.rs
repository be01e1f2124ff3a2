//! What is known of a connection: its version, who the client is, what topic aliases stand for.
//!
//! The version comes from the CONNECT. When the capture began after it, packets that can be read
//! under one version only tell it; until one does, it is unknown.

use arrayvec::ArrayVec;

use super::aliases::Aliases;
use super::header::{Header, Kind};
use super::message::{Fault, Head, Message, publish_head};
use crate::flow::{Both, Direction};

/// The state of one connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// 3, 4, 5, or 0 while unknown.
    version: u8,
    /// A CONNECT was seen.
    connected: bool,
    /// The beginning of the client's name.
    client_id: Option<ArrayVec<u8, LONGEST_ID>>,
    aliases: Both<Aliases>,
}

const LONGEST_ID: usize = 128;
/// How far beyond its topic a PUBLISH of unknown version is read to tell the version.
const LOOK_FOR_PROPERTIES: usize = 512;

impl Session {
    /// 3, 4 or 5; 0 while unknown.
    pub(super) const fn version(&self) -> u8 {
        self.version
    }

    /// The client's name, cut to 128 bytes.
    pub(super) fn client_id(&self) -> Option<&[u8]> {
        self.client_id.as_deref()
    }

    /// The topic that an alias stands for.
    pub(super) fn topic_of(&self, from: Direction, alias: u16) -> Option<&[u8]> {
        self.aliases.of(from).get(alias)
    }

    pub(super) fn reset(&mut self) {
        self.version = 0;
        self.connected = false;
        self.client_id = None;
        self.aliases.to_client.reset();
        self.aliases.to_server.reset();
    }

    /// How many bytes of the body must be there to read the packet.
    pub(super) fn wanted(&self, header: &Header, body: &[u8]) -> usize {
        let remaining = header.remaining as usize;
        if header.kind != Kind::Publish {
            return remaining;
        }
        let plain = publish_head(header, body, self.version);
        let (Head::Known(wanted) | Head::AtLeast(wanted)) = plain;
        if self.version != 0 || matches!(plain, Head::AtLeast(_)) {
            return wanted.min(remaining);
        }
        let (Head::Known(long) | Head::AtLeast(long)) = publish_head(header, body, 5);
        let both = if long <= wanted.saturating_add(LOOK_FOR_PROPERTIES) { long } else { wanted };
        both.min(remaining)
    }

    /// Reads a packet of which everything wanted is there, and learns from it.
    pub(super) fn read<'a>(
        &mut self,
        from: Direction,
        header: &Header,
        body: &'a [u8],
        message: &mut Message<'a>,
    ) -> Option<Fault> {
        let read = match (self.version, self.connected) {
            (0, _) => self.read_unknown(header, body, message),
            (version, true) => message.read(header, body, version),
            (version, false) => self.read_guessed(header, body, version, message),
        };
        let mut fault = read.err();
        self.learn(from, message, &mut fault);
        fault
    }

    fn read_unknown<'a>(
        &mut self,
        header: &Header,
        body: &'a [u8],
        message: &mut Message<'a>,
    ) -> Result<(), Fault> {
        let mut newer = Message::default();
        let new = newer.read(header, body, 5);
        if header.kind == Kind::Connect {
            *message = newer;
            return new;
        }
        let old = message.read(header, body, 4);
        let told = match (old.is_ok(), new.is_ok()) {
            // What lies behind the bound of the look proves nothing.
            _ if Self::cut_short(header, body) => 0,
            (true, false) => 4,
            (false, true) => 5,
            // Any bytes are a payload, so a PUBLISH that reads as version 5 proves it only by
            // properties that make sense.
            (true, true) if header.kind == Kind::Publish && newer.properties.any() => 5,
            _ => 0,
        };
        self.version = told;
        if told == 5 {
            *message = newer;
            return new;
        }
        old
    }

    /// A PUBLISH that would have more properties than were asked for.
    fn cut_short(header: &Header, body: &[u8]) -> bool {
        let (Head::Known(head) | Head::AtLeast(head)) = publish_head(header, body, 5);
        header.kind == Kind::Publish && head > body.len() && head <= header.remaining as usize
    }

    /// The version was told by other packets; one that contradicts it plainly tells it anew.
    fn read_guessed<'a>(
        &mut self,
        header: &Header,
        body: &'a [u8],
        version: u8,
        message: &mut Message<'a>,
    ) -> Result<(), Fault> {
        let read = message.read(header, body, version);
        if read.is_ok() || matches!(header.kind, Kind::Publish | Kind::Connect) {
            return read;
        }
        let other = if version == 5 { 4 } else { 5 };
        let mut again = Message::default();
        if again.read(header, body, other).is_err() {
            return read;
        }
        self.version = other;
        *message = again;
        Ok(())
    }

    fn learn(&mut self, from: Direction, message: &Message<'_>, fault: &mut Option<Fault>) {
        if let Some(connect) = &message.connect {
            if self.connected {
                *fault = Some("second CONNECT");
                return;
            }
            self.connected = true;
            self.version = if matches!(connect.level, 3..=5) { connect.level } else { 0 };
            self.client_id = connect.client_id.map(bounded);
        }
        if let Some(assigned) = message.properties.assigned_client_id {
            self.client_id = Some(bounded(assigned));
        }
        if let Some(topic) = message.topic.filter(|topic| !topic.is_empty())
            && message.properties.alias != 0
            && fault.is_none()
        {
            self.aliases.of_mut(from).set(message.properties.alias, topic);
        }
    }
}

/// The beginning of a name, without a character cut in two.
fn bounded(name: &[u8]) -> ArrayVec<u8, LONGEST_ID> {
    let mut end = name.len().min(LONGEST_ID);
    while end < name.len() && end > 0 && name.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end = end.saturating_sub(1);
    }
    name.get(..end).unwrap_or_default().iter().copied().collect()
}
