//! RTU frames in a stream: where they end, and what proves them.

use proptest::prelude::*;

use super::{PROTOCOL, crc, framed, probe};
use crate::flow::Direction::{ToClient, ToServer};
use crate::flow::{Outcome, Transport};
use crate::protocol::harness::{Player, play, play_cut, without_rtt};
use crate::protocol::{Probe, Sender, Verdict};

const READ: &[u8] = &[3, 0, 107, 0, 2];
const ANSWER: &[u8] = &[3, 4, 0, 1, 0, 2];

#[track_caller]
fn has(line: &str, part: &str) {
    assert!(line.contains(part), "{part} is not in {line}");
}

#[test]
fn the_crc_is_the_standards() {
    // 0x4B37 is the check value of CRC-16/MODBUS.
    assert_eq!(crc(b"123456789"), 0x4b37);
    assert_eq!(crc(&framed(1, READ)), 0);
}

#[test]
fn a_poll_gives_two_events_without_a_transaction_id() {
    let lines = play(&PROTOCOL, &[(ToServer, framed(17, READ)), (ToClient, framed(17, ANSWER))]);
    assert_eq!(
        lines,
        [
            "modbus client {\"kind\":\"request\",\"framing\":\"rtu\",\"unit\":17,\"func\":3,\
             \"name\":\"read_holding_registers\",\"addr\":107,\"qty\":2}",
            "modbus server {\"kind\":\"response\",\"framing\":\"rtu\",\"unit\":17,\"func\":3,\
             \"name\":\"read_holding_registers\",\"addr\":107,\"qty\":2,\"values\":[1,2],\
             \"matched\":true,\"rtt\":0.001000}",
        ]
    );
}

#[test]
fn every_function_is_sound_in_any_cut() {
    let conversation = (PROTOCOL.sample)();
    let whole: Vec<_> = play(&PROTOCOL, &conversation).into_iter().map(without_rtt).collect();
    assert_eq!(whole.len(), conversation.len());
    for line in &whole {
        assert!(!line.contains("malformed") && !line.contains("\"matched\":false"), "{line}");
    }
    for size in 1..=40 {
        assert_eq!(play_cut(&PROTOCOL, &conversation, size), whole, "pieces of {size}");
    }
}

#[test]
fn a_wrong_checksum_is_told_and_the_next_frame_read() {
    let mut broken = framed(1, READ);
    broken[5] ^= 1;
    for size in [1, 3, 1000] {
        let stream = [framed(1, READ), broken.clone(), framed(2, READ)].concat();
        let lines = play_cut(&PROTOCOL, &[(ToServer, stream)], size);
        assert_eq!(lines.len(), 3, "{lines:#?}");
        has(&lines[1], "malformed: checksum is wrong");
        has(&lines[2], "\"unit\":2");
    }
}

#[test]
fn a_hole_at_any_place_costs_only_the_frames_it_touches() {
    let frames: Vec<Vec<u8>> =
        (1..=9).map(|unit| framed(unit, &[16, 0, 1, 0, 2, 4, 0, 10, 1, unit])).collect();
    let stream = frames.concat();
    let length = frames[0].len();
    for begin in 0..stream.len() {
        for size in [1, 4, 20] {
            let end = (begin + size).min(stream.len());
            let mut player = Player::new(&PROTOCOL);
            player.bytes(ToServer, &stream[..begin]).gap(ToServer, (end - begin) as u64);
            player.bytes(ToServer, &stream[end..]);
            let lines = player.lines();
            let seen = lines.iter().filter(|line| !line.contains("malformed")).count();
            let whole = (0..9).filter(|at| (at + 1) * length <= begin || at * length >= end).count();
            assert_eq!(seen, whole, "{size} bytes lost at {begin}: {lines:#?}");
        }
    }
}

fn verdict(bytes: &[u8], start: bool) -> Verdict {
    let (sport, dport, transport) = (40_000, 4001, Transport::Tcp);
    probe(&Probe { bytes, sport, dport, transport, usual_port: false, start })
}

#[test]
fn only_a_fitting_crc_claims_a_flow() {
    assert_eq!(verdict(&framed(1, READ), true), Verdict::Yes(Sender::Client));
    assert_eq!(verdict(&framed(1, ANSWER), true), Verdict::Yes(Sender::Server));
    assert_eq!(verdict(&framed(1, &[6, 0, 1, 0, 1]), true), Verdict::Yes(Sender::Unknown));
    assert_eq!(verdict(&framed(1, READ)[..5], true), Verdict::More);
    assert_eq!(verdict(&framed(1, &[17]), true), Verdict::More);
    let mut broken = framed(1, READ);
    broken[3] ^= 4;
    assert!(!matches!(verdict(&broken, true), Verdict::Yes(_)));
    assert_eq!(verdict(b"GET / HTTP/1.1\r\n", true), Verdict::No);
    let two = [framed(1, READ), framed(1, READ)].concat();
    assert_eq!(verdict(&two, false), Verdict::Yes(Sender::Client), "two in the middle of a connection");
    assert_eq!(verdict(&[&[7, 7, 7][..], &two].concat(), false), Verdict::No);
}

#[test]
fn a_flow_that_begins_with_something_else_is_left() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, &[1, 3, 0, 0, 0, 1, 9, 9]);
    assert_eq!(player.outcome, Outcome::Leave);
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(
        pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(0_u8..30, 0..300)), 0..12),
    ) {
        let mut player = Player::new(&PROTOCOL);
        player.bytes(ToServer, &framed(1, READ));
        for (answer, bytes) in pieces {
            let from = if answer { ToClient } else { ToServer };
            player.bytes(from, &bytes).gap(from, bytes.len() as u64 / 3);
            player.bytes(from, &bytes);
            let _: Verdict = verdict(&bytes, answer);
        }
        player.end(ToServer).end(ToClient);
    }
}
