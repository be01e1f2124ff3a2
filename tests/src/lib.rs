//! Stories that see all of Fieldward at once; the only crate that may depend on every other.

pub mod agreement;
pub mod api;
pub mod capture;
pub mod cpu;
pub mod decoded;
pub mod faults;
pub mod fuzzing;
pub mod kafka;
pub mod lessons;
pub mod link;
pub mod postgres;
pub mod power;
pub mod real;
pub mod redis;
pub mod reports;
pub mod rounds;
pub mod sitting;
pub mod socket;
pub mod stream;
pub mod teaching;
