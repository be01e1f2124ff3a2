//! Capture files built byte by byte for the tests, and readers that read them in odd ways.

use std::io::{self, Read};

use fieldward_shared::time::Timestamp;

use super::order::Order;
use super::{CaptureError, Drops, FileSource, LinkType, Next, Source};

pub(super) const ORDERS: [Order; 2] = [Order::Little, Order::Big];
pub(super) const MICROS: u32 = 0xa1b2_c3d4;
pub(super) const NANOS: u32 = 0xa1b2_3c4d;
pub(super) const MODIFIED: u32 = 0xa1b2_cd34;
pub(super) const ETHERNET: u16 = 1;

/// A capture file while it is written.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) order: Order,
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn new(order: Order) -> Self {
        Self { order, bytes: Vec::new() }
    }

    pub(super) fn u16(mut self, number: u16) -> Self {
        let number = if self.order == Order::Big { number.to_be_bytes() } else { number.to_le_bytes() };
        self.bytes.extend(number);
        self
    }

    pub(super) fn u32(mut self, number: u32) -> Self {
        let number = if self.order == Order::Big { number.to_be_bytes() } else { number.to_le_bytes() };
        self.bytes.extend(number);
        self
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    /// A classic file header.
    pub(super) fn classic(order: Order, magic: u32, link: u32) -> Self {
        Self::new(order).u32(magic).u16(2).u16(4).u32(0).u32(0).u32(65_535).u32(link)
    }

    /// A classic packet; `extra` stands between its header and its data.
    pub(super) fn packet(self, seconds: u32, fraction: u32, extra: &[u8], data: &[u8]) -> Self {
        let length = data.len() as u32;
        self.u32(seconds).u32(fraction).u32(length).u32(length).raw(extra).raw(data)
    }

    /// A pcapng block around a body.
    pub(super) fn block(self, kind: u32, body: &[u8]) -> Self {
        let padded = body.len().next_multiple_of(4);
        let length = padded as u32 + 12;
        let padding = vec![0; padded - body.len()];
        self.u32(kind).u32(length).raw(body).raw(&padding).u32(length)
    }

    pub(super) fn section(self) -> Self {
        let body = Self::new(self.order).u32(0x1a2b_3c4d).u16(1).u16(0).raw(&[0xff; 8]);
        self.block(0x0a0d_0d0a, &body.bytes)
    }

    pub(super) fn interface(self, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Self {
        let mut body = Self::new(self.order).u16(link).u16(0).u32(snaplen);
        for (code, value) in options {
            let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
            body = body.u16(*code).u16(value.len() as u16).raw(value).raw(&padding);
        }
        self.block(1, &body.u16(0).u16(0).bytes)
    }

    pub(super) fn enhanced(self, interface: u32, ticks: u64, data: &[u8]) -> Self {
        let length = data.len() as u32;
        let body = Self::new(self.order).u32(interface).u32((ticks >> 32) as u32).u32(ticks as u32);
        self.block(6, &body.u32(length).u32(length).raw(data).bytes)
    }

    pub(super) fn simple(self, wire_len: u32, data: &[u8]) -> Self {
        let body = Self::new(self.order).u32(wire_len).raw(data);
        self.block(3, &body.bytes)
    }

    pub(super) fn source(self) -> Result<FileSource, CaptureError> {
        FileSource::read("plant", io::Cursor::new(self.bytes))
    }

    /// Everything that comes out of the file.
    pub(super) fn play(self) -> Played {
        play(self.source())
    }
}

/// A packet that outlives its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) micros: u64,
    pub(super) link: LinkType,
    pub(super) wire_len: u32,
    pub(super) data: Vec<u8>,
}

impl Kept {
    pub(super) fn ethernet(micros: u64, data: &[u8]) -> Self {
        Self { micros, link: LinkType::Ethernet, wire_len: data.len() as u32, data: data.to_vec() }
    }
}

/// What came out of a source.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Played {
    pub(super) packets: Vec<Kept>,
    pub(super) error: Option<String>,
    pub(super) position: u64,
    pub(super) drops: Drops,
}

/// Plays a source to its end, and sees that it stays there.
pub(super) fn play(source: Result<FileSource, CaptureError>) -> Played {
    let mut source = match source {
        Ok(source) => source,
        Err(error) => return Played { error: Some(error.to_string()), ..Played::default() },
    };
    let mut played = Played::default();
    loop {
        match source.next_packet() {
            Ok(Next::Packet(packet)) => played.packets.push(Kept {
                micros: Timestamp::as_micros(packet.ts),
                link: packet.link,
                wire_len: packet.wire_len,
                data: packet.data.to_vec(),
            }),
            Ok(Next::Idle) => panic!("a file is never idle"),
            Ok(Next::End) => break,
            Err(error) => {
                assert_eq!(played.error, None, "one error is enough");
                played.error = Some(error.to_string());
            }
        }
    }
    assert!(matches!(source.next_packet(), Ok(Next::End)));
    played.position = source.position();
    played.drops = source.drops();
    played
}

/// Reads as a pipe does: a few bytes at a time, interrupted now and then.
pub(super) struct Drip {
    pub(super) bytes: io::Cursor<Vec<u8>>,
    pub(super) step: usize,
    pub(super) interrupted: bool,
}

impl Drip {
    pub(super) fn new(bytes: Vec<u8>, step: usize) -> Self {
        Self { bytes: io::Cursor::new(bytes), step, interrupted: false }
    }
}

impl Read for Drip {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let most = self.step.min(room.len());
        self.bytes.read(&mut room[..most])
    }
}
