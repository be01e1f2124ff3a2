//! Messages made by hand, played to the decoder.

#![allow(clippy::arithmetic_side_effects)]

mod faults;
mod pairs;
mod probing;
mod records;
mod stream;

use super::*;
use crate::protocol::harness::Player;

const UDP: Protocol = Protocol { transports: &[Transport::Udp], ..PROTOCOL };
const MULTICAST: Protocol = Protocol { ports: &[MDNS], ..UDP };
const LINK_LOCAL: Protocol = Protocol { ports: &[LLMNR], ..UDP };

const QUERY: Direction = Direction::ToServer;
const RESPONSE: Direction = Direction::ToClient;

/// `a.example`, and a pointer to it when it is the first question.
const NAME_A: &[u8] = b"\x01a\x07example\0";
const BACK: &[u8] = b"\xc0\x0c";

/// A header with its counts.
fn header(id: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    [[id, flags].as_slice(), &counts].concat().into_iter().flat_map(u16::to_be_bytes).collect()
}

fn question(name: &[u8], kind: u16) -> Vec<u8> {
    [name, &kind.to_be_bytes(), &[0, 1]].concat()
}

fn record(name: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16).to_be_bytes();
    [name, &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 60], &length, data].concat()
}

fn query(id: u16) -> Vec<u8> {
    [header(id, 0x0100, [1, 0, 0, 0]), question(NAME_A, 1)].concat()
}

fn response(id: u16) -> Vec<u8> {
    [header(id, 0x8180, [1, 1, 0, 0]), question(NAME_A, 1), record(BACK, 1, &[10, 0, 0, 7])].concat()
}

/// With its length in front, as on TCP.
fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

/// The only event of a datagram.
fn udp(from: Direction, message: &[u8]) -> String {
    let mut player = Player::new(&UDP);
    player.datagram(from, message);
    let [line] = <[String; 1]>::try_from(player.lines()).expect("one event");
    line
}

#[test]
fn a_query_and_its_response_say_everything() {
    let mut player = Player::new(&UDP);
    player.datagram(QUERY, &query(7)).datagram(RESPONSE, &response(7));
    assert_eq!(
        player.lines(),
        [
            "dns client {\"transport\":\"udp\",\"id\":7,\"kind\":\"query\",\"opcode\":0,\
             \"qname\":\"a.example\",\"qtype\":\"A\",\"aa\":false,\"tc\":false,\"rd\":true,\"ra\":false,\
             \"authorities\":0,\"additionals\":0}",
            "dns server {\"transport\":\"udp\",\"id\":7,\"kind\":\"response\",\"opcode\":0,\
             \"qname\":\"a.example\",\"qtype\":\"A\",\"rcode\":0,\"rcode_name\":\"NOERROR\",\
             \"aa\":false,\"tc\":false,\"rd\":true,\"ra\":true,\
             \"answers\":[{\"name\":\"a.example\",\"type\":\"A\",\"ttl\":60,\"data\":\"10.0.0.7\"}],\
             \"authorities\":0,\"additionals\":0,\"matched\":true,\"rtt\":0.001000}",
        ]
    );
}

#[test]
fn unknown_types_and_classes_are_numbers_with_a_word() {
    let line = udp(QUERY, &[header(1, 0, [1, 0, 0, 0]), b"\x01a\0\xff\x00\x00\x03".to_vec()].concat());
    assert!(line.contains("\"qtype\":\"TYPE65280\",\"qclass\":\"CH\""), "{line}");
    let line = udp(QUERY, &[header(1, 0, [1, 0, 0, 0]), b"\x01a\0\0\x01\x12\x34".to_vec()].concat());
    assert!(line.contains("\"qtype\":\"A\",\"qclass\":\"CLASS4660\""), "{line}");
}

#[test]
fn names_keep_their_case_and_odd_bytes_stay_visible() {
    for (wire, text) in [
        (&b"\0"[..], "<Root>"),
        (b"\x03wWw\x02eX\0", "wWw.eX"),
        (b"\x03a.b\x01c\0", "a.b.c"),
        (b"\x04\x04\x05\n\x7f\x01c\0", "\\\\004\\\\005\\\\n\\\\177.c"),
        (b"\x03\xff\xc3\xa9\x01c\0", "\u{fffd}\u{e9}.c"),
        (b"\x03a\"b\0", "a\\\"b"),
        (b"\x09\xed\xbf\xf5\xbf\xc0\xbf\xbfxy\0", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}xy"),
    ] {
        let line = udp(QUERY, &[header(1, 0, [1, 0, 0, 0]), question(wire, 1)].concat());
        assert!(line.contains(&format!("\"qname\":\"{text}\",")), "{line}");
        assert!(!line.contains("malformed"), "{line}");
    }
}

#[test]
fn several_questions_are_listed() {
    let message = [header(1, 0, [2, 0, 0, 0]), question(NAME_A, 12), question(BACK, 28)].concat();
    let line = udp(QUERY, &message);
    assert!(
        line.contains(
            "\"qname\":\"a.example\",\"qtype\":\"PTR\",\"questions\":[{\"qname\":\"a.example\",\
             \"qtype\":\"PTR\"},{\"qname\":\"a.example\",\"qtype\":\"AAAA\"}]"
        ),
        "{line}"
    );
}

#[test]
fn flags_that_matter_only_when_set_are_shown_then() {
    let line = udp(QUERY, &[header(1, 0x0670, [1, 0, 0, 0]), question(NAME_A, 1)].concat());
    let flags = "\"aa\":true,\"tc\":true,\"rd\":false,\"ra\":false,\"ad\":true,\"cd\":true,\"z\":true,";
    assert!(line.contains(flags), "{line}");
}

#[test]
fn edns_extends_the_response_code() {
    let opt = [&b"\0\0\x29\x10\0\x01\0\x80\0\0\x0c\0\x0a\0\x08"[..], &[7; 8]].concat();
    let line = udp(RESPONSE, &[header(1, 0x8007, [1, 0, 0, 1]), question(NAME_A, 1), opt].concat());
    assert!(
        line.contains("\"rcode\":7,\"rcode_name\":\"BADCOOKIE\",\"rcode_extended\":23,")
            && line.contains("\"edns_version\":0,\"edns_udp_size\":4096,\"edns_do\":true")
            && !line.contains("malformed"),
        "{line}"
    );
}

#[test]
fn messages_without_questions_or_records_are_whole() {
    let line = udp(RESPONSE, &header(9, 0x8001, [0; 4]));
    assert!(line.contains("\"id\":9,\"kind\":\"response\",\"opcode\":0,\"rcode\":1,"), "{line}");
    assert!(line.contains("\"answers\":[]") && !line.contains("malformed"), "{line}");
    let line = udp(RESPONSE, &[header(9, 0x8180, [1, 0, 0, 0]), question(NAME_A, 28)].concat());
    assert!(line.contains("\"answers\":[]") && !line.contains("malformed"), "{line}");
}

#[test]
fn other_operations_are_read_too() {
    let notify = [header(1, 0x2400, [1, 0, 0, 0]), question(NAME_A, 6)].concat();
    let update = [
        header(1, 0x2800, [1, 1, 2, 0]),
        question(NAME_A, 6),
        b"\xc0\x0c\0\xff\0\xfe\0\0\0\0\0\0".to_vec(),
        b"\xc0\x0c\0\x01\0\xff\0\0\0\0\0\0".to_vec(),
        record(BACK, 1, &[10, 0, 0, 8]),
    ]
    .concat();
    let inverse = [header(1, 0x0800, [0, 1, 0, 0]), record(b"\0", 1, &[1, 2, 3, 4])].concat();
    let stateful = [header(1, 0x3000, [0; 4]), b"\0\x01\0\x08\0\0\x3a\x98\0\0\x3a\x98".to_vec()].concat();
    for (message, part) in [
        (notify, "\"opcode\":4,\"qname\":\"a.example\",\"qtype\":\"SOA\""),
        (
            update,
            "\"answers\":[{\"name\":\"a.example\",\"type\":\"ANY\",\"ttl\":0,\"data\":\"\",\
             \"class\":\"NONE\"}],\"authorities\":2",
        ),
        (inverse, "\"answers\":[{\"name\":\"<Root>\",\"type\":\"A\",\"ttl\":60,\"data\":\"1.2.3.4\"}]"),
        (stateful, "\"opcode\":6"),
    ] {
        let line = udp(QUERY, &message);
        assert!(line.contains(part) && !line.contains("malformed"), "{line}");
    }
}

#[test]
fn multicast_keeps_its_bit_out_of_the_class_and_pairs_nothing() {
    let mut player = Player::new(&MULTICAST);
    let asked = [header(0, 0, [1, 0, 0, 0]), b"\x01a\x05local\0\0\x01\x80\x01".to_vec()].concat();
    let answer = b"\x01a\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\0\0\x07";
    player
        .datagram(QUERY, &asked)
        .datagram(QUERY, &asked)
        .datagram(RESPONSE, &[header(0, 0x8400, [0, 1, 0, 0]), answer.to_vec()].concat());
    let lines = player.lines();
    assert!(lines[0].contains("\"transport\":\"mdns\"") && !lines[0].contains("class"), "{}", lines[0]);
    assert_eq!(lines[0], lines[1]);
    assert!(!lines[2].contains("matched") && !lines[2].contains("class"), "{}", lines[2]);
    let mut player = Player::new(&LINK_LOCAL);
    player.datagram(QUERY, &query(1));
    assert!(player.lines()[0].contains("\"transport\":\"llmnr\""));
}
