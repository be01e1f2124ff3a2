//! Those who listen: they hear what was committed, go on where they were, and hear of their plants alone.

use std::time::Duration;

use fieldward_aggregator::api::feed;
use fieldward_aggregator::hub::Channel;
use fieldward_aggregator::intake::Told;
use fieldward_aggregator::store::now;
use fieldward_shared::service::Notify;
use fieldward_shared::supervisor::Supervisor;
use fieldward_tests::api::Service;
use fieldward_tests::link::pki::Pki;
use fieldward_tests::link::{Agent, Aggregator, HERE, limits, pace};
use fieldward_tests::reports::Reporter;
use fieldward_tests::socket::Socket;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::Database;

fn publish(service: &Service, facility: &str, nth: u64) {
    service.api.hub.publish(Channel::Alerts, "new", Some(facility), &json!({ "nth": nth }), now());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_hears_its_plants_and_goes_on_where_it_was() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.expect("an API");
    let north = service.key("viewer", &["north"]).await.unwrap();
    let mut socket = Socket::with_key(&service, &north).await;
    let hello = socket.hear().await.unwrap();
    assert_eq!((&hello["type"], &hello["data"]["channels"]["alerts"]), (&json!("hello"), &json!(0)));
    for (nth, facility) in [(1, "north"), (2, "south"), (3, "north")] {
        publish(&service, facility, nth);
    }
    for wanted in [1, 3] {
        let heard = socket.hear().await.unwrap();
        assert_eq!((&heard["channel"], &heard["type"]), (&json!("alerts"), &json!("new")));
        assert_eq!((&heard["seq"], &heard["data"]["nth"]), (&json!(wanted), &json!(wanted)));
    }
    drop(socket);
    // While it was away something happened.
    publish(&service, "north", 4);
    let mut socket = Socket::with_key(&service, &north).await;
    let epoch = socket.hear().await.unwrap()["epoch"].clone();
    let subscribe =
        json!({ "op": "subscribe", "channels": ["alerts"], "since": { "alerts": 1 }, "epoch": epoch });
    socket.say(&subscribe).await;
    assert_eq!(socket.hear().await.unwrap()["type"], "subscribed");
    assert_eq!(
        [socket.hear().await.unwrap()["seq"].clone(), socket.hear().await.unwrap()["seq"].clone()],
        [3, 4]
    );
    // The numbers of another process, and numbers that are none, begin anew.
    for (since, epoch) in [(1, json!("another")), (99, epoch)] {
        let words = json!({ "op": "subscribe", "channels": ["alerts"], "since": { "alerts": since }, "epoch": epoch });
        socket.say(&words).await;
        assert_eq!(socket.hear().await.unwrap()["type"], "subscribed");
        let reset = socket.hear().await.unwrap();
        assert_eq!((&reset["type"], &reset["seq"]), (&json!("reset"), &json!(4)));
    }
    socket.say(&json!({ "op": "ping" })).await;
    assert_eq!(socket.hear().await.unwrap()["type"], "pong");
    // A viewer tells others nothing.
    socket.say(&json!({ "op": "custom", "facility": "north", "data": 1 })).await;
    assert_eq!(socket.hear().await.unwrap()["data"]["code"], "missing_role");
    for wrong in [json!({ "op": "dance" }), json!([]), json!({ "op": "subscribe", "channels": ["x"] })] {
        socket.say(&wrong).await;
        assert_eq!(socket.hear().await.unwrap()["type"], "error");
    }
    // On a stop it is told to come again.
    let ended = service.stop();
    assert_eq!(socket.hear().await, Err(1012));
    ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_listens_who_may_not() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.expect("an API");
    let key = service.key("viewer", &["*"]).await.unwrap();
    let refused = |answer: Result<Socket, String>, status: &str| {
        let answer = answer.err().expect("refused");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    };
    refused(Socket::open(service.at, &[]).await, "401");
    refused(Socket::open(service.at, &[("sec-websocket-protocol", "fieldward.v1, ticket.0")]).await, "401");
    let ticket = service.ask(&key, "POST", "/api/auth/ws-ticket", None).await.unwrap().json().unwrap();
    let protocols = format!("fieldward.v1, ticket.{}", ticket["ticket"].as_str().unwrap());
    let with = [("sec-websocket-protocol", protocols.as_str())];
    let evil = [with[0], ("origin", "https://evil.example")];
    refused(Socket::open(service.at, &evil).await, "403");
    // That was its one use.
    refused(Socket::open(service.at, &with).await, "401");
    service.ask(&key, "GET", "/ws", None).await.unwrap().is_problem(426, "no_websocket");
    // What is too large ends the socket, and nobody else's.
    let (mut loud, mut quiet) =
        (Socket::with_key(&service, &key).await, Socket::with_key(&service, &key).await);
    let mut frame = vec![0x81, 0x80 | 127];
    frame.extend((1_u64 << 40).to_be_bytes());
    frame.extend([0; 4]);
    loud.0.write_all(&frame).await.unwrap();
    let mut rest = Vec::new();
    timeout(Duration::from_secs(30), loud.0.read_to_end(&mut rest)).await.expect("it is closed").ok();
    quiet.hear().await.unwrap();
    quiet.say(&json!({ "op": "status" })).await;
    assert_eq!(quiet.hear().await.unwrap()["type"], "status");
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_do_is_told_once_it_is_kept() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.expect("an API");
    crate::alerts::seed(&service.api.store, 2).await;
    let key = service.key("analyst", &["plant-1"]).await.unwrap();
    let mut socket = Socket::with_key(&service, &key).await;
    assert_eq!(socket.hear().await.unwrap()["type"], "hello");
    let id = Reporter::new(1).alert(1, 1).id.to_string();
    let path = format!("/api/alerts/{id}/acknowledge");
    assert_eq!(service.ask(&key, "POST", &path, None).await.unwrap().status, 200);
    let heard = socket.hear().await.unwrap();
    assert_eq!(
        (&heard["type"], &heard["data"]["id"], &heard["data"]["status"]),
        (&json!("update"), &json!(id), &json!("acknowledged"))
    );
    // The same again changes nothing, so nothing is told.
    assert_eq!(service.ask(&key, "POST", &path, None).await.unwrap().status, 200);
    socket.say(&json!({ "op": "ping" })).await;
    assert_eq!(socket.hear().await.unwrap()["type"], "pong");
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_of_an_agent_is_told_once_it_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let pki = Pki::new().unwrap();
    let aggregator = Aggregator::start(folder.path(), HERE, &pki, limits()).await.unwrap();
    let (store, fleet) = (aggregator.store.clone(), aggregator.intake.fleet());
    let service = Service::start_with(store, fleet, None, 1_000_000).await.unwrap();
    let (told, heard) = Told::new(16);
    aggregator.intake.tell(told);
    let (api, (stop, asked)) = (service.api.clone(), tokio::sync::oneshot::channel::<()>());
    let mut supervisor = Supervisor::new(Notify::default(), Duration::from_secs(20));
    supervisor.spawn("live", |stop| feed::run(api, heard, stop));
    let feeding = tokio::spawn(async move { supervisor.run_until(async { drop(asked.await) }, None).await });
    let key = service.key("viewer", &["north"]).await.unwrap();
    let mut socket = Socket::with_key(&service, &key).await;

    let mut agent = Agent::start(folder.path(), "north", &pki, aggregator.intake.address(), pace()).unwrap();
    agent.issue(1);
    agent.spool.sync();
    let heard = loop {
        let heard = socket.hear().await.unwrap();
        if heard["channel"] == "alerts" {
            break heard;
        }
    };
    assert_eq!((&heard["type"], &heard["data"]["facility_id"]), (&json!("new"), &json!("north")));
    // Whoever hears of it can ask for it.
    let path = format!("/api/alerts/{}", heard["data"]["id"].as_str().unwrap());
    let asked_for = service.get(&key, &path).await.unwrap();
    assert_eq!(asked_for["title"], heard["data"]["title"]);
    drop((agent, stop));
    feeding.await.unwrap().unwrap();
    service.stop().await.unwrap();
    aggregator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_says_hear_those_who_see_the_plant() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.expect("an API");
    let (ann, bob) = (
        service.key("analyst", &["north"]).await.unwrap(),
        service.key("viewer", &["north", "south"]).await.unwrap(),
    );
    let south = service.key("viewer", &["south"]).await.unwrap();
    let (mut ann, mut bob, mut south) = (
        Socket::with_key(&service, &ann).await,
        Socket::with_key(&service, &bob).await,
        Socket::with_key(&service, &south).await,
    );
    for socket in [&mut ann, &mut bob, &mut south] {
        assert_eq!(socket.hear().await.unwrap()["type"], "hello");
    }
    ann.say(&json!({ "op": "custom", "facility": "north", "data": { "looks_at": "pump 4" } })).await;
    for socket in [&mut ann, &mut bob] {
        let heard = socket.hear().await.unwrap();
        assert_eq!((&heard["channel"], &heard["type"]), (&json!("system"), &json!("custom")));
        assert_eq!(heard["data"]["said"], json!({ "looks_at": "pump 4" }));
        assert_eq!(heard["data"]["from"], "story-analyst");
    }
    for (words, code) in [
        (json!({ "op": "custom", "facility": "south", "data": 1 }), "missing_scope"),
        (json!({ "op": "custom", "data": 1 }), "missing_scope"),
        (json!({ "op": "custom", "facility": "north", "data": "x".repeat(5000) }), "too_large"),
        (json!({ "op": "custom", "facility": "north" }), "not_understood"),
    ] {
        ann.say(&words).await;
        assert_eq!(ann.hear().await.unwrap()["data"]["code"], code, "{words}");
    }
    // It was no news for another plant.
    south.say(&json!({ "op": "ping" })).await;
    assert_eq!(south.hear().await.unwrap()["type"], "pong");
    // Whoever sees nothing has nothing to hear.
    let nobody = service.key("viewer", &[]).await.unwrap();
    assert_eq!(Socket::with_key(&service, &nobody).await.hear().await, Err(4403));
    assert_eq!(service.api.sockets.closed().get(&4403), Some(&1));
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_sent_off_and_nobody_else_notices() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.expect("an API");
    let key = service.key("viewer", &["*"]).await.unwrap();
    let mut silent = Socket::with_key(&service, &key).await;
    let mut reader = Socket::with_key(&service, &key).await;
    for socket in [&mut silent, &mut reader] {
        assert_eq!(socket.hear().await.unwrap()["type"], "hello");
    }
    // More than the system and the socket hold together, and less than a ring.
    let data = json!({ "text": "x".repeat(8000) });
    for nth in 1..=3000_u64 {
        service.api.hub.publish(Channel::Alerts, "new", Some("north"), &data, now());
        if nth % 100 == 0 {
            while reader.hear_of("alerts").await["seq"] != nth {}
        }
    }
    // After ten seconds in which it took nothing it is closed, whatever else happens.
    let closed = || service.api.sockets.closed().get(&4408) == Some(&1) && service.api.sockets.open() == 1;
    fieldward_tests::link::until("who does not read is sent off", closed).await;
    reader.say(&json!({ "op": "ping" })).await;
    assert_eq!(reader.hear().await.unwrap()["type"], "pong");
    drop(silent);
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_wants_it_gets_messages_compressed() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.unwrap();
    let viewer = service.key("viewer", &["*"]).await.unwrap();
    let protocols = Socket::ticket(&service, &viewer).await;
    let offer = ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits");
    let mut packed =
        Socket::open(service.at, &[("sec-websocket-protocol", &protocols), offer]).await.unwrap();
    let mut plain = Socket::with_key(&service, &viewer).await;
    for socket in [&mut packed, &mut plain] {
        assert_eq!(socket.hear().await.unwrap()["type"], "hello");
    }
    let words = "the same again and again ".repeat(400);
    let data = json!({ "words": words });
    service.api.hub.publish(Channel::Alerts, "new", None, &data, now());
    assert_eq!(plain.hear_of("alerts").await["data"], data);
    // Compressed (RSV1), a whole text, and much shorter.
    assert_eq!(packed.0.read_u8().await.unwrap(), 0xc1);
    let length = match packed.0.read_u8().await.unwrap() {
        126 => u64::from(packed.0.read_u16().await.unwrap()),
        short => u64::from(short),
    };
    assert!(length < words.len() as u64 / 10, "{length}");
    // It is counted once it has left.
    let packed = || service.api.sockets.packed.load(std::sync::atomic::Ordering::Relaxed);
    fieldward_tests::link::until("it is counted", || packed() == 1).await;
    // Compressed without having been agreed on.
    plain.send(0xc1, b"x").await;
    assert_eq!(plain.hear().await, Err(1002));
    service.stop().await.unwrap();
}
