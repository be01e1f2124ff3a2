use super::*;

fn ip(base: V4, id: u16, ttl: u8) -> Vec<u8> {
    let inside = if base.protocol == 6 { tcp(b"data") } else { udp(b"data") };
    V4 { id, ttl, ..base }.around(&inside)
}

#[test]
fn a_numbered_packet_seen_twice_is_a_copy_whatever_way_it_came() {
    for base in [TCP4, UDP4] {
        let first = ether(0x0800, &ip(base, 7, 64));
        let routed = ether(0x0800, &ip(base, 7, 63));
        let tagged = ether(0x8100, &vlan(9, 0x0800, &ip(base, 7, 64)));
        let gre = cat(&[&[0x10, 0, 0x88, 0xbe], &[0; 12], &first]);
        let mirrored = ether(0x0800, &V4 { protocol: 47, id: 900, ..TCP4 }.around(&gre));
        for second in [&first, &routed, &tagged, &mirrored] {
            let mut lab = Lab::default();
            assert!(lab.ethernet(&first).is_some());
            lab.micros += 4_000;
            assert!(lab.ethernet(second).is_none());
            assert!(lab.ethernet(&first).is_none(), "nor is a third");
            assert_eq!(lab.counted(), [("copy", 2)]);
        }
    }
}

#[test]
fn another_number_other_data_or_a_later_time_is_no_copy() {
    let first = ether(0x0800, &ip(TCP4, 7, 64));
    let again = ether(0x0800, &ip(TCP4, 8, 64));
    let mut other = first.clone();
    *other.last_mut().expect("data") ^= 1;
    let mut lab = Lab::default();
    assert!(lab.ethernet(&first).is_some());
    assert!(lab.ethernet(&again).is_some());
    assert!(lab.ethernet(&other).is_some());
    lab.micros += 5_001;
    assert!(lab.ethernet(&first).is_some());
    assert_eq!(lab.of(Reason::Copy), 0);
}

#[test]
fn a_packet_without_a_number_is_a_copy_only_when_it_came_another_way() {
    for base in [TCP4, UDP4] {
        let first = ether(0x0800, &ip(base, 0, 64));
        let tagged = ether(0x8100, &vlan(9, 0x0800, &ip(base, 0, 64)));
        let routed = ether(0x0800, &ip(base, 0, 63));
        let mut lab = Lab::default();
        assert!(lab.ethernet(&first).is_some());
        assert!(lab.ethernet(&first).is_some(), "the sender may say it twice");
        assert!(lab.ethernet(&tagged).is_none());
        assert!(lab.ethernet(&routed).is_none());
        assert_eq!(lab.counted(), [("copy", 2)]);
    }
    let six = ip6(17, &udp(b"data"));
    let mut lab = Lab::default();
    assert!(lab.ethernet(&ether(0x86dd, &six)).is_some());
    assert!(lab.ethernet(&ether(0x86dd, &six)).is_some());
    assert!(lab.ethernet(&ether(0x8100, &vlan(4, 0x86dd, &six))).is_none());
}

#[test]
fn time_that_runs_back_a_little_makes_no_difference() {
    let first = ether(0x0800, &ip(TCP4, 7, 64));
    let mut lab = Lab { micros: 1_000_000, ..Lab::default() };
    assert!(lab.ethernet(&first).is_some());
    lab.micros -= 3_000;
    assert!(lab.ethernet(&first).is_none());
}

#[test]
fn copies_of_fragments_do_not_begin_a_new_datagram() {
    let whole = udp(&[7; 40]);
    let piece = |fragment: u16, part: &[u8]| ether(0x0800, &V4 { fragment, ..UDP4 }.around(part));
    let (one, two) = (piece(0x2000, &whole[..24]), piece(3, &whole[24..]));
    let mut lab = Lab::default();
    let seen: Vec<_> = [&one, &one, &two, &two].map(|bytes| lab.ethernet(bytes).is_some()).into();
    assert_eq!(seen, [false, false, true, false]);
    assert_eq!(lab.counted(), [("copy", 2), ("fragment_held", 1), ("fragment_reassembled", 1)]);
}

#[test]
fn the_filter_can_be_left_out() {
    let limits = FrameLimits { copy_window_micros: 0, ..FrameLimits::default() };
    let mut lab = Lab { frames: Frames::new(limits), micros: 0 };
    let first = ether(0x0800, &ip(TCP4, 7, 64));
    assert!(lab.ethernet(&first).is_some());
    assert!(lab.ethernet(&first).is_some());
}
