//! Rarity: the isolation forest on the plant's last ten seconds. It learns on the first part of normal
//! traffic and is calibrated on the rest, which it has not seen.
//!
//! A forest takes what lies beyond all it learnt for the last of what it knows, and with fifty columns few
//! trees ask for the one that an attack moves: on the features themselves it found none of forty attacks.
//! So it gets few columns that any attack moves: how far each subject's features lie from their usual
//! level, all together and the furthest.

use fastrand::Rng;
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::forest::{Forest, ForestConfig};
use super::{Detector, Finding, Kind};
use crate::features::{self, COUNT, FEATURES, SCHEMA};
use crate::learn::dataset::Scaler;
use crate::model::{ModelError, pack, unpack};
use crate::window::Window;

/// Its line among the detectors.
pub const KIND: Kind = Kind {
    name: NAME,
    file: "forest.bin",
    learn: |seed| Box::new(Learning { rows: Vec::new(), seed, every: 1, skipped: 0, full: Full::default() }),
    load: |bytes| {
        let model: Model = unpack(NAME, VERSION, bytes)?;
        if !model.forest.fits(COLUMNS) || !model.scaler.fits() || !model.threshold.is_finite() {
            return Err(ModelError::Damaged("the forest does not fit the features".to_owned()));
        }
        Ok(Box::new(Watching { model, above: 0, full: Full::default() }))
    },
};

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Model {
    forest: Forest,
    /// Above this a second is rarer than all but a share of those it was calibrated on.
    threshold: f32,
    /// What is usual.
    scaler: Scaler,
}

/// The features of the last seconds, counted together.
fn seconds(second: u64, window: &Window) -> [f32; COUNT] {
    let mut bucket = window.second(second);
    for earlier in 1..SECONDS {
        bucket.join(&window.second(second.saturating_sub(earlier)));
    }
    features::of(&bucket)
}

/// Whether as many seconds were seen as are looked at: a beginning is rare, and nothing else.
#[derive(Default, Serialize, Deserialize)]
struct Full {
    last: Option<u64>,
    run: u64,
}

impl Full {
    fn second(&mut self, second: u64) -> bool {
        let follows = self.last.is_some_and(|last| last + 1 == second);
        // The first second may have begun before the capture did.
        self.run = if follows { self.run + 1 } else { 0 };
        self.last = Some(second);
        self.run >= SECONDS
    }
}

/// How far each subject's features lie from what is usual: the root of the sum of squares, and the
/// furthest; then the former for all subjects together.
fn columns(scaled: &[f32]) -> [f32; COLUMNS] {
    let mut columns = [0.0; COLUMNS];
    let (mut rest, mut all) = (scaled, 0.0);
    for (subject, columns) in FEATURES.iter().zip(columns.chunks_exact_mut(2)) {
        let (own, others) = rest.split_at(subject.len());
        let sum: f32 = own.iter().map(|value| value * value).sum();
        columns[0] = sum.sqrt();
        columns[1] = own.iter().fold(0.0, |most, value| value.abs().max(most));
        (rest, all) = (others, all + sum);
    }
    columns[COLUMNS - 1] = all.sqrt();
    columns
}

/// Collects seconds, and keeps them over a restart. When there are too many, every second one is dropped
/// and from then on fewer taken.
#[derive(Serialize, Deserialize)]
struct Learning {
    rows: Vec<f32>,
    seed: u64,
    every: u64,
    skipped: u64,
    full: Full,
}

impl Detector for Learning {
    fn name(&self) -> &'static str {
        NAME
    }

    fn second(&mut self, second: u64, window: &Window, _: &mut Vec<Finding>) {
        self.skipped += 1;
        if !self.full.second(second) || self.skipped < self.every {
            return;
        }
        self.skipped = 0;
        self.rows.extend_from_slice(&seconds(second, window));
        if self.rows.len() >= MOST_ROWS * COUNT {
            let kept = self.rows.chunks(COUNT).step_by(2).flatten().copied().collect();
            self.rows = kept;
            self.every *= 2;
        }
    }

    fn lesson(&self) -> String {
        match self.rows.len() / COUNT {
            few if few < LEAST_ROWS => format!("{few} seconds are too few, it needs {LEAST_ROWS}"),
            1.. if self.every > 1 => {
                format!(
                    "what seconds look like, from one in {} ({} of them)",
                    self.every,
                    self.rows.len() / COUNT
                )
            }
            count => format!("what seconds look like, from {count} of them"),
        }
    }

    fn gathers(&self) -> bool {
        true
    }

    fn gathered(&self) -> Option<Vec<u8>> {
        Some(pack(GATHERED, VERSION, self))
    }

    fn resume(&mut self, gathered: &[u8]) -> Result<(), ModelError> {
        let before: Self = unpack(GATHERED, VERSION, gathered)?;
        let finite = before.rows.iter().all(|value| value.is_finite());
        if !before.rows.len().is_multiple_of(COUNT) || before.rows.len() > MOST_ROWS * COUNT || !finite {
            return Err(ModelError::Damaged("its rows do not fit the features".to_owned()));
        }
        *self = Self { seed: self.seed, every: before.every.max(1), ..before };
        Ok(())
    }

    fn learnt(&self) -> Option<Vec<u8>> {
        let count = self.rows.len() / COUNT;
        if count < LEAST_ROWS {
            return None;
        }
        let split = count * 7 / 10;
        let scaler = Scaler::of(self.rows[..split * COUNT].chunks_exact(COUNT));
        let mut scaled = vec![0.0; self.rows.len()];
        scaler.scale(&self.rows, &mut scaled);
        let rows: Vec<f32> = scaled.chunks_exact(COUNT).flat_map(columns).collect();
        let (learn, calibrate) = rows.split_at(split * COLUMNS);
        let forest = Forest::train(learn, COLUMNS, ForestConfig::default(), &mut Rng::with_seed(self.seed));
        let mut scores = vec![0.0; calibrate.len() / COLUMNS];
        forest.scores(calibrate, &mut scores);
        let most = scores.into_iter().fold(0.0, f32::max);
        Some(pack(NAME, VERSION, &Model { forest, threshold: most + MARGIN, scaler }))
    }
}

/// Scores each second.
struct Watching {
    model: Model,
    /// How many seconds in a row were rare.
    above: u32,
    full: Full,
}

impl Detector for Watching {
    fn name(&self) -> &'static str {
        NAME
    }

    fn second(&mut self, second: u64, window: &Window, found: &mut Vec<Finding>) {
        if !self.full.second(second) {
            self.above = 0;
            return;
        }
        let mut scaled = [0.0; COUNT];
        let Model { forest, threshold, scaler } = &self.model;
        scaler.scale(&seconds(second, window), &mut scaled);
        let score = forest.score(&columns(&scaled));
        if score <= *threshold {
            self.above = 0;
            return;
        }
        self.above += 1;
        if self.above < LEAST_ABOVE {
            return;
        }
        let mut order: Vec<usize> = (0..COUNT).collect();
        order.sort_by(|one, other| scaled[*other].abs().total_cmp(&scaled[*one].abs()).then(one.cmp(other)));
        let told: Vec<String> = order
            .iter()
            .take(3)
            .map(|at| {
                let (value, usual) = (scaler.value(*at, scaled[*at]), scaler.value(*at, 0.0));
                format!("{} {value:.1} (usually {usual:.1})", SCHEMA.names()[*at])
            })
            .collect();
        let beyond = (score - threshold) / (1.0 - threshold).max(0.01);
        let at = Timestamp::from_micros((second + 1) * 1_000_000);
        let confidence = (0.5 + beyond + 0.1 * (self.above - LEAST_ABOVE + 1) as f32).min(0.95);
        let evidence =
            format!("ten seconds as rare as none in learning (score {score:.2}): {}", told.join(", "));
        found.push(Finding::of_plant(at, NAME, "rare second", confidence, evidence));
    }
}

const NAME: &str = "forest";
const VERSION: u32 = 2;
/// Seconds that are looked at together.
const SECONDS: u64 = 10;
/// Two for each subject, and one for all.
const COLUMNS: usize = 2 * FEATURES.len() + 1;
/// Seconds in a row that must be rare: a few may be a burst.
const LEAST_ABOVE: u32 = 5;
/// What is kept of learning that goes on.
const GATHERED: &str = "seconds";
/// Seconds that are kept to learn from: a day and more.
const MOST_ROWS: usize = 131_072;
/// Fewer seconds than these teach nothing.
const LEAST_ROWS: usize = 300;
/// How far above the rarest second of calibration a score must lie.
const MARGIN: f32 = 0.02;
