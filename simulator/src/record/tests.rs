use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::rng::Rng;

#[test]
fn packets_leave_in_the_order_of_time_and_not_before() {
    let seen = play(7, 0.05, None);
    assert!(seen.len() > 100);
    for pair in seen.windows(2) {
        assert!(pair[0].at <= pair[1].at);
    }
    assert!(seen.iter().all(|packet| packet.at < packet.left));
}

#[test]
fn the_same_calls_give_the_same_bytes() {
    let (one, other) = (play(7, 0.05, None), play(7, 0.05, None));
    assert!(one.iter().map(|p| (p.at, &p.bytes)).eq(other.iter().map(|p| (p.at, &p.bytes))));
    let third = play(8, 0.05, None);
    assert!(!one.iter().map(|p| &p.bytes).eq(third.iter().map(|p| &p.bytes)));
}

#[test]
fn nothing_is_written_before_its_time() {
    let (mut recorder, seen) = recorder(1, 0.0);
    let (_, at) = recorder.open(peer(1), 40_000, peer(2), 502, Door::Open, START, 0);
    recorder.passes(Timestamp::from_micros(START));
    assert!(seen.borrow().is_empty());
    recorder.passes(Timestamp::from_micros(at));
    assert!(seen.borrow().len() >= 4);
    let late = at + 5_000_000;
    recorder.send(0, Side::Server, late, b"later", None);
    recorder.passes(Timestamp::from_micros(late));
    assert!(seen.borrow().iter().all(|packet| !packet.bytes.ends_with(b"later")));
    recorder.passes(Timestamp::from_micros(late + 1));
    assert!(seen.borrow().iter().any(|packet| packet.bytes.windows(5).any(|part| part == b"later")));
}

#[test]
fn a_relay_shows_each_packet_twice() {
    let seen = play(7, 0.0, Some(Way::Between));
    let tcp: Vec<_> = seen.iter().filter_map(Seen::tcp).collect();
    let mut waiting = Vec::new();
    for packet in tcp {
        let (from, to, relay) = (card(packet.from), card(packet.to), [2, 0, 0, 0, 0, 66]);
        let key = (packet.from, packet.seq, packet.flags, packet.data.clone(), packet.id);
        match waiting.iter().position(|old| *old == key) {
            None => {
                assert_eq!((packet.cards, packet.ttl), ((from, relay), 64));
                waiting.push(key);
            }
            Some(place) => {
                assert_eq!((packet.cards, packet.ttl), ((relay, to), 63));
                waiting.remove(place);
            }
        }
    }
    assert!(waiting.is_empty(), "{} packets were not passed on", waiting.len());
}

#[test]
fn what_a_relay_keeps_is_sent_again_until_the_line_is_given_up() {
    let (mut recorder, seen) = recorder(1, 0.0);
    recorder.relay(
        peer(1).ip,
        peer(2).ip,
        Some(Relay { mac: [2, 0, 0, 0, 0, 66], tag: 3, way: Way::Between }),
    );
    let (_, at) = recorder.open(peer(1), 40_000, peer(2), 502, Door::Open, START, 0);
    recorder.passes(Timestamp::from_micros(at));
    let on = On { vanishes: true, ..On::default() };
    recorder.send_on(0, Side::Client, at, b"write", on);
    assert!(!recorder.stands(0));
    recorder.passes(Timestamp::from_micros(at + 1_000_000));
    recorder.close(0, Side::Client, at + 1_000_000);
    recorder.passes(Timestamp::from_micros(at + 9_000_000));
    let seen = seen.borrow();
    let tcp: Vec<_> = seen.iter().filter_map(Seen::tcp).collect();
    let writes: Vec<_> = tcp.iter().filter(|packet| packet.data == b"write").collect();
    assert_eq!(writes.len(), 3);
    assert!(writes.iter().all(|write| write.cards.1 == [2, 0, 0, 0, 0, 66] && write.seq == writes[0].seq));
    let last = tcp.last().unwrap();
    assert_eq!((last.flags & frame::RST, last.seq), (frame::RST, writes[0].seq.wrapping_add(5)));
}

#[test]
fn someone_beside_the_path_breaks_the_line_off() {
    let (mut recorder, seen) = recorder(1, 0.0);
    recorder.relay(
        peer(1).ip,
        peer(2).ip,
        Some(Relay { mac: [2, 0, 0, 0, 0, 66], tag: 3, way: Way::Beside }),
    );
    let (_, at) = recorder.open(peer(1), 40_000, peer(2), 502, Door::Open, START, 0);
    recorder.send_on(0, Side::Client, at, b"write", On { vanishes: true, ..On::default() });
    assert!(!recorder.stands(0));
    recorder.passes(Timestamp::from_micros(at + 1_000_000));
    let seen = seen.borrow();
    let tcp: Vec<_> = seen.iter().filter_map(Seen::tcp).collect();
    let resets: Vec<_> = tcp.iter().filter(|packet| packet.flags & frame::RST != 0).collect();
    assert_eq!(resets.len(), 2);
    assert!(resets.iter().all(|reset| reset.cards.0 == [2, 0, 0, 0, 0, 66]));
    assert!(tcp.iter().all(|packet| packet.data.is_empty()));
    assert_eq!(recorder.tagged[&3].packets, 2);
}

#[test]
fn a_silent_door_and_a_closed_one_hold_no_line() {
    let (mut recorder, _) = recorder(1, 0.0);
    for nth in 0..20 {
        let door = if nth % 2 == 0 { Door::Closed } else { Door::Silent };
        recorder.open(peer(1), 40_000 + nth, peer(2), 502, door, START + u64::from(nth), 0);
    }
    assert_eq!(recorder.lines.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_line_is_right_whatever_is_sent(seed in any::<u64>(), loss in 0.0..0.1_f64) {
        check(&play(seed, loss, None));
    }

    #[test]
    fn so_it_is_through_a_relay(seed in any::<u64>(), loss in 0.0..0.1_f64) {
        check(&play(seed, loss, Some(Way::Between)));
    }
}

/// A packet and when it was written.
struct Seen {
    at: u64,
    left: u64,
    bytes: Vec<u8>,
}

/// A segment, read back.
struct Read {
    at: u64,
    from: u8,
    to: u8,
    ports: (u16, u16),
    cards: ([u8; 6], [u8; 6]),
    id: u16,
    ttl: u8,
    seq: u32,
    ack: u32,
    flags: u8,
    data: Vec<u8>,
}

/// Keeps what is written, and the time that had passed then.
struct Keeper {
    seen: Rc<RefCell<Vec<Seen>>>,
    now: Rc<RefCell<u64>>,
}

impl Sink for Keeper {
    fn packet(&mut self, at: Timestamp, bytes: &[u8], _: u16) -> io::Result<()> {
        let left = *self.now.borrow();
        self.seen.borrow_mut().push(Seen { at: at.as_micros(), left, bytes: bytes.to_vec() });
        Ok(())
    }
}

impl Seen {
    fn tcp(&self) -> Option<Read> {
        let bytes = &self.bytes;
        if bytes[12..14] != [8, 0] || bytes[23] != 6 {
            return None;
        }
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let long = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let start = 34 + usize::from(bytes[46] >> 4) * 4;
        Some(Read {
            at: self.at,
            from: bytes[29],
            to: bytes[33],
            ports: (word(34), word(36)),
            cards: (bytes[6..12].try_into().unwrap(), bytes[..6].try_into().unwrap()),
            id: word(18),
            ttl: bytes[22],
            seq: long(38),
            ack: long(42),
            flags: bytes[47],
            data: bytes[start..14 + usize::from(word(16))].to_vec(),
        })
    }
}

/// Lines between two hosts, with data both ways at random, partly ahead of time; all that was written.
fn play(seed: u64, loss: f64, way: Option<Way>) -> Vec<Seen> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let clock = Rc::new(RefCell::new(0));
    let sink = Keeper { seen: seen.clone(), now: clock.clone() };
    let mut recorder = Recorder::new(Box::new(sink), seed, loss);
    let mut rng = Rng::named(seed, "test");
    if let Some(way) = way {
        recorder.relay(peer(1).ip, peer(2).ip, Some(Relay { mac: [2, 0, 0, 0, 0, 66], tag: 1, way }));
    }
    let mut now = START;
    for port in 40_000..40_006 {
        let (opened, at) = recorder.open(peer(1), port, peer(2), 502, Door::Open, now, 0);
        let Opened::Open(line) = opened else { panic!("{opened:?}") };
        now = at;
        for _ in 0..rng.between(5, 30) {
            *clock.borrow_mut() = now;
            recorder.passes(Timestamp::from_micros(now));
            let side = if rng.chance(0.5) { Side::Client } else { Side::Server };
            let ahead = rng.below(400_000);
            let size = rng.size(4.5, 1.5, 9000).max(1);
            recorder.send(line, side, now + ahead, &rng.bytes(size), None);
            now += rng.below(150_000);
        }
        if rng.chance(0.3) {
            recorder.reset(line, Side::Client, now, None);
        } else {
            recorder.close(line, if rng.chance(0.5) { Side::Client } else { Side::Server }, now);
        }
        recorder.release(line);
    }
    for _ in 0..200 {
        now += 50_000;
        *clock.borrow_mut() = now;
        recorder.passes(Timestamp::from_micros(now));
    }
    drop(recorder);
    Rc::into_inner(seen).unwrap().into_inner()
}

/// Every line opens with a handshake; each side's data have no gap; what is sent again is the same; nobody
/// acknowledges what was not sent; who closes says so, and nobody speaks after a reset.
fn check(seen: &[Seen]) {
    /// What one side of a line has sent: the number of its first byte, and everything since.
    #[derive(Default)]
    struct Half {
        first: Option<u32>,
        sent: Vec<u8>,
        /// How much of it has arrived: what a relay has not passed on has not.
        arrived: u32,
        acked: u32,
        fin: bool,
    }
    let relayed = seen.iter().filter_map(Seen::tcp).any(|packet| packet.ttl == 63);
    let mut lines: BTreeMap<u16, [Half; 2]> = BTreeMap::new();
    let mut broken = BTreeMap::new();
    for packet in seen.iter().filter_map(Seen::tcp) {
        let side = usize::from(packet.from == 2);
        let port = if side == 0 { packet.ports.0 } else { packet.ports.1 };
        assert_eq!(packet.to, if side == 0 { 2 } else { 1 });
        let halves = lines.entry(port).or_default();
        // A relay passes the reset on a moment later.
        assert!(broken.get(&port).is_none_or(|at| packet.at <= at + 400), "sent after a reset");
        if packet.flags & frame::RST != 0 {
            broken.entry(port).or_insert(packet.at);
        }
        let half = &mut halves[side];
        if packet.flags & frame::SYN != 0 {
            assert!(half.first.is_none_or(|first| first == packet.seq));
            half.first = Some(packet.seq);
            if half.sent.is_empty() {
                half.sent.push(0);
            }
        }
        let offset = packet.seq.wrapping_sub(half.first.expect("a SYN comes first")) as usize;
        assert!(offset <= half.sent.len(), "a gap of {}", offset - half.sent.len());
        for (byte, place) in packet.data.iter().zip(offset..) {
            match half.sent.get(place) {
                Some(before) => assert_eq!(before, byte, "sent again, but other bytes"),
                None => half.sent.push(*byte),
            }
        }
        if packet.flags & frame::FIN != 0 {
            assert_eq!(offset, half.sent.len() - usize::from(half.fin));
            if !half.fin {
                half.sent.push(0);
            }
            half.fin = true;
        }
        if !relayed || packet.ttl == 63 {
            let end = packet.flags & (frame::SYN | frame::FIN) != 0;
            half.arrived = half.arrived.max((offset + packet.data.len() + usize::from(end)) as u32);
        }
        if packet.flags & frame::ACK != 0 {
            let other = halves[1 - side].arrived;
            let first = halves[1 - side].first.expect("acknowledged what was never sent");
            let acked = packet.ack.wrapping_sub(first);
            assert!(acked <= other, "acknowledges {acked} of {other}");
            let half = &mut halves[side];
            assert!(acked >= half.acked || packet.ttl == 63, "takes an acknowledgement back");
            half.acked = half.acked.max(acked);
        }
    }
    assert_eq!(lines.len(), 6);
    for (port, halves) in lines {
        assert!(halves.iter().all(|half| half.acked >= 1), "the handshake of {port} is incomplete");
        if !broken.contains_key(&port) {
            for side in 0..2 {
                assert!(halves[side].fin);
                assert_eq!(halves[1 - side].acked as usize, halves[side].sent.len(), "all was acknowledged");
            }
        }
    }
}

fn recorder(seed: u64, loss: f64) -> (Recorder, Rc<RefCell<Vec<Seen>>>) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let sink = Keeper { seen: seen.clone(), now: Rc::default() };
    (Recorder::new(Box::new(sink), seed, loss), seen)
}

fn card(last: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0, last]
}

fn peer(last: u8) -> Peer {
    Peer { mac: card(last), ip: Ipv4Addr::new(10, 0, 0, last), stack: Stack::Linux }
}

const START: u64 = 1_000_000_000;
