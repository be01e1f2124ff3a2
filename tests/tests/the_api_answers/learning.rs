//! Rounds, versions and training as those who ask meet them: begun, held, ended, promoted, taken back. What a driver
//! would keep is kept by the story, step by step, through the same store.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fieldward_aggregator::api::fl::feed;
use fieldward_aggregator::api::openapi;
use fieldward_aggregator::api::security::Deployment;
use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::ca::state::Standing;
use fieldward_aggregator::config::Config;
use fieldward_aggregator::drift;
use fieldward_aggregator::fleet::{Entry, Fleet};
use fieldward_aggregator::registry::Export;
use fieldward_aggregator::round::RoundsConfig;
use fieldward_aggregator::store::driving::{Step, Verdict};
use fieldward_aggregator::store::rounds::{Client, ClientStatus, Phase, Round, Status};
use fieldward_aggregator::store::versions::NewVersion;
use fieldward_aggregator::store::{AgentStatus, Store, now};
use fieldward_shared::clock::Clock;
use fieldward_shared::service::Notify;
use fieldward_shared::supervisor::Supervisor;
use fieldward_shared::wire::{Drift, Health, Hello};
use fieldward_tests::api::{Caller, Service};
use fieldward_tests::socket::Socket;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Database, stories};

stories!(
    a_round_is_begun_held_and_ended,
    a_viewer_sees_his_plant_and_the_totals,
    a_version_is_promoted_and_taken_back,
    training_is_set_once_for_all_rounds,
    drift_begins_a_round,
    drift_of_enough_plants_begins_a_round,
    a_training_has_a_log,
);

const RUNNER: Uuid = Uuid::from_u128(1);
const NORTH: Uuid = Uuid::from_u128(11);
const SOUTH: Uuid = Uuid::from_u128(12);

async fn post(service: &Service, caller: &Caller, path: &str, body: Value) -> (u16, Value) {
    let answer = service.ask(caller, "POST", path, Some(body)).await.expect("an answer");
    let status = answer.status.as_u16();
    if status >= 400 {
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    (status, answer.json().expect("JSON"))
}

fn client(round: u64, agent: Uuid, facility: &str, stage: &str) -> Client {
    Client {
        round,
        agent,
        facility: facility.into(),
        name: format!("Works {facility}"),
        status: ClientStatus::Active,
        stage: stage.into(),
        reason: None,
        progress: 50,
        epoch: 1,
        epochs: 2,
        loss: Some(0.125),
        accuracy: None,
        vote: None,
        epsilon: Some(1.5),
        rounds_left: Some(12),
        delta: Some(1e-5),
        budget: Some(6.0),
        last_update: now(),
    }
}

/// What a driver keeps of a step.
async fn keep(store: &Store, round: &Round, clients: &[Client], made: Option<&NewVersion>) -> Option<u64> {
    let lease = now().plus(60_000_000);
    let step = Step {
        round,
        runner: RUNNER,
        lease,
        sent: &[],
        clients,
        seats: &[],
        candidate: made,
        guard: None,
        notes: &[],
        verdict: None,
    };
    store.keep_step(&step, now()).await.expect("a step").expect("it is ours")
}

/// Takes the round whose turn it is as far as its plants train.
async fn training(store: &Store) -> Round {
    for (agent, facility) in [(NORTH, "north"), (SOUTH, "south")] {
        store.add_agent(agent, facility, AgentStatus::Active, now()).await.expect("an agent");
    }
    let taken = store.take_round(RUNNER, now(), now().plus(60_000_000)).await.expect("a look");
    let mut round = taken.expect("a round");
    (round.status, round.phase, round.start) = (Status::InProgress, Phase::Training, now());
    (round.progress, round.clients_active, round.clients_total) = (40, 2, 3);
    (round.attempt, round.epsilon) = (1, Some(1.5));
    let late = Client {
        reason: Some("its features are of another schema".into()),
        ..client(round.number, Uuid::from_u128(13), "east", "left_out")
    };
    let clients = [
        client(round.number, NORTH, "north", "training"),
        client(round.number, SOUTH, "south", "training"),
        late,
    ];
    keep(store, &round, &clients, None).await;
    round
}

/// Ends a round with a version that plants take, or refuse.
async fn ended(store: &Store, mut round: Round, weights: &[f32], rejected: Option<&str>) -> u64 {
    let base = store.current_version("autoencoder").await.expect("a look").map(|version| version.id);
    let new = NewVersion {
        parents: base.into_iter().collect(),
        round: Some(round.number),
        made_by: "round".into(),
        ..version(weights)
    };
    round.phase = Phase::Gate;
    let made = keep(store, &round, &[], Some(&new)).await.expect("a version");
    let is_good = rejected.is_none();
    (round.status, round.phase) =
        if is_good { (Status::Completed, Phase::Complete) } else { (Status::Failed, Phase::Failed) };
    (round.end, round.progress, round.candidate) = (Some(now()), 100, Some(made));
    round.reason = rejected.map(str::to_owned);
    round.accuracy = Some(0.97);
    let vote = |agent, facility| Client {
        vote: Some(is_good),
        accuracy: Some(0.97),
        ..client(round.number, agent, facility, "voted")
    };
    let clients = [vote(NORTH, "north"), vote(SOUTH, "south")];
    let verdict = Verdict {
        version: made,
        rejected: rejected.map(str::to_owned),
        metrics: json!({ "plants": 2 }),
        accuracy: Some(0.97),
    };
    let step = Step {
        round: &round,
        runner: RUNNER,
        lease: now(),
        sent: &[],
        clients: &clients,
        seats: &[],
        candidate: None,
        guard: None,
        notes: &[],
        verdict: Some(&verdict),
    };
    store.keep_step(&step, now()).await.expect("a step").expect("it is ours");
    made
}

pub fn version(weights: &[f32]) -> NewVersion {
    NewVersion {
        network: "autoencoder".into(),
        layout: 5,
        schema: 7,
        weights: weights.to_vec(),
        parents: Vec::new(),
        round: None,
        strategy: Some("fedavg".into()),
        memory: Vec::new(),
        made_by: "story".into(),
        metrics: json!({}),
    }
}

async fn a_round_is_begun_held_and_ended(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    let store = &service.api.store;
    let engineer = service.key("engineer", &["*"]).await.unwrap();
    service.ask(&engineer, "GET", "/api/fl/rounds/current", None).await.unwrap().is_problem(404, "not_found");
    assert_eq!(service.get(&engineer, "/api/fl/rounds").await.unwrap()["total"], 0);
    let trigger = "/api/fl/rounds/trigger";
    for (wrong, says) in [
        (json!({ "strategy": "median" }), "masking"),
        (json!({ "strategy": "krum" }), "there is no strategy"),
        (json!({ "strategy": "fedprox", "settings": { "proximal": 0 } }), "pull"),
        (json!({ "network": "../x" }), "small letters"),
        (json!({ "settings": { "epochs": 0 } }), "from 1 to 100"),
        (json!({ "settings": { "server_rate": 100 } }), "server_rate"),
        (json!({ "settings": { "speed": 1 } }), "unknown field"),
    ] {
        let (status, body) = post(&service, &engineer, trigger, wrong.clone()).await;
        assert_eq!(status, 422, "{wrong}: {body}");
        assert!(body["detail"].as_str().unwrap().contains(says), "{wrong}: {body}");
    }
    assert_eq!(service.get(&engineer, "/api/fl/rounds").await.unwrap()["total"], 0, "nothing was begun");
    let once = engineer.clone().with("idempotency-key", "once");
    let wish = json!({ "strategy": "fedprox", "settings": { "epochs": 3 } });
    let (status, begun) = post(&service, &once, trigger, wish.clone()).await;
    assert_eq!((status, &begun["round_id"], &begun["status"]), (200, &json!(1), &json!("started")));
    assert_eq!(post(&service, &once, trigger, wish).await, (200, begun), "asked again, answered as before");
    let (status, body) = post(&service, &engineer, trigger, json!(null)).await;
    assert_eq!((status, &body["code"]), (409, &json!("round_waits")));

    let current = service.get(&engineer, "/api/fl/rounds/current").await.unwrap();
    assert_eq!((&current["status"], &current["phase"]), (&json!("planned"), &json!("planned")));
    assert_eq!(current["settings"], json!({ "proximal": 0.01, "epochs": 3 }));
    assert_eq!(current["requested_by"], "key story-engineer");
    assert!(current["model_accuracy"].is_null() && current["unknown"]["model_accuracy"].is_string());

    let mut round = training(store).await;
    assert_eq!(service.get(&engineer, "/api/fl/rounds/current").await.unwrap()["phase"], "training");
    assert_eq!(service.get(&engineer, "/api/system/status").await.unwrap()["fl_progress"], 40);
    let (status, held) = post(&service, &engineer, "/api/fl/rounds/1/pause", json!(null)).await;
    assert_eq!((status, &held["paused"]), (200, &json!(true)));
    for (path, status) in [("1/pause", 409), ("99/pause", 404), ("1/resume", 200), ("1/resume", 409)] {
        let path = format!("/api/fl/rounds/{path}");
        assert_eq!(post(&service, &engineer, &path, json!(null)).await.0, status, "{path}");
    }
    let abort = "/api/fl/rounds/1/abort";
    assert_eq!(post(&service, &engineer, abort, json!({ "reason": "  " })).await.0, 422);
    let (status, stopped) = post(&service, &engineer, abort, json!({ "reason": "maintenance" })).await;
    assert_eq!(
        (status, &stopped["stop"]),
        (200, &json!({ "by": "key story-engineer", "reason": "maintenance" }))
    );
    assert_eq!(post(&service, &engineer, abort, json!({ "reason": "again" })).await.0, 409);
    // Its driver hears of it and ends it.
    (round.status, round.phase, round.end) = (Status::Failed, Phase::Failed, Some(now()));
    round.reason = Some("ended by key story-engineer: maintenance".into());
    keep(store, &round, &[], None).await;
    assert_eq!(post(&service, &engineer, "/api/fl/rounds/1/pause", json!(null)).await.0, 409);
    let history = service.get(&engineer, "/api/fl/rounds/history?range=1h").await.unwrap();
    assert_eq!(history["rounds"][0]["status"], "failed");
    assert_eq!(history["rounds"][0]["reason"], "ended by key story-engineer: maintenance");
    assert!(history["rounds"][0]["model_accuracy"].is_null());

    // Rounds behind the newest ones.
    for number in 2..=4 {
        post(&service, &engineer, trigger, json!({ "network": format!("network-{number}") })).await;
    }
    let page = service.get(&engineer, "/api/fl/rounds?limit=2&offset=1").await.unwrap();
    let numbers: Vec<&Value> = page["rounds"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!((numbers, &page["total"]), (vec![&json!(3), &json!(2)], &json!(4)));
    assert!(service.ask(&engineer, "GET", "/api/fl/rounds?offset=99999", None).await.unwrap().status == 400);
    store.verify_audit().await.expect("the chain");
    service.stop().await.unwrap();
}

async fn a_viewer_sees_his_plant_and_the_totals(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    let store = &service.api.store;
    let engineer = service.key("engineer", &["*"]).await.unwrap();
    let viewer = service.key("viewer", &["north"]).await.unwrap();
    assert_eq!(service.get(&viewer, "/api/fl/clients").await.unwrap(), json!([]));
    // An agent that was never asked is there, and nothing of it is made up.
    store.add_agent(NORTH, "north", AgentStatus::Active, now()).await.unwrap();
    let clients = service.get(&viewer, "/api/fl/clients").await.unwrap();
    assert_eq!((&clients[0]["status"], &clients[0]["loss"]), (&json!("offline"), &Value::Null));
    assert!(clients[0]["unknown"]["loss"].is_string());
    let privacy = service.get(&viewer, "/api/fl/privacy-metrics").await.unwrap();
    for name in ["epsilon", "delta", "data_size", "privacy_budget_remaining", "rounds_left"] {
        assert!(privacy[name].is_null() && privacy["unknown"][name].is_string(), "{name}: {privacy}");
    }

    post(&service, &engineer, "/api/fl/rounds/trigger", json!(null)).await;
    let round = training(store).await;
    let path = format!("/api/fl/rounds/{}", round.number);
    let (own, all) =
        (service.get(&viewer, &path).await.unwrap(), service.get(&engineer, &path).await.unwrap());
    assert_eq!((&own["total_clients"], &own["clients_active"]), (&json!(3), &json!(2)));
    assert_eq!((own["clients"].as_array().unwrap().len(), all["clients"].as_array().unwrap().len()), (1, 3));
    let one = &own["clients"][0];
    assert_eq!(one["facility_id"], "north");
    assert_eq!(
        (&one["loss"], &one["current_epoch"], &one["progress"]),
        (&json!(0.125), &json!(1), &json!(50))
    );
    assert_eq!(service.get(&viewer, "/api/fl/clients").await.unwrap().as_array().unwrap().len(), 1);
    let detail = service.get(&viewer, &format!("/api/fl/clients/{NORTH}")).await.unwrap();
    assert_eq!((&detail["stage"], &detail["rounds"][0]["round_number"]), (&json!("training"), &json!(1)));
    let other = format!("/api/fl/clients/{SOUTH}");
    service.ask(&viewer, "GET", &other, None).await.unwrap().is_problem(404, "not_found");
    assert_eq!(service.get(&engineer, &other).await.unwrap()["facility_id"], "south");
    let privacy = service.get(&viewer, "/api/fl/privacy-metrics").await.unwrap();
    assert_eq!((&privacy["epsilon"], &privacy["rounds_left"]), (&json!(1.5), &json!(12)));
    assert_eq!((&privacy["delta"], &privacy["privacy_budget_remaining"]), (&json!("1e-5"), &json!(0.75)));
    let own = &privacy["facilities"][0];
    assert_eq!((&own["delta"], &own["budget"], &own["remaining"]), (&json!(1e-5), &json!(6.0), &json!(0.75)));
    assert_eq!(privacy["facilities"].as_array().unwrap().len(), 1);
    // Somebody who sees no plant sees the totals alone.
    let nobody = service.key("viewer", &[]).await.unwrap();
    let totals = service.get(&nobody, &path).await.unwrap();
    assert_eq!((&totals["clients"], &totals["total_clients"]), (&json!([]), &json!(3)));
    service.stop().await.unwrap();
}

async fn a_version_is_promoted_and_taken_back(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    let store = &service.api.store;
    let engineer = service.key("engineer", &["*"]).await.unwrap();
    let get = async |path: &str| service.get(&engineer, path).await.unwrap();
    assert_eq!(get("/api/models/versions").await["versions"], json!([]));
    store.import_version(&version(&[0.5, 1.0]), now()).await.unwrap();
    let mut made = Vec::new();
    for (weights, rejected) in [([0.25, 2.0], None), ([9.0, 9.0], Some("2 of 2 plants refuse it"))] {
        post(&service, &engineer, "/api/fl/rounds/trigger", json!(null)).await;
        let round = training(store).await;
        made.push(ended(store, round, &weights, rejected).await);
    }
    assert_eq!(made, [2, 3]);
    let listed = get("/api/models/versions").await;
    let states: Vec<&Value> =
        listed["versions"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(states, [&json!("rejected"), &json!("promoted"), &json!("promoted")]);
    assert_eq!(listed["current"], json!({ "autoencoder": 2 }));
    assert_eq!(get("/api/models/versions?limit=1&before=3").await["versions"][0]["id"], 2);
    let models = get("/api/models").await;
    assert_eq!((&models["version"], &models["accuracy"]), (&json!(2), &json!(0.97)));

    let detail = get("/api/models/versions/2").await;
    assert_eq!((&detail["is_current"], &detail["parents"]), (&json!(true), &json!([1])));
    let line = &detail["lineage"][0];
    assert_eq!((&line["round"], &line["plants"], &line["epsilon"]), (&json!(1), &json!(2), &json!(1.5)));
    assert_eq!(line["agents"].as_array().unwrap().len(), 2, "who was left out is no part of it");
    assert_eq!((&detail["lineage"][1]["version"], &detail["lineage"][1]["round"]), (&json!(1), &Value::Null));
    assert_eq!(detail["left_out"][0]["reason"], "its features are of another schema");
    let worth = get("/api/models/versions/3/performance").await;
    assert_eq!((&worth["accepts"], &worth["refuses"]), (&json!(0), &json!(2)));
    assert_eq!((&worth["previous_accuracy"], worth["plants"].as_array().unwrap().len()), (&json!(0.97), 3));

    // What plants refused somebody may put to work, with a reason: as a new version that comes of the one at work.
    let why = json!({ "reason": "it finds what the others miss" });
    assert_eq!(
        post(&service, &engineer, "/api/models/versions/3/promote", json!({ "reason": "" })).await.0,
        422
    );
    assert_eq!(post(&service, &engineer, "/api/models/versions/2/promote", why.clone()).await.0, 409);
    assert_eq!(post(&service, &engineer, "/api/models/versions/77/promote", why.clone()).await.0, 404);
    let (status, put) = post(&service, &engineer, "/api/models/versions/3/promote", why.clone()).await;
    assert_eq!((status, &put["id"], &put["parents"]), (200, &json!(4), &json!([2, 3])), "{put}");
    assert_eq!(store.version_weights(4).await.unwrap(), Some(vec![9.0, 9.0]));
    assert_eq!(get("/api/models/versions").await["current"], json!({ "autoencoder": 4 }));
    // And back again.
    assert_eq!(post(&service, &engineer, "/api/models/versions/3/rollback", why.clone()).await.0, 409);
    let (status, back) = post(&service, &engineer, "/api/models/versions/2/rollback", why.clone()).await;
    assert_eq!((status, &back["id"], &back["is_current"]), (200, &json!(5), &json!(true)), "{back}");
    assert_eq!(store.version_weights(5).await.unwrap(), Some(vec![0.25, 2.0]));
    assert_eq!(get("/api/models/versions/4").await["state"], "rolled-back");
    assert_eq!(post(&service, &engineer, "/api/models/versions/5/rollback", why).await.0, 409);
    // Without an authority nothing is sealed, and so nothing goes out.
    let export = service.ask(&engineer, "GET", "/api/models/versions/5/export", None).await.unwrap();
    export.is_problem(503, "no_authority");
    let acts = store.acts(i64::MAX, 10).await.unwrap();
    assert_eq!(acts.iter().filter(|act| act.action.starts_with("version.")).count(), 3);
    store.verify_audit().await.expect("the chain");
    service.stop().await.unwrap();
}

async fn training_is_set_once_for_all_rounds(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    let engineer = service.key("engineer", &["*"]).await.unwrap();
    let set = async |caller: &Caller, network: &str, body: Value| {
        let path = format!("/api/training/configuration/{network}");
        let answer = service.ask(caller, "PUT", &path, Some(body)).await.unwrap();
        (answer.status.as_u16(), answer.json().unwrap())
    };
    let good = json!({ "strategy": "trimmed_groups", "settings": { "liars": 1, "epochs": 4 } });
    let (status, kept) = set(&engineer, "autoencoder", good.clone()).await;
    assert_eq!((status, &kept["revision"], &kept["strategy"]), (200, &json!(1), &json!("trimmed_groups")));
    let late = engineer.clone().with("if-match", "\"v7\"");
    assert_eq!(set(&late, "autoencoder", good.clone()).await.0, 412);
    let seen = json!({ "strategy": "multi_krum", "settings": { "masked": false } });
    assert_eq!(set(&engineer, "shown", seen).await.0, 200);
    let seen = engineer.clone().with("if-match", "\"v1\"");
    assert_eq!(set(&seen, "autoencoder", good.clone()).await.1["revision"], 2);
    assert_eq!(set(&engineer, "Auto", good.clone()).await.0, 404);
    assert_eq!(set(&engineer, "autoencoder", json!({ "strategy": "multi_krum" })).await.0, 422);
    let shown = service.get(&engineer, "/api/training/configuration").await.unwrap();
    assert_eq!(shown["networks"][0]["settings"], json!({ "liars": 1, "epochs": 4 }));
    let strategies = shown["strategies"].as_array().unwrap();
    // What the document takes for a strategy is what there is.
    let document: Value = serde_json::from_str(&openapi::text()).unwrap();
    let pattern = document["components"]["schemas"]["RoundWish"]["properties"]["strategy"]["pattern"].clone();
    let names = strategies.iter().map(|one| one["name"].as_str().unwrap());
    assert_eq!(pattern, format!("^({})$", names.collect::<Vec<_>>().join("|")));
    assert!(strategies.iter().any(|one| one["name"] == "median" && one["sees_each"] == true));
    // A round takes it, and what was asked for over it.
    let (_, begun) =
        post(&service, &engineer, "/api/training/jobs", json!({ "settings": { "epochs": 2 } })).await;
    assert_eq!(begun["round"]["strategy"], "trimmed_groups");
    assert_eq!(begun["round"]["settings"], json!({ "liars": 1, "epochs": 2 }));
    // There are as many networks as there may be, and no more.
    for number in 1..20 {
        let (status, _) = set(&engineer, &format!("network-{number}"), good.clone()).await;
        assert_eq!(status, if number < 15 { 200 } else { 412 }, "{number}");
    }
    service.stop().await.unwrap();
}

async fn drift_begins_a_round(database: Database) {
    let fleet = Fleet::default();
    let service = Service::start_with(database.open().await, fleet.clone(), None, 1_000_000).await.unwrap();
    let engineer = service.key("engineer", &["*"]).await.unwrap();
    let (status, body) = post(&service, &engineer, "/api/drift/round", json!(null)).await;
    assert_eq!((status, &body["code"]), (409, &json!("no_drift")));
    let hello = Hello { instance: vec![1; 16], ..Hello::default() };
    let address = IpAddr::from([10, 0, 0, 1]);
    fleet.enter(
        &Entry { agent: NORTH, facility: "north", session: 1, address, way: "quic", hello: &hello },
        now(),
    );
    let tell = |index| {
        let drift = vec![Drift { feature: "packets".into(), index, ..Drift::default() }];
        fleet.health(NORTH, Health { state: "watching".into(), drift, ..Health::default() });
    };
    tell(0.05);
    assert_eq!(post(&service, &engineer, "/api/drift/round", json!(null)).await.0, 409);
    tell(0.3);
    let (status, begun) = post(&service, &engineer, "/api/drift/round", json!(null)).await;
    assert_eq!((status, &begun["round"]["cause"]), (200, &json!("drift")), "{begun}");
    // What an agent of today tells besides.
    let drift =
        Drift { feature: "packets".into(), index: 0.3, distance: 0.2, chance: Some(1e-9), differs: true };
    let health =
        Health { drift: vec![drift], model_error: Some(1.5), usual_error: Some(0.75), ..Health::default() };
    let told = service.get(&engineer, "/api/drift").await.unwrap();
    let unsaid = &told["agents"][0];
    assert!(unsaid["model_error"].is_null() && unsaid["features"][0]["differs"].is_null(), "{told}");
    fleet.health(NORTH, health.clone());
    let told = service.get(&engineer, "/api/drift").await.unwrap();
    let (of, moved) = (&told["agents"][0], &told["agents"][0]["features"][0]);
    assert_eq!((&of["model_error"]["times"], &moved["differs"]), (&json!(2.0), &json!(true)), "{told}");
    service.stop().await.unwrap();
}

async fn drift_of_enough_plants_begins_a_round(database: Database) {
    let store = database.open().await;
    let fleet = Fleet::default();
    let rounds = RoundsConfig { networks: vec!["autoencoder".into()], ..RoundsConfig::default() };
    let planned = Arc::new(tokio::sync::Notify::new());
    let mut starter = drift::Drift {
        fleet: fleet.clone(),
        store: store.clone(),
        config: drift::DriftConfig { plants: 2 },
        rounds,
        planned,
    };
    let hello = Hello { instance: vec![1; 16], ..Hello::default() };
    let address = IpAddr::from([10, 0, 0, 1]);
    let tell = |agent, facility: &str, differs| {
        let entry = Entry { agent, facility, session: 1, address, way: "quic", hello: &hello };
        fleet.enter(&entry, now());
        let moved = Drift { feature: "packets".into(), index: 0.3, differs, ..Drift::default() };
        fleet.health(agent, Health { drift: vec![moved], ..Health::default() });
    };
    tell(NORTH, "north", true);
    tell(SOUTH, "south", false);
    let today = now();
    assert_eq!(starter.look(today).await.unwrap(), 0, "a high index alone is not enough, nor is one plant");
    tell(SOUTH, "south", true);
    assert_eq!(starter.look(today).await.unwrap(), 1);
    assert_eq!(starter.look(today.plus(3_600_000_000)).await.unwrap(), 0, "once a day");
    assert_eq!(store.last_round("autoencoder").await.unwrap().map(|(phase, _)| phase), Some(Phase::Planned));
    starter.config.plants = 0;
    assert_eq!(starter.look(today.plus(90_000_000_000)).await.unwrap(), 0, "it is off");
    starter.config.plants = 2;
    // The first one still waits, and two of a network never do.
    assert_eq!(starter.look(today.plus(90_000_000_000)).await.unwrap(), 0);
    let round = training(&store).await;
    ended(&store, round, &[0.5, 1.0], None).await;
    assert_eq!(starter.look(today.plus(90_000_000_000)).await.unwrap(), 1);
    store.close().await;
}

async fn a_training_has_a_log(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    let store = &service.api.store;
    let engineer = service.key("engineer", &["*"]).await.unwrap();
    let viewer = service.key("viewer", &["north"]).await.unwrap();
    post(&service, &engineer, "/api/training/jobs", json!(null)).await;
    let round = training(store).await;
    let jobs = service.get(&viewer, "/api/training/jobs").await.unwrap();
    assert_eq!((&jobs["jobs"][0]["id"], &jobs["jobs"][0]["progress"]), (&json!("round-1"), &json!(40.0)));
    // The same step again, as after a crash, tells nothing new.
    keep(store, &round, &[client(1, NORTH, "north", "training")], None).await;
    let events = async |caller: &Caller, path: &str| -> Vec<String> {
        let log = service.get(caller, path).await.unwrap();
        let lines = log["lines"].as_array().unwrap().clone();
        lines.iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
    };
    let path = "/api/training/jobs/round-1/logs";
    let all = events(&engineer, path).await;
    assert_eq!(all.len(), 7, "{all:?}");
    let mut own = events(&viewer, path).await;
    own.sort();
    assert_eq!(own, ["epoch 1", "phase training", "training"]);
    let (status, stopped) =
        post(&service, &engineer, "/api/training/jobs/round-1/stop", json!({ "reason": "enough" })).await;
    assert_eq!((status, &stopped["state"]), (200, &json!("training")), "its driver ends it");
    assert_eq!(
        post(&service, &engineer, "/api/training/jobs/round-1/stop", json!({ "reason": "x" })).await.0,
        409
    );
    ended(store, round, &[1.0], None).await;
    let all = events(&engineer, path).await;
    for event in ["phase gate", "version 1 promoted", "phase complete", "voted"] {
        assert!(all.iter().any(|one| one == event), "{event} is not in {all:?}");
    }
    let job = service.get(&viewer, "/api/training/jobs/round-1").await.unwrap();
    assert!(job["ended"].is_string() && job["state"] == "complete");
    for path in
        ["/api/training/jobs/round-9", "/api/training/jobs/agent-x", "/api/training/jobs/round-x/logs"]
    {
        service.ask(&viewer, "GET", path, None).await.unwrap().is_problem(404, "not_found");
    }
    service.stop().await.unwrap();
}

/// With an authority a version goes out sealed, and whoever has the roots believes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca");
    Authority::init(&ca, Clock::default().now()).unwrap();
    let text =
        format!("database_url = \"sqlite://{}/x.db\"\n[ca]\nfolder = \"{}\"", ca.display(), ca.display());
    let config = Config::parse("the story", &text, std::iter::empty()).unwrap();
    let database = Database::sqlite();
    let store = database.open().await;
    let hall = Arc::new(config.ca.open(store.clone(), Arc::new(Clock::default())).await.unwrap());
    let roots = hall.authority().state().certificates(&[Standing::Active]).unwrap();
    let service = Service::start(store).await.unwrap();
    service.api.security.know(Deployment { config, hall: Some(hall) });
    service.api.store.import_version(&version(&[0.5, -1.0]), now()).await.unwrap();
    let path = "/api/models/versions/1/export";
    let viewer = service.key("viewer", &["*"]).await.unwrap();
    service.ask(&viewer, "GET", path, None).await.unwrap().is_problem(403, "missing_role");
    let engineer = service.key("engineer", &["*"]).await.unwrap();
    let answer = service.ask(&engineer, "GET", path, None).await.unwrap();
    assert!(answer.header("content-disposition").contains("fieldward-model-1.json"));
    let (statement, weights) = Export::open(&answer.body, &roots).unwrap();
    assert_eq!((statement.version, weights), (1, vec![0.5, -1.0]));
    assert_eq!((statement.network.as_str(), statement.state.as_str()), ("autoencoder", "promoted"));
    assert!(Export::open(&answer.body, &[]).is_err());
    let missing = service.ask(&engineer, "GET", "/api/models/versions/9/export", None).await.unwrap();
    missing.is_problem(404, "not_found");
    assert_eq!(service.api.store.acts(i64::MAX, 1).await.unwrap()[0].action, "version.exported");
    service.stop().await.unwrap();
}

/// Those who listen hear how a round goes: of its plants, those that they see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rounds_are_told_to_those_who_listen() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.unwrap();
    let engineer = service.key("engineer", &["*"]).await.unwrap();
    let (api, (stop, asked)) = (service.api.clone(), tokio::sync::oneshot::channel::<()>());
    let mut supervisor = Supervisor::new(Notify::default(), Duration::from_secs(20));
    supervisor.spawn("rounds-told", |stop| feed::run(api, stop));
    let feeding = tokio::spawn(async move { supervisor.run_until(async { drop(asked.await) }, None).await });
    let north = service.key("viewer", &["north"]).await.unwrap();
    let mut socket = Socket::with_key(&service, &north).await;
    assert_eq!(socket.hear().await.unwrap()["type"], "hello");
    post(&service, &engineer, "/api/fl/rounds/trigger", json!(null)).await;
    let started = socket.hear().await.unwrap();
    assert_eq!((&started["channel"], &started["type"]), (&json!("fl_status"), &json!("round_started")));
    assert_eq!((&started["data"]["id"], &started["data"]["phase"]), (&json!(1), &json!("planned")));
    let round = training(&service.api.store).await;
    // Of three plants one is told, and then how the round is.
    let client = socket.hear().await.unwrap();
    assert_eq!((&client["type"], &client["data"]["facility_id"]), (&json!("client_update"), &json!("north")));
    let progress = socket.hear().await.unwrap();
    assert_eq!((&progress["type"], &progress["data"]["progress"]), (&json!("progress_update"), &json!(40)));
    ended(&service.api.store, round, &[1.0], None).await;
    let mut heard = Vec::new();
    while heard.last() != Some(&json!("round_ended")) {
        heard.push(socket.hear().await.unwrap()["type"].clone());
    }
    assert!(heard.contains(&json!("client_update")), "{heard:?}");
    let figures = service.ask(&engineer, "GET", "/metrics", None).await.unwrap();
    let text = String::from_utf8_lossy(&figures.body).into_owned();
    assert!(text.contains("fieldward_fl_round_duration_seconds_count{status=\"completed\"} 1"), "{text}");
    drop(socket);
    service.stop().await.unwrap();
    let _ = stop.send(());
    feeding.await.unwrap().unwrap();
}
