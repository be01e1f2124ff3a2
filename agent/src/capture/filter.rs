//! Capture filters (`tcp port 502`) for packets that come from files.
//!
//! libpcap compiles the filter and runs it, so it means the same as on a live interface, with one
//! difference: `len`, `less` and `greater` see the captured length, not the length on the wire.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use pcap::{BpfProgram, Capture, Linktype};

use super::{CaptureError, LinkType};

/// A compiled filter. A file may have packets of several link types, so there is a program for each.
pub struct Filter {
    text: String,
    ethernet: Option<BpfProgram>,
    cooked: Option<BpfProgram>,
    cooked2: Option<BpfProgram>,
    ip: Option<BpfProgram>,
}

impl Filter {
    /// Compiles a filter in the language of `pcap-filter(7)`.
    pub fn new(text: &str) -> Result<Self, CaptureError> {
        // Some expressions exist for one link type only: it is enough that one understands it.
        let ethernet = compile(text, LinkType::Ethernet);
        let [cooked, cooked2, ip] = [LinkType::LinuxCooked, LinkType::LinuxCooked2, LinkType::RawIp]
            .map(|link| compile(text, link).ok());
        let others = cooked.is_some() || cooked2.is_some() || ip.is_some();
        let ethernet = match ethernet {
            Ok(program) => Some(program),
            Err(_) if others => None,
            Err(error) => return Err(error),
        };
        Ok(Self { text: text.to_owned(), ethernet, cooked, cooked2, ip })
    }

    /// Whether a packet passes; an error when the filter makes no sense for its link type.
    pub fn passes(&self, link: LinkType, data: &[u8]) -> Result<bool, CaptureError> {
        let program = match link {
            LinkType::Ethernet => &self.ethernet,
            LinkType::LinuxCooked => &self.cooked,
            LinkType::LinuxCooked2 => &self.cooked2,
            // libpcap reads the family before a loopback packet in the byte order and with the
            // numbers of this machine; the IP packet behind it is the same everywhere.
            LinkType::RawIp | LinkType::BsdLoopback => &self.ip,
        };
        let data = match link {
            LinkType::BsdLoopback => data.get(FAMILY..).unwrap_or_default(),
            _ => data,
        };
        match program {
            Some(program) => Ok(program.filter(data)),
            None => compile(&self.text, link).map(|program| program.filter(data)),
        }
    }
}

fn compile(text: &str, link: LinkType) -> Result<BpfProgram, CaptureError> {
    let number = match link {
        LinkType::Ethernet => 1,
        LinkType::LinuxCooked => 113,
        LinkType::LinuxCooked2 => 276,
        LinkType::RawIp | LinkType::BsdLoopback => 12,
    };
    Capture::dead(Linktype(number))
        .and_then(|handle| handle.compile(text, true))
        .map_err(|error| CaptureError::Filter { filter: text.to_owned(), message: said(&error) })
}

/// What libpcap said, without the crate's words around it.
pub(super) fn said(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(message) => message.trim_end().to_owned(),
        other => other.to_string(),
    }
}

/// Bytes of the address family before a loopback packet.
const FAMILY: usize = 4;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
