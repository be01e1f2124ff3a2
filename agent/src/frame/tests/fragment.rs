use super::*;

const DATA: usize = 64;

/// A datagram of 72 bytes in pieces of `size`; (offset, more, bytes).
fn pieces(size: usize) -> Vec<(usize, bool, Vec<u8>)> {
    let data: Vec<u8> = (0..DATA as u8).collect();
    let whole = udp(&data);
    let count = whole.len().div_ceil(size);
    whole.chunks(size).enumerate().map(|(n, bytes)| (n * size, n + 1 < count, bytes.to_vec())).collect()
}

fn v4(id: u16, offset: usize, more: bool, bytes: &[u8]) -> Vec<u8> {
    let fragment = (offset / 8) as u16 | if more { 0x2000 } else { 0 };
    V4 { fragment, id, ..UDP4 }.around(bytes)
}

fn v6(id: u32, offset: usize, more: bool, bytes: &[u8]) -> Vec<u8> {
    let field = (offset as u16 | u16::from(more)).to_be_bytes();
    ip6(44, &cat(&[&[17, 0], &field, &id.to_be_bytes(), bytes]))
}

#[track_caller]
fn is_whole(seen: Option<Seen>) -> Seen {
    let seen = seen.expect("a frame");
    assert_eq!(seen.data, (0..DATA as u8).collect::<Vec<_>>());
    assert_eq!((seen.cut, seen.ports.1), (0, 53));
    seen
}

#[test]
fn fragments_in_any_order_give_the_datagram() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1], [1, 0, 2], [0, 2, 1]] {
        let mut lab = Lab::default();
        let pieces = pieces(24);
        let mut last = None;
        for n in order {
            assert_eq!(last, None);
            let (offset, more, bytes) = &pieces[n];
            last = lab.ethernet(&ether(0x0800, &v4(9, *offset, *more, bytes)));
        }
        assert_eq!(is_whole(last).ip_len, 92);
        assert_eq!(lab.counted(), [("fragment_held", 2), ("fragment_reassembled", 1)]);
    }
}

#[test]
fn fragments_of_ipv6_give_the_datagram() {
    let mut lab = Lab::default();
    let seen: Vec<_> = pieces(32)
        .iter()
        .rev()
        .map(|(offset, more, bytes)| lab.ethernet(&ether(0x86dd, &v6(70_000, *offset, *more, bytes))))
        .collect();
    assert_eq!(seen[..2], [None, None]);
    let whole = is_whole(seen.into_iter().nth(2).flatten());
    assert_eq!((whole.src.as_str(), whole.ip_len), ("fd00::cff:1", 40 + 8 + 72));
}

#[test]
fn a_second_beginning_does_not_change_what_the_datagram_carries() {
    let pieces = pieces(40);
    let mut lab = Lab::default();
    let first = v6(5, 0, true, &pieces[0].2);
    let mut second = first.clone();
    second[40] = 6;
    assert_eq!(lab.ethernet(&ether(0x86dd, &first)), None);
    lab.micros += 10_000;
    assert_eq!(lab.ethernet(&ether(0x86dd, &second)), None);
    is_whole(lab.ethernet(&ether(0x86dd, &v6(5, 40, false, &pieces[1].2))));
}

#[test]
fn datagrams_of_several_ids_do_not_mix() {
    let mut lab = Lab::default();
    let mut count = 0;
    for (offset, more, bytes) in pieces(16) {
        for id in 1..=5 {
            if let Some(seen) = lab.ethernet(&ether(0x0800, &v4(id, offset, more, &bytes))) {
                is_whole(Some(seen));
                count += 1;
            }
        }
    }
    assert_eq!(count, 5);
}

#[test]
fn fragments_under_a_vlan_and_in_gre_are_put_together() {
    let mut lab = Lab::default();
    let mut last = None;
    for (offset, more, bytes) in pieces(24) {
        last = lab.ethernet(&ether(0x8100, &vlan(6, 0x0800, &v4(9, offset, more, &bytes))));
    }
    assert_eq!(is_whole(last).vlan, Some(6));

    // Fragments inside a tunnel, of which each packet is a fragment of the tunnel, too.
    let mut last = None;
    for (n, (offset, more, bytes)) in pieces(24).iter().enumerate() {
        let inner = v4(10, *offset, *more, bytes);
        let tunnel = cat(&[&[0, 0, 8, 0], &inner]);
        for (at, more, part) in [(0, true, &tunnel[..16]), (16, false, &tunnel[16..])] {
            assert_eq!(last, None);
            let fragment = (at / 8) as u16 | if more { 0x2000 } else { 0 };
            let outer = V4 { protocol: 47, fragment, id: 100 + n as u16, ..TCP4 }.around(part);
            last = lab.ethernet(&ether(0x0800, &outer));
        }
    }
    is_whole(last);
}

#[test]
fn overlaps_leave_what_came_first() {
    let pieces = pieces(24);
    for (change, conflicts) in [(0, 0), (0xff, 1)] {
        let mut lab = Lab::default();
        assert_eq!(lab.ethernet(&ether(0x0800, &v4(9, 0, true, &pieces[0].2))), None);
        // The second piece, begun eight bytes early.
        let early = cat(&[&pieces[0].2[16..], &pieces[1].2]);
        let early: Vec<u8> =
            early.iter().enumerate().map(|(n, byte)| if n < 8 { byte ^ change } else { *byte }).collect();
        assert_eq!(lab.ethernet(&ether(0x0800, &v4(9, 16, true, &early))), None);
        is_whole(lab.ethernet(&ether(0x0800, &v4(9, 48, false, &pieces[2].2))));
        assert_eq!(lab.of(Reason::FragmentOverlap), 1);
        assert_eq!(lab.of(Reason::FragmentConflict), conflicts);
    }
}

#[test]
fn the_end_of_a_datagram_is_said_once() {
    let pieces = pieces(24);
    let mut lab = Lab::default();
    assert_eq!(lab.ethernet(&ether(0x0800, &v4(9, 48, false, &pieces[2].2))), None);
    // Another end, bytes beyond it, and an end before bytes that are there.
    assert_eq!(lab.ethernet(&ether(0x0800, &v4(9, 24, false, &pieces[1].2))), None);
    assert_eq!(lab.ethernet(&ether(0x0800, &v4(9, 72, true, &[0; 8]))), None);
    assert_eq!(lab.of(Reason::FragmentBad), 2);
    assert_eq!(lab.ethernet(&ether(0x0800, &v4(9, 0, true, &pieces[0].2))), None);
    is_whole(lab.ethernet(&ether(0x0800, &v4(9, 24, true, &pieces[1].2))));
}

#[test]
fn impossible_fragments_are_refused() {
    for (offset, more, len) in [(0, true, 12), (8, false, 0), (65_528, false, 24), (65_528, true, 8)] {
        let mut lab = Lab::default();
        assert_eq!(lab.ethernet(&ether(0x0800, &v4(9, offset, more, &vec![0; len]))), None);
        assert_eq!(lab.counted(), [("fragment_bad", 1)], "{offset} {more} {len}");
    }
}

#[test]
fn a_cut_fragment_is_not_waited_for_but_a_first_one_is_read() {
    let pieces = pieces(40);
    let mut lab = Lab::default();
    let later = ether(0x0800, &v4(9, 40, false, &pieces[1].2));
    let cut = Packet { wire_len: later.len() as u32, ..packet(LinkType::Ethernet, 0, &later[..50]) };
    assert!(lab.frames.frame(&cut).is_none());
    assert_eq!(lab.counted(), [("fragment_cut", 1)]);
    let first = ether(0x0800, &v4(9, 0, true, &pieces[0].2));
    let cut = Packet { wire_len: first.len() as u32, ..packet(LinkType::Ethernet, 0, &first[..60]) };
    let seen = lab.frames.frame(&cut).map(|frame| seen(&frame)).expect("a frame");
    assert_eq!(seen.data.len(), 60 - 42);
}

#[test]
fn datagrams_that_stay_incomplete_go_by_age_and_by_number() {
    let limits = FrameLimits { fragmented_datagrams: 4, ..FrameLimits::default() };
    let mut lab = Lab { frames: Frames::new(limits), micros: 0 };
    let first = |id: u16| ether(0x0800, &v4(id, 0, true, &[0; 24]));
    for id in 1..=6 {
        assert_eq!(lab.ethernet(&first(id)), None);
        lab.micros += 1_000_000;
    }
    assert_eq!(lab.of(Reason::FragmentTableFull), 2);
    lab.micros += 30_000_000;
    assert_eq!(lab.ethernet(&first(7)), None);
    assert_eq!(lab.of(Reason::FragmentTimeout), 4);
}

#[test]
fn buffers_stay_within_their_limit_and_are_used_again() {
    let limits = FrameLimits { fragment_bytes: 1 << 20, ..FrameLimits::default() };
    let mut lab = Lab { frames: Frames::new(limits), micros: 0 };
    for id in 1..=200 {
        // Few bytes far out need a great buffer.
        assert_eq!(lab.ethernet(&ether(0x0800, &v4(id, 60_000, true, &[0; 8]))), None);
        assert!(lab.frames.fragments.bytes() <= 1 << 20);
    }
    assert!(lab.of(Reason::FragmentTableFull) >= 180);
}

proptest! {
    #[test]
    fn any_fragments_keep_the_books(
        parts in proptest::collection::vec((0_u16..4, 0_usize..40, any::<bool>(), 0_usize..9, 0_u64..20_000_000), 1..200)
    ) {
        let limits = FrameLimits { fragmented_datagrams: 3, fragment_bytes: 900, ..FrameLimits::default() };
        let mut lab = Lab { frames: Frames::new(limits), micros: 0 };
        for (id, offset, more, eights, micros) in parts {
            lab.micros += micros;
            lab.ethernet(&ether(0x0800, &v4(id, offset * 8, more, &vec![3; eights * 8])));
            prop_assert!(lab.frames.fragments.bytes() <= 900);
            prop_assert_eq!(lab.frames.fragments.bytes(), lab.frames.fragments.bytes_recounted());
        }
    }
}
