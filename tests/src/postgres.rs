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
    settings: Vec<String>,
    place: Place,
    databases: AtomicU64,
}

/// Where its data are, and its socket.
struct Place {
    data: PathBuf,
    folder: tempfile::TempDir,
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
        let server = Arc::new(Self::make(&programs, &[], None).expect("a PostgreSQL"));
        *running = Arc::downgrade(&server);
        Some(server)
    }

    /// A server with settings (`name=value`).
    pub fn with(settings: &[&str]) -> Option<Result<Self>> {
        programs().map(|programs| Self::make(&programs, settings, None))
    }

    /// A server whose data are in a folder that exists and is empty.
    pub fn within(data: &Path) -> Option<Result<Self>> {
        programs().map(|programs| Self::make(&programs, &[], Some(data)))
    }

    fn make(programs: &Path, settings: &[&str], data: Option<&Path>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("pg").tempdir()?;
        let data = data.map_or_else(|| folder.path().join("data"), Path::to_owned);
        let place = Place { data, folder };
        std::fs::create_dir_all(&place.data)?;
        if let Some((uid, gid)) = user()? {
            std::os::unix::fs::chown(place.folder.path(), Some(uid), Some(gid))?;
            std::os::unix::fs::chown(&place.data, Some(uid), Some(gid))?;
        }
        let made = place
            .program(programs, "initdb")?
            .arg("--pgdata")
            .arg(&place.data)
            .args(["--username", "fieldward", "--auth", "trust", "--encoding", "UTF8"])
            .args(["--no-sync", "--no-locale"])
            .output()
            .context("initdb")?;
        if !made.status.success() {
            bail!("initdb: {}", String::from_utf8_lossy(&made.stderr));
        }
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let child = place.start(programs, &settings)?;
        Ok(Self { child, settings, place, databases: AtomicU64::new(0) })
    }

    /// Kills it, with all that it has started.
    pub fn kill(&mut self) -> Result<()> {
        let backends = self.backends();
        // First the one who would notice that the others die, and start anew.
        self.child.kill()?;
        self.child.wait()?;
        for backend in &backends {
            let _ = kill_process(*backend, Signal::KILL);
        }
        // Whoever starts again must be alone.
        while backends.iter().any(|backend| crate::cpu::runs(backend.as_raw_nonzero().get().cast_unsigned()))
        {
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Starts it again on the same data and the same socket.
    pub fn start_again(&mut self) -> Result<()> {
        let programs = programs().context("PostgreSQL")?;
        self.child = self.place.start(&programs, &self.settings)?;
        Ok(())
    }

    /// Holds all of it up: it answers nobody and ends nothing.
    pub fn hold(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let own = Pid::from_raw(self.child.id().cast_signed());
        for process in own.into_iter().chain(self.backends()) {
            let _ = kill_process(process, signal);
        }
    }

    fn backends(&self) -> Vec<Pid> {
        crate::cpu::children(self.child.id()).filter_map(|child| Pid::from_raw(child.cast_signed())).collect()
    }

    /// A new, empty database; its URL.
    pub fn database(&self) -> Result<String> {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let programs = programs().context("PostgreSQL")?;
        let made = Command::new(programs.join("createdb"))
            .args(["--host", &self.place.folder.path().to_string_lossy(), "--username", "fieldward", &name])
            .output()?;
        if !made.status.success() {
            bail!("createdb: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(format!("postgres://fieldward@localhost/{name}?host={}", self.place.folder.path().display()))
    }

    /// Its process, to be held up or killed.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Place {
    fn program(&self, programs: &Path, name: &str) -> Result<Command> {
        let mut command = Command::new(programs.join(name));
        if let Some((uid, gid)) = user()? {
            command.uid(uid).gid(gid);
        }
        command.current_dir(self.folder.path()).env("LC_ALL", "C").env_remove("PGDATA");
        Ok(command)
    }

    fn start(&self, programs: &Path, settings: &[String]) -> Result<Child> {
        let mut child = self
            .program(programs, "postgres")?
            .arg("-D")
            .arg(&self.data)
            .args(["-c", "listen_addresses=", "-c"])
            .arg(format!("unix_socket_directories={}", self.folder.path().display()))
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
        Ok(child)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // What is held up hears nothing.
        self.go_on();
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
