//! How long this thread has been on a processor: what is measured shares the machine with others.

use std::fs;

/// Seconds since the thread began, in steps of a few milliseconds; 0 where Linux does not tell.
pub fn seconds() -> f64 {
    let spent = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: Option<f64> = spent.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.unwrap_or_default() / 1e9
}
