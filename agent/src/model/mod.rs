//! What the agent has learnt, on disk: a directory with a file per detector. A file that is damaged, of
//! another version or of another feature schema is refused by itself; the others still serve.

mod file;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

pub use file::{ModelError, pack, unpack};

use crate::detect::{DETECTORS, Detector, INNATE, Kind, Watcher};

/// The detectors of a directory, and what could not be loaded.
pub struct Loaded {
    /// What works.
    pub detectors: Vec<Box<dyn Detector>>,
    /// What does not, with the reason and the remedy.
    pub refused: Vec<Refused>,
}

/// A model that could not be loaded.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}; learn anew: fieldward-agent learn … --model {}", .path.display(), .path.parent().unwrap_or(Path::new("DIR")).display())]
pub struct Refused {
    /// Its file.
    pub path: PathBuf,
    /// Why.
    pub why: ModelError,
}

/// The detectors that need no model.
pub fn innate() -> Vec<Box<dyn Detector>> {
    INNATE.iter().map(|new| new()).collect()
}

/// Loads every detector that the directory has a model for, beside those that need none.
pub fn load(directory: &Path) -> Loaded {
    let mut loaded = Loaded { detectors: innate(), refused: Vec::new() };
    for kind in DETECTORS {
        let path = directory.join(kind.file);
        let detector = fs::read(&path).map_err(ModelError::from).and_then(|bytes| (kind.load)(&bytes));
        match detector {
            Ok(detector) => loaded.detectors.push(detector),
            Err(why) => loaded.refused.push(Refused { path, why }),
        }
    }
    loaded
}

/// When the oldest model of a directory was written, in seconds since 1970; 0 where there is none.
pub fn oldest(directory: &Path) -> u64 {
    let written = |kind: &Kind| fs::metadata(directory.join(kind.file)).and_then(|file| file.modified()).ok();
    let oldest = DETECTORS.iter().filter_map(written).min();
    oldest.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}

/// What became of a detector's learning.
pub struct Lesson {
    /// Which detector.
    pub detector: &'static str,
    /// Its file; none when there was too little to learn from.
    pub file: Option<&'static str>,
    /// What it learnt, in words.
    pub said: String,
}

/// Writes what detectors have learnt. Each file is replaced as a whole or not at all; nothing is written
/// when nobody has learnt anything.
pub fn save(directory: &Path, detectors: &[Box<dyn Detector>]) -> std::io::Result<Vec<Lesson>> {
    let mut lessons = Vec::new();
    for detector in detectors {
        let Some(kind) = DETECTORS.iter().find(|kind| kind.name == detector.name()) else { continue };
        let file = match detector.learnt() {
            Some(bytes) => {
                write(directory, kind.file, &bytes)?;
                Some(kind.file)
            }
            None => None,
        };
        lessons.push(Lesson { detector: kind.name, file, said: detector.lesson() });
    }
    Ok(lessons)
}

/// What became of one detector's learning, when it is to watch at once.
pub struct Settled {
    /// Which detector.
    pub detector: &'static str,
    /// What it learnt, or what it lacked.
    pub said: String,
    /// One that watches; none when there was too little to learn from.
    pub outcome: Result<Option<Watcher>, Unsettled>,
}

/// Why what was learnt cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum Unsettled {
    /// It is not on the disk.
    #[error(
        "cannot be written ({0}): make room, or let the service write there; it is trained again after a restart"
    )]
    Unwritten(#[from] std::io::Error),
    /// It does not load.
    #[error("what was learnt does not load: {0}")]
    Refused(#[from] ModelError),
}

/// Writes what a detector has learnt, and makes one of it that watches.
pub fn settle(directory: &Path, detector: &dyn Detector) -> Settled {
    let name = detector.name();
    let kind = DETECTORS.iter().find(|kind| kind.name == name);
    let outcome = match kind.zip(detector.learnt()) {
        Some((kind, bytes)) => write(directory, kind.file, &bytes)
            .map_err(Unsettled::from)
            .and_then(|()| Ok(Some((kind.load)(&bytes)?))),
        None => Ok(None),
    };
    Settled { detector: name, said: detector.lesson(), outcome }
}

/// Whether the detector with this name learns.
pub fn learns(name: &str) -> bool {
    DETECTORS.iter().any(|kind| kind.name == name)
}

/// Whether the directory has a model, whatever it is worth.
pub fn any(directory: &Path) -> bool {
    DETECTORS.iter().any(|kind| directory.join(kind.file).exists())
}

/// Replaces a file as a whole: on disk when it returns.
pub fn write(directory: &Path, file: &str, bytes: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    let new = directory.join(format!("{file}.new"));
    fs::write(&new, bytes)?;
    fs::File::open(&new)?.sync_all()?;
    fs::rename(&new, directory.join(file))
}
