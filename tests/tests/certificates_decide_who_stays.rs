//! Sessions last as long as their certificate is vouched for, whoever issued it: an operator's PKI from end
//! to end, and a root of our own that is rotated out while a session lasts.

use std::path::Path;
use std::sync::Arc;

use fieldward_agent::uplink::{Brought, Credentials};
use fieldward_aggregator::ca::authority::Authority;
use fieldward_shared::clock::Clock;
use fieldward_shared::time::Timestamp;
use fieldward_tests::link::office::{Office, ca};
use fieldward_tests::link::works::Works;
use fieldward_tests::link::{Agent, HERE, limits, oracle, pace, until};
use uuid::Uuid;

fn now() -> Timestamp {
    Timestamp::from_micros(Clock::default().now() * 1_000_000)
}

/// The files of an agent, under names that its configuration gives.
fn brought(plant: &Path) -> Brought {
    let [certificate, key, roots] = ["agent.crt", "agent.key", "roots.pem"].map(|name| plant.join(name));
    Brought { certificate, key, roots }
}

fn put(from: &Works, name: &str, to: &Brought) {
    let files = from.files(name);
    for (from, to) in
        [(files.certificate, &to.certificate), (files.key, &to.key), (from.file("root.pem"), &to.roots)]
    {
        std::fs::copy(from, to).expect("a copy");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_of_an_operators_own_pki_serve_both_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let works = Works::make(&folder.path().join("works"), &["north", "south"]).expect("a PKI");
    let office = Office::beside(Some(&works), folder.path(), HERE, limits()).await.expect("an aggregator");
    let start = |facility: &str| {
        let plant = folder.path().join(facility);
        std::fs::create_dir(&plant).expect("a folder");
        let files = brought(&plant);
        let credentials = (Uuid::new_v4(), Credentials::Brought(files.clone(), Arc::default()));
        let to = (office.address(), "localhost");
        (Agent::showing(&plant, facility, credentials, to, pace()).expect("an agent"), files)
    };
    let (mut north, files) = start("north");
    north.issue(20);
    // The PKI has not delivered yet.
    until("it says what is missing", || {
        north.status().trouble.is_some_and(|why| why.contains("agent.crt: No such file"))
    })
    .await;
    put(&works, "agent-north", &files);
    until("everything is committed", || north.is_done()).await;
    let standings = office.aggregator.intake.fleet().snapshot(now());
    let [standing] = standings.as_slice() else { panic!("one agent, not {standings:?}") };
    assert_eq!(standing.facility, "north");
    let north_id = standing.agent;

    // The PKI replaces the aggregator's certificate by something useless: the one before goes on.
    std::fs::write(works.files("aggregator").certificate, "nothing").expect("a file");
    office.hall.tick().await;
    let (mut south, files) = start("south");
    put(&works, "agent-south", &files);
    south.issue(4);
    until("everything of the other is committed", || south.is_done()).await;
    assert_eq!(oracle::look(folder.path()).await.expect("a look").alerts, 24);

    // One is revoked by us, one by the PKI.
    office.hall.store().revoke_agent(north_id, "op", "stolen", now()).await.expect("a revocation");
    works.revoke("south").expect("a list");
    for agent in [&north, &south] {
        until("the session is closed and it is told why", || {
            let status = agent.status();
            status.connected.is_none()
                && status.trouble.is_some_and(|why| why.to_lowercase().contains("revoked"))
        })
        .await;
    }
    drop((north, south));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_when_its_root_is_rotated_out_and_the_agent_comes_back_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let office = Office::open(folder.path(), HERE, limits()).await.expect("an aggregator");
    let own = office.enrol(&folder.path().join("state"), "north").await.expect("an agent");
    let mut agent = own.start(folder.path(), office.address(), pace()).expect("an agent");
    agent.issue(8);
    until("everything is committed", || agent.is_done()).await;
    let first = own.folder.present().expect("an identity").expect("one").leaf;

    let next = office.rotate(folder.path()).await.expect("a rotation");
    assert_eq!(office.aggregator.intake.counters().aged.get(), 0, "a former root still vouches");
    Authority::taint(&ca(folder.path())).expect("tainted");
    // The session is closed, the next one is refused, so it renews; what it has then opens one.
    until("the session was closed", || office.aggregator.intake.counters().aged.get() == 1).await;
    until("it has renewed by itself", || {
        let present = own.folder.present().ok().flatten();
        present.is_some_and(|present| present.leaf.serial != first.serial)
    })
    .await;
    agent.issue(8);
    until("everything is committed again", || agent.is_done()).await;
    assert!(own.folder.roots().expect("roots").holds(next), "the session told it of the next root");
    drop(agent);
    office.close().await;
    assert_eq!(oracle::look(folder.path()).await.expect("a look").alerts, 16);
}
