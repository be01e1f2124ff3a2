//! Packets, connections, who talks with whom.

use super::{Feature, log, mean, share};

pub const FEATURES: &[Feature] = &[
    Feature { name: "packets", of: |b| log(b.traffic.packets) },
    Feature { name: "bytes", of: |b| log(b.traffic.bytes as f64) },
    Feature { name: "mean packet size", of: |b| mean(b.traffic.bytes, b.traffic.packets) },
    Feature { name: "UDP share", of: |b| share(b.traffic.udp, b.traffic.packets) },
    Feature { name: "connection attempts", of: |b| log(b.traffic.syn) },
    Feature { name: "unanswered attempts", of: |b| log(b.traffic.syn.saturating_sub(b.traffic.syn_ack)) },
    Feature { name: "resets", of: |b| log(b.traffic.reset) },
    Feature { name: "closed connections", of: |b| log(b.traffic.fin) },
    Feature { name: "sources", of: |b| log(b.traffic.sources.count()) },
    Feature { name: "destinations", of: |b| log(b.traffic.targets.count()) },
    Feature { name: "talking pairs", of: |b| log(b.traffic.pairs.count()) },
    Feature { name: "ports tried", of: |b| log(b.traffic.ports.count()) },
    Feature { name: "malformed messages", of: |b| log(b.malformed) },
    Feature { name: "torn streams", of: |b| log(b.torn) },
];
