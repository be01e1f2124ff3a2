//! How long this thread, or all of them, have been on a processor: what is measured shares the machine with others.

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
    let own = stat(process).map_or(0, |(_, ticks)| ticks);
    let all = children(process).filter_map(stat).map(|(_, ticks)| ticks).sum::<u64>();
    // A hundred ticks a second, on every Linux.
    (own + all) as f64 / 100.0
}

/// The children of a process that run now.
pub fn children(process: u32) -> impl Iterator<Item = u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(move |one| stat(*one).is_some_and(|(parent, _)| parent == process))
}

/// Whether a process runs; one that has ended and was not waited for does not.
pub fn runs(process: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    text.rsplit_once(") ").is_some_and(|(_, after)| !after.starts_with('Z'))
}

/// Who started a process, and its ticks on processors.
fn stat(process: u32) -> Option<(u32, u64)> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let ticks = fields.skip(9).take(4).map_while(|field| field.parse::<u64>().ok()).sum();
    Some((parent, ticks))
}
