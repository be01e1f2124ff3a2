//! How good alerts are, against labels that say which attacks there were. A pure function; its
//! definitions are those of the project's scoring tool, and the figures are the same.
//!
//! An attack is detected when an alert falls between a second before its start and its end plus its time
//! allowance (cut off where the next attack with an address in common begins), and its addresses meet
//! the attack's. It is in time when the first such alert is at most the allowance after the start. An
//! alert outside every attack (widened by a grace) and every interval to ignore is false.

mod labels;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use fieldward_shared::alert::Alert;

pub use labels::{Attack, Benign, Labels};

/// What is scored of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// When it was raised: seconds since the epoch.
    pub at: f64,
    /// Technique ids, best first.
    pub ids: Vec<String>,
    /// The IPv4 addresses that it names.
    pub addresses: BTreeSet<String>,
    /// The graver the higher.
    pub severity: u8,
}

/// The figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Each attack, in the order of time.
    pub attacks: Vec<Outcome>,
    /// Seconds outside attacks and what is to be ignored.
    pub normal: f64,
    /// False alerts: their places in the list of alerts.
    pub false_alerts: Vec<usize>,
    /// The same, those about the same thing within a minute counted once.
    pub false_incidents: usize,
    /// Alerts of an attack.
    pub matched: usize,
    /// Alerts during an attack that name other addresses.
    pub stray: usize,
    /// Alerts in intervals to ignore.
    pub ignored: usize,
    /// Benign events during which a false alert was raised, and how many.
    pub benign: Vec<(String, usize)>,
}

/// What became of an attack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// Its technique, where one is labelled.
    pub technique: Option<String>,
    /// A, B or C: how far the wire shows the technique.
    pub grade: String,
    /// Whether there was an alert.
    pub detected: bool,
    /// Seconds until the first.
    pub delay: Option<f64>,
    /// Whether that was soon enough.
    pub in_time: bool,
    /// How many alerts.
    pub alerts: usize,
    /// Techniques named, best first.
    pub named: Vec<String>,
    /// The label's own id stands first, or among the first three.
    pub strict: (bool, bool),
    /// The same for any id the label accepts.
    pub accepted: (bool, bool),
}

impl From<&Alert> for Scored {
    fn from(alert: &Alert) -> Self {
        let mut ids: Vec<String> = Vec::new();
        let named = alert.attack_type.iter().chain(alert.candidates.iter().map(|one| &one.technique));
        for id in named {
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        let addresses = alert.src_assets.iter().chain(&alert.dst_assets);
        Self {
            at: alert.timestamp.as_micros() as f64 / 1e6,
            ids,
            addresses: addresses.filter(|text| text.parse::<std::net::Ipv4Addr>().is_ok()).cloned().collect(),
            severity: alert.severity as u8,
        }
    }
}

/// Scores alerts against labels.
pub fn score(alerts: &[Scored], labels: &Labels) -> Score {
    let mut alerts: Vec<(usize, &Scored)> = alerts.iter().enumerate().collect();
    alerts.sort_by(|(_, one), (_, other)| one.at.total_cmp(&other.at));
    let mut attacks: Vec<&Attack> = labels.attacks.iter().collect();
    attacks.sort_by(|one, other| one.start.total_cmp(&other.start));
    let mut used = vec![false; alerts.len()];
    let mut score = Score::default();
    for (at, attack) in attacks.iter().enumerate() {
        let until = until(&attacks, at);
        let mut hits = Vec::new();
        for (place, (_, alert)) in alerts.iter().enumerate() {
            if (attack.start - SLACK..=until).contains(&alert.at) && attack.meets(&alert.addresses) {
                used[place] = true;
                hits.push(*alert);
            }
        }
        score.attacks.push(outcome(attack, &hits));
    }
    let windows: Vec<_> = attacks.iter().map(|one| (one.start - SLACK, one.end + GRACE)).collect();
    let ignored: Vec<_> = labels.ignore.iter().map(|one| (one.start, one.end)).collect();
    let within = |spans: &[(f64, f64)], at: f64| spans.iter().any(|(from, to)| (*from..=*to).contains(&at));
    let mut last: HashMap<(Option<&String>, &BTreeSet<String>), f64> = HashMap::new();
    for ((place, alert), used) in alerts.iter().zip(used) {
        if used {
            score.matched += 1;
        } else if within(&ignored, alert.at) {
            score.ignored += 1;
        } else if within(&windows, alert.at) {
            score.stray += 1;
        } else {
            score.false_alerts.push(*place);
            let before = last.insert((alert.ids.first(), &alert.addresses), alert.at);
            score.false_incidents += usize::from(before.is_none_or(|before| alert.at - before > 60.0));
            let events = labels
                .benign
                .iter()
                .filter(|event| (event.start - SLACK..=event.end + GRACE).contains(&alert.at));
            for event in events {
                match score.benign.iter_mut().find(|(name, _)| *name == event.name) {
                    Some((_, count)) => *count += 1,
                    None => score.benign.push((event.name.clone(), 1)),
                }
            }
        }
    }
    score.normal = normal(labels, windows.into_iter().chain(ignored));
    score
}

/// Until when an alert counts for this attack.
fn until(attacks: &[&Attack], at: usize) -> f64 {
    let attack = attacks[at];
    let next = attacks
        .iter()
        .enumerate()
        .filter(|(other, next)| *other != at && next.start > attack.end && attack.is_kin(next));
    let next = next.map(|(_, next)| next.start - SLACK);
    next.fold(attack.end + attack.allowance().max(FAST), f64::min).max(attack.end)
}

fn outcome(attack: &Attack, hits: &[&Scored]) -> Outcome {
    let delay = hits.first().map(|first| first.at - attack.start);
    let mut ranked = hits.to_vec();
    ranked.sort_by_key(|alert| std::cmp::Reverse(alert.severity));
    let mut named: Vec<String> = Vec::new();
    for id in ranked.iter().flat_map(|alert| &alert.ids) {
        if !named.contains(id) {
            named.push(id.clone());
        }
    }
    let own: Vec<&str> =
        [&attack.technique, &attack.technique_v19].into_iter().flatten().map(String::as_str).collect();
    let any: Vec<&str> = attack.acceptable.iter().map(String::as_str).chain(own.iter().copied()).collect();
    let among = |ids: &[&str], first: usize| {
        attack.technique.is_some()
            && named.iter().take(first).any(|one| ids.iter().any(|id| labels::is_same(one, id)))
    };
    Outcome {
        name: attack.name.clone(),
        technique: attack.technique.clone(),
        grade: attack.grade().to_owned(),
        detected: !hits.is_empty(),
        delay: delay.map(|delay| delay.max(0.0)),
        in_time: delay.is_some_and(|delay| delay <= attack.allowance()),
        alerts: hits.len(),
        strict: (among(&own, 1), among(&own, 3)),
        accepted: (among(&any, 1), among(&any, 3)),
        named,
    }
}

/// Seconds of the capture outside these intervals.
fn normal(labels: &Labels, spans: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (Some(start), Some(end)) = (labels.capture_start, labels.capture_end) else { return 0.0 };
    let inside = spans.filter(|(from, to)| *to > start && *from < end);
    let mut spans: Vec<_> = inside.map(|(from, to)| (from.max(start), to.min(end))).collect();
    spans.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let (mut busy, mut reached) = (0.0, start);
    for (from, to) in spans {
        busy += (to - from.max(reached)).max(0.0);
        reached = reached.max(to);
    }
    (end - start - busy).max(0.0)
}

/// An alert may come so many seconds before the label's start.
const SLACK: f64 = 1.0;
/// After an attack alerts are not false for so many seconds.
const GRACE: f64 = 30.0;
/// What shows at once must be found within so many seconds.
const FAST: f64 = 5.0;
/// What shows only in context, within these.
const CONTEXT: f64 = 30.0;
