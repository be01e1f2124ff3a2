//! Others are told of each alert when it is new, gets worse or is named otherwise: over a real syslog connection, by
//! POST, to a Kafka that is none of ours. Who is away misses nothing. Skips loudly where PostgreSQL or kcat is missing.

#![expect(clippy::unwrap_used, reason = "clippy does not take helpers of a test for tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fieldward_aggregator::outputs::{self, OutputsConfig};
use fieldward_aggregator::store::{Body, Store};
use fieldward_shared::alert::{Alert, Severity};
use fieldward_shared::service::Notify;
use fieldward_shared::supervisor::Supervisor;
use fieldward_tests::kafka::Kafka;
use fieldward_tests::link::pki::Pki;
use fieldward_tests::postgres::Postgres;
use fieldward_tests::reports::Reporter;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

async fn sqlite(folder: &Path) -> Store {
    Store::open(&format!("sqlite://{}", folder.join("fieldward.db").display())).await.unwrap()
}

/// Outputs of a configuration at work.
struct Work {
    stop: Option<oneshot::Sender<()>>,
    runs: JoinHandle<()>,
}

impl Work {
    fn of(store: &Store, config: &str) -> Self {
        let config: OutputsConfig = toml::from_str(config).unwrap();
        config.check().unwrap();
        let mut supervisor = Supervisor::new(Notify::default(), Duration::from_secs(20));
        for one in config.all() {
            let (store, name, wanted) = (store.clone(), one.name, one.settings.wanted());
            let output = one.settings.open().unwrap();
            supervisor.spawn(name, |stop| outputs::run(store, name, wanted, output, stop));
        }
        let (stop, asked) = oneshot::channel();
        let runs = tokio::spawn(async move {
            let asked = async { drop(asked.await) };
            supervisor.run_until(asked, None).await.unwrap();
        });
        Self { stop: Some(stop), runs }
    }

    async fn end(mut self) {
        drop(self.stop.take());
        self.runs.await.unwrap();
    }
}

/// Waits until an output has begun: what is older is not told.
async fn begun(store: &Store) {
    while store.outputs().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

async fn commit(store: &Store, reporter: &Reporter, alerts: &[(u64, Alert)]) {
    let reports = alerts
        .iter()
        .map(|(seq, alert)| reporter.report(Severity::High, *seq, Body::Alert(Box::new(alert.clone()))));
    store.commit(reports.collect()).await.unwrap();
}

/// Frames of RFC 6587 as they come over connections.
fn gather<S: AsyncRead + Unpin + Send + 'static>(stream: S, heard: mpsc::UnboundedSender<String>) {
    tokio::spawn(async move {
        let mut stream = BufReader::new(stream);
        loop {
            let mut length = Vec::new();
            stream.read_until(b' ', &mut length).await.unwrap();
            let Ok(length) = std::str::from_utf8(&length).unwrap().trim().parse() else { return };
            let mut message = vec![0; length];
            stream.read_exact(&mut message).await.unwrap();
            if heard.send(String::from_utf8(message).unwrap()).is_err() {
                return;
            }
        }
    });
}

async fn listen(listener: TcpListener, heard: mpsc::UnboundedSender<String>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        gather(stream, heard.clone());
    }
}

/// A value of CEF's extension.
fn value<'a>(message: &'a str, key: &str) -> &'a str {
    let (_, behind) = message.split_once(&format!(" {key}=")).unwrap_or_else(|| panic!("{key} in {message}"));
    behind.split(' ').next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_siem_is_told_once_of_what_is_new_or_worse_and_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(folder.path()).await;
    let reporter = Reporter::new(1);
    // Of what was there before it is not told.
    commit(&store, &reporter, &[(1, reporter.alert(2, 1))]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let config = format!("[syslog]\naddress = \"{at}\"\nby = \"tcp\"\nseverity = \"medium\"");
    let (heard, mut messages) = mpsc::unbounded_channel();
    let listening = tokio::spawn(listen(listener, heard.clone()));
    let work = Work::of(&store, &config);
    begun(&store).await;

    let (low, high) = (reporter.alert(4, 1), reporter.alert(6, 1));
    commit(&store, &reporter, &[(2, low.clone()), (3, high.clone())]).await;
    let message = messages.recv().await.unwrap();
    assert!(message.starts_with("<131>1 2026-"), "{message}");
    assert!(message.contains(" alert - CEF:0|Fieldward|Fieldward|"), "{message}");
    assert_eq!(value(&message, "dvchost"), "plant-1");
    assert_eq!(value(&message, "src"), high.src_assets[0]);
    assert!(message.contains(&format!("externalId={} ", high.id)), "{message}");

    // Counting on is no news, getting worse is; and so does one become wanted that was not.
    let more = |alert: &Alert, count, severity| Alert { count, severity, ..alert.clone() };
    commit(&store, &reporter, &[(4, more(&high, 9, high.severity))]).await;
    commit(&store, &reporter, &[(5, more(&low, 5, Severity::Medium))]).await;
    let message = messages.recv().await.unwrap();
    assert!(message.contains(&low.id.to_string()), "{message}");
    commit(&store, &reporter, &[(6, more(&high, 20, Severity::Critical))]).await;
    let message = messages.recv().await.unwrap();
    assert!(message.starts_with("<130>1 ") && message.contains(&high.id.to_string()), "{message}");

    // The SIEM goes away, and the aggregator is started anew meanwhile: what comes then waits.
    listening.abort();
    drop(listening.await);
    work.end().await;
    let work = Work::of(&store, &config);
    commit(&store, &reporter, &[(7, reporter.alert(7, 1))]).await;
    let failing = loop {
        let [standing] = store.outputs().await.unwrap().try_into().unwrap();
        if standing.error.is_some() {
            break standing;
        }
    };
    assert!(failing.is_behind);
    assert_eq!((failing.told, failing.refused), (3, 0));
    let listener = TcpListener::bind(at).await.unwrap();
    let listening = tokio::spawn(listen(listener, heard));
    let message = messages.recv().await.unwrap();
    assert!(message.contains(&reporter.alert(7, 1).id.to_string()), "{message}");
    loop {
        let [standing] = store.outputs().await.unwrap().try_into().unwrap();
        if standing.told == 4 {
            assert_eq!((standing.error, standing.is_behind), (None, false));
            break;
        }
    }
    assert!(messages.is_empty(), "nothing was told twice");
    listening.abort();
    work.end().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_tls_only_a_siem_of_the_right_root_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (pki, stranger) = (Pki::new().unwrap(), Pki::new().unwrap());
    let [known, unknown] = [&pki, &stranger].map(|pki| {
        let folder = tempfile::tempdir().unwrap();
        pki.write(folder.path(), "localhost").unwrap();
        folder
    });
    let papers = fieldward_shared::pki::Files {
        certificate: known.path().join("certificate.pem"),
        key: known.path().join("key.pem"),
    };
    let chain = fieldward_shared::pki::certificates(&papers.certificate).unwrap();
    let key = rustls::pki_types::pem::PemObject::from_pem_file(&papers.key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, mut messages) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                gather(stream, heard.clone());
            }
        }
    });
    let store = sqlite(folder.path()).await;
    let reporter = Reporter::new(1);
    let config = |roots: &Path| {
        let roots = roots.join("root.pem");
        format!("[syslog]\naddress = \"localhost:{port}\"\ntls.roots = {:?}", roots.display().to_string())
    };
    let work = Work::of(&store, &config(unknown.path()));
    begun(&store).await;
    commit(&store, &reporter, &[(1, reporter.alert(3, 1))]).await;
    let error = loop {
        if let Some((error, _)) = store.outputs().await.unwrap().remove(0).error {
            break error;
        }
    };
    assert!(error.contains("certificate"), "{error}");
    work.end().await;
    assert!(messages.try_recv().is_err());
    let work = Work::of(&store, &config(known.path()));
    assert!(messages.recv().await.unwrap().contains("CEF:0|"));
    work.end().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_udp_each_alert_is_a_datagram() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(folder.path()).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    let work = Work::of(&store, &format!("[syslog]\naddress = \"{at}\"\nby = \"udp\""));
    begun(&store).await;
    let reporter = Reporter::new(1);
    commit(&store, &reporter, &[(1, reporter.alert(0, 1)), (2, reporter.alert(1, 1))]).await;
    let mut datagram = vec![0; 65_536];
    for nth in 0..2 {
        let length = socket.recv(&mut datagram).await.unwrap();
        let message = std::str::from_utf8(&datagram[..length]).unwrap();
        assert!(message.starts_with('<') && message.contains(&reporter.alert(nth, 1).id.to_string()));
    }
    work.end().await;
    store.close().await;
}

/// A request: its head, and its body.
async fn request(stream: &mut BufReader<TcpStream>) -> (String, String) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).await.unwrap() > 0);
    }
    let head = head.to_ascii_lowercase();
    let (_, behind) = head.split_once("content-length: ").unwrap();
    let mut body = vec![0; behind.lines().next().unwrap().parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_a_post_can_say_not_now_and_never() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(folder.path()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    for (name, text) in [("secret", "shared by both\n"), ("authorization", "Bearer hidden\n")] {
        fieldward_shared::keyfile::write(&folder.path().join(name), text.as_bytes()).unwrap();
    }
    let place = folder.path().display();
    let config = format!(
        "[webhook]\nurl = \"http://{at}/hook?a=b\"\nsecret = \"{place}/secret\"\n\
         authorization = \"{place}/authorization\"\nform = \"ocsf\"\nfacilities = [\"plant-1\"]"
    );
    let work = Work::of(&store, &config);
    begun(&store).await;
    let (reporter, other) = (Reporter::new(1), Reporter::new(2));
    let never = reporter.alert(5, 1).id.to_string();
    let alerts: Vec<(u64, Alert)> = (4..7).map(|nth| (nth - 3, reporter.alert(nth, 1))).collect();
    commit(&store, &other, &[(1, other.alert(1, 1))]).await;
    commit(&store, &reporter, &alerts).await;
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"shared by both");
    let (mut taken, mut asked) = (Vec::new(), 0);
    while taken.len() < 2 {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let (head, body) = request(&mut stream).await;
        asked += 1;
        assert!(head.starts_with("post /hook?a=b http/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nauthorization: bearer hidden\r\n"), "{head}");
        let (_, signed) = head.split_once("x-fieldward-signature: t=").unwrap();
        let (time, tag) = signed.lines().next().unwrap().split_once(",v1=").unwrap();
        let tag = fieldward_shared::identity::from_hex(tag).unwrap();
        aws_lc_rs::hmac::verify(&key, format!("{time}.{body}").as_bytes(), &tag).unwrap();
        let told: Value = serde_json::from_str(&body).unwrap();
        let ids: Vec<String> = told["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["metadata"]["uid"].as_str().unwrap().to_owned())
            .collect();
        assert!(told["alerts"].as_array().unwrap().iter().all(|one| one["class_uid"] == 2004));
        let status = match asked {
            1 => "503 Service Unavailable",
            _ if ids.contains(&never) => "422 Unprocessable Content",
            _ => "204 No Content",
        };
        if status.starts_with("204") {
            taken.extend(ids);
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    assert_eq!(taken, [reporter.alert(4, 1).id.to_string(), reporter.alert(6, 1).id.to_string()]);
    let standing = loop {
        let [standing] = store.outputs().await.unwrap().try_into().unwrap();
        if standing.told > 0 {
            break standing;
        }
    };
    assert_eq!((standing.told, standing.refused, standing.is_behind), (2, 1, false));
    work.end().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_has_each_alert_once_and_those_of_a_plant_in_their_order() {
    let (Some(server), Some(kafka)) = (Postgres::shared(), Kafka::start("alerts")) else { return };
    let store = Store::open(&server.database().unwrap()).await.unwrap();
    let config = format!("[kafka]\nbrokers = [\"{}\"]\ntopic = \"alerts\"", kafka.address());
    // Of two processes one tells; the other takes over when that one ends.
    let first = Work::of(&store, &config);
    begun(&store).await;
    let second = Work::of(&store, &config);
    let reporters: Vec<Reporter> = (1..=3).map(Reporter::new).collect();
    let told = |count: u64| {
        let store = store.clone();
        async move { while store.outputs().await.unwrap().iter().all(|one| one.told < count) {} }
    };
    for reporter in &reporters {
        let alerts: Vec<(u64, Alert)> = (0..150).map(|nth| (nth + 1, reporter.alert(nth, 1))).collect();
        commit(&store, reporter, &alerts).await;
    }
    told(450).await;
    first.end().await;
    for reporter in &reporters {
        commit(&store, reporter, &[(151, reporter.alert(150, 1))]).await;
    }
    told(453).await;
    second.end().await;
    let records = kafka.records("alerts");
    assert_eq!(records.len(), 453);
    let mut partitions: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (partition, key, value) in records {
        let alert: Value = serde_json::from_str(&value).unwrap();
        assert_eq!(alert["facility_id"], key.as_str());
        partitions.entry(key.clone()).or_default().insert(partition);
        ids.entry(key).or_default().push(alert["id"].as_str().unwrap().to_owned());
    }
    for reporter in &reporters {
        assert_eq!(partitions[&reporter.facility].len(), 1);
        let wanted: Vec<String> = (0..151).map(|nth| reporter.alert(nth, 1).id.to_string()).collect();
        assert_eq!(ids[&reporter.facility], wanted);
    }
    store.close().await;
}

#[test]
fn what_cannot_work_is_said_before_it_is_tried() {
    for (text, said) in [
        ("[syslog]\naddress = \"siem\"", "outputs.syslog.address: \"siem\" is not like"),
        (
            "[webhook]\nurl = \"http://soar.example/x\"",
            "outputs.webhook.url: \"http://soar.example/x\" is no https://",
        ),
        (
            "[webhook]\nurl = \"https://u:hidden@soar.example\"",
            "outputs.webhook.url: a password stands in it",
        ),
        ("[kafka]\nbrokers = []\ntopic = \"a\"", "outputs.kafka.brokers: none"),
        ("[kafka]\nbrokers = [\"k:1\"]\ntopic = \"a b\"", "outputs.kafka.topic"),
        ("[kafka]\nbrokers = [\"k:1\"]\ntopic = \"a\"\nuser = \"u\"", "outputs.kafka.user"),
        (
            "[kafka]\nbrokers = [\"k:1\"]\ntopic = \"a\"\nuser = \"u\"\npassword = \"p\"\nmechanism = \"PLAIN\"",
            "outputs.kafka.mechanism",
        ),
    ] {
        let config: OutputsConfig = toml::from_str(text).unwrap();
        let (key, what) = config.check().unwrap_err();
        let wrong = format!("{key}: {what}");
        assert!(wrong.starts_with(said) && !wrong.contains("hidden"), "{wrong}");
    }
    assert!(toml::from_str::<OutputsConfig>("[pigeon]\nto = \"siem\"").is_err());
    let config: OutputsConfig =
        toml::from_str("[webhook]\nurl = \"https://x.example\"\nsecret = \"/nowhere/s\"").unwrap();
    let error = config.all()[0].settings.open().err().unwrap();
    assert!(error.contains("/nowhere/s"), "{error}");
}
