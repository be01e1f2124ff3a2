use super::LARGEST;
use crate::capture::order::Order;
use crate::capture::sample::{ETHERNET, Kept, ORDERS, Played, Writer};
use crate::capture::{Drops, LinkType};

/// Code and value of each option of an interface.
type Options<'a> = &'a [(u16, &'a [u8])];

fn begun(order: Order) -> Writer {
    Writer::new(order).section().interface(ETHERNET, 0, &[])
}

#[test]
fn both_byte_orders_give_the_same_packets() {
    for order in ORDERS {
        let played = begun(order).enhanced(0, 1_700_000_000_000_042, b"first").enhanced(0, 7, b"").play();
        let expected = [Kept::ethernet(1_700_000_000_000_042, b"first"), Kept::ethernet(7, b"")];
        assert_eq!((&played.packets[..], played.error), (&expected[..], None), "{order:?}");
    }
}

#[test]
fn every_interface_has_its_own_clock_and_link_type() {
    let resolutions: &[(Options<'_>, u64, u64)] = &[
        (&[(9, &[6])], 1_234_567, 1_234_567),
        (&[(9, &[9])], 1_234_567_999, 1_234_567),
        (&[(9, &[3])], 1_234, 1_234_000),
        (&[(9, &[0])], 12, 12_000_000),
        (&[(9, &[20])], 123_456_789_012_345_678, 1_234),
        (&[(9, &[100])], u64::MAX - 1, 0),
        (&[(9, &[0x80])], 12, 12_000_000),
        (&[(9, &[0x8a])], 1_536, 1_500_000),
        (&[(9, &[0xa0])], 3 << 31, 1_500_000),
        (&[(9, &[0xff])], u64::MAX, 0),
        (&[(9, &[0])], u64::MAX, u64::MAX),
        // Options before it, of odd lengths, and after it.
        (&[(2, b"eth0"), (3, b"a"), (9, &[9]), (12, b"Linux")], 5_000, 5),
        // if_tsoffset, both signs.
        (&[(9, &[9]), (14, &100_i64.to_le_bytes())], 5_000, 100_000_005),
        (&[(14, &(-100_i64).to_le_bytes())], 5, 0),
        (&[(14, &(-1_i64).to_le_bytes())], 1_500_000, 500_000),
        (&[(14, &i64::MAX.to_le_bytes())], 5, i64::MAX as u64 + 5),
        // Of a wrong length they count as absent.
        (&[(9, &[]), (14, &[1, 2])], 5, 5),
    ];
    let mut file = Writer::new(Order::Little).section();
    for (options, ..) in resolutions {
        file = file.interface(ETHERNET, 0, options);
    }
    file = file.interface(113, 0, &[]);
    for (number, (_, ticks, _)) in resolutions.iter().enumerate() {
        file = file.enhanced(number as u32, *ticks, b"x");
    }
    let played = file.enhanced(resolutions.len() as u32, 9, b"y").play();
    assert_eq!(played.error, None);
    for ((options, _, micros), packet) in resolutions.iter().zip(&played.packets) {
        assert_eq!(packet.micros, *micros, "{options:?}");
    }
    let last = played.packets.last().unwrap();
    assert_eq!((last.link, last.micros), (LinkType::LinuxCooked, 9));
}

#[test]
fn a_new_section_forgets_the_interfaces_and_may_have_the_other_order() {
    let mut file = begun(Order::Little).interface(101, 0, &[]).enhanced(1, 5, b"raw");
    file.order = Order::Big;
    let file = file.section().interface(ETHERNET, 0, &[(9, &[9])]).enhanced(0, 6_000, b"ethernet");
    let at = file.bytes.len();
    let played = file.enhanced(1, 7, b"gone").play();
    assert_eq!(played.packets.len(), 2);
    assert_eq!(played.packets[1], Kept::ethernet(6, b"ethernet"));
    assert_eq!(
        played.error.unwrap(),
        format!(
            "plant: damaged at byte {at}: packet of interface 1 (1 are described); \
             2 packets before it were read"
        )
    );
}

#[test]
fn simple_packets_have_the_time_of_the_packet_before_and_the_snapshot_length() {
    for order in ORDERS {
        let played = Writer::new(order)
            .section()
            .interface(ETHERNET, 4, &[])
            .simple(9, b"cut!")
            .enhanced(0, 77, b"timed")
            .simple(3, b"abc")
            .play();
        let lengths: Vec<_> =
            played.packets.iter().map(|p| (p.micros, p.wire_len, p.data.as_slice())).collect();
        assert_eq!(lengths, [(0, 9, &b"cut!"[..]), (77, 5, b"timed"), (77, 3, b"abc")]);
    }
}

#[test]
fn obsolete_packet_blocks_are_read() {
    for order in ORDERS {
        let body = Writer::new(order).u16(0).u16(3).u32(1).u32(2).u32(5).u32(60).raw(b"older");
        let played = begun(order).block(2, &body.bytes).play();
        let expected = Kept { wire_len: 60, ..Kept::ethernet((1 << 32) + 2, b"older") };
        assert_eq!((played.packets, played.error), (vec![expected], None));
    }
}

#[test]
fn other_blocks_are_passed_over_however_large_they_are() {
    let file = begun(Order::Big)
        .block(4, b"names")
        .block(5, b"statistics")
        .block(10, b"secrets")
        .block(0x0bad, &[1; 40])
        .block(0x4000_0bad, &vec![0xaa; LARGEST + 8])
        .block(0xffff_ffff, b"")
        .enhanced(0, 1, b"x");
    let size = file.bytes.len() as u64;
    let played = file.play();
    assert_eq!((played.packets.len(), played.error, played.position), (1, None, size));
}

#[test]
fn packets_of_an_unknown_link_type_are_counted_and_the_others_come() {
    let played = begun(Order::Little)
        .interface(127, 0, &[])
        .enhanced(1, 1, b"wifi")
        .enhanced(0, 2, b"wired")
        .enhanced(1, 3, b"wifi")
        .play();
    assert_eq!((played.packets, played.error), (vec![Kept::ethernet(2, b"wired")], None));
    assert_eq!(played.drops, Drops { unknown_link: 2, ..Drops::default() });
}

#[test]
fn a_file_with_nothing_but_an_unknown_link_type_is_an_error() {
    let played = Writer::new(Order::Little).section().interface(249, 0, &[]).enhanced(0, 1, b"usb").play();
    let error = played.error.unwrap();
    assert!(error.starts_with("plant: link type 249 (USB) is not read: capture Ethernet"), "{error}");
    let empty = Writer::new(Order::Little).section().interface(249, 0, &[]).play();
    assert_eq!(empty.error, None);
}

/// A good packet comes before every kind of damage, and one after it.
fn damaged(extend: impl Fn(Writer) -> Writer) -> (usize, Played) {
    let file = begun(Order::Little).enhanced(0, 1, b"good");
    let at = file.bytes.len();
    (at, extend(file).enhanced(0, 2, b"after").play())
}

#[test]
fn every_kind_of_damage_is_told_with_its_byte() {
    let enhanced = |interface: u32, captured: u32| {
        Writer::new(Order::Little).u32(interface).u32(0).u32(0).u32(captured).u32(9).raw(b"abcd").bytes
    };
    let section =
        |mark: u32, major: u16| Writer::new(Order::Little).u32(mark).u16(major).u16(0).raw(&[0xff; 8]).bytes;
    let cases: Vec<(Writer, &str)> = vec![
        (
            Writer::new(Order::Little).u32(6).u32(8).u32(8),
            "block of 8 bytes (a block has at least 12 and a multiple of 4)",
        ),
        (
            Writer::new(Order::Little).u32(9).u32(0).u32(0),
            "block of 0 bytes (a block has at least 12 and a multiple of 4)",
        ),
        (
            Writer::new(Order::Little).u32(9).u32(14).raw(&[0; 20]),
            "block of 14 bytes (a block has at least 12 and a multiple of 4)",
        ),
        (
            Writer::new(Order::Little).u32(6).u32(0x7fff_fffc).u32(0),
            "block of 2147483644 bytes (the largest allowed is 16777216)",
        ),
        (
            Writer::new(Order::Little).u32(6).u32(16).u32(0).u32(20),
            "block that begins as 16 bytes long and ends as 20",
        ),
        (
            Writer::new(Order::Little).u32(5).u32(16).u32(0).u32(20),
            "block that begins as 16 bytes long and ends as 20",
        ),
        (Writer::new(Order::Little).block(6, &[0; 8]), "block of 20 bytes is too short for its kind"),
        (Writer::new(Order::Little).block(1, &[0; 4]), "block of 16 bytes is too short for its kind"),
        (Writer::new(Order::Little).block(3, &[]), "block of 12 bytes is too short for its kind"),
        (Writer::new(Order::Little).block(6, &enhanced(0, 5)), "packet of 5 bytes in a block of 36"),
        (
            Writer::new(Order::Little).block(6, &enhanced(0, u32::MAX)),
            "packet of 4294967295 bytes (the largest allowed is 262144)",
        ),
        (Writer::new(Order::Little).block(6, &enhanced(7, 4)), "packet of interface 7 (1 are described)"),
        (
            Writer::new(Order::Little).block(0x0a0d_0d0a, &section(0x1234_5678, 1)),
            "section without a valid byte-order mark (0x78563412)",
        ),
        (
            Writer::new(Order::Little).block(0x0a0d_0d0a, &section(0x1a2b_3c4d, 2)),
            "section in version 2 of pcapng (only 1 is known)",
        ),
    ];
    for (bad, what) in cases {
        let (at, played) = damaged(|file| file.raw(&bad.bytes));
        assert_eq!(played.packets, [Kept::ethernet(1, b"good")], "{what}");
        let expected = format!("plant: damaged at byte {at}: {what}; 1 packet before it was read");
        assert_eq!(played.error, Some(expected));
    }
    let played = Writer::new(Order::Little).section().simple(1, b"x").play();
    assert_eq!(
        played.error.unwrap(),
        "plant: damaged at byte 28: packet of interface 0 (0 are described); no packet comes before it"
    );
}

#[test]
fn a_file_cut_anywhere_gives_the_whole_packets_and_says_where_it_ends() {
    let mut file = begun(Order::Big).enhanced(0, 1, b"one!");
    let first = file.bytes.len();
    file = file.block(0x0bad, &[3; 50]);
    let custom = file.bytes.len();
    file = file.enhanced(0, 2, b"two!");
    let ends = [0, 28, 28 + 24, first, custom, file.bytes.len()];
    for cut in 4..file.bytes.len() {
        let mut short = file.clone();
        short.bytes.truncate(cut);
        let played = short.play();
        let packets = usize::from(cut >= first);
        assert_eq!(played.packets.len(), packets, "cut at {cut}");
        let at = ends.iter().rev().find(|end| **end <= cut).unwrap();
        if *at == cut {
            assert_eq!(played.error, None, "cut at {cut}");
            continue;
        }
        let end = ends.iter().find(|end| **end > cut).unwrap();
        // Of a block whose length is not there yet, only its smallest size is sure.
        let end = if cut - at < 12 { at + 12 } else { *end };
        let error = played.error.unwrap();
        let begins = format!("plant: ends in the middle of the block at byte {at} ({} more byte", end - cut);
        assert!(error.starts_with(&begins), "cut at {cut}: {error}");
    }
}

#[test]
fn interfaces_are_bounded() {
    let mut file = Writer::new(Order::Little).section();
    for _ in 0..super::MOST_INTERFACES {
        file = file.block(1, &[1, 0, 0, 0, 0, 0, 0, 0]);
    }
    let at = file.bytes.len();
    let played = file.interface(ETHERNET, 0, &[]).play();
    let expected = format!(
        "plant: damaged at byte {at}: more than 65536 interfaces in one section; no packet comes before it"
    );
    assert_eq!(played.error, Some(expected));
}
