//! The aggregator: gathers the alerts of all plants and decides who may send them.

pub mod ca;
