//! Packets from a network interface, through libpcap. Only listening: the handle stays in here.
//!
//! The handle does not block: on a quiet interface the kernel would otherwise keep the thread
//! waiting for the next packet, and the stop signal would be seen only then. When nothing is there
//! it naps for a moment and says so; the kernel's buffer holds what comes meanwhile.

use std::thread;
use std::time::Duration;

use caps::{CapSet, Capability};
use fieldward_shared::time::Timestamp;
use pcap::{Active, Capture, Linktype};

use super::filter::{Filter, said};
use super::{CaptureError, Drops, LinkType, Next, Packet, Source, devices};

/// What to capture, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveConfig {
    /// Name of the interface; `any` is all of them.
    pub interface: String,
    /// The most bytes of a packet that are captured.
    pub snaplen: u32,
    /// Size of the kernel's buffer.
    pub buffer_bytes: u32,
    /// Whether packets to other machines are captured: a mirror port has no others.
    pub promiscuous: bool,
    /// Which packets are captured, in the language of `pcap-filter(7)`; the kernel leaves the
    /// others away.
    pub filter: Option<String>,
    /// How long the kernel may gather packets before it hands them over.
    pub timeout: Duration,
}

impl LiveConfig {
    /// Everything on `interface`, with room for half a second of a busy 1 Gbit/s mirror port.
    pub fn new(interface: &str) -> Self {
        Self {
            interface: interface.to_owned(),
            snaplen: 65_535,
            buffer_bytes: 64 << 20,
            promiscuous: true,
            filter: None,
            timeout: Duration::from_millis(100),
        }
    }
}

/// An interface that is being captured on.
pub struct LiveSource {
    interface: String,
    capture: Capture<Active>,
    link: LinkType,
    ended: bool,
    drops: Drops,
    /// The kernel's counts when last asked; they wrap around.
    last: (u32, u32),
}

/// Begins to capture. Needs CAP_NET_RAW, only for the duration of this call.
pub fn open_live(config: &LiveConfig) -> Result<LiveSource, CaptureError> {
    // A wrong filter is told apart from a wrong interface before that is opened.
    if let Some(filter) = &config.filter {
        Filter::new(filter)?;
    }
    let interface = config.interface.clone();
    let mut capture = activate(config).map_err(|error| why(&interface, &error))?;
    if let Some(filter) = &config.filter {
        capture
            .filter(filter, true)
            .map_err(|error| CaptureError::Filter { filter: filter.clone(), message: said(&error) })?;
    }
    let Linktype(number) = capture.get_datalink();
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let link = LinkType::from_number(number)
        .ok_or_else(|| CaptureError::UnknownLink { name: interface.clone(), number })?;
    Ok(LiveSource { interface, capture, link, ended: false, drops: Drops::default(), last: (0, 0) })
}

fn activate(config: &LiveConfig) -> Result<Capture<Active>, pcap::Error> {
    let bounded = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let timeout = i32::try_from(config.timeout.as_millis()).unwrap_or(i32::MAX).max(1);
    Capture::from_device(config.interface.as_str())?
        .snaplen(bounded(config.snaplen.max(1)))
        .buffer_size(bounded(config.buffer_bytes))
        // `any` cannot be promiscuous, and asking for it is an error.
        .promisc(config.promiscuous && config.interface != "any")
        .timeout(timeout)
        .open()?
        .setnonblock()
}

/// libpcap tells only in words why an interface cannot be opened; these are better.
fn why(interface: &str, error: &pcap::Error) -> CaptureError {
    let interface = interface.to_owned();
    let known: Vec<String> = devices().unwrap_or_default().into_iter().map(|device| device.name).collect();
    if !known.contains(&interface) {
        return CaptureError::NoSuchInterface { interface, known };
    }
    if !caps::has_cap(None, CapSet::Effective, Capability::CAP_NET_RAW).unwrap_or(true) {
        return CaptureError::Permission { interface };
    }
    CaptureError::Live { interface, message: said(error) }
}

impl Source for LiveSource {
    fn next_packet(&mut self) -> Result<Next<'_>, CaptureError> {
        if self.ended {
            return Ok(Next::End);
        }
        match self.capture.next_packet() {
            Ok(packet) => Ok(Next::Packet(Packet {
                ts: time(packet.header.ts.tv_sec, packet.header.ts.tv_usec),
                link: self.link,
                wire_len: packet.header.len.max(packet.header.caplen),
                data: packet.data,
            })),
            Err(pcap::Error::TimeoutExpired) => {
                #[expect(clippy::disallowed_methods, reason = "a quiet link must not spin the core")]
                thread::sleep(NAP);
                Ok(Next::Idle)
            }
            Err(error) => {
                self.ended = true;
                Err(CaptureError::Live { interface: self.interface.clone(), message: said(&error) })
            }
        }
    }

    fn drops(&mut self) -> Drops {
        // The counts stay as they were where the kernel does not tell them.
        if let Ok(now) = self.capture.stats() {
            let kernel = u64::from(now.dropped.wrapping_sub(self.last.0));
            self.drops.kernel = self.drops.kernel.saturating_add(kernel);
            let interface = u64::from(now.if_dropped.wrapping_sub(self.last.1));
            self.drops.interface = self.drops.interface.saturating_add(interface);
            self.last = (now.dropped, now.if_dropped);
        }
        self.drops
    }
}

fn time(seconds: i64, micros: i64) -> Timestamp {
    let micros = seconds.saturating_mul(1_000_000).saturating_add(micros);
    Timestamp::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// How long to wait when nothing is there: short enough that a stop is obeyed at once and that a
/// full gigabit fits into a few megabytes of the buffer, long enough to cost nothing.
const NAP: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests;
