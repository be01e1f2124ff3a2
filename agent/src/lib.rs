//! The Fieldward agent: from packets on a mirror port to alerts.
//!
//! The journey of a packet: `capture::Source` → `frame` → `flow` → `protocol::Decoder` →
//! [`protocol::ProtocolEvent`] → `window` and `detect` → `alert`. Everything on that path is synchronous,
//! allocates nothing per packet in steady state, takes no lock and reads no clock. The agent never
//! sends a packet into the plant.

pub mod alert;
pub mod bytes;
pub mod capture;
pub mod classify;
pub mod cli;
pub mod config;
pub mod detect;
pub mod features;
pub mod flow;
pub mod frame;
pub mod identity;
pub mod json;
pub mod learn;
pub mod lookout;
pub mod maintenance;
pub mod mirror;
pub mod model;
pub mod pipeline;
pub mod protocol;
pub mod requests;
pub mod round;
pub mod score;
pub mod service;
pub mod spool;
pub mod telemetry;
pub mod uplink;
pub mod watch;
pub mod window;
