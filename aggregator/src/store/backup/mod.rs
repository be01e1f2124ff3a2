//! Backups: a whole copy while the service runs, checked before it counts, and a database made from one. What
//! agents reported after the copy comes again from them: positions are part of it.

mod postgres;
mod sqlite;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::db::{Place, place};
use super::{StoreError, audit};

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database did not do what was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error("{path}: {what}; look at its folder, its owner and the room on its disk")]
    File {
        /// Which.
        path: PathBuf,
        /// What happened.
        what: io::Error,
    },
    /// It is no backup, or not a whole one.
    #[error("{path}: {what}; nothing was changed: take another backup")]
    Unsound {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// There is a database already.
    #[error("there is a database at {place} already; use --overwrite to replace it, it is lost then")]
    Exists {
        /// Where.
        place: String,
    },
    /// Somebody works with it.
    #[error("{place} is in use; stop the service first")]
    InUse {
        /// Which.
        place: String,
    },
}

/// Copies a database into a file; gives the bytes of the copy.
pub async fn write(url: &str, file: &Path) -> Result<u64, BackupError> {
    let failed = |what| BackupError::File { path: file.to_owned(), what };
    let part = beside(file);
    remove(&part).map_err(failed)?;
    let written = match place(url)? {
        Place::File(database) => sqlite::write(database, &part).await,
        Place::Server(options) => postgres::write(*options, &part).await,
    };
    if let Err(error) = written {
        drop(remove(&part));
        return Err(error);
    }
    keep(&part, file).map_err(failed)?;
    fs::metadata(file).map(|known| known.len()).map_err(failed)
}

/// Makes a database from a file; refuses to replace one unless it is told to.
pub async fn restore(url: &str, file: &Path, overwrite: bool) -> Result<(), BackupError> {
    match place(url)? {
        Place::File(database) => sqlite::restore(file, database, overwrite).await,
        Place::Server(options) => postgres::restore(file, *options, overwrite).await,
    }
}

fn unsound(path: &Path, what: impl ToString) -> BackupError {
    BackupError::Unsound { path: path.to_owned(), what: what.to_string() }
}

/// The name under which a file is written before it is whole.
fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Gives a file that is whole its name, so that a power cut leaves the old one or the new one.
fn keep(part: &Path, file: &Path) -> io::Result<()> {
    File::open(part)?.sync_all()?;
    fs::rename(part, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
