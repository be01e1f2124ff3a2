//! A conversation in MQTT 5.0 with all fifteen kinds of packet.

use crate::flow::Direction::{self, ToClient, ToServer};

/// The registry's sample.
pub(super) fn conversation() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (
            ToServer,
            // Clean start, will with QoS 1, user name, password; session expiry 60 s; will delay 5 s.
            packet(
                0x10,
                &[
                    b"\x00\x04MQTT\x05\xce\x00\x3c\x05\x11\x00\x00\x00\x3c\x00\x05pump1",
                    b"\x05\x18\x00\x00\x00\x05\x00\x0bplant/alarm\x00\x04gone",
                    b"\x00\x08operator\x00\x06secret",
                ],
            ),
        ),
        // Enhanced authentication: continue, answered in kind.
        (ToClient, packet(0xf0, &[b"\x18\x07\x15\x00\x04SCRA"])),
        (ToServer, packet(0xf0, &[b"\x18\x0c\x15\x00\x04SCRA\x16\x00\x02ab"])),
        // Receive maximum 20, topic alias maximum 10.
        (ToClient, packet(0x20, &[b"\x00\x00\x06\x21\x00\x14\x22\x00\x0a"])),
        (ToServer, packet(0x82, &[b"\x00\x0a\x02\x0b\x07\x00\x0aplant/+/t1\x01\x00\x07alarm/#\x2a"])),
        (ToClient, packet(0x90, &[b"\x00\x0a\x00\x01\x80"])),
        // QoS 0 with an alias, then by the alias alone.
        (ToServer, packet(0x30, &[b"\x00\x0aplant/a/t1\x03\x23\x00\x01", b"21.5"])),
        (ToServer, packet(0x30, &[b"\x00\x00\x03\x23\x00\x01", b"21.6"])),
        // QoS 1, and again with DUP.
        (ToServer, packet(0x32, &[b"\x00\x07alarm/x\x00\x0b\x00", b"{\"on\":true}"])),
        (ToServer, packet(0x3a, &[b"\x00\x07alarm/x\x00\x0b\x00", b"{\"on\":true}"])),
        (ToClient, packet(0x40, &[b"\x00\x0b\x10"])),
        // QoS 2 from the broker with the same packet id, which is its own.
        (ToClient, packet(0x34, &[b"\x00\x0aplant/b/t1\x00\x0b\x09\x26\x00\x01k\x00\x01v\x01\x01", b"19.0"])),
        (ToServer, packet(0x50, &[b"\x00\x0b"])),
        (ToClient, packet(0x62, &[b"\x00\x0b"])),
        (ToServer, packet(0x70, &[b"\x00\x0b\x00\x00"])),
        // Retained and empty: the broker forgets what it kept.
        (ToServer, packet(0x31, &[b"\x00\x0aplant/a/t1\x00"])),
        (ToServer, packet(0xa2, &[b"\x00\x0c\x00\x00\x07alarm/#"])),
        (ToClient, packet(0xb0, &[b"\x00\x0c\x00\x00"])),
        (ToServer, packet(0xc0, &[])),
        (ToClient, packet(0xd0, &[])),
        // Session taken over.
        (ToClient, packet(0xe0, &[b"\x8e"])),
    ]
}

/// One packet; its length must fit one byte.
fn packet(first: u8, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    debug_assert!(body.len() < 128);
    let mut bytes = vec![first, body.len() as u8];
    bytes.extend_from_slice(&body);
    bytes
}
