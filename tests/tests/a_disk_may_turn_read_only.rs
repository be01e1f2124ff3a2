//! The disk of a plant's gateway turns read-only, as it does when it fails: what was accepted stays, what comes
//! then is sent from memory and said to be only there, and nothing stops.

use fieldward_tests::link::office::Office;
use fieldward_tests::link::{Agent, HERE, limits, oracle, pace, until};
use fieldward_tests::power::Disk;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_go_on_from_memory() {
    let Some(mut disk) = Disk::make(96) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let office = Office::open(path, HERE, limits()).await.unwrap();
    let address = office.address();
    let own = office.enrol(&path.join("state"), "north").await.unwrap();
    let mut agent = own.start(&disk.path(), address, pace()).unwrap();
    agent.issue(200);
    until("the first are committed", || agent.is_done()).await;
    // Some are on disk alone when it happens.
    agent.disconnect();
    agent.issue(80);
    assert_eq!(agent.spool.sync().unacknowledged, 80);
    disk.turn_read_only().unwrap();
    agent.issue(80);
    let counts = agent.spool.sync();
    assert!(counts.memory_only && counts.errors > 0 && counts.waiting > 0, "{counts:?}");
    agent.connect(address).unwrap();
    until("both kinds are committed", || agent.is_done()).await;
    agent.issue(40);
    until("what is new as well", || agent.is_done()).await;
    let counts = agent.spool.counts();
    assert_eq!((counts.shed, counts.overrun, counts.damaged), ([0; 4], [0; 4], [0; 4]), "{counts:?}");

    // On a disk that was mended it goes on, and what was only in memory is not taken for something else.
    agent.disconnect();
    let issued = agent.issued;
    drop(agent);
    disk.restore().unwrap();
    let mut agent: Agent = own.start(&disk.path(), address, pace()).unwrap();
    agent.issued = issued;
    agent.issue(40);
    until("it goes on", || agent.is_done()).await;
    agent.disconnect();
    office.close().await;
    let found = oracle::judge(path, &[&agent]).await.unwrap();
    println!("{found:?}");
}
