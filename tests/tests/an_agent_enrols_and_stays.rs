//! From a token to a certificate that is renewed, over real sockets: the command `enroll`, an operator who
//! approves, renewal through the agent's keeper, a rotation of the root meanwhile, and revocation.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use fieldward_agent::cli::Cli;
use fieldward_agent::identity::keeper::{Dial, KeepError, Keeper};
use fieldward_agent::identity::{Folder, Trust};
use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::ca::hall::{Hall, Settings};
use fieldward_aggregator::ca::{state, token};
use fieldward_aggregator::intake::{Intake, Limits, Parts};
use fieldward_aggregator::store::Store;
use fieldward_shared::clock::Clock;
use fieldward_shared::identity::{AGGREGATOR, Pin};
use fieldward_shared::time::Timestamp;
use fieldward_shared::transport::{client_by, quic_client, server_showing};
use fieldward_tests::link::HERE;
use rustls::pki_types::CertificateDer;

/// An aggregator with an authority of its own.
struct Aggregator {
    hall: Arc<Hall>,
    folder: tempfile::TempDir,
    intake: Intake,
}

impl Aggregator {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca");
        let clock = Arc::new(Clock::default());
        Authority::init(&ca, clock.now()).expect("an authority");
        let url = format!("sqlite://{}", folder.path().join("fieldward.db").display());
        let store = Store::open(&url).await.expect("a store");
        let settings = Settings { folder: &ca, key: None, names: &[], operator: None, certificate: None };
        let hall = Arc::new(Hall::open(settings, store, clock.clone()).await.expect("a hall"));
        let tls = server_showing(hall.server(), hall.verifier(), clock).expect("TLS");
        let (seconds, _) = tokio::sync::mpsc::channel(1);
        let (requests, _) = tokio::sync::mpsc::channel(1);
        let parts = Parts {
            tls,
            reset_key: [7; 64],
            gate: hall.clone(),
            store: hall.store().clone(),
            seconds,
            requests,
            limits: Limits { sweep: Duration::from_millis(50), ..Limits::default() },
        };
        let intake = Intake::bind(HERE, parts).await.expect("an intake");
        Self { hall, folder, intake }
    }

    fn ca(&self) -> std::path::PathBuf {
        self.folder.path().join("ca")
    }

    fn root_key(&self, pin: Pin) -> std::path::PathBuf {
        state::key_file(&self.ca(), "root", pin)
    }
}

/// Runs the command in a thread of its own, as `main` does.
fn enroll(arguments: Vec<String>) -> tokio::task::JoinHandle<ExitCode> {
    tokio::task::spawn_blocking(move || Cli::try_parse_from(arguments).expect("arguments").run())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_enrols_and_stays_until_it_is_revoked() {
    let aggregator = Aggregator::start().await;
    let hall = &aggregator.hall;
    let plant = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Clock::default());
    let now = clock.now();
    let at = Timestamp::from_micros(now * 1_000_000);
    let (text, token) = token::draw("plant", 3600, false, "op", now).expect("a token");
    hall.store().add_token(&token).await.expect("a kept token");
    let token_file = plant.path().join("token");
    std::fs::write(&token_file, format!("{text}\n")).expect("a file");
    let pin = hall.authority().pin().expect("a pin");
    let address = aggregator.intake.address().to_string();
    let arguments = [
        "fieldward-agent",
        "enroll",
        "--aggregator",
        &address,
        "--token-file",
        &token_file.display().to_string(),
        "--ca-pin",
        &pin.to_string(),
        "--state",
        &plant.path().display().to_string(),
        "--facility",
        "plant",
    ];
    let done = enroll(arguments.iter().map(|word| (*word).to_owned()).collect());
    // The operator waits for the agent to show up, and approves what it shows.
    let waiting = loop {
        if let Some(one) = hall.store().pending().await.expect("those who wait").pop() {
            break one;
        }
        tokio::task::yield_now().await;
    };
    hall.store().decide(waiting.key, true, "op", at).await.expect("a decision").expect("one who waits");
    assert_eq!(done.await.expect("the command"), ExitCode::SUCCESS);
    let folder = Folder::in_state(plant.path());
    let first = folder.trust().expect("an identity");
    assert_eq!(first.identity.name, waiting.name);
    assert!(first.roots.holds(pin) && !first.is_next);

    let keeper = keeper(&folder, clock, aggregator.intake.address());
    assert!(!keeper.look(false).await.expect("a look"), "it is not time yet");
    assert!(keeper.look(true).await.expect("a renewal"));
    let second = folder.trust().expect("an identity");
    assert!(second.is_next && second.identity.leaf.serial != first.identity.leaf.serial);
    folder.settle().expect("settled");

    // The root is rotated from beginning to end while nobody looks.
    let next = Authority::prepare(&aggregator.ca(), &aggregator.root_key(pin), now).expect("prepared");
    Authority::activate(&aggregator.ca(), &aggregator.root_key(next), now).expect("active");
    Authority::taint(&aggregator.ca()).expect("tainted");
    Authority::revoke_roots(&aggregator.ca(), &aggregator.root_key(next), now).expect("revoked");
    hall.tick().await;
    let shown = second.identity.shown().chain;
    assert!(!hall.verifier().peer(&shown).expect("a peer").may_open_session());
    assert!(keeper.look(true).await.expect("a renewal"));
    folder.settle().expect("settled");
    let third = folder.trust().expect("an identity");
    assert!(third.roots.holds(next) && !third.roots.holds(pin));
    let shown = third.identity.shown().chain;
    assert!(hall.verifier().peer(&shown).expect("a peer").may_open_session());
    assert!(keeper.look(true).await.expect("a renewal under the new root alone"));
    folder.give_up_next().expect("given up");

    hall.store().revoke_agent(waiting.name.agent, "op", "stolen", at).await.expect("a revocation");
    hall.tick().await;
    let refused = keeper.look(true).await;
    assert!(matches!(refused, Err(KeepError::Dial(_) | KeepError::Door(_))), "{refused:?}");
    assert_eq!(folder.trust().expect("it keeps its identity").identity.leaf, third.identity.leaf);
    aggregator.intake.close().await;
}

fn keeper(folder: &Folder, clock: Arc<Clock>, to: SocketAddr) -> Keeper {
    let by = clock.clone();
    let dial: Dial = Arc::new(move |trust: Trust, alpn| {
        let clock = by.clone();
        Box::pin(async move {
            let roots: Vec<_> = trust.roots.roots.iter().cloned().map(CertificateDer::from).collect();
            let tls = client_by(clock, Some(trust.identity.shown()), &roots, alpn);
            let client = quic_client(tls.map_err(|error| error.to_string())?);
            let client = client.map_err(|error| error.to_string())?;
            client.dial(to, AGGREGATOR).await.map_err(|error| error.to_string())
        })
    });
    Keeper::new(folder.clone(), clock, dial, Arc::default())
}
