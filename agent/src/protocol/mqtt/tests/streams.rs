//! Streams cut anywhere, with holes, from the middle, without end; and what is no MQTT at all.

use fieldward_shared::time::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::flow::{Addr, Endpoint, Feed, FlowInfo, Outcome};
use crate::protocol::harness::{Lines, play, play_cut};
use crate::protocol::{Probe, Sender, Verdict};

/// A conversation in 3.1.1, with payloads that hold what looks like packets.
fn old_conversation() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (ToServer, connect(4)),
        (ToClient, packet(0x20, b"\x00\x00")),
        (ToServer, packet(0x82, b"\x00\x01\x00\x03a/b\x00\x00\x03c/#\x01")),
        (ToClient, packet(0x90, b"\x00\x01\x00\x80")),
        (ToServer, packet(0x30, b"\x00\x03a/b\xc0\x00\xd0\x00\x40\x02\x00\x01")),
        (ToClient, packet(0x33, b"\x00\x03c/d\x00\x01")),
        (
            ToServer,
            [packet(0x40, b"\x00\x01"), packet(0x36, b"\x00\x03x/y\x00\x01z"), packet(0x00, b"?")].concat(),
        ),
        (ToServer, packet(0x34, &[&b"\x00\x03big\x00\x02"[..], &[0x30; 300]].concat())),
        (ToClient, [packet(0x50, b"\x00\x02"), packet(0x70, b"\x00\x02")].concat()),
        (ToServer, [packet(0x62, b"\x00\x02"), packet(0xa2, b"\x00\x03\x00\x03a/b")].concat()),
        (ToClient, [packet(0xb0, b"\x00\x03"), packet(0xd0, b"")].concat()),
        (ToServer, packet(0xe0, b"")),
    ]
}

#[test]
fn any_cut_gives_the_same_events() {
    for conversation in [sample::conversation(), old_conversation()] {
        let whole = play(&PROTOCOL, &conversation);
        for size in 1..=40 {
            assert_eq!(play_cut(&PROTOCOL, &conversation, size), whole, "pieces of {size}");
        }
    }
}

#[test]
fn the_version_is_told_by_the_same_packets_however_they_are_cut() {
    let bytes: Vec<u8> = [
        packet(0x30, &[&b"\x00\x03a/b"[..], b"\xf0\x0f", &[b'x'; 3000]].concat()),
        packet(0x30, b"\x00\x03a/b\x00maybe"),
        packet(0x30, b"\x00\x03a/b{\"t\":21.5}"),
        packet(0x30, b"\x00\x03a/b\x00maybe"),
    ]
    .concat();
    let whole = Player::new(&PROTOCOL).bytes(ToServer, &bytes).lines();
    let versions: Vec<_> = whole.iter().map(|line| line.contains(r#"{"version":4"#)).collect();
    assert_eq!(versions, [false, false, true, true], "{whole:#?}");
    for size in 1..50 {
        let mut player = Player::new(&PROTOCOL);
        bytes.chunks(size).for_each(|piece| {
            player.bytes(ToServer, piece);
        });
        assert_eq!(player.lines(), whole, "pieces of {size}");
    }
}

#[test]
fn packets_that_one_version_alone_allows_tell_the_version() {
    let told = |bytes: &[u8]| {
        let lines = Player::new(&PROTOCOL).midstream().bytes(ToServer, bytes).lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_fine(&lines);
        [3, 4, 5].into_iter().find(|version| lines[0].contains(&format!("{{\"version\":{version},")))
    };
    assert_eq!(told(&packet(0xc0, b"")), None);
    assert_eq!(told(&packet(0x40, b"\x00\x01")), None);
    assert_eq!(told(&packet(0x20, b"\x00\x00")), Some(4));
    assert_eq!(told(&packet(0x20, b"\x00\x00\x00")), Some(5));
    assert_eq!(told(&packet(0x40, b"\x00\x01\x10")), Some(5));
    assert_eq!(told(&packet(0x82, b"\x00\x01\x00\x03a/b\x00")), Some(4));
    assert_eq!(told(&packet(0x82, b"\x00\x01\x00\x00\x03a/b\x00")), Some(5));
    assert_eq!(told(&packet(0x90, b"\x00\x01\x01")), Some(4));
    assert_eq!(told(&packet(0xb0, b"\x00\x01\x00\x00")), Some(5));
    assert_eq!(told(&packet(0xe0, b"\x8e")), Some(5));
    assert_eq!(told(&packet(0x30, b"\x00\x03a/b{}")), Some(4));
    assert_eq!(told(&packet(0x30, b"\x00\x03a/b\x02\x01\x01{}")), Some(5));
    assert_eq!(told(&packet(0x30, b"\x00\x00\x03\x23\x00\x01{}")), Some(5));
}

#[test]
fn a_publish_of_256_megabytes_holds_nothing() {
    let end = |port| Endpoint { addr: Addr::v4([10, 0, 0, 1]), port };
    let flow = FlowInfo { id: 1, client: end(40_000), server: end(1883), transport: Transport::Tcp };
    let (mut feed, mut decoder, mut lines) = (Feed::default(), (PROTOCOL.decoder)(), Lines::default());
    let mut offer = |bytes: &[u8]| {
        let mut ctx = Context::new(Timestamp::from_micros(1), &flow, &mut lines);
        let outcome = feed.bytes(ToServer, bytes, PROTOCOL.most_held, &mut *decoder, &mut ctx);
        assert_eq!((outcome, feed.held()), (Outcome::Going, 0));
    };
    offer(&connect(4));
    let mut first = announce(0x30, 268_435_455);
    assert_eq!(first.len(), 5);
    first.extend_from_slice(b"\x00\x04huge");
    offer(&first);
    let piece = vec![0xc0; 64 * 1024];
    let mut left = 268_435_449_usize;
    while left > 0 {
        let now = left.min(piece.len());
        offer(&piece[..now]);
        left -= now;
    }
    offer(&[0xc0, 0]);
    let Lines(lines) = lines;
    assert_eq!(lines.len(), 3);
    assert!(lines[1].contains(r#""topic":"huge""#) && lines[1].contains(r#""payload_len":268435449"#));
    assert!(lines[2].contains("pingreq"));
}

#[test]
fn a_packet_too_large_to_hold_is_said_and_passed_over() {
    let topic = [b"\x00\x01\x00\x03a/b\x00".to_vec(), b"\x00\x03c/d\x01".repeat(40_000)].concat();
    let bytes = [packet(0x82, &topic), packet(0xc0, b"")].concat();
    for size in [1000, 70_000, bytes.len()] {
        let mut player = connected(4);
        bytes.chunks(size).for_each(|piece| {
            player.bytes(ToServer, piece);
        });
        let lines = player.lines();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with("malformed: too large to hold") && lines[0].contains(r#""topic":"a/b""#));
        assert!(lines[1].contains("pingreq"));
    }
    // A list that can be held is read in full.
    let topic = [b"\x00\x01".to_vec(), b"\x00\x03c/d\x01".repeat(15_000)].concat();
    assert_fine(&client_says(4, &packet(0x82, &topic)));
}

#[test]
fn a_hole_in_a_payload_harms_nothing() {
    let mut player = connected(4);
    player.bytes(ToServer, &packet(0x30, &[&b"\x00\x01t"[..], &[0; 5000]].concat())[..1000]);
    player.gap(ToServer, 3000).bytes(ToServer, &[0; 1006]).bytes(ToServer, &[0xc0, 0]);
    let lines = player.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_fine(&lines);
}

#[test]
fn a_hole_inside_a_packet_costs_that_packet_alone() {
    let mut player = connected(4);
    let long = packet(0x82, &[b"\x00\x01\x00\x03a/b\x00".to_vec(), b"\x00\x03c/d\x01".repeat(30)].concat());
    player.bytes(ToServer, &long[..20]).gap(ToServer, 50);
    player.bytes(ToServer, &long[70..]).bytes(ToServer, &[0xc0, 0]);
    let lines = player.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_fault(&lines[..1], "cut by a capture loss");
    assert!(lines[0].contains(r#""topic":"a/b""#));
    assert!(lines[1].contains("pingreq"));
}

#[test]
fn after_a_hole_of_unknown_extent_the_very_next_whole_packet_is_read() {
    // The hole begins between packets and ends inside the payload of another.
    for tail in
        [&b"rest of a {\"json\":10203, \"payload\":[0,1,2,3]}"[..], &[0; 50], &[0xc0; 33], &[0x30; 41]]
    {
        for next in [
            packet(0x30, b"\x00\x05pump1on"),
            packet(0x32, b"\x00\x05pump1\x00\x09on"),
            packet(0xc0, b""),
            packet(0x40, b"\x00\x09"),
            packet(0x82, b"\x00\x01\x00\x03a/b\x00"),
        ] {
            let mut player = connected(4);
            player.bytes(ToServer, &[0xc0, 0]).lines();
            player.gap(ToServer, 10_000).bytes(ToServer, &[tail, &next].concat());
            // Two or four bytes behind a payload are believed only when the next packet follows.
            let at_once = player.lines();
            assert_eq!(at_once.len(), usize::from(next.len() > 4), "{at_once:?} after {tail:?}");
            assert_fine(&[at_once, player.bytes(ToServer, &[0xc0, 0]).lines()].concat());
            player.gap(ToServer, 10_000).bytes(ToServer, &next);
            assert_eq!(player.lines().len(), 1, "at the front {next:?} is believed at once");
        }
    }
}

#[test]
fn no_packet_is_found_in_ordinary_payload() {
    let mut state = 1_u32;
    let mut random = vec![0; 1_000_000];
    for byte in &mut random {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    let text = b"{\"id\":10,\"v\":[20.5,0.0,-1],\"s\":\"0123 @P\"}\r\n".repeat(5000);
    let floats: Vec<u8> = (0..50_000_u32).flat_map(|n| (n as f32 * -0.5).to_be_bytes()).collect();
    for (name, payload) in [("random", random), ("text", text), ("floats", floats)] {
        let mut player = Player::new(&PROTOCOL).midstream();
        payload.chunks(1460).for_each(|piece| {
            player.bytes(ToServer, piece);
        });
        let lines = player.lines();
        assert!(lines.len() <= 1, "{name}: {} {:?}", lines.len(), &lines[..lines.len().min(5)]);
    }
}

#[test]
fn a_broken_length_loses_the_framing_and_the_search_finds_it_again() {
    let mut player = connected(4);
    let bytes = [&[0x30, 0xff, 0xff, 0xff, 0xff, 0x01][..], &packet(0x30, b"\x00\x05pump1on")].concat();
    let lines = player.bytes(ToServer, &bytes).lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_fault(&lines[..1], "remaining length runs over more than four bytes");
    assert!(lines[1].contains("pump1"));
}

#[test]
fn a_beginning_that_was_not_one_is_given_up_without_further_events() {
    let mut player = Player::new(&PROTOCOL).midstream();
    // An acknowledgement at the end of what is there is believed; what follows shows that it was none.
    player.bytes(ToServer, b"\x40\x02\x12\x34").bytes(ToServer, b"\x62\x05payload, still");
    player.bytes(ToServer, &packet(0x82, b"\x00\x01\x00\x03a/b\x00"));
    let lines = player.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains("subscribe"), "{lines:?}");
}

#[test]
fn a_connect_is_found_and_trusted_even_when_it_is_wrong_inside() {
    let mut player = Player::new(&PROTOCOL).midstream();
    player.bytes(ToServer, &packet(0x10, b"\x00\x04MQTT\x05\x02\x00\x3c\x02\x17\x2b\x00\x01c"));
    player.bytes(ToServer, &packet(0x36, b"\x00\x01t\x00\x01x"));
    let lines = player.lines();
    assert_fault(&lines[..1], "property with a value that it may not have");
    assert_fault(&lines[1..], "QoS 3");
}

#[test]
fn garbage_does_not_give_an_event_for_every_few_bytes() {
    let mut player = connected(4);
    let lines = player.bytes(ToServer, &[0; 100_000]).lines();
    assert!(lines.len() <= 8, "{}", lines.len());
}

#[test]
fn a_connection_that_ends_inside_a_packet_says_so() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, &connect(4)[..14]).end(ToServer).end(ToClient);
    let lines = player.lines();
    assert_fault(&lines, "connection ended inside the packet");
    assert!(lines[0].contains(r#""keep_alive":60"#), "{lines:?}");
}

#[test]
fn the_middle_of_a_connection_is_picked_up_at_its_first_packet() {
    let mut player = Player::new(&PROTOCOL).midstream();
    player.bytes(ToClient, b"\x20").bytes(ToClient, b"\x05\x00\x00\x02\x13\x00");
    // One byte short of its properties; then whole.
    assert!(player.lines().is_empty());
    let mut player = Player::new(&PROTOCOL).midstream();
    player.bytes(ToClient, b"\x20").bytes(ToClient, b"\x06\x00\x00\x03\x13\x00\x09");
    let big = packet(0x30, &[&b"\x00\x06topicX\x00"[..], &[0xff; 35_000]].concat());
    player.bytes(ToServer, &big[..30_000]).bytes(ToServer, &big[30_000..]);
    player.bytes(ToServer, &[0xe0, 0]);
    let lines = player.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[1].contains(r#""payload_len":35000"#), "{lines:?}");
    assert_fine(&lines);
}

fn asked(bytes: &[u8], usual: bool, start: bool) -> Verdict {
    let dport = if usual { 1883 } else { 5000 };
    let transport = Transport::Tcp;
    (PROTOCOL.probe)(&Probe { bytes, sport: 40_000, dport, transport, usual_port: usual, start })
}

#[test]
fn a_connect_is_known_on_any_port_and_from_its_first_bytes() {
    for version in [3, 4, 5] {
        let bytes = connect(version);
        for usual in [false, true] {
            assert_eq!(asked(&bytes, usual, true), Verdict::Yes(Sender::Client));
            for len in 0..8 {
                assert_eq!(asked(&bytes[..len], usual, true), Verdict::More, "{len}");
            }
        }
    }
    for other in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET / HTTP/1.1\r\n",
        b"SSH-2.0-x\r\n",
        b"\x10\x20\x00\x04NOTM",
    ] {
        for (usual, start) in [(false, true), (false, false), (true, true)] {
            assert_eq!(asked(other, usual, start), Verdict::No, "{other:?}");
        }
    }
    assert_eq!(asked(b"\x16\x03\x03\x02\x00\x01\x00\x01\xfc\x03\x03", true, false), Verdict::No);
}

#[test]
fn on_its_port_other_packets_tell_who_sent_them() {
    let sent = |bytes: &[u8]| asked(bytes, true, false);
    assert_eq!(sent(b"\xc0\x00"), Verdict::Yes(Sender::Client));
    assert_eq!(sent(b"\xd0\x00"), Verdict::Yes(Sender::Server));
    assert_eq!(sent(b"\x20\x02\x00\x00"), Verdict::Yes(Sender::Server));
    assert_eq!(sent(b"\x90\x03\x00\x01\x00"), Verdict::Yes(Sender::Server));
    assert_eq!(sent(b"\x82\x08\x00\x01\x00\x03a/b\x00"), Verdict::Yes(Sender::Client));
    assert_eq!(sent(b"\x30\x05\x00\x02t1x"), Verdict::Yes(Sender::Unknown));
    assert_eq!(sent(b"\x20"), Verdict::More);
    assert_eq!(sent(b"of a payload\xc0\x00\xc0\x00\xc0"), Verdict::Yes(Sender::Client));
    assert_eq!(sent(b"of a payload"), Verdict::More);
    assert_eq!(sent(&[7; 20_000]), Verdict::No);
    assert_eq!(asked(b"\xc0\x00", false, false), Verdict::No);
    // A first packet that is broken inside.
    assert_eq!(asked(b"\x36\x06\x00\x01t\x00\x01x", true, true), Verdict::Yes(Sender::Unknown));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read_without_panic_and_the_same_in_any_pieces(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        size in 1_usize..60,
    ) {
        let whole = after_connect(&bytes, bytes.len().max(1));
        let pieces = after_connect(&bytes, size);
        // The search weighs what follows, so only what comes before it must be equal.
        let searched = |line: &String| line.contains("remaining length runs") || line.contains("impossible");
        let until = whole.iter().position(searched).unwrap_or(whole.len());
        if whole.len() < usize::from(MOST_DOUBTS) {
            prop_assert_eq!(&pieces[..until.min(pieces.len())], &whole[..until]);
        }
    }

    #[test]
    fn packets_with_bytes_changed_are_read_without_panic(
        changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..12),
        holes in proptest::collection::vec((any::<u16>(), 0_u64..3000), 0..3),
        midstream in any::<bool>(),
    ) {
        for conversation in [sample::conversation(), old_conversation()] {
            let mut player = Player::new(&PROTOCOL);
            if midstream {
                player = player.midstream();
            }
            for (turn, (from, mut bytes)) in conversation.into_iter().enumerate() {
                for (at, byte) in &changes {
                    let at = usize::from(*at) % (bytes.len() * 7);
                    if let Some(place) = bytes.get_mut(at) {
                        *place = *byte;
                    }
                }
                player.bytes(from, &bytes);
                for (when, missing) in &holes {
                    if usize::from(*when) % 11 == turn {
                        player.gap(from, *missing);
                    }
                }
            }
            player.end(ToServer).end(ToClient);
            prop_assert_ne!(player.outcome, Outcome::Overfull);
        }
    }
}

fn after_connect(bytes: &[u8], size: usize) -> Vec<String> {
    let mut player = connected(5);
    bytes.chunks(size).for_each(|piece| {
        player.bytes(ToServer, piece);
    });
    player.lines()
}
