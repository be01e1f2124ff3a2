//! The aggregator: one for all plants. It decides who may come in, gathers what agents report and keeps it;
//! nothing is acknowledged that is not committed.

pub mod api;
pub mod app;
pub mod attack;
mod breaker;
pub mod bus;
pub mod ca;
mod circuit;
pub mod cli;
pub mod config;
pub mod demo;
pub mod drift;
pub mod fleet;
pub mod hub;
pub mod intake;
pub mod outputs;
pub mod outward;
pub mod registry;
pub mod round;
pub mod store;
pub mod strategy;
pub mod times;
pub mod vitals;
