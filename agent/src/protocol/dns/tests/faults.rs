//! What is wrong is told, with whatever could be read, and nothing else happens.

use proptest::prelude::*;

use super::*;

fn with_question(counts: [u16; 4], rest: &[u8]) -> Vec<u8> {
    [header(5, 0x8180, counts), question(NAME_A, 1), rest.to_vec()].concat()
}

/// The message is reported with this fault; its id and its question are there all the same.
#[track_caller]
fn assert_fault(message: &[u8], fault: &str, qname: bool) -> String {
    let line = udp(RESPONSE, message);
    assert!(line.contains("\"id\":5,\"kind\":\"response\""), "{line}");
    assert!(line.ends_with(&format!("}} malformed: {fault}")), "{line}");
    assert_eq!(line.contains("\"qname\":\"a.example\",\"qtype\":\"A\""), qname, "{line}");
    line
}

#[test]
fn names_that_cannot_be_read_end_the_message() {
    let ask = |name: &[u8]| [header(5, 0x8180, [1, 0, 0, 0]), question(name, 1)].concat();
    assert_fault(&ask(b"\xc0\x0c"), "a name whose pointers go in a circle", false);
    assert_fault(&ask(b"\x01a\xc0\x0c"), "a name longer than 255 bytes", false);
    assert_fault(&ask(b"\x40abc\0"), "a label of a reserved kind", false);
    assert_fault(&ask(b"\xbfabc\0"), "a label of a reserved kind", false);
    let long = [&[63][..], &[b'x'; 63]].concat().repeat(4);
    assert_fault(&ask(&[&long[..], &[0]].concat()), "a name longer than 255 bytes", false);
    let cut = [header(5, 0x8180, [1, 0, 0, 0]), b"\x03ab".to_vec()].concat();
    assert_fault(&cut, "a name that runs past the end", false);
    let cut = [header(5, 0x8180, [1, 0, 0, 0]), b"\x03abc\0\0".to_vec()].concat();
    assert_fault(&cut, "a question that runs past the end", false);
}

#[test]
fn a_name_of_255_bytes_is_long_enough() {
    let labels = [&[63][..], &[b'x'; 63]].concat().repeat(3);
    let name = [&labels[..], &[61], &[b'y'; 61], &[0]].concat();
    assert_eq!(name.len(), 255);
    let line = udp(QUERY, &[header(5, 0, [1, 0, 0, 0]), question(&name, 1)].concat());
    assert!(line.contains("yyy\",\"qtype\"") && !line.contains("malformed"), "{line}");
}

#[test]
fn a_pointer_that_leads_onwards_is_told_but_followed() {
    let message = [header(5, 0x8180, [2, 0, 0, 0]), question(b"\xc0\x12", 1), question(NAME_A, 1)].concat();
    assert_fault(&message, "a name with a pointer that does not lead back", true);
    let message = with_question([1, 1, 0, 0], &record(b"\xc0\x04", 1, &[1, 2, 3, 4]));
    let line = udp(RESPONSE, &message);
    assert!(line.contains("malformed"), "{line}");
}

#[test]
fn a_chain_of_pointers_is_followed_so_far_and_no_further() {
    // Each record's name points to the pointer of the record before.
    let chain = |count: u16| {
        let mut message = with_question([1, count, 0, 0], &[]);
        let mut target = 12;
        for _ in 0..count {
            let name = (0xc000 | target as u16).to_be_bytes();
            target = message.len();
            message.extend(record(&name, 1, &[1, 2, 3, 4]));
        }
        message
    };
    assert!(!udp(RESPONSE, &chain(127)).contains("malformed"));
    assert_fault(&chain(128), "a name whose pointers go in a circle", true);
}

#[test]
fn counts_larger_than_the_message_keep_what_was_there() {
    let answer = record(BACK, 1, &[10, 0, 0, 7]);
    for counts in [[1, 9, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0xffff]] {
        let line =
            assert_fault(&with_question(counts, &answer), "fewer records than the header promises", true);
        assert!(line.contains("\"data\":\"10.0.0.7\"}]"), "{line}");
    }
    let message = [header(5, 0x8180, [0xffff, 0, 0, 0]), question(NAME_A, 1)].concat();
    assert_fault(&message, "fewer records than the header promises", true);
}

#[test]
fn records_cut_anywhere_are_told() {
    let whole = with_question([1, 2, 0, 0], &record(BACK, 1, &[10, 0, 0, 7]).repeat(2));
    let second = whole.len() - 16;
    for end in second + 1..whole.len() {
        let line = udp(RESPONSE, &whole[..end]);
        assert!(line.contains("past the end"), "{end}: {line}");
        assert!(line.contains("\"qname\":\"a.example\"") && line.contains("10.0.0.7\"}]"), "{line}");
    }
}

#[test]
fn data_that_do_not_fit_their_type_are_shown_as_they_are() {
    for (kind, data, fault, shown) in [
        (1, &b"\x01\x02\x03"[..], "record data shorter than their type needs", "010203"),
        (1, b"\x01\x02\x03\x04\x05", "record data longer than their type allows", "0102030405"),
        (1, b"", "record data shorter than their type needs", ""),
        (2, b"\xc0\x0c\x00", "record data longer than their type allows", "c00c00"),
        (2, b"\x03ab", "a name that runs past the end", "036162"),
        (16, b"\x05abc", "a string longer than its record", "05616263"),
        (29, b"\0\0\0", "a LOC record of the wrong length", "000000"),
        (41, b"\0\x0a\0\x09\x01", "an EDNS option that runs past its record", "000a000901"),
        (47, b"\0\0\0", "a type bitmap of the wrong form", "000000"),
        (65, b"\0\x01\0\0\x01\0\x02\x05h", "a service parameter of the wrong form", "0001000001000205 68"),
        (257, b"\0\0x", "a CAA record without a tag", "000078"),
    ] {
        // Another record behind it shows that reading goes on.
        let rest = [record(BACK, kind, data), record(BACK, 1, &[9, 9, 9, 9])].concat();
        let line = assert_fault(&with_question([1, 2, 0, 0], &rest), fault, true);
        let shown = shown.replace(' ', "");
        assert!(line.contains(&format!("\"data\":\"{shown}\"}},{{")), "{line}");
        assert!(line.contains("\"data\":\"9.9.9.9\"}]"), "{line}");
    }
}

#[test]
fn oddities_around_the_records_are_told() {
    assert_fault(&with_question([1, 0, 0, 0], b"MS"), "bytes left over behind the last record", true);
    let opt = b"\0\0\x29\x10\0\0\0\0\0\0\0".to_vec();
    assert_fault(&with_question([1, 0, 0, 2], &opt.repeat(2)), "more than one OPT record", true);
    let named = record(BACK, 41, b"");
    assert_fault(&with_question([1, 0, 0, 1], &named), "an OPT record that has a name", true);
    for option in [
        &b"\0\x08\0\x07\0\x01\x18\0\x01\x02\x03\xff"[..11],
        b"\0\x08\0\x05\0\x01\x18\0\x01",
        b"\0\x0a\0\x03abc",
    ] {
        let opt = [b"\0\0\x29\x10\0\0\0\0\0\0", &[option.len() as u8][..], option].concat();
        let line = udp(RESPONSE, &with_question([1, 0, 0, 1], &opt));
        let fine = option[..4] == *b"\0\x08\0\x07";
        assert_eq!(line.contains("an EDNS option of the wrong form"), !fine, "{line}");
    }
    let odd = [header(5, 0xcb80, [1, 0, 0, 0]), question(NAME_A, 1)].concat();
    let line = assert_fault(&odd, "an operation code that has no meaning", true);
    assert!(line.contains("\"opcode\":9"), "{line}");
}

#[test]
fn datagrams_shorter_than_a_header_tell_what_they_have() {
    let mut player = Player::new(&UDP);
    for end in 0..12 {
        player.datagram(QUERY, &query(3)[..end]);
    }
    let lines = player.lines();
    assert_eq!(lines.len(), 8);
    for line in lines {
        let part = "{\"transport\":\"udp\",\"id\":3,\"kind\":\"query\"} malformed: a message shorter than its header";
        assert!(line.ends_with(part), "{line}");
    }
}

#[test]
fn a_response_cut_within_its_header_still_tells_its_code() {
    let line = udp(RESPONSE, &header(5, 0x8183, [1, 0, 0, 0])[..10]);
    assert!(line.contains("\"kind\":\"response\",\"rcode\":3} malformed: a message shorter"), "{line}");
}

fn mutated_sample() -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    let sample = (PROTOCOL.sample)();
    let pieces = sample.len();
    let change = (0..pieces, any::<prop::sample::Index>(), any::<u8>());
    prop::collection::vec(change, 1..12).prop_map(move |changes| {
        let mut sample = sample.clone();
        for (piece, at, byte) in changes {
            let bytes = &mut sample[piece].1;
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        sample
    })
}

proptest! {
    #[test]
    fn any_datagram_is_survived(datagrams in prop::collection::vec(any::<Vec<u8>>(), 1..8)) {
        let mut player = Player::new(&UDP);
        for bytes in &datagrams {
            player.datagram(QUERY, bytes).datagram(RESPONSE, bytes);
        }
    }

    #[test]
    fn any_datagram_behind_a_header_gives_one_event(
        counts in prop::array::uniform4(0..6_u16),
        rest in prop::collection::vec(prop::sample::select(vec![0, 1, 2, 3, 12, 41, 46, 65, 0xc0, 255]), 0..300),
    ) {
        let message = [header(1, 0x8180, counts), rest].concat();
        udp(RESPONSE, &message);
    }

    #[test]
    fn mutated_messages_are_survived_and_cuts_change_nothing(
        sample in mutated_sample(),
        size in 1..40_usize,
    ) {
        let whole = crate::protocol::harness::play_cut(&PROTOCOL, &sample, usize::MAX);
        prop_assert_eq!(crate::protocol::harness::play_cut(&PROTOCOL, &sample, size), whole);
    }

    #[test]
    fn any_stream_is_survived_and_cuts_change_nothing(bytes: Vec<u8>, size in 1..20_usize) {
        let conversation = [(QUERY, bytes)];
        let whole = crate::protocol::harness::play_cut(&PROTOCOL, &conversation, usize::MAX);
        prop_assert_eq!(crate::protocol::harness::play_cut(&PROTOCOL, &conversation, size), whole);
    }
}
