//! Clocks of either end jump, in a session and between two: whoever is refused for it waits, keeps identity
//! and alerts, and comes back when the clock does. The time of day is faked by libfaketime for a process of
//! its own; where that is not installed, nothing is checked, and said so.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldward_agent::identity::Folder;
use fieldward_aggregator::app;
use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::config::Config;
use fieldward_shared::clock::Clock;
use fieldward_shared::service::Notify;
use fieldward_shared::time::Timestamp;
use fieldward_tests::link::office::{Enrolled, Office, issued};
use fieldward_tests::link::{Agent, HERE, free, limits, oracle, pace, pki, until};
use serde_json::Value;
use uuid::Uuid;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A process whose clock is as far from ours as a file says.
struct Faked {
    clock: PathBuf,
    process: Child,
}

impl Faked {
    /// Runs a test of this file as that process; none when clocks cannot be faked here.
    fn start(folder: &Path, test: &str, settings: &[(&str, String)]) -> Option<Self> {
        let library = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
        let library = library.iter().map(|folder| Path::new(folder).join("faketime/libfaketime.so.1"));
        let Some(library) = library.into_iter().find(|library| library.exists()) else {
            eprintln!("NOT CHECKED: libfaketime is not installed here, so no clock jumped");
            return None;
        };
        let clock = folder.join("clock");
        jump(&clock, 0);
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", test, "--nocapture"]);
        command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &clock);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command.env("DONT_FAKE_MONOTONIC", "1").envs(settings.iter().map(|(name, value)| (*name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        Some(Self { clock, process: command.spawn().expect("a process") })
    }

    fn jump(&self, seconds: i64) {
        jump(&self.clock, seconds);
    }
}

impl Drop for Faked {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Whole or not at all: it is read at any moment.
fn jump(clock: &Path, seconds: i64) {
    let new = clock.with_extension("new");
    std::fs::write(&new, format!("{seconds:+}")).expect("a file");
    std::fs::rename(new, clock).expect("a file");
}

/// Not a test of its own: an agent that does what it is told, and says all the while how it is.
#[test]
fn agent() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let told = |name| std::env::var(name).expect("what the story says");
    let (to, id): (SocketAddr, Uuid) = (told(TO).parse().unwrap(), told(ID).parse().unwrap());
    let own = Enrolled {
        facility: "north".to_owned(),
        id,
        folder: Folder::in_state(&Path::new(&folder).join("state")),
        token: String::new(),
    };
    let mut agent = own.start(Path::new(&folder), to, pace()).unwrap();
    let (tell, orders) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            drop(tell.send(line));
        }
    });
    loop {
        match orders.recv_timeout(Duration::from_millis(20)) {
            Ok(order) if order == "issue" => agent.issue(20),
            Ok(order) if order == "again" => agent.connect(to).unwrap(),
            Ok(_) | Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
        }
        agent.spool.sync();
        let (done, status) = (agent.is_done(), agent.status());
        println!("\n{}", serde_json::json!({ "issued": agent.issued, "done": done, "status": status }));
    }
}

/// The agent's process, and what it said last.
struct Far {
    faked: Faked,
    input: ChildStdin,
    said: Arc<Mutex<Value>>,
    issued: u64,
}

impl Far {
    fn new(mut faked: Faked) -> Self {
        let (input, output) = (faked.process.stdin.take(), faked.process.stdout.take());
        let (input, output) = (input.expect("a way in"), output.expect("a way out"));
        let said = Arc::new(Mutex::new(Value::Null));
        let hearing = said.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Ok(value @ Value::Object(_)) = serde_json::from_str(&line) {
                    *hearing.lock().expect("no panic") = value;
                }
            }
        });
        Self { faked, input, said, issued: 0 }
    }

    fn order(&mut self, order: &str) {
        writeln!(self.input, "{order}").expect("it lives");
    }

    async fn issue(&mut self, what: &str) {
        self.order("issue");
        self.issued += 20;
        until(what, || self.said()["issued"] == self.issued && self.said()["done"] == true).await;
    }

    /// Ends its session, if there is one, and tries anew.
    async fn again(&mut self) {
        self.order("again");
        // What it says then is of the new uplink.
        until("it tries anew", || self.said()["status"]["sessions"].as_u64() <= Some(1)).await;
    }

    fn said(&self) -> Value {
        self.said.lock().expect("no panic").clone()
    }

    fn connected(&self) -> bool {
        self.said()["status"]["connected"].is_string()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_clock_jumps() {
    let folder = tempfile::tempdir().unwrap();
    let office = Office::open(folder.path(), HERE, limits()).await.unwrap();
    let own = office.enrol(&folder.path().join("state"), "north").await.unwrap();
    let serial = || own.folder.trust().unwrap().identity.leaf.serial.to_string();
    let before = serial();
    let settings = [
        (FOLDER, folder.path().display().to_string()),
        (TO, office.address().to_string()),
        (ID, own.id.to_string()),
    ];
    let Some(faked) = Faked::start(folder.path(), "agent", &settings) else { return };
    let mut far = Far::new(faked);
    far.issue("with the right clock").await;
    let fleet = office.aggregator.intake.fleet();
    for jump in [HOUR, -HOUR, 400 * DAY, -400 * DAY] {
        far.faked.jump(jump);
        far.issue("a session does not end for a clock").await;
        let near = |offset: i64| (offset / 1_000_000 - jump).abs() < 60;
        until("its offset is known", || {
            let all = fleet.snapshot(Timestamp::default());
            all[0].clock_offset.is_some_and(near)
        })
        .await;
    }
    for jump in [HOUR, -HOUR, -400 * DAY] {
        far.faked.jump(jump);
        far.again().await;
        far.issue("with a clock that is wrong but not too far ahead").await;
        let ahead = far.said()["status"]["clock_ahead"].as_i64().unwrap();
        assert!((ahead + jump).abs() < 60, "{ahead} s after {jump}");
    }
    far.faked.jump(400 * DAY);
    far.order("again");
    until("it takes the aggregator's certificate for ended", || {
        far.said()["status"]["trouble"].as_str().is_some_and(|trouble| trouble.contains("clocks"))
            && far.said()["status"]["failures"].as_u64() >= Some(3)
    })
    .await;
    far.order("issue");
    far.issued += 20;
    until("it keeps what is new", || far.said()["issued"] == far.issued).await;
    assert!(!far.connected() && far.said()["done"] == false);
    far.faked.jump(0);
    far.issue("it comes back by itself").await;
    assert_eq!(serial(), before, "it was neither enrolled nor renewed for it");
    let issued = far.issued;
    drop(far);
    let mut agent = own.start(folder.path(), office.address(), pace()).unwrap();
    agent.issued = issued;
    until("nothing is left", || agent.is_done()).await;
    agent.disconnect();
    office.close().await;
    oracle::judge(folder.path(), &[&agent]).await.unwrap();
}

/// Not a test of its own: the aggregator.
#[test]
fn aggregator() {
    let Ok(text) = std::env::var(CONFIG) else { return };
    let config = Config::parse("the story", &text, std::iter::empty()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(app::run(config, Notify::default())).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aggregators_clock_jumps() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca");
    Authority::init(&ca, Clock::default().now()).unwrap();
    let at = free();
    let config = format!(
        "database_url = \"sqlite://{}\"\nlisten = \"{at}\"\n[api]\nlisten = \"127.0.0.1:0\"\n[ca]\nfolder = \"{}\"\nnames = [\"{}\"]",
        folder.path().join("fieldward.db").display(),
        ca.display(),
        pki::NAME,
    );
    let Some(faked) = Faked::start(folder.path(), "aggregator", &[(CONFIG, config)]) else { return };
    let own = issued(&ca, "north").unwrap();
    let mut agent = Agent::start_as(folder.path(), "north", own, at, pace()).unwrap();
    let committed = async |agent: &mut Agent, what: &str| {
        agent.issue(20);
        agent.spool.sync();
        until(what, || agent.is_done()).await;
    };
    committed(&mut agent, "with the right clock").await;
    for jump in [HOUR, -HOUR / 2, -400 * DAY, 0] {
        faked.jump(jump);
        committed(&mut agent, "a session does not end for a clock").await;
    }
    assert_eq!(agent.status().sessions, 1);
    for jump in [HOUR, -HOUR / 2] {
        faked.jump(jump);
        agent.connect(at).unwrap();
        committed(&mut agent, "a clock may be a little wrong").await;
        let ahead = agent.status().clock_ahead;
        assert!((ahead - jump).abs() < 60, "{ahead} s for {jump}");
    }
    for jump in [400 * DAY, -400 * DAY] {
        faked.jump(jump);
        agent.connect(at).unwrap();
        agent.issue(20);
        until("its certificate is refused", || agent.status().failures >= 3).await;
        assert_eq!((agent.status().connected, agent.spool.sync().unacknowledged), (None, 20));
        faked.jump(0);
        until("it comes back by itself", || agent.is_done()).await;
    }
    agent.disconnect();
    drop(faked);
    oracle::judge(folder.path(), &[&agent]).await.unwrap();
}

const FOLDER: &str = "FIELDWARD_STORY_FOLDER";
const TO: &str = "FIELDWARD_STORY_TO";
const ID: &str = "FIELDWARD_STORY_ID";
const CONFIG: &str = "FIELDWARD_STORY_CONFIG";
