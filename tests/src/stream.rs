//! Plays a conversation as TCP segments to the flow layer, as a mirror port would deliver them: cut,
//! swapped, repeated, lost.

use fieldward_agent::flow::{Addr, Direction, FlowLimits, Flows};
use fieldward_agent::frame::{Frame, Payload, Segment};
use fieldward_agent::json;
use fieldward_agent::protocol::{ProtocolEvent, Sink};
use fieldward_shared::time::Timestamp;

/// One piece of a conversation with its place in its direction's stream.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Who sends it.
    pub from: Direction,
    /// Where it begins.
    pub offset: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Cuts a conversation into pieces; `cut` says how long each may be.
pub fn cut(conversation: &[(Direction, Vec<u8>)], mut cut: impl FnMut() -> usize) -> Vec<Piece> {
    let mut offsets = [0_u32; 2];
    let mut pieces = Vec::new();
    for (from, bytes) in conversation {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(cut().clamp(1, rest.len()));
            let offset = &mut offsets[usize::from(*from == Direction::ToServer)];
            pieces.push(Piece { from: *from, offset: *offset, bytes: head.to_vec() });
            *offset += head.len() as u32;
            rest = tail;
        }
    }
    pieces
}

/// An event as text without what depends on the cut: time, round-trip time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Its protocol.
    pub proto: &'static str,
    /// The sender is the client.
    pub from_client: bool,
    /// Its fields as JSON.
    pub fields: String,
    /// What was wrong with it.
    pub malformed: Option<&'static str>,
}

/// Collects what was seen.
#[derive(Default)]
pub struct Seeing(pub Vec<Seen>);

impl Sink for Seeing {
    fn event(&mut self, event: &ProtocolEvent<'_>) {
        let lasting: Vec<_> = event.fields.iter().filter(|field| field.name != "rtt").copied().collect();
        let mut fields = Vec::new();
        json::object(&mut fields, &lasting);
        self.0.push(Seen {
            proto: event.proto,
            from_client: event.direction == Direction::ToServer,
            fields: String::from_utf8(fields).expect("JSON is UTF-8"),
            malformed: event.malformed,
        });
    }
}

/// A TCP connection to `port` whose pieces are played one by one.
pub struct Wire<S = Seeing> {
    flows: Flows,
    now: Timestamp,
    port: u16,
    client_port: u16,
    /// What was seen so far.
    pub seen: S,
}

impl<S: Sink + Default> Wire<S> {
    /// A connection whose handshake was captured. Both sequences wrap early.
    pub fn open(port: u16) -> Self {
        let mut wire = Self::midstream(port);
        wire.handshake();
        wire
    }

    /// A whole connection from a port of its own, from handshake to reset, and the time until it is
    /// forgotten.
    pub fn connection(&mut self, pieces: &[Piece]) {
        self.client_port = self.client_port.wrapping_add(1).max(40_000);
        self.handshake();
        for piece in pieces {
            self.piece(piece);
        }
        self.send(true, 0x04, FIRST, &[]);
        self.now = self.now.plus(10_000_000);
    }

    /// A connection whose beginning was not captured.
    pub fn midstream(port: u16) -> Self {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        Self { flows: Flows::new(FlowLimits::default()), now, port, client_port: 40_000, seen: S::default() }
    }

    /// One piece.
    pub fn piece(&mut self, piece: &Piece) -> &mut Self {
        self.send(piece.from == Direction::ToServer, 0x18, FIRST.wrapping_add(piece.offset), &piece.bytes)
    }

    fn handshake(&mut self) {
        self.send(true, 0x02, FIRST.wrapping_sub(1), &[]);
        self.send(false, 0x12, FIRST.wrapping_sub(1), &[]);
        self.send(true, 0x10, FIRST, &[]);
    }

    fn send(&mut self, to_server: bool, flags: u8, seq: u32, data: &[u8]) -> &mut Self {
        self.now = self.now.plus(100);
        let (sport, dport) =
            if to_server { (self.client_port, self.port) } else { (self.port, self.client_port) };
        let (client, server) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
        let (src, dst) = if to_server { (client, server) } else { (server, client) };
        let payload = Payload::Tcp(Segment { sport, dport, seq, ack: 0, flags, data, cut: 0 });
        let frame = Frame { src, dst, macs: None, vlan: None, ip_len: 40 + data.len() as u32, payload };
        self.flows.frame(self.now, &frame, &mut self.seen);
        self
    }
}

impl Wire {
    /// The capture ends; the events of protocols, without `conn`.
    pub fn end(mut self) -> Vec<Seen> {
        self.flows.finish(&mut self.seen);
        self.seen.0.retain(|seen| seen.proto != "conn");
        self.seen.0
    }
}

/// Sequence number of the first byte of either side.
const FIRST: u32 = u32::MAX - 700;
