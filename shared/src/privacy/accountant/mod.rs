//! What learning together costs each plant of its privacy.

pub mod event;
