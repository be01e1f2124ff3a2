//! Federated rounds: a round is a value (`value.rs`: what happens goes in, what is to be done comes out), with a file
//! for each phase; the driver brings it what happens and keeps every step before anything is said of it. The server
//! adds numbers here and sees sums of groups alone, but where plants
//! agreed to be seen.
//!
//! ```text
//! agents ═ talk (one each) ─▶ driver ─▶ Round::step ─▶ store (one transaction) ─▶ sums, talk, hub
//! ```

mod checks;
mod drive;
pub mod driver;
pub mod group;
pub mod phases;
pub mod plan;
mod planned;
pub mod sums;
mod talk;
mod told;
pub mod value;
mod whole;

pub use driver::Driver;
pub use plan::{RoundTerms, RoundsConfig};
