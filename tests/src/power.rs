//! Power cuts. A file system of its own, ext4 in a file, is shut down without flushing its journal: when it is
//! mounted again it has what was synced, and of the rest whatever the disk happened to have.

use std::ffi::OsStr;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// A disk whose power can be cut. It is taken away when it is dropped.
pub struct Disk {
    folder: tempfile::TempDir,
    is_mounted: bool,
}

impl Disk {
    /// Makes one of so many mebibytes. None, said loudly, where nobody may mount, or its programs are missing.
    pub fn make(mebibytes: u64) -> Option<Self> {
        match Self::try_make(mebibytes) {
            Ok(disk) => Some(disk),
            Err(error) => {
                eprintln!("SKIPPED: no disk of its own (root, loop devices, mkfs.ext4, python3): {error:#}");
                None
            }
        }
    }

    fn try_make(mebibytes: u64) -> Result<Self> {
        run("python3", ["-c", "import fcntl"])?;
        let folder = tempfile::Builder::new().prefix("power").tempdir()?;
        let mut disk = Self { folder, is_mounted: false };
        let image = std::fs::File::create(disk.image())?;
        // Sparse: it takes what is written to it.
        image.set_len(mebibytes << 20)?;
        drop(image);
        run("mkfs.ext4", [OsStr::new("-q"), OsStr::new("-F"), disk.image().as_os_str()])?;
        std::fs::create_dir(disk.path())?;
        // A server runs as another user than its test.
        std::fs::set_permissions(disk.folder.path(), std::fs::Permissions::from_mode(0o755))?;
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// Brings everything to the disk.
    pub fn sync(&self) -> Result<()> {
        run("sync", [OsStr::new("-f"), self.path().as_os_str()]).map(drop)
    }

    /// Cuts the power: nothing reaches the disk any more. Gives the microseconds since 1970 at which it began.
    ///
    /// Whoever writes is told so, but not always: who waits for the journal while it is given up may hear
    /// that all is well.
    pub fn cut(&self) -> Result<u64> {
        // EXT4_IOC_SHUTDOWN, with the flag not to flush the journal.
        let shut = "import fcntl, os, struct, sys, time\n\
                    disk = os.open(sys.argv[1], os.O_RDONLY)\n\
                    print(time.time_ns() // 1000)\n\
                    fcntl.ioctl(disk, 0x8004587d, struct.pack('I', 2))";
        let said = run("python3", [OsStr::new("-c"), OsStr::new(shut), self.path().as_os_str()])?;
        said.trim().parse().context("the time of the cut")
    }

    /// Lets nobody write any more, whatever is open: as the kernel does when the disk below it fails.
    pub fn turn_read_only(&self) -> Result<()> {
        run("mount", [OsStr::new("-o"), OsStr::new("remount,abort"), self.path().as_os_str()]).map(drop)
    }

    /// Takes it off and mounts it again, as after a cut. Nobody may have a file open there.
    pub fn restore(&mut self) -> Result<()> {
        run("umount", [self.path()])?;
        self.is_mounted = false;
        self.mount()
    }

    fn mount(&mut self) -> Result<()> {
        run(
            "mount",
            [OsStr::new("-o"), OsStr::new("loop"), self.image().as_os_str(), self.path().as_os_str()],
        )?;
        self.is_mounted = true;
        Ok(())
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            drop(Command::new("umount").arg("-l").arg(self.path()).stderr(Stdio::null()).status());
        }
    }
}

/// Fills what is left of a file system with a file of its own, which is removed when it is dropped.
pub struct Filler(PathBuf);

impl Filler {
    /// Fills it.
    pub fn fill(folder: &Path) -> Result<Self> {
        let filler = Self(folder.join("filler"));
        let mut file = std::fs::File::create(&filler.0)?;
        let piece = vec![0; 64 << 10];
        loop {
            match file.write_all(&piece) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error.into()),
            }
        }
        file.sync_all()?;
        Ok(filler)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn run<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Result<String> {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let done = done.with_context(|| program.to_owned())?;
    if !done.status.success() {
        bail!("{program}: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
