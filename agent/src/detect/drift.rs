//! Drift: how far each feature has moved from what was learnt, as the population stability index of the
//! last day, and whether a test of two samples agrees. It raises nothing: it tells how much the plant has become
//! another one than the models know, so that people learn anew in time and read alerts with it in mind.
//!
//! The bins of a feature hold a tenth of the learnt steps each. A whole day is compared, since nights differ
//! from days without any drift.

mod kolmogorov;

use std::sync::Arc;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use super::{Detector, Finding, Kind};
use crate::features::{COUNT, SCHEMA};
use crate::learn::steps::{STEP_SECONDS, STEPS, Steps};
use crate::model::{ModelError, pack, unpack};
use crate::window::Window;

/// Its line among the detectors.
pub const KIND: Kind = Kind {
    name: NAME,
    file: "drift.bin",
    learn: |seed| Box::new(Learning { sample: Sample::default(), steps: Steps::default(), seed }),
    load: |bytes| {
        let model: Model = unpack(NAME, VERSION, bytes)?;
        if !model.fits() {
            return Err(ModelError::Damaged("its bins do not fit the features".to_owned()));
        }
        Ok(Box::new(Watching::new(model)))
    },
};

/// How far a feature has moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Which.
    pub feature: String,
    /// The index: below 0.1 nothing has changed, above 0.25 much has.
    pub index: f32,
    /// How far the distributions lie apart (Kolmogorov and Smirnov): at least such a share of the steps lies elsewhere.
    #[serde(default)]
    pub distance: f32,
    /// With which chance that comes of nothing. A minute counts as one observation, since its steps are alike.
    #[serde(default = "one")]
    pub chance: f32,
    /// The test says so: it is no chance, among all features, and it is large enough to matter. Of a whole day nearly
    /// any difference is no chance, so both must speak.
    #[serde(default)]
    pub differs: bool,
}

const fn one() -> f32 {
    1.0
}

/// What is kept: for each feature the edges between its bins, and the share of each bin.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Model {
    edges: Vec<Vec<f32>>,
    shares: Vec<Vec<f32>>,
}

/// Steps to learn from: a fair choice of all, of a fixed size.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Sample {
    values: Vec<f32>,
    seen: u64,
}

/// Takes samples.
struct Learning {
    sample: Sample,
    steps: Steps,
    seed: u64,
}

/// Counts steps by bins, an hour at a time.
struct Watching {
    model: Model,
    steps: Steps,
    /// The last day, hour by hour; an hour's counts stand at its number modulo 24.
    hours: Box<[[[u32; BINS]; COUNT]]>,
    hour: Option<u64>,
    /// Hours that followed each other so far.
    whole: usize,
    moved: Arc<[Moved]>,
}

impl Sample {
    /// Each step stays with the same chance, whenever it came.
    fn take(&mut self, row: &[f32; COUNT], seed: u64) {
        self.seen += 1;
        if self.values.len() < SAMPLE * COUNT {
            self.values.extend_from_slice(row);
            return;
        }
        // From the number of the step, so that a restart changes nothing.
        let at = Rng::with_seed(seed ^ self.seen.wrapping_mul(0x9e37_79b9_7f4a_7c15)).u64(..self.seen);
        let place = usize::try_from(at).ok().and_then(|at| self.values.get_mut(at * COUNT..(at + 1) * COUNT));
        if let Some(place) = place {
            place.copy_from_slice(row);
        }
    }

    fn fits(&self) -> bool {
        let count = self.values.len() / COUNT;
        self.values.len().is_multiple_of(COUNT) && count <= SAMPLE && count as u64 <= self.seen
    }

    fn model(&self) -> Model {
        let (mut edges, mut shares) = (Vec::new(), Vec::new());
        for feature in 0..COUNT {
            let mut column: Vec<f32> = self.values.iter().skip(feature).step_by(COUNT).copied().collect();
            column.sort_by(f32::total_cmp);
            let edge = |nth: usize| column[nth * (column.len() - 1) / BINS];
            let mut between: Vec<f32> = (1..BINS).map(edge).collect();
            between.dedup();
            let mut counts = [0; BINS];
            column.iter().for_each(|value| counts[bin(&between, *value)] += 1);
            shares.push(counts.map(|count| count as f32 / column.len() as f32).to_vec());
            edges.push(between);
        }
        Model { edges, shares }
    }
}

impl Model {
    /// Whether it can serve; it may come from a file.
    fn fits(&self) -> bool {
        let sorted = |edges: &Vec<f32>| edges.len() < BINS && edges.is_sorted();
        let whole = |shares: &Vec<f32>| shares.len() == BINS && shares.iter().all(|share| share.is_finite());
        self.edges.len() == COUNT
            && self.shares.len() == COUNT
            && self.edges.iter().all(sorted)
            && self.shares.iter().all(whole)
    }

    /// The index of a feature. Half a step more in each bin, so that an empty one weighs what it may.
    fn index(&self, feature: usize, counts: &[u32; BINS]) -> f32 {
        let bins = self.edges[feature].len() + 1;
        let all = counts.iter().sum::<u32>() as f32 + bins as f32 / 2.0;
        let learnt = SAMPLE as f32 + bins as f32 / 2.0;
        let shares = counts.iter().zip(&self.shares[feature]).take(bins);
        let parts = shares.map(|(count, share)| {
            let (now, then) = ((*count as f32 + 0.5) / all, (share * SAMPLE as f32 + 0.5) / learnt);
            (now - then) * (now / then).ln()
        });
        parts.sum()
    }

    /// What the test says of a feature, besides its index.
    fn moved(&self, feature: usize, counts: &[u32; BINS]) -> Moved {
        let distance = kolmogorov::distance(&self.shares[feature], counts);
        let seen = f64::from(counts.iter().sum::<u32>()) / STEPS as f64;
        // The steps of the sample were drawn from days, so that few of them are neighbours; a day has no more minutes.
        let learnt = SAMPLE.min(MINUTES_OF_DAY) as f64;
        let chance = kolmogorov::chance(f64::from(distance), learnt, seen) as f32;
        let differs = chance * (COUNT as f32) < SURE && distance >= MATTERS;
        let (name, index) = (SCHEMA.names()[feature].to_owned(), self.index(feature, counts));
        Moved { feature: name, index, distance, chance, differs }
    }
}

/// The bin of a value.
fn bin(edges: &[f32], value: f32) -> usize {
    edges.partition_point(|edge| *edge < value)
}

impl Detector for Learning {
    fn name(&self) -> &'static str {
        NAME
    }

    fn second(&mut self, second: u64, window: &Window, _: &mut Vec<Finding>) {
        if let Some(step) = self.steps.second(second, window) {
            self.sample.take(&step.row, self.seed);
        }
    }

    fn learnt(&self) -> Option<Vec<u8>> {
        (self.sample.seen >= LEAST).then(|| pack(NAME, VERSION, &self.sample.model()))
    }

    fn lesson(&self) -> String {
        match self.sample.seen {
            few if few < LEAST => format!("{few} steps of 5 s, of at least {LEAST}"),
            seen => format!("ten bins for each of {COUNT} features from {seen} steps of 5 s"),
        }
    }

    fn gathers(&self) -> bool {
        true
    }

    fn gathered(&self) -> Option<Vec<u8>> {
        Some(pack(GATHERED, VERSION, &self.sample))
    }

    fn resume(&mut self, gathered: &[u8]) -> Result<(), ModelError> {
        let sample: Sample = unpack(GATHERED, VERSION, gathered)?;
        if !sample.fits() {
            return Err(ModelError::Damaged("its sample does not fit the features".to_owned()));
        }
        self.sample = sample;
        Ok(())
    }
}

impl Watching {
    fn new(model: Model) -> Self {
        let hours = vec![[[0; BINS]; COUNT]; HOURS].into();
        Self { model, steps: Steps::default(), hours, hour: None, whole: 0, moved: Arc::default() }
    }

    /// An hour begins: what the last 24 say is summed up, the oldest is forgotten.
    fn begin(&mut self, hour: u64) {
        if self.hour.is_some_and(|before| before + 1 == hour) {
            self.whole = (self.whole + 1).min(HOURS);
        } else {
            self.hours.fill([[0; BINS]; COUNT]);
            self.whole = 0;
        }
        self.hour = Some(hour);
        self.moved = if self.whole == HOURS { self.compare() } else { Arc::default() };
        self.hours[slot(hour)] = [[0; BINS]; COUNT];
    }

    fn compare(&self) -> Arc<[Moved]> {
        let mut moved: Vec<Moved> = (0..COUNT)
            .map(|feature| {
                let mut day = [0; BINS];
                for hour in &self.hours {
                    day.iter_mut().zip(hour[feature]).for_each(|(sum, count)| *sum += count);
                }
                self.model.moved(feature, &day)
            })
            .collect();
        moved.sort_by(|one, other| other.index.total_cmp(&one.index));
        moved.into()
    }
}

impl Detector for Watching {
    fn name(&self) -> &'static str {
        NAME
    }

    fn second(&mut self, second: u64, window: &Window, _: &mut Vec<Finding>) {
        let Some(step) = self.steps.second(second, window) else { return };
        let hour = second / (STEP_SECONDS * STEPS_IN_HOUR);
        if self.hour != Some(hour) {
            self.begin(hour);
        }
        let counts = &mut self.hours[slot(hour)];
        for ((counts, edges), value) in counts.iter_mut().zip(&self.model.edges).zip(step.row) {
            counts[bin(edges, value)] += 1;
        }
    }

    fn drift(&self) -> Option<Arc<[Moved]>> {
        (!self.moved.is_empty()).then(|| self.moved.clone())
    }
}

const fn slot(hour: u64) -> usize {
    (hour % HOURS as u64) as usize
}

const NAME: &str = "drift";
const GATHERED: &str = "drift-sample";
const VERSION: u32 = 1;
const BINS: usize = 10;
const HOURS: usize = 24;
const STEPS_IN_HOUR: u64 = 3600 / STEP_SECONDS;
/// Steps that are learnt from, of however many.
const SAMPLE: usize = 4096;
/// A day of steps: fewer say nothing about days.
const LEAST: u64 = 24 * STEPS_IN_HOUR;
/// Of the least that may be learnt from.
const MINUTES_OF_DAY: usize = 1440;
/// Chance that any of the features is said to differ where none does.
const SURE: f32 = 0.01;
/// Of a smaller share of steps that lies elsewhere a model does not suffer.
const MATTERS: f32 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose feature 3 is drawn from 0 to 1, and whose feature 5 is nearly always 0.
    fn rows(seed: u64, shift: f32) -> impl Iterator<Item = [f32; COUNT]> {
        let mut chance = Rng::with_seed(seed);
        std::iter::repeat_with(move || {
            let mut row = [0.0; COUNT];
            row[3] = chance.f32() + shift;
            row[5] = if chance.f32() < 0.02 { 1.0 } else { 0.0 };
            row
        })
    }

    fn learnt() -> Model {
        let mut sample = Sample::default();
        rows(1, 0.0).take(20_000).for_each(|row| sample.take(&row, 7));
        assert_eq!((sample.values.len(), sample.seen), (SAMPLE * COUNT, 20_000));
        let learning = Learning { sample, steps: Steps::default(), seed: 7 };
        unpack(NAME, VERSION, &learning.learnt().unwrap()).unwrap()
    }

    fn day(watching: &mut Watching, first: u64, rows: impl Iterator<Item = [f32; COUNT]>) {
        for (nth, row) in (0..24 * STEPS_IN_HOUR).zip(rows) {
            let hour = first + nth / STEPS_IN_HOUR;
            if watching.hour != Some(hour) {
                watching.begin(hour);
            }
            for (feature, value) in row.iter().enumerate() {
                watching.hours[slot(hour)][feature][bin(&watching.model.edges[feature], *value)] += 1;
            }
        }
    }

    #[test]
    fn a_day_as_before_has_not_moved_and_one_that_is_shifted_has() {
        let mut watching = Watching::new(learnt());
        day(&mut watching, 100, rows(2, 0.0));
        assert!(watching.drift().is_none(), "a day is not over before the next hour begins");
        watching.begin(124);
        let calm = watching.drift().unwrap();
        assert!(calm.len() == COUNT && calm[0].index < 0.02, "{:?}", calm[0]);
        assert!(calm.iter().all(|one| !one.differs && one.chance > 0.01), "{calm:?}");
        day(&mut watching, 124, rows(3, 0.3));
        watching.begin(148);
        let moved = watching.drift().unwrap();
        assert!(moved[0].index > 0.25 && moved[0].feature == SCHEMA.names()[3], "{:?}", moved[0]);
        assert!(moved[0].differs && moved[0].distance > 0.25 && moved[0].chance < 1e-6, "{:?}", moved[0]);
        assert!(moved[1].index < 0.02 && !moved[1].differs, "{:?}", moved[1]);
        // After a gap a whole day must pass again.
        watching.begin(150);
        assert!(watching.drift().is_none());
    }

    #[test]
    fn too_little_teaches_nothing_and_what_was_gathered_goes_on() {
        let mut learning = Learning { sample: Sample::default(), steps: Steps::default(), seed: 7 };
        rows(1, 0.0).take(9000).for_each(|row| learning.sample.take(&row, 7));
        assert!(learning.learnt().is_none() && learning.lesson().contains("9000 steps"));
        let mut again = Learning { sample: Sample::default(), steps: Steps::default(), seed: 7 };
        again.resume(&learning.gathered().unwrap()).unwrap();
        for (one, row) in [&mut learning, &mut again].into_iter().zip([rows(4, 0.0), rows(4, 0.0)]) {
            row.take(9000).for_each(|row| one.sample.take(&row, 7));
        }
        assert_eq!(learning.learnt(), again.learnt());
        assert!(again.resume(b"nothing").is_err());
    }
}
