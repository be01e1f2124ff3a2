//! Models that were taken over from rounds: the shared weights of the last ones, and the model files that they
//! replaced, so that one can go back.

use std::fs;
use std::path::{Path, PathBuf};

use fieldward_shared::weights::WeightVector;
use serde::{Deserialize, Serialize};

use crate::learn::learner::LearnError;
use crate::model::{self, pack, unpack};

/// The versions of one network.
pub struct Versions {
    folder: PathBuf,
    network: &'static str,
}

/// A version that is at work, or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// As the registry numbers it; 0 is the plant's own.
    pub number: u64,
    /// The shared weights; none of the plant's own.
    pub shared: Option<WeightVector>,
    /// The model file, with what is the plant's own in it.
    pub file: Option<Vec<u8>>,
}

impl Versions {
    /// Those in a folder.
    pub fn new(folder: &Path, network: &'static str) -> Self {
        Self { folder: folder.to_owned(), network }
    }

    /// The one that was taken over last.
    pub fn present(&self) -> Option<Version> {
        let bytes = fs::read(self.folder.join(self.present_name())).ok()?;
        let version = unpack(KIND, FORM, &bytes);
        version.inspect_err(|error| tracing::warn!("{} of rounds: {error}", self.network)).ok()
    }

    /// Takes one over; `before` is what it replaces.
    pub fn take(&self, version: &Version, before: &Version) -> Result<(), LearnError> {
        let old = self.numbers();
        if !old.contains(&before.number) {
            self.write(&self.name(before.number), before)?;
        }
        for gone in old.iter().take(old.len().saturating_sub(MOST - 1)) {
            // One that stays is one more to go back to.
            drop(fs::remove_file(self.folder.join(self.name(*gone))));
        }
        self.write(&self.present_name(), version)
    }

    /// One of those before.
    pub fn find(&self, number: u64) -> Result<Version, LearnError> {
        let path = self.folder.join(self.name(number));
        let bytes =
            fs::read(&path).map_err(|error| LearnError::Disk(format!("{}: {error}", path.display())))?;
        unpack(KIND, FORM, &bytes).map_err(|error| LearnError::Disk(format!("{}: {error}", path.display())))
    }

    /// Which there are to go back to, the oldest first.
    pub fn numbers(&self) -> Vec<u64> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let number = |file: fs::DirEntry| {
            let name = file.file_name().into_string().ok()?;
            name.strip_prefix(self.network)?.strip_prefix('-')?.strip_suffix(END)?.parse().ok()
        };
        let mut numbers: Vec<u64> = files.filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    fn write(&self, name: &str, version: &Version) -> Result<(), LearnError> {
        let written = model::write(&self.folder, name, &pack(KIND, FORM, version));
        written.map_err(|error| LearnError::Disk(format!("{}: {error}", self.folder.join(name).display())))
    }

    fn present_name(&self) -> String {
        format!("{}{END}", self.network)
    }

    fn name(&self, number: u64) -> String {
        format!("{}-{number}{END}", self.network)
    }
}

const KIND: &str = "version";
const FORM: u32 = 1;
const END: &str = ".version";
/// Versions before the present one.
const MOST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_versions_are_kept_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let versions = Versions::new(folder.path(), "autoencoder");
        assert!(versions.present().is_none() && versions.numbers().is_empty());
        let version = |number: u64| Version { number, shared: None, file: Some(vec![number as u8]) };
        for number in 1..=7 {
            versions.take(&version(number), &version(number - 1)).unwrap();
            assert_eq!(versions.present().unwrap(), version(number));
        }
        assert_eq!(versions.numbers(), [3, 4, 5, 6]);
        assert_eq!(versions.find(5).unwrap(), version(5));
        assert!(versions.find(2).is_err());
        fs::write(folder.path().join("autoencoder.version"), b"junk").unwrap();
        assert!(versions.present().is_none());
    }
}
