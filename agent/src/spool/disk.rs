//! What the spool asks of the machine: files in one folder, the space that is left, the time of day.
//! It goes through a trait so that tests can fill the disk, fail a sync and cut the power.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use fieldward_shared::time::Timestamp;

/// A folder, the space around it, and the time. Names are relative to the folder.
pub trait Disk: Send + Sync {
    /// Names and sizes of the files in the folder, or in a folder of it.
    fn list(&self, folder: &str) -> io::Result<Vec<(String, u64)>>;
    /// At most `most` bytes of a file from `at` on.
    fn read(&self, name: &str, at: u64, most: usize) -> io::Result<Vec<u8>>;
    /// A new file, for which so many bytes are set aside.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn Handle>>;
    /// A file that is there, to write to.
    fn open(&self, name: &str) -> io::Result<Box<dyn Handle>>;
    /// Gives a file another name, over a file that may have it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Until then, what was created, renamed and removed may come undone when the power fails.
    fn sync_folder(&self) -> io::Result<()>;
    /// How much there is and how much is left.
    fn space(&self) -> io::Result<Space>;
    /// The time of day.
    fn now(&self) -> Timestamp;
    /// Bytes that nobody else has.
    fn chance(&self) -> [u8; 16];
}

/// A file that is open for writing.
pub trait Handle: Send {
    /// Writes all of it.
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Until then, what was written may be gone when the power fails.
    fn sync(&mut self) -> io::Result<()>;
    /// Makes the file so long, setting aside what it grows by.
    fn resize(&mut self, bytes: u64) -> io::Result<()>;
}

/// Space of a file system, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// What we may still take.
    pub free: u64,
}

/// A folder of this machine.
pub struct Folder {
    path: PathBuf,
    /// Held as long as the folder is ours.
    _lock: Option<File>,
}

/// The folder where damaged files are put aside.
pub const QUARANTINE: &str = "quarantine";

impl Folder {
    /// The folder, made when it is not there. None but us may use it until this is dropped.
    pub fn take(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let lock = match OpenOptions::new().create(true).append(true).open(path.join("lock")) {
            Ok(lock) => Some(lock),
            // A file system that has become read-only: go on without what needs writing.
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => None,
            Err(error) => return Err(error),
        };
        if let Some(lock) = &lock {
            lock.try_lock().map_err(|_| io::Error::other("another process uses it"))?;
            fs::create_dir_all(path.join(QUARANTINE))?;
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder, only to look at, whoever uses it.
    pub fn look(path: &Path) -> Self {
        Self { path: path.to_owned(), _lock: None }
    }
}

impl Disk for Folder {
    fn list(&self, folder: &str) -> io::Result<Vec<(String, u64)>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path.join(folder))? {
            let entry = entry?;
            let about = entry.metadata()?;
            if about.is_file() {
                names.push((entry.file_name().to_string_lossy().into_owned(), about.len()));
            }
        }
        Ok(names)
    }

    fn read(&self, name: &str, at: u64, most: usize) -> io::Result<Vec<u8>> {
        let file = File::open(self.path.join(name))?;
        let rest = file.metadata()?.len().saturating_sub(at);
        let mut bytes = vec![0; most.min(usize::try_from(rest).unwrap_or(usize::MAX))];
        let mut filled = 0;
        while let Some(empty) = bytes.get_mut(filled..).filter(|empty| !empty.is_empty()) {
            match file.read_at(empty, at.saturating_add(filled as u64)) {
                Ok(0) => break,
                Ok(read) => filled = filled.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn Handle>> {
        let path = self.path.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let mut open = Open(file);
        open.resize(bytes).inspect_err(|_| drop(fs::remove_file(&path)))?;
        Ok(Box::new(open))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Handle>> {
        Ok(Box::new(Open(OpenOptions::new().write(true).open(self.path.join(name))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn space(&self) -> io::Result<Space> {
        let about = rustix::fs::statvfs(&self.path)?;
        Ok(Space {
            total: about.f_blocks.saturating_mul(about.f_frsize),
            free: about.f_bavail.saturating_mul(about.f_frsize),
        })
    }

    fn now(&self) -> Timestamp {
        // Not on the way from packet to alert: for the age of what is kept, and for loss records.
        #[expect(clippy::disallowed_methods, reason = "the spool's one look at the clock")]
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    fn chance(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        // The kernel seeds the generator; what it gives is only to be unlike any other.
        let mut chance = fastrand::Rng::new();
        chance.fill(&mut bytes);
        if let Ok(random) = File::open("/dev/urandom") {
            drop(random.read_exact_at(&mut bytes, 0));
        }
        bytes
    }
}

struct Open(File);

impl Handle for Open {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn resize(&mut self, bytes: u64) -> io::Result<()> {
        let now = self.0.metadata()?.len();
        if bytes <= now {
            return self.0.set_len(bytes);
        }
        // Some file systems cannot set space aside; there the write itself finds the disk full.
        match rustix::fs::fallocate(&self.0, rustix::fs::FallocateFlags::empty(), now, bytes - now) {
            Err(rustix::io::Errno::OPNOTSUPP) => self.0.set_len(bytes),
            done => Ok(done?),
        }
    }
}
