//! Plays conversations to a decoder as the stream layer would, and shows the events as JSON.

use fieldward_shared::time::Timestamp;

use super::{Context, Decoder, Protocol, ProtocolEvent, Sink};
use crate::flow::{Addr, Both, Direction, Endpoint, Feed, FlowInfo, Outcome, Transport};
use crate::json;

/// Collects events as JSON lines, without what depends on the capture (time, ends, flow).
#[derive(Default)]
pub(crate) struct Lines(pub Vec<String>);

impl Sink for Lines {
    fn event(&mut self, event: &ProtocolEvent<'_>) {
        let mut out = Vec::new();
        json::object(&mut out, event.fields);
        let fields = String::from_utf8(out).expect("JSON is UTF-8");
        let malformed = event.malformed.map(|reason| format!(" malformed: {reason}")).unwrap_or_default();
        self.0.push(format!("{} {} {fields}{malformed}", event.proto, event.direction.sender()));
    }
}

/// A decoder with its two feeds and a stepped clock: each piece of bytes comes one millisecond after
/// the one before.
pub(crate) struct Player {
    flow: FlowInfo,
    decoder: Box<dyn Decoder>,
    feeds: Both<Feed>,
    most_held: usize,
    now: Timestamp,
    pub lines: Lines,
    pub outcome: Outcome,
}

impl Player {
    pub(crate) fn new(protocol: &Protocol) -> Self {
        let end = |last, port| Endpoint { addr: Addr::v4([10, 0, 0, last]), port };
        let port = protocol.ports.first().copied().unwrap_or(1000);
        let transport = protocol.transports.first().copied().unwrap_or(Transport::Tcp);
        Self {
            flow: FlowInfo { id: 1, client: end(1, 40_000), server: end(2, port), transport },
            decoder: (protocol.decoder)(),
            feeds: Both::default(),
            most_held: protocol.most_held,
            now: Timestamp::from_micros(1_000_000),
            lines: Lines::default(),
            outcome: Outcome::Going,
        }
    }

    /// The capture began in the middle: both sides must find a beginning first.
    pub(crate) fn midstream(mut self) -> Self {
        self.feeds.to_server.lose();
        self.feeds.to_client.lose();
        self
    }

    pub(crate) fn bytes(&mut self, from: Direction, bytes: &[u8]) -> &mut Self {
        self.now = self.now.plus(1000);
        let mut ctx = Context::new(self.now, &self.flow, &mut self.lines);
        let feed = self.feeds.of_mut(from);
        self.outcome = feed.bytes(from, bytes, self.most_held, &mut *self.decoder, &mut ctx);
        assert!(feed.held() <= self.most_held);
        self
    }

    pub(crate) fn datagram(&mut self, from: Direction, bytes: &[u8]) -> &mut Self {
        self.now = self.now.plus(1000);
        let mut ctx = Context::new(self.now, &self.flow, &mut self.lines);
        self.decoder.datagram(from, bytes, &mut ctx);
        self
    }

    pub(crate) fn gap(&mut self, from: Direction, missing: u64) -> &mut Self {
        let mut ctx = Context::new(self.now, &self.flow, &mut self.lines);
        self.feeds.of_mut(from).gap(from, missing, &mut *self.decoder, &mut ctx);
        self
    }

    pub(crate) fn end(&mut self, from: Direction) -> &mut Self {
        let mut ctx = Context::new(self.now, &self.flow, &mut self.lines);
        self.feeds.of_mut(from).end(from, &mut *self.decoder, &mut ctx);
        self
    }

    /// The flow is over, another one begins with the same decoder.
    pub(crate) fn reset(&mut self) -> &mut Self {
        self.decoder.reset();
        self.feeds.to_server.reset();
        self.feeds.to_client.reset();
        self
    }

    /// Lets packet time pass.
    pub(crate) fn wait(&mut self, micros: u64) -> &mut Self {
        self.now = self.now.plus(micros);
        self
    }

    /// The events so far, one string each: `proto sender {fields} malformed: reason`.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines.0)
    }
}

/// The events of a conversation of whole pieces.
pub(crate) fn play(protocol: &Protocol, conversation: &[(Direction, Vec<u8>)]) -> Vec<String> {
    let mut player = Player::new(protocol);
    for (from, bytes) in conversation {
        player.bytes(*from, bytes);
    }
    player.end(Direction::ToServer).end(Direction::ToClient);
    player.lines()
}

/// The same conversation cut into pieces of `size` bytes; round-trip times are left out of the lines,
/// since they depend on the cut.
pub(crate) fn play_cut(
    protocol: &Protocol,
    conversation: &[(Direction, Vec<u8>)],
    size: usize,
) -> Vec<String> {
    let pieces: Vec<_> = conversation
        .iter()
        .flat_map(|(from, bytes)| bytes.chunks(size).map(move |piece| (*from, piece.to_vec())))
        .collect();
    play(protocol, &pieces).into_iter().map(without_rtt).collect()
}

/// A line without its round-trip time.
pub(crate) fn without_rtt(line: String) -> String {
    let Some((before, rest)) = line.split_once(",\"rtt\":") else { return line };
    let after = rest.find([',', '}']).and_then(|end| rest.get(end..)).unwrap_or_default();
    format!("{before}{after}")
}
