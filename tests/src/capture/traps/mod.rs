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

/// Every trap.
pub fn traps() -> impl Iterator<Item = &'static Trap> {
    TRAPS.iter().copied().flatten()
}

/// The lists, by protocol and layer.
static TRAPS: &[&[Trap]] =
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
    for trap in traps() {
        trap.capture().save(&directory.join(format!("{}.pcap", trap.name)))?;
    }
    Ok(traps().count())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_trap_has_a_name_of_its_own_and_says_what_it_holds() {
        let mut names = HashSet::new();
        for trap in traps() {
            assert!(names.insert(trap.name), "{} is there twice", trap.name);
            let capture = trap.capture();
            assert!(capture.packets() > 0, "{} is empty", trap.name);
            for (field, values) in capture.truth.lists() {
                let protocol = field.split('.').next().unwrap();
                let messages = capture.truth.count(protocol);
                assert!(values.len() as u64 <= messages, "{}: {field} of {messages} messages", trap.name);
            }
        }
    }

    #[test]
    fn lists_of_what_every_message_has_are_complete() {
        for trap in traps() {
            let capture = trap.capture();
            for (field, values) in capture.truth.lists() {
                if COMPLETE.contains(&field.as_str()) {
                    let protocol = field.split('.').next().unwrap();
                    assert_eq!(values.len() as u64, capture.truth.count(protocol), "{}: {field}", trap.name);
                }
            }
        }
    }

    /// Fields that no message is without.
    const COMPLETE: [&str; 6] =
        ["dns.id", "dns.qname", "modbus.func", "modbus.tid", "modbus.unit", "mqtt.type"];
}
