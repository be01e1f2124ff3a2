//! A Redis of its own on a free port, started by whoever needs it and ended with it.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Result;
use fieldward_aggregator::bus::server::RedisConfig;
use fieldward_aggregator::outward::Papers;
use rustix::process::{Pid, Signal, kill_process};

use crate::link::pki::Pki;

/// A server that ends when it is dropped.
pub struct Redis {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    is_sealed: bool,
}

impl Redis {
    /// Starts one. None, said loudly, where none is installed.
    pub fn start() -> Option<Self> {
        Self::of(tempfile::tempdir().expect("a folder"), false)
    }

    /// Starts one that speaks by TLS only, with whoever shows a certificate of the same root.
    pub fn start_sealed(pki: &Pki) -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        pki.write(folder.path(), "localhost")?;
        Ok(Self::of(folder, true))
    }

    fn of(folder: tempfile::TempDir, is_sealed: bool) -> Option<Self> {
        // A port that is free now; should another take it, the next is tried.
        for _ in 0..20 {
            let port = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
            match run(port, folder.path(), is_sealed) {
                Ok(Some(child)) => return Some(Self { child, port, folder, is_sealed }),
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

    /// By what an aggregator asks it.
    pub fn config(&self) -> RedisConfig {
        if !self.is_sealed {
            return RedisConfig { url: Some(self.url().into()), ..RedisConfig::default() };
        }
        let file = |name: &str| self.folder.path().join(name);
        let tls = Papers {
            roots: file("root.pem"),
            certificate: Some(file("certificate.pem")),
            key: Some(file("key.pem")),
        };
        RedisConfig { url: Some(format!("rediss://localhost:{}/0", self.port).into()), tls }
    }

    /// Kills it.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Starts it again at the same place; it has forgotten everything.
    pub fn start_again(&mut self) {
        while let Ok(None) = run(self.port, self.folder.path(), self.is_sealed)
            .map(|child| child.map(|child| self.child = child))
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
fn run(port: u16, folder: &Path, is_sealed: bool) -> std::io::Result<Option<Child>> {
    let mut command = Command::new("redis-server");
    if is_sealed {
        command.args(["--port", "0", "--tls-port", &port.to_string(), "--tls-auth-clients", "yes"]);
        for (key, name) in [("ca-cert", "root"), ("cert", "certificate"), ("key", "key")] {
            command.arg(format!("--tls-{key}-file")).arg(folder.join(format!("{name}.pem")));
        }
    } else {
        command.args(["--port", &port.to_string()]);
    }
    let mut child = command
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
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
