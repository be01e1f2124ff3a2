//! Judges every decoder of the registry: any bytes, any cut, any loss.

use proptest::prelude::*;

use super::harness::{Player, play, play_cut, without_rtt};
use super::{DECODERS, Probe, Verdict};
use crate::flow::{Direction, Transport};

#[test]
fn the_registry_is_in_order() {
    assert!(!DECODERS.is_empty());
    for (at, protocol) in DECODERS.iter().enumerate() {
        assert!(DECODERS[..at].iter().all(|other| other.name != protocol.name), "{} twice", protocol.name);
        assert!(protocol.most_held <= 1 << 17, "{} wants to hold too much", protocol.name);
        assert!(!protocol.events.is_empty() && !protocol.transports.is_empty(), "{}", protocol.name);
    }
}

#[test]
fn samples_are_claimed_by_their_own_decoder() {
    for protocol in DECODERS.iter().filter(|protocol| !protocol.ports.is_empty()) {
        let sample = (protocol.sample)();
        let (_, bytes) = &sample[0];
        let transport = protocol.transports[0];
        let probe = Probe {
            bytes,
            sport: 40_000,
            dport: protocol.ports[0],
            transport,
            usual_port: true,
            start: true,
        };
        assert!(matches!((protocol.probe)(&probe), Verdict::Yes(_)), "{}", protocol.name);
        for other in DECODERS.iter().filter(|other| other.name != protocol.name) {
            let probe = Probe { usual_port: false, ..probe };
            let verdict = (other.probe)(&probe);
            assert!(!matches!(verdict, Verdict::Yes(_)), "{} claims {}", other.name, protocol.name);
        }
    }
}

#[test]
fn samples_hold_no_malformed_message() {
    for protocol in DECODERS {
        let lines = play(protocol, &(protocol.sample)());
        assert!(lines.len() >= (protocol.sample)().len() / 2, "{}", protocol.name);
        let bad: Vec<_> = lines.iter().filter(|line| line.contains("malformed")).collect();
        assert!(bad.is_empty(), "{}: {bad:?}", protocol.name);
    }
}

#[test]
fn any_cut_gives_the_same_events() {
    for protocol in DECODERS.iter().filter(|protocol| protocol.transports.contains(&Transport::Tcp)) {
        let sample = (protocol.sample)();
        let whole: Vec<_> = play(protocol, &sample).into_iter().map(without_rtt).collect();
        for size in 1..=64 {
            assert_eq!(play_cut(protocol, &sample, size), whole, "{} in pieces of {size}", protocol.name);
        }
    }
}

#[test]
fn a_decoder_used_again_remembers_nothing() {
    for protocol in DECODERS {
        let sample = (protocol.sample)();
        let mut player = Player::new(protocol);
        let mut runs = Vec::new();
        for _ in 0..2 {
            for (from, bytes) in &sample {
                player.bytes(*from, bytes);
            }
            player.end(Direction::ToServer).end(Direction::ToClient).reset();
            runs.push(player.lines());
        }
        assert_eq!(runs[0], runs[1], "{}", protocol.name);
    }
}

fn direction(client: bool) -> Direction {
    if client { Direction::ToServer } else { Direction::ToClient }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_survived(
        pieces in prop::collection::vec((any::<bool>(), 0_u8..12, prop::collection::vec(any::<u8>(), 0..300)), 0..20),
        midstream: bool,
    ) {
        for protocol in DECODERS {
            let mut player = Player::new(protocol);
            if midstream {
                player = player.midstream();
            }
            for (client, action, bytes) in &pieces {
                match action {
                    0 => player.gap(direction(*client), bytes.len() as u64 + 1),
                    1 => player.datagram(direction(*client), bytes),
                    2 => player.end(direction(*client)),
                    _ => player.bytes(direction(*client), bytes),
                };
            }
        }
    }

    #[test]
    fn damaged_samples_are_survived(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..8),
        size in 1_usize..200,
    ) {
        for protocol in DECODERS {
            let mut sample = (protocol.sample)();
            for (message, at, byte) in &flips {
                let (_, bytes) = message.get_mut(&mut sample);
                if !bytes.is_empty() {
                    *at.get_mut(bytes) = *byte;
                }
            }
            play_cut(protocol, &sample, size);
        }
    }
}
