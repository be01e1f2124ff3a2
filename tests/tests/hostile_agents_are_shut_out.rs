//! Whoever does what no agent of ours does is closed, counted and said, and harms nobody else: with a valid
//! certificate, with another's, with a revoked one, and with none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fieldward_agent::uplink::Trust;
use fieldward_aggregator::intake::{AskError, Limits};
use fieldward_shared::alert::Severity;
use fieldward_shared::transport::{Channel, Code, Link, LinkError, TcpClient, client, quic_client};
use fieldward_shared::wire::{
    self, Ack, ENROLL, EnrollRequest, Hello, LaneStart, Message, Question, Record, Reports, SESSION,
};
use fieldward_tests::faults::{Faults, Proxy};
use fieldward_tests::link::pki::{NAME, Pki};
use fieldward_tests::link::{Agent, Aggregator, HERE, alert, limits, oracle, pace, record, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

/// An aggregator, an agent that does nothing wrong, and a way in for somebody who does.
struct Lab {
    folder: tempfile::TempDir,
    pki: Pki,
    aggregator: Aggregator,
    agent: Agent,
}

impl Lab {
    async fn new(limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a healthy one");
        let pki = Pki::new().expect("a healthy one");
        let aggregator = Aggregator::start(folder.path(), HERE, &pki, limits).await.expect("a healthy one");
        let address = aggregator.intake.address();
        let agent = Agent::start(folder.path(), "north", &pki, address, pace()).expect("a healthy one");
        until("the good agent is there", || agent.status().connected.is_some()).await;
        Self { folder, pki, aggregator, agent }
    }

    fn address(&self) -> SocketAddr {
        self.aggregator.intake.address()
    }

    /// A link with a valid certificate of another plant.
    async fn link(&self, trust: Trust, by_tcp: bool) -> Link {
        let tls = client(Some(trust.identity), &trust.roots, SESSION).expect("a healthy one");
        if by_tcp {
            TcpClient::new(tls).dial(self.address(), NAME).await.expect("a healthy one")
        } else {
            quic_client(tls).expect("a healthy one").dial(self.address(), NAME).await.expect("a healthy one")
        }
    }

    fn count(&self, name: &str) -> u64 {
        let all = self.aggregator.intake.counters().all();
        all.iter().find(|(known, _)| *known == name).expect("a counter").1
    }

    /// The good agent has not noticed anything.
    async fn judge(mut self) {
        self.agent.issue(400);
        self.agent.spool.sync();
        until("the good agent's alerts are committed", || self.agent.is_done()).await;
        assert_eq!(self.agent.status().sessions, 1, "its session was not harmed");
        self.agent.disconnect();
        self.aggregator.stop().await;
        oracle::judge(self.folder.path(), &[&self.agent]).await.expect("a healthy one");
    }
}

fn hello() -> Hello {
    Hello {
        versions: vec![wire::VERSION],
        incarnation: vec![3; 16],
        instance: vec![4; 16],
        lanes: vec![LaneStart::default(); 4],
        ..Hello::default()
    }
}

fn batch(batch: u64, seqs: &[u64]) -> Reports {
    let record = |seq: &u64| Record { seq: *seq, flags: 0, payload: b"no alert".to_vec() };
    Reports { batch, incarnation: vec![3; 16], lane: 1, records: seqs.iter().map(record).collect() }
}

/// What somebody sends after his hello, and through which channel.
fn contradictions() -> Vec<(&'static str, Channel, Message)> {
    let many: Vec<u64> = (1..=501).collect();
    vec![
        ("an acknowledgement of nothing", Channel::Control, Ack::default().into()),
        ("a second hello", Channel::Control, hello().into()),
        ("a batch that is not the next", Channel::Reports, batch(7, &[1]).into()),
        ("an empty batch", Channel::Reports, batch(1, &[]).into()),
        ("a batch that is too long", Channel::Reports, batch(1, &many).into()),
        ("sequences that fall", Channel::Reports, batch(1, &[2, 1]).into()),
        ("a sequence that nobody gives", Channel::Reports, batch(1, &[u64::MAX]).into()),
        ("a lane that there is not", Channel::Reports, Reports { lane: 9, ..batch(1, &[1]) }.into()),
        (
            "an incarnation that is none",
            Channel::Reports,
            Reports { incarnation: vec![1], ..batch(1, &[1]) }.into(),
        ),
        ("reports among seconds", Channel::Telemetry, batch(1, &[1]).into()),
        ("a question from an agent", Channel::Ask(1), Ack::default().into()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_contradicts_himself_is_closed() {
    let lab = Lab::new(limits()).await;
    let mut closed = 0;
    for by_tcp in [false, true] {
        for (what, channel, message) in contradictions() {
            let (_, trust) = lab.pki.agent("south").unwrap();
            let link = lab.link(trust, by_tcp).await;
            let (mut control, _receiver) = link.open(Channel::Control).await.unwrap();
            control.send(hello()).await.unwrap();
            if channel == Channel::Control {
                control.send(message).await.unwrap();
            } else {
                let (mut other, _) = link.open(channel).await.unwrap();
                // It may be closed before all is sent.
                drop(other.send(message).await);
            }
            let why = link.closed().await;
            assert!(matches!(why, LinkError::Closed(Code::Protocol, _)), "{what} by {}: {why}", link.way());
            closed += 1;
            until(what, || lab.count("hostile") >= closed).await;
        }
    }
    lab.judge().await;
}

/// An agent that takes questions and answers none costs those who ask their patience three times, no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_answers_is_not_asked_by_all() {
    let lab = Lab::new(Limits { answer: Duration::from_secs(1), ..limits() }).await;
    let (agent, trust) = lab.pki.agent("south").unwrap();
    let link = lab.link(trust, false).await;
    let (mut control, mut receiver) = link.open(Channel::Control).await.unwrap();
    control.send(hello()).await.unwrap();
    assert!(matches!(receiver.as_mut().unwrap().next().await, Ok(Some(Message::Welcome(_)))));
    let mut late = 0;
    let resting = loop {
        match lab.aggregator.intake.ask(agent, Question::Health, "").await {
            Err(AskError::Late(_)) => late += 1,
            other => break other,
        }
    };
    assert!(matches!(resting, Err(AskError::Resting(..))), "{resting:?}");
    assert_eq!(late, 3);
    let answer = lab.aggregator.intake.ask(lab.agent.id, Question::Health, "").await;
    assert!(answer.is_ok(), "others are asked: {answer:?}");
    lab.judge().await;
}

/// Bytes that are no frames.
fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let whole = Message::from(hello()).frame().expect("a healthy one").to_vec();
    vec![
        ("longer than anything", vec![0xff; 64]),
        ("longer than its kind", vec![0, 4, 0, 0, 1, 0, 0, 0]),
        ("of an unknown kind", vec![0, 0, 0, 2, 250, 0]),
        ("not the message of its kind", [&[0, 0, 0, 9, 1][..], &[0xff; 8]].concat()),
        ("empty", vec![0, 0, 0, 0, 1]),
        ("cut off", whole[..whole.len() / 2].to_vec()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_frames_close_their_link() {
    let lab = Lab::new(limits()).await;
    for (nth, (what, bytes)) in frames().into_iter().enumerate() {
        let (_, trust) = lab.pki.agent("south").unwrap();
        let tls = client(Some(trust.identity.clone()), &trust.roots, SESSION).unwrap();
        // By QUIC, in a stream as the control channel is.
        let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls.clone()).unwrap();
        let endpoint = quinn::Endpoint::client(HERE).unwrap();
        let config = quinn::ClientConfig::new(Arc::new(crypto));
        let connection = endpoint.connect_with(config, lab.address(), NAME).unwrap().await.unwrap();
        let (mut send, _receive) = connection.open_bi().await.unwrap();
        send.write_all(&[0; 5]).await.unwrap();
        send.write_all(&bytes).await.unwrap();
        drop(send.finish());
        let why = connection.closed().await;
        assert!(matches!(why, quinn::ConnectionError::ApplicationClosed(_)), "{what}: {why}");
        until(what, || lab.count("hostile") > nth as u64).await;
        // By TCP, behind the tag of the control channel.
        let stream = TcpStream::connect(lab.address()).await.unwrap();
        let name = NAME.try_into().unwrap();
        let mut stream = tokio_rustls::TlsConnector::from(tls).connect(name, stream).await.unwrap();
        stream.write_all(&[0; 5]).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut said = Vec::new();
        drop(stream.read_to_end(&mut said).await);
    }
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_claims_to_be_another_plant_stores_nothing() {
    let lab = Lab::new(limits()).await;
    let (id, trust) = lab.pki.agent("south").unwrap();
    // The certificate is of south, the alerts are of north.
    let claimed = tempfile::tempdir().unwrap();
    let mut thief = Agent::start_as(claimed.path(), "north", (id, trust), lab.address(), pace()).unwrap();
    thief.issue(10);
    let status = || thief.status().trouble.unwrap_or_default();
    until("it is told", || status().contains("facility \"north\" came with a certificate of \"south\""))
        .await;
    assert!(lab.count("wrong_facility") > 0);
    assert_eq!(thief.spool.counts().unacknowledged, 10, "it keeps what nobody took");
    drop(thief);
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_future_wire_version_is_refused_in_clear_words() {
    let lab = Lab::new(limits()).await;
    let (_, trust) = lab.pki.agent("south").unwrap();
    let link = lab.link(trust.clone(), false).await;
    let (mut control, _receiver) = link.open(Channel::Control).await.unwrap();
    control.send(Hello { versions: vec![2, 3], ..hello() }).await.unwrap();
    let LinkError::Closed(Code::Version, words) = link.closed().await else { panic!("not refused") };
    assert_eq!(words, "this aggregator speaks wire version 1, the agent 2, 3; update the older of them");
    assert_eq!(lab.count("version_refused"), 1);

    // An aggregator of the future, which does not speak our version any more.
    let config = fieldward_shared::transport::quic_server(lab.pki.server().unwrap()).unwrap();
    let endpoint = quinn::Endpoint::server(config, HERE).unwrap();
    let address = endpoint.local_addr().unwrap();
    let future = tokio::spawn(async move {
        while let Some(incoming) = endpoint.accept().await {
            let link = Link::over_quic(incoming.accept().unwrap().await.unwrap());
            let (_, _, mut receiver) = link.accept().await.unwrap();
            assert!(matches!(receiver.next().await, Ok(Some(Message::Hello(_)))));
            link.close(Code::Version, "wire version 1 is not spoken any more; update the agent");
        }
    });
    let id = uuid::Uuid::new_v4();
    let mut agent = Agent::start_as(lab.folder.path(), "south", (id, trust), address, pace()).unwrap();
    let told = || agent.status().trouble.unwrap_or_default();
    until("it is told", || told().contains("update the agent")).await;
    agent.issue(40);
    assert_eq!(agent.spool.sync().unacknowledged, 40, "it goes on keeping alerts");
    future.abort();
    drop(agent);
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_agent_is_closed_and_does_not_come_back() {
    let lab = Lab::new(limits()).await;
    for by_tcp in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let network = Proxy::start(lab.address(), 1).await.unwrap();
        network.set(Faults { udp_blocked: by_tcp, ..Faults::default() });
        let mut agent = Agent::start(folder.path(), "south", &lab.pki, network.address(), pace()).unwrap();
        until("it is there", || agent.status().connected.is_some()).await;
        let (sessions, refused) = (lab.count("sessions"), lab.count("refused"));
        lab.pki.revoke(agent.id);
        until("its live session is closed", || agent.status().connected.is_none()).await;
        agent.issue(4);
        until("it is refused again and again", || lab.count("refused") >= refused + 3).await;
        assert_eq!(lab.count("sessions"), sessions);
        assert!(agent.status().trouble.unwrap_or_default().contains("revoked"), "{:?}", agent.status());
        assert_eq!(agent.spool.sync().unacknowledged, 4);
    }
    assert!(lab.count("revoked") >= 2);
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_resumes_a_session_of_tls() {
    let lab = Lab::new(limits()).await;
    let (_, trust) = lab.pki.agent("south").unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(lab.pki.root()).unwrap();
    // A client that would like to.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(trust.identity.chain, trust.identity.key)
        .unwrap();
    tls.alpn_protocols = vec![SESSION.to_vec()];
    tls.enable_early_data = true;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(tls));
    for _ in 0..3 {
        let stream = TcpStream::connect(lab.address()).await.unwrap();
        let mut stream = connector.connect(NAME.try_into().unwrap(), stream).await.unwrap();
        // Whatever the server sends after the handshake has come when this is answered.
        let mut frame = vec![0; 5];
        frame.extend_from_slice(&Message::from(hello()).frame().unwrap());
        stream.write_all(&frame).await.unwrap();
        let mut answer = [0; 10];
        stream.read_exact(&mut answer).await.unwrap();
        let (_, tls) = stream.get_ref();
        assert_eq!(tls.handshake_kind(), Some(rustls::HandshakeKind::Full));
        assert_eq!(tls.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
        let group = tls.negotiated_key_exchange_group().map(|group| group.name());
        assert_eq!(group, Some(rustls::NamedGroup::X25519MLKEM768));
    }
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_certificate_is_noticed() {
    let lab = Lab::new(limits()).await;
    let own = lab.pki.agent("south").unwrap();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let agents = folders
        .each_ref()
        .map(|folder| Agent::start_as(folder.path(), "south", own.clone(), lab.address(), pace()).unwrap());
    until("they are noticed", || lab.count("duplicate_identity") > 0).await;
    let seen = lab.aggregator.intake.fleet().snapshot(fieldward_shared::time::Timestamp::default());
    assert!(seen.iter().any(|one| one.agent == own.0 && one.duplicates > 0));
    drop(agents);
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_record_with_other_words_is_not_stored() {
    let lab = Lab::new(limits()).await;
    let (id, trust) = lab.pki.agent("south").unwrap();
    let payload = |nth| record(&alert("south", id, Severity::Medium, nth));
    for nth in 0..2 {
        let link = lab.link(trust.clone(), false).await;
        let (mut control, receiver) = link.open(Channel::Control).await.unwrap();
        control.send(hello()).await.unwrap();
        let mut receiver = receiver.unwrap();
        assert!(matches!(receiver.next().await, Ok(Some(Message::Welcome(_)))));
        let (mut reports, _) = link.open(Channel::Reports).await.unwrap();
        let records = vec![Record { seq: 1, flags: 0, payload: payload(nth) }];
        reports.send(Reports { records, ..batch(1, &[]) }).await.unwrap();
        while !matches!(receiver.next().await.unwrap(), Some(Message::Ack(Ack { batch: 1, .. }))) {}
        link.close(Code::Done, "");
    }
    assert_eq!(lab.count("contradicted"), 1);
    let found = oracle::look(lab.folder.path()).await.unwrap();
    assert_eq!((found.alerts, found.contradicted), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_certificate_there_is_only_a_door() {
    let lab = Lab::new(limits()).await;
    for by_tcp in [false, true] {
        let dial = |alpn: &[u8]| {
            let tls = client(None, &[lab.pki.root()], alpn).unwrap();
            let to = lab.address();
            async move {
                if by_tcp {
                    TcpClient::new(tls).dial(to, NAME).await.unwrap()
                } else {
                    quic_client(tls).unwrap().dial(to, NAME).await.unwrap()
                }
            }
        };
        let why = dial(SESSION).await.closed().await;
        assert!(matches!(why, LinkError::Closed(Code::Certificate, _)), "{why}");
        let link = dial(ENROLL).await;
        let (mut control, receiver) = link.open(Channel::Control).await.unwrap();
        control
            .send(EnrollRequest { token: "x".to_owned(), csr: vec![1], ..EnrollRequest::default() })
            .await
            .unwrap();
        let reply = receiver.unwrap().next().await.unwrap();
        assert!(matches!(reply, Some(Message::Refused(refused)) if refused.code == "closed"));
        // At the door nothing else is served.
        let link = dial(ENROLL).await;
        let (mut control, _receiver) = link.open(Channel::Control).await.unwrap();
        control.send(hello()).await.unwrap();
        let why = link.closed().await;
        assert!(matches!(why, LinkError::Closed(Code::Protocol, _)), "{why}");
    }
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_and_half_open_handshakes_harm_nobody() {
    let small = Limits { unauthenticated: 20, handshake: Duration::from_millis(300), ..limits() };
    let lab = Lab::new(small).await;
    let garbage = UdpSocket::bind(HERE).await.unwrap();
    let mut chance = fastrand::Rng::with_seed(5);
    let mut bytes = [0; 1300];
    for _ in 0..5_000 {
        let length = chance.usize(1..1300);
        chance.fill(&mut bytes[..length]);
        drop(garbage.send_to(&bytes[..length], lab.address()).await);
    }
    // The first packet of a real client, from thousands of addresses that never answer.
    let ear = UdpSocket::bind(HERE).await.unwrap();
    let tls = client(None, &[lab.pki.root()], SESSION).unwrap();
    let dialling = quic_client(tls).unwrap();
    let nowhere = ear.local_addr().unwrap();
    let dialling = tokio::spawn(async move { dialling.dial(nowhere, NAME).await.is_ok() });
    let (length, _) = ear.recv_from(&mut bytes).await.unwrap();
    dialling.abort();
    for _ in 0..1_000 {
        let socket = UdpSocket::bind(HERE).await.unwrap();
        drop(socket.send_to(&bytes[..length], lab.address()).await);
    }
    until("addresses are asked to prove themselves", || lab.count("retries") > 100).await;
    assert_eq!(lab.count("sessions"), 1, "nobody got further than that");
    // Connections by TCP that say nothing.
    let mut silent = Vec::new();
    for _ in 0..60 {
        silent.push(TcpStream::connect(lab.address()).await.unwrap());
    }
    until("there is no place for all of them", || lab.count("crowded") > 0).await;
    until("they are let go", || lab.count("handshakes_failed") >= 20).await;
    drop(silent);
    lab.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_handshakes_of_an_address_are_refused() {
    let lab = Lab::new(Limits { per_address: 5, ..limits() }).await;
    let (_, trust) = lab.pki.agent("south").unwrap();
    let tls = client(Some(trust.identity), &trust.roots, SESSION).unwrap();
    let client = quic_client(tls).unwrap();
    let mut refused = 0;
    for _ in 0..16 {
        refused += u64::from(client.dial(lab.address(), NAME).await.is_err());
    }
    // Even when a new window begins in between.
    assert!(refused >= 6 && refused == lab.count("limited"), "{refused}");
    lab.judge().await;
}
