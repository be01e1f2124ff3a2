//! Alerts of an agent reach the database, each once, whatever the network between does. What it does is
//! drawn from a seed that is printed; `FIELDWARD_SEED` gives another.

use std::path::Path;
use std::time::Duration;

use fieldward_agent::spool::LANES;
use fieldward_agent::uplink::Pace;
use fieldward_shared::wire::Question;
use fieldward_tests::faults::{Faults, Proxy};
use fieldward_tests::link::pki::Pki;
use fieldward_tests::link::{Agent, Aggregator, HERE, limits, oracle, pace, until};

fn seed() -> u64 {
    let seed = std::env::var("FIELDWARD_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(20_261_121);
    println!("FIELDWARD_SEED={seed}");
    seed
}

/// An aggregator, a network, an agent.
struct Lab {
    folder: tempfile::TempDir,
    pki: Pki,
    aggregator: Aggregator,
    network: Proxy,
    agent: Agent,
}

impl Lab {
    async fn new(faults: Faults) -> Self {
        Self::with(faults, pace()).await
    }

    async fn with(faults: Faults, pace: Pace) -> Self {
        let folder = tempfile::tempdir().expect("it to start");
        let pki = Pki::new().expect("it to start");
        let aggregator = Aggregator::start(folder.path(), HERE, &pki, limits()).await.expect("it to start");
        let network = Proxy::start(aggregator.intake.address(), seed()).await.expect("it to start");
        network.set(faults);
        let agent = Agent::start(folder.path(), "north", &pki, network.address(), pace).expect("it to start");
        Self { folder, pki, aggregator, network, agent }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    async fn way(&self, way: &str) {
        until(way, || self.agent.status().connected.as_deref() == Some(way)).await;
    }

    /// All that was issued arrives, and the oracle agrees.
    async fn judge(mut self) {
        until("everything is committed", || self.agent.is_done()).await;
        // Something new arrives as well.
        self.agent.issue(4);
        self.agent.spool.sync();
        until("what is new is committed", || self.agent.is_done()).await;
        let path = self.folder.path().to_owned();
        let (passed, lost) = self.network.counts();
        println!("{passed} datagrams passed, {lost} were lost; {:?}", self.agent.status());
        self.agent.disconnect();
        self.aggregator.stop().await;
        oracle::judge(&path, &[&self.agent]).await.expect("every alert once");
    }
}

/// By QUIC alone, with the patience that it needs then.
async fn under(faults: Faults, alerts: u64) {
    let patient = Pace { dial: Duration::from_secs(15), ..pace() };
    let mut lab = Lab::with(Faults { tcp_blocked: true, ..faults }, patient).await;
    lab.agent.issue(alerts);
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_nothing_happens() {
    let mut lab = Lab::new(Faults::default()).await;
    lab.agent.issue(5_000);
    lab.way("quic").await;
    until("all are committed", || lab.agent.is_done()).await;
    until("all are counted", || lab.agent.status().delivered == 5_000).await;
    assert_eq!(lab.agent.status().sessions, 1);
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_one_of_a_hundred_is_lost() {
    under(Faults::losing(1), 2_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_one_of_five_is_lost() {
    under(Faults::losing(20), 400).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_two_of_five_are_lost() {
    // Whichever way is left.
    let mut lab = Lab::new(Faults::losing(40)).await;
    lab.agent.issue(100);
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_packets_are_late_repeated_and_overtake_each_other() {
    let faults = Faults {
        duplicates: 0.2,
        reorder: 0.2,
        delay: Duration::from_millis(40),
        jitter: Duration::from_millis(40),
        ..Faults::losing(2)
    };
    under(faults, 1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_link_comes_and_goes() {
    let mut lab = Lab::new(Faults::default()).await;
    let mut chance = fastrand::Rng::with_seed(seed());
    for _ in 0..8 {
        lab.agent.issue(chance.u64(50..200));
        tokio::time::sleep(Duration::from_millis(chance.u64(20..400))).await;
        lab.network.set(Faults { udp_blocked: true, tcp_blocked: true, ..Faults::default() });
        lab.agent.issue(chance.u64(1..50));
        tokio::time::sleep(Duration::from_millis(chance.u64(20..400))).await;
        lab.network.set(Faults::losing(chance.u32(0..10)));
    }
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_addresses_change_in_the_middle() {
    let mut lab = Lab::new(Faults::default()).await;
    lab.way("quic").await;
    for _ in 0..6 {
        lab.agent.issue(200);
        lab.agent.spool.sync();
        lab.network.rebind();
        until("the session goes on", || lab.agent.is_done()).await;
    }
    assert_eq!(lab.agent.status().sessions, 1, "the connection moved with the address");
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_large_packets_vanish_from_some_moment_on() {
    let mut lab = Lab::new(Faults::default()).await;
    lab.agent.issue(2_000);
    until("large packets have passed", || lab.agent.is_done()).await;
    lab.network.set(Faults { mtu: Some(1252), ..Faults::default() });
    lab.agent.issue(1_000);
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_udp_is_blocked_and_when_it_is_free_again() {
    let mut lab = Lab::new(Faults { udp_blocked: true, ..Faults::default() }).await;
    lab.agent.issue(1_000);
    lab.way("tcp").await;
    until("all came by TCP", || lab.agent.is_done()).await;
    lab.network.cut();
    lab.agent.issue(100);
    until("TCP is found again", || lab.agent.is_done()).await;
    lab.network.set(Faults::default());
    lab.way("quic").await;
    lab.agent.issue(100);
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_connections_by_tcp_are_cut_at_any_moment() {
    let mut lab = Lab::new(Faults { udp_blocked: true, ..Faults::default() }).await;
    lab.way("tcp").await;
    let mut chance = fastrand::Rng::with_seed(seed());
    for _ in 0..15 {
        lab.agent.issue(200);
        tokio::time::sleep(Duration::from_millis(chance.u64(1..80))).await;
        lab.network.cut();
    }
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_aggregator_ends_at_any_moment() {
    let mut lab = Lab::new(Faults::default()).await;
    let mut chance = fastrand::Rng::with_seed(seed());
    let address = lab.aggregator.intake.address();
    for nth in 0..6 {
        lab.agent.issue(500);
        tokio::time::sleep(Duration::from_millis(chance.u64(1..150))).await;
        if nth % 2 == 0 {
            lab.aggregator.stop().await;
        } else {
            // Without a word: tasks are dropped wherever they are.
            drop(lab.aggregator);
        }
        lab.agent.issue(50);
        lab.aggregator = Aggregator::again(lab.folder.path(), address, &lab.pki, limits())
            .await
            .expect("it to start again");
    }
    lab.judge().await;
}

/// What was committed and not acknowledged is what an agent sends again, to an aggregator that was killed
/// between the two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_it_is_killed_after_the_commit_and_before_the_acknowledgement() {
    let mut lab = Lab::with(Faults::default(), Pace { dial: Duration::from_secs(15), ..pace() }).await;
    let address = lab.aggregator.intake.address();
    lab.agent.issue(100);
    until("the first are committed", || lab.agent.is_done()).await;
    for round in 1..=4 {
        // By TCP there would be no way left; it comes back to QUIC by itself.
        lab.way("quic").await;
        lab.network.set(Faults { answers_lost: true, tcp_blocked: true, ..Faults::default() });
        let records = &lab.aggregator.intake.counters().records;
        let before = records.get();
        // As many as QUIC sends before it hears anything.
        lab.agent.issue(8);
        lab.agent.spool.sync();
        until("they are committed", || records.get() >= before + 8).await;
        assert!(!lab.agent.is_done(), "an acknowledgement got through");
        drop(lab.aggregator);
        lab.aggregator = Aggregator::again(lab.folder.path(), address, &lab.pki, limits())
            .await
            .expect("it to start again");
        let again = &lab.aggregator.intake.counters().again;
        lab.network.set(Faults::default());
        until("they came again", || lab.agent.is_done() && again.get() >= 8).await;
        println!("round {round}: {} came again", again.get());
    }
    lab.judge().await;
}

/// A day at fifty alerts a minute: FIELDWARD_HOURS says how many hours of it (2 in a test run).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_there_is_no_link_for_a_day() {
    let hours = std::env::var("FIELDWARD_HOURS").ok().and_then(|hours| hours.parse().ok()).unwrap_or(2);
    let mut lab = Lab::new(Faults::default()).await;
    lab.agent.issue(50);
    until("the first are committed", || lab.agent.is_done()).await;
    lab.network.set(Faults { udp_blocked: true, tcp_blocked: true, ..Faults::default() });
    until("it has noticed", || lab.agent.status().connected.is_none()).await;
    for _ in 0..hours {
        lab.agent.issue(50 * 60);
        lab.agent.spool.sync();
    }
    let counts = lab.agent.spool.counts();
    assert_eq!((counts.unacknowledged, counts.shed), (hours * 50 * 60, [0; 4]), "{counts:?}");
    lab.network.set(Faults::default());
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_database_was_set_back_to_a_backup() {
    let mut lab = Lab::new(Faults::default()).await;
    let address = lab.aggregator.intake.address();
    lab.agent.issue(600);
    until("the first are committed", || lab.agent.is_done()).await;
    lab.aggregator.stop().await;
    let (database, backup) = (lab.folder.path().join("fieldward.db"), lab.folder.path().join("backup"));
    std::fs::copy(&database, &backup).unwrap();
    lab.aggregator =
        Aggregator::again(lab.folder.path(), address, &lab.pki, limits()).await.expect("it to start again");
    lab.agent.issue(900);
    until("all are committed", || lab.agent.is_done()).await;
    lab.aggregator.stop().await;
    for beside in ["fieldward.db", "fieldward.db-wal", "fieldward.db-shm"] {
        drop(std::fs::remove_file(lab.folder.path().join(beside)));
    }
    std::fs::copy(&backup, &database).unwrap();
    lab.aggregator =
        Aggregator::again(lab.folder.path(), address, &lab.pki, limits()).await.expect("it to start again");
    let counters = lab.aggregator.intake.counters();
    until("what the backup lacks came again", || counters.records.get() >= 900).await;
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_database_does_not_answer_for_a_while() {
    let mut lab = Lab::new(Faults::default()).await;
    lab.way("quic").await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(lab.path().join("fieldward.db"));
    let pool = sqlx::sqlite::SqlitePool::connect_with(options).await.unwrap();
    let mut other = pool.acquire().await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut *other).await.unwrap();
    lab.agent.issue(1_000);
    lab.agent.spool.sync();
    let counters = lab.aggregator.intake.counters();
    until("a commit fails", || counters.commit_errors.get() > 0).await;
    assert_eq!((counters.batches.get(), lab.agent.status().delivered), (0, 0), "nothing is acknowledged");
    assert_eq!(lab.agent.status().connected.as_deref(), Some("quic"), "sessions stay");
    sqlx::query("ROLLBACK").execute(&mut *other).await.unwrap();
    drop(other);
    pool.close().await;
    until("all are committed", || lab.agent.is_done()).await;
    assert_eq!(lab.agent.status().sessions, 1);
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seconds_and_answers_come_beside_alerts() {
    let mut lab = Lab::new(Faults::losing(2)).await;
    lab.way("quic").await;
    let uplink = lab.agent.uplink.as_ref().unwrap();
    let bucket = fieldward_agent::window::Bucket::default();
    for second in 1..=5 {
        // The service's word for the plant does not matter: the certificate's does.
        uplink.second(&fieldward_agent::telemetry::network_data("claimed", second, &bucket));
        let came = tokio::time::timeout(Duration::from_secs(30), lab.aggregator.seconds.recv()).await;
        let came = came.unwrap().unwrap();
        assert_eq!((came.facility_id.as_str(), came.timestamp.as_secs()), ("north", second));
        assert_eq!(came.raw_features.len(), fieldward_agent::features::COUNT);
    }
    let answer = lab.aggregator.intake.ask(lab.agent.id, Question::ContextWindow, "").await.unwrap();
    assert_eq!((answer.done, answer.seconds.len()), (true, 5));
    let answer = lab.aggregator.intake.ask(lab.agent.id, Question::Health, "").await.unwrap();
    let health = answer.health.unwrap();
    assert!(health.memory_bytes > 1 << 20 && health.disk_free_bytes > 0, "{health:?}");
    let answer = lab.aggregator.intake.ask(lab.agent.id, Question::Command, "dance").await.unwrap();
    assert!(!answer.done && answer.words.contains("does not know"), "{answer:?}");
    let fleet = lab.aggregator.intake.fleet();
    let now = fieldward_shared::time::Timestamp::from_micros(0);
    until("health and clock are known", || {
        let all = fleet.snapshot(now);
        all[0].health.is_some() && all[0].clock_offset.is_some_and(|offset| offset.abs() < 1_000_000)
    })
    .await;
    let nobody = lab.aggregator.intake.ask(uuid::Uuid::new_v4(), Question::Health, "").await;
    assert!(nobody.unwrap_err().to_string().contains("not connected"));
    lab.agent.issue(LANES.len() as u64);
    lab.judge().await;
}
