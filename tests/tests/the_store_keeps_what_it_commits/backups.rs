//! Backups are whole, and are restored whole or not at all.

use fieldward_aggregator::store::audit::Act;
use fieldward_aggregator::store::backup::{self, BackupError};
use fieldward_shared::time::Timestamp;
use fieldward_tests::reports::Reporter;

use crate::{Database, stories};

stories!(a_backup_taken_at_work_comes_back_whole, a_backup_that_is_cut_or_changed_restores_nothing);

async fn a_backup_taken_at_work_comes_back_whole(database: Database) {
    let store = database.open().await;
    let reporter = Reporter::new(1);
    let commit = |from: u64| store.commit((from..from + 40).map(|nth| reporter.nth(nth)).collect());
    for piece in 0..5 {
        commit(piece * 40).await.expect("a commit");
    }
    let act = Act {
        at: Timestamp::from_micros(1),
        actor: "ann",
        action: "backup",
        object: "all",
        detail: "\t\\N\n",
    };
    store.audit(act).await.expect("written");
    let file = database.folder.path().join("backup");
    // The service goes on meanwhile: each commit is in the copy as a whole or not at all.
    let more = async {
        for piece in 5..15 {
            commit(piece * 40).await.expect("a commit");
        }
    };
    let (written, ()) = tokio::join!(backup::write(&database.url, &file), more);
    assert_eq!(written.expect("a backup"), std::fs::metadata(&file).expect("the file").len());
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).expect("the file").permissions());
    assert_eq!(mode & 0o777, 0o600);

    let in_use = backup::restore(&database.url, &file, true).await.expect_err("the service runs");
    assert!(matches!(in_use, BackupError::InUse { .. }), "{in_use}");
    store.close().await;
    let exists = backup::restore(&database.url, &file, false).await.expect_err("there is one already");
    assert!(matches!(exists, BackupError::Exists { .. }), "{exists}");
    // Into the place of the old one, and into an empty one.
    backup::restore(&database.url, &file, true).await.expect("restored");
    let empty = match &database.url {
        url if url.starts_with("sqlite") => Database::sqlite(),
        _ => Database::postgres().expect("a database"),
    };
    backup::restore(&empty.url, &file, false).await.expect("restored");
    for place in [&database, &empty] {
        let store = place.open().await;
        let there = store.positions(reporter.agent).await.expect("positions")[0].cum_seq;
        assert!((200..=600).contains(&there) && there.is_multiple_of(40), "{there}");
        assert_eq!(place.number("SELECT count(*) FROM alerts").await as u64, there);
        assert_eq!(
            store.alert(reporter.alert(7, 1).id).await.expect("an answer").expect("it").alert,
            reporter.alert(7, 1)
        );
        assert_eq!(store.verify_audit().await.expect("a whole chain").id, 1);
        // What came after the backup comes again, and new agents get numbers of their own.
        let done =
            store.commit((there - 40..640).map(|nth| reporter.nth(nth)).collect()).await.expect("a commit");
        assert_eq!((done[0].cum_seq, done[0].again), (640, 40));
        assert_eq!(store.commit(vec![Reporter::new(2).nth(0)]).await.expect("a commit")[0].cum_seq, 1);
        store.close().await;
    }
}

async fn a_backup_that_is_cut_or_changed_restores_nothing(database: Database) {
    let store = database.open().await;
    let reporter = Reporter::new(1);
    store.commit((0..60).map(|nth| reporter.nth(nth)).collect()).await.expect("a commit");
    let act = Act { at: Timestamp::from_micros(1), actor: "ann", action: "a", object: "b", detail: "" };
    store.audit(act).await.expect("written");
    let file = database.folder.path().join("backup");
    backup::write(&database.url, &file).await.expect("a backup");
    store.commit(vec![reporter.nth(60)]).await.expect("a commit");
    store.close().await;
    let whole = std::fs::read(&file).expect("the backup");
    let zeroed = |from: usize| {
        let mut bytes = whole.clone();
        bytes[from..from + 4096].fill(0x5a);
        bytes
    };
    let damaged = [
        Vec::new(),
        b"no backup".to_vec(),
        whole[..whole.len() / 2].to_vec(),
        whole[..whole.len() - 1].to_vec(),
        zeroed(whole.len() / 3),
        zeroed(whole.len() - 4096),
    ];
    for (nth, bytes) in damaged.iter().enumerate() {
        std::fs::write(&file, bytes).expect("written");
        let error = backup::restore(&database.url, &file, true).await.expect_err("not whole");
        assert!(matches!(error, BackupError::Unsound { .. }), "{nth}: {error}");
        let store = database.open().await;
        assert_eq!(store.positions(reporter.agent).await.expect("positions")[0].cum_seq, 61, "{nth}");
        store.close().await;
    }
    std::fs::remove_file(&file).expect("removed");
    let error = backup::restore(&database.url, &file, true).await.expect_err("no file");
    assert!(matches!(error, BackupError::File { .. }), "{error}");
}
