//! What comes next: the catalogue of ATT&CK, the graph that it is, the network that was taught on it, and what it
//! says of an incident.
//!
//! The network always works on the facts that it was taught on, which are part of the program; what an operator
//! imports changes what is shown of a technique and which ids are known, never the numbers. Nothing here asks the
//! database: [`predict`] is a plain value, `watch` brings alerts to it.

pub mod baselines;
pub mod catalogue;
pub mod evaluate;
pub mod gnn;
pub mod graph;
pub mod import;
pub mod incident;
pub mod predict;
pub mod sequences;
pub mod timing;
pub mod versions;
pub mod watch;

pub use catalogue::Catalogue;
pub use predict::{Answer, Next, Predictor};
