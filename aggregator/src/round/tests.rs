//! The round as a value.
