//! Conversations, traps and losses; what packets of ordinary kinds look like is in `packets`, what
//! happens to streams in `streams`.

#![allow(clippy::arithmetic_side_effects)]

mod packets;
mod streams;

use super::*;
use crate::flow::Direction::{ToClient, ToServer};
use crate::protocol::harness::Player;

/// One packet of any length.
pub(super) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = announce(first, body.len());
    bytes.extend_from_slice(body);
    bytes
}

/// The fixed header alone.
pub(super) fn announce(first: u8, mut remaining: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    loop {
        let more = remaining > 127;
        bytes.push((remaining & 0x7f) as u8 | if more { 0x80 } else { 0 });
        remaining >>= 7;
        if !more {
            return bytes;
        }
    }
}

/// A CONNECT of the client `c` without anything special.
pub(super) fn connect(version: u8) -> Vec<u8> {
    match version {
        3 => packet(0x10, b"\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01c"),
        4 => packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c"),
        _ => packet(0x10, b"\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01c"),
    }
}

/// A player whose client has said CONNECT.
pub(super) fn connected(version: u8) -> Player {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, &connect(version));
    assert_eq!(player.lines().len(), 1);
    player
}

/// What one packet of the client gives after a CONNECT of this version.
pub(super) fn client_says(version: u8, bytes: &[u8]) -> Vec<String> {
    connected(version).bytes(ToServer, bytes).lines()
}

/// What one packet of the server gives after a CONNECT of this version.
pub(super) fn server_says(version: u8, bytes: &[u8]) -> Vec<String> {
    connected(version).bytes(ToClient, bytes).lines()
}

/// That the only line says this was wrong.
#[track_caller]
pub(super) fn assert_fault(lines: &[String], fault: &str) {
    let [line] = lines else { panic!("not one line: {lines:#?}") };
    assert_eq!(line.split_once("} malformed: ").map(|(_, said)| said), Some(fault), "{line}");
}

/// That nothing was wrong.
#[track_caller]
pub(super) fn assert_fine(lines: &[String]) {
    assert!(!lines.is_empty(), "no line");
    assert!(!lines.iter().any(|line| line.contains("malformed")), "{lines:#?}");
}
