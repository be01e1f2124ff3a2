//! How long answers take, minute by minute for a day and by route since the start, and how much the process
//! uses. Kept in memory: a restart begins anew, and says since when.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use fieldward_shared::alert::Severity;
use fieldward_shared::time::Timestamp;

use crate::times::Times;

/// What was measured.
#[derive(Debug)]
pub struct Measures {
    /// Since when.
    pub since: Timestamp,
    minutes: Mutex<VecDeque<Minute>>,
    routes: Mutex<BTreeMap<Route, Times>>,
    under_way: AtomicI64,
    told: Mutex<Told>,
}

/// Method, route as the document writes it, and the first digit of the status.
pub type Route = (&'static str, Arc<str>, u16);

/// Where a request says which route it took: the door puts it in, the route writes into it.
#[derive(Clone, Debug, Default)]
pub struct Taken(pub Arc<OnceLock<Arc<str>>>);

/// What became of reports on their way to those who listen.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// From the arrival of a report here until it is told: it is committed in between.
    pub lag: Times,
    /// From the moment that an agent saw it last until it arrived here.
    pub age: Times,
    /// New alerts of agents that are connected here, by severity.
    pub alerts: [u64; 4],
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
    /// How long they took.
    times: Times,
}

impl Measures {
    /// From now on.
    pub fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            minutes: Mutex::default(),
            routes: Mutex::default(),
            under_way: AtomicI64::new(0),
            told: Mutex::default(),
        }
    }

    /// A request comes; it is under way until what this gives is dropped.
    pub fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(self)
    }

    /// Requests under way.
    pub fn under_way(&self) -> i64 {
        self.under_way.load(Ordering::Relaxed)
    }

    /// An answer.
    pub fn note(&self, method: &str, taken: &Taken, took: Duration, status: u16, now: Timestamp) {
        // What has no route, and methods that none has, are counted together: callers make up what they like.
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
        let route = taken.0.get().cloned().unwrap_or_else(|| "none".into());
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.entry((method, route, status / 100)).or_default().note(took);
        drop(routes);
        self.note_minute(took, status, now);
    }

    /// Answers by route since the start.
    pub fn routes(&self) -> Vec<(Route, Times)> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.iter().map(|(route, times)| (route.clone(), times.clone())).collect()
    }

    /// A report of an agent that is connected here was told.
    pub fn told(&self, new: Option<Severity>, seen: Timestamp, received: Timestamp, now: Timestamp) {
        let mut told = self.of_told();
        told.lag.note(Duration::from_micros(now.since(received)));
        told.age.note(Duration::from_micros(received.since(seen)));
        if let Some(severity) = new {
            told.alerts[severity as usize] += 1;
        }
    }

    /// What became of reports.
    pub fn all_told(&self) -> Told {
        self.of_told().clone()
    }

    fn of_told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_minute(&self, took: Duration, status: u16, now: Timestamp) {
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
            minute.times.note(took);
        }
    }

    /// Minutes that begin within a range, the oldest first.
    pub fn minutes(&self, since: Timestamp, until: Timestamp) -> Vec<Minute> {
        let minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        minutes.iter().filter(|minute| since <= minute.at && minute.at < until).cloned().collect()
    }
}

/// A request that is under way.
pub struct UnderWay<'a>(&'a Measures);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Minute {
    /// None yet.
    pub const fn at(at: Timestamp) -> Self {
        Self { at, requests: 0, errors: 0, times: Times::new() }
    }

    /// Takes the answers of another.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.times.add(&other.times);
    }

    /// Milliseconds that a share of the answers took at most, within a factor of two; none without answers.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        self.times.quantile(share).map(|micros| micros as f64 / 1000.0)
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
pub fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    // Linux tells it in hundredths, whatever its own clock is.
    Some(ticks / 100.0)
}

/// Bytes of memory that this process has.
pub fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// A day of them.
const MINUTES: usize = 1440;
const MINUTE: u64 = 60_000_000;
/// Methods that routes have.
const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_answers_within_a_factor_of_two() {
        let measures = Measures::new(Timestamp::from_micros(0));
        for nth in 0..100_u64 {
            let took = Duration::from_micros(if nth < 95 { 900 } else { 90_000 });
            let status = if nth == 0 { 503 } else { 200 };
            let begun = measures.begin();
            assert_eq!(measures.under_way(), 1);
            drop(begun);
            measures.note("GET", &Taken::default(), took, status, Timestamp::from_micros(nth));
        }
        let next = Timestamp::from_micros(MINUTE);
        measures.note("BREW", &Taken::default(), Duration::from_secs(100_000), 200, next);
        let minutes = measures.minutes(Timestamp::from_micros(0), Timestamp::from_micros(MINUTE));
        assert_eq!((minutes.len(), minutes[0].requests, minutes[0].errors), (1, 100, 1));
        assert_eq!(minutes[0].quantile(0.5), Some(1.024));
        assert_eq!(minutes[0].quantile(0.95), Some(1.024));
        assert_eq!(minutes[0].quantile(0.99), Some(131.072));
        assert_eq!(Minute::at(Timestamp::from_micros(0)).quantile(0.5), None);
        let none: Arc<str> = "none".into();
        let routes: Vec<_> =
            measures.routes().into_iter().map(|(route, times)| (route, times.count())).collect();
        let expected = [("GET", 2, 99), ("GET", 5, 1), ("other", 2, 1)];
        assert_eq!(routes, expected.map(|(method, status, count)| ((method, none.clone(), status), count)));
    }

    #[test]
    fn a_day_is_kept() {
        let measures = Measures::new(Timestamp::from_micros(0));
        for minute in 0..2000 {
            let at = Timestamp::from_micros(minute * MINUTE);
            measures.note("GET", &Taken::default(), Duration::from_micros(5), 200, at);
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
