//! The minute around an alert: a point a second, what shape the traffic had, the figures that stand out.

use std::collections::{BTreeMap, VecDeque};

use fieldward_shared::alert::{ContextAnalysis, TimelinePoint};
use fieldward_shared::time::Timestamp;

use super::words::thousands;
use crate::flow::Addr;
use crate::window::{ASSET_SECONDS, Bucket, LENGTH, Window};

/// A context of nothing, until there is one.
pub fn empty() -> ContextAnalysis {
    ContextAnalysis {
        duration: DURATION.to_owned(),
        pattern: String::new(),
        behavior: String::new(),
        timeline: Vec::new(),
        evidence: BTreeMap::new(),
    }
}

/// The minute until the end of `second`. Findings came in `found`, the first in `first`.
pub fn of(
    window: &Window,
    second: u64,
    first: u64,
    found: &VecDeque<u64>,
    asset: Option<Addr>,
    behavior: String,
) -> ContextAnalysis {
    let from = (second + 1).saturating_sub(LENGTH as u64);
    let buckets: Vec<(u64, Bucket)> = (from..=second).map(|second| (second, window.second(second))).collect();
    let last = found.back().copied().unwrap_or(first);
    let timeline = buckets.iter().map(|(second, bucket)| TimelinePoint {
        time: Timestamp::from_micros(second * 1_000_000),
        packets_per_sec: bucket.traffic.packets,
        unique_dest_ips: bucket.traffic.targets.count().round() as u32,
        protocol_distribution: (commonest(bucket).1 * 100.0).round() / 100.0,
        status: match second {
            second if found.contains(second) => "attack",
            second if (first..=last).contains(second) => "suspicious",
            _ => "normal",
        }
        .to_owned(),
    });
    let packets = |(_, bucket): &(u64, Bucket)| u64::from(bucket.traffic.packets);
    let (before, during): (Vec<_>, Vec<_>) = buckets.iter().partition(|(second, _)| *second < first);
    let mean = |part: &[&(u64, Bucket)]| {
        part.iter().map(|one| packets(one)).sum::<u64>() as f64 / part.len().max(1) as f64
    };
    let (calm, busy) = (mean(&before), mean(&during));
    ContextAnalysis {
        duration: DURATION.to_owned(),
        pattern: shape(calm, busy, before.len(), during.len()),
        behavior,
        timeline: timeline.collect(),
        evidence: figures(window, &buckets, (calm, busy), before.len(), asset),
    }
}

fn shape(calm: f64, busy: f64, before: usize, during: usize) -> String {
    if before < LEAST || during == 0 || calm < 1.0 {
        return "no calm time before it to compare with".to_owned();
    }
    let ratio = busy / calm;
    let word = match ratio {
        ratio if ratio >= 3.0 => "a burst",
        ratio if ratio >= 1.25 => "more traffic than before",
        ratio if ratio <= 0.5 => "much less traffic than before",
        ratio if ratio <= 0.8 => "less traffic than before",
        _ => return "traffic as steady as before".to_owned(),
    };
    format!("{word}: {busy:.0} packets a second after {calm:.0}")
}

fn figures(
    window: &Window,
    buckets: &[(u64, Bucket)],
    (calm, busy): (f64, f64),
    before: usize,
    asset: Option<Addr>,
) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    let sum = |of: fn(&Bucket) -> u32| buckets.iter().map(|(_, bucket)| u64::from(of(bucket))).sum::<u64>();
    let all = sum(|bucket| bucket.traffic.packets);
    let most = buckets.iter().map(|(_, bucket)| bucket.traffic.packets).max().unwrap_or_default();
    told.insert(
        "packets".to_owned(),
        format!("{} in the minute, {} in its busiest second", thousands(all), thousands(most.into())),
    );
    if before >= LEAST {
        told.insert(
            "before and since".to_owned(),
            format!("{calm:.0} packets a second before it began, {busy:.0} since"),
        );
    }
    let mut whole = Bucket::default();
    for (_, bucket) in buckets {
        whole.traffic.targets.join(&bucket.traffic.targets);
        whole.traffic.pairs.join(&bucket.traffic.pairs);
        whole.modbus.requests += bucket.modbus.requests;
        whole.mqtt.publishes += bucket.mqtt.publishes;
        whole.dns.queries += bucket.dns.queries;
        whole.http.requests += bucket.http.requests;
    }
    let (targets, pairs) = (whole.traffic.targets.count(), whole.traffic.pairs.count());
    told.insert(
        "destinations".to_owned(),
        format!("about {targets:.0} addresses were sent to, by about {pairs:.0} pairs"),
    );
    let (name, share) = commonest(&whole);
    if share > 0.0 {
        told.insert(
            "protocols".to_owned(),
            format!("{name} makes up {:.0} % of the messages", share * 100.0),
        );
    }
    let attempts = sum(|bucket| bucket.traffic.syn);
    if attempts > 0 {
        let answered = sum(|bucket| bucket.traffic.syn_ack);
        told.insert(
            "connections".to_owned(),
            format!("{} tried, {} answered", thousands(attempts), thousands(answered.min(attempts))),
        );
    }
    if let (Some(asset), Some((second, _))) = (asset, buckets.last()) {
        let steps =
            (0..LENGTH as u64 / ASSET_SECONDS).map(|step| second.saturating_sub(step * ASSET_SECONDS));
        let own: u64 = steps.map(|second| u64::from(window.of(asset, second).traffic.packets)).sum();
        let share = own as f64 * 100.0 / all.max(1) as f64;
        told.insert(
            asset.to_string(),
            format!("{} packets to or from it, {share:.0} % of all", thousands(own)),
        );
    }
    told
}

/// The protocol with most messages, and its share of them.
fn commonest(bucket: &Bucket) -> (&'static str, f32) {
    let counts = [
        ("Modbus", bucket.modbus.requests + bucket.modbus.responses),
        ("MQTT", bucket.mqtt.publishes + bucket.mqtt.connects + bucket.mqtt.subscribes + bucket.mqtt.others),
        ("DNS", bucket.dns.queries + bucket.dns.responses),
        ("HTTP", bucket.http.requests + bucket.http.responses),
    ];
    let all: u32 = counts.iter().map(|(_, count)| count).sum();
    let (name, most) = counts.into_iter().max_by_key(|(_, count)| *count).unwrap_or(("", 0));
    (name, if all == 0 { 0.0 } else { most as f32 / all as f32 })
}

const DURATION: &str = "60 seconds";
/// Fewer seconds before it are too few to compare with.
const LEAST: usize = 5;
