//! What a mirror port does to segments must not change what is understood: any cut, any order within
//! a window and any repetition give the same events; a lost segment is told, and the stream goes on
//! within one message.

use fieldward_agent::flow::{Direction, Transport};
use fieldward_agent::protocol::{DECODERS, Protocol};
use fieldward_tests::stream::{Piece, Seen, Wire, cut};
use proptest::prelude::*;

fn over_tcp() -> impl Iterator<Item = &'static Protocol> {
    DECODERS
        .iter()
        .filter(|protocol| protocol.transports.contains(&Transport::Tcp) && !protocol.ports.is_empty())
}

fn played(port: u16, pieces: &[Piece]) -> Vec<Seen> {
    let mut wire: Wire = Wire::open(port);
    for piece in pieces {
        wire.piece(piece);
    }
    wire.end()
}

fn whole(protocol: &Protocol) -> Vec<Seen> {
    let seen = played(protocol.ports[0], &cut(&(protocol.sample)(), || usize::MAX));
    assert!(!seen.is_empty(), "{}", protocol.name);
    seen
}

#[test]
fn every_split_point_gives_the_same_events() {
    for protocol in over_tcp() {
        let whole = whole(protocol);
        for size in 1..80 {
            let seen = played(protocol.ports[0], &cut(&(protocol.sample)(), || size));
            assert_eq!(seen, whole, "{} in segments of {size}", protocol.name);
        }
    }
}

/// Runs of pieces of one direction, between two changes of direction.
fn runs(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    pieces.chunk_by(|a, b| a.from == b.from).map(<[Piece]>::to_vec).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn shuffled_and_repeated_segments_give_the_same_events(
        sizes in prop::collection::vec(1_usize..60, 1..40),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..40),
        repeats in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        for protocol in over_tcp() {
            let mut size = sizes.iter().cycle();
            let pieces = cut(&(protocol.sample)(), || *size.next().expect("a cycle"));
            let mut mixed = Vec::new();
            for mut run in runs(&pieces) {
                for (one, other) in &swaps {
                    let (one, other) = (one.index(run.len()), other.index(run.len()));
                    // No further than reordering inside a network goes.
                    if one.abs_diff(other) <= 16 {
                        run.swap(one, other);
                    }
                }
                for repeat in &repeats {
                    let piece = run[repeat.index(run.len())].clone();
                    run.push(piece);
                }
                mixed.extend(run);
            }
            prop_assert_eq!(played(protocol.ports[0], &mixed), whole(protocol), "{}", protocol.name);
        }
    }

    #[test]
    fn a_lost_segment_is_told_and_costs_one_message_more_at_most(
        size in 1_usize..90,
        lost in any::<prop::sample::Index>(),
    ) {
        for protocol in over_tcp() {
            let pieces = cut(&(protocol.sample)(), || size);
            // Without its first bytes a stream is another matter: that is midstream.
            let firsts = |piece: &Piece| piece.offset == 0;
            let lost = lost.index(pieces.len());
            if firsts(&pieces[lost]) {
                continue;
            }
            let hole = &pieces[lost];
            let last = !pieces[lost + 1..].iter().any(|piece| piece.from == hole.from);
            let mut kept = pieces.clone();
            let hole = kept.remove(lost);
            let seen = played(protocol.ports[0], &kept);
            let told = seen.iter().any(|seen| seen.proto == "tcp" && seen.fields.contains("\"gap\""));
            prop_assert!(told || last, "{}: the loss was not told", protocol.name);

            let good = |all: &[Seen], from: Direction| {
                let from_client = from == Direction::ToServer;
                all.iter().filter(|s| s.proto != "tcp" && s.from_client == from_client && s.malformed.is_none()).count()
            };
            let whole = whole(protocol);
            let touched = messages_in(protocol, &hole);
            let (before, after) = (good(&whole, hole.from), good(&seen, hole.from));
            prop_assert!(
                after + touched + 1 >= before,
                "{}: of {before} messages {after} are left, {touched} were touched by {} bytes at {}",
                protocol.name, hole.bytes.len(), hole.offset,
            );
            let other = hole.from.flipped();
            prop_assert!(good(&seen, other) + 1 >= good(&whole, other), "{}: the other side lost messages", protocol.name);
        }
    }
}

/// How many messages the hole lies in: each ends where its event comes when bytes trickle in.
fn messages_in(protocol: &Protocol, hole: &Piece) -> usize {
    let mut wire: Wire = Wire::open(protocol.ports[0]);
    let (mut begin, mut touched) = (0, 0);
    let end_of_hole = hole.offset + hole.bytes.len() as u32;
    for piece in cut(&(protocol.sample)(), || 1) {
        let before = wire.seen.0.len();
        wire.piece(&piece);
        let ended = wire.seen.0[before..].iter().filter(|seen| seen.proto != "tcp").count();
        if piece.from == hole.from && ended > 0 {
            let end = piece.offset + 1;
            if begin < end_of_hole && end > hole.offset {
                touched += ended;
            }
            begin = end;
        }
    }
    touched
}
