//! How long this thread has been on a processor: what is measured shares the machine with others.

use std::fs;

/// Seconds since the thread began, in steps of a few milliseconds; 0 where Linux does not tell.
pub fn seconds() -> f64 {
    let spent = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: Option<f64> = spent.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.unwrap_or_default() / 1e9
}

/// Seconds that a process and its children have been on processors, those that have ended included; in
/// steps of ten milliseconds.
pub fn seconds_of(process: u32) -> f64 {
    let stat = |process: &str| -> Option<(u32, u64)> {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name in parentheses may hold anything.
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let ticks = fields.skip(9).take(4).map_while(|field| field.parse::<u64>().ok()).sum();
        Some((parent, ticks))
    };
    let own = stat(&process.to_string()).map_or(0, |(_, ticks)| ticks);
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children =
        all.filter_map(|entry| stat(entry.file_name().to_str()?)).filter(|(parent, _)| *parent == process);
    // A hundred ticks a second, on every Linux.
    (own + children.map(|(_, ticks)| ticks).sum::<u64>()) as f64 / 100.0
}
