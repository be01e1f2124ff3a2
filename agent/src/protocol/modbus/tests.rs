//! What Modbus/TCP decoders are known to get wrong, one test each.

use proptest::prelude::*;

use super::sample::{EXCHANGES, adu};
use super::{PROTOCOL, search};
use crate::flow::Direction::{self, ToClient, ToServer};
use crate::flow::Outcome;
use crate::protocol::harness::{Player, play, play_cut, without_rtt};
use crate::protocol::{Probe, Sender, Verdict};

fn player() -> Player {
    Player::new(&PROTOCOL)
}

/// The lines of one request.
fn request(pdu: &[u8]) -> String {
    one(player().bytes(ToServer, &adu(1, 1, pdu)).lines())
}

/// The line of a response to a request.
fn response(asked: &[u8], answered: &[u8]) -> String {
    let mut player = player();
    player.bytes(ToServer, &adu(1, 1, asked)).lines();
    one(player.bytes(ToClient, &adu(1, 1, answered)).lines())
}

fn one(mut lines: Vec<String>) -> String {
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines.remove(0)
}

#[track_caller]
fn has(line: &str, part: &str) {
    assert!(line.contains(part), "{part} is not in {line}");
}

#[track_caller]
fn sound(line: &str) {
    assert!(!line.contains("malformed"), "{line}");
}

const READ: &[u8] = &[3, 0, 107, 0, 2];
const ANSWER: &[u8] = &[3, 4, 0, 1, 0, 2];

#[test]
fn a_poll_gives_two_events_with_every_field_in_order() {
    let lines = play(&PROTOCOL, &[(ToServer, adu(7, 17, READ)), (ToClient, adu(7, 17, ANSWER))]);
    assert_eq!(
        lines,
        [
            "modbus client {\"kind\":\"request\",\"tid\":7,\"unit\":17,\"len\":6,\"func\":3,\
             \"name\":\"read_holding_registers\",\"addr\":107,\"qty\":2}",
            "modbus server {\"kind\":\"response\",\"tid\":7,\"unit\":17,\"len\":7,\"func\":3,\
             \"name\":\"read_holding_registers\",\"addr\":107,\"qty\":2,\"values\":[1,2],\
             \"matched\":true,\"rtt\":0.001000}",
        ]
    );
}

#[test]
fn every_function_of_the_sample_is_sound_and_matched() {
    let conversation = (PROTOCOL.sample)();
    let lines = play(&PROTOCOL, &conversation);
    assert_eq!(lines.len(), EXCHANGES.len() * 2 + 6);
    for line in lines {
        sound(&line);
        assert!(!line.contains("\"matched\":false"), "{line}");
    }
}

#[test]
fn any_cut_gives_the_same_events() {
    let conversation = (PROTOCOL.sample)();
    let whole: Vec<_> = play(&PROTOCOL, &conversation).into_iter().map(without_rtt).collect();
    for size in 1..=40 {
        assert_eq!(play_cut(&PROTOCOL, &conversation, size), whole, "pieces of {size}");
    }
}

#[test]
fn many_messages_in_one_segment_are_all_read() {
    let requests: Vec<u8> = (0..50).flat_map(|tid| adu(tid, 1, READ)).collect();
    let responses: Vec<u8> = (0..50).rev().flat_map(|tid| adu(tid, 1, ANSWER)).collect();
    let mut player = player();
    assert_eq!(player.bytes(ToServer, &requests).lines().len(), 50);
    let lines = player.bytes(ToClient, &responses).lines();
    assert_eq!(lines.iter().filter(|line| line.contains("\"matched\":true")).count(), 50);
}

#[test]
fn coils_count_as_many_as_were_asked_for() {
    has(
        &response(&[1, 0, 19, 0, 10], &[1, 2, 0xcd, 0x01]),
        "\"addr\":19,\"qty\":10,\"values\":[1,0,1,1,0,0,1,1,1,0]",
    );
    has(
        one(player().bytes(ToClient, &adu(1, 1, &[1, 1, 5])).lines()).as_str(),
        "\"values\":[1,0,1,0,0,0,0,0]",
    );
}

#[test]
fn every_function_shows_its_own_fields() {
    has(&request(&[5, 0, 172, 0xff, 0]), "\"addr\":172,\"values\":[1]");
    has(&request(&[6, 0, 1, 1, 0]), "\"addr\":1,\"values\":[256]");
    has(&response(&[7], &[7, 0x6d]), "\"status\":109");
    has(&request(&[8, 0, 10, 0, 0]), "\"sub\":10,\"data\":\"0000\"");
    has(&request(&[8, 0, 4, 0, 0]), "\"sub\":4");
    has(&response(&[11], &[11, 0, 0, 1, 8]), "\"status\":0,\"event_count\":264");
    has(
        &response(&[12], &[12, 8, 0, 0, 1, 8, 1, 33, 32, 0]),
        "\"event_count\":264,\"message_count\":289,\"events\":[32,0]",
    );
    has(&request(&[15, 0, 19, 0, 10, 2, 0xcd, 1]), "\"addr\":19,\"qty\":10,\"values\":[1,0,1,1,0,0,1,1,1,0]");
    has(&request(&[16, 0, 1, 0, 2, 4, 0, 10, 1, 2]), "\"addr\":1,\"qty\":2,\"values\":[10,258]");
    has(&response(&[17], &[17, 3, 9, 0xff, 65]), "\"server_id\":9,\"running\":true,\"data\":\"09ff41\"");
    has(&request(&[22, 0, 4, 0, 242, 0, 37]), "\"addr\":4,\"and_mask\":242,\"or_mask\":37");
    let both = [23, 0, 3, 0, 2, 0, 14, 0, 1, 2, 0, 255];
    has(&request(&both), "\"addr\":3,\"qty\":2,\"write_addr\":14,\"write_qty\":1,\"write_values\":[255]");
    has(&response(&both, &[23, 4, 0, 254, 10, 205]), "\"addr\":3,\"qty\":2,\"values\":[254,2765]");
    has(
        &response(&[24, 4, 0xde], &[24, 0, 6, 0, 2, 1, 0xb8, 18, 0x84]),
        "\"addr\":1246,\"qty\":2,\"values\":[440,4740]",
    );
    has(&request(&[43, 13, 1, 2]), "\"sub\":13,\"data\":\"0102\"");
}

#[test]
fn file_records_are_rows_of_several_groups() {
    has(
        &request(&[20, 14, 6, 0, 4, 0, 1, 0, 2, 6, 0, 3, 0, 9, 0, 2]),
        "\"groups\":[{\"file\":4,\"record\":1,\"length\":2},{\"file\":3,\"record\":9,\"length\":2}]",
    );
    let line = one(player().bytes(ToClient, &adu(1, 1, &[20, 8, 5, 6, 13, 254, 0, 32, 1, 6])).lines());
    has(&line, "\"groups\":[{\"length\":2,\"values\":[3582,32]},{\"length\":0,\"values\":[]}]");
    let write = [21, 11, 6, 0, 4, 0, 7, 0, 2, 6, 0xaf, 4, 0xbe];
    has(&request(&write), "\"groups\":[{\"file\":4,\"record\":7,\"length\":2,\"values\":[1711,1214]}]");
    sound(&response(&write, &write));
    let (mut group_too_long, mut count) = (write, write);
    group_too_long[8] = 3;
    count[1] = 10;
    has(&request(&group_too_long), "malformed: file record groups");
    has(&request(&count), "malformed: length field does not fit");
    has(&request(&[20, 0]), "malformed: file record groups");
}

#[test]
fn device_identification_goes_on_in_a_second_message() {
    let first = response(&[43, 14, 1, 0], &[43, 14, 1, 1, 255, 1, 1, 0, 2, b'A', b'B']);
    has(&first, "\"sub\":14,\"read_code\":1,\"conformity\":1,\"more_follows\":true,\"next_object_id\":1");
    has(&first, "\"objects\":[{\"id\":0,\"name\":\"vendor_name\",\"value\":\"AB\"}]");
    let second = response(&[43, 14, 1, 1], &[43, 14, 1, 1, 0, 0, 1, 0x80, 1, b'x']);
    has(&second, "\"more_follows\":false,\"next_object_id\":0,\"objects\":[{\"id\":128,\"value\":\"x\"}]");
    let short = response(&[43, 14, 1, 0], &[43, 14, 1, 1, 0, 0, 2, 0, 2, b'A', b'B']);
    has(&short, "malformed: identification objects");
}

#[test]
fn an_exception_keeps_the_function_and_says_what_it_answers() {
    for code in [1, 2, 3, 4, 5, 6, 7, 8, 10, 11] {
        let line = response(READ, &[0x83, code]);
        has(&line, "\"func\":3,\"name\":\"read_holding_registers\",\"addr\":107,\"qty\":2");
        has(&line, &format!("\"exception\":{code},\"matched\":true"));
        sound(&line);
    }
    has(&response(&[6, 0, 1, 0, 9], &[0x86, 2]), "\"addr\":1,\"exception\":2");
    has(&response(&[8, 0, 1, 0, 0], &[0x88, 1]), "\"sub\":1,\"exception\":1");
    has(
        &response(&[43, 14, 1, 0], &[0xab, 1]),
        "\"name\":\"encapsulated_interface_transport\",\"exception\":1",
    );
    has(
        &one(player().bytes(ToClient, &adu(1, 1, &[0x80, 1])).lines()),
        "\"func\":0,\"name\":\"invalid\",\"exception\":1",
    );
}

#[test]
fn vendor_functions_are_shown_as_they_are() {
    has(&request(&[90, 0, 2, 7]), "\"func\":90,\"name\":\"umas\",\"sub\":2,\"data\":\"000207\"");
    has(&request(&[0x7d, 1, 2]), "\"func\":125,\"name\":\"vendor\",\"data\":\"0102\"");
    has(&request(&[70]), "\"func\":70,\"name\":\"user_defined\"}");
    has(&request(&[99, 1]), "\"func\":99,\"name\":\"unassigned\",\"data\":\"01\"");
    sound(&response(&[90, 0, 2], &[90, 0, 254, 1]));
}

#[test]
fn long_umas_frames_are_whole() {
    let mut pdu = vec![90, 0, 0x22];
    pdu.resize(1000, 7);
    let line = request(&pdu);
    has(&line, "\"len\":1001,\"func\":90");
    sound(&line);
}

#[test]
fn function_zero_and_exceptions_from_a_client_are_malformed() {
    has(&request(&[0, 1]), "\"kind\":\"request\",\"tid\":1,\"unit\":1,\"len\":3,\"func\":0");
    has(&request(&[0, 1]), "malformed: function 0");
    let line = request(&[0x83, 2]);
    has(&line, "\"kind\":\"request\"");
    has(&line, "\"func\":3,");
    has(&line, "malformed: exception sent by a client");
    assert!(!line.contains("\"exception\":"), "{line}");
}

#[test]
fn wrong_content_is_named_and_the_next_message_read() {
    let wrong: &[(&[u8], &str)] = &[
        (&[5, 0, 1, 0x12, 0x34], "coil value"),
        (&[1, 0, 0, 0x07, 0xd1], "quantity"),
        (&[3, 0, 0, 0, 0], "quantity"),
        (&[3, 0, 0, 0, 126], "quantity"),
        (&[4, 0xff, 0xff, 0, 2], "addresses run past"),
        (&[8, 0, 1, 1, 1], "restart option"),
        (&[15, 0, 0, 0, 9, 1, 1], "byte count"),
        (&[16, 0, 0, 0, 2, 2, 0, 1], "byte count"),
        (&[16, 0, 0, 0, 0, 0], "quantity"),
        (&[23, 0, 0, 0, 126, 0, 0, 0, 1, 2, 0, 0], "quantity"),
        (&[23, 0, 0, 0, 1, 0, 0, 0, 122, 2, 0, 0], "quantity"),
        (&[23, 0, 0, 0, 1, 0, 0, 0, 2, 2, 0, 0], "byte count"),
        (&[3, 0, 0, 0], "length field does not fit"),
        (&[3, 0, 0, 0, 1, 0, 0], "length field does not fit"),
        (&[43, 99, 1], "MEI type"),
        (&[43, 14, 9, 0], "device identification code"),
        (&[16, 0], "length field does not fit"),
    ];
    for (pdu, reason) in wrong {
        let mut player = player();
        let lines = player.bytes(ToServer, &[adu(1, 1, pdu), adu(2, 1, READ)].concat()).lines();
        assert_eq!(lines.len(), 2, "{pdu:?}: {lines:#?}");
        has(&lines[0], &format!("malformed: {reason}"));
        sound(&lines[1]);
    }
}

#[test]
fn limits_themselves_are_allowed() {
    sound(&request(&[1, 0, 0, 0x07, 0xd0]));
    sound(&request(&[3, 0xff, 0x83, 0, 125]));
    let mut coils = vec![15, 0, 0, 0x07, 0xb0, 246];
    coils.resize(6 + 246, 0xff);
    sound(&request(&coils));
    let mut registers = vec![16, 0, 0, 0, 123, 246];
    registers.resize(6 + 246, 0);
    sound(&request(&registers));
    let mut both = vec![23, 0, 0, 0, 125, 0, 0, 0, 121, 242];
    both.resize(10 + 242, 0);
    sound(&request(&both));
}

#[test]
fn a_response_is_held_against_its_request() {
    let wrong: &[(&[u8], &[u8], &str)] = &[
        (READ, &[3, 2, 0, 1], "byte count does not fit the quantity asked for"),
        (READ, &[3, 3, 0, 1, 2], "byte count of registers is odd"),
        (&[1, 0, 0, 0, 9], &[1, 1, 1], "byte count does not fit the quantity asked for"),
        (&[5, 0, 1, 0, 0], &[5, 0, 1, 255, 0], "echo differs"),
        (&[6, 0, 1, 0, 0], &[6, 0, 2, 0, 0], "echo differs"),
        (&[8, 0, 0, 1, 2], &[8, 0, 0, 1, 3], "echo differs"),
        (&[15, 0, 1, 0, 1, 1, 1], &[15, 0, 1, 0, 2], "echo differs"),
        (&[16, 0, 1, 0, 1, 2, 0, 0], &[16, 0, 2, 0, 1], "echo differs"),
        (&[22, 0, 4, 0, 1, 0, 2], &[22, 0, 4, 0, 1, 0, 3], "echo differs"),
        (&[24, 0, 1], &[24, 0, 6, 0, 1, 0, 1, 0, 2], "byte count"),
        (READ, &[4, 4, 0, 1, 0, 2], "answers another function"),
    ];
    for (asked, answered, reason) in wrong {
        has(&response(asked, answered), &format!("malformed: {reason}"));
    }
    sound(&response(&[8, 0, 11, 0, 0], &[8, 0, 11, 1, 2]));
}

#[test]
fn a_response_nobody_asked_for_is_not_matched() {
    let mut player = player();
    let mut line = one(player.bytes(ToClient, &adu(1, 1, ANSWER)).lines());
    has(&line, "\"values\":[1,2],\"matched\":false}");
    player.bytes(ToServer, &adu(2, 1, READ)).bytes(ToClient, &adu(2, 2, ANSWER));
    line = player.lines().remove(1);
    has(&line, "\"matched\":false");
    sound(&line);
    player.bytes(ToClient, &adu(2, 1, ANSWER));
    has(&one(player.lines()), "\"matched\":true");
    player.bytes(ToClient, &adu(2, 1, ANSWER));
    has(&one(player.lines()), "\"matched\":false");
}

#[test]
fn requests_expire_after_five_seconds() {
    let mut player = player();
    player.bytes(ToServer, &adu(1, 1, READ)).wait(4_998_000).bytes(ToClient, &adu(1, 1, ANSWER));
    has(&player.lines()[1], "\"matched\":true,\"rtt\":4.999000");
    player.bytes(ToServer, &adu(1, 1, READ)).wait(5_000_000).bytes(ToClient, &adu(1, 1, ANSWER));
    has(&player.lines()[1], "\"matched\":false");
}

#[test]
fn a_transaction_id_that_is_always_zero_pairs_right() {
    let mut player = player();
    for addr in 0..20 {
        player.bytes(ToServer, &adu(0, 1, &[3, 0, addr, 0, 1])).bytes(ToClient, &adu(0, 1, &[3, 2, 0, addr]));
        let lines = player.lines();
        has(
            &lines[1],
            &format!("\"addr\":{addr},\"qty\":1,\"values\":[{addr}],\"matched\":true,\"rtt\":0.001"),
        );
    }
}

#[test]
fn one_lost_response_does_not_shift_all_later_pairs() {
    let mut player = player();
    let ask = |addr| adu(0, 1, &[3, 0, addr, 0, 1]);
    let answer = adu(0, 1, &[3, 2, 0, 0]);
    player.bytes(ToServer, &ask(1)).bytes(ToClient, &answer);
    player.bytes(ToServer, &ask(2)).wait(300_000);
    player.bytes(ToServer, &ask(3)).bytes(ToClient, &answer);
    has(&player.lines()[4], "\"addr\":3,\"qty\":1,\"values\":[0],\"matched\":true,\"rtt\":0.001");
    // The response of 4 lies in a hole.
    player.bytes(ToServer, &ask(4)).gap(ToClient, 11);
    player.bytes(ToServer, &ask(5)).bytes(ToClient, &answer);
    has(&player.lines()[2], "\"addr\":5");
}

#[test]
fn the_same_id_twice_in_flight_is_answered_oldest_first_by_what_fits() {
    let mut player = player();
    for pdu in [&[3, 0, 1, 0, 1], &[3, 0, 2, 0, 1], &[3, 0, 3, 0, 2]] {
        player.bytes(ToServer, &adu(5, 1, pdu));
    }
    player.lines();
    for pdu in [&[3, 4, 0, 0, 0, 0][..], &[3, 2, 0, 0], &[3, 2, 0, 0]] {
        player.bytes(ToClient, &adu(5, 1, pdu));
    }
    for (line, addr) in player.lines().iter().zip([3, 1, 2]) {
        has(line, &format!("\"addr\":{addr},"));
        sound(line);
    }
}

#[test]
fn at_most_64_requests_wait() {
    let mut player = player();
    for tid in 0..65 {
        player.bytes(ToServer, &adu(tid, 1, READ));
    }
    player.lines();
    player.bytes(ToClient, &adu(0, 1, ANSWER)).bytes(ToClient, &adu(1, 1, ANSWER));
    let lines = player.lines();
    has(&lines[0], "\"matched\":false");
    has(&lines[1], "\"matched\":true");
}

#[test]
fn a_broadcast_needs_no_response_but_may_have_one() {
    let mut player = player();
    player.bytes(ToServer, &adu(1, 0, &[6, 0, 1, 0, 3])).bytes(ToServer, &adu(2, 1, READ));
    player.bytes(ToClient, &adu(2, 1, ANSWER));
    let lines = player.lines();
    lines.iter().for_each(|line| sound(line));
    has(&lines[2], "\"matched\":true");
    player.bytes(ToServer, &adu(3, 0, READ)).bytes(ToClient, &adu(3, 0, ANSWER));
    has(&player.lines()[1], "\"matched\":true");
}

#[test]
fn lengths_under_two_are_malformed_and_the_next_message_is_read() {
    for short in [&[0, 9, 0, 0, 0, 0][..], &[0, 9, 0, 0, 0, 1, 1], &[0, 9, 0, 0, 0, 1, 1, 3, 0, 0]] {
        for size in [1, 5, 1000] {
            let stream = [&adu(1, 1, READ)[..], short, &adu(2, 1, READ)].concat();
            let lines = play_cut(&PROTOCOL, &[(ToServer, stream)], size);
            assert_eq!(lines.len(), 3, "{short:?} in pieces of {size}: {lines:#?}");
            has(&lines[1], "\"tid\":9");
            has(&lines[1], "malformed: length field under 2");
            has(&lines[2], "\"tid\":2");
        }
    }
}

#[test]
fn lengths_over_254_are_malformed_and_the_next_message_is_read() {
    // 0xfc bytes of registers make 255; the function says the same, so the frame is believed.
    let mut long = vec![3, 252];
    long.resize(2 + 252, 1);
    let mut player = player();
    let lines = player.bytes(ToClient, &[adu(1, 1, &long), adu(2, 1, ANSWER)].concat()).lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    has(&lines[0], "malformed: length field over 254");
    has(&lines[1], "\"tid\":2");
    // Nothing vouches for this one.
    let lie = [0, 9, 0, 0, 0x88, 4, 1, 3, 0, 0, 0, 1];
    for size in [1, 7, 1000] {
        let stream = [&adu(1, 1, READ)[..], &lie, &adu(2, 1, READ)].concat();
        let lines = play_cut(&PROTOCOL, &[(ToServer, stream)], size);
        assert_eq!(lines.len(), 3, "{lines:#?}");
        has(&lines[1], "\"tid\":9,\"unit\":1,\"len\":34820,\"func\":3");
        has(&lines[1], "malformed: length field over 254");
        has(&lines[2], "\"tid\":2");
    }
}

#[test]
fn a_length_that_reaches_over_the_next_messages_does_not_swallow_them() {
    let mut lie = adu(9, 1, READ);
    lie[5] = 128;
    for size in [1, 12, 1000] {
        let stream = [&lie[..], &adu(2, 1, READ), &adu(3, 1, READ)].concat();
        let lines = play_cut(&PROTOCOL, &[(ToServer, stream)], size);
        assert_eq!(lines.len(), 3, "{lines:#?}");
        has(&lines[0], "\"tid\":9,\"unit\":1,\"len\":128");
        has(&lines[0], "malformed: length field does not fit the function");
        has(&lines[2], "\"tid\":3");
    }
}

#[test]
fn a_foreign_protocol_id_is_malformed_and_read() {
    let mut odd = adu(9, 1, READ);
    odd[2] = 0x10;
    for size in [1, 1000] {
        let stream = [&adu(1, 1, READ)[..], &odd, &adu(2, 1, READ)].concat();
        let lines = play_cut(&PROTOCOL, &[(ToServer, stream)], size);
        assert_eq!(lines.len(), 3, "{lines:#?}");
        has(&lines[1], "\"tid\":9");
        has(&lines[1], "malformed: protocol id is not 0");
    }
    assert_eq!(verdict(&odd, 502, true), Verdict::Yes(Sender::Client));
}

#[test]
fn a_message_is_found_right_behind_garbage() {
    for garbage in
        [&b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"GET / HTTP/1.1\r\n\r\n", &[0; 33], &[1, 1, 0x23]]
    {
        for size in [1, 9, 1000] {
            let stream =
                [&adu(1, 1, READ)[..], garbage, &adu(2, 1, READ), garbage, &adu(3, 1, READ)].concat();
            let lines = play_cut(&PROTOCOL, &[(ToServer, stream)], size);
            let sound: Vec<_> = lines.iter().filter(|line| !line.contains("malformed")).collect();
            assert_eq!(sound.len(), 3, "{garbage:?} in pieces of {size}: {lines:#?}");
        }
    }
}

#[test]
fn registers_full_of_small_numbers_are_no_messages() {
    let mut player = player().midstream();
    let mut pdu = vec![16, 0, 0, 0, 120, 240];
    pdu.extend([0, 0, 0, 6, 0, 1, 0, 3, 0, 0, 0, 2].repeat(20));
    let whole = adu(1, 1, &pdu);
    let lines = player.bytes(ToServer, &whole[40..]).bytes(ToServer, &adu(2, 1, READ)).lines();
    has(&one(lines), "\"tid\":2");
}

#[test]
fn a_hole_at_any_place_costs_only_the_messages_it_touches() {
    let messages: Vec<Vec<u8>> =
        EXCHANGES.iter().zip(1..).map(|((asked, _), tid)| adu(tid, 1, asked)).collect();
    let stream = messages.concat();
    let ends: Vec<usize> = messages
        .iter()
        .scan(0, |at, one| {
            *at += one.len();
            Some(*at)
        })
        .collect();
    let tid_of =
        |line: &String| line.split("\"tid\":").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
    for begin in 0..stream.len() {
        for size in [1, 2, 5, 12, 30] {
            let end = (begin + size).min(stream.len());
            let mut player = player();
            player.bytes(ToServer, &stream[..begin]).gap(ToServer, (end - begin) as u64);
            player.bytes(ToServer, &stream[end..]).bytes(ToServer, &adu(200, 1, READ));
            let lines = player.lines();
            let seen: Vec<usize> =
                lines.iter().filter(|line| !line.contains("cut by")).filter_map(tid_of).collect();
            let mut expected: Vec<usize> = (1..=messages.len())
                .filter(|tid| ends[tid - 1] <= begin || ends[tid - 1] - messages[tid - 1].len() >= end)
                .collect();
            expected.push(200);
            assert_eq!(seen, expected, "{size} bytes lost at {begin}: {lines:#?}");
        }
    }
}

#[test]
fn what_is_known_of_a_cut_message_is_told() {
    let mut player = player();
    let write = adu(1, 1, &[16, 0, 1, 0, 3, 6, 0, 10, 1, 2, 9, 9]);
    player.bytes(ToServer, &write[..15]).gap(ToServer, 2).bytes(ToServer, &write[17..]);
    player.bytes(ToServer, &adu(2, 1, READ)).bytes(ToClient, &adu(1, 1, &[16, 0, 1, 0, 3]));
    let lines = player.lines();
    has(
        &lines[0],
        "\"addr\":1,\"qty\":3,\"values\":[10] malformed: cut by a capture loss"
            .replace(" mal", "} mal")
            .as_str(),
    );
    has(&lines[1], "\"tid\":2");
    has(&lines[2], "\"matched\":true");
    sound(&lines[2]);
}

#[test]
fn a_message_left_unfinished_is_told_at_the_end() {
    let mut player = player();
    player.bytes(ToServer, &adu(1, 1, READ)[..9]).end(ToServer);
    has(&one(player.lines()), "malformed: ends before its length");
}

#[test]
fn a_capture_that_begins_in_the_middle_finds_the_next_message() {
    let answer = adu(5, 1, &[3, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    for from in 0..answer.len() {
        let mut player = player().midstream();
        player.bytes(ToClient, &answer[from..]).bytes(ToClient, &adu(6, 1, ANSWER));
        player.bytes(ToClient, &adu(7, 1, ANSWER));
        let lines = player.lines();
        assert_eq!(lines.len(), if from == 0 { 3 } else { 2 }, "from {from}: {lines:#?}");
    }
    let mut player = player().midstream();
    has(&one(player.bytes(ToServer, &adu(1, 1, &[70, 1])).lines()), "\"func\":70");
}

fn verdict(bytes: &[u8], dport: u16, start: bool) -> Verdict {
    let transport = crate::flow::Transport::Tcp;
    search::probe(&Probe { bytes, sport: 40_000, dport, transport, usual_port: dport == 502, start })
}

#[test]
fn other_protocols_on_port_502_are_left_alone() {
    let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let nfs = b"\x80\x00\x00\x28\x12\x34\x56\x78\x00\x00\x00\x00\x00\x00\x00\x02";
    for bytes in
        [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\n", tls, nfs, b"SSH-2.0-x\r\n"]
    {
        for start in [true, false] {
            assert!(!matches!(verdict(bytes, 502, start), Verdict::Yes(_)), "{bytes:?}");
        }
        assert_eq!(verdict(bytes, 502, true), Verdict::No, "{bytes:?}");
        let mut player = player();
        player.bytes(ToServer, bytes);
        assert_eq!(player.outcome, Outcome::Leave, "{bytes:?}");
    }
}

#[test]
fn port_502_is_believed_with_less() {
    for pdu in [&[0, 1][..], &[99], &[3, 0, 0, 0, 1, 0, 0], READ, ANSWER] {
        assert_eq!(verdict(&adu(1, 1, pdu), 502, true), Verdict::Yes(Sender::Client));
    }
    assert_eq!(verdict(&adu(1, 1, READ)[..5], 502, true), Verdict::More);
}

#[test]
fn other_ports_are_claimed_by_content_with_the_sender() {
    assert_eq!(verdict(&adu(1, 1, READ), 1502, true), Verdict::Yes(Sender::Client));
    assert_eq!(verdict(&adu(1, 1, ANSWER), 1502, true), Verdict::Yes(Sender::Server));
    assert_eq!(verdict(&adu(1, 1, &[6, 0, 1, 0, 1]), 1502, true), Verdict::Yes(Sender::Unknown));
    assert_eq!(verdict(&adu(1, 1, &[17]), 1502, true), Verdict::More);
    assert_eq!(verdict(&adu(1, 1, &[99, 1, 2, 3, 4]), 1502, true), Verdict::No);
    assert_eq!(verdict(&adu(1, 1, READ)[..9], 1502, true), Verdict::More);
    assert_eq!(verdict(&[0; 12], 1502, true), Verdict::No);
    let inside = [&[9, 9, 9][..], &adu(1, 1, READ), &adu(2, 1, READ)].concat();
    assert_eq!(verdict(&inside, 1502, false), Verdict::No, "the next segment begins with a message");
    assert_eq!(verdict(&inside, 502, false), Verdict::Yes(Sender::Client));
    assert_eq!(verdict(&inside, 1502, true), Verdict::No);
    assert_eq!(verdict(&adu(1, 1, ANSWER), 1502, false), Verdict::Yes(Sender::Server));
}

/// Messages of which one byte, function or content, is another.
fn altered() -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    let message = (0..EXCHANGES.len(), any::<bool>(), any::<u8>(), 7_usize..20, any::<u16>());
    let message = message.prop_map(|(which, answer, byte, place, tid)| {
        let (asked, answered) = EXCHANGES[which];
        let mut bytes = adu(tid, 1, if answer { answered } else { asked });
        if let Some(changed) = bytes.get_mut(place) {
            *changed = byte;
        }
        (if answer { ToClient } else { ToServer }, bytes)
    });
    proptest::collection::vec(message, 1..40)
}

fn pieces() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
    let byte = prop_oneof![4 => Just(0_u8), 2 => 0_u8..8, 1 => any::<u8>()];
    let noise = proptest::collection::vec(byte, 0..60);
    let message = (any::<u16>(), 0_u8..3, 0..EXCHANGES.len(), any::<bool>(), any::<u8>(), 0_usize..40)
        .prop_map(|(tid, unit, which, answer, byte, place)| {
            let (asked, answered) = EXCHANGES[which];
            let mut bytes = adu(tid & 3, unit, if answer { answered } else { asked });
            if let Some(changed) = bytes.get_mut(place) {
                *changed = byte;
            }
            bytes
        });
    proptest::collection::vec((any::<bool>(), prop_oneof![noise, message]), 0..40)
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(pieces in pieces(), holes in any::<u64>(), midstream in any::<bool>()) {
        let mut player = player();
        if midstream {
            player = player.midstream();
        }
        for (at, (answer, bytes)) in pieces.iter().enumerate() {
            let from = if *answer { ToClient } else { ToServer };
            player.bytes(from, bytes);
            if holes >> (at % 64) & 7 == 7 {
                player.gap(from, holes % 40);
            }
            for (port, start) in [(502, true), (502, false), (1502, true), (1502, false)] {
                let _: Verdict = verdict(bytes, port, start);
            }
        }
        player.end(ToServer).end(ToClient);
    }

    #[test]
    fn wrong_content_is_read_the_same_in_any_pieces(messages in altered(), size in 1_usize..60) {
        let whole: Vec<_> = play(&PROTOCOL, &messages).into_iter().map(without_rtt).collect();
        prop_assert_eq!(whole.len(), messages.len());
        prop_assert_eq!(play_cut(&PROTOCOL, &messages, size), whole);
    }
}
