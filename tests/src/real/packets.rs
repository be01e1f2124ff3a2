//! Small captures held in memory: cut by time, moved in time, and merged.

use std::path::Path;

use anyhow::{Context as _, Result};
use fieldward_agent::capture::{self, LinkType, Next, Packet, Source};
use fieldward_shared::time::Timestamp;

/// A packet that is kept.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When it was captured.
    pub ts: Timestamp,
    link: LinkType,
    wire_len: u32,
    data: Vec<u8>,
}

/// Packets in the order of their time.
#[derive(Clone, Debug, Default)]
pub struct Packets(pub Vec<Seen>);

impl Seen {
    /// As a source lends it.
    pub fn packet(&self) -> Packet<'_> {
        Packet { ts: self.ts, link: self.link, wire_len: self.wire_len, data: &self.data }
    }

    /// Seconds since the epoch.
    pub fn at(&self) -> f64 {
        self.ts.as_micros() as f64 / 1e6
    }

    /// Its two ends, where it is IPv4 or an ARP packet.
    pub fn ends(&self) -> Option<[String; 2]> {
        let (kind, rest) = match self.link {
            LinkType::Ethernet => (self.data.get(12..14)?, self.data.get(14..)?),
            LinkType::LinuxCooked => (self.data.get(14..16)?, self.data.get(16..)?),
            _ => (&[8, 0][..], &self.data[..]),
        };
        let (from, to) = match kind {
            [8, 0] => (rest.get(12..16)?, rest.get(16..20)?),
            [8, 6] => (rest.get(14..18)?, rest.get(24..28)?),
            _ => return None,
        };
        let text = |bytes: &[u8]| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(".");
        Some([text(from), text(to)])
    }
}

impl Packets {
    /// All packets of a capture; what comes before a damage, if it is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let mut source = capture::open(path).with_context(|| path.display().to_string())?;
        let mut packets = Vec::new();
        while let Ok(Next::Packet(packet)) = source.next_packet() {
            let Packet { ts, link, wire_len, data } = packet;
            packets.push(Seen { ts, link, wire_len, data: data.to_vec() });
        }
        anyhow::ensure!(!packets.is_empty(), "{}: no packets", path.display());
        Ok(Self(packets))
    }

    /// The first and the last moment: seconds since the epoch.
    pub fn span(&self) -> (f64, f64) {
        let at = |seen: Option<&Seen>| seen.map_or(0.0, Seen::at);
        (at(self.0.first()), at(self.0.last()))
    }

    /// What lies between two moments, in seconds after the first packet.
    #[must_use]
    pub fn cut(&self, from: f64, to: f64) -> Self {
        let (start, _) = self.span();
        let inside = self.0.iter().filter(|seen| (from..to).contains(&(seen.at() - start)));
        Self(inside.cloned().collect())
    }

    /// The same with its first packet at another moment.
    #[must_use]
    pub fn moved(mut self, to: f64) -> Self {
        let first = self.0.iter().map(|seen| seen.ts.as_micros()).min().unwrap_or_default();
        let to = (to * 1e6) as u64;
        for seen in &mut self.0 {
            seen.ts = Timestamp::from_micros(seen.ts.as_micros() - first + to);
        }
        self
    }

    /// Every address that is one host's, without repetition.
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> = self.0.iter().filter_map(Seen::ends).flatten().collect();
        hosts.sort();
        hosts.dedup();
        hosts.retain(|host| !host.ends_with(".255") && !host.starts_with("0.") && !is_group(host));
        hosts
    }
}

/// Both, in the order of time.
pub fn merge(one: &Packets, other: &Packets) -> Packets {
    let mut all = one.0.clone();
    all.extend_from_slice(&other.0);
    all.sort_by_key(|seen| seen.ts);
    Packets(all)
}

fn is_group(host: &str) -> bool {
    let first = host.split('.').next().and_then(|first| first.parse::<u8>().ok());
    first.is_some_and(|first| first >= 224)
}
