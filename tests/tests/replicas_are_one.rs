//! Several aggregators on one database are one to those who ask and listen: by Redis at once, and when Redis
//! is away by the database. Skips loudly where PostgreSQL or Redis are not installed.

#![expect(clippy::unwrap_used, reason = "clippy does not take helpers of a test for tests")]

use std::path::Path;
use std::sync::atomic::Ordering;

use fieldward_aggregator::fleet::Presence;
use fieldward_aggregator::store::{Store, now};
use fieldward_shared::telemetry::NetworkData;
use fieldward_shared::time::Timestamp;
use fieldward_tests::api::{Caller, Service, key_of};
use fieldward_tests::link::pki::Pki;
use fieldward_tests::link::{Agent, Aggregator, HERE, limits, pace, until};
use fieldward_tests::postgres::Postgres;
use fieldward_tests::redis::Redis;
use fieldward_tests::socket::Socket;
use serde_json::{Value, json};

/// A replica, whole.
struct Replica {
    aggregator: Aggregator,
    service: Service,
}

impl Replica {
    async fn start(url: &str, pki: &Pki, redis: &Redis, a_minute: u32) -> Self {
        let store = Store::open(url).await.unwrap();
        let tls = (pki.server().unwrap(), pki.gate());
        let aggregator = Aggregator::with(store.clone(), HERE, tls, limits()).await.unwrap();
        let service = Service::replica(store, &aggregator.intake, &redis.config(), a_minute).await.unwrap();
        Self { aggregator, service }
    }

    fn is_up(&self) -> bool {
        self.service.api.bus.as_ref().unwrap().is_up()
    }

    async fn agent(&self, folder: &Path, pki: &Pki) -> Agent {
        let agent = Agent::start(folder, "north", pki, self.aggregator.intake.address(), pace()).unwrap();
        let fleet = self.aggregator.intake.fleet();
        until("a session", || fleet.here(now()).iter().any(|one| one.presence == Presence::Connected)).await;
        agent
    }

    async fn health(&self) -> Value {
        self.service.get(&Caller::default(), "/health").await.unwrap()
    }

    async fn stop(self) {
        self.service.stop().await.unwrap();
        self.aggregator.stop().await;
    }
}

async fn all_up(replicas: [&Replica; 2], are_up: bool) {
    until("Redis is heard, or not", || replicas.iter().all(|one| one.is_up() == are_up)).await;
}

/// The ids of so many alerts as a socket hears them, each of them once.
async fn new_alerts(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let heard = socket.hear_of("alerts").await;
        assert_eq!(heard["type"], "new", "{heard}");
        let id = heard["data"]["id"].as_str().unwrap().to_owned();
        assert!(!ids.contains(&id), "{id} was told twice");
        ids.push(id);
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_takes_in_the_other_tells_whatever_becomes_of_redis() {
    let (Some(server), Some(mut redis)) = (Postgres::shared(), Redis::start()) else { return };
    let (folder, pki, url) = (tempfile::tempdir().unwrap(), Pki::new().unwrap(), server.database().unwrap());
    let one = Replica::start(&url, &pki, &redis, 1_000_000).await;
    let other = Replica::start(&url, &pki, &redis, 1_000_000).await;
    all_up([&one, &other], true).await;
    assert_eq!(one.health().await["services"]["redis"], "connected");

    // A key is known to both; a ticket of one opens a socket of the other.
    let key = one.service.key("analyst", &["north"]).await.unwrap();
    let mut here = Socket::with_key(&one.service, &key).await;
    let mut there = None;
    for _ in 0..100 {
        // It may be shown there before it is told there.
        let ticket = Socket::ticket(&one.service, &key).await;
        there = Socket::open(other.service.at, &[("sec-websocket-protocol", &ticket)]).await.ok();
        if there.is_some() {
            break;
        }
    }
    let mut there = there.expect("a ticket of the other");
    for socket in [&mut here, &mut there] {
        assert_eq!(socket.hear().await.unwrap()["type"], "hello");
    }

    let mut agent = one.agent(folder.path(), &pki).await;
    agent.issue(1);
    agent.spool.sync();
    let [first] = new_alerts(&mut here, 1).await.try_into().unwrap();
    assert_eq!(new_alerts(&mut there, 1).await, std::slice::from_ref(&first));
    assert!(other.service.api.bus.as_ref().unwrap().counts().received.load(Ordering::Relaxed) > 0);
    // Whoever hears of it can ask for it, and what he does about it is told at the other.
    let path = format!("/api/alerts/{first}/acknowledge");
    assert_eq!(other.service.ask(&key, "POST", &path, None).await.unwrap().status, 200);
    let heard = here.hear_of("alerts").await;
    assert_eq!((&heard["type"], &heard["data"]["status"]), (&json!("update"), &json!("acknowledged")));
    let heard = there.hear_of("alerts").await;
    assert_eq!((&heard["data"]["id"], &heard["data"]["status"]), (&json!(first), &json!("acknowledged")));
    // So is what he says.
    there.say(&json!({ "op": "custom", "facility": "north", "data": { "looks_at": first } })).await;
    let heard = loop {
        let heard = here.hear_of("system").await;
        if heard["type"] == "custom" {
            break heard;
        }
    };
    assert_eq!(heard["data"]["said"]["looks_at"], json!(first));
    assert_eq!(heard["data"]["facility_id"], "north");

    // The agent is connected to one, and asked by way of the other.
    let agents = "/api/fleet/agents";
    let fleet = other.service.api.fleet.clone();
    until("the other knows where the agent is", || {
        fleet.snapshot(now()).iter().any(|one| one.presence == Presence::Connected)
    })
    .await;
    assert_eq!(other.service.get(&key, agents).await.unwrap()["agents"][0]["status"], "active");
    assert_eq!(other.health().await["services"]["agents"], "connected");
    agent.uplink.as_ref().unwrap().second(&second(41));
    let current = other.service.get(&key, "/api/context/north/current").await.unwrap();
    assert_eq!(current["agent_id"], json!(agent.id));
    assert_eq!(current["seconds"][0]["packets_per_sec"], 41, "{current}");

    // Redis is killed: the other learns from the database, and says that it is degraded.
    redis.kill();
    all_up([&one, &other], false).await;
    let health = other.health().await;
    assert_eq!(
        (&health["status"], &health["services"]["redis"]),
        (&json!("degraded"), &json!("unavailable"))
    );
    assert!(health["score"].as_u64().unwrap() < 100);
    agent.issue(3);
    agent.spool.sync();
    let mut told = new_alerts(&mut there, 3).await;
    told.sort_unstable();
    let mut said = new_alerts(&mut here, 3).await;
    said.sort_unstable();
    assert_eq!(told, said);
    // What a person does is found there too; an agent elsewhere cannot be asked, and that is said.
    let path = format!("/api/alerts/{}/dismiss", told[0]);
    assert_eq!(other.service.ask(&key, "POST", &path, None).await.unwrap().status, 200);
    assert_eq!(here.hear_of("alerts").await["data"]["status"], "false-positive");
    assert_eq!(there.hear_of("alerts").await["data"]["status"], "false-positive");
    let asked = other.service.ask(&key, "GET", "/api/context/north/current", None).await.unwrap();
    asked.is_problem(503, "agent_unavailable");

    // It comes back, without what it knew; nothing was lost, and messages arrive again.
    redis.start_again();
    all_up([&one, &other], true).await;
    let received = || other.service.api.bus.as_ref().unwrap().counts().received.load(Ordering::Relaxed);
    let before = received();
    agent.issue(2);
    agent.spool.sync();
    let mut told = new_alerts(&mut there, 2).await;
    let mut said = new_alerts(&mut here, 2).await;
    told.sort_unstable();
    said.sort_unstable();
    assert_eq!(told, said);
    assert!(received() > before);

    // Held up it holds up nobody.
    redis.hold();
    agent.issue(1);
    agent.spool.sync();
    assert_eq!(new_alerts(&mut there, 1).await, new_alerts(&mut here, 1).await);
    assert_eq!(one.service.get(&key, "/api/alerts").await.unwrap()["total"], 7);
    redis.go_on();
    all_up([&one, &other], true).await;
    drop((agent, here, there));
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_gives_the_other_does_not_give_again() {
    let (Some(server), Some(redis)) = (Postgres::shared(), Redis::start()) else { return };
    let (pki, url) = (Pki::new().unwrap(), server.database().unwrap());
    // Twenty requests at once, and not two a second from then on.
    let one = Replica::start(&url, &pki, &redis, 100).await;
    let other = Replica::start(&url, &pki, &redis, 100).await;
    all_up([&one, &other], true).await;
    let key = one.service.key("viewer", &["*"]).await.unwrap();
    let me = one.service.get(&key, "/api/auth/me").await.unwrap();
    let who = (me["id"].as_str().unwrap().parse().unwrap(), true);
    while one.service.ask(&key, "GET", "/api/auth/me", None).await.unwrap().status == 200 {}
    // At the other nothing was asked.
    until("the other knows", || other.service.api.limits.left(&who) < 19.0).await;
    one.stop().await;
    other.stop().await;
}

fn second(packets: u32) -> NetworkData {
    NetworkData {
        timestamp: Timestamp::from_micros(1_700_000_000_000_000),
        facility_id: "north".into(),
        packets_per_sec: packets,
        bytes_per_sec: 4100,
        unique_src_ips: 1,
        unique_dest_ips: 2,
        protocol_distribution: 0.5,
        failed_connections: 0,
        avg_packet_size: 100,
        inter_arrival_time: 5,
        raw_features: std::collections::BTreeMap::new(),
    }
}

/// How many alerts are in a status, as a replica answers.
async fn counted(replica: &Replica, key: &Caller, status: &str) -> u64 {
    let stats = replica.service.get(key, "/api/alerts/stats").await.unwrap();
    stats["by_status"][status].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_at_one_no_answer_that_is_kept_hides_at_the_other() {
    let (Some(server), Some(redis)) = (Postgres::shared(), Redis::start()) else { return };
    let (folder, pki, url) = (tempfile::tempdir().unwrap(), Pki::new().unwrap(), server.database().unwrap());
    let one = Replica::start(&url, &pki, &redis, 1_000_000).await;
    let other = Replica::start(&url, &pki, &redis, 1_000_000).await;
    all_up([&one, &other], true).await;
    let key = one.service.key("analyst", &["north"]).await.unwrap();
    let blind = key_of(&one.aggregator.store, "blind", "analyst", &["south"]).await.unwrap();
    let blind = Caller::default().with("x-api-key", &blind);
    let mut agent = one.agent(folder.path(), &pki).await;
    agent.issue(8);
    agent.spool.sync();
    let ids = loop {
        let list = other.service.get(&key, "/api/alerts?limit=50").await.unwrap();
        let ids: Vec<String> = list["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect();
        if ids.len() == 8 {
            break ids;
        }
    };
    let replicas = [&one, &other];
    for (nth, id) in ids.iter().enumerate() {
        // Both keep an answer, which the next change makes wrong.
        for replica in replicas {
            assert_eq!(counted(replica, &key, "acknowledged").await, nth as u64);
            assert_eq!(counted(replica, &blind, "acknowledged").await, 0, "no answer crosses a scope");
        }
        let path = format!("/api/alerts/{id}/acknowledge");
        assert_eq!(replicas[nth % 2].service.ask(&key, "POST", &path, None).await.unwrap().status, 200);
        assert_eq!(counted(replicas[(nth + 1) % 2], &key, "acknowledged").await, nth as u64 + 1);
    }
    // What one has answered the other answers too, without asking the database.
    let hits = |replica: &Replica| replica.service.api.cache.hits.load(Ordering::Relaxed);
    let before = hits(&other);
    while hits(&other) == before {
        counted(&one, &key, "new").await;
        let answer = other.service.ask(&key, "GET", "/api/alerts/stats", None).await.unwrap();
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert!(!answer.header("etag").is_empty() && !answer.header("age").is_empty(), "{answer:?}");
    }
    // Whoever writes to Redis makes no answers.
    let names = redis.ask(&["--scan", "--pattern", "fieldward:*:kept:*"]);
    for name in names.lines() {
        redis.ask(&["SET", name, "{\"by_status\":{\"new\":77}}"]);
    }
    assert_eq!(counted(&one, &key, "new").await, 0);
    // A Redis that answers nobody costs nothing but what was kept.
    redis.hold();
    assert_eq!(counted(&one, &key, "acknowledged").await, 8);
    let passed = one.service.api.cache.passed.load(Ordering::Relaxed);
    assert!(passed > 0, "it was not asked for what is kept");
    redis.go_on();
    drop(agent);
    one.stop().await;
    other.stop().await;
}
