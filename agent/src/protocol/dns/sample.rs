//! A short conversation over TCP with many types of record.

use crate::flow::Direction;

/// Queries and responses; also pipelined ones, an update, a notification, and a zone transfer whose
/// answer takes two messages.
pub(super) fn conversation() -> Vec<(Direction, Vec<u8>)> {
    let mut all = Vec::new();
    for (id, (kind, data)) in (0x1100_u16..).zip(RECORDS) {
        let name: &[u8] = b"\x03pLc\x05plant\x07example\0";
        all.push((Direction::ToServer, message(id, 0x0100, &[(name, *kind)], &[])));
        all.push((Direction::ToClient, message(id, 0x8580, &[(name, *kind)], &[(*kind, data)])));
    }
    let zone: &[u8] = b"\x05plant\x07example\0";
    let mut pipelined = message(0x2200, 0x0120, &[(zone, 2)], &[]);
    pipelined.extend(message(0x2201, 0x0120, &[(zone, 99)], &[]));
    all.push((Direction::ToServer, pipelined));
    all.push((Direction::ToClient, message(0x2201, 0x8183, &[(zone, 99)], &[])));
    all.push((Direction::ToClient, message(0x2200, 0x8180, &[(zone, 2)], &[(2, b"\xc0\x0c")])));
    all.push((Direction::ToServer, message(0x3300, 0x2400, &[(zone, 6)], &[])));
    all.push((Direction::ToClient, message(0x3300, 0xa400, &[(zone, 6)], &[])));
    all.push((Direction::ToServer, message(0x3301, 0x2800, &[(zone, 6)], &[])));
    all.push((Direction::ToClient, message(0x3301, 0xa805, &[(zone, 6)], &[])));
    all.push((Direction::ToServer, message(0x4400, 0x0000, &[(zone, 252)], &[])));
    let start: &[u8] =
        b"\x02ns\xc0\x0c\x02hm\xc0\x0c\0\0\0\x01\0\0\x0e\x10\0\0\x02\x58\0\x09\x3a\x80\0\0\x0e\x10";
    all.push((
        Direction::ToClient,
        message(0x4400, 0x8400, &[(zone, 252)], &[(6, start), (1, b"\x0a\0\0\x01")]),
    ));
    all.push((Direction::ToClient, message(0x4400, 0x8400, &[(zone, 252)], &[(1, b"\x0a\0\0\x02")])));
    all
}

/// A message with its length in front; the records are about the name of the first question.
fn message(id: u16, flags: u16, questions: &[(&[u8], u16)], answers: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for number in [id, flags, questions.len() as u16, answers.len() as u16, 0, 0] {
        body.extend(number.to_be_bytes());
    }
    for (name, kind) in questions {
        body.extend(*name);
        body.extend(kind.to_be_bytes());
        body.extend([0, 1]);
    }
    for (kind, data) in answers {
        body.extend([0xc0, 0x0c]);
        body.extend(kind.to_be_bytes());
        body.extend([0, 1, 0, 0, 0x0e, 0x10]);
        body.extend((data.len() as u16).to_be_bytes());
        body.extend(*data);
    }
    let mut framed = (body.len() as u16).to_be_bytes().to_vec();
    framed.extend(body);
    framed
}

/// A type and data of that type.
const RECORDS: &[(u16, &[u8])] = &[
    (1, b"\x0a\0\0\x07"),
    (5, b"\x04real\xc0\x10"),
    (10, b"\xde\xad\xbe\xef"),
    (12, b"\xc0\x0c"),
    (13, b"\x03PLC\x04RTOS"),
    (15, b"\0\x0a\x04mail\xc0\x10"),
    (16, b"\x0bv=spf1 -all\x03two"),
    (28, b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"),
    (33, b"\0\0\0\x05\x01\xf6\x03plc\xc0\x10"),
    (35, b"\0\x64\0\x0a\x01S\x07SIP+D2U\0\x04_sip\x04_udp\xc0\x10"),
    (43, b"\xec\x45\x05\x01\x2b\xb1\x83\xaf"),
    (44, b"\x04\x02\x01\x02\x03\x04"),
    (47, b"\x04host\xc0\x10\0\x06\x40\x01\0\0\0\x03"),
    (65, b"\0\x01\0\0\x01\0\x03\x02h2\0\x04\0\x04\x0a\0\0\x07"),
    (257, b"\0\x05issueca.example"),
    (65280, b"\x01\x02"),
];
