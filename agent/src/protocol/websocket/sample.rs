//! The MQTT sample in frames of every shape.

use super::frame::unmask;
use crate::flow::Direction::{self, ToClient, ToServer};
use crate::protocol::mqtt;

/// The registry's sample.
pub(super) fn conversation() -> Vec<(Direction, Vec<u8>)> {
    let mut turn = 0_u8;
    let mut framed = Vec::new();
    for (from, packet) in (mqtt::PROTOCOL.sample)() {
        turn = turn.wrapping_add(1);
        let bytes = match turn % 3 {
            // In two frames with a ping between them.
            0 => {
                let (begin, end) = packet.split_at_checked(1).unwrap_or_default();
                [frame(from, 0x02, begin), frame(from, 0x89, b"?"), frame(from, 0x80, end)].concat()
            }
            // A text message before it.
            1 => [frame(from, 0x81, &[b'x'; 130]), frame(from, 0x82, &packet)].concat(),
            _ => frame(from, 0x82, &packet),
        };
        framed.push((from, bytes));
    }
    framed.push((ToServer, frame(ToServer, 0x88, b"\x03\xe8")));
    framed.push((ToClient, frame(ToClient, 0x88, b"\x03\xe8")));
    framed
}

/// One frame of less than 64 KiB; a client's is masked.
pub(super) fn frame(from: Direction, first: u8, payload: &[u8]) -> Vec<u8> {
    let masked = if from == ToServer { 0x80 } else { 0 };
    let mut bytes = vec![first];
    if payload.len() < 126 {
        bytes.push(masked | payload.len() as u8);
    } else {
        bytes.push(masked | 126);
        bytes.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    }
    if masked == 0 {
        bytes.extend_from_slice(payload);
        return bytes;
    }
    let mut mask = [0x9a, 0x01, 0x5f, 0xc3];
    bytes.extend_from_slice(&mask);
    let mut hidden = Vec::new();
    unmask(payload, &mut mask, &mut hidden);
    bytes.extend_from_slice(&hidden);
    bytes
}
