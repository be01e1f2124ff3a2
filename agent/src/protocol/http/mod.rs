//! HTTP/1.0 and 1.1 (RFC 9112): one event per request and one per response.
//!
//! Heads are read line by line with a reader of our own: the known parsers refuse a whole message
//! for one folded line or odd header name, and a monitor must show exactly those. Bodies are never
//! kept: their length is passed over, and where it shows only at their end (chunked, until close)
//! the head waits for it. Invariant: what a direction's `Phase` says is true at the first byte that
//! was not used yet.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod body;
mod head;
mod pending;
mod probe;
mod sample;
mod search;
mod show;
#[cfg(test)]
mod tests;

use body::{Line, Size};
use head::{Body, Head, Parsed, Start};
use pending::{Asked, Pending};

use super::{Context, Decoder, Progress, Protocol, Resume, Search, Then};
use crate::flow::{Both, Direction, Transport};

/// HTTP/1.x over TCP, and what SSDP sends over UDP (UPnP Device Architecture 2.0, section 1).
pub const PROTOCOL: Protocol = Protocol {
    name: NAME,
    events: &["http"],
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[80, 8080, 3128, 3132, 5985, 8088, 11371, 2869, 2710, 1900],
    probe: probe::probe,
    decoder: || Box::<Http>::default(),
    most_held: LONGEST_HEAD,
    sample: sample::sample,
};

const NAME: &str = "http";

/// The longest head that is waited for. Servers stop at 8 to 32 KiB.
const LONGEST_HEAD: usize = 64 * 1024;

/// Heads kept for their body's end give back what is above this.
const USUAL_HEAD: usize = 4096;

/// One connection.
#[derive(Default)]
struct Http {
    sides: Both<Side>,
    /// Requests without their response.
    pending: Pending,
}

/// What one side is sending.
#[derive(Default)]
struct Side {
    phase: Phase,
    /// How far an unfinished head was looked through.
    seen: head::Seen,
    /// The head whose body is being counted; empty when none is.
    kept: Vec<u8>,
    /// Bytes of that body.
    body: u64,
    /// From request to that head.
    rtt: Option<u64>,
    /// What is wrong with that body.
    fault: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// A head, or empty lines before it.
    #[default]
    Head,
    /// Maybe a body of this length, maybe none: nobody saw whether the request was a HEAD.
    Doubt(u64),
    /// The line with the size of a chunk, or the end of the chunk before it.
    ChunkSize,
    /// The lines after the last chunk.
    Trailer,
    /// A body that ends with the connection.
    UntilClose,
}

/// What reading one step came to.
enum Step {
    /// So many bytes are done with (maybe more than there are); read on.
    On(u64),
    /// Too few bytes to tell.
    Wait,
    /// Done with so many, and something else follows.
    Then(u64, Then),
}

impl Decoder for Http {
    fn datagram(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) {
        match head::read(bytes, &mut head::Seen::default()) {
            // Announcements come by the minute from every device, and nobody asked for them.
            Parsed::Whole(Head { start: Start::Request { method: b"NOTIFY", .. }, .. }, _) => {}
            Parsed::Whole(head, length) => {
                head.emit(from, Some(bytes.len().saturating_sub(length) as u64), None, None, ctx);
            }
            Parsed::Part => {
                if let Some(head) = head::beginning(bytes) {
                    head.emit(from, Some(0), None, Some("head without an end"), ctx);
                }
            }
            Parsed::Garbage => {}
        }
    }

    fn data(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Progress {
        let mut used = 0_u64;
        loop {
            let rest = usize::try_from(used).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
            if rest.is_empty() {
                return Progress { used, then: Then::More(0) };
            }
            let step = match self.sides.of(from).phase {
                Phase::Head => self.head(from, rest, ctx),
                Phase::Doubt(length) => self.doubt(from, length, rest),
                Phase::ChunkSize => self.chunk_size(from, rest, ctx),
                Phase::Trailer => self.trailer(from, rest, ctx),
                Phase::UntilClose => self.until_close(from, rest, ctx),
            };
            match step {
                Step::On(more) => used = used.saturating_add(more),
                Step::Wait => return Progress { used, then: Then::More(rest.len().saturating_add(1)) },
                Step::Then(more, then) => return Progress { used: used.saturating_add(more), then },
            }
        }
    }

    fn gap(&mut self, from: Direction, held: &[u8], missing: u64, ctx: &mut Context<'_>) -> Resume {
        let lost = missing.saturating_add(held.len() as u64);
        match self.sides.of(from).phase {
            // The hole is part of a body whose end shows elsewhere.
            Phase::UntilClose => {
                let side = self.sides.of_mut(from);
                side.body = side.body.saturating_add(lost);
                return Resume::After(0);
            }
            Phase::Doubt(length) if lost <= length => {
                self.sides.of_mut(from).phase = Phase::Head;
                return Resume::After(length.saturating_sub(lost));
            }
            _ => self.finish(from, Some("body cut by a capture loss"), ctx),
        }
        // Nobody knows how many responses were in the hole.
        if from == Direction::ToClient {
            self.pending.clear();
        }
        Resume::Search
    }

    fn resync(&mut self, from: Direction, bytes: &[u8], _: &mut Context<'_>) -> Search {
        self.sides.of_mut(from).clear();
        match from {
            Direction::ToServer => search::request(bytes),
            Direction::ToClient => search::response(bytes),
        }
    }

    fn end(&mut self, from: Direction, held: &[u8], ctx: &mut Context<'_>) {
        let side = self.sides.of_mut(from);
        match side.phase {
            // A request of HTTP/0.9 is one line, and its end shows only here.
            Phase::Head => {
                if let Some(head) = head::simple_request(held) {
                    self.request(from, head, held, ctx);
                }
            }
            Phase::Doubt(_) => {}
            Phase::ChunkSize => self.finish(from, Some("body ended early"), ctx),
            Phase::Trailer => self.finish(from, None, ctx),
            Phase::UntilClose => {
                side.body = side.body.saturating_add(held.len() as u64);
                self.finish(from, None, ctx);
            }
        }
        self.sides.of_mut(from).clear();
    }

    fn reset(&mut self) {
        self.sides.to_server.clear();
        self.sides.to_client.clear();
        self.pending.reset();
    }
}

impl Http {
    fn head(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Step {
        let seen = &mut self.sides.of_mut(from).seen;
        // Empty lines before a request line are to be passed over (RFC 9112 section 2.2).
        if matches!(bytes.first(), Some(b'\r' | b'\n')) {
            let empty = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            return Step::On(empty as u64);
        }
        let parsed = head::read(bytes.get(..LONGEST_HEAD).unwrap_or(bytes), seen);
        match parsed {
            Parsed::Whole(head, length) => {
                *seen = head::Seen::default();
                let raw = bytes.get(..length).unwrap_or_default();
                match head.start {
                    Start::Request { .. } => self.request(from, head, raw, ctx),
                    Start::Response { .. } => self.response(from, head, raw, ctx),
                }
            }
            Parsed::Part if bytes.len() > LONGEST_HEAD => self.long_head(from, bytes, ctx),
            Parsed::Part => Step::Wait,
            // After a CONNECT whose answer nobody saw, what is no request is the tunnel.
            Parsed::Garbage if from == Direction::ToServer && self.pending.last() == Some(Asked::Connect) => {
                Step::Then(0, Then::Change(None))
            }
            Parsed::Garbage => {
                *seen = head::Seen::default();
                Step::Then(0, Then::Search)
            }
        }
    }

    /// Emits what is known of a head that does not end, and looks for the next message.
    fn long_head(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Step {
        self.sides.of_mut(from).seen = head::Seen::default();
        if let Some(head) = head::beginning(bytes.get(..LONGEST_HEAD).unwrap_or(bytes)) {
            let rtt = match head.start {
                Start::Request { method, .. } => {
                    self.pending.push(Asked::of(method), ctx.ts);
                    None
                }
                Start::Response { .. } => self.pending.pop().map(|(_, asked)| ctx.ts.since(asked)),
            };
            head.emit(from, None, rtt, Some("head too long"), ctx);
        }
        Step::Then(LONGEST_HEAD as u64, Then::Search)
    }

    fn request(&mut self, from: Direction, head: Head<'_>, raw: &[u8], ctx: &mut Context<'_>) -> Step {
        if let Start::Request { method, .. } = head.start {
            self.pending.push(Asked::of(method), ctx.ts);
        }
        let body = head.body_of_request();
        self.body(from, &head, body, raw, None, ctx)
    }

    fn response(&mut self, from: Direction, head: Head<'_>, raw: &[u8], ctx: &mut Context<'_>) -> Step {
        let status = head.status();
        // An interim response leaves the request open (RFC 9110 section 15.2).
        if matches!(status, Some(100 | 102..=199)) {
            head.emit(from, Some(0), None, None, ctx);
            return Step::On(raw.len() as u64);
        }
        let request = self.pending.pop();
        let rtt = request.map(|(_, asked)| ctx.ts.since(asked));
        let asked = request.map(|(asked, _)| asked);
        let next = match (status, asked) {
            (Some(101), _) if head.upgrades_to(b"websocket") => Some("websocket"),
            (Some(101), _) | (Some(200..=299), Some(Asked::Connect)) => None,
            _ => {
                let body = head.body_of_response(asked == Some(Asked::Head));
                let doubtful = request.is_none();
                let step = self.body(from, &head, body, raw, rtt, ctx);
                return match body {
                    Body::Length(length) if doubtful && length > 0 => {
                        self.sides.of_mut(from).phase = Phase::Doubt(length);
                        Step::On(raw.len() as u64)
                    }
                    _ => step,
                };
            }
        };
        head.emit(from, Some(0), rtt, None, ctx);
        Step::Then(raw.len() as u64, Then::Change(next))
    }

    /// Emits a head whose body's length is known, or keeps it until that is.
    fn body(
        &mut self,
        from: Direction,
        head: &Head<'_>,
        body: Body,
        raw: &[u8],
        rtt: Option<u64>,
        ctx: &mut Context<'_>,
    ) -> Step {
        let length = raw.len() as u64;
        let phase = match body {
            Body::Length(body) => {
                head.emit(from, Some(body), rtt, None, ctx);
                return Step::On(length.saturating_add(body));
            }
            Body::Chunked => Phase::ChunkSize,
            Body::UntilClose => Phase::UntilClose,
        };
        let side = self.sides.of_mut(from);
        side.phase = phase;
        side.kept.clear();
        side.kept.extend_from_slice(raw);
        side.body = 0;
        side.rtt = rtt;
        side.fault = None;
        Step::On(length)
    }

    fn doubt(&mut self, from: Direction, length: u64, bytes: &[u8]) -> Step {
        const BEGINNING: &[u8] = b"HTTP/1.";
        // Also past the end of a shorter body: the answer must not hang on where a packet ends.
        if bytes.len() < BEGINNING.len() && BEGINNING.starts_with(bytes) {
            return Step::Wait;
        }
        self.sides.of_mut(from).phase = Phase::Head;
        Step::On(if bytes.starts_with(BEGINNING) { 0 } else { length })
    }

    fn chunk_size(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Step {
        let side = self.sides.of_mut(from);
        let (line, length) = match body::line(bytes) {
            Line::Whole(line, length) => (line, length),
            Line::Part => return Step::Wait,
            Line::TooLong => return self.broken(from, "bad chunk size", ctx),
        };
        match body::chunk_size(line) {
            Size::Empty => {}
            Size::Last => side.phase = Phase::Trailer,
            Size::Chunk { size, clean } => {
                side.body = side.body.saturating_add(size);
                if !clean {
                    side.fault = Some("junk after a chunk size");
                }
                return Step::On(size.saturating_add(length as u64));
            }
            Size::Bad => return self.broken(from, "bad chunk size", ctx),
        }
        Step::On(length as u64)
    }

    fn trailer(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Step {
        match body::line(bytes) {
            Line::Whole([], length) => {
                self.finish(from, None, ctx);
                Step::On(length as u64)
            }
            Line::Whole(line, length) if body::is_trailer(line) => Step::On(length as u64),
            // The empty line is missing: the next message may begin here.
            Line::Whole(..) => {
                self.finish(from, Some("chunks without an end"), ctx);
                Step::On(0)
            }
            Line::Part => Step::Wait,
            Line::TooLong => self.broken(from, "trailer too long", ctx),
        }
    }

    fn until_close(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Step {
        // Another request is open, or requests are not seen at all: the connection may go on in
        // spite of what the head said.
        let open = !self.pending.ever() || self.pending.last().is_some();
        let side = self.sides.of_mut(from);
        let (count, next) = match if open { search::response(bytes) } else { NOTHING } {
            Search::At(at) => (at, true),
            Search::Nothing { discard } => (discard.min(bytes.len()), false),
        };
        side.body = side.body.saturating_add(count as u64);
        if next {
            self.finish(from, None, ctx);
            return Step::On(count as u64);
        }
        if count == 0 { Step::Wait } else { Step::On(count as u64) }
    }

    /// The framing of a body makes no sense.
    fn broken(&mut self, from: Direction, reason: &'static str, ctx: &mut Context<'_>) -> Step {
        self.finish(from, Some(reason), ctx);
        Step::Then(0, Then::Search)
    }

    /// Emits the message whose body is over.
    fn finish(&mut self, from: Direction, reason: Option<&'static str>, ctx: &mut Context<'_>) {
        let side = self.sides.of_mut(from);
        if !side.kept.is_empty()
            && let Some(head) = head::beginning(&side.kept)
        {
            head.emit(from, Some(side.body), side.rtt, reason.or(side.fault), ctx);
        }
        side.clear();
    }
}

impl Side {
    fn clear(&mut self) {
        self.phase = Phase::Head;
        self.seen = head::Seen::default();
        self.kept.clear();
        self.kept.shrink_to(USUAL_HEAD);
    }
}

/// A search that was not made.
const NOTHING: Search = Search::Nothing { discard: usize::MAX };
