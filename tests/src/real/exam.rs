//! Learning from packets, watching others, and scoring what was told; in memory and in packet time.

use fastrand::Rng;
use fieldward_agent::alert::{Correlator, Loss, Told};
use fieldward_agent::detect::{DETECTORS, Kind};
use fieldward_agent::model::innate;
use fieldward_agent::pipeline::Limits;
use fieldward_agent::score::{Labels, Score, Scored, score};
use fieldward_agent::watch::Watch;
use fieldward_shared::alert::Alert;

use super::Packets;

/// What was learnt, as the files of a model directory would hold it.
pub struct Models(Vec<(&'static Kind, Vec<u8>)>);

/// What came of watching.
pub struct Outcome {
    /// The alerts in their final state, in the order in which they were raised.
    pub alerts: Vec<Alert>,
    /// Every finding in a line.
    pub findings: Vec<String>,
    /// Against the labels.
    pub score: Score,
    /// What chance and impudence reach there.
    pub plain: Plain,
}

/// References without any detection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain {
    /// Attacks found by as many alerts as ours at random moments: the mean of many draws.
    pub random: f64,
    /// Attacks found by an alert every second.
    pub all: usize,
}

/// Learns with the detectors of these names (all, if none is given).
pub fn learn(parts: &[Packets], only: &[&str]) -> Models {
    let kinds = || DETECTORS.iter().filter(|kind| only.is_empty() || only.contains(&kind.name));
    let mut watch = Watch::new(Limits::watching(), kinds().map(|kind| (kind.learn)(1)).collect());
    for seen in parts.iter().flat_map(|part| &part.0) {
        watch.packet(&seen.packet());
        watch.findings();
    }
    watch.finish();
    let learnt = watch.into_detectors();
    let files = kinds().zip(learnt).filter_map(|(kind, detector)| Some((kind, detector.learnt()?)));
    Models(files.collect())
}

impl Models {
    /// The baseline as text.
    pub fn baseline(&self) -> String {
        let book = self.0.iter().find(|(kind, _)| kind.name == "baseline");
        book.map_or(String::new(), |(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// Watches packets with what was learnt. Alerts that name `chatter` outside attacks are left out: the
/// maker of the capture says that they are the intruder's own idle talk.
pub fn watch(models: &Models, packets: &Packets, labels: &Labels, chatter: Option<&str>) -> Outcome {
    let mut detectors = innate();
    for (kind, bytes) in &models.0 {
        match (kind.load)(bytes) {
            Ok(detector) => detectors.push(detector),
            Err(error) => panic!("{}: what was just learnt cannot be read: {error}", kind.name),
        }
    }
    let (mut watch, mut correlator) = (Watch::new(Limits::watching(), detectors), Correlator::new("real"));
    let (mut told, mut findings) = (Vec::new(), Vec::new());
    for seen in &packets.0 {
        let before = watch.second();
        watch.packet(&seen.packet());
        correlate(&mut watch, &mut correlator, before, &mut told, &mut findings);
    }
    watch.finish();
    let last = watch.second();
    correlate(&mut watch, &mut correlator, last, &mut told, &mut findings);
    correlator.finish(&mut told);
    let mut alerts = Vec::<Alert>::new();
    for one in told {
        let (Told::Raised(alert) | Told::Updated(alert) | Told::Closed(alert)) = one;
        match alerts.iter_mut().find(|old| old.id == alert.id && old.timestamp == alert.timestamp) {
            Some(old) => *old = alert,
            None => alerts.push(alert),
        }
    }
    alerts.retain(|alert| !is_chatter(alert, labels, chatter));
    let scored: Vec<Scored> = alerts.iter().map(Scored::from).collect();
    Outcome { score: score(&scored, labels), plain: plain(scored.len(), labels), alerts, findings }
}

fn correlate(
    watch: &mut Watch,
    correlator: &mut Correlator,
    before: Option<u64>,
    told: &mut Vec<Told>,
    findings: &mut Vec<String>,
) {
    watch.drain(|finding, window| {
        findings.push(format!(
            "{:.3} {} {} {:.2} {}",
            finding.at.as_micros() as f64 / 1e6,
            finding.detector,
            finding.kind,
            finding.confidence,
            finding.evidence
        ));
        correlator.find(finding, window, told);
    });
    if let (Some(before), Some(now)) = (before, watch.second())
        && before != now
    {
        let pipeline = watch.pipeline();
        let loss = Loss { bytes: pipeline.bytes(), missed: pipeline.flow_counts().missed_bytes };
        correlator.second(now.saturating_sub(1), watch.window(), loss, told);
    }
}

fn is_chatter(alert: &Alert, labels: &Labels, chatter: Option<&str>) -> bool {
    let at = alert.timestamp.as_micros() as f64 / 1e6;
    let attacked = labels.attacks.iter().any(|attack| (attack.start - 1.0..=attack.end + 30.0).contains(&at));
    let named = |who: &str| alert.src_assets.iter().chain(&alert.dst_assets).any(|one| one == who);
    !attacked && chatter.is_some_and(named)
}

fn plain(count: usize, labels: &Labels) -> Plain {
    let (Some(start), Some(end)) = (labels.capture_start, labels.capture_end) else {
        return Plain::default();
    };
    let nameless =
        |at: f64| Scored { at, ids: Vec::new(), addresses: std::collections::BTreeSet::new(), severity: 1 };
    let found = |alerts: &[Scored]| score(alerts, labels).attacks.iter().filter(|one| one.detected).count();
    let mut chance = Rng::with_seed(1);
    let random: usize = (0..DRAWS)
        .map(|_| {
            let draws: Vec<_> = (0..count).map(|_| nameless(start + chance.f64() * (end - start))).collect();
            found(&draws)
        })
        .sum();
    let seconds = (end - start) as u64 + 1;
    let every: Vec<_> = (0..seconds).map(|second| nameless(start + second as f64)).collect();
    Plain { random: random as f64 / f64::from(DRAWS), all: found(&every) }
}

const DRAWS: u32 = 200;
