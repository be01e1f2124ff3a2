//! Modbus: how much is read and written, how, and how it is answered.

use super::{Feature, log, mean, share};

pub const FEATURES: &[Feature] = &[
    Feature { name: "Modbus requests", of: |b| log(b.modbus.requests) },
    Feature {
        name: "unanswered Modbus requests",
        of: |b| log(b.modbus.requests.saturating_sub(b.modbus.responses)),
    },
    Feature { name: "Modbus writes", of: |b| log(b.modbus.writes) },
    Feature { name: "Modbus special functions", of: |b| log(b.modbus.others) },
    Feature { name: "Modbus exceptions", of: |b| log(b.modbus.exceptions) },
    Feature { name: "unmatched Modbus responses", of: |b| log(b.modbus.unmatched) },
    Feature { name: "Modbus functions", of: |b| b.modbus.functions.count_ones() as f32 },
    Feature { name: "Modbus units", of: |b| log(b.modbus.units.count()) },
    Feature { name: "Modbus places", of: |b| log(b.modbus.places.count()) },
    Feature { name: "registers per request", of: |b| mean(u64::from(b.modbus.registers), b.modbus.requests) },
    Feature { name: "Modbus response time", of: |b| mean(b.modbus.waited, b.modbus.responses) },
    Feature {
        name: "Modbus message length",
        of: |b| mean(b.modbus.length, b.modbus.requests + b.modbus.responses),
    },
    Feature { name: "Modbus read share", of: |b| share(b.modbus.reads, b.modbus.requests) },
];
