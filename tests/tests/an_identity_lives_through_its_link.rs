//! What becomes of an agent's certificate while its uplink runs: it ends in the middle of a session, its
//! successor takes over or is refused, the roots change, it is revoked, its state is copied.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use fieldward_shared::time::Timestamp;
use fieldward_tests::link::office::{Enrolled, Office};
use fieldward_tests::link::{Agent, HERE, limits, oracle, pace, until, within};

/// An aggregator with its authority, and an agent that is enrolled there.
struct Lab {
    folder: tempfile::TempDir,
    office: Office,
    own: Enrolled,
}

impl Lab {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("it to start");
        let office = Office::open(folder.path(), HERE, limits()).await.expect("it to start");
        let own = office.enrol(&folder.path().join("state"), "north").await.expect("it to be enrolled");
        Self { folder, office, own }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn start(&self) -> Agent {
        self.own.start(self.path(), self.office.address(), pace()).expect("it to start")
    }

    fn count(&self, name: &str) -> u64 {
        let all = self.office.aggregator.intake.counters().all();
        all.iter().find(|(known, _)| *known == name).expect("a counter").1
    }

    /// The number of the certificate that the next dial shows, and whether it has not been shown to work.
    fn shown(&self) -> (String, bool) {
        let trust = self.own.folder.trust().expect("an identity");
        (trust.identity.leaf.serial.to_string(), trust.is_next)
    }

    async fn judge(self, mut agent: Agent) {
        agent.issue(4);
        agent.spool.sync();
        until("everything is committed", || agent.is_done()).await;
        agent.disconnect();
        self.office.close().await;
        oracle::judge(self.folder.path(), &[&agent]).await.expect("every alert once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_ends_in_a_session_is_renewed_at_once() {
    let lab = Lab::new().await;
    lab.office.issue_next(&lab.own, 3).await.unwrap();
    let (short, _) = lab.shown();
    let mut agent = lab.start();
    until("it has a session with it", || agent.status().sessions == 1).await;
    assert_eq!(lab.shown(), (short.clone(), false), "it has worked");
    agent.issue(100);
    // Its keeper is told; by itself it would look at half of its life.
    within(SOON, "it ends, is refused, and a session begins with the next", || {
        agent.issue(1);
        let (serial, is_next) = lab.shown();
        serial != short && !is_next && agent.status().connected.is_some()
    })
    .await;
    assert!(lab.count("aged") >= 1 && lab.count("doors") >= 1);
    lab.judge(agent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_in_time_and_nobody_notices() {
    let lab = Lab::new().await;
    // They begin an hour early: more than six tenths of it are over.
    lab.office.issue_next(&lab.own, 1800).await.unwrap();
    let (due, _) = lab.shown();
    let mut agent = lab.start();
    until("it has a session", || agent.status().sessions == 1).await;
    until("the next one is there", || {
        agent.issue(1);
        lab.shown().0 != due
    })
    .await;
    until("all is committed", || agent.is_done()).await;
    assert_eq!((agent.status().sessions, agent.status().failures), (1, 0), "the session goes on");
    assert_eq!(lab.office.hall.counts.renewed_late.load(Relaxed), 0);
    agent.connect(lab.office.address()).unwrap();
    until("it is shown and works", || agent.status().sessions == 1 && !lab.shown().1).await;
    assert_eq!(lab.office.hall.counts.renewed.load(Relaxed), 1, "once, and not at each look");
    lab.judge(agent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_certificate_takes_over_when_it_has_worked() {
    let lab = Lab::new().await;
    let (first, _) = lab.shown();
    let mut agent = lab.start();
    until("it has a session", || agent.status().sessions == 1).await;
    lab.office.issue_next(&lab.own, 3600).await.unwrap();
    let (next, is_next) = lab.shown();
    assert!(next != first && is_next);
    agent.issue(20);
    agent.connect(lab.office.address()).unwrap();
    until("it is shown", || agent.status().sessions == 1).await;
    assert_eq!(lab.shown(), (next, false));
    lab.judge(agent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_next_certificate_that_is_refused_is_given_up() {
    let lab = Lab::new().await;
    let (first, _) = lab.shown();
    lab.office.issue_next(&lab.own, 3600).await.unwrap();
    let (next, _) = lab.shown();
    let serial = next.parse().unwrap();
    let now = Timestamp::from_micros(lab.office.hall.clock().now() * 1_000_000);
    assert!(lab.office.hall.store().revoke_certificate(&serial, "op", "lost", now).await.unwrap());
    lab.office.hall.tick().await;
    let agent = lab.start();
    within(SOON, "the present one goes on", || agent.status().sessions >= 1).await;
    // Another was asked for meanwhile, or will be.
    assert!(lab.shown().0 != next && lab.own.folder.present().unwrap().is_some());
    assert!(lab.count("refused") + lab.count("handshakes_failed") >= 1, "{first} was shown first");
    lab.judge(agent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_next_certificate_that_cannot_be_read_does_no_harm() {
    let lab = Lab::new().await;
    let (first, _) = lab.shown();
    lab.office.issue_next(&lab.own, 3600).await.unwrap();
    std::fs::write(lab.own.folder.path().join("next.pem"), "half a ce").unwrap();
    let agent = lab.start();
    until("it has a session", || agent.status().sessions == 1).await;
    assert_eq!(lab.shown(), (first, false), "the present one stays where it is");
    lab.judge(agent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_session_learns_of_new_roots() {
    let lab = Lab::new().await;
    let agent = lab.start();
    until("it has a session", || agent.status().sessions == 1).await;
    let next = lab.office.rotate(lab.path()).await.unwrap();
    until("it trusts the new root", || lab.own.folder.roots().is_ok_and(|roots| roots.holds(next))).await;
    assert_eq!(agent.status().sessions, 1, "the session went on");
    lab.judge(agent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_in_the_database_closes_a_live_session() {
    let lab = Lab::new().await;
    let other = lab.office.enrol(&lab.path().join("other"), "south").await.unwrap();
    let agent = lab.start();
    let mut thief = other.start(lab.path(), lab.office.address(), pace()).unwrap();
    until("both are there", || agent.status().sessions == 1 && thief.status().sessions == 1).await;
    let now = Timestamp::from_micros(lab.office.hall.clock().now() * 1_000_000);
    lab.office.hall.store().revoke_agent(other.id, "op", "stolen", now).await.unwrap();
    within(SOON, "its session is closed", || thief.status().connected.is_none()).await;
    assert!(lab.count("revoked") >= 1);
    let sessions = lab.count("sessions");
    thief.issue(4);
    until("it tries again", || thief.status().failures >= 5).await;
    assert_eq!((lab.count("sessions"), thief.spool.sync().unacknowledged), (sessions, 4));
    assert!(other.folder.trust().is_ok(), "it keeps its identity");
    assert_eq!(agent.status().sessions, 1);
    drop(thief);
    lab.judge(agent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_whose_whole_state_was_copied_is_noticed_and_nothing_is_mixed() {
    let lab = Lab::new().await;
    let mut agent = lab.start();
    agent.issue(40);
    agent.spool.sync();
    until("it has a session", || agent.is_done()).await;
    let spool = agent.spool_folder().to_owned();
    drop(agent);
    let copy = tempfile::tempdir().unwrap();
    for folder in [lab.own.folder.path(), &spool] {
        let to = copy.path().join(folder.strip_prefix(lab.path()).unwrap());
        std::fs::create_dir_all(&to).unwrap();
        for file in std::fs::read_dir(folder).unwrap().flatten().filter(|file| file.path().is_file()) {
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    let state = copy.path().join("state");
    let clone = Enrolled { folder: fieldward_agent::identity::Folder::in_state(&state), ..lab.own.clone() };
    let mut clone = clone.start(copy.path(), lab.office.address(), pace()).unwrap();
    until("the clone has a session", || clone.status().sessions == 1).await;
    // The same keys of records, with other alerts behind them.
    clone.issued = 1_000;
    clone.issue(40);
    clone.spool.sync();
    until("all of the clone's is told", || clone.is_done()).await;
    let mut agent = lab.start();
    agent.issued = 40;
    agent.issue(40);
    until("the contradiction is noticed", || lab.count("contradicted") > 0).await;
    until("they come in turn", || lab.count("duplicate_identity") > 0).await;
    let fleet = lab.office.aggregator.intake.fleet().snapshot(Timestamp::default());
    assert!(fleet[0].duplicates > 0 && fleet[0].contradicted > 0, "{fleet:?}");
    drop(clone);
    until("the first goes on", || agent.is_done()).await;
    agent.disconnect();
    lab.office.close().await;
    // What came first stays as it was, and what contradicted it is counted: nothing has two meanings.
    let found = oracle::look(lab.folder.path()).await.unwrap();
    assert_eq!((found.alerts, found.reports), (80, 80), "{found:?}");
    // More often, where a session ended before it was answered.
    assert!(found.contradicted >= 40, "{found:?}");
}

/// Generous for what takes a second or two.
const SOON: Duration = Duration::from_secs(30);
