//! Where demonstrations are wanted, an aggregator has a simulator attack its own plant: by the API, over the link,
//! with real protocols on loopback. A simulator can do nothing else, and where demonstrations are not wanted
//! there are none.

#![expect(clippy::unwrap_used, reason = "clippy does not take helpers of a test for tests")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fieldward_aggregator::ca::token;
use fieldward_aggregator::intake::Limits;
use fieldward_shared::identity::{AGGREGATOR, Kind};
use fieldward_shared::transport::{Channel, ClientIdentity, Code, LinkError, client, quic_client};
use fieldward_shared::wire::{DEMO, SESSION};
use fieldward_sim::config::Config;
use fieldward_sim::demo::{self, Settings, Trouble};
use fieldward_sim::live::{self, Site};
use fieldward_sim::{Labels, PLANTS};
use fieldward_tests::api::{Caller, Service, key_of};
use fieldward_tests::link::office::Office;
use fieldward_tests::link::{HERE, limits, until};
use fieldward_tests::socket::Socket;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// A simulator in a thread of its own, as its process would be.
struct Player {
    folder: PathBuf,
    stop: oneshot::Sender<()>,
    runs: std::thread::JoinHandle<(Result<(), Trouble>, Labels)>,
}

impl Player {
    async fn start(office: &Office, folder: &Path, facility: &str) -> Self {
        let (text, mut token) = token::draw(facility, 3600, true, "op", office.hall.clock().now()).unwrap();
        token.kind = Kind::Simulator;
        office.hall.store().add_token(&token).await.unwrap();
        let folder = folder.join("simulator");
        let settings = Settings {
            aggregator: office.address().to_string(),
            folder: folder.clone(),
            token: Some((text, office.hall.authority().pin().unwrap())),
        };
        let (stop, stopped) = oneshot::channel();
        let runs = std::thread::spawn(move || {
            live::run(async {
                let site = plant().await;
                site.begin();
                let ended = tokio::select! {
                    ended = demo::serve(&settings, &site) => ended.map(|never| match never {}),
                    _ = stopped => Ok(()),
                };
                (ended, site.labels())
            })
            .unwrap()
        });
        Self { folder, stop, runs }
    }

    /// Ends it; why it had ended before, and what it has played.
    async fn end(self) -> (Result<(), Trouble>, Labels) {
        let _ = self.stop.send(());
        tokio::task::spawn_blocking(|| self.runs.join().unwrap()).await.unwrap()
    }

    /// Dials as it for a protocol; gives why that ends.
    async fn dial(&self, office: &Office, alpn: &[u8]) -> LinkError {
        let file = self.folder.join("simulator.pem");
        let chain = CertificateDer::pem_file_iter(&file).unwrap().map(Result::unwrap).collect();
        let identity = ClientIdentity { chain, key: PrivateKeyDer::from_pem_file(&file).unwrap() };
        refused(office, identity, alpn).await
    }
}

/// A plant on a network that nobody else has.
async fn plant() -> Site {
    static USED: AtomicU32 = AtomicU32::new(0);
    for _ in 0..120 {
        let nth = std::process::id().wrapping_mul(17).wrapping_add(USED.fetch_add(1, Ordering::Relaxed));
        let mut config = Config::new(PLANTS[0], 8);
        config.network = Some([127, 100 + (nth % 150) as u8]);
        if let Ok(site) = Site::open(&config).await {
            return site;
        }
    }
    panic!("no loopback network is free, or mosquitto is not installed");
}

async fn refused(office: &Office, identity: ClientIdentity, alpn: &[u8]) -> LinkError {
    let roots: Vec<_> =
        office.hall.authority().roots().unwrap().roots.into_iter().map(CertificateDer::from).collect();
    let tls = client(Some(identity), &roots, alpn).unwrap();
    match quic_client(tls).unwrap().dial(office.address(), AGGREGATOR).await {
        Ok(link) => {
            drop(link.open(Channel::Control).await);
            link.closed().await
        }
        Err(error) => error,
    }
}

struct Scene {
    _folder: tempfile::TempDir,
    office: Office,
    service: Service,
    engineer: Caller,
    player: Player,
}

impl Scene {
    async fn open(simulators: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { simulators, ..limits() };
        let office = Office::open(folder.path(), HERE, limits).await.unwrap();
        let player = Player::start(&office, folder.path(), "north").await;
        let (store, intake) = (office.hall.store().clone(), &office.aggregator.intake);
        let service =
            Service::start_with(store, intake.fleet(), Some(intake.asker()), 1_000_000).await.unwrap();
        let engineer = service.key("engineer", &["*"]).await.unwrap();
        Self { _folder: folder, office, service, engineer, player }
    }

    async fn status(&self) -> Value {
        self.service.get(&self.engineer, "/api/demo/status").await.unwrap()
    }

    async fn post(&self, what: &str, body: Option<Value>) -> fieldward_tests::api::Answer {
        self.service.ask(&self.engineer, "POST", &format!("/api/demo/{what}"), body).await.unwrap()
    }

    async fn close(self) -> (Result<(), Trouble>, Labels) {
        let done = self.player.end().await;
        self.service.stop().await.unwrap();
        self.office.close().await;
        done
    }
}

fn north() -> Option<Value> {
    Some(json!({ "facility_id": "north" }))
}

/// What a socket hears of a scenario until it is over.
async fn heard_to_the_end(socket: &mut Socket, id: &Value) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        let said = socket.hear_of("system").await;
        if said["type"] != "demo_scenario" || said["data"]["scenario_id"] != *id {
            continue;
        }
        let status = said["data"]["status"].clone();
        heard.push(said["data"].clone());
        if !["started", "running"].contains(&status.as_str().unwrap()) {
            return heard;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulator_plays_what_it_is_told_and_says_how_it_goes() {
    let scene = Scene::open(4).await;
    let demo = scene.office.aggregator.intake.demo();
    until("a simulator", || demo.simulators().len() == 1).await;
    let status = scene.status().await;
    assert_eq!(status["simulators"][0]["facility_id"], "north", "{status}");
    assert_eq!((&status["last_scenario"], &status["active_scenarios"]), (&Value::Null, &json!([])));

    // A scenario, heard to its end by whoever listens.
    let mut socket = Socket::with_key(&scene.service, &scene.engineer).await;
    let begun = scene.post("scenarios/port-scan", north()).await.json().unwrap();
    assert_eq!(begun["status"], "started", "{begun}");
    scene.post("scenarios/multi-stage", north()).await.is_problem(409, "demo_busy");
    let heard = heard_to_the_end(&mut socket, &begun["scenario_id"]).await;
    let last = heard.last().unwrap();
    assert_eq!((&last["status"], &last["progress"]), (&json!("completed"), &json!(100.0)), "{heard:?}");
    assert!(
        heard.iter().any(|one| one["attack"] == "port-scan" && one["attack_type"] == "T0846"),
        "{heard:?}"
    );
    let status = scene.status().await;
    assert_eq!(status["last_scenario"]["scenario_id"], begun["scenario_id"]);
    assert_eq!(status["active_scenarios"], json!([]));

    // One that is ended on the way.
    let begun = scene.post("scenarios/multi-stage", north()).await.json().unwrap();
    let status = scene.status().await;
    assert_eq!(status["active_scenarios"][0]["scenario_id"], begun["scenario_id"], "{status}");
    assert_eq!(status["active_scenarios"][0]["steps"], 7, "{status}");
    let reset = scene.post("reset", None).await.json().unwrap();
    assert_eq!((&reset["status"], &reset["stopped"]), (&json!("reset_complete"), &json!(1)), "{reset}");
    let status = scene.status().await;
    assert_eq!(
        (&status["last_scenario"]["status"], &status["active_scenarios"]),
        (&json!("stopped"), &json!([]))
    );

    // A round, begun as any other, and ended with the rest.
    let begun = scene.post("scenarios/fl-round", None).await.json().unwrap();
    let number = begun["round_id"].as_u64().unwrap();
    let path = format!("/api/fl/rounds/{number}");
    assert_eq!(scene.service.get(&scene.engineer, &path).await.unwrap()["round_number"], number);
    assert_eq!(scene.status().await["active_scenarios"][0]["round_id"], number);
    assert_eq!(scene.post("reset", None).await.json().unwrap()["stopped"], 1);
    assert_eq!(scene.status().await["active_scenarios"], json!([]));

    // Who did what is written down; and nothing that was played became an alert.
    let admin = scene.service.key("admin", &["*"]).await.unwrap();
    let trail = scene.service.get(&admin, "/api/audit").await.unwrap().to_string();
    let acts: Vec<&str> =
        ["demo.reset", "demo.started"].into_iter().flat_map(|act| trail.matches(act)).collect();
    assert_eq!(acts.iter().filter(|one| **one == "demo.reset").count(), 2, "{acts:?}");
    assert!(acts.iter().filter(|one| **one == "demo.started").count() >= 3, "{acts:?}");
    let alerts = scene.service.get(&scene.engineer, "/api/alerts").await.unwrap();
    assert_eq!(alerts["alerts"], json!([]));

    let (ended, labels) = scene.close().await;
    ended.unwrap();
    let played: Vec<(&str, u64)> = labels.attacks.iter().map(|one| (one.name, one.packets)).collect();
    assert!(
        played.len() >= 2 && played.iter().any(|(name, packets)| *name == "port-scan" && *packets > 100),
        "{played:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulator_is_no_agent_and_an_agent_no_simulator() {
    let scene = Scene::open(4).await;
    let intake = &scene.office.aggregator.intake;
    let demo = intake.demo();
    until("a simulator", || demo.simulators().len() == 1).await;
    let closed = scene.player.dial(&scene.office, SESSION).await;
    assert!(
        matches!(&closed, LinkError::Closed(Code::Certificate, why) if why.contains("simulator")),
        "{closed:?}"
    );
    let state = tempfile::tempdir().unwrap();
    let agent = scene.office.enrol(state.path(), "north").await.unwrap();
    let closed = refused(&scene.office, agent.folder.trust().unwrap().identity.shown(), DEMO).await;
    assert!(
        matches!(&closed, LinkError::Closed(Code::Certificate, why) if why.contains("agent")),
        "{closed:?}"
    );
    // It is listed nowhere among agents, and no round takes it for one.
    let store = scene.office.hall.store();
    let agents = store.agents().await.unwrap();
    assert_eq!(agents.iter().map(|one| one.id).collect::<Vec<_>>(), [agent.id]);
    let simulator = demo.simulators()[0].id;
    let chain: Vec<Vec<u8>> = CertificateDer::pem_file_iter(scene.player.folder.join("simulator.pem"))
        .unwrap()
        .map(|der| der.unwrap().to_vec())
        .collect();
    assert!(!intake.tasks().is_of(simulator, &chain));

    // Who may: engineers, of plants that they see.
    let viewer = scene.service.key("viewer", &["*"]).await.unwrap();
    let south = key_of(store, "south", "engineer", &["south"]).await.unwrap();
    let south = Caller::default().with("x-api-key", &south);
    let ask = async |who: &Caller, path: &str, body| {
        scene.service.ask(who, "POST", &format!("/api/demo/{path}"), body).await.unwrap()
    };
    ask(&viewer, "scenarios/port-scan", north()).await.is_problem(403, "missing_role");
    ask(&south, "scenarios/port-scan", north()).await.is_problem(404, "not_found");
    ask(&south, "scenarios/fl-round", None).await.is_problem(403, "missing_scope");
    let nowhere = Some(json!({ "facility_id": "nowhere" }));
    ask(&scene.engineer, "scenarios/port-scan", nowhere).await.is_problem(404, "not_found");
    let begun = ask(&scene.engineer, "scenarios/multi-stage", north()).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    assert_eq!(ask(&south, "reset", None).await.json().unwrap()["stopped"], 0);
    let seen = scene.service.get(&south, "/api/demo/status").await.unwrap();
    assert_eq!((&seen["active_scenarios"], &seen["simulators"]), (&json!([]), &json!([])));

    // Revoked: it is out, what it played has failed, and nobody is there to play.
    assert!(store.revoke_agent(simulator, "op", "lost", fieldward_aggregator::store::now()).await.unwrap());
    until("it is out", || demo.simulators().is_empty()).await;
    let status = scene.status().await;
    assert_eq!(status["last_scenario"]["status"], "failed", "{status}");
    let answer = scene.post("scenarios/port-scan", north()).await;
    answer.is_problem(503, "no_simulator");
    assert!(!answer.header("retry-after").is_empty());
    let (ended, _) = scene.close().await;
    assert!(ended.is_err(), "it is told that it was revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_demonstrations_are_not_wanted_there_are_none() {
    let Scene { _folder, office, service, engineer, player } = Scene::open(0).await;
    for (method, path, body) in [
        ("POST", "scenarios/port-scan", north()),
        ("POST", "scenarios/multi-stage", north()),
        ("POST", "scenarios/fl-round", None),
        ("GET", "status", None),
        ("POST", "reset", None),
    ] {
        let answer = service.ask(&engineer, method, &format!("/api/demo/{path}"), body).await.unwrap();
        answer.is_problem(404, "demo_off");
        assert!(answer.json().unwrap()["detail"].as_str().unwrap().contains("DEMO_MODE"));
    }
    assert_eq!(office.hall.store().count_rounds().await.unwrap(), 0);
    // It enrols, and is told at the door why it is not wanted.
    let ended = tokio::task::spawn_blocking(|| player.runs.join().unwrap()).await.unwrap();
    let told = Arc::new(ended.0.unwrap_err()).to_string();
    assert!(told.contains("DEMO_MODE"), "{told}");
    service.stop().await.unwrap();
    office.close().await;
}
