//! The plant's broker: mosquitto, as a child process with a configuration of its own that is gone with it.
//!
//! It never outlives this process: it is killed and waited for when this ends in any orderly way or by a
//! panic, and the kernel ends it when this is killed itself.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddrV4;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use tempfile::TempDir;

use super::{connect, doors};
use crate::net::mqtt::{PASSWORD, USERS};
use crate::world::World;

/// A broker that runs.
pub struct Mosquitto {
    at: SocketAddrV4,
    child: Child,
    folder: TempDir,
}

impl Mosquitto {
    /// Starts a broker there and waits until it listens.
    pub async fn start(at: SocketAddrV4) -> io::Result<Self> {
        let broker = program("mosquitto")?;
        let folder = tempfile::Builder::new().prefix("fieldward-broker-").tempdir()?;
        let path = |name: &str| folder.path().join(name).display().to_string();
        let users: String = USERS.iter().map(|user| format!("{user}:{PASSWORD}\n")).collect();
        fs::write(path("users"), users)?;
        let hashed = Command::new(program("mosquitto_passwd")?).args(["-U", &path("users")]).output()?;
        if !hashed.status.success() {
            let said = String::from_utf8_lossy(&hashed.stderr).trim().to_owned();
            return Err(io::Error::other(format!("mosquitto_passwd failed: {said}")));
        }
        // Started by root it would become another user, who may not read this folder.
        let config = format!(
            "listener {} {}\nallow_anonymous true\npassword_file {}\npersistence false\nset_tcp_nodelay true\n\
             user root\nlog_dest stderr\nlog_type error\nlog_type warning\n",
            at.port(),
            at.ip(),
            path("users"),
        );
        fs::write(path("config"), config)?;
        let mut command = match program("setpriv") {
            Ok(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(broker);
                command
            }
            Err(_) => Command::new(broker),
        };
        // A group of its own: Ctrl-C is for this process, which then ends the broker.
        command.args(["-c", &path("config")]).process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(path("log"))?);
        let child = command.spawn()?;
        let mut broker = Self { at, child, folder };
        for _ in 0..MOST_LOOKS {
            if broker.ended() {
                return Err(io::Error::other(format!("mosquitto ended at once: {}", broker.last_words())));
            }
            if connect(*at.ip(), at, LOOK).await.is_ok() {
                return Ok(broker);
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(io::Error::other(format!("mosquitto does not listen after 10 s: {}", broker.last_words())))
    }

    fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().next_back().unwrap_or("it said nothing").to_owned()
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // Both fail only for a process that has ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Keeps the broker running while its host is up.
pub async fn keep(world: &Rc<World>, host: usize, first: Mosquitto) {
    let at = first.at;
    let mut running = Some(first);
    loop {
        doors::until(|| world.reachable(host)).await;
        let mut broker = match running.take() {
            Some(broker) => broker,
            None => match Mosquitto::start(at).await {
                Ok(broker) => broker,
                Err(error) => {
                    tracing::warn!(%error, "the broker cannot start again; it is tried anew");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            },
        };
        while world.reachable(host) {
            tokio::time::sleep(LOOK).await;
            if broker.ended() {
                tracing::warn!(why = broker.last_words(), "the broker ended by itself and is started again");
                break;
            }
        }
    }
}

/// Whether a broker can be started.
pub fn has_broker() -> bool {
    ["mosquitto", "mosquitto_passwd"].into_iter().all(|name| program(name).is_ok())
}

/// A program, also where only administrators look for programs.
pub fn program(name: &str) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file()).ok_or_else(|| {
        let what = format!(
            "the program {name} is missing; mosquitto is what plants need (apt-get install mosquitto)"
        );
        io::Error::new(io::ErrorKind::NotFound, what)
    })
}

/// How often a new broker is looked at, and how often its end is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// How many looks before it counts as failed.
const MOST_LOOKS: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_ends_with_its_owner_also_in_a_panic() {
        let started = crate::live::run(async {
            let at = SocketAddrV4::new([127, 99, 0, 1].into(), 30_000 + (std::process::id() % 20_000) as u16);
            Mosquitto::start(at).await
        });
        let broker = match started.expect("a runtime") {
            Ok(broker) => broker,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                eprintln!("SKIPPED, and nothing was tested: {error}");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        let process = PathBuf::from(format!("/proc/{}", broker.child.id()));
        let folder = broker.folder.path().to_owned();
        assert!(process.exists() && folder.exists());
        let owner = std::thread::spawn(move || {
            let _broker = broker;
            panic!("on purpose");
        });
        assert!(owner.join().is_err());
        assert!(!process.exists() && !folder.exists());
    }
}
