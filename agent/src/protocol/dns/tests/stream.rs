//! DNS over TCP: lengths in front, pieces, holes and rubbish.

use super::*;
use crate::protocol::harness::{play, play_cut};

#[test]
fn the_sample_is_whole_and_every_response_finds_its_query() {
    let lines = play(&PROTOCOL, &(PROTOCOL.sample)());
    assert!(lines.len() > 40, "{}", lines.len());
    for line in &lines {
        assert!(!line.contains("malformed") && !line.contains("\"matched\":false"), "{line}");
        assert!(line.contains("\"transport\":\"tcp\""), "{line}");
        assert!(!line.contains("retransmission"), "{line}");
    }
}

#[test]
fn cuts_change_nothing() {
    let sample = (PROTOCOL.sample)();
    let whole = play_cut(&PROTOCOL, &sample, usize::MAX);
    for size in 1..=40 {
        assert_eq!(play_cut(&PROTOCOL, &sample, size), whole, "pieces of {size}");
    }
}

#[test]
fn messages_in_one_segment_are_told_one_by_one() {
    let all = [1, 2, 3].map(|id| framed(&query(id))).concat();
    let mut player = Player::new(&PROTOCOL);
    player.bytes(QUERY, &all);
    let lines = player.lines();
    assert_eq!(lines.len(), 3);
    assert!(lines[2].contains("\"id\":3"), "{}", lines[2]);
}

#[test]
fn the_longest_message_is_held_and_read() {
    let count = 4094_u16;
    let answers = record(BACK, 1, &[1, 2, 3, 4]).repeat(usize::from(count));
    let mut message = [header(1, 0x8180, [1, count, 0, 0]), question(NAME_A, 1), answers].concat();
    message.resize(65535, 0);
    let all = [framed(&message), framed(&response(2))].concat();
    let mut player = Player::new(&PROTOCOL);
    for piece in all.chunks(1460) {
        player.bytes(RESPONSE, piece);
    }
    let lines = player.lines();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].ends_with("bytes left over behind the last record"));
    assert!(!lines[1].contains("malformed"), "{}", lines[1]);
}

#[test]
fn a_hole_within_a_message_costs_only_that_message() {
    let first = framed(&response(1));
    for held in 2..first.len() {
        for missing in 1..=first.len() - held {
            let mut player = Player::new(&PROTOCOL);
            player.bytes(RESPONSE, &first[..held]).gap(RESPONSE, missing as u64);
            player.bytes(RESPONSE, &first[held + missing..]).bytes(RESPONSE, &framed(&response(2)));
            let lines = player.lines();
            assert_eq!(lines.len(), 1, "{held} {missing}");
            assert!(lines[0].contains("\"id\":2") && !lines[0].contains("malformed"), "{}", lines[0]);
        }
    }
}

#[test]
fn after_any_hole_the_next_whole_message_is_read() {
    let all: Vec<u8> = (1..=4).flat_map(|id| framed(&response(id))).collect();
    let one = framed(&response(1)).len();
    for start in 0..2 * one {
        for end in start + 1..=2 * one {
            let mut player = Player::new(&PROTOCOL);
            player.bytes(RESPONSE, &all[..start]).gap(RESPONSE, (end - start) as u64);
            player.bytes(RESPONSE, &all[end..]);
            let lines = player.lines();
            let whole = start / one + 2 + usize::from(end <= one);
            assert_eq!(lines.len(), whole, "{start}..{end}: {lines:?}");
            assert!(lines.iter().all(|line| !line.contains("malformed")), "{lines:?}");
        }
    }
}

#[test]
fn a_capture_that_begins_in_the_middle_finds_the_next_message() {
    let sample = (PROTOCOL.sample)();
    let responses: Vec<_> = sample.iter().filter(|(from, _)| *from == RESPONSE).collect();
    for pair in responses.windows(2) {
        let [(_, cut), (_, whole)] = pair else { continue };
        for skipped in 1..cut.len() {
            for size in [1, 7, usize::MAX] {
                let mut player = Player::new(&PROTOCOL).midstream();
                for piece in [&cut[skipped..], whole].concat().chunks(size) {
                    player.bytes(RESPONSE, piece);
                }
                let lines = player.lines();
                assert_eq!(lines.len(), 1, "{skipped}: {lines:?}");
                assert!(!lines[0].contains("malformed"), "{}", lines[0]);
            }
        }
    }
}

#[test]
fn rubbish_between_messages_costs_none_of_them() {
    for rubbish in
        [&b"\0"[..], b"\0\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n", b"\xff\xff\xff\xff\xff", &[0x41; 300]]
    {
        for size in [1, 3, usize::MAX] {
            let all = [&framed(&query(1)), rubbish, &framed(&query(2)), &framed(&query(3))].concat();
            let mut player = Player::new(&PROTOCOL);
            for piece in all.chunks(size) {
                player.bytes(QUERY, piece);
            }
            let lines = player.lines();
            let good: Vec<_> = lines.iter().filter(|line| !line.contains("malformed")).collect();
            assert_eq!(good.len(), 3, "{rubbish:?} {size}: {lines:?}");
            assert!(lines.len() <= 4, "{lines:?}");
        }
    }
}

#[test]
fn wrong_content_in_right_framing_is_told_and_passed() {
    let looping = [header(9, 0x0100, [1, 0, 0, 0]), question(b"\xc0\x0c", 1)].concat();
    let odd = [header(9, 0x4900, [1, 0, 0, 0]), question(NAME_A, 1)].concat();
    let few = [header(9, 0x0100, [1, 99, 0, 0]), question(NAME_A, 1)].concat();
    let random = [header(9, 0x7fff, [0xffff; 4]), vec![0xaa; 50]].concat();
    for bad in [looping, odd, few, random, query(9)[..8].to_vec()] {
        let mut player = Player::new(&PROTOCOL);
        player.bytes(QUERY, &[framed(&bad), framed(&query(2))].concat());
        let lines = player.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            lines[0].contains("\"id\":9,\"kind\":\"query\"") && lines[0].contains("malformed"),
            "{lines:?}"
        );
        assert!(lines[1].contains("\"id\":2") && !lines[1].contains("malformed"), "{lines:?}");
    }
}
