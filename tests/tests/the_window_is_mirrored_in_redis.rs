//! The context window in a real Redis: sixty seconds of it, in the layout that other tools read. Skips
//! loudly where no redis-server is installed.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use fieldward_agent::mirror::Mirror;

/// A server that ends with the test.
struct Server {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        // A port that is free now; should another take it, the next is tried.
        for _ in 0..20 {
            let port = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
            let mut child = Command::new("redis-server")
                .args([
                    "--port",
                    &port.to_string(),
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                ])
                .args(["--dir", &folder.path().to_string_lossy()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .ok()?;
            while child.try_wait().is_ok_and(|ended| ended.is_none()) {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Some(Self { child, port, _folder: folder });
                }
                std::thread::yield_now();
            }
        }
        None
    }

    fn ask(&self, words: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(words)
            .output()
            .expect("redis-cli");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn sixty_seconds_are_there_and_a_flush_harms_nothing() {
    let Some(server) = Server::start() else {
        eprintln!("SKIPPED: no redis-server (make setup installs it)");
        return;
    };
    let mirror =
        Mirror::start(&format!("redis://127.0.0.1:{}/0", server.port), "plant_a").expect("an address");
    let write = |seconds: std::ops::Range<u64>| {
        for second in seconds {
            let before = mirror.written();
            mirror.second(second, format!("{{\"second\":{second}}}"));
            while mirror.written() == before {
                std::thread::yield_now();
            }
        }
    };
    write(1000..1100);
    assert_eq!(server.ask(&["ZCARD", "context:plant_a"]), "60");
    assert_eq!(server.ask(&["ZRANGE", "context:plant_a", "0", "0", "WITHSCORES"]), "{\"second\":1040}\n1040");
    assert!(server.ask(&["TTL", "context:plant_a"]).parse::<u64>().expect("seconds") <= 120);
    server.ask(&["FLUSHALL"]);
    write(1100..1103);
    assert_eq!(server.ask(&["ZCARD", "context:plant_a"]), "3");
    assert_eq!(mirror.dropped(), 0);
}
