//! DNS: how many questions, how long, how often in vain.

use super::{Feature, log, mean};

pub const FEATURES: &[Feature] = &[
    Feature { name: "DNS queries", of: |b| log(b.dns.queries) },
    Feature { name: "unanswered DNS queries", of: |b| log(b.dns.queries.saturating_sub(b.dns.responses)) },
    Feature { name: "DNS names that do not exist", of: |b| log(b.dns.missing) },
    Feature { name: "repeated DNS queries", of: |b| log(b.dns.repeated) },
    Feature { name: "DNS name length", of: |b| mean(u64::from(b.dns.length), b.dns.queries) },
    Feature { name: "longest DNS name", of: |b| log(b.dns.longest) },
    Feature { name: "DNS queries for text", of: |b| log(b.dns.odd_types) },
    Feature { name: "different DNS names", of: |b| log(b.dns.names.count()) },
];
