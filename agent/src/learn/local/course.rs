//! A course: the training of one round. It stands on disk after each epoch, so that it goes on where it was
//! stopped, and its end is kept as well: asked again for the same, the plant gives the same. Noise is drawn from
//! the plant's secret and all that training depends on; other windows or another base get other noise, and what
//! two answers have in common is no noise.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::thread;

use aws_lc_rs::digest::{Context, SHA256};
use fieldward_shared::keyfile::{self, KeyFileError};
use fieldward_shared::privacy::accountant::event::Mechanism;
use fieldward_shared::weights::WeightVector;
use serde::{Deserialize, Serialize};

use super::rest::Rest;
use crate::learn::learner::{LearnError, Pace, Settings, Trained};
use crate::learn::private::{Standing, Task, share, steps};
use crate::learn::sealed::Seal;

/// What a course is about.
pub struct Course<'a> {
    /// `autoencoder` or `classifier`.
    pub network: &'static str,
    /// The round.
    pub round: u64,
    /// Its weights.
    pub base: &'a WeightVector,
    /// How it trains.
    pub settings: &'a Settings,
    /// Of one processor.
    pub cpu_share: f64,
    /// Its file, and the key of that.
    pub file: PathBuf,
    /// The key.
    pub seal: &'a Seal,
}

/// As it stands on disk.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    print: [u8; 32],
    /// What it learns from, by number: what came later belongs to the next round.
    pub numbers: Vec<u64>,
    standing: Standing,
}

impl Course<'_> {
    /// Where it stands; at its beginning with these numbers when it was not begun yet.
    pub fn begin(&self, numbers: impl FnOnce() -> Vec<u64>) -> Kept {
        let print = self.print();
        self.kept(&print).unwrap_or_else(|| Kept {
            print,
            numbers: numbers(),
            standing: Standing::new(self.base.values()),
        })
    }

    /// Trains to the end, or until `pace` stops it; `data` is the hash of what is still there of what it learns
    /// from. The work is done by a thread of low priority that ends with it.
    pub fn run(
        &self,
        kept: Kept,
        data: &[u8; 32],
        task: &mut (dyn Task + Send),
        pace: &mut dyn FnMut(Pace) -> ControlFlow<()>,
    ) -> Result<Trained, LearnError> {
        let (tell, told) = sync_channel::<Pace>(0);
        let (answer, answered) = sync_channel::<ControlFlow<()>>(0);
        thread::scope(|scope| {
            let work = thread::Builder::new().name("rounds".to_owned()).spawn_scoped(scope, move || {
                // Without the right to a low priority it goes on with the usual one.
                let _ = rustix::process::nice(NICE);
                self.work(kept, data, task, &mut |pace| match tell
                    .send(pace)
                    .ok()
                    .and_then(|()| answered.recv().ok())
                {
                    Some(ControlFlow::Continue(())) => ControlFlow::Continue(()),
                    _ => ControlFlow::Break(()),
                })
            });
            let work = work.map_err(|error| LearnError::Disk(format!("no thread to train in: {error}")))?;
            for one in &told {
                if answer.send(pace(one)).is_err() {
                    break;
                }
            }
            work.join().map_err(|_| LearnError::Disk("the training thread failed; see the log".to_owned()))?
        })
    }

    fn work(
        &self,
        mut kept: Kept,
        data: &[u8; 32],
        task: &mut dyn Task,
        pace: &mut dyn FnMut(Pace) -> ControlFlow<()>,
    ) -> Result<Trained, LearnError> {
        let (settings, base) = (self.settings, self.base.values());
        let windows = kept.numbers.len();
        let share = share(windows, settings.batch);
        let mut rest = Rest::new(self.cpu_share);
        while kept.standing.epochs < settings.epochs {
            let about: [&[u8]; 4] = [b"train", &kept.print, data, &kept.standing.epochs.to_le_bytes()];
            let chance = self.seal.chance(&about);
            let mut chance = chance.map_err(|error| LearnError::Disk(error.to_string()))?;
            let standing = &mut kept.standing;
            standing
                .epoch(task, base, share, settings, &mut chance, &mut || rest.rest())
                .map_err(LearnError::Misfit)?;
            if !standing.weights.iter().all(|weight| weight.is_finite()) {
                return Err(LearnError::Settings(format!("steps of {}, which diverge", settings.rate)));
            }
            let (epoch, epochs, loss) = (standing.epochs, settings.epochs, standing.loss);
            self.keep(&kept)?;
            if pace(Pace { epoch, epochs, loss }).is_break() && epoch < epochs {
                return Err(LearnError::Stopped);
            }
        }
        let Standing { weights, loss, .. } = kept.standing;
        let weights = self.base.with(weights).map_err(LearnError::Misfit)?;
        let steps = steps(share) * u64::from(settings.epochs);
        let noise = settings.noise;
        let spent = (noise > 0.0).then_some(Mechanism::Sampled { noise, rate: share, steps });
        Ok(Trained { weights, windows: windows as u64, loss, spent })
    }

    /// All that training depends on besides what it learns from.
    fn print(&self) -> [u8; 32] {
        let Settings { epochs, batch, rate, proximal, clip, noise, seed } = *self.settings;
        let mut hash = Context::new(&SHA256);
        hash.update(self.network.as_bytes());
        hash.update(&self.base.layout().0.to_le_bytes());
        let counts = [self.round, u64::from(epochs), u64::from(batch), seed];
        counts.iter().for_each(|part| hash.update(&part.to_le_bytes()));
        [rate, proximal, clip, noise].iter().for_each(|part| hash.update(&part.to_le_bytes()));
        self.base.values().iter().for_each(|value| hash.update(&value.to_le_bytes()));
        let mut print = [0; 32];
        print.copy_from_slice(hash.finish().as_ref());
        print
    }

    /// Where the same course stands; none of another one.
    fn kept(&self, print: &[u8; 32]) -> Option<Kept> {
        let sealed = match keyfile::read_at_most(&self.file, LARGEST) {
            Ok(sealed) => sealed,
            Err(KeyFileError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return None;
            }
            Err(error) => {
                tracing::warn!("training begins anew: {error}");
                return None;
            }
        };
        let kept: Option<Kept> =
            self.seal.unseal(PLACE, &sealed).ok().and_then(|bytes| postcard::from_bytes(&bytes).ok());
        if kept.is_none() {
            tracing::warn!("training begins anew: {} is damaged", self.file.display());
        }
        let length = self.base.values().len();
        kept.filter(|kept| kept.print == *print && kept.standing.fits(length))
    }

    fn keep(&self, kept: &Kept) -> Result<(), LearnError> {
        let disk = |error: String| LearnError::Disk(format!("training cannot be kept: {error}"));
        let bytes = postcard::to_stdvec(kept).map_err(|error| disk(error.to_string()))?;
        let sealed = self.seal.seal(PLACE, &bytes).map_err(|error| disk(error.to_string()))?;
        keyfile::write(&self.file, &sealed).map_err(|error| disk(error.to_string()))
    }
}

/// Whether a round asks for something that is training.
pub fn check(settings: &Settings) -> Result<(), LearnError> {
    let Settings { epochs, batch, rate, proximal, clip, noise, .. } = *settings;
    let is = |value: f64, most: f64| value.is_finite() && value >= 0.0 && value <= most;
    let wrong = match () {
        () if !(1..=MOST_EPOCHS).contains(&epochs) => format!("{epochs} epochs"),
        () if !(1..=MOST_BATCH).contains(&batch) => format!("steps of {batch} windows"),
        () if !(is(rate, 1.0) && rate > 0.0) => format!("steps of length {rate}"),
        () if !is(proximal, 1e3) => format!("a pull of {proximal}"),
        () if !(is(clip, 1e6) && clip > 0.0) => format!("a norm of {clip}"),
        () if !is(noise, 1e3) => format!("noise of {noise}"),
        () => return Ok(()),
    };
    Err(LearnError::Settings(wrong))
}

const PLACE: &[u8] = b"course";
const NICE: i32 = 10;
const LARGEST: u64 = 64 << 20;
const MOST_EPOCHS: u32 = 1000;
const MOST_BATCH: u32 = 1 << 16;
