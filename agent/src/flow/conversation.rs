//! The decoded side of a flow: finds the protocol by its bytes, then feeds the decoder.
//!
//! While no decoder has claimed the flow, the first bytes of each segment are shown to every probe;
//! bytes that no probe can judge yet are held. Who speaks as the client is the decoder's own matter:
//! a gateway may call its master and then be polled by it.

use fieldward_shared::time::Timestamp;

use super::counts::FlowCounts;
use super::digest;
use super::feed::{Feed, Outcome};
use super::key::{Both, Direction, FlowInfo, Transport};
use super::pool::{Pool, contained};
use super::reorder::{Clash, Reorder};
use crate::protocol::{Context, DECODERS, Decoder, Probe, Protocol, Sender, Sink, Verdict};

/// How far the decoding of a flow has come.
#[derive(Default)]
enum Stage {
    /// No decoder yet.
    #[default]
    Looking,
    /// A decoder reads.
    Decoding(usize, Box<dyn Decoder>),
    /// Nobody reads it.
    Left,
}

/// The state of a flow whose bytes are looked at.
#[derive(Default)]
pub struct Conversation {
    stage: Stage,
    feeds: Both<Feed>,
    /// The direction's bytes so far were whole from their beginning.
    whole: Both<bool>,
    refusals: u8,
    swapped: bool,
    /// Takes the place of a feed's buffer while that is shown to the probes.
    spare: Vec<u8>,
    /// Early bytes per direction.
    pub reorders: Both<Reorder>,
    /// Digests of the segments delivered last, per direction.
    pub sent: Both<Sent>,
    /// A far segment that may become the new position: where its successor would begin.
    pub far: Both<Option<u32>>,
    /// The flow is on the list of those that wait for a hole to close.
    pub waiting: bool,
}

/// What a conversation needs of its surroundings while it reads one packet.
pub struct Around<'a> {
    pub ts: Timestamp,
    pub flow: &'a FlowInfo,
    pub pool: &'a mut Pool,
    pub sink: &'a mut dyn Sink,
    pub counts: &'a mut FlowCounts,
}

impl Conversation {
    /// The registry index of the protocol that claimed the flow.
    pub const fn service(&self) -> Option<usize> {
        match &self.stage {
            Stage::Decoding(service, _) => Some(*service),
            Stage::Looking | Stage::Left => None,
        }
    }

    /// The TCP server speaks as the client.
    pub const fn swapped(&self) -> bool {
        self.swapped
    }

    /// Whether a direction is seen from its first byte.
    pub const fn whole_from_start(&mut self, direction: Direction, whole: bool) {
        *self.whole.of_mut(direction) = whole;
    }

    /// A probe claimed a UDP flow.
    pub fn claim_datagrams(
        &mut self,
        service: usize,
        sender: Sender,
        direction: Direction,
        flow: &FlowInfo,
        pool: &mut Pool,
    ) {
        let Some(decoder) = pool.take(service) else { return };
        self.swapped = speaks_swapped(service, sender, direction, flow);
        self.stage = Stage::Decoding(service, decoder);
    }

    /// One datagram of a claimed flow.
    pub fn datagram(&mut self, direction: Direction, bytes: &[u8], around: &mut Around<'_>) {
        if let Stage::Decoding(_, decoder) = &mut self.stage {
            let from = if self.swapped { direction.flipped() } else { direction };
            let mut ctx = Context::new(around.ts, around.flow, around.sink).swapped(self.swapped);
            if contained(|| decoder.datagram(from, bytes, &mut ctx)).is_none() {
                self.give_up(around);
            }
        }
    }

    /// Bytes held for unfinished messages.
    pub const fn held(&self) -> usize {
        self.feeds.to_client.held().saturating_add(self.feeds.to_server.held())
    }

    /// Drops what is held, when all flows together hold too much.
    pub fn drop_held(&mut self) {
        for feed in [&mut self.feeds.to_client, &mut self.feeds.to_server] {
            if feed.held() > 0 {
                drop(feed.replace_held(Vec::new()));
                feed.lose();
            }
        }
    }

    /// The next bytes of a direction.
    pub fn bytes(&mut self, direction: Direction, bytes: &[u8], around: &mut Around<'_>) {
        match &mut self.stage {
            Stage::Decoding(service, decoder) => {
                let most_held = DECODERS.get(*service).map_or(0, |protocol| protocol.most_held);
                let from = if self.swapped { direction.flipped() } else { direction };
                let mut ctx = Context::new(around.ts, around.flow, around.sink).swapped(self.swapped);
                let feed = self.feeds.of_mut(direction);
                match contained(|| feed.bytes(from, bytes, most_held, &mut **decoder, &mut ctx)) {
                    Some(Outcome::Going) => {}
                    Some(outcome) => self.turn(outcome, direction, around),
                    None => self.give_up(around),
                }
            }
            Stage::Looking => self.look(direction, bytes, around),
            Stage::Left => {}
        }
    }

    /// `missing` bytes of a direction will never come.
    pub fn gap(&mut self, direction: Direction, missing: u64, around: &mut Around<'_>) {
        *self.whole.of_mut(direction) = false;
        let feed = self.feeds.of_mut(direction);
        match &mut self.stage {
            Stage::Decoding(_, decoder) => {
                let from = if self.swapped { direction.flipped() } else { direction };
                let mut ctx = Context::new(around.ts, around.flow, around.sink).swapped(self.swapped);
                if contained(|| feed.gap(from, missing, &mut **decoder, &mut ctx)).is_none() {
                    self.give_up(around);
                }
            }
            Stage::Looking => feed.reset(),
            Stage::Left => {}
        }
    }

    /// A direction will bring nothing more.
    pub fn end(&mut self, direction: Direction, around: &mut Around<'_>) {
        if let Stage::Decoding(_, decoder) = &mut self.stage {
            let from = if self.swapped { direction.flipped() } else { direction };
            let mut ctx = Context::new(around.ts, around.flow, around.sink).swapped(self.swapped);
            let feed = self.feeds.of_mut(direction);
            if contained(|| feed.end(from, &mut **decoder, &mut ctx)).is_none() {
                self.give_up(around);
            }
        }
    }

    /// The decoder panicked, and who knows what is left of it: nobody reads this flow any more.
    fn give_up(&mut self, around: &mut Around<'_>) {
        around.counts.decoder_panics = around.counts.decoder_panics.saturating_add(1);
        if let Stage::Decoding(service, _) = std::mem::replace(&mut self.stage, Stage::Left) {
            around.pool.panicked(service);
        }
        self.feeds = Both::default();
    }

    /// Ready for another flow; the decoder goes back to the pool.
    pub fn reset(&mut self, pool: &mut Pool) {
        if let Stage::Decoding(service, decoder) = std::mem::take(&mut self.stage) {
            pool.give_back(service, decoder);
        }
        self.feeds.to_client.reset();
        self.feeds.to_server.reset();
        self.whole = Both::default();
        self.refusals = 0;
        self.swapped = false;
        self.sent = Both::default();
        self.far = Both::default();
        self.waiting = false;
    }

    fn look(&mut self, direction: Direction, bytes: &[u8], around: &mut Around<'_>) {
        let feed = self.feeds.of_mut(direction);
        let mut held = std::mem::take(&mut self.spare);
        if feed.held() > 0 {
            feed.hold(bytes);
            held = feed.replace_held(held);
        }
        let shown = if held.is_empty() { bytes } else { &held };
        match claim(around.flow, direction, shown, *self.whole.of(direction)) {
            Claim::Yes(service, sender) => {
                self.swapped = speaks_swapped(service, sender, direction, around.flow);
                match around.pool.take(service) {
                    Some(decoder) => self.adopt(service, decoder, direction, shown, around),
                    None => self.stage = Stage::Left,
                }
            }
            Claim::Unsure if shown.len() <= MOST_HELD_UNKNOWN => match held.is_empty() {
                true => feed.hold(bytes),
                false => held = feed.replace_held(held),
            },
            Claim::Unsure | Claim::No => {
                *self.whole.of_mut(direction) = false;
                self.refusals = self.refusals.saturating_add(1);
                if self.refusals > MOST_REFUSALS && !usual(around.flow) {
                    self.stage = Stage::Left;
                }
            }
        }
        held.clear();
        self.spare = held;
    }

    /// Gives the flow to a decoder: first the bytes that told, then what the other side has held.
    fn adopt(
        &mut self,
        service: usize,
        decoder: Box<dyn Decoder>,
        direction: Direction,
        bytes: &[u8],
        around: &mut Around<'_>,
    ) {
        self.stage = Stage::Decoding(service, decoder);
        let other = direction.flipped();
        let others = self.feeds.of_mut(other);
        // A buffer that holds nothing stays where it is.
        let held = if others.held() > 0 { others.replace_held(Vec::new()) } else { Vec::new() };
        for side in [direction, other] {
            if !*self.whole.of(side) {
                self.feeds.of_mut(side).lose();
            }
        }
        self.bytes(direction, bytes, around);
        if !held.is_empty() {
            self.bytes(other, &held, around);
        }
    }

    /// The feed stopped: another protocol, none, or a message without an end.
    fn turn(&mut self, outcome: Outcome, direction: Direction, around: &mut Around<'_>) {
        let next = match outcome {
            Outcome::Going => return,
            Outcome::Overfull => {
                around.counts.overfull_messages = around.counts.overfull_messages.saturating_add(1);
                return;
            }
            Outcome::Leave => None,
            Outcome::Change(name) => Some(name),
        };
        if let Stage::Decoding(service, decoder) = std::mem::take(&mut self.stage) {
            around.pool.give_back(service, decoder);
        }
        let mine = self.feeds.of_mut(direction).replace_held(Vec::new());
        let others = self.feeds.of_mut(direction.flipped()).replace_held(Vec::new());
        self.feeds.to_client.reset();
        self.feeds.to_server.reset();
        let Some(name) = next else {
            self.stage = Stage::Left;
            return;
        };
        self.whole = Both { to_client: true, to_server: true };
        self.refusals = 0;
        if let Some(name) = name {
            let service = DECODERS.iter().position(|protocol| protocol.name == name);
            match service.and_then(|service| Some((service, around.pool.take(service)?))) {
                Some((service, decoder)) => self.stage = Stage::Decoding(service, decoder),
                None => self.stage = Stage::Left,
            }
        }
        for (direction, held) in [(direction, mine), (direction.flipped(), others)] {
            if !held.is_empty() {
                self.bytes(direction, &held, around);
            }
        }
    }
}

/// Whether what a probe says of the sender turns the flow's roles round. The usual port on the
/// server's side, and on no other, is better evidence.
fn speaks_swapped(service: usize, sender: Sender, direction: Direction, flow: &FlowInfo) -> bool {
    let usual = |port| DECODERS.get(service).is_some_and(|protocol| protocol.ports.contains(&port));
    let against = matches!(
        (sender, direction),
        (Sender::Client, Direction::ToClient) | (Sender::Server, Direction::ToServer)
    );
    against && (!usual(flow.server.port) || usual(flow.client.port))
}

/// What the probes said together.
pub enum Claim {
    No,
    Unsure,
    Yes(usize, Sender),
}

/// Shows bytes to every probe: those for whom the port is usual first.
pub fn claim(flow: &FlowInfo, direction: Direction, bytes: &[u8], start: bool) -> Claim {
    let (sport, dport) = match direction {
        Direction::ToServer => (flow.client.port, flow.server.port),
        Direction::ToClient => (flow.server.port, flow.client.port),
    };
    let mut unsure = false;
    for usual_port in [true, false] {
        for (service, protocol) in DECODERS.iter().enumerate() {
            let on_port = protocol.ports.contains(&sport) || protocol.ports.contains(&dport);
            if on_port != usual_port || !protocol.transports.contains(&flow.transport) {
                continue;
            }
            let probe = Probe { bytes, sport, dport, transport: flow.transport, usual_port, start };
            match (protocol.probe)(&probe) {
                Verdict::Yes(sender) => return Claim::Yes(service, sender),
                Verdict::More => unsure = true,
                Verdict::No => {}
            }
        }
    }
    if unsure { Claim::Unsure } else { Claim::No }
}

/// A decoder knows one of the ports, so the flow is never given up.
fn usual(flow: &FlowInfo) -> bool {
    let knows = |protocol: &Protocol| {
        protocol.transports.contains(&flow.transport)
            && (protocol.ports.contains(&flow.server.port) || protocol.ports.contains(&flow.client.port))
    };
    DECODERS.iter().any(knows)
}

/// Which side serves, going by ports alone: `Some(true)` when it is the receiver.
pub fn serves(sport: u16, dport: u16, transport: Transport) -> Option<bool> {
    let known =
        |port: u16| DECODERS.iter().any(|p| p.transports.contains(&transport) && p.ports.contains(&port));
    match (known(sport), known(dport)) {
        (false, true) => Some(true),
        (true, false) => Some(false),
        _ => None,
    }
}

/// Digests of the segments delivered last, to notice when one comes again with other bytes. Bytes
/// themselves are not kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    ring: [SentSegment; 4],
    at: u8,
}

#[derive(Clone, Copy, Debug, Default)]
struct SentSegment {
    seq: u32,
    len: u32,
    digest: u64,
}

impl Sent {
    /// Remembers a segment.
    pub fn note(&mut self, seq: u32, bytes: &[u8], digest: u64) {
        let segment = SentSegment { seq, len: bytes.len() as u32, digest };
        if let Some(slot) = self.ring.get_mut(usize::from(self.at & 3)) {
            *slot = segment;
        }
        self.at = self.at.wrapping_add(1);
    }

    /// If a remembered segment began at `seq` and is covered by `again` with other bytes: its length
    /// and the clash.
    pub fn differs(&self, seq: u32, again: &[u8]) -> Option<Clash> {
        let known = self.ring.iter().find(|segment| segment.seq == seq && segment.len > 0)?;
        let again = digest(again.get(..known.len as usize)?);
        let clash = Clash { len: known.len as usize, first: known.digest, second: again };
        (again != known.digest).then_some(clash)
    }
}

/// Most bytes of a direction that are kept while no probe is sure.
const MOST_HELD_UNKNOWN: usize = 4096;
/// So many segments that no probe wants, and a flow on an unusual port is left alone.
const MOST_REFUSALS: u8 = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::key::{Addr, Endpoint};
    use crate::protocol::harness::Lines;
    use crate::protocol::{Progress, Then};

    /// Panics over a byte of 7, wherever it meets it.
    struct Fragile;

    impl Decoder for Fragile {
        fn data(&mut self, _: Direction, bytes: &[u8], _: &mut Context<'_>) -> Progress {
            assert!(!bytes.contains(&7), "poison");
            Progress { used: bytes.len() as u64, then: Then::More(1) }
        }

        fn datagram(&mut self, _: Direction, bytes: &[u8], _: &mut Context<'_>) {
            assert!(!bytes.contains(&7), "poison");
        }

        fn reset(&mut self) {}
    }

    #[test]
    fn a_decoder_that_panics_costs_its_flow_and_after_three_its_protocol() {
        let (mut pool, mut counts, mut lines) = (Pool::default(), FlowCounts::default(), Lines::default());
        let end = |port| Endpoint { addr: Addr::v4([10, 0, 0, 1]), port };
        let flow = FlowInfo { id: 1, client: end(40_000), server: end(502), transport: Transport::Tcp };
        let mut told = |talk: &mut Conversation, pool: &mut Pool, bytes: &[u8]| {
            let mut around = Around {
                ts: Timestamp::from_micros(1),
                flow: &flow,
                pool,
                sink: &mut lines,
                counts: &mut counts,
            };
            talk.bytes(Direction::ToServer, bytes, &mut around);
            talk.datagram(Direction::ToServer, bytes, &mut around);
            around.counts.decoder_panics
        };
        for panics in 1..=3 {
            assert!(pool.take(0).is_some());
            let mut talk =
                Conversation { stage: Stage::Decoding(0, Box::new(Fragile)), ..Conversation::default() };
            assert_eq!(told(&mut talk, &mut pool, b"all is well"), panics - 1);
            assert_eq!((talk.service(), told(&mut talk, &mut pool, &[1, 7])), (Some(0), panics));
            assert_eq!(
                (talk.service(), told(&mut talk, &mut pool, &[1, 7])),
                (None, panics),
                "it is left alone"
            );
            talk.reset(&mut pool);
        }
        assert!(pool.take(0).is_none() && pool.take(1).is_some(), "one protocol is off, others are not");
    }
}
