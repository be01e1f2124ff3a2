//! How long this thread, or all of them, have been on a processor: what is measured shares the machine with others.

use std::fs;

/// Seconds since the thread began, in steps of a few milliseconds; 0 where Linux does not tell.
pub fn seconds() -> f64 {
    let spent = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: Option<f64> = spent.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.unwrap_or_default() / 1e9
}

/// Seconds of processor time of all threads of this process; 0 where Linux does not tell.
pub fn process_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name: fields 14 and 15 of proc(5), in hundredths of a second on Linux.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks = after.split_whitespace().skip(11).take(2).flat_map(str::parse::<f64>);
    ticks.sum::<f64>() / 100.0
}
