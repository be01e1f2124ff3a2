//! Capture files: pcap in both byte orders and both time units, and pcapng.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// How a capture is written.
#[derive(Clone, Debug)]
pub enum Form {
    /// Classic pcap.
    Pcap {
        /// Link type of every packet.
        link: u16,
        /// Time in nanoseconds.
        nanos: bool,
        /// Most significant byte first.
        big_endian: bool,
        /// Most bytes kept of a packet.
        snaplen: u32,
    },
    /// pcapng: the link type and time unit (10 to the minus …) of each interface.
    Pcapng(Vec<(u16, u8)>),
}

impl Default for Form {
    fn default() -> Self {
        Self::link(ETHERNET)
    }
}

impl Form {
    /// A pcap of this link type, as tcpdump writes it.
    pub const fn link(link: u16) -> Self {
        Self::Pcap { link, nanos: false, big_endian: false, snaplen: 65535 }
    }
}

/// A packet to be written.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Microseconds since the epoch.
    pub at: u64,
    /// Interface it was seen on.
    pub interface: u16,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Writes `records` to `path`.
pub fn write<'a>(path: &Path, form: &Form, records: impl Iterator<Item = Record<'a>>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    match form {
        Form::Pcap { link, nanos, big_endian, snaplen } => {
            let order = |number: u32| if *big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
            let magic = if *nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
            // Version 2.4: two halves of a word, whichever way round.
            let version = if *big_endian { 0x0002_0004 } else { 0x0004_0002 };
            for word in [magic, version, 0, 0, *snaplen, u32::from(*link)] {
                out.write_all(&order(word))?;
            }
            for record in records {
                let kept = record.bytes.len().min(*snaplen as usize);
                let part = (record.at % 1_000_000) as u32 * if *nanos { 1000 } else { 1 };
                for word in [(record.at / 1_000_000) as u32, part, kept as u32, record.bytes.len() as u32] {
                    out.write_all(&order(word))?;
                }
                out.write_all(&record.bytes[..kept])?;
            }
        }
        Form::Pcapng(interfaces) => {
            block(&mut out, 0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes(), &[1, 0, 0, 0], &[0xff; 8]])?;
            for (link, unit) in interfaces {
                // if_tsresol is option 9 with one byte; option 0 ends the list.
                let options = [9, 0, 1, 0, *unit, 0, 0, 0, 0, 0, 0, 0];
                block(&mut out, 1, &[&link.to_le_bytes(), &[0; 2], &65535_u32.to_le_bytes(), &options])?;
            }
            for record in records {
                let unit = interfaces.get(usize::from(record.interface)).map_or(6, |interface| interface.1);
                let ticks = record.at * 10_u64.pow(u32::from(unit) - 6);
                let length = (record.bytes.len() as u32).to_le_bytes();
                let head =
                    [u32::from(record.interface), (ticks >> 32) as u32, ticks as u32].map(u32::to_le_bytes);
                block(&mut out, 6, &[head.as_flattened(), &length, &length, record.bytes])?;
            }
        }
    }
    out.flush()
}

/// A pcapng block: type, length, body filled up to four bytes, length again.
fn block(out: &mut impl Write, kind: u32, body: &[&[u8]]) -> io::Result<()> {
    let length: usize = body.iter().map(|part| part.len()).sum();
    let filled = length.next_multiple_of(4);
    let total = (filled as u32 + 12).to_le_bytes();
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&total)?;
    for part in body {
        out.write_all(part)?;
    }
    out.write_all(&[0; 3][..filled - length])?;
    out.write_all(&total)
}

/// Link type of Ethernet.
pub const ETHERNET: u16 = 1;
