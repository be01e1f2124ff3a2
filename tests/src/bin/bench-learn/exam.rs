//! What a model makes of a day with every attack and of a calm one.

use anyhow::{Context, Result};
use fieldward_agent::detect::autoencoder::own::{Own, threshold};
use fieldward_agent::detect::threshold::{Above, Threshold};
use fieldward_agent::learn::steps::{STEP_SECONDS, STEPS};
use fieldward_agent::learn::windows::{Minute, is_held};
use fieldward_tests::teaching;

use crate::plants::New;

/// What came of it.
#[derive(Clone, Default)]
pub struct Figures {
    /// Share of attacks detected at the plant's own threshold.
    pub detected: f64,
    /// False alarms a day there.
    pub wrong: f64,
    /// Share of attacks detected where the calm day has no false alarm.
    pub same: f64,
    /// Likewise where it has three, ten minutes apart.
    pub three: f64,
    /// Area under the curve of attacks' peaks above those of calm times as long.
    pub area: f64,
    /// Names of attacks that were missed where the calm day has no false alarm.
    pub missed: Vec<String>,
}

impl Figures {
    /// The sum of two.
    pub fn add(&mut self, other: &Self, share: f64) {
        self.detected += other.detected * share;
        self.wrong += other.wrong * share;
        self.same += other.same * share;
        self.three += other.three * share;
        self.area += other.area * share;
    }
}

/// The held-back minutes of what was seen set the threshold.
pub fn examine(model: &mut Own, seen: &[Minute], new: &New) -> Result<Figures> {
    let held: Vec<Minute> = seen.iter().filter(|minute| is_held(minute.number)).cloned().collect();
    let own = threshold(&model.scores(&held)).context("too little to set a threshold")?;
    let calm = lasting(model, &new.calm);
    let exam = lasting(model, &new.exam);
    let peaks: Vec<f32> = new
        .attacks
        .iter()
        .map(|attack| {
            let during = exam.iter().filter(|(at, _)| (attack.start..=attack.end + AFTER).contains(at));
            during.map(|(_, score)| *score).fold(0.0, f32::max)
        })
        .collect();
    let beyond =
        |limit: f32| peaks.iter().filter(|peak| **peak > limit).count() as f64 / peaks.len().max(1) as f64;
    let quiet: Vec<f32> =
        calm.chunks(BLOCK).map(|block| block.iter().map(|(_, score)| *score).fold(0.0, f32::max)).collect();
    let highest = limit(&calm, 0);
    let missed = new.attacks.iter().zip(&peaks).filter(|(_, peak)| **peak <= highest);
    Ok(Figures {
        detected: beyond(own.limit),
        wrong: alarms(&calm, own) as f64 * 1440.0 / new.calm.len().max(1) as f64,
        same: beyond(highest),
        three: beyond(limit(&calm, 3)),
        area: teaching::area(&peaks, &quiet),
        missed: missed.map(|(attack, _)| attack.name.clone()).collect(),
    })
}

/// The least limit at which so many alarms come.
fn limit(scores: &[(f64, f32)], wanted: usize) -> f32 {
    let mut values: Vec<f32> = scores.iter().map(|(_, score)| *score).collect();
    values.sort_by(f32::total_cmp);
    let quiet = |limit: f32| alarms(scores, Threshold { limit, in_a_row: 1 }) <= wanted;
    // Not quite monotonous, since alarms may grow together; the highest of those that are not quiet is left below.
    let at = values.iter().rposition(|value| !quiet(*value)).map_or(0, |at| at + 1);
    values.get(at).copied().unwrap_or(f32::INFINITY)
}

/// When, and the lesser of each two scores in a row, since two must lie above.
fn lasting(model: &mut Own, minutes: &[Minute]) -> Vec<(f64, f32)> {
    let mut told = Vec::new();
    let runs = minutes.chunk_by(|one, other| one.number + 1 == other.number);
    for (run, scores) in runs.zip(model.scores(minutes)) {
        let Some(first) = run.first() else { continue };
        for (at, two) in scores.windows(2).enumerate() {
            let second = first.number * 60 + (at + 1 + STEPS) as u64 * STEP_SECONDS;
            told.push((second as f64, two[0].min(two[1])));
        }
    }
    told
}

/// Times that begin to lie above; within ten minutes it is the same alarm.
fn alarms(scores: &[(f64, f32)], threshold: Threshold) -> usize {
    let (mut count, mut last) = (0, f64::NEG_INFINITY);
    let once = Threshold { in_a_row: 1, ..threshold };
    for (at, score) in scores {
        if once.passed(*score, &mut Above::default()) {
            count += usize::from(at - last > 600.0);
            last = *at;
        }
    }
    count
}

/// Seconds after an attack in which its minute is still scored.
const AFTER: f64 = 60.0;
/// Scores of as long as an attack takes: five minutes.
const BLOCK: usize = 60;
