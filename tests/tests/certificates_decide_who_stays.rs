//! Sessions last as long as their certificate is vouched for, whoever issued it: an operator's PKI from end
//! to end, and a root of our own that is rotated out while a session lasts.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use fieldward_agent::identity::{Folder, enroll, take_enrolled};
use fieldward_agent::uplink::{Brought, Credentials, Settings};
use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::ca::token;
use fieldward_aggregator::intake::Gate as _;
use fieldward_shared::clock::Clock;
use fieldward_shared::identity::AGGREGATOR;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{EnrollRequest, Message};
use fieldward_tests::link::guarded::{Demonstration, Guarded};
use fieldward_tests::link::{Agent, HERE, oracle, pace, until};
use uuid::Uuid;

fn settings(to: SocketAddr, name: &str, credentials: Credentials) -> Settings {
    let (address, name) = (to.to_string(), name.to_owned());
    Settings { address, tcp_port: None, name, spool_folder: "".into(), credentials, pace: pace() }
}

fn now() -> Timestamp {
    Timestamp::from_micros(Clock::default().now() * 1_000_000)
}

/// The files of an agent, under names that its configuration gives.
fn brought(plant: &Path) -> Brought {
    let [certificate, key, roots] = ["agent.crt", "agent.key", "roots.pem"].map(|name| plant.join(name));
    Brought { certificate, key, roots }
}

fn put(from: &Demonstration, name: &str, to: &Brought) {
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
    let works = Demonstration::make(&folder.path().join("works"), &["north", "south"]).expect("a PKI");
    let aggregator = Guarded::start(folder.path(), Some(&works)).await.expect("an aggregator");
    let plant = folder.path().join("plant");
    std::fs::create_dir(&plant).expect("a folder");
    let files = brought(&plant);
    let credentials = Credentials::Brought(files.clone(), Arc::default());
    let to = aggregator.intake.address();
    let settings = settings(to, "localhost", credentials);
    let mut agent = Agent::start_with(&plant, "north", Uuid::new_v4(), settings).expect("an agent");
    agent.issue(20);
    // The PKI has not delivered yet.
    until("it says what is missing", || {
        agent.status().trouble.is_some_and(|why| why.contains("agent.crt: No such file"))
    })
    .await;
    put(&works, "agent-north", &files);
    until("everything is committed", || agent.is_done()).await;
    let standings = aggregator.intake.fleet().snapshot(now());
    let [standing] = standings.as_slice() else { panic!("one agent, not {standings:?}") };
    assert_eq!(standing.facility, "north");
    let north = standing.agent;

    // The PKI replaces the aggregator's certificate by something useless: the one before goes on.
    let shown = works.files("aggregator").certificate;
    let good = std::fs::read(&shown).expect("a certificate");
    std::fs::write(&shown, "nothing").expect("a file");
    assert!(aggregator.hall.reload().is_err(), "it is said");
    assert!(aggregator.hall.reload().is_ok(), "once");
    agent.connect(to).expect("again");
    agent.issue(4);
    until("everything is committed again", || agent.is_done()).await;
    std::fs::write(&shown, [good, b"\n".to_vec()].concat()).expect("a file");
    aggregator.hall.reload().expect("what is good again is taken over");

    assert_eq!(oracle::look(folder.path()).await.expect("a look").alerts, 24);

    aggregator.hall.store().revoke_agent(north, "op", "stolen", now()).await.expect("a revocation");
    aggregator.hall.tick().await;
    until("the session is closed and it is told why", || {
        let status = agent.status();
        status.connected.is_none() && status.trouble.is_some_and(|why| why.contains("revoked"))
    })
    .await;
    drop(agent);
    aggregator.intake.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_when_its_root_is_rotated_out_and_the_agent_comes_back_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let aggregator = Guarded::start(folder.path(), None).await.expect("an aggregator");
    let hall = &aggregator.hall;
    let plant = folder.path().join("plant");
    let (identity, clock) = (Folder::in_state(&plant), Arc::new(Clock::default()));
    let (text, token) = token::draw("north", 3600, true, "op", clock.now()).expect("a token");
    hall.store().add_token(&token).await.expect("a kept token");
    let pin = hall.authority().pin().expect("a pin");
    let asked = enroll(&identity, false).expect("a request");
    let request = EnrollRequest { token: text, csr: asked.csr.clone(), ..EnrollRequest::default() };
    let Message::Certificate(answer) = hall.enroll(request, HERE.ip()).await else {
        panic!("no certificate")
    };
    take_enrolled(&identity, asked, &answer, Some(pin), &clock).expect("an identity");

    let to = aggregator.intake.address();
    let credentials = Credentials::Kept(identity.clone(), clock.clone());
    let settings = settings(to, AGGREGATOR, credentials);
    let mut agent = Agent::start_with(&plant, "north", Uuid::new_v4(), settings).expect("an agent");
    agent.issue(8);
    until("everything is committed", || agent.is_done()).await;
    let first = identity.present().expect("an identity").expect("one").leaf;

    let next =
        Authority::prepare(&aggregator.ca(), &aggregator.root_key(pin), clock.now()).expect("prepared");
    Authority::activate(&aggregator.ca(), &aggregator.root_key(next), clock.now()).expect("active");
    hall.tick().await;
    assert_eq!(aggregator.intake.counters().aged.get(), 0, "a former root still vouches");
    Authority::taint(&aggregator.ca()).expect("tainted");
    hall.tick().await;
    // The session is closed, the next one is refused, so it renews; what it has then opens one.
    until("the session was closed", || aggregator.intake.counters().aged.get() == 1).await;
    until("it has renewed by itself", || {
        let now = identity.present().ok().flatten();
        now.is_some_and(|now| now.leaf.serial != first.serial)
    })
    .await;
    agent.issue(8);
    until("everything is committed again", || agent.is_done()).await;
    let roots = identity.roots().expect("roots");
    assert!(roots.holds(next), "the session told it of the next root");
    assert_eq!(oracle::look(folder.path()).await.expect("a look").alerts, 16);
    drop(agent);
    aggregator.intake.close().await;
}
