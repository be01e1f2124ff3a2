//! A PostgreSQL of its own: on a socket in a temporary folder, started by whoever needs it first and stopped
//! when nobody needs it any more. Its programs are Debian's; as root it runs as the user `postgres`.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A server that ends when it is dropped.
pub struct Postgres {
    child: Child,
    folder: tempfile::TempDir,
    databases: AtomicU64,
}

/// The one that runs now.
static RUNNING: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());

impl Postgres {
    /// The server that all share who need one at the same time. None, said loudly, where PostgreSQL is not
    /// installed.
    pub fn shared() -> Option<Arc<Self>> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = running.upgrade() {
            return Some(server);
        }
        let Some(programs) = programs() else {
            eprintln!("SKIPPED: PostgreSQL is not installed (scripts/setup.sh)");
            return None;
        };
        let server = Arc::new(Self::start(&programs, &[]).expect("a PostgreSQL"));
        *running = Arc::downgrade(&server);
        Some(server)
    }

    /// A server with settings (`name=value`).
    pub fn with(settings: &[&str]) -> Option<Result<Self>> {
        programs().map(|programs| Self::start(&programs, settings))
    }

    fn start(programs: &Path, settings: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("pg").tempdir()?;
        let user = user()?;
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid))?;
        }
        let program = |name: &str| {
            let mut command = Command::new(programs.join(name));
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command.current_dir(folder.path()).env("LC_ALL", "C").env_remove("PGDATA");
            command
        };
        let made = program("initdb")
            .args(["--pgdata", "data", "--username", "fieldward", "--auth", "trust", "--encoding", "UTF8"])
            .args(["--no-sync", "--no-locale"])
            .output()
            .context("initdb")?;
        if !made.status.success() {
            bail!("initdb: {}", String::from_utf8_lossy(&made.stderr));
        }
        let mut child = program("postgres")
            .args(["-D", "data", "-c", "listen_addresses="])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", folder.path().display()))
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("postgres")?;
        let mut log = BufReader::new(child.stderr.take().context("its log")?);
        let mut said = String::new();
        while !said.contains("ready to accept connections") {
            if log.read_line(&mut said)? == 0 {
                bail!("postgres ended: {said}");
            }
        }
        // What it says later is read and dropped, so that it never waits for a reader.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Ok(Self { child, folder, databases: AtomicU64::new(0) })
    }

    /// A new, empty database; its URL.
    pub fn database(&self) -> Result<String> {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let programs = programs().context("PostgreSQL")?;
        let made = Command::new(programs.join("createdb"))
            .args(["--host", &self.folder.path().to_string_lossy(), "--username", "fieldward", &name])
            .output()?;
        if !made.status.success() {
            bail!("createdb: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(format!("postgres://fieldward@localhost/{name}?host={}", self.folder.path().display()))
    }

    /// Its process, to be held up or killed.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT: end all sessions, then itself.
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process(pid, Signal::INT);
        }
        drop(self.child.wait());
    }
}

/// Where the newest PostgreSQL has its programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |path: &Path| {
        path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok())
    };
    let newest = versions.map(|entry| entry.path()).max_by_key(|path| number(path))?.join("bin");
    newest.join("postgres").exists().then_some(newest)
}

/// As whom it runs: it refuses to run as root.
fn user() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.starts_with("postgres:")).context("no user postgres")?;
    let mut fields = line.split(':').skip(2).map(str::parse::<u32>);
    match (fields.next(), fields.next()) {
        (Some(Ok(uid)), Some(Ok(gid))) => Ok(Some((uid, gid))),
        _ => bail!("/etc/passwd: {line}"),
    }
}
