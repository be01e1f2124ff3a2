//! Rarity: the isolation forest on the features of each second of the plant. It learns on the first part
//! of normal traffic and is calibrated on the rest, which it has not seen.

use fastrand::Rng;
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::forest::{Forest, ForestConfig};
use super::{Detector, Finding, Kind};
use crate::features::{self, COUNT, SCHEMA};
use crate::model::{ModelError, pack, unpack};
use crate::window::Window;

/// Its line among the detectors.
pub const KIND: Kind = Kind {
    name: NAME,
    file: "forest.bin",
    learn: |seed| Box::new(Learning { rows: Vec::new(), seed, every: 1, skipped: 0 }),
    load: |bytes| {
        let model: Model = unpack(NAME, VERSION, bytes)?;
        if !model.forest.fits(COUNT) || !model.threshold.is_finite() {
            return Err(ModelError::Damaged("the forest does not fit the features".to_owned()));
        }
        Ok(Box::new(Watching { model, above: 0 }))
    },
};

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Model {
    forest: Forest,
    /// Above this a second is rarer than all but a share of those it was calibrated on.
    threshold: f32,
    /// The mean of each feature, to say what is usual.
    usual: Vec<f32>,
}

/// Collects seconds, and keeps them over a restart. When there are too many, every second one is dropped and from then on fewer taken.
#[derive(Serialize, Deserialize)]
struct Learning {
    rows: Vec<f32>,
    seed: u64,
    every: u64,
    skipped: u64,
}

impl Detector for Learning {
    fn name(&self) -> &'static str {
        NAME
    }

    fn second(&mut self, second: u64, window: &Window, _: &mut Vec<Finding>) {
        self.skipped += 1;
        if self.skipped < self.every {
            return;
        }
        self.skipped = 0;
        self.rows.extend_from_slice(&features::of(&window.second(second)));
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
        let (learn, calibrate) = self.rows.split_at(count * 7 / 10 * COUNT);
        let forest = Forest::train(learn, COUNT, ForestConfig::default(), &mut Rng::with_seed(self.seed));
        let mut scores = vec![0.0; calibrate.len() / COUNT];
        forest.scores(calibrate, &mut scores);
        scores.sort_by(f32::total_cmp);
        let most = scores.last().copied().unwrap_or(1.0);
        let mut usual = vec![0.0; COUNT];
        for row in learn.chunks(COUNT) {
            for (sum, value) in usual.iter_mut().zip(row) {
                *sum += value / (learn.len() / COUNT) as f32;
            }
        }
        Some(pack(NAME, VERSION, &Model { forest, threshold: most + MARGIN, usual }))
    }
}

/// Scores each second.
struct Watching {
    model: Model,
    /// How many seconds in a row were rare.
    above: u32,
}

impl Detector for Watching {
    fn name(&self) -> &'static str {
        NAME
    }

    fn second(&mut self, second: u64, window: &Window, found: &mut Vec<Finding>) {
        let row = features::of(&window.second(second));
        let score = self.model.forest.score(&row);
        if score <= self.model.threshold {
            self.above = 0;
            return;
        }
        self.above += 1;
        let mut blame = [0.0; COUNT];
        self.model.forest.blame(&row, &mut blame);
        let mut order: Vec<usize> = (0..COUNT).collect();
        order.sort_by(|one, other| blame[*other].total_cmp(&blame[*one]).then(one.cmp(other)));
        let told: Vec<String> = order
            .iter()
            .take(3)
            .map(|at| {
                format!("{} {:.1} (usually {:.1})", SCHEMA.names()[*at], row[*at], self.model.usual[*at])
            })
            .collect();
        let beyond = (score - self.model.threshold) / (1.0 - self.model.threshold).max(0.01);
        let at = Timestamp::from_micros((second + 1) * 1_000_000);
        let confidence = (0.5 + beyond + 0.1 * self.above as f32).min(0.95);
        let evidence =
            format!("a second as rare as none in learning (score {score:.2}): {}", told.join(", "));
        found.push(Finding::of_plant(at, NAME, "rare second", confidence, evidence));
    }
}

const NAME: &str = "forest";
const VERSION: u32 = 1;
/// What is kept of learning that goes on.
const GATHERED: &str = "seconds";
/// Seconds that are kept to learn from: a day and more.
const MOST_ROWS: usize = 131_072;
/// Fewer seconds than these teach nothing.
const LEAST_ROWS: usize = 300;
/// How far above the rarest second of calibration a score must lie.
const MARGIN: f32 = 0.01;
