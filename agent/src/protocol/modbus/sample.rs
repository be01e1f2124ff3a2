//! A short conversation with every kind of message.

use crate::flow::Direction::{self, ToClient, ToServer};

/// Every function as request and response, an exception, two requests at once, a broadcast.
pub(super) fn conversation() -> Vec<(Direction, Vec<u8>)> {
    let mut pieces = Vec::new();
    let mut tid = 0_u16;
    for (asked, answered) in EXCHANGES {
        tid = tid.wrapping_add(1);
        pieces.push((ToServer, adu(tid, 1, asked)));
        pieces.push((ToClient, adu(tid, 1, answered)));
    }
    let both = [adu(101, 1, &[3, 0, 0, 0, 1]), adu(102, 1, &[4, 0, 9, 0, 2])].concat();
    pieces.push((ToServer, both));
    let both = [adu(102, 1, &[4, 4, 0, 1, 0, 2]), adu(101, 1, &[3, 2, 0xab, 0xcd])].concat();
    pieces.push((ToClient, both));
    // Neither a broadcast nor a device that is told to be silent answers.
    pieces.push((ToServer, adu(103, 0, &[6, 0, 1, 0, 3])));
    pieces.push((ToServer, adu(104, 1, &[8, 0, 4, 0, 0])));
    pieces
}

/// A message with its header.
pub(super) fn adu(tid: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let len = u16::try_from(pdu.len()).unwrap_or(u16::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&tid.to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&len.to_be_bytes());
    bytes.push(unit);
    bytes.extend_from_slice(pdu);
    bytes
}

/// What is asked and what is answered, from the function on.
pub(in crate::protocol) const EXCHANGES: &[(&[u8], &[u8])] = &[
    (&[1, 0, 19, 0, 19], &[1, 3, 0xcd, 0x6b, 0x05]),
    (&[2, 0, 196, 0, 22], &[2, 3, 0xac, 0xdb, 0x35]),
    (&[3, 0, 107, 0, 3], &[3, 6, 2, 43, 0, 0, 0, 100]),
    (&[4, 0, 8, 0, 1], &[4, 2, 0, 10]),
    (&[5, 0, 172, 0xff, 0], &[5, 0, 172, 0xff, 0]),
    (&[6, 0, 1, 0, 3], &[6, 0, 1, 0, 3]),
    (&[7], &[7, 0x6d]),
    (&[8, 0, 0, 0xa5, 0x37], &[8, 0, 0, 0xa5, 0x37]),
    (&[8, 0, 1, 0xff, 0], &[8, 0, 1, 0xff, 0]),
    (&[8, 0, 10, 0, 0], &[8, 0, 10, 0, 0]),
    (&[8, 0, 11, 0, 0], &[8, 0, 11, 1, 2]),
    (&[11], &[11, 0xff, 0xff, 1, 8]),
    (&[12], &[12, 8, 0, 0, 1, 8, 1, 33, 32, 0]),
    (&[15, 0, 19, 0, 10, 2, 0xcd, 1], &[15, 0, 19, 0, 10]),
    (&[16, 0, 1, 0, 2, 4, 0, 10, 1, 2], &[16, 0, 1, 0, 2]),
    (&[17], &[17, 5, 0x2a, 0xff, b'P', b'L', b'C']),
    (
        &[20, 14, 6, 0, 4, 0, 1, 0, 2, 6, 0, 3, 0, 9, 0, 2],
        &[20, 12, 5, 6, 13, 0xfe, 0, 32, 5, 6, 51, 0xcd, 0, 64],
    ),
    (
        &[21, 22, 6, 0, 4, 0, 7, 0, 3, 6, 0xaf, 4, 0xbe, 16, 13, 6, 0, 5, 0, 1, 0, 1, 1, 2],
        &[21, 22, 6, 0, 4, 0, 7, 0, 3, 6, 0xaf, 4, 0xbe, 16, 13, 6, 0, 5, 0, 1, 0, 1, 1, 2],
    ),
    (&[22, 0, 4, 0, 0xf2, 0, 0x25], &[22, 0, 4, 0, 0xf2, 0, 0x25]),
    (&[23, 0, 3, 0, 2, 0, 14, 0, 1, 2, 0, 0xff], &[23, 4, 0, 0xfe, 10, 0xcd]),
    (&[24, 4, 0xde], &[24, 0, 6, 0, 2, 1, 0xb8, 18, 0x84]),
    (&[43, 13, 1, 2, 3], &[43, 13, 1, 2, 3, 4]),
    (&[43, 14, 1, 0], &[43, 14, 1, 1, 0xff, 2, 2, 0, 4, b'A', b'c', b'm', b'e', 1, 3, b'P', b'-', b'1']),
    (&[43, 14, 1, 2], &[43, 14, 1, 1, 0, 0, 1, 2, 4, b'V', b'1', b'.', b'0']),
    (&[90, 0, 2], &[90, 0, 0xfe, 1, 2, 3, 4]),
    (&[125, 1, 2, 3], &[125, 3, 2, 1]),
    (&[3, 0xff, 0xff, 0, 1], &[0x83, 2]),
];
