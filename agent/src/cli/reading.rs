//! Reading a capture from beginning to end for a command: a bar on a terminal, a stop between packets.
//!
//! A damaged file gives every packet before the damage, and then the error.

use std::io::IsTerminal;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use crate::capture::{self, CaptureError, Drops, Next, Packet, Source};

/// How reading ended.
pub(super) struct Ended {
    /// Why it ended before its end.
    pub damage: Option<CaptureError>,
    /// What the source could not give.
    pub drops: Drops,
    /// Packets that were read.
    pub packets: u64,
}

/// Reads a capture; `each` gets its packets.
pub(super) fn read(
    path: &Path,
    mut each: impl FnMut(&Packet<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<Ended> {
    let mut source = capture::open(path)?;
    let bar = progress(source.size());
    let mut packets: u64 = 0;
    let damage = loop {
        match source.next_packet() {
            Ok(Next::Packet(packet)) => each(&packet)?,
            Ok(Next::Idle) => continue,
            Ok(Next::End) => break None,
            Err(error) => break Some(error),
        }
        packets += 1;
        if packets.is_multiple_of(STEP) {
            bar.set_position(source.position());
        }
    };
    bar.finish_and_clear();
    Ok(Ended { damage, drops: source.drops(), packets })
}

/// A bar on a terminal; nothing in a pipe or without a known length.
pub(super) fn progress(size: Option<u64>) -> ProgressBar {
    match size {
        Some(size) if size > 0 && std::io::stderr().is_terminal() => {
            let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(size).with_style(style)
        }
        _ => ProgressBar::hidden(),
    }
}

/// After so many packets the progress is shown.
const STEP: u64 = 8192;
const BAR: &str = "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
