//! What the detectors that look at whole minutes have in common: how steps are collected to learn from,
//! how the last twelve are scored each five seconds, and how a high score is put into words.

use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::threshold::{Above, Threshold};
use super::{Detector, Finding};
use crate::features::{COUNT, SCHEMA};
use crate::learn::dataset::{Rows, Scaler, Split};
use crate::learn::steps::{Minute, STEP_SECONDS, STEPS, Steps, WIDTH};
use crate::model::{ModelError, pack, unpack};
use crate::window::Window;

/// Scores a minute of scaled numbers; none of this allocates.
pub trait Judge: Send {
    /// The detector's name.
    const NAME: &'static str;
    /// The kind of its findings.
    const KIND: &'static str;
    /// How its evidence begins.
    const SAYS: &'static str;

    /// The score.
    fn score(&mut self, minute: &[f32]) -> f32;

    /// What the minute that was scored last should have been.
    fn expected(&mut self, expected: &mut [f32]);

    /// The mean score of normal minutes that it did not learn from, each cut to the threshold; none where that is not
    /// kept.
    fn usual(&self) -> Option<f32> {
        None
    }
}

/// The error of a model in a day, against what it was when the model was made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Error {
    /// Mean score of the last 24 hours.
    pub now: f32,
    /// Of the minutes that set its threshold.
    pub usual: f32,
}

/// Scores of the last day, hour by hour. What lies above the threshold counts as that: alerts tell of it, and one
/// attack is no drift.
#[derive(Default)]
struct Day {
    hours: [(f64, u32); HOURS],
    hour: Option<u64>,
    /// Hours that followed each other so far.
    whole: usize,
}

impl Day {
    fn note(&mut self, hour: u64, score: f32) {
        if self.hour != Some(hour) {
            let follows = self.hour.is_some_and(|before| before + 1 == hour);
            self.whole = if follows { (self.whole + 1).min(HOURS) } else { 0 };
            if !follows {
                self.hours = [(0.0, 0); HOURS];
            }
            self.hour = Some(hour);
            self.hours[(hour % HOURS as u64) as usize] = (0.0, 0);
        }
        let of = &mut self.hours[(hour % HOURS as u64) as usize];
        *of = (of.0 + f64::from(score), of.1 + 1);
    }

    /// None before a whole day.
    fn mean(&self) -> Option<f32> {
        let (sum, count) =
            self.hours.iter().fold((0.0, 0_u32), |(sum, count), one| (sum + one.0, count + one.1));
        (self.whole >= HOURS && count > 0).then(|| (sum / f64::from(count)) as f32)
    }
}

/// Collects steps.
pub struct Learning {
    name: &'static str,
    /// Makes a model of them.
    fit: fn(&Rows, u64) -> Option<Vec<u8>>,
    rows: Rows,
    steps: Steps,
    seed: u64,
}

impl Learning {
    /// Has seen nothing yet.
    pub fn new(name: &'static str, seed: u64, fit: fn(&Rows, u64) -> Option<Vec<u8>>) -> Self {
        Self { name, fit, rows: Rows::default(), steps: Steps::default(), seed }
    }
}

impl Detector for Learning {
    fn name(&self) -> &'static str {
        self.name
    }

    fn second(&mut self, second: u64, window: &Window, _: &mut Vec<Finding>) {
        if let Some(step) = self.steps.second(second, window) {
            self.rows.push(&step);
        }
    }

    fn learnt(&self) -> Option<Vec<u8>> {
        (self.fit)(&self.rows, self.seed)
    }

    fn gathers(&self) -> bool {
        true
    }

    fn gathered(&self) -> Option<Vec<u8>> {
        Some(pack(GATHERED, VERSION, &self.rows))
    }

    fn resume(&mut self, gathered: &[u8]) -> Result<(), ModelError> {
        let rows: Rows = unpack(GATHERED, VERSION, gathered)?;
        if !rows.fits() {
            return Err(ModelError::Damaged("its rows do not fit the features".to_owned()));
        }
        self.rows = rows;
        Ok(())
    }
}

/// Minutes to learn from, scaled.
pub struct Lesson {
    /// How they were scaled.
    pub scaler: Scaler,
    split: Split,
    scaled: Rows,
}

impl Lesson {
    /// Splits rows and scales them by those that are learnt from; none of too few.
    pub fn of(rows: &Rows) -> Option<Self> {
        let split = rows.split(MOST_MINUTES);
        let first = split.learn.len();
        if rows.len() < LEAST_ROWS || first == 0 || split.validate.is_empty() {
            return None;
        }
        let learnt = split.learn.last().copied().unwrap_or_default() + STEPS;
        let scaler = Scaler::of(rows.values()[..learnt * COUNT].chunks_exact(COUNT));
        let mut scaled = rows.clone();
        scaler.scale(rows.values(), scaled.values_mut());
        Some(Self { scaler, split, scaled })
    }

    /// Minutes to learn from.
    pub fn learn(&self) -> impl Iterator<Item = &[f32]> + Clone {
        self.split.learn.iter().map(|first| self.scaled.minute(*first))
    }

    /// Minutes that say when to stop.
    pub fn validate(&self) -> impl Iterator<Item = &[f32]> + Clone {
        self.split.validate.iter().map(|first| self.scaled.minute(*first))
    }

    /// The scores of the minutes that set the threshold, by runs.
    pub fn scores(&self, mut score: impl FnMut(&[f32]) -> f32) -> Vec<Vec<f32>> {
        let runs = self.split.calibrate.iter();
        runs.map(|run| run.iter().map(|first| score(self.scaled.minute(*first))).collect()).collect()
    }
}

/// Scores the last minute every five seconds.
pub struct Watching<J> {
    judge: J,
    scaler: Scaler,
    threshold: Threshold,
    above: Above,
    steps: Steps,
    minute: Minute,
    expected: Box<[f32]>,
    day: Day,
}

impl<J: Judge> Watching<J> {
    /// Watches with this judge.
    pub fn new(judge: J, scaler: Scaler, threshold: Threshold) -> Self {
        Self {
            judge,
            scaler,
            threshold,
            above: Above::default(),
            steps: Steps::default(),
            minute: Minute::default(),
            expected: vec![0.0; WIDTH].into(),
            day: Day::default(),
        }
    }

    /// The features that were furthest from what they should have been, each at its worst step.
    fn evidence(&mut self, score: f32) -> String {
        self.judge.expected(&mut self.expected);
        let wrong = |at: usize| (self.minute.values()[at] - self.expected[at]).abs();
        let worst_of = |feature: usize| {
            let steps = (0..STEPS).map(|step| step * COUNT + feature);
            steps.max_by(|one, other| wrong(*one).total_cmp(&wrong(*other))).unwrap_or(feature)
        };
        let mut worst: Vec<usize> = (0..COUNT).map(worst_of).collect();
        worst.sort_by(|one, other| wrong(*other).total_cmp(&wrong(*one)));
        let told: Vec<String> = worst.iter().take(TOLD).map(|at| self.put(*at)).collect();
        let times = score / self.threshold.limit;
        format!("{} ({times:.1} times the limit): {}", J::SAYS, told.join(", "))
    }

    fn put(&self, at: usize) -> String {
        let (step, feature) = (at / COUNT, at % COUNT);
        let value = self.scaler.value(feature, self.minute.values()[at]);
        let expected = self.scaler.value(feature, self.expected[at]);
        let ago = (STEPS - 1 - step) as u64 * STEP_SECONDS;
        format!("{} {value:.1} (expected {expected:.1}) {ago} s before", SCHEMA.names()[feature])
    }
}

impl<J: Judge> Detector for Watching<J> {
    fn name(&self) -> &'static str {
        J::NAME
    }

    fn second(&mut self, second: u64, window: &Window, found: &mut Vec<Finding>) {
        let Some(step) = self.steps.second(second, window) else { return };
        let mut row = [0.0; COUNT];
        self.scaler.scale(&step.row, &mut row);
        if !step.follows {
            self.above = Above::default();
        }
        if !self.minute.push(&row, step.follows) {
            return;
        }
        let score = self.judge.score(self.minute.values());
        self.day.note(second / 3600, score.min(self.threshold.limit));
        if !self.threshold.passed(score, &mut self.above) {
            return;
        }
        let beyond = (score / self.threshold.limit).ln().clamp(0.0, 1.0);
        let at = Timestamp::from_micros((second + 1) * 1_000_000);
        found.push(Finding::of_plant(at, J::NAME, J::KIND, 0.5 + 0.45 * beyond, self.evidence(score)));
    }

    fn error(&self) -> Option<Error> {
        Some(Error { now: self.day.mean()?, usual: self.judge.usual()? })
    }
}

/// What is kept of learning that goes on.
const GATHERED: &str = "rows";
const VERSION: u32 = 1;
/// Minutes of learning at most; of more, every second or third is taken.
const MOST_MINUTES: usize = 16_384;
/// Fewer steps than these (three hours) set no threshold that could be trusted.
pub const LEAST_ROWS: usize = 2160;
const HOURS: usize = 24;
/// Features that evidence names.
const TOLD: usize = 3;
/// One false alarm of all models of minutes together in so many steps: two weeks.
pub const TOGETHER: f64 = 14.0 * 86_400.0 / STEP_SECONDS as f64;
/// Of the models' false alarms the share of the mean, and that of each other model: the mean finds most,
/// the others add little, and a third for each made all three together find less than the mean alone.
pub const MEAN_SHARE: f64 = 0.8;
/// See [`MEAN_SHARE`].
pub const OTHER_SHARE: f64 = 0.1;
