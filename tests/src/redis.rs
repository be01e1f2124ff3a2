//! A Redis of its own on a free port, started by whoever needs it and ended with it.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A server that ends when it is dropped.
pub struct Redis {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Redis {
    /// Starts one. None, said loudly, where none is installed.
    pub fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        // A port that is free now; should another take it, the next is tried.
        for _ in 0..20 {
            let port = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
            match run(port, folder.path()) {
                Ok(Some(child)) => return Some(Self { child, port, folder }),
                Ok(None) => {}
                Err(error) => {
                    eprintln!("SKIPPED: no redis-server (make setup installs it): {error}");
                    return None;
                }
            }
        }
        None
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Kills it.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Starts it again at the same place; it has forgotten everything.
    pub fn start_again(&mut self) {
        while let Ok(None) =
            run(self.port, self.folder.path()).map(|child| child.map(|child| self.child = child))
        {}
    }

    /// Holds it up: it answers nobody, and connections stay.
    pub fn hold(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// What `redis-cli` says.
    pub fn ask(&self, words: &[&str]) -> String {
        let output = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(words).output();
        String::from_utf8_lossy(&output.expect("redis-cli").stdout).trim().to_owned()
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process(pid, signal);
        }
    }
}

/// Starts a server; none when it ended before anybody could connect.
fn run(port: u16, folder: &Path) -> std::io::Result<Option<Child>> {
    let mut child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--dir", &folder.to_string_lossy()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    while child.try_wait()?.is_none() {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(Some(child));
        }
        std::thread::yield_now();
    }
    Ok(None)
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.go_on();
        self.kill();
    }
}
