//! Traps: each one thing that decoders are known to get wrong, as small as it can be.

/// Functions as a list of traps that have their names.
macro_rules! traps {
    ($($make:ident),* $(,)?) => { &[$(Trap { name: stringify!($make), make: $make }),*] };
}

mod dns;
mod envelope;
mod frame;
mod http;
mod modbus;
mod mqtt;
mod stream;

use std::io;
use std::path::Path;

use super::{Capture, PROTOCOLS};

/// A trap.
#[derive(Clone, Copy)]
pub struct Trap {
    /// Its name, and that of its file.
    pub name: &'static str,
    /// Makes it.
    pub make: fn(&mut Capture),
}

/// Every trap, by protocol and layer.
pub static TRAPS: &[&[Trap]] =
    &[modbus::TRAPS, mqtt::TRAPS, dns::TRAPS, http::TRAPS, stream::TRAPS, frame::TRAPS];

impl Trap {
    /// The capture.
    pub fn capture(&self) -> Capture {
        let mut capture = Capture::new();
        // Said for each protocol, so that what a trap does not speak of must not be found in it.
        PROTOCOLS.iter().for_each(|protocol| capture.truth.add(protocol, 0));
        (self.make)(&mut capture);
        capture
    }
}

/// Writes every trap into `directory`; gives how many there are.
pub fn save_traps(directory: &Path) -> io::Result<usize> {
    std::fs::create_dir_all(directory)?;
    for trap in TRAPS.iter().copied().flatten() {
        trap.capture().save(&directory.join(format!("{}.pcap", trap.name)))?;
    }
    Ok(TRAPS.iter().copied().flatten().count())
}
