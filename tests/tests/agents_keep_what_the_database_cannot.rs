//! The database hangs, is killed, or its disk is full while agents report: nothing is acknowledged that is not
//! there, sessions stay, the operator reads it once, and all goes on by itself when the database is back.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use fieldward_aggregator::intake::{Intake, Parts};
use fieldward_aggregator::store::Store;
use fieldward_aggregator::store::alerts::Filter;
use fieldward_shared::alert::AlertId;
use fieldward_shared::telemetry::NetworkData;
use fieldward_tests::link::pki::Pki;
use fieldward_tests::link::{Agent, HERE, alert, limits, pace, until};
use fieldward_tests::postgres::Postgres;
use fieldward_tests::power::{Disk, Filler};
use tokio::sync::mpsc;

/// What is logged by the thread of a test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines_with(&self, words: &str) -> Vec<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let all = String::from_utf8_lossy(&bytes).into_owned();
        all.lines().filter(|line| line.contains(words)).map(ToOwned::to_owned).collect()
    }
}

/// An aggregator on some database, and two agents whose spools are elsewhere.
struct Lab {
    log: Log,
    store: Store,
    intake: Intake,
    agents: Vec<Agent>,
    _seconds: mpsc::Receiver<NetworkData>,
    _folder: tempfile::TempDir,
    _logging: tracing::subscriber::DefaultGuard,
}

impl Lab {
    async fn new(url: &str) -> Self {
        let log = Log::default();
        let copy = log.clone();
        let logging = tracing_subscriber::fmt().with_writer(move || copy.clone()).with_ansi(false).finish();
        let logging = tracing::subscriber::set_default(logging);
        let store = Store::open(url).await.expect("the store");
        let (pki, folder) = (Pki::new().expect("certificates"), tempfile::tempdir().expect("a folder"));
        let (seconds, arriving) = mpsc::channel(64);
        let (requests, _) = mpsc::channel(1);
        let parts = Parts {
            tls: pki.server().expect("certificates"),
            reset_key: [7; 64],
            gate: pki.gate(),
            store: store.clone(),
            seconds,
            requests,
            limits: limits(),
        };
        let intake = Intake::bind(HERE, parts).await.expect("it to start");
        let agent = |name: &str, to: SocketAddr, folder: &Path| {
            Agent::start(folder, name, &pki, to, pace()).expect("an agent")
        };
        let agents = ["north", "south"].map(|name| agent(name, intake.address(), folder.path())).into();
        Self { log, store, intake, agents, _seconds: arriving, _folder: folder, _logging: logging }
    }

    fn issue(&mut self, alerts: u64) {
        for agent in &mut self.agents {
            agent.issue(alerts);
            agent.spool.sync();
        }
    }

    async fn all_is_committed(&self) {
        until("everything is committed", || self.agents.iter().all(Agent::is_done)).await;
    }

    fn failures(&self) -> u64 {
        self.intake.counters().commit_errors.get()
    }

    /// Alerts come while the database is away: it is noticed, and nobody is sent away.
    async fn issue_in_vain(&mut self, alerts: u64) {
        let before = self.failures();
        self.issue(alerts);
        until("it is noticed", || self.failures() > before + 2).await;
        assert_eq!(self.intake.counters().sessions.get(), 2, "the sessions stay");
        assert!(self.agents.iter().all(|agent| agent.status().connected.is_some()));
    }

    /// Nothing is acknowledged, reading fails in time, and all that is said once.
    async fn nothing_is_done(&self) {
        let (before, delivered) = (self.failures(), self.delivered());
        let error = self.store.alerts(&Filter::default(), None, 1).await.expect_err("no answer");
        assert!(error.passes(), "{error}");
        until("it is tried again", || self.failures() > before + 2).await;
        assert_eq!(self.delivered(), delivered, "nothing was acknowledged");
        let said = self.log.lines_with(AWAY);
        assert!(said.len() == 1 && said[0].contains("ERROR"), "it is said once: {said:?}");
    }

    fn delivered(&self) -> u64 {
        self.agents.iter().map(|agent| agent.status().delivered).sum()
    }

    /// What is in the database.
    async fn everything(&self) -> Vec<AlertId> {
        let (mut there, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.alerts(&Filter::default(), after, 500).await.expect("a page");
            let Some(last) = page.last() else { break };
            after = Some(last.cursor());
            there.extend(page.iter().map(|stored| stored.alert.id));
        }
        there
    }

    /// The database is back: everything is there once, and what is new as well.
    async fn judge(mut self) {
        self.all_is_committed().await;
        self.issue(8);
        self.all_is_committed().await;
        assert!(!self.log.lines_with("agents may send").is_empty());
        let mut wanted: Vec<AlertId> = Vec::new();
        for agent in &self.agents {
            let one = |nth| alert(&agent.facility, agent.id, fieldward_shared::alert::Severity::Low, nth).id;
            wanted.extend((1..=agent.issued).map(one));
        }
        let mut there = self.everything().await;
        wanted.sort_unstable();
        there.sort_unstable();
        assert!(there == wanted, "{} alerts are there of {}", there.len(), wanted.len());
        assert_eq!(self.intake.counters().contradicted.get(), 0);
        self.agents.iter_mut().for_each(Agent::disconnect);
        self.intake.close().await;
        self.store.close().await;
    }
}

#[tokio::test]
async fn when_the_server_hangs() {
    let Some(server) = Postgres::with(&[]) else {
        eprintln!("SKIPPED: PostgreSQL is not installed (scripts/setup.sh)");
        return;
    };
    let server = server.expect("a server");
    let mut lab = Lab::new(&server.database().expect("a database")).await;
    lab.issue(200);
    lab.all_is_committed().await;
    server.hold();
    lab.issue_in_vain(200).await;
    lab.nothing_is_done().await;
    server.go_on();
    lab.judge().await;
}

#[tokio::test]
async fn when_the_server_is_killed_and_started_again() {
    let Some(server) = Postgres::with(&[]) else {
        eprintln!("SKIPPED: PostgreSQL is not installed (scripts/setup.sh)");
        return;
    };
    let mut server = server.expect("a server");
    let mut lab = Lab::new(&server.database().expect("a database")).await;
    // It dies at work.
    lab.issue(2_000);
    until("they are at work", || lab.agents.iter().all(|agent| agent.status().delivered > 0)).await;
    server.kill().expect("killed");
    lab.issue_in_vain(200).await;
    lab.nothing_is_done().await;
    server.start_again().expect("it starts");
    lab.judge().await;
}

#[tokio::test]
async fn when_the_disk_is_full() {
    let Some(disk) = Disk::make(48) else { return };
    let mut lab = Lab::new(&format!("sqlite://{}/fieldward.db", disk.path().display())).await;
    lab.issue(200);
    lab.all_is_committed().await;
    let filler = Filler::fill(&disk.path()).expect("filled");
    lab.issue_in_vain(2_000).await;
    let said = lab.log.lines_with(AWAY);
    assert!(said[0].contains("ERROR") && said[0].contains("the disk is full: make room"), "{said:?}");
    // What was acknowledged is there, and can be read.
    let delivered = lab.delivered();
    assert!(lab.everything().await.len() as u64 >= delivered);
    drop(filler);
    lab.judge().await;
}

/// How the log begins what it says once.
const AWAY: &str = "nothing is committed or acknowledged until the database is back";
