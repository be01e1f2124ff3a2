use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use proptest::prelude::*;

use super::super::order::Order;
use super::super::sample::{Drip, ETHERNET, Kept, MICROS, ORDERS, Writer, play};
use super::super::{CaptureError, Filter};
use super::*;

/// The same hundred packets in both formats, some of them larger than a buffer's rest.
fn both_formats() -> [(Vec<u8>, Vec<Kept>); 2] {
    let data = |number: u32| vec![number as u8; (number as usize * 977) % 9_000];
    let mut classic = Writer::classic(Order::Big, MICROS, 1);
    let mut pcapng = Writer::new(Order::Little).section().interface(ETHERNET, 0, &[]);
    let mut packets = Vec::new();
    for number in 0..100 {
        classic = classic.packet(number, 5, &[], &data(number));
        pcapng = pcapng.enhanced(0, u64::from(number) * 1_000_000 + 5, &data(number));
        if number % 10 == 0 {
            pcapng = pcapng.block(5, &data(number));
        }
        packets.push(Kept::ethernet(u64::from(number) * 1_000_000 + 5, &data(number)));
    }
    [(classic.bytes, packets.clone()), (pcapng.bytes, packets)]
}

#[test]
fn short_reads_give_the_same_packets() {
    for (bytes, packets) in both_formats() {
        for step in [1, 2, 3, 7, 4_096, 262_143, 262_145, usize::MAX] {
            let played = play(FileSource::read("pipe", Drip::new(bytes.clone(), step)));
            assert_eq!((played.packets, played.error), (packets.clone(), None), "{step} bytes at a time");
            assert_eq!(played.position, bytes.len() as u64);
        }
    }
}

#[test]
fn a_packet_may_lie_anywhere_across_the_end_of_the_buffer() {
    for shift in (0..80).chain([1_000]) {
        let fill = vec![1; 262_144 - 24 - 16 - shift];
        let file = Writer::classic(Order::Little, MICROS, 1)
            .packet(0, 0, &[], &fill)
            .packet(1, 0, &[], b"across the end of the buffer")
            .packet(2, 0, &[], b"after it");
        let played = file.play();
        assert_eq!(played.error, None);
        assert_eq!(played.packets[1].data, b"across the end of the buffer", "{shift}");
        assert_eq!(played.packets[2].data, b"after it");
    }
}

#[test]
fn a_record_larger_than_the_buffer_is_read_and_the_buffer_grows_no_further() {
    // A packet of the largest size, with a comment of a megabyte behind it.
    let body = Writer::new(Order::Little).u32(0).u32(0).u32(0).u32(262_144).u32(262_144);
    let body = body.raw(&vec![5; 262_144]).raw(&vec![b'c'; 1 << 20]);
    let mut source = Writer::new(Order::Little)
        .section()
        .interface(ETHERNET, 0, &[])
        .block(6, &body.bytes)
        .enhanced(0, 0, b"next")
        .source()
        .unwrap();
    assert!(matches!(source.next_packet(), Ok(Next::Packet(packet)) if packet.data == [5; 262_144]));
    assert!(matches!(source.next_packet(), Ok(Next::Packet(packet)) if packet.data == b"next"));
    assert_eq!(source.input.held(), 2 << 20);
}

#[test]
fn a_length_that_lies_reserves_nothing() {
    // A block of almost 16 MiB in a file of a few bytes.
    let file = Writer::new(Order::Little).section().interface(ETHERNET, 0, &[]);
    let mut source = file.u32(6).u32(16_777_216).raw(&[0; 50]).source().unwrap();
    let error = source.next_packet().map(|_| ()).unwrap_err().to_string();
    let expected = "plant: ends in the middle of the block at byte 52 (16777158 more bytes were expected); \
                    no packet comes before it";
    assert_eq!(error, expected);
    assert_eq!(source.input.held(), 256 << 10);
}

#[test]
fn a_huge_block_passes_through_in_constant_memory() {
    // Three and a half gigabytes that never exist at once.
    let length: u32 = 3_500_000_000;
    let begin = Writer::new(Order::Little).section().interface(ETHERNET, 0, &[]).u32(0x0bad).u32(length);
    let end = Writer::new(Order::Little).u32(length).enhanced(0, 9, b"behind it");
    let middle = io::repeat(0).take(u64::from(length) - 12);
    let reader = Cursor::new(begin.bytes).chain(middle).chain(Cursor::new(end.bytes));
    let mut source = FileSource::read("huge", reader).unwrap();
    assert!(matches!(source.next_packet(), Ok(Next::Packet(packet)) if packet.data == b"behind it"));
    assert_eq!(source.input.held(), 256 << 10);
}

#[test]
fn a_read_error_is_told_with_its_byte() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is on fire"))
        }
    }
    let good = Writer::classic(Order::Little, MICROS, 1).packet(0, 0, &[], b"good");
    let played = play(FileSource::read("disk", Cursor::new(good.bytes).chain(Broken)));
    assert_eq!(played.packets.len(), 1);
    assert_eq!(played.error.unwrap(), "disk: cannot be read at byte 44: the disk is on fire");
    let begun = FileSource::read("disk", Broken).map(|_| ()).unwrap_err().to_string();
    assert_eq!(begun, "disk: cannot be read at byte 0: the disk is on fire");
}

#[test]
fn what_is_not_a_capture_is_told_by_its_first_bytes() {
    let says = |bytes: &[u8]| play(FileSource::read("x", Cursor::new(bytes.to_vec()))).error.unwrap();
    assert_eq!(
        says(b""),
        "x: is empty: a capture has at least a header; was the capturing program stopped early?"
    );
    assert_eq!(
        says(b"{\"packets\": [1, 2, 3]}"),
        "x: is not a capture: it begins with the text \"{\\\"packets\\\": [1, \"; pcap and pcapng files are read"
    );
    assert_eq!(
        says(b"\x7fELF"),
        "x: is not a capture: it begins with the bytes 7f 45 4c 46; pcap and pcapng files are read"
    );
    assert_eq!(
        says(&[0xd4, 0xc3]),
        "x: is not a capture: it begins with the bytes d4 c3; pcap and pcapng files are read"
    );
    assert_eq!(
        says(&[0x1f, 0x8b, 8, 0, 0]),
        "x: is compressed (gzip): unpack it first, or pipe it through `zcat`"
    );
    assert_eq!(
        says(&[0x28, 0xb5, 0x2f, 0xfd]),
        "x: is compressed (zstd): unpack it first, or pipe it through `zstdcat`"
    );
}

#[test]
fn paths_that_cannot_be_read_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let says = |path: &Path| {
        open(path).map(|_| ()).unwrap_err().to_string().replace(&path.display().to_string(), "x")
    };
    assert_eq!(says(&folder.path().join("none.pcap")), "x: no such file: check the path");
    assert_eq!(says(folder.path()), "x: is a directory: name a capture file in it");
    let error = CaptureError::Unreadable { name: "x".into() }.to_string();
    assert_eq!(error, "x: permission denied: run as a user who may read it, or change its permissions");
}

#[test]
fn a_file_tells_its_size_and_how_far_it_was_read() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let bytes =
        Writer::classic(Order::Little, MICROS, 1).packet(0, 0, &[], b"four").packet(1, 0, &[], b"4").bytes;
    file.write_all(&bytes).unwrap();
    let mut source = open(file.path()).unwrap();
    assert_eq!((source.position(), source.size()), (24, Some(61)));
    source.next_packet().unwrap();
    assert_eq!(source.position(), 44);
    assert_eq!(FileSource::read("pipe", Cursor::new(bytes)).unwrap().size(), None);
}

#[test]
fn a_filter_lets_only_its_packets_through() {
    let packet = |port: u16| udp_over_ethernet(port);
    let file = Writer::classic(Order::Little, MICROS, 1)
        .packet(1, 0, &[], &packet(53))
        .packet(2, 0, &[], &packet(502))
        .packet(3, 0, &[], &packet(53));
    let played =
        play(file.clone().source().map(|source| source.filtered(Filter::new("udp port 502").unwrap())));
    assert_eq!((played.packets, played.error), (vec![Kept::ethernet(2_000_000, &packet(502))], None));
    let none = play(file.source().map(|source| source.filtered(Filter::new("tcp").unwrap())));
    assert_eq!((none.packets.len(), none.error), (0, None));
}

fn udp_over_ethernet(port: u16) -> Vec<u8> {
    let mut packet = vec![0; 12];
    packet.extend([8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39]);
    packet.extend(port.to_be_bytes());
    packet.extend([0, 8, 0, 0]);
    packet
}

/// Captures made by others, beside the repository; every one of them holds what tshark counts.
#[test]
fn real_captures_have_as_many_packets_as_tshark_counts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let Ok(counts) = fs::read_to_string(folder.join("tshark-counts.tsv")) else {
        eprintln!("SKIPPED: no captures in {}", folder.display());
        return;
    };
    let mut wrong = Vec::new();
    for line in counts.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[file, count, _, encapsulation, .., exit] = &columns[..] else { continue };
        let played = play(open(&folder.join(file)));
        let expected = match (encapsulation, exit) {
            ("fddi-swapped", _) => (Ok(0), true),
            // tshark finds such a file damaged as well.
            (_, exit) => (count.parse(), exit != "0"),
        };
        if expected != (Ok(played.packets.len()), played.error.is_some()) {
            wrong.push(format!("{file}: tshark {count}, read {}, {:?}", played.packets.len(), played.error));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

proptest! {
    #[test]
    fn any_bytes_end_without_growing(bytes in prop::collection::vec(any::<u8>(), 0..600), kind in 0..6) {
        let mut file = match kind {
            0 => Writer::new(Order::Little),
            1 => Writer::classic(Order::Little, MICROS, 1),
            2 => Writer::classic(Order::Big, MICROS, 1),
            3 => Writer::new(Order::Little).section(),
            4 => Writer::new(Order::Big).section().interface(ETHERNET, 0, &[]),
            _ => Writer::new(Order::Little).section().interface(ETHERNET, 0, &[]).u32(6).u32(600),
        };
        file = file.raw(&bytes);
        let size = file.bytes.len();
        let played = file.clone().play();
        prop_assert!(played.packets.len() <= size / 12);
        prop_assert!(played.position <= size as u64);
        if let Ok(mut source) = file.source() {
            while let Ok(Next::Packet(_)) = source.next_packet() {}
            prop_assert_eq!(source.input.held(), 256 << 10);
        }
    }

    #[test]
    fn one_wrong_byte_never_loses_the_packets_before_it(at in 24_usize..4_000, value in any::<u8>(), big in any::<bool>()) {
        let order = ORDERS[usize::from(big)];
        for pcapng in [false, true] {
            let mut file = Writer::classic(order, MICROS, 1);
            if pcapng {
                file = Writer::new(order).section().interface(ETHERNET, 0, &[]);
            }
            let mut ends = Vec::new();
            for number in 0..40_u32 {
                let data = vec![3; number as usize * 4];
                file = if pcapng { file.enhanced(0, number.into(), &data) } else { file.packet(0, number, &[], &data) };
                ends.push(file.bytes.len());
            }
            let whole = file.clone().play();
            let at = at.min(file.bytes.len() - 1).max(if pcapng { 60 } else { 24 });
            file.bytes[at] = value;
            let played = file.play();
            let before = ends.iter().filter(|end| **end <= at).count();
            prop_assert_eq!(&played.packets[..before], &whole.packets[..before]);
        }
    }
}
