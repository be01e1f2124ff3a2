//! MQTT comes out of frames as it went in, and nothing comes out of anything else.

#![allow(clippy::arithmetic_side_effects)]

use proptest::prelude::*;

use super::sample::frame;
use super::*;
use crate::flow::Direction::{ToClient, ToServer};
use crate::protocol::harness::{Player, play, play_cut};

const PINGREQ: &[u8] = &[0xc0, 0];

fn connected() -> Player {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, &frame(ToServer, 0x82, b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c"));
    assert_eq!(player.lines().len(), 1);
    player
}

fn publish(topic: &str, payload: usize) -> Vec<u8> {
    let remaining = topic.len() + 2 + payload;
    assert!((128..16_384).contains(&remaining));
    let mut bytes = vec![0x30, (remaining & 0x7f) as u8 | 0x80, (remaining >> 7) as u8, 0, topic.len() as u8];
    bytes.extend_from_slice(topic.as_bytes());
    bytes.resize(bytes.len() + payload, b'.');
    bytes
}

#[test]
fn mqtt_in_frames_gives_the_events_of_mqtt_however_it_is_cut() {
    let bare = play(&mqtt::PROTOCOL, &(mqtt::PROTOCOL.sample)());
    assert_eq!(play(&PROTOCOL, &sample::conversation()), bare);
    for size in 1..=40 {
        assert_eq!(play_cut(&PROTOCOL, &sample::conversation(), size), bare, "pieces of {size}");
    }
}

#[test]
fn packets_and_frames_need_not_begin_together() {
    let packets = [PINGREQ, &publish("a/b", 700), PINGREQ, PINGREQ].concat();
    for size in [1, 3, 125, 126, 500, packets.len()] {
        let mut player = connected();
        for part in packets.chunks(size) {
            player.bytes(ToServer, &frame(ToServer, 0x82, part));
        }
        assert_eq!(player.lines().len(), 4, "frames of {size}");
    }
}

#[test]
fn a_frame_of_64_bit_length_is_read() {
    let mut player = connected();
    let mut bytes = vec![0x82, 127];
    bytes.extend_from_slice(&(70_000_u64).to_be_bytes());
    let packets = [publish("a/b", 9_995), [0xc0, 0].repeat(30_000)].concat();
    assert_eq!(packets.len(), 70_003);
    bytes.extend_from_slice(&packets[..70_000]);
    bytes.truncate(10 + 70_000);
    player.bytes(ToClient, &bytes);
    assert_eq!(player.lines().len(), 1 + 29_998);
}

#[test]
fn what_is_no_mqtt_is_passed_over_in_silence() {
    for first in [&b"\x00\x01\x02\x03"[..], b"{\"op\":1}", b"\x10\x20\x00\x04NOTM"] {
        let mut player = Player::new(&PROTOCOL);
        player.bytes(ToServer, &frame(ToServer, 0x82, first));
        for _ in 0..20 {
            player.bytes(ToServer, &frame(ToServer, 0x82, PINGREQ));
            player.bytes(ToClient, &frame(ToClient, 0x81, b"text"));
            player.bytes(ToClient, &frame(ToClient, 0x82, &[0xd0, 0]));
        }
        player.gap(ToServer, 500).bytes(ToServer, &frame(ToServer, 0x82, PINGREQ));
        player.end(ToServer).end(ToClient);
        assert!(player.lines().is_empty());
    }
}

#[test]
fn a_hole_inside_a_frame_costs_no_more_than_it_would_without_frames() {
    let mut player = connected();
    let bytes = frame(ToServer, 0x82, &[publish("a/b", 700), PINGREQ.to_vec()].concat());
    player.bytes(ToServer, &bytes[..100]).gap(ToServer, 301).bytes(ToServer, &bytes[401..]);
    let lines = player.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains("pingreq") && !lines.concat().contains("malformed"), "{lines:?}");
}

#[test]
fn after_a_hole_over_frames_the_next_frame_with_a_packet_is_read() {
    for (from, tail) in
        [(ToServer, &[0x82; 20][..]), (ToClient, b"the rest of a payload"), (ToServer, &[0; 9])]
    {
        let mut player = connected();
        player.gap(from, 5000).bytes(from, &[tail, &frame(from, 0x82, &publish("a/b", 300))].concat());
        player.bytes(from, &frame(from, 0x82, PINGREQ));
        let lines = player.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains(r#""topic":"a/b""#), "{lines:?}");
    }
}

#[test]
fn a_broken_frame_loses_the_framing_and_the_search_finds_it_again() {
    let mut player = connected();
    let bytes = [&[0x83, 0x00, 0xff][..], &frame(ToServer, 0x82, &publish("a/b", 300))].concat();
    let lines = player.bytes(ToServer, &bytes).lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn compressed_messages_are_passed_over() {
    let mut player = connected();
    player.bytes(ToServer, &frame(ToServer, 0xc2, b"\xaa\xbb\xcc"));
    player.bytes(ToServer, &frame(ToServer, 0x82, PINGREQ));
    let lines = player.lines();
    assert!(lines.len() == 1 && lines[0].contains("pingreq"), "{lines:?}");
}

#[test]
fn the_probe_claims_nothing() {
    let transport = Transport::Tcp;
    let probe = super::super::Probe {
        bytes: &[0x82, 2, 0xc0, 0],
        sport: 1,
        dport: 80,
        transport,
        usual_port: true,
        start: true,
    };
    assert_eq!((PROTOCOL.probe)(&probe), Verdict::No);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..500),
        changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..8),
        missing in 0_u64..500,
        size in 1_usize..80,
    ) {
        let mut player = connected();
        for piece in bytes.chunks(size) {
            player.bytes(ToServer, piece).bytes(ToClient, piece);
        }
        let mut player = Player::new(&PROTOCOL);
        for (from, mut bytes) in sample::conversation() {
            for (at, byte) in &changes {
                let at = usize::from(*at) % (bytes.len() * 5);
                if let Some(place) = bytes.get_mut(at) {
                    *place = *byte;
                }
            }
            for piece in bytes.chunks(size) {
                player.bytes(from, piece);
            }
            if bytes.len() as u64 == missing {
                player.gap(from, missing);
            }
        }
        player.end(ToServer).end(ToClient);
    }
}
