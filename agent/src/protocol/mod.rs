//! From bytes in order to events: one file per protocol, found by looking at the bytes and not
//! only at the port.
//!
//! A decoder is a struct that lives as long as its flow. The stream layer gives it bytes in order,
//! keeps what it leaves over, tells it of holes, and asks it to find the next message when it is
//! lost. To add one: a file here, and its `PROTOCOL` in [`DECODERS`]; loop tests over that list
//! judge it.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod dns;
mod event;
#[cfg(test)]
pub(crate) mod harness;
mod http;
mod modbus;
mod modbus_rtu;
mod mqtt;
#[cfg(test)]
mod tests;
mod websocket;

use fieldward_shared::time::Timestamp;

pub use event::{Field, Fields, ProtocolEvent, Render, Rows, Sink, Value};

use crate::flow::{Direction, FlowInfo, Transport};

/// Every decoder there is; the first that claims a flow gets it.
pub static DECODERS: &[Protocol] = &[
    modbus::PROTOCOL,
    modbus_rtu::PROTOCOL,
    mqtt::PROTOCOL,
    dns::PROTOCOL,
    http::PROTOCOL,
    websocket::PROTOCOL,
];

/// Every value of `proto` that an event can carry, to choose from on the command line.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = DECODERS.iter().flat_map(|protocol| protocol.events).copied().collect();
    names.extend(["conn", "tcp"]);
    names.sort_unstable();
    names.dedup();
    names
}

/// What the registry knows of a protocol.
#[derive(Debug)]
pub struct Protocol {
    /// Its name, as `service` of a flow.
    pub name: &'static str,
    /// The `proto` of the events it makes.
    pub events: &'static [&'static str],
    /// What it runs over.
    pub transports: &'static [Transport],
    /// Ports where it is usual; a hint for the probe and for who is the server, no more.
    pub ports: &'static [u16],
    /// Looks at the first bytes of a flow.
    pub probe: fn(&Probe<'_>) -> Verdict,
    /// Makes a decoder; it is used again for other flows after [`Decoder::reset`].
    pub decoder: fn() -> Box<dyn Decoder>,
    /// The most bytes of one unfinished message that are kept for it per direction.
    pub most_held: usize,
    /// A short valid conversation with every kind of message: the loop tests cut it, shuffle it and
    /// lose parts of it, the fuzzers begin with it.
    pub sample: fn() -> Vec<(Direction, Vec<u8>)>,
}

/// The first bytes of a flow, or of one direction of it.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// The bytes; more may follow.
    pub bytes: &'a [u8],
    /// Port of the sender.
    pub sport: u16,
    /// Port of the receiver.
    pub dport: u16,
    /// What the flow runs over.
    pub transport: Transport,
    /// One of the ports is usual for this protocol, so less proof is needed.
    pub usual_port: bool,
    /// These are the first bytes of the connection; otherwise the capture began in its middle and
    /// the bytes may begin anywhere in a message.
    pub start: bool,
}

/// What a probe says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Cannot tell from so few bytes.
    More,
    /// Not this protocol.
    No,
    /// This protocol, and these bytes were sent by …
    Yes(Sender),
}

/// Who sent the bytes, as far as they tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The side that asks.
    Client,
    /// The side that answers.
    Server,
    /// The bytes do not tell.
    Unknown,
}

/// Reads one flow of one protocol.
///
/// Only [`data`](Decoder::data) or [`datagram`](Decoder::datagram) must be written; the others have
/// an answer that is right for most.
pub trait Decoder: Send {
    /// Bytes sent by one side, in order. Reads as many whole messages as there are and says how far
    /// it came; what it left over is given again, in front of the bytes that come next.
    fn data(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Progress {
        let _ = (from, bytes, ctx);
        Progress { used: 0, then: Then::Leave }
    }

    /// One datagram, whole.
    fn datagram(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) {
        let _ = (from, bytes, ctx);
    }

    /// `missing` bytes were never seen; `held` is the beginning of the message that they cut (empty
    /// when the hole lies between messages). Says where the stream goes on.
    fn gap(&mut self, from: Direction, held: &[u8], missing: u64, ctx: &mut Context<'_>) -> Resume {
        let _ = (from, held, missing, ctx);
        Resume::Search
    }

    /// Finds the next message after a hole, after bytes that made no sense, or when the capture began
    /// in the middle. Must accept a beginning only on good evidence.
    fn resync(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Search {
        let _ = (from, ctx);
        Search::Nothing { discard: bytes.len() }
    }

    /// This side will send nothing more; `held` is what it left unfinished.
    fn end(&mut self, from: Direction, held: &[u8], ctx: &mut Context<'_>) {
        let _ = (from, held, ctx);
    }

    /// Back to what it was when new, with its memory kept for the next flow.
    fn reset(&mut self);
}

/// How far a decoder came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes finished with. May be more than were offered: the rest is passed over as it comes, and a
    /// hole in it harms nothing.
    pub used: u64,
    /// What to do after them.
    pub then: Then,
}

/// What a decoder wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The flow speaks the protocol of this name from here on, in both directions; `None`: look at the
    /// bytes again.
    Change(Option<&'static str>),
    /// This is not the protocol after all: leave the flow alone.
    Leave,
    /// Call again when at least so many unfinished bytes are there.
    More(usize),
    /// The bytes make no sense: find the next message.
    Search,
}

/// Where a stream goes on after a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// A message begins so many bytes after the hole: its length was known.
    After(u64),
    /// Look for the next message.
    Search,
}

/// What the search for the next message found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// A message begins at this offset.
    At(usize),
    /// None yet; the first `discard` bytes cannot be the beginning of one.
    Nothing {
        /// How many bytes may be dropped.
        discard: usize,
    },
}

/// What a decoder may know and do besides its bytes.
pub struct Context<'a> {
    /// Time of the packet at hand.
    pub ts: Timestamp,
    /// The flow.
    pub flow: &'a FlowInfo,
    sink: &'a mut dyn Sink,
    swapped: bool,
}

impl<'a> Context<'a> {
    /// A context for one packet of one flow.
    pub fn new(ts: Timestamp, flow: &'a FlowInfo, sink: &'a mut dyn Sink) -> Self {
        Self { ts, flow, sink, swapped: false }
    }

    /// The flow's server speaks as the client of the protocol: directions that the decoder names are
    /// the other way round in the flow.
    pub const fn swapped(mut self, swapped: bool) -> Self {
        self.swapped = swapped;
        self
    }

    /// Passes one event on.
    pub fn emit(
        &mut self,
        proto: &'static str,
        from: Direction,
        fields: &Fields<'_>,
        malformed: Option<&'static str>,
    ) {
        self.sink.event(&ProtocolEvent {
            ts: self.ts,
            proto,
            flow: self.flow,
            direction: if self.swapped { from.flipped() } else { from },
            fields: fields.as_slice(),
            malformed,
        });
    }
}
