//! What is served whatever is asked: bounds, errors in one form, ids, limits, and an end in order.

use std::time::Duration;

use fieldward_aggregator::fleet::Fleet;
use fieldward_tests::api::{Caller, Service};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Database;

async fn service() -> (Service, Database) {
    let database = Database::sqlite();
    (Service::start(database.open().await).await.expect("an API"), database)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_has_the_one_body() {
    let (service, _database) = service().await;
    let admin = service.key("admin", &["*"]).await.unwrap();
    let nobody = Caller::default();
    let ask = |caller: Caller, method: &'static str, path: &'static str| {
        let service = &service;
        async move { service.ask(&caller, method, path, None).await.unwrap() }
    };
    ask(nobody.clone(), "GET", "/nowhere").await.is_problem(404, "not_found");
    ask(nobody.clone(), "GET", "/api/nowhere").await.is_problem(404, "not_found");
    let wrong = ask(nobody.clone(), "DELETE", "/health").await;
    wrong.is_problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "GET,HEAD");
    ask(nobody.clone(), "GET", "/api/users").await.is_problem(401, "unauthenticated");
    let json = admin.clone().with("content-type", "application/json");
    let post = |caller: Caller, body: Vec<u8>| {
        let service = &service;
        async move { service.send(&caller, "POST", "/api/users", body).await.unwrap() }
    };
    post(admin.clone(), b"{}".to_vec()).await.is_problem(415, "unsupported_media_type");
    post(json.clone(), b"{".to_vec()).await.is_problem(400, "invalid_json");
    post(json.clone(), b"{}".to_vec()).await.is_problem(422, "validation_failed");
    post(json.clone(), b"{\"name\":\"x\",\"colour\":1}".to_vec()).await.is_problem(422, "validation_failed");
    post(json.clone(), vec![b' '; (1 << 20) + 1]).await.is_problem(413, "too_large");
    ask(admin.clone(), "GET", "/api/audit?colour=red").await.is_problem(400, "invalid_query");
    ask(admin.clone(), "GET", "/api/audit?limit=0").await.is_problem(400, "invalid_query");
    ask(admin.clone(), "GET", "/api/audit?limit=-1").await.is_problem(400, "invalid_query");
    let long = format!("/api/audit?before={}", "1".repeat(9000));
    service.ask(&admin, "GET", &long, None).await.unwrap().is_problem(414, "uri_too_long");
    // Also where the version stands in the path, and for an id that is none.
    ask(admin.clone(), "DELETE", "/api/v1/keys/x").await.is_problem(404, "not_found");
    let there = ask(admin.clone(), "GET", "/api/v1/users").await;
    assert_eq!(there.status, 200);
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_headers_and_its_id() {
    let (service, _database) = service().await;
    let said = Caller::default().with("x-request-id", "from-the-caller");
    let answer = service.ask(&said, "GET", "/health", None).await.unwrap();
    assert_eq!(answer.header("x-request-id"), "from-the-caller");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
    let odd = Caller::default().with("x-request-id", "no harm\tmeant");
    assert_eq!(service.ask(&odd, "GET", "/health", None).await.unwrap().header("x-request-id").len(), 36);
    // A page of another origin is let in only when it was named.
    for (origin, allowed) in [("https://soc.example", "https://soc.example"), ("https://evil.example", "")] {
        let page = Caller::default().with("origin", origin).with("access-control-request-method", "PUT");
        let answer = service.ask(&page, "OPTIONS", "/api/users", None).await.unwrap();
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
    }
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_too_often_waits() {
    let database = Database::sqlite();
    let service = Service::start_with(database.open().await, Fleet::default(), None, 50).await.unwrap();
    let caller = service.key("viewer", &["*"]).await.unwrap();
    let mut refused = None;
    for _ in 0..12 {
        let answer = service.ask(&caller, "GET", "/api/auth/me", None).await.unwrap();
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status, 200);
    }
    let refused = refused.expect("ten at once are enough");
    refused.is_problem(429, "rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(refused.header("ratelimit").starts_with("\"api\""));
    // Others are not held up by it, until their address is.
    assert_eq!(service.ask(&Caller::default(), "GET", "/livez", None).await.unwrap().status, 200);
    let mut status = 200;
    for _ in 0..60 {
        status = service.ask(&Caller::default(), "GET", "/livez", None).await.unwrap().status.as_u16();
    }
    assert_eq!(status, 429);
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_are_bounded_and_garbage_harms_nobody() {
    let (service, _database) = service().await;
    for bytes in [
        [&b"GET /health HTTP/1.1\r\nhost: x\r\nx: "[..], &vec![b'a'; 40_000], b"\r\n\r\n"].concat(),
        b"GET /health HTTP/1.1\r\nhost: x\r\n"
            .iter()
            .copied()
            .chain(b"a: b\r\n".repeat(100))
            .chain(*b"\r\n")
            .collect(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        b"POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 7\r\n\r\n{}"
            .to_vec(),
    ] {
        let mut stream = TcpStream::connect(service.at).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        let mut answer = Vec::new();
        // It may be cut off at once.
        drop(timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("it ends"));
        let text = String::from_utf8_lossy(&answer);
        assert!(!text.contains("HTTP/1.1 2") && !text.contains("HTTP/1.1 5"), "{text}");
    }
    assert_eq!(service.get(&Caller::default(), "/health").await.unwrap()["status"], "healthy");
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_answers_what_is_under_way_and_lets_idle_ones_go() {
    let (service, _database) = service().await;
    let at = service.at;
    // Half of a request is under way, another connection is idle.
    let mut half = TcpStream::connect(at).await.unwrap();
    half.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut some = [0; 12];
    half.read_exact(&mut some).await.unwrap();
    assert_eq!(&some, b"HTTP/1.1 200");
    let ended = service.stop();
    let mut rest = Vec::new();
    timeout(Duration::from_secs(30), half.read_to_end(&mut rest)).await.expect("it is let go").unwrap();
    ended.await.unwrap();
    assert!(TcpStream::connect(at).await.is_err(), "nobody listens any more");
}
