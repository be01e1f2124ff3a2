//! Those who listen: they hear what was committed, go on where they were, and hear of their plants alone.

use std::time::Duration;

use fieldward_aggregator::api::feed;
use fieldward_aggregator::hub::Channel;
use fieldward_aggregator::intake::Told;
use fieldward_aggregator::store::now;
use fieldward_shared::service::Notify;
use fieldward_shared::supervisor::Supervisor;
use fieldward_tests::api::{Caller, Service};
use fieldward_tests::link::pki::Pki;
use fieldward_tests::link::{Agent, Aggregator, HERE, limits, pace};
use fieldward_tests::reports::Reporter;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Database;

/// A socket, spoken by hand: what a client of ours could not send is sent too.
struct Socket(TcpStream);

impl Socket {
    async fn open(service: &Service, headers: &[(&str, &str)]) -> Result<Self, String> {
        let mut stream = TcpStream::connect(service.at).await.expect("a connection");
        let mut head = format!(
            "GET /ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            service.at
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.map_err(|error| error.to_string())?);
        }
        let answer = String::from_utf8(answer).expect("a head");
        if answer.starts_with("HTTP/1.1 101") { Ok(Self(stream)) } else { Err(answer) }
    }

    async fn with_key(service: &Service, caller_key: &Caller) -> Self {
        let ticket = service.ask(caller_key, "POST", "/api/auth/ws-ticket", None).await.expect("a ticket");
        let ticket = ticket.json().expect("JSON")["ticket"].as_str().expect("a ticket").to_owned();
        let protocols = format!("fieldward.v1, ticket.{ticket}");
        Self::open(service, &[("sec-websocket-protocol", &protocols)]).await.expect("a socket")
    }

    async fn say(&mut self, words: &Value) {
        let text = words.to_string().into_bytes();
        assert!(text.len() < 65_536);
        let mut frame = vec![0x81];
        match u8::try_from(text.len()).ok().filter(|length| *length < 126) {
            Some(length) => frame.push(0x80 | length),
            None => {
                frame.push(0x80 | 126);
                frame.extend((text.len() as u16).to_be_bytes());
            }
        }
        // A mask of zeros is one.
        frame.extend([0; 4]);
        frame.extend(text);
        self.0.write_all(&frame).await.expect("sent");
    }

    /// The next text; or the code of the close.
    async fn hear(&mut self) -> Result<Value, u16> {
        loop {
            let (kind, bytes) =
                timeout(Duration::from_secs(30), self.frame()).await.expect("something is said");
            match kind {
                1 => return Ok(serde_json::from_slice(&bytes).expect("JSON")),
                8 => return Err(u16::from_be_bytes([bytes[0], bytes[1]])),
                _ => {}
            }
        }
    }

    async fn frame(&mut self) -> (u8, Vec<u8>) {
        let kind = self.0.read_u8().await.expect("a frame") & 0xf;
        let length = match self.0.read_u8().await.expect("its length") {
            126 => u64::from(self.0.read_u16().await.expect("its length")),
            127 => self.0.read_u64().await.expect("its length"),
            short => short.into(),
        };
        let mut bytes = vec![0; usize::try_from(length).expect("a length")];
        self.0.read_exact(&mut bytes).await.expect("what it holds");
        (kind, bytes)
    }
}

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
    refused(Socket::open(&service, &[]).await, "401");
    refused(Socket::open(&service, &[("sec-websocket-protocol", "fieldward.v1, ticket.0")]).await, "401");
    let ticket = service.ask(&key, "POST", "/api/auth/ws-ticket", None).await.unwrap().json().unwrap();
    let protocols = format!("fieldward.v1, ticket.{}", ticket["ticket"].as_str().unwrap());
    let with = [("sec-websocket-protocol", protocols.as_str())];
    let evil = [with[0], ("origin", "https://evil.example")];
    refused(Socket::open(&service, &evil).await, "403");
    // That was its one use.
    refused(Socket::open(&service, &with).await, "401");
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
