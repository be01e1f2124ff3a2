//! As an operator has it: the authority's own certificate, the key and the link in their files, and reports of
//! an agent's session told to those who listen.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use fieldward_aggregator::api;
use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::config::Config;
use fieldward_aggregator::intake::{Intake, Limits, Parts};
use fieldward_aggregator::store::Store;
use fieldward_aggregator::vitals::{Part, Vitals};
use fieldward_shared::clock::Clock;
use fieldward_shared::service::Notify;
use fieldward_shared::supervisor::Supervisor;
use fieldward_shared::transport::server_showing;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsConnector;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_signs_in_by_the_link_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca");
    Authority::init(&ca, Clock::default().now()).unwrap();
    let text = format!(
        "database_url = \"sqlite://{}\"\n[ca]\nfolder = \"{}\"\nnames = [\"localhost\"]\n[api]\nlisten = \"127.0.0.1:0\"",
        folder.path().join("fieldward.db").display(),
        ca.display()
    );
    let config = Config::parse("the story", &text, std::iter::empty()).unwrap();
    let store = Store::open(config.database_url.reveal()).await.unwrap();
    let hall = Arc::new(config.ca.open(store.clone(), Arc::new(Clock::default())).await.unwrap());
    let (seconds, _arriving) = mpsc::channel(16);
    let (requests, _counted) = mpsc::channel(16);
    let parts = Parts {
        tls: server_showing(hall.server(), hall.verifier(), hall.clock().clone()).unwrap(),
        reset_key: [7; 64],
        gate: hall.clone(),
        store: store.clone(),
        seconds,
        requests,
        limits: Limits::default(),
    };
    let intake = Intake::bind(config.api.listen, parts).await.unwrap();
    let vitals = Vitals::default();
    let opened = api::open(&config, store.clone(), &intake, hall.server(), vitals.clone()).await.unwrap();
    let (server, shown, heard) = (opened.server, opened.api, opened.heard);
    let at = server.address().unwrap();
    let mut supervisor = Supervisor::new(Notify::default(), Duration::from_secs(20));
    supervisor.spawn("api", |stop| server.run(stop));
    supervisor.spawn("live", |stop| api::feed::run(shown, heard, stop));
    let (stop, asked) = oneshot::channel::<()>();
    let runs = tokio::spawn(supervisor.run_until(async { drop(asked.await) }, None));

    // Key and link are files that nobody else reads.
    for file in ["api.key", "setup-link"] {
        let mode = std::fs::metadata(ca.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let link = std::fs::read_to_string(ca.join("setup-link")).unwrap();
    let (page, secret) = link.trim().split_once('#').expect("the secret stands in the fragment");
    assert_eq!(page, format!("https://localhost:{}/setup", at.port()));

    let authority = Authority::open(&ca, None).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    for root in authority.roots().unwrap().roots {
        roots.add(CertificateDer::from(root)).unwrap();
    }
    let ask = |method: &'static str, path: &'static str, body: Option<Value>| {
        let roots = roots.clone();
        async move {
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let tls = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let stream = TcpStream::connect(at).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let stream =
                TlsConnector::from(Arc::new(tls)).connect(name, stream).await.expect("a certificate of ours");
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            let runs = tokio::spawn(connection);
            let body = body.map(|body| body.to_string()).unwrap_or_default();
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("host", "localhost")
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(body)))
                .unwrap();
            let response = sender.send_request(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            drop(sender);
            drop(runs.await);
            (parts, serde_json::from_slice::<Value>(&body).unwrap())
        }
    };
    let (head, health) = ask("GET", "/health", None).await;
    assert_eq!(
        (head.status.as_u16(), &health["status"], &health["score"]),
        (200, &json!("healthy"), &json!(100))
    );
    let services = json!({
        "agents": "none", "authority": "not_configured", "database": "connected", "intake": "working",
        "live": "working", "redis": "not_configured", "retention": "not_configured",
    });
    assert_eq!(health["services"], services, "nobody is there who was not started");
    assert!(!head.headers.contains_key("x-degraded"));
    // A part that fails is told, and every answer says it.
    vitals.start(Part::Retention, Duration::from_secs(60));
    vitals.note(Part::Retention, false);
    let (head, health) = ask("GET", "/health", None).await;
    assert_eq!(
        (head.status.as_u16(), &health["status"], &health["score"]),
        (200, &json!("degraded"), &json!(94))
    );
    assert_eq!(
        (&health["degraded"], &health["services"]["retention"]),
        (&json!(["retention"]), &json!("failing"))
    );
    while !ask("GET", "/livez", None).await.0.headers.contains_key("x-degraded") {
        tokio::task::yield_now().await;
    }
    assert!(head.headers.contains_key("strict-transport-security"));
    let first = json!({ "secret": secret, "name": "ann", "password": "correct horse battery" });
    let (head, token) = ask("POST", "/api/auth/setup", Some(first)).await;
    assert_eq!((head.status.as_u16(), &token["user"]["role"]), (201, &json!("admin")));
    assert!(!ca.join("setup-link").exists(), "a link that serves no more is not left");
    // Who speaks plainly gets nothing.
    let plain = hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(
        TcpStream::connect(at).await.unwrap(),
    ));
    let (mut sender, connection) = plain.await.unwrap();
    let talks = tokio::spawn(connection);
    let request = Request::get("/health").header("host", "localhost").body(Full::default()).unwrap();
    assert!(sender.send_request(request).await.is_err());
    drop(talks.await);
    drop(stop);
    runs.await.unwrap().expect("it ends in order");
    intake.close().await;
    store.close().await;
}
