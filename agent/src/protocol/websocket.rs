//! WebSocket (RFC 6455) as far as MQTT is carried in it: frames are taken apart as they come and
//! the binary ones are read as MQTT, whose events these are.
//!
//! A flow comes here by HTTP's upgrade. When its first binary message is no CONNECT, everything is
//! passed over in silence. Nothing is held of a frame but its header; what MQTT leaves unfinished is
//! held by its own feeds.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod frame;
mod sample;
#[cfg(test)]
mod tests;

use arrayvec::ArrayVec;

use self::frame::{Frame, Opcode, Start, unmask};
use super::mqtt::{self, Begins, Mqtt};
use super::{Context, Decoder, Progress, Protocol, Resume, Search, Then, Verdict};
use crate::flow::{Both, Direction, Feed, Transport};

/// The registry's entry.
pub const PROTOCOL: Protocol = Protocol {
    name: "websocket",
    events: &["mqtt"],
    transports: &[Transport::Tcp],
    ports: &[],
    probe: |_| Verdict::No,
    decoder: || Box::new(WebSocket::default()),
    most_held: 8 * 1024,
    sample: sample::conversation,
};

/// Reads the frames of one connection.
#[derive(Default)]
struct WebSocket {
    carries: Carries,
    sides: Both<Side>,
    /// The first bytes of the client while it is not known what they are.
    first: ArrayVec<u8, 16>,
    mqtt: Mqtt,
    feeds: Both<Feed>,
    /// Where masked bytes are laid open.
    plain: Vec<u8>,
}

/// What the binary messages are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Carries {
    Mqtt,
    Other,
    #[default]
    Unknown,
}

/// Where one side is in its frames.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// Payload of the frame at hand that is still to come and to be read.
    left: u64,
    /// Its masking key, turned to the next byte; zero when there is none.
    mask: [u8; 4],
    /// The message that has not ended yet is a binary one.
    binary: bool,
}

/// Masked bytes are laid open in pieces of this size.
const PIECE: usize = 16 * 1024;
/// How much of a frame is looked at to tell whether one begins here.
const LOOKED_AT: usize = 2048;

impl Decoder for WebSocket {
    fn data(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Progress {
        let mut at = 0_usize;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return Progress { used: at as u64, then: Then::More(1) };
            }
            let left = self.sides.of(from).left;
            if left > 0 {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len()).min(PIECE);
                self.payload(from, rest.get(..now).unwrap_or_default(), ctx);
                at = at.saturating_add(now);
                continue;
            }
            let frame = match Frame::read(rest) {
                Start::Frame(frame) => frame,
                Start::Short(need) => return Progress { used: at as u64, then: Then::More(need) },
                Start::Broken => {
                    self.lose(from, ctx);
                    return Progress { used: (at as u64).saturating_add(1), then: Then::Search };
                }
            };
            at = at.saturating_add(frame.header_len);
            if self.wants(from, &frame, ctx) {
                let side = self.sides.of_mut(from);
                (side.left, side.mask) = (frame.len, frame.mask.unwrap_or_default());
                continue;
            }
            let end = (at as u64).saturating_add(frame.len);
            match usize::try_from(end) {
                Ok(end) if end < bytes.len() => at = end,
                _ => return Progress { used: end, then: Then::More(1) },
            }
        }
    }

    fn gap(&mut self, from: Direction, held: &[u8], missing: u64, ctx: &mut Context<'_>) -> Resume {
        let side = self.sides.of_mut(from);
        let inside = held.is_empty() && missing <= side.left && self.carries == Carries::Mqtt;
        if !inside {
            self.lose(from, ctx);
            return Resume::Search;
        }
        side.left = side.left.saturating_sub(missing);
        side.mask.rotate_left((missing & 3) as usize);
        self.feeds.of_mut(from).gap(from, missing, &mut self.mqtt, ctx);
        Resume::After(0)
    }

    /// A frame is believed when what is in it begins with a sound MQTT packet.
    fn resync(&mut self, from: Direction, bytes: &[u8], _ctx: &mut Context<'_>) -> Search {
        let mut begun = None;
        if self.carries != Carries::Other {
            for at in memchr::memchr_iter(BINARY, bytes) {
                match self.begins(from, bytes.get(at..).unwrap_or_default()) {
                    Begins::Yes => {
                        self.carries = Carries::Mqtt;
                        return Search::At(at);
                    }
                    Begins::Perhaps => begun = begun.or(Some(at)),
                    Begins::No => {}
                }
            }
        }
        Search::Nothing { discard: begun.unwrap_or(bytes.len()) }
    }

    fn end(&mut self, from: Direction, _held: &[u8], ctx: &mut Context<'_>) {
        self.feeds.of_mut(from).end(from, &mut self.mqtt, ctx);
    }

    fn reset(&mut self) {
        self.carries = Carries::Unknown;
        self.sides = Both::default();
        self.first.clear();
        self.mqtt.reset();
        self.feeds.to_client.reset();
        self.feeds.to_server.reset();
    }
}

impl WebSocket {
    /// Whether the payload of a frame is to be read.
    fn wants(&mut self, from: Direction, frame: &Frame, ctx: &mut Context<'_>) -> bool {
        let side = self.sides.of_mut(from);
        let binary = match frame.opcode {
            Opcode::Control => return false,
            Opcode::Continuation => side.binary,
            // What an extension changed cannot be read (section 5.2).
            Opcode::Binary => !frame.extended,
            Opcode::Text => false,
        };
        side.binary = binary && !frame.last;
        if frame.opcode == Opcode::Binary && frame.extended && self.carries == Carries::Mqtt {
            self.feeds.of_mut(from).gap(from, u64::MAX, &mut self.mqtt, ctx);
        }
        binary && self.carries != Carries::Other
    }

    fn payload(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) {
        let side = self.sides.of_mut(from);
        side.left = side.left.saturating_sub(bytes.len() as u64);
        let plain = if side.mask == [0; 4] {
            bytes
        } else {
            unmask(bytes, &mut side.mask, &mut self.plain);
            &self.plain
        };
        let feed = self.feeds.of_mut(from);
        let mut rest = plain;
        if self.carries == Carries::Unknown {
            if from == Direction::ToClient {
                // Nobody may speak before the CONNECT; if it was not seen, what follows tells.
                feed.lose();
                return;
            }
            while let Some((byte, after)) = rest.split_first()
                && self.carries == Carries::Unknown
            {
                rest = after;
                let full = self.first.try_push(*byte).is_err();
                self.carries = match mqtt::greeting(&self.first) {
                    Verdict::Yes(_) => Carries::Mqtt,
                    Verdict::More if !full => Carries::Unknown,
                    _ => Carries::Other,
                };
            }
            if self.carries == Carries::Mqtt {
                // MQTT has no other answer than to go on, and its feed bounds what it holds.
                let _ = feed.bytes(from, &self.first, mqtt::MOST_HELD, &mut self.mqtt, ctx);
            }
        }
        if self.carries == Carries::Mqtt && !rest.is_empty() {
            let _ = feed.bytes(from, rest, mqtt::MOST_HELD, &mut self.mqtt, ctx);
        }
    }

    /// Out of step with the frames of one side.
    fn lose(&mut self, from: Direction, ctx: &mut Context<'_>) {
        *self.sides.of_mut(from) = Side::default();
        self.first.clear();
        self.feeds.of_mut(from).gap(from, u64::MAX, &mut self.mqtt, ctx);
    }

    /// Whether a frame with MQTT in it begins with `bytes`.
    fn begins(&mut self, from: Direction, bytes: &[u8]) -> Begins {
        let frame = match Frame::read(bytes) {
            Start::Frame(frame) => frame,
            Start::Short(_) => return Begins::Perhaps,
            Start::Broken => return Begins::No,
        };
        // A client masks and a server does not (section 5.1).
        if frame.mask.is_some() != (from == Direction::ToServer) || frame.len < 2 {
            return Begins::No;
        }
        let inside = bytes.get(frame.header_len..).unwrap_or_default();
        let shown = usize::try_from(frame.len).unwrap_or(usize::MAX).min(LOOKED_AT);
        let whole = inside.len() >= shown;
        let inside = inside.get(..shown).unwrap_or(inside);
        unmask(inside, &mut frame.mask.unwrap_or_default(), &mut self.plain);
        match self.mqtt.begins(&self.plain) {
            Begins::Perhaps if whole => Begins::No,
            begins => begins,
        }
    }
}

/// The first byte of a binary message of one frame.
const BINARY: u8 = 0x82;
