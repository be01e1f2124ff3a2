//! Learning while it goes on: how long, whether it is enough, and what is kept of it for a restart.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::status::Progress;
use crate::config::Learn;
use crate::detect::{DETECTORS, Detector};
use crate::maintenance::replace;

/// How far it is.
pub struct Learning {
    config: Learn,
    /// Seconds of traffic, and the last of them.
    elapsed: u64,
    last: Option<u64>,
    /// When it is told and kept the next time, in seconds of traffic.
    told: u64,
    kept: u64,
}

/// What is kept of learning: a file per detector, and how long it took.
pub struct Gathered {
    elapsed: u64,
    files: Vec<(&'static str, Vec<u8>)>,
}

/// The file that says how long.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elapsed {
    seconds: u64,
}

impl Learning {
    /// Begins, or goes on after so many seconds of traffic.
    pub const fn new(config: Learn, elapsed: u64) -> Self {
        Self { config, elapsed, last: None, told: elapsed + FIRST_TOLD, kept: elapsed + KEEP }
    }

    /// A second is over.
    pub fn pass(&mut self, second: u64) {
        let step = self.last.map_or(1, |last| second.saturating_sub(last));
        // A longer silence is the time between two captures.
        self.elapsed += if step < PAUSE { step } else { 0 };
        self.last = Some(second);
    }

    /// Whether it is enough: long enough, and nothing new came for long.
    pub fn is_enough(&self, convergence: f64) -> bool {
        let hours = self.hours();
        let quiet = convergence >= self.config.quiet_share;
        hours >= self.config.least_hours && (quiet || hours >= self.config.most_hours)
    }

    /// How far it is, in numbers.
    pub fn progress(&self, convergence: f64) -> Progress {
        Progress {
            hours: self.hours(),
            least_hours: self.config.least_hours,
            most_hours: self.config.most_hours,
            quiet_share: convergence,
            wanted_share: self.config.quiet_share,
        }
    }

    /// Whether it is time to say how far it is: after one minute, two, four, and then each hour.
    pub fn tells(&mut self) -> bool {
        let due = self.elapsed >= self.told;
        if due {
            self.told = self.elapsed + self.elapsed.min(HOUR);
        }
        due
    }

    /// Whether it is time to keep what was gathered.
    pub const fn keeps(&mut self) -> bool {
        let due = self.elapsed >= self.kept;
        if due {
            self.kept = self.elapsed + KEEP;
        }
        due
    }

    /// What detectors have gathered so far.
    pub fn gather(&self, detectors: &[Box<dyn Detector>]) -> Gathered {
        let files = detectors.iter().filter_map(|detector| {
            let kind = DETECTORS.iter().find(|kind| kind.name == detector.name())?;
            Some((kind.file, detector.gathered()?))
        });
        Gathered { elapsed: self.elapsed, files: files.collect() }
    }

    fn hours(&self) -> f64 {
        self.elapsed as f64 / HOUR as f64
    }
}

impl Gathered {
    /// Keeps it; each file is replaced as a whole.
    pub fn write(&self, state: &Path) -> std::io::Result<()> {
        let directory = state.join(DIRECTORY);
        fs::create_dir_all(&directory)?;
        for (name, bytes) in &self.files {
            replace(&directory, name, bytes, true)?;
        }
        let elapsed =
            serde_json::to_vec(&Elapsed { seconds: self.elapsed }).map_err(std::io::Error::other)?;
        replace(&directory, ELAPSED, &elapsed, true)
    }
}

/// Learners that go on with what was kept, if anything was, and after how many seconds of traffic; what
/// begins anew is said.
pub fn resume(state: &Path, seed: u64) -> Option<(Vec<Box<dyn Detector>>, u64)> {
    let directory = state.join(DIRECTORY);
    let mut elapsed = match fs::read(directory.join(ELAPSED)) {
        Ok(text) => serde_json::from_slice(&text).map_or(0, |Elapsed { seconds }| seconds),
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(_) => 0,
    };
    let mut learners = learners(seed);
    for (at, learner) in learners.iter_mut().enumerate() {
        let Some(kind) = DETECTORS.iter().find(|kind| kind.name == learner.name()) else { continue };
        let kept = fs::read(directory.join(kind.file)).map_err(|error| error.to_string());
        let resumed = kept.and_then(|bytes| learner.resume(&bytes).map_err(|error| error.to_string()));
        if let Err(error) = resumed {
            tracing::warn!("{} begins to learn anew: {error}", kind.name);
            // The baseline is what the others are measured by.
            elapsed = if at == 0 { 0 } else { elapsed };
        }
    }
    Some((learners, elapsed))
}

/// Every detector that learns, with nothing learnt.
pub fn learners(seed: u64) -> Vec<Box<dyn Detector>> {
    DETECTORS.iter().map(|kind| (kind.learn)(seed)).collect()
}

/// Nothing is kept any more: the models are there.
pub fn forget(state: &Path) -> std::io::Result<()> {
    let directory = state.join(DIRECTORY);
    let files = DETECTORS.iter().map(|kind| kind.file).chain([ELAPSED]);
    let paths: Vec<PathBuf> = files.map(|file| directory.join(file)).collect();
    // First what says that there is something.
    for path in paths.iter().rev() {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

const DIRECTORY: &str = "learning";
const ELAPSED: &str = "elapsed.json";
const HOUR: u64 = 3600;
/// Seconds of traffic after which progress is told for the first time.
const FIRST_TOLD: u64 = 60;
/// What was gathered is kept every so many seconds of traffic: so much is lost when the power fails.
const KEEP: u64 = 300;
/// A longer silence does not count as time that was learnt from: seconds.
const PAUSE: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(least_hours: f64, most_hours: f64) -> Learn {
        Learn { least_hours, most_hours, ..Learn::default() }
    }

    #[test]
    fn it_is_enough_when_it_was_long_and_quiet_or_very_long() {
        let mut learning = Learning::new(config(0.1, 0.2), 0);
        for second in 1000..1360 {
            assert!(!learning.is_enough(1.0), "{second}");
            learning.pass(second);
        }
        assert!(learning.is_enough(0.25) && !learning.is_enough(0.24));
        (1360..1720).for_each(|second| learning.pass(second));
        assert!(learning.is_enough(0.0));
    }

    #[test]
    fn pauses_and_clocks_that_are_set_are_no_time() {
        let mut learning = Learning::new(config(1.0, 2.0), 100);
        for second in [1000, 1001, 9000, 9001, 50, 51, 56] {
            learning.pass(second);
        }
        assert_eq!(learning.elapsed, 100 + 1 + 1 + 1 + 1 + 5);
    }

    #[test]
    fn what_was_gathered_comes_back_and_what_is_damaged_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        assert!(resume(folder.path(), 1).is_none());
        let learning = Learning::new(config(1.0, 2.0), 700);
        learning.gather(&learners(1)).write(folder.path()).unwrap();
        let (learners, elapsed) = resume(folder.path(), 1).unwrap();
        assert_eq!((learners.len(), elapsed), (DETECTORS.len(), 700));
        let file = |kind: usize| folder.path().join(DIRECTORY).join(DETECTORS[kind].file);
        fs::write(file(1), b"\0junk").unwrap();
        assert_eq!(resume(folder.path(), 1).unwrap().1, 700);
        fs::write(file(0), b"junk | \xff").unwrap();
        assert_eq!(resume(folder.path(), 1).unwrap().1, 0, "without the baseline nothing is known");
        forget(folder.path()).unwrap();
        assert!(resume(folder.path(), 1).is_none());
    }
}
