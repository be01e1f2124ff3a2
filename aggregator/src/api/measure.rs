//! How long answers take, minute by minute for a day, and how much the process uses. Kept in memory: a
//! restart begins anew, and says since when.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fieldward_shared::time::Timestamp;

/// What was measured.
#[derive(Debug)]
pub struct Measures {
    /// Since when.
    pub since: Timestamp,
    minutes: Mutex<VecDeque<Minute>>,
}

/// Answers of a minute, or of several.
#[derive(Clone, Debug)]
pub struct Minute {
    /// When it begins.
    pub at: Timestamp,
    /// Answers.
    pub requests: u64,
    /// Of them, those of a fault of ours.
    pub errors: u64,
    /// How many took how long: each place is twice as long as the one before.
    times: [u32; PLACES],
}

impl Measures {
    /// From now on.
    pub fn new(now: Timestamp) -> Self {
        Self { since: now, minutes: Mutex::default() }
    }

    /// An answer.
    pub fn note(&self, took: Duration, status: u16, now: Timestamp) {
        let at = Timestamp::from_micros(now.as_micros() - now.as_micros() % MINUTE);
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that is set back goes on with the minute that there is.
        if minutes.back().is_none_or(|last| last.at < at) {
            minutes.push_back(Minute::at(at));
            if minutes.len() > MINUTES {
                minutes.pop_front();
            }
        }
        if let Some(minute) = minutes.back_mut() {
            minute.requests += 1;
            minute.errors += u64::from(status >= 500);
            let place = took.as_micros().max(1).ilog2() as usize;
            minute.times[place.min(PLACES - 1)] += 1;
        }
    }

    /// Minutes that begin within a range, the oldest first.
    pub fn minutes(&self, since: Timestamp, until: Timestamp) -> Vec<Minute> {
        let minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        minutes.iter().filter(|minute| since <= minute.at && minute.at < until).cloned().collect()
    }
}

impl Minute {
    /// None yet.
    pub const fn at(at: Timestamp) -> Self {
        Self { at, requests: 0, errors: 0, times: [0; PLACES] }
    }

    /// Takes the answers of another.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.times.iter_mut().zip(other.times).for_each(|(mine, its)| *mine += its);
    }

    /// Milliseconds that a share of the answers took at most, within a factor of two; none without answers.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let all: u64 = self.times.iter().map(|count| u64::from(*count)).sum();
        let wanted = (all as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let place = self.times.iter().position(|count| {
            seen += u64::from(*count);
            seen >= wanted
        });
        place.filter(|_| all > 0).map(|place| (2_u64 << place) as f64 / 1000.0)
    }
}

/// What the process uses.
#[derive(Debug)]
pub struct Host(Mutex<Option<(Timestamp, f64)>>);

/// What it used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Share of one processor since it was asked before, in percent.
    pub cpu_percent: Option<f64>,
    /// Memory.
    pub memory_bytes: Option<u64>,
}

impl Host {
    /// From now on.
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(cpu_seconds().map(|used| (now, used))))
    }

    /// What it uses, since it was asked at least a second before.
    pub fn usage(&self, now: Timestamp) -> Usage {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let used = cpu_seconds();
        let cpu_percent = match (*last, used) {
            (Some((at, before)), Some(used)) if now.since(at) >= 1_000_000 => {
                *last = Some((now, used));
                Some((used - before).max(0.0) * 100.0 / (now.since(at) as f64 / 1e6))
            }
            _ => None,
        };
        Usage { cpu_percent, memory_bytes: memory() }
    }
}

/// Seconds of processors that this process has used.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    // Linux tells it in hundredths, whatever its own clock is.
    Some(ticks / 100.0)
}

fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// A day of them.
const MINUTES: usize = 1440;
const MINUTE: u64 = 60_000_000;
/// From a microsecond to over half an hour.
const PLACES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_answers_within_a_factor_of_two() {
        let measures = Measures::new(Timestamp::from_micros(0));
        for nth in 0..100_u64 {
            let took = Duration::from_micros(if nth < 95 { 900 } else { 90_000 });
            measures.note(took, if nth == 0 { 503 } else { 200 }, Timestamp::from_micros(nth));
        }
        measures.note(Duration::from_secs(100_000), 200, Timestamp::from_micros(MINUTE));
        let minutes = measures.minutes(Timestamp::from_micros(0), Timestamp::from_micros(MINUTE));
        assert_eq!((minutes.len(), minutes[0].requests, minutes[0].errors), (1, 100, 1));
        assert_eq!(minutes[0].quantile(0.5), Some(1.024));
        assert_eq!(minutes[0].quantile(0.95), Some(1.024));
        assert_eq!(minutes[0].quantile(0.99), Some(131.072));
        assert_eq!(Minute::at(Timestamp::from_micros(0)).quantile(0.5), None);
    }

    #[test]
    fn a_day_is_kept() {
        let measures = Measures::new(Timestamp::from_micros(0));
        for minute in 0..2000 {
            measures.note(Duration::from_micros(5), 200, Timestamp::from_micros(minute * MINUTE));
        }
        let all = measures.minutes(Timestamp::from_micros(0), Timestamp::from_micros(u64::MAX));
        assert_eq!((all.len(), all[0].at.as_micros()), (MINUTES, 560 * MINUTE));
    }

    #[test]
    fn the_process_uses_something() {
        let host = Host::new(Timestamp::from_micros(0));
        assert_eq!(host.usage(Timestamp::from_micros(5)).cpu_percent, None);
        let usage = host.usage(Timestamp::from_micros(2_000_000));
        assert!(usage.cpu_percent.is_some() && usage.memory_bytes.is_some_and(|bytes| bytes > 100_000));
    }
}
