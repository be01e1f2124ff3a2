//! Files that hold keys: none but their owner may read them, and a power cut leaves the old file or the new
//! one, never a part.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Largest file that is read.
pub const LARGEST: u64 = 256 << 10;

/// What is wrong with such a file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others may read it.
    #[error("{}: others may read this key (mode {mode:03o}); chmod 600 it, and think of it as known to them", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Larger than such a file is.
    #[error("{}: larger than {most} bytes; this is no such file", path.display())]
    Large {
        /// Which file.
        path: PathBuf,
        /// What it may have.
        most: u64,
    },
}

/// Reads a file that none but its owner may read.
pub fn read(path: &Path) -> Result<Vec<u8>, KeyFileError> {
    read_at_most(path, LARGEST)
}

/// The same for what is sealed with a key and may be larger.
pub fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, KeyFileError> {
    let wrong = |source| KeyFileError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(wrong)?;
    let about = file.metadata().map_err(wrong)?;
    // Credentials of systemd are shared with the service's user by an ACL, whose mask looks like a group's right.
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let others = if credentials.is_some_and(|folder| path.starts_with(folder)) { 0o007 } else { 0o077 };
    let mode = about.permissions().mode() & 0o777;
    if mode & others != 0 {
        return Err(KeyFileError::Open { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.len() as u64 > most {
        return Err(KeyFileError::Large { path: path.to_owned(), most });
    }
    Ok(bytes)
}

/// Puts a file in place of the one that may be there: on disk when it returns.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    let fresh = beside(path);
    let wrong = |source| KeyFileError::Io { path: path.to_owned(), source };
    // Left over from a write that was cut off.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(wrong(error)),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(wrong)?;
    hand_over(&file, path);
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(&fresh, path)).map_err(wrong)?;
    sync_folder(path).map_err(wrong)
}

/// Gives a file another name, over a file that may have it: on disk when it returns.
pub fn rename(from: &Path, to: &Path) -> Result<(), KeyFileError> {
    let moved = fs::rename(from, to).and_then(|()| sync_folder(to));
    moved.map_err(|source| KeyFileError::Io { path: from.to_owned(), source })
}

/// Removes a file when it is there.
pub fn remove(path: &Path) -> Result<(), KeyFileError> {
    match fs::remove_file(path).and_then(|()| sync_folder(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(KeyFileError::Io { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// Makes a folder that none but its owner may enter.
pub fn folder(path: &Path) -> Result<(), KeyFileError> {
    let is_new = !path.exists();
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| KeyFileError::Io { path: path.to_owned(), source })?;
    if is_new && let Ok(folder) = File::open(path) {
        hand_over(&folder, path);
    }
    Ok(())
}

/// An administrator's command writes for a service that runs as another user: what it makes belongs to
/// whom the folder around it belongs. Only root may do that, and only root needs to.
fn hand_over(file: &File, path: &Path) {
    let around = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let (Ok(owner), Ok(own)) = (fs::metadata(around), file.metadata())
        && owner.uid() != own.uid()
    {
        drop(std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid())));
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_others_may_read_are_refused() {
        let name = format!("fieldward-keyfile-{}", std::process::id());
        let place = std::env::temp_dir().join(name);
        folder(&place).unwrap();
        let key = place.join("a.key");
        fs::write(beside(&key), b"left over").unwrap();
        write(&key, b"secret").unwrap();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&key).unwrap(), b"secret");
        write(&key, b"another").unwrap();
        assert_eq!(read(&key).unwrap(), b"another");
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
            let said = read(&key).unwrap_err().to_string();
            assert!(said.contains("others may read") && !said.contains("another"), "{said}");
        }
        remove(&key).unwrap();
        remove(&key).unwrap();
        fs::remove_dir_all(&place).unwrap();
    }
}
