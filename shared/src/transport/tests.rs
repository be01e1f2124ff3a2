//! Both ways carry the same: channels, ends and reasons; frames that are no frames are refused.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::*;
use crate::wire::{Ack, Ask, Credit, Hello, Ping, Record, Reports, SESSION, Second};

/// A root, and what it signs.
struct Pki {
    root: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Pki {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        Self { root: rcgen::CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    fn root(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    fn leaf(&self, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.root).unwrap();
        (vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }

    fn server(&self) -> Arc<rustls::ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let (chain, key) = self.leaf("server");
        server(ServerIdentity { chain, key }, verifier).unwrap()
    }

    fn client(&self) -> Arc<rustls::ClientConfig> {
        let (chain, key) = self.leaf("agent");
        client(Some(ClientIdentity { chain, key }), &[self.root()], SESSION).unwrap()
    }
}

const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Both ends of a link by QUIC, and the server's endpoint.
async fn by_quic(pki: &Pki, tls: Arc<rustls::ClientConfig>) -> (Link, Link, quinn::Endpoint) {
    let endpoint = quinn::Endpoint::server(quic_server(pki.server()).unwrap(), HERE).unwrap();
    let client = quic_client(tls).unwrap();
    let to = endpoint.local_addr().unwrap();
    let (there, here) = tokio::join!(client.dial(to, "server"), async {
        endpoint.accept().await.unwrap().accept().unwrap().await.unwrap()
    });
    (there.unwrap(), Link::over_quic(here), endpoint)
}

async fn by_tcp(pki: &Pki, tls: Arc<rustls::ClientConfig>) -> (Link, Link) {
    let listener = TcpListener::bind(HERE).await.unwrap();
    let to = listener.local_addr().unwrap();
    let (there, here) = tokio::join!(async { TcpClient::new(tls).dial(to, "server").await }, async {
        accept_tcp(pki.server(), listener.accept().await.unwrap().0).await
    });
    (there.unwrap(), here.unwrap())
}

/// What an agent and the aggregator do with a link.
async fn story(agent: Link, aggregator: Link) {
    assert_eq!((agent.alpn(), aggregator.alpn()), (SESSION.to_vec(), SESSION.to_vec()));
    assert_eq!(aggregator.peer().len(), 1);
    let (mut control, replies) = agent.open(Channel::Control).await.unwrap();
    let mut replies = replies.unwrap();
    control.send(Hello { versions: vec![1], ..Hello::default() }).await.unwrap();
    let (channel, answering, mut heard) = aggregator.accept().await.unwrap();
    assert_eq!(channel, Channel::Control);
    assert!(matches!(heard.next().await, Ok(Some(Message::Hello(_)))));
    let mut answering = answering.unwrap();
    answering.send(Credit { credit: 8 }).await.unwrap();
    assert_eq!(replies.next().await, Ok(Some(Credit { credit: 8 }.into())));

    let (mut reports, none) = agent.open(Channel::Reports).await.unwrap();
    assert!(none.is_none());
    let batch = |batch| Reports {
        batch,
        records: vec![Record { seq: batch, flags: 0, payload: vec![5; 60_000] }; 4],
        ..Reports::default()
    };
    let sending = async {
        for nth in 1..=9 {
            reports.send(batch(nth)).await.unwrap();
        }
        reports.finish().await.unwrap();
    };
    let receiving = async {
        let (channel, none, mut arriving) = aggregator.accept().await.unwrap();
        assert_eq!((channel, none.is_none()), (Channel::Reports, true));
        for nth in 1..=9 {
            assert_eq!(arriving.next().await, Ok(Some(batch(nth).into())));
            answering.send(Ack { batch: nth, ..Ack::default() }).await.unwrap();
        }
        assert_eq!(arriving.next().await, Ok(None));
    };
    let acknowledged = async {
        for nth in 1..=9 {
            assert_eq!(replies.next().await, Ok(Some(Ack { batch: nth, ..Ack::default() }.into())));
        }
    };
    tokio::join!(sending, receiving, acknowledged);

    let asking = async {
        let (mut ask, answer) = aggregator.open(Channel::Ask(7)).await.unwrap();
        ask.send(Ask { question: 1, about: String::new() }).await.unwrap();
        answer.unwrap().next().await
    };
    let answering = async {
        let (channel, answer, mut ask) = agent.accept().await.unwrap();
        assert_eq!(channel, Channel::Ask(7));
        assert!(matches!(ask.next().await, Ok(Some(Message::Ask(_)))));
        let mut answer = answer.unwrap();
        answer.send(Second { time: 3, ..Second::default() }).await.unwrap();
        answer.finish().await.unwrap();
    };
    let (answer, ()) = tokio::join!(asking, answering);
    assert_eq!(answer, Ok(Some(Second { time: 3, ..Second::default() }.into())));

    aggregator.close(Code::Revoked, "the certificate was revoked");
    let closed = LinkError::Closed(Code::Revoked, "the certificate was revoked".to_owned());
    assert_eq!(replies.next().await, Err(closed.clone()));
    assert_eq!(agent.closed().await, closed);
    assert!(closed.is_refusal());
    assert!(control.send(Ping { sent: 1 }).await.is_err());
}

#[tokio::test]
async fn a_session_goes_by_quic() {
    let pki = Pki::new();
    let (agent, aggregator, _endpoint) = by_quic(&pki, pki.client()).await;
    story(agent, aggregator).await;
}

#[tokio::test]
async fn a_session_goes_by_tcp() {
    let pki = Pki::new();
    let (agent, aggregator) = by_tcp(&pki, pki.client()).await;
    story(agent, aggregator).await;
}

#[tokio::test]
async fn an_end_that_goes_away_is_noticed() {
    let pki = Pki::new();
    let (agent, aggregator) = by_tcp(&pki, pki.client()).await;
    drop(agent);
    assert!(matches!(aggregator.closed().await, LinkError::Lost(_)));
    let (agent, aggregator, _endpoint) = by_quic(&pki, pki.client()).await;
    drop(agent);
    assert!(matches!(aggregator.closed().await, LinkError::Closed(..)));
}

#[tokio::test]
async fn who_is_not_trusted_learns_it() {
    let (pki, other) = (Pki::new(), Pki::new());
    let (chain, key) = other.leaf("agent");
    let stranger = client(Some(ClientIdentity { chain, key }), &[pki.root()], SESSION).unwrap();
    let endpoint = quinn::Endpoint::server(quic_server(pki.server()).unwrap(), HERE).unwrap();
    let to = endpoint.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        let refused = endpoint.accept().await.unwrap().accept().unwrap().await;
        endpoint.wait_idle().await;
        refused.is_err()
    });
    let refused = match quic_client(stranger.clone()).unwrap().dial(to, "server").await {
        Ok(link) => link.closed().await,
        Err(error) => error,
    };
    assert!(matches!(refused, LinkError::Trust(_)) && refused.is_refusal(), "{refused}");
    assert!(accepting.await.unwrap());

    let listener = TcpListener::bind(HERE).await.unwrap();
    let to = listener.local_addr().unwrap();
    let tls = pki.server();
    let accepting =
        tokio::spawn(async move { accept_tcp(tls, listener.accept().await.unwrap().0).await.map(drop) });
    let refused = match TcpClient::new(stranger).dial(to, "server").await {
        Ok(link) => link.closed().await,
        Err(error) => error,
    };
    assert!(matches!(refused, LinkError::Trust(_)), "{refused}");
    assert!(matches!(accepting.await.unwrap(), Err(LinkError::Trust(_))));
    // Somebody else's server, and a server under another name.
    let unknown = client(None, &[other.root()], SESSION).unwrap();
    let endpoint = quinn::Endpoint::server(quic_server(pki.server()).unwrap(), HERE).unwrap();
    let to = endpoint.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        while let Some(incoming) = endpoint.accept().await {
            drop(incoming.accept().unwrap().await);
        }
    });
    let refused = quic_client(unknown).unwrap().dial(to, "server").await.map(drop).unwrap_err();
    assert!(matches!(refused, LinkError::Trust(_)), "{refused}");
    let refused = quic_client(pki.client()).unwrap().dial(to, "another").await.map(drop).unwrap_err();
    assert!(matches!(refused, LinkError::Trust(_)), "{refused}");
    accepting.abort();
}

fn frames(bytes: &[u8]) -> Frames<tokio::io::DuplexStream> {
    let (mut to, from) = tokio::io::duplex(1 << 20);
    let bytes = bytes.to_vec();
    tokio::spawn(async move { to.write_all(&bytes).await });
    Frames::of(Channel::Control, from)
}

#[tokio::test(start_paused = true)]
async fn frames_that_are_none_are_refused() {
    let whole = Message::from(Ping { sent: 9 }).frame().unwrap();
    let mut two = frames(&[&whole[..], &whole[..]].concat());
    for _ in 0..2 {
        assert!(matches!(two.next().await, Ok(Some(Piece::Message(_, Message::Ping(_))))));
    }
    assert_eq!(two.next().await, Ok(None));
    assert_eq!(frames(&whole[..whole.len() - 1]).next().await, Err(LinkError::Cut));
    assert!(matches!(frames(&[0xff; 9]).next().await, Err(LinkError::Wire(_))));
    assert!(matches!(frames(&[0, 0, 0, 2, 5, 0xff]).next().await, Err(LinkError::Wire(_))));
    // One that never becomes whole, although bytes keep coming.
    let (mut to, from) = tokio::io::duplex(64);
    let slow = tokio::spawn(async move {
        to.write_all(&[0, 0, 0, 60, 1]).await.unwrap();
        loop {
            tokio::time::sleep(WHOLE_WITHIN / 4).await;
            if to.write_all(&[8]).await.is_err() {
                return;
            }
        }
    });
    assert_eq!(Frames::of(Channel::Control, from).next().await, Err(LinkError::Slow));
    slow.await.unwrap();
}

#[tokio::test]
async fn a_reader_that_is_dropped_loses_nothing() {
    let (mut to, from) = tokio::io::duplex(64);
    let mut frames = Frames::tagged(from);
    let mut bytes = Channel::Ask(3).tag().to_vec();
    bytes.extend_from_slice(&Message::from(Ping { sent: 9 }).frame().unwrap());
    bytes.extend_from_slice(&Channel::Ask(3).tag());
    bytes.extend_from_slice(&frames::END);
    for byte in bytes.chunks(1) {
        to.write_all(byte).await.unwrap();
        tokio::select! {
            biased;
            piece = frames.next() => match piece.unwrap().unwrap() {
                Piece::Message(Channel::Ask(3), Message::Ping(ping)) => assert_eq!(ping.sent, 9),
                other => { assert_eq!(other, Piece::End(Channel::Ask(3))); return }
            },
            () = std::future::ready(()) => {}
        }
    }
    assert_eq!(frames.next().await, Ok(Some(Piece::End(Channel::Ask(3)))));
}

#[test]
fn codes_and_channels_come_back() {
    for number in 0..20 {
        assert_eq!(Code::of(number).number(), number);
    }
    for channel in [Channel::Control, Channel::Reports, Channel::Telemetry, Channel::Ask(77)] {
        assert_eq!(Channel::read(&channel.tag()), Some((channel, &[][..])));
    }
    assert_eq!(Channel::read(&[0, 0, 0, 0, 1]), None);
    assert_eq!(Channel::read(&[9, 0, 0, 0, 0]), None);
}

#[test]
fn a_reset_key_outlives_the_process() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reset.key");
    let key = reset_key(&path).unwrap();
    assert_eq!(reset_key(&path).unwrap(), key);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&path, b"short").unwrap();
    assert!(reset_key(&path).is_err());
}

/// Passes datagrams between one client and a server that may change.
async fn pass(socket: tokio::net::UdpSocket, mut server: tokio::sync::watch::Receiver<SocketAddr>) {
    let mut client = HERE;
    let mut datagram = vec![0; 2048];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut datagram).await else { return };
        let server = *server.borrow_and_update();
        let to = if from == server { client } else { server };
        client = if from == server { client } else { from };
        drop(socket.send_to(datagram.get(..length).unwrap(), to).await);
    }
}

#[tokio::test]
async fn an_agent_hears_at_once_that_the_process_it_talked_to_has_gone() {
    let pki = Pki::new();
    let endpoint = |key| {
        let socket = std::net::UdpSocket::bind(HERE).unwrap();
        let config = Some(quic_server(pki.server()).unwrap());
        let runtime = Arc::new(quinn::TokioRuntime);
        quinn::Endpoint::new(endpoint_config(key), config, socket, runtime).unwrap()
    };
    let (before, after) = (endpoint([7; 64]), endpoint([7; 64]));
    let relay = tokio::net::UdpSocket::bind(HERE).await.unwrap();
    let to = relay.local_addr().unwrap();
    let (server, target) = tokio::sync::watch::channel(before.local_addr().unwrap());
    let passing = tokio::spawn(pass(relay, target));
    let client = quic_client(pki.client()).unwrap();
    let (link, _gone) = tokio::join!(client.dial(to, "server"), async {
        before.accept().await.unwrap().accept().unwrap().await.unwrap()
    });
    let link = link.unwrap();
    let (mut control, _replies) = link.open(Channel::Control).await.unwrap();
    server.send_replace(after.local_addr().unwrap());
    control.send(Ping { sent: 1 }).await.unwrap();
    // Without the key that they share it would time out.
    let why = link.closed().await.to_string();
    assert!(why.contains("reset"), "{why}");
    passing.abort();
}
