//! What learning together costs each plant of its privacy.

pub mod event;
pub mod rdp;
mod special;

#[cfg(test)]
mod reference;
