use crate::capture::LinkType;
use crate::capture::order::Order;
use crate::capture::sample::{Kept, MICROS, MODIFIED, NANOS, ORDERS, Writer};

#[test]
fn both_byte_orders_and_both_units_give_the_same_packets() {
    for order in ORDERS {
        for (magic, fraction) in [(MICROS, 42), (NANOS, 42_999)] {
            let played = Writer::classic(order, magic, 1)
                .packet(1_700_000_000, fraction, &[], b"first")
                .packet(1_700_000_001, 0, &[], b"")
                .play();
            let expected =
                [Kept::ethernet(1_700_000_000_000_042, b"first"), Kept::ethernet(1_700_000_001_000_000, b"")];
            assert_eq!(played.packets, expected, "{order:?} {magic:#x}");
            assert_eq!((played.error, played.position), (None, 24 + 16 + 5 + 16));
        }
    }
}

#[test]
fn the_eight_bytes_more_of_the_modified_format_are_passed_over() {
    for order in ORDERS {
        let played = Writer::classic(order, MODIFIED, 1)
            .packet(1, 2, &[9; 8], b"one")
            .packet(3, 4, &[9; 8], b"two")
            .play();
        assert_eq!(played.packets, [Kept::ethernet(1_000_002, b"one"), Kept::ethernet(3_000_004, b"two")]);
        assert_eq!(played.error, None);
    }
}

#[test]
fn every_known_link_type_is_told_and_what_stands_above_it_is_not() {
    let known = [
        (LinkType::BsdLoopback, vec![0, 108]),
        (LinkType::Ethernet, vec![1, 0x5400_0001, 0xf000_0001]),
        (LinkType::RawIp, vec![12, 14, 101, 228, 229]),
        (LinkType::LinuxCooked, vec![113]),
        (LinkType::LinuxCooked2, vec![276]),
    ];
    for (link, numbers) in known {
        for number in numbers {
            let played = Writer::classic(Order::Little, MICROS, number).packet(0, 0, &[], b"x").play();
            assert_eq!(played.packets[0].link, link, "{number}");
        }
    }
}

#[test]
fn an_unknown_link_type_is_an_error_that_names_it() {
    let played = Writer::classic(Order::Big, MICROS, 127).packet(0, 0, &[], b"x").play();
    assert_eq!(
        played.error.as_deref(),
        Some(
            "plant: link type 127 (Wi-Fi) is not read: capture Ethernet, Linux cooked (any), raw IP or \
             BSD loopback instead"
        )
    );
}

#[test]
fn a_packet_cut_by_the_snapshot_length_keeps_its_length_on_the_wire() {
    let played = Writer::classic(Order::Little, MICROS, 1)
        .u32(0)
        .u32(0)
        .u32(3)
        .u32(1500)
        .raw(b"cut")
        .u32(0)
        .u32(0)
        .u32(4)
        .u32(0)
        .raw(b"less")
        .play();
    assert_eq!((played.packets[0].wire_len, &played.packets[0].data[..]), (1500, &b"cut"[..]));
    assert_eq!(played.packets[1].wire_len, 4, "never less than what was captured");
}

#[test]
fn old_versions_have_the_lengths_the_other_way_round() {
    for (minor, first, second) in [(2, 1500, 3), (3, 1500, 3), (3, 3, 1500), (4, 3, 1500), (9, 3, 1500)] {
        let played = Writer::new(Order::Big)
            .u32(MICROS)
            .u16(2)
            .u16(minor)
            .u32(0)
            .u32(0)
            .u32(0)
            .u32(1)
            .u32(0)
            .u32(0)
            .u32(first)
            .u32(second)
            .raw(b"cut")
            .play();
        assert_eq!(played.error, None, "2.{minor}");
        assert_eq!((played.packets[0].wire_len, played.packets[0].data.len()), (1500, 3), "2.{minor}");
    }
}

#[test]
fn an_impossible_length_is_damage_at_the_byte_of_its_packet() {
    for (length, text) in [(u32::MAX, "4294967295"), (262_145, "262145")] {
        let played = Writer::classic(Order::Little, MICROS, 1)
            .packet(0, 0, &[], b"good")
            .u32(0)
            .u32(0)
            .u32(length)
            .u32(60)
            .raw(&[0; 60])
            .play();
        assert_eq!(played.packets.len(), 1);
        assert_eq!(
            played.error.unwrap(),
            format!(
                "plant: damaged at byte 44: packet of {text} bytes (the largest allowed is 262144); \
                 1 packet before it was read"
            )
        );
    }
    let largest = Writer::classic(Order::Little, MICROS, 1).packet(0, 0, &[], &vec![7; 262_144]).play();
    assert_eq!((largest.error, largest.packets[0].data.len()), (None, 262_144));
}

#[test]
fn a_file_cut_anywhere_gives_the_whole_packets_and_says_where_it_ends() {
    let file =
        Writer::classic(Order::Little, MICROS, 1).packet(0, 0, &[], b"first").packet(0, 0, &[], b"second");
    for cut in 4..file.bytes.len() {
        let mut short = file.clone();
        short.bytes.truncate(cut);
        let played = short.play();
        let expected = match cut {
            24 | 45 => None,
            ..24 => Some(("file header", 0, 24 - cut, "no packet comes before it")),
            25..40 => Some(("packet", 24, 40 - cut, "no packet comes before it")),
            40..45 => Some(("packet", 24, 45 - cut, "no packet comes before it")),
            46..61 => Some(("packet", 45, 61 - cut, "1 packet before it was read")),
            _ => Some(("packet", 45, 67 - cut, "1 packet before it was read")),
        };
        let expected = expected.map(|(unit, at, missing, before)| {
            let bytes = if missing == 1 { "byte was" } else { "bytes were" };
            format!(
                "plant: ends in the middle of the {unit} at byte {at} ({missing} more {bytes} expected); {before}"
            )
        });
        assert_eq!(played.error, expected, "cut at {cut}");
        assert_eq!(played.packets.len(), usize::from(cut >= 45), "cut at {cut}");
    }
}
