//! The aggregator: one for all plants. It gathers what agents report and keeps it; nothing is acknowledged
//! that is not committed.

pub mod app;
pub mod cli;
pub mod config;
pub mod fleet;
pub mod intake;
pub mod store;
