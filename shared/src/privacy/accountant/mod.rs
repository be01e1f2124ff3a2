//! What learning together costs each plant of its privacy.

pub mod event;
mod fft;
pub mod ledger;
pub mod plant;
pub mod pld;
pub mod rdp;
pub mod reckoning;
mod special;

#[cfg(test)]
mod reference;
