//! Networks that were taught here, each a version in the folder: one is at work, and whichever of them, or the shipped
//! one, can be put to work again. Files are written beside and renamed, so none is ever half there.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::predict::{Model, ModelError};

/// Why a version is not kept or put to work.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The folder.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What it has to be.
    #[error("version {0}: {1}")]
    Model(u32, ModelError),
    /// There is no such version.
    #[error("there is no version {0}; `attack versions` lists them, and 0 is the shipped network")]
    Missing(u32),
}

/// A network that was taught here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// From 1.
    pub number: u32,
    /// Sequences of this aggregator's own that it was taught with; none where its file is damaged.
    pub own: Option<usize>,
    /// It is the one that answers.
    pub is_at_work: bool,
}

/// Keeps a network as the next version and puts it to work.
pub fn keep(folder: &Path, model: &Model) -> Result<u32, VersionError> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let numbers = numbers(folder)?;
    let number = numbers.last().map_or(1, |last| last.saturating_add(1));
    let bytes = model.save().map_err(|error| VersionError::Model(number, error))?;
    write(&path(folder, number), &bytes)?;
    put(folder, number)?;
    let many = (numbers.len() + 1).saturating_sub(MOST);
    for old in numbers.into_iter().take(many) {
        let path = path(folder, old);
        fs::remove_file(&path).map_err(at(&path))?;
    }
    Ok(number)
}

/// Puts a version to work, 0 for the shipped network. What does not hold together is refused, and what was at work
/// stays.
pub fn put(folder: &Path, number: u32) -> Result<(), VersionError> {
    let at_work = at_work(folder);
    if number == 0 {
        return match fs::remove_file(&at_work) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&at_work)(error)),
            _ => Ok(()),
        };
    }
    let path = path(folder, number);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(VersionError::Missing(number)),
        read => read.map_err(at(&path))?,
    };
    Model::load(&bytes).map_err(|error| VersionError::Model(number, error))?;
    write(&at_work, &bytes)
}

/// Those that are kept, the oldest first.
pub fn list(folder: &Path) -> Result<Vec<Version>, VersionError> {
    let work = fs::read(at_work(folder)).ok();
    let of = |number| {
        let bytes = fs::read(path(folder, number)).ok();
        let model = bytes.as_deref().and_then(|bytes| Model::load(bytes).ok());
        Version { number, own: model.map(|model| model.own), is_at_work: bytes.is_some() && bytes == work }
    };
    Ok(numbers(folder)?.into_iter().map(of).collect())
}

/// The version before the one that is at work; 0, the shipped one, before the first.
pub fn before(folder: &Path) -> Result<u32, VersionError> {
    let all = list(folder)?;
    let at = all.iter().rposition(|one| one.is_at_work);
    Ok(at.and_then(|at| at.checked_sub(1)).map_or(0, |at| all[at].number))
}

/// Where the one at work lies.
pub fn at_work(folder: &Path) -> PathBuf {
    folder.join("network.bin")
}

fn numbers(folder: &Path) -> Result<Vec<u32>, VersionError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(at(folder))?,
    };
    let number = |name: &str| name.strip_prefix(BEGIN)?.strip_suffix(END)?.parse().ok();
    let mut numbers: Vec<u32> =
        entries.flatten().filter_map(|entry| number(&entry.file_name().to_string_lossy())).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{BEGIN}{number}{END}"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), VersionError> {
    let beside = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> VersionError {
    let path = path.to_owned();
    move |error| VersionError::Io { path, error }
}

const BEGIN: &str = "network-";
const END: &str = ".bin";
/// Versions that are kept: the oldest goes.
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_kept_and_rolled_back() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("attack");
        assert_eq!((list(&folder).unwrap(), before(&folder).unwrap()), (Vec::new(), 0));
        let mut model = Model::shipped().unwrap();
        for number in 1..=3 {
            model.own = number as usize * 10;
            assert_eq!(keep(&folder, &model).unwrap(), number);
        }
        let told = |folder: &Path| -> Vec<(u32, Option<usize>, bool)> {
            list(folder).unwrap().iter().map(|one| (one.number, one.own, one.is_at_work)).collect()
        };
        assert_eq!(told(&folder), [(1, Some(10), false), (2, Some(20), false), (3, Some(30), true)]);
        assert_eq!(before(&folder).unwrap(), 2);
        put(&folder, 2).unwrap();
        assert_eq!(Model::load(&fs::read(at_work(&folder)).unwrap()).unwrap().own, 20);
        fs::write(path(&folder, 1), b"damaged").unwrap();
        assert!(matches!(put(&folder, 1), Err(VersionError::Model(1, _))));
        assert!(matches!(put(&folder, 9), Err(VersionError::Missing(9))));
        assert_eq!(told(&folder), [(1, None, false), (2, Some(20), true), (3, Some(30), false)]);
        put(&folder, 0).unwrap();
        put(&folder, 0).unwrap();
        assert!(!at_work(&folder).exists() && list(&folder).unwrap().iter().all(|one| !one.is_at_work));
        for _ in 0..MOST {
            keep(&folder, &model).unwrap();
        }
        assert_eq!(told(&folder).len(), MOST);
    }
}
