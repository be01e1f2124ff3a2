//! The power is cut while a process writes, at moments of chance: whatever it called committed or accepted is
//! there afterwards, once, and it starts. `FIELDWARD_KILLS` says how often; a few times in every test run.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use fieldward_agent::spool::{LANES, Limits, Spool};
use fieldward_aggregator::store::{Store, now};
use fieldward_tests::postgres::Postgres;
use fieldward_tests::power::Disk;
use fieldward_tests::reports::Reporter;
use sqlx::{AssertSqlSafe, Connection as _};

/// Set for the process that is at work when the power is cut: what it writes to.
const PLACE: &str = "FIELDWARD_TEST_PLACE";
/// And with which number it begins.
const FIRST: &str = "FIELDWARD_TEST_FIRST";

const AGENTS: usize = 3;

fn cuts() -> u64 {
    let wanted = std::env::var("FIELDWARD_KILLS").ok().and_then(|text| text.parse().ok());
    wanted.unwrap_or(5)
}

/// Not a test of its own: commits reports of three agents, and says what is committed.
#[test]
#[ignore = "the process that is at work when the power is cut"]
fn committing() {
    let Ok(url) = std::env::var(PLACE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let store = Store::open(&url).await.expect("the store");
        let mut agents = tokio::task::JoinSet::new();
        for nth in 0..AGENTS {
            let store = store.clone();
            agents.spawn(async move {
                let reporter = Reporter::new(nth as u64);
                let known = store.positions(reporter.agent).await.expect("positions");
                let mut next = known.first().map_or(0, |lane| lane.cum_seq);
                loop {
                    let many = 1 + next % 40;
                    match store.commit((next..next + many).map(|nth| reporter.nth(nth)).collect()).await {
                        Ok(done) => next = done[0].cum_seq,
                        // What was not committed is tried again, as agents do.
                        Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                    }
                    say(nth, next);
                }
            });
        }
        agents.join_next().await;
    });
}

/// Not a test of its own: fills a spool, and says how far all is accepted.
#[test]
#[ignore = "the process that is at work when the power is cut"]
fn spooling() {
    let Ok(folder) = std::env::var(PLACE) else { return };
    let mut nth: u64 = std::env::var(FIRST).expect("a number").parse().expect("a number");
    let (spool, _) = Spool::open(Path::new(&folder), limits()).expect("a spool");
    loop {
        for _ in 0..1 + nth % 40 {
            spool.put(LANES[nth as usize % 4], record(nth));
            nth += 1;
        }
        let counts = spool.sync();
        // What is only in memory, because the disk is gone, is not accepted.
        if counts.waiting == 0 && !counts.memory_only && counts.errors == 0 {
            say(0, nth);
        }
    }
}

/// Says how far it has got, and when it knew. The point is the end of what is whole.
fn say(nth: usize, number: u64) {
    let time = now().as_micros();
    writeln!(std::io::stdout().lock(), "\ndone {nth} {number} {time} .").expect("a reader");
}

fn limits() -> Limits {
    Limits { segment: 64 * 1024, ..Limits::to_the_brim() }
}

fn record(nth: u64) -> Vec<u8> {
    format!("{nth} {}", "x".repeat((nth % 700) as usize)).into_bytes()
}

/// The process at work.
struct Work {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    /// Who, how far, when.
    done: Vec<(usize, u64, u64)>,
}

impl Work {
    fn begin(what: &str, place: &str, first: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", what, "--ignored", "--nocapture"])
            .env(PLACE, place)
            .env(FIRST, first.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let lines = BufReader::new(child.stdout.take().expect("its words")).lines();
        Self { child, lines, done: Vec::new() }
    }

    /// Hears it say so often that something is done.
    fn hear(&mut self, times: u64) {
        let mut heard = 0;
        while heard < times {
            let line = self.lines.next().expect("it goes on").expect("its words");
            heard += u64::from(self.note(&line));
        }
    }

    fn note(&mut self, line: &str) -> bool {
        let words = line.strip_prefix("done ").and_then(|words| words.strip_suffix(" ."));
        let Some(words) = words else { return false };
        let mut numbers = words.split(' ').map(|word| word.parse().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        self.done.push((next() as usize, next(), next()));
        true
    }

    /// Ends it; what it has said before the cut counts. What it is told by a file system that is being shut
    /// down nobody would have heard after a cut.
    fn end(mut self, cut: u64) -> [u64; AGENTS] {
        self.child.kill().expect("killed");
        self.child.wait().expect("its end");
        while let Some(Ok(line)) = self.lines.next() {
            self.note(&line);
        }
        let mut before = [0; AGENTS];
        for (nth, number, _) in self.done.iter().filter(|(.., time)| *time < cut) {
            before[*nth] = before[*nth].max(*number);
        }
        before
    }
}

#[tokio::test]
async fn what_is_committed_to_a_file_survives_a_power_cut() {
    let Some(mut disk) = Disk::make(1024) else { return };
    let mut chance = fastrand::Rng::with_seed(11);
    for round in 0..cuts() {
        // The disk is small, and how the tables are made is worth a cut as well.
        let file = disk.path().join(format!("{}.db", round / NEW_EVERY));
        if round % NEW_EVERY == 0 && round > 0 {
            remove(&disk.path().join(format!("{}.db", round / NEW_EVERY - 1)));
        }
        let url = format!("sqlite://{}", file.display());
        let mut work = Work::begin("committing", &url, 0);
        work.hear(chance.u64(0..60));
        let cut = disk.cut().expect("cut");
        let done = work.end(cut);
        disk.restore().expect("mounted again");
        judge(round, &url, done).await;
        assert_eq!(text(&url, "PRAGMA integrity_check").await, "ok", "round {round}");
    }
}

#[tokio::test]
async fn what_is_committed_to_a_server_survives_a_power_cut() {
    let Some(mut disk) = Disk::make(2048) else { return };
    let Some(server) = Postgres::within(&disk.path().join("data")) else {
        eprintln!("SKIPPED: PostgreSQL is not installed (scripts/setup.sh)");
        return;
    };
    let mut server = server.expect("a PostgreSQL");
    // Its first files were made without a sync.
    disk.sync().expect("synced");
    let mut chance = fastrand::Rng::with_seed(11);
    let mut url = String::new();
    for round in 0..cuts() {
        if round % NEW_EVERY == 0 {
            url = server.database().expect("a database");
        }
        let mut work = Work::begin("committing", &url, 0);
        work.hear(chance.u64(0..60));
        let cut = disk.cut().expect("cut");
        let done = work.end(cut);
        server.kill().expect("killed");
        disk.restore().expect("mounted again");
        server.start_again().expect("it starts");
        judge(round, &url, done).await;
    }
    drop(server);
}

/// What was committed is there once, is known when it comes again, and it goes on.
async fn judge(round: u64, url: &str, done: [u64; AGENTS]) {
    let store = Store::open(url).await.expect("it opens");
    let mut all = 0;
    for (nth, wanted) in done.into_iter().enumerate() {
        let reporter = Reporter::new(nth as u64);
        let known = store.positions(reporter.agent).await.expect("positions");
        let there = known.first().map_or(0, |lane| lane.cum_seq);
        assert!(there >= wanted, "round {round}: agent {nth} has {there} of {wanted} that were committed");
        let sql = format!("SELECT CAST(count(*) AS TEXT) FROM alerts WHERE facility_id = 'plant-{nth}'");
        assert_eq!(text(url, &sql).await, there.to_string(), "round {round}: an alert for each report");
        let last = there.saturating_sub(99)..there + 1;
        let again =
            store.commit(last.clone().map(|nth| reporter.nth(nth)).collect()).await.expect("a commit");
        let known = (last.end - last.start - 1, 1, 0);
        assert_eq!((again[0].again, again[0].stored, again[0].contradicted), known, "round {round}");
        all += there + 1;
    }
    let reports = text(url, "SELECT CAST(count(*) AS TEXT) FROM reports").await;
    assert_eq!(reports, all.to_string(), "round {round}: each report once");
    store.close().await;
}

/// What a text gives, past the store.
async fn text(url: &str, sql: &str) -> String {
    let sql = AssertSqlSafe(sql);
    let said = if let Some(file) = url.strip_prefix("sqlite://") {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("the file");
        let said = sqlx::query_scalar(sql).fetch_one(&mut connection).await;
        connection.close().await.expect("closed");
        said
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("the server");
        sqlx::query_scalar(sql).fetch_one(&mut connection).await
    };
    said.expect("an answer")
}

fn remove(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{}{end}", file.display())));
    }
}

#[test]
fn what_the_spool_has_accepted_survives_a_power_cut() {
    let Some(mut disk) = Disk::make(1024) else { return };
    let mut chance = fastrand::Rng::with_seed(12);
    let (mut accepted, mut next) = (BTreeSet::new(), 1);
    for round in 0..cuts() {
        let folder = disk.path().join(format!("spool-{}", round / NEW_EVERY));
        if round % NEW_EVERY == 0 && round > 0 {
            let old = disk.path().join(format!("spool-{}", round / NEW_EVERY - 1));
            std::fs::remove_dir_all(old).expect("removed");
            accepted.clear();
        }
        let mut work = Work::begin("spooling", &folder.to_string_lossy(), next);
        work.hear(chance.u64(0..60));
        let cut = disk.cut().expect("cut");
        let until = work.end(cut)[0].max(next);
        accepted.extend(next..until);
        next = until + 10_000;
        disk.restore().expect("mounted again");

        let (spool, recovery) = Spool::open(&folder, limits()).expect("it starts");
        let there = everything(&spool);
        let missing: Vec<_> = accepted.difference(&there).collect();
        assert!(missing.is_empty(), "round {round}: {missing:?} of {} missing; {recovery}", accepted.len());
    }
}

/// The numbers of all records, each once and as it was put.
fn everything(spool: &Spool) -> BTreeSet<u64> {
    let mut there = BTreeSet::new();
    for lane in LANES {
        let mut reader = spool.reader(lane, 1);
        loop {
            let batch = reader.batch(100_000).expect("records");
            if batch.is_empty() {
                break;
            }
            for found in batch.into_iter().filter(|record| !record.is_loss) {
                let words = String::from_utf8_lossy(&found.bytes).into_owned();
                let nth = words.split(' ').next().and_then(|nth| nth.parse().ok()).expect("a number");
                assert_eq!(found.bytes, record(nth), "record {nth}");
                assert!(there.insert(nth), "{nth} is there twice");
            }
        }
    }
    there
}

/// After so many cuts a new one begins.
const NEW_EVERY: u64 = 16;
