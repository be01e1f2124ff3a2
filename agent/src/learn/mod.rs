//! Learning: from the rows a detector collected to the numbers it watches with. Training runs once, off
//! the path of packets; the same rows and the same seed give the same weights, bit for bit.

pub mod classifier;
pub mod curves;
pub mod dataset;
pub mod familiar;
mod gradient;
pub mod learner;
pub mod model;
pub mod steps;
pub mod trainer;
