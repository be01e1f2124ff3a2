//! A capture file in the making (pcap, microseconds, Ethernet). Written by ourselves and not by libpcap:
//! two headers, and neither library nor privileges are needed where plants are only recorded.

use std::io::{self, Write};

use fieldward_shared::time::Timestamp;

use super::Sink;

/// A pcap file.
pub struct PcapFile<W: Write> {
    out: W,
    snaplen: usize,
}

impl<W: Write> PcapFile<W> {
    /// Begins a file in which packets are cut to `snaplen` bytes.
    pub fn new(mut out: W, snaplen: usize) -> io::Result<Self> {
        out.write_all(&0xa1b2_c3d4_u32.to_le_bytes())?;
        out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
        out.write_all(&(snaplen as u32).to_le_bytes())?;
        out.write_all(&1_u32.to_le_bytes())?;
        Ok(Self { out, snaplen })
    }
}

impl<W: Write> Sink for PcapFile<W> {
    fn packet(&mut self, at: Timestamp, bytes: &[u8], _: u16) -> io::Result<()> {
        let kept = &bytes[..bytes.len().min(self.snaplen)];
        let mut header = [0; 16];
        let words =
            [at.as_secs() as u32, (at.as_micros() % 1_000_000) as u32, kept.len() as u32, bytes.len() as u32];
        for (place, word) in header.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        self.out.write_all(&header)?;
        self.out.write_all(kept)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
