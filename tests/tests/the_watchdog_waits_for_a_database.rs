//! A database that hangs is no reason to start the aggregator anew: its watchdog is fed, sessions stay,
//! nothing is acknowledged, and all goes on when the database does. The test plays the service manager.

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fieldward_aggregator::app;
use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::config::Config;
use fieldward_shared::clock::Clock;
use fieldward_shared::service::Notify;
use fieldward_tests::link::office::issued;
use fieldward_tests::link::{Agent, free, pace, pki, until};
use fieldward_tests::postgres::Postgres;
use rustix::process::{Pid, Signal, kill_process};

/// Not a test of its own: the aggregator.
#[test]
fn aggregator() {
    let Ok(text) = std::env::var(CONFIG) else { return };
    let config = Config::parse("the story", &text, std::iter::empty()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(app::run(config, Notify::from_environment().unwrap())).unwrap();
}

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A server and all that work for it, held up until this is dropped.
struct Held(Vec<Pid>);

impl Held {
    fn new(server: u32) -> Self {
        let children =
            std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).expect("its children");
        let all = children.split_whitespace().map(|pid| pid.parse::<i32>().expect("a number"));
        let all: Vec<Pid> =
            all.chain([i32::try_from(server).expect("a number")]).filter_map(Pid::from_raw).collect();
        send(&all, Signal::STOP);
        Self(all)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        send(&self.0, Signal::CONT);
    }
}

fn send(to: &[Pid], signal: Signal) {
    for pid in to {
        // It may have ended by itself.
        let _ = kill_process(*pid, signal);
    }
}

/// Waits until the manager hears this so often.
fn heard(manager: &UnixDatagram, what: &str, mut times: u32) {
    let mut text = [0; 200];
    while times > 0 {
        let length = manager.recv(&mut text).unwrap_or_else(|error| panic!("no {what}: {error}"));
        times -= u32::from(&text[..length] == what.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watchdog_is_fed_while_the_database_hangs() {
    let Some(server) = Postgres::with(&[]) else { return };
    let (server, folder) = (server.unwrap(), tempfile::tempdir().unwrap());
    let manager = UnixDatagram::bind(folder.path().join("manager")).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let (ca, at) = (folder.path().join("ca"), free());
    Authority::init(&ca, Clock::default().now()).unwrap();
    let config = format!(
        "database_url = \"{}\"\nlisten = \"{at}\"\n[api]\nlisten = \"127.0.0.1:0\"\n[ca]\nfolder = \"{}\"\nnames = [\"{}\"]",
        server.database().unwrap(),
        ca.display(),
        pki::NAME,
    );
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "aggregator"]).env(CONFIG, config).stdout(Stdio::null()).stderr(Stdio::null());
    command.env("NOTIFY_SOCKET", folder.path().join("manager")).env("WATCHDOG_USEC", "4000000");
    let mut process = Process(command.spawn().unwrap());
    heard(&manager, "READY=1", 1);
    let own = issued(&ca, "north").unwrap();
    let mut agent = Agent::start_as(folder.path(), "north", own, at, pace()).unwrap();
    agent.issue(20);
    agent.spool.sync();
    until("it works", || agent.is_done()).await;

    let held = Held::new(server.pid());
    agent.issue(20);
    // More than were under way.
    heard(&manager, "WATCHDOG=1", 4);
    assert_eq!(agent.spool.sync().unacknowledged, 20, "nothing is acknowledged");
    assert_eq!(agent.status().sessions, 1, "the session stays");
    assert!(process.0.try_wait().unwrap().is_none());
    drop(held);
    until("it goes on", || agent.is_done()).await;
    assert_eq!(agent.status().sessions, 1);
}

const CONFIG: &str = "FIELDWARD_STORY_CONFIG";
