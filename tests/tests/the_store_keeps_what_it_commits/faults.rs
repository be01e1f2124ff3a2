//! A killed aggregator, a damaged file, a full disk, a server that hangs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use fieldward_aggregator::store::{Store, StoreError};
use fieldward_tests::reports::Reporter;

use crate::{Database, stories};

stories!(a_killed_aggregator_has_what_it_acknowledged);

/// Set for the process that is to be killed: the URL of its database.
const VICTIM: &str = "FIELDWARD_TEST_VICTIM";

/// Not a test of its own: commits and says what was committed, until it is killed.
#[test]
#[ignore = "the process that the test below kills"]
fn victim() {
    let Ok(url) = std::env::var(VICTIM) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&url).await.expect("the store");
        let reporters = [1, 2, 3].map(Reporter::new);
        let mut next = [0; 3];
        for (nth, reporter) in reporters.iter().enumerate() {
            let positions = store.positions(reporter.agent).await.expect("positions");
            next[nth] = positions.first().map_or(0, |lane| lane.cum_seq);
        }
        loop {
            for (nth, reporter) in reporters.iter().enumerate() {
                let reports = (next[nth]..next[nth] + 7).map(|seq| reporter.nth(seq)).collect();
                next[nth] = store.commit(reports).await.expect("a commit")[0].cum_seq;
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {nth} {}", next[nth]).expect("a reader");
            }
        }
    });
}

async fn a_killed_aggregator_has_what_it_acknowledged(database: Database) {
    let mut acknowledged = [0_u64; 3];
    let chance = &mut fastrand::Rng::with_seed(11);
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "faults::victim", "--ignored", "--nocapture"])
            .env(VICTIM, &database.url)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a victim");
        let said = BufReader::new(child.stdout.take().expect("its words"));
        // Between two of its commits, or within the next.
        let until = chance.usize(1..60);
        let mut heard = 0;
        for line in said.lines() {
            let Ok(line) = line else { break };
            if let Some(("acknowledged", rest)) = line.split_once(' ')
                && let Some((nth, seq)) = rest.split_once(' ')
            {
                acknowledged[nth.parse::<usize>().expect("a number")] = seq.parse().expect("a number");
                heard += 1;
                if heard == until {
                    child.kill().expect("killed");
                }
            }
        }
        child.wait().expect("its end");
        assert!(heard >= until, "round {round}: it ended by itself");
        let store = database.open().await;
        for (nth, wanted) in acknowledged.iter().enumerate() {
            let agent = Reporter::new(nth as u64 + 1).agent;
            let there =
                store.positions(agent).await.expect("positions").first().map_or(0, |lane| lane.cum_seq);
            assert!(there >= *wanted, "round {round}: {there} of {wanted}");
            let sql = format!("SELECT count(*) FROM alerts WHERE facility_id = 'plant-{}'", nth + 1);
            assert_eq!(database.number(&sql).await, there as i64, "round {round}: an alert for each report");
        }
        store.close().await;
    }
    let reports = database.number("SELECT count(*) FROM reports").await;
    assert_eq!(reports, database.number("SELECT CAST(sum(cum_seq) AS BIGINT) FROM positions").await);
}

/// What stands in a file that is no database, or no longer one, is said so that an operator knows what to do.
#[tokio::test]
async fn a_damaged_file_is_said_to_be_damaged() {
    let database = Database::sqlite();
    let file = database.folder.path().join("fieldward.db");
    std::fs::write(
        &file,
        b"this is no database, but it is long enough to have the header of one: ".repeat(99),
    )
    .expect("written");
    let error = Store::open(&database.url).await.expect_err("no database").to_string();
    assert!(error.contains("is damaged: restore a backup") && error.contains("fieldward.db"), "{error}");
    std::fs::remove_file(&file).expect("removed");

    let store = database.open().await;
    let reporter = Reporter::new(1);
    for piece in 0..6 {
        store
            .commit((piece * 50..(piece + 1) * 50).map(|nth| reporter.nth(nth)).collect())
            .await
            .expect("a commit");
    }
    store.close().await;
    // Pages in the middle are overwritten. Whatever is asked gets an answer or a clear error, and no panic.
    let mut bytes = std::fs::read(&file).expect("the file");
    let (from, to) = (bytes.len() / 8, bytes.len() * 7 / 8);
    bytes[from..to].fill(0xa5);
    std::fs::write(&file, &bytes).expect("written");
    let error = match Store::open(&database.url).await {
        Err(error) => error,
        Ok(store) => {
            let mut said = None;
            for nth in 0..400 {
                if let Err(error) = store.commit(vec![reporter.nth(300 + nth)]).await {
                    said = Some(error);
                    break;
                }
                if let Err(error) = store.alert(reporter.alert(nth, 1).id).await {
                    said = Some(error);
                    break;
                }
            }
            said.expect("damage shows")
        }
    };
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert!(!error.passes());
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    for url in
        ["", "sqlite:", "sqlite::memory:", "mysql://localhost/x", "postgres//x", "sqlite:///x?mode=memory"]
    {
        assert!(matches!(Store::open(url).await, Err(StoreError::Address)), "{url}");
    }
    let error = Store::open("sqlite:///no/such/folder/x.db").await.expect_err("no folder").to_string();
    assert!(error.contains("/no/such/folder/x.db") && error.contains("folder may be written"), "{error}");
    let error = Store::open("postgres://me:secret@127.0.0.1:1/x").await.expect_err("no server").to_string();
    assert!(error.contains("127.0.0.1:1") && !error.contains("secret"), "{error}");
}

/// Whoever reads another's file could read what plants look like.
#[tokio::test]
async fn only_its_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::sqlite();
    let store = database.open().await;
    store.commit(vec![Reporter::new(1).nth(0)]).await.expect("a commit");
    for name in ["fieldward.db", "fieldward.db-wal", "fieldward.db-shm"] {
        let known = std::fs::metadata(database.folder.path().join(name)).expect(name);
        assert_eq!(known.permissions().mode() & 0o777, 0o600, "{name}");
    }
    store.close().await;
}

/// On a disk that fills up nothing is acknowledged that is not there, and with room it goes on by itself.
#[tokio::test]
async fn a_full_disk_is_said_and_survived() {
    let database = Database::sqlite();
    let Some(disk) = SmallDisk::mount(database.folder.path(), "12m") else {
        eprintln!("SKIPPED: a small disk can only be mounted by root");
        return;
    };
    let store = database.open().await;
    let reporter = Reporter::new(1);
    let mut acknowledged = 0;
    let error = loop {
        let reports = (acknowledged..acknowledged + 50).map(|nth| reporter.nth(nth)).collect();
        match store.commit(reports).await {
            Ok(done) => acknowledged = done[0].cum_seq,
            Err(error) => break error,
        }
        assert!(acknowledged < 100_000, "the disk never fills");
    };
    assert!(error.passes() && error.to_string().contains("full"), "{error}");
    assert_eq!(store.positions(reporter.agent).await.expect("reading works")[0].cum_seq, acknowledged);
    disk.resize("64m");
    let reports = (acknowledged..acknowledged + 50).map(|nth| reporter.nth(nth)).collect();
    assert_eq!(store.commit(reports).await.expect("there is room")[0].cum_seq, acknowledged + 50);
    store.close().await;
    assert_eq!(database.number("SELECT count(*) FROM alerts").await as u64, acknowledged + 50);
}

/// A file system in memory over a folder.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(folder: &'a Path, size: &str) -> Option<Self> {
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder)
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|status| status.success()).then_some(Self(folder))
    }

    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        let done = Command::new("mount").args(["-o", &options]).arg(self.0).status();
        assert!(done.expect("mount").success());
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0).status());
    }
}
