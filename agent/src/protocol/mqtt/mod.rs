//! MQTT 3.1, 3.1.1 and 5.0 (OASIS mqtt-v3.1.1, mqtt-v5.0): every packet in both directions.
//!
//! Of a PUBLISH only what stands before its payload is read; the payload is passed over as it
//! comes, so messages of any size cost no memory. A packet that is wrong inside says so in its
//! event, and the next one is read: only a broken length loses the framing.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod aliases;
mod connect;
mod header;
mod message;
mod properties;
mod reason;
mod sample;
mod search;
mod session;
mod show;
#[cfg(test)]
mod tests;
mod text;
mod topics;

use header::{Header, Kind, Start};
use message::{Fault, Message};
use session::Session;

pub(super) use search::{Begins, greeting};

use super::{Context, Decoder, Progress, Protocol, Resume, Search, Then};
use crate::flow::{Both, Direction, Transport};

/// The registry's entry.
pub const PROTOCOL: Protocol = Protocol {
    name: "mqtt",
    events: &["mqtt"],
    transports: &[Transport::Tcp],
    ports: &[1883],
    probe: search::probe,
    decoder: || Box::new(Mqtt::default()),
    most_held: MOST_HELD,
    sample: sample::conversation,
};

/// Reads the packets of one connection.
#[derive(Default)]
pub(super) struct Mqtt {
    session: Session,
    /// Packets in a row whose first byte made no sense.
    doubts: Both<u8>,
    /// So many sound packets until a beginning that was searched for is trusted.
    unproven: Both<u8>,
}

/// What became of the packet at the front.
enum Step {
    /// Read; it takes so many bytes.
    Done(u64),
    /// Nothing says where the next packet begins, but it is not among so many bytes.
    Lost(u64),
    /// At least so many bytes must be there.
    More(usize),
}

/// Packets that must be whole to be read may be this long, with the part of a PUBLISH before its
/// payload among them.
pub(super) const MOST_HELD: usize = 128 * 1024;
/// What is looked at of a packet that is longer.
const LOOKED_AT: usize = 4096;
/// So many packets in a row with a wrong first byte mean that the framing is lost. Not fewer: who
/// tries a broker with broken packets often sends several.
const MOST_DOUBTS: u8 = 8;

impl Decoder for Mqtt {
    fn data(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Progress {
        let mut at = 0_usize;
        loop {
            let start = at as u64;
            match self.packet(from, bytes.get(at..).unwrap_or_default(), ctx) {
                Step::Done(total) => {
                    let end = start.saturating_add(total);
                    match usize::try_from(end) {
                        Ok(end) if end < bytes.len() => at = end,
                        _ => return Progress { used: end, then: Then::More(1) },
                    }
                }
                Step::Lost(bad) => {
                    return Progress { used: start.saturating_add(bad), then: Then::Search };
                }
                Step::More(need) => return Progress { used: start, then: Then::More(need) },
            }
        }
    }

    fn gap(&mut self, from: Direction, held: &[u8], missing: u64, ctx: &mut Context<'_>) -> Resume {
        let Some(total) = self.cut(from, held, "cut by a capture loss", ctx) else {
            return Resume::Search;
        };
        let unread = total.saturating_sub(held.len() as u64);
        unread.checked_sub(missing).map_or(Resume::Search, Resume::After)
    }

    fn resync(&mut self, from: Direction, bytes: &[u8], _ctx: &mut Context<'_>) -> Search {
        *self.unproven.of_mut(from) = 2;
        search::find(bytes, self.session.version())
    }

    fn end(&mut self, from: Direction, held: &[u8], ctx: &mut Context<'_>) {
        self.cut(from, held, "connection ended inside the packet", ctx);
    }

    fn reset(&mut self) {
        self.session.reset();
        self.doubts = Both::default();
        self.unproven = Both::default();
    }
}

impl Mqtt {
    /// Whether a packet of this connection begins with `bytes`.
    pub(super) fn begins(&self, bytes: &[u8]) -> Begins {
        search::begins(bytes, self.session.version())
    }

    fn packet(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Step {
        let header = match Header::read(bytes) {
            Start::Header(header) => header,
            Start::Short => return Step::More(bytes.len().saturating_add(1).max(2)),
            Start::Broken(..) if *self.unproven.of(from) > 0 => return Step::Lost(1),
            Start::Broken(kind, flags) => {
                let header = Header { kind, flags, len: 5, remaining: 0, minimal: true };
                self.emit_bare(from, &header, "remaining length runs over more than four bytes", ctx);
                return Step::Lost(1);
            }
        };
        let version = self.session.version();
        let doubtful = header.kind == Kind::Unassigned || !header.flags_fit(version);
        let empty = matches!(header.kind, Kind::Pingreq | Kind::Pingresp);
        let unproven = *self.unproven.of(from);
        if doubtful && unproven > 0 {
            return Step::Lost(1);
        }
        if (doubtful || empty) && header.total() > MOST_HELD as u64 {
            self.emit_bare(from, &header, "impossible packet", ctx);
            return Step::Lost(header.len.into());
        }
        let start = usize::from(header.len);
        let body = bytes.get(start..).unwrap_or_default();
        let body = body.get(..header.remaining as usize).unwrap_or(body);
        let wanted = self.session.wanted(&header, body);
        if start.saturating_add(wanted) > MOST_HELD {
            let Some(beginning) = bytes.get(start..LOOKED_AT) else { return Step::More(LOOKED_AT) };
            self.emit_cut(from, &header, beginning, "too large to hold", ctx);
            return Step::Done(header.total());
        }
        if body.len() < wanted {
            return Step::More(start.saturating_add(wanted));
        }
        // No more than was asked for, so that what is learnt does not hang on where segments end.
        let body = body.get(..wanted).unwrap_or(body);
        let mut message = Message::default();
        let fault = self.session.read(from, &header, body, &mut message);
        if fault.is_some() && unproven > 0 && header.kind != Kind::Connect {
            return Step::Lost(1);
        }
        let proof = if search::stands_alone(header.kind) { 2 } else { 1 };
        *self.unproven.of_mut(from) = unproven.saturating_sub(proof);
        show::emit(from, &header, &message, &self.session, fault, ctx);
        let doubts = self.doubts.of_mut(from);
        *doubts = if doubtful { doubts.saturating_add(1) } else { 0 };
        if *doubts >= MOST_DOUBTS {
            *doubts = 0;
            return Step::Lost(header.total());
        }
        Step::Done(header.total())
    }

    /// Shows what is known of a packet that will never be whole; returns its length.
    fn cut(&self, from: Direction, held: &[u8], fault: Fault, ctx: &mut Context<'_>) -> Option<u64> {
        let Start::Header(header) = Header::read(held) else { return None };
        if header.kind == Kind::Unassigned || !header.flags_fit(self.session.version()) {
            return None;
        }
        let body = held.get(usize::from(header.len)..).unwrap_or_default();
        self.emit_cut(from, &header, body, fault, ctx);
        Some(header.total())
    }

    /// Shows what can be read of a packet's beginning; nothing is learnt from it.
    fn emit_cut(
        &self,
        from: Direction,
        header: &Header,
        beginning: &[u8],
        fault: Fault,
        ctx: &mut Context<'_>,
    ) {
        let mut message = Message::default();
        // That it is cut is what is wrong with it.
        let _ = message.read(header, beginning, self.session.version());
        show::emit(from, header, &message, &self.session, Some(fault), ctx);
    }

    fn emit_bare(&self, from: Direction, header: &Header, fault: Fault, ctx: &mut Context<'_>) {
        show::emit(from, header, &Message::default(), &self.session, Some(fault), ctx);
    }
}
