//! Learning: from the rows a detector collected to the numbers it watches with, and from the plant's windows to
//! what all plants learn together. It runs off the path of packets; the same rows and the same seed give the same
//! weights, bit for bit.

pub mod beforehand;
pub mod classifier;
pub mod clipped;
pub mod curves;
pub mod dataset;
pub mod familiar;
pub mod gaussian;
mod gradient;
pub mod labels;
pub mod learner;
pub mod local;
pub mod model;
pub mod private;
pub mod scaling;
pub mod sealed;
pub mod steps;
pub mod trainer;
pub mod windows;
