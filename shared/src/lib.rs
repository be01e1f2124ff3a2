//! What both ends must agree on, and how a service starts and stops. Nothing else.
//!
//! `agent`, `aggregator` and `simulator` depend on this crate and never on each other.

pub mod alert;
pub mod clock;
pub mod config;
pub mod features;
pub mod identity;
pub mod keyfile;
pub mod loss;
pub mod network;
pub mod pattern;
pub mod pki;
pub mod privacy;
pub mod roots;
pub mod service;
pub mod supervisor;
pub mod telemetry;
pub mod time;
pub mod transport;
pub mod vouch;
pub mod weights;
pub mod wire;
