//! Figures over time, each with the stretches that its range is divided into.

use std::collections::BTreeMap;

use fieldward_shared::alert::Severity;
use fieldward_shared::time::Timestamp;

use super::Api;
use super::charts::width;
use super::error::ApiError;
use super::series::Span;
use super::time::Range;
use crate::store::alerts::{Filter, Threat};
use crate::store::now;
use crate::store::reactions::Reaction;
use crate::store::sums::Sum;

/// What may be asked for over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Alerts that were raised.
    Alerts,
    /// Critical ones.
    CriticalAlerts,
    /// Those in which an attack is named.
    Threats,
    /// Packets.
    Packets,
    /// Bytes.
    Bytes,
    /// Attempts to connect that failed.
    FailedConnections,
    /// HTTP requests that agents decoded.
    Requests,
    /// Alerts that somebody took up.
    Acknowledged,
    /// Alerts that somebody closed.
    Resolved,
    /// How long it took until they were taken up: half of them.
    TimeToAcknowledge,
    /// How long it took until they were closed: half of them.
    TimeToResolve,
}

/// A figure over time.
#[derive(Debug)]
pub struct Series {
    /// Microseconds of a stretch.
    pub width: u64,
    /// When each begins, and the figure; none: nothing is known of it.
    pub points: Vec<(Timestamp, Option<f64>)>,
    /// Of the whole range.
    pub total: Option<f64>,
}

const NAMES: [(Metric, &str, &str); 11] = [
    (Metric::Alerts, "alerts", "alerts"),
    (Metric::CriticalAlerts, "critical_alerts", "alerts"),
    (Metric::Threats, "threats", "alerts"),
    (Metric::Packets, "packets", "packets"),
    (Metric::Bytes, "bytes", "bytes"),
    (Metric::FailedConnections, "failed_connections", "connections"),
    (Metric::Requests, "requests", "requests"),
    (Metric::Acknowledged, "acknowledged", "alerts"),
    (Metric::Resolved, "resolved", "alerts"),
    (Metric::TimeToAcknowledge, "time_to_acknowledge", "seconds"),
    (Metric::TimeToResolve, "time_to_resolve", "seconds"),
];

impl Metric {
    /// The metric that is written so.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.into_iter().find(|(_, one, _)| *one == name).map(|(metric, ..)| metric)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// What it is counted in.
    pub fn unit(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        NAMES.into_iter().find(|(one, ..)| *one == self).map_or(("", ""), |(_, name, unit)| (name, unit))
    }

    /// Reads it.
    pub async fn read(self, api: &Api, span: &Span) -> Result<Series, ApiError> {
        match self {
            Self::Alerts | Self::CriticalAlerts | Self::Threats => self.raised(api, span).await,
            Self::Packets => traffic(api, span, |sum| sum.packets).await,
            Self::Bytes => traffic(api, span, |sum| sum.bytes).await,
            Self::FailedConnections => traffic(api, span, |sum| sum.failed_connections).await,
            Self::Requests => requests(api, span).await,
            Self::Acknowledged | Self::Resolved | Self::TimeToAcknowledge | Self::TimeToResolve => {
                Ok(self.done(span.range, &Reactions::of(api, span).await?))
            }
        }
    }

    async fn raised(self, api: &Api, span: &Span) -> Result<Series, ApiError> {
        let mut width = width(span.range);
        let threat = (self == Self::Threats).then_some(Threat::Any);
        if threat.is_some() && span.range.until.since(span.range.since) > WEEK {
            // What they name is counted by the day.
            width = width.max(DAY);
        }
        let mut points = stretches(span.range, width, 0.0);
        if let Some(filter) = span.filter() {
            let filter = Filter { threat, ..filter };
            for (at, severity, count) in api.store.alerts_over_time(&filter, width, now()).await? {
                let is_wanted = self != Self::CriticalAlerts || severity == Severity::Critical;
                if let Some(value) = points.get_mut(&at).filter(|_| is_wanted) {
                    *value += count as f64;
                }
            }
        }
        let total = Some(points.values().sum());
        Ok(Series { width, points: points.into_iter().map(|(at, value)| (at, Some(value))).collect(), total })
    }

    /// What people did.
    fn done(self, range: Range, reactions: &Reactions) -> Series {
        let width = width(range);
        let wanted = |one: &&Reaction| match self {
            Self::Acknowledged | Self::TimeToAcknowledge => one.is_first,
            _ => one.closes,
        };
        let mut points = stretches(range, width, Vec::new());
        let mut all = Vec::new();
        for one in reactions.all.iter().filter(wanted) {
            all.push(one.took);
            let at = Timestamp::from_micros(one.at.as_micros() - one.at.as_micros() % width);
            points.entry(at).or_default().push(one.took);
        }
        let value = |times: &mut Vec<u64>| {
            times.sort_unstable();
            match self {
                Self::Acknowledged | Self::Resolved => Some(times.len() as f64),
                _ => quantile(times, 0.5),
            }
        };
        let total = value(&mut all);
        let points = points.into_iter().map(|(at, mut times)| (at, value(&mut times))).collect();
        Series { width, points, total }
    }
}

/// What people did in a range.
#[derive(Debug)]
pub struct Reactions {
    /// The newest of them.
    pub all: Vec<Reaction>,
}

impl Reactions {
    /// Of a range, as far as they are looked at.
    pub async fn of(api: &Api, span: &Span) -> Result<Self, ApiError> {
        let Some(plants) = &span.facilities else { return Ok(Self { all: Vec::new() }) };
        let all = api.store.reactions(plants, span.range.since, span.range.until, LOOKED_AT).await?;
        Ok(Self { all })
    }

    /// Microseconds until alerts were taken up, in order.
    pub fn first(&self) -> Vec<u64> {
        self.times(|one| one.is_first)
    }

    /// Microseconds until alerts were closed, in order.
    pub fn closing(&self) -> Vec<u64> {
        self.times(|one| one.closes)
    }

    fn times(&self, is_wanted: fn(&Reaction) -> bool) -> Vec<u64> {
        let mut times: Vec<u64> = self.all.iter().filter(|one| is_wanted(one)).map(|one| one.took).collect();
        times.sort_unstable();
        times
    }
}

/// Seconds within which a share of them lies; none without one. They are in order.
pub fn quantile(times: &[u64], share: f64) -> Option<f64> {
    let place = (times.len() as f64 * share).ceil().max(1.0) as usize - 1;
    times.get(place).map(|micros| *micros as f64 / 1e6)
}

/// By how much it is more, in percent.
pub fn change(total: f64, before: f64) -> Option<f64> {
    (before > 0.0).then(|| (total - before) * 100.0 / before)
}

async fn traffic(api: &Api, span: &Span, figure: fn(&Sum) -> u64) -> Result<Series, ApiError> {
    let (seconds, sums) = span.traffic(api).await?;
    let points: Vec<(Timestamp, Option<f64>)> =
        sums.iter().map(|sum| (sum.at, Some(figure(sum) as f64))).collect();
    let total = (!sums.is_empty()).then(|| sums.iter().map(|sum| figure(sum) as f64).sum());
    Ok(Series { width: seconds * 1_000_000, points, total })
}

async fn requests(api: &Api, span: &Span) -> Result<Series, ApiError> {
    let (seconds, told) = span.requests(api, None).await?;
    let points: Vec<(Timestamp, Option<f64>)> =
        told.iter().map(|(at, counts)| (*at, Some(counts.requests as f64))).collect();
    let total = (!told.is_empty()).then(|| told.values().map(|counts| counts.requests as f64).sum());
    Ok(Series { width: seconds * 1_000_000, points, total })
}

/// All stretches of a range, with nothing in them.
fn stretches<T: Clone>(range: Range, width: u64, nothing: T) -> BTreeMap<Timestamp, T> {
    let first = range.since.as_micros() - range.since.as_micros() % width;
    let starts = (first..range.until.as_micros()).step_by(usize::try_from(width).unwrap_or(usize::MAX));
    starts.map(|at| (Timestamp::from_micros(at), nothing.clone())).collect()
}

impl Span {
    /// The range of the same length before.
    pub fn before(&self) -> Range {
        let length = self.range.until.since(self.range.since);
        let since = Timestamp::from_micros(self.range.since.as_micros().saturating_sub(length));
        Range { since, until: self.range.since }
    }
}

/// Acts of which times are made.
const LOOKED_AT: u32 = 5000;
const DAY: u64 = 86_400_000_000;
const WEEK: u64 = 7 * DAY;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_has_a_name_and_a_unit() {
        for (metric, name, unit) in NAMES {
            assert_eq!((Metric::named(name), metric.name(), metric.unit()), (Some(metric), name, unit));
        }
        assert_eq!(Metric::named("mood"), None);
    }

    #[test]
    fn times_are_told_by_halves() {
        let second = 1_000_000;
        let reaction = |at: u64, took: u64| Reaction {
            at: Timestamp::from_micros(at * second),
            took: took * second,
            is_first: true,
            closes: took > 10,
            is_false_positive: false,
        };
        let all = vec![reaction(3500, 60), reaction(30, 5), reaction(20, 1), reaction(10, 9)];
        let range = Range { since: Timestamp::from_micros(0), until: Timestamp::from_micros(3600 * second) };
        let reactions = Reactions { all };
        let taken = Metric::TimeToAcknowledge.done(range, &reactions);
        assert_eq!((taken.width, taken.total), (10 * second, Some(5.0)));
        assert_eq!((taken.points.len(), taken.points[1].1, taken.points[0].1), (360, Some(9.0), None));
        let closed = Metric::Resolved.done(range, &reactions);
        assert_eq!(
            (closed.total, closed.points[350].1, closed.points[0].1),
            (Some(1.0), Some(1.0), Some(0.0))
        );
        assert_eq!((quantile(&[], 0.5), quantile(&[7_000_000], 0.95)), (None, Some(7.0)));
        assert_eq!((change(3.0, 2.0), change(3.0, 0.0)), (Some(50.0), None));
    }
}
