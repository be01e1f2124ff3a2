//! A link over QUIC: a stream per channel, the more urgent ones first. The first bytes of a stream are the
//! channel's tag.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use quinn::crypto::rustls::{HandshakeData, QuicClientConfig, QuicServerConfig};
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, EndpointConfig, IdleTimeout, MtuDiscoveryConfig,
    RecvStream, SendStream, ServerConfig, TransportConfig, VarInt,
};
use quinn_proto::HashedConnectionIdGenerator;
use rustls::pki_types::CertificateDer;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::frames::{Frames, WHOLE_WITHIN};
use super::{Channel, Code, In, Link, LinkError, Out, Receiver, Sender, TlsError, Way};

/// A connection.
#[derive(Clone)]
pub(super) struct Quic {
    connection: Connection,
    /// A stream of which the tag is not whole yet: whoever waits for it may be interrupted.
    arriving: Arc<Mutex<Option<Arriving>>>,
    /// An agent's endpoint lives as long as its link.
    endpoint: Option<Endpoint>,
}

struct Arriving {
    send: Option<SendStream>,
    receive: RecvStream,
    tag: Vec<u8>,
    until: Instant,
}

/// The aggregator's settings over its TLS.
pub fn quic_server(tls: Arc<rustls::ServerConfig>) -> Result<ServerConfig, TlsError> {
    let crypto = QuicServerConfig::try_from(tls).map_err(|error| TlsError::Quic(error.to_string()))?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(Arc::new(transport()))
        .max_incoming(1024)
        .incoming_buffer_size(64 << 10)
        .incoming_buffer_size_total(8 << 20)
        .migration(true);
    Ok(config)
}

/// Settings of an endpoint whose reset key outlives the process: who talks to a process that has gone
/// learns it from the next one at once.
pub fn endpoint_config(reset_key: [u8; 64]) -> EndpointConfig {
    let mut config = EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &reset_key)));
    // The next process must know the ids that this one gave for its own, or it answers them nothing.
    let hash = digest(&SHA256, &reset_key);
    let key = hash.as_ref().first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(key)));
    config
}

/// The reset key in a file, drawn when there is none.
pub fn reset_key(path: &Path) -> io::Result<[u8; 64]> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::read(path) {
        Ok(bytes) => {
            let wrong = || io::Error::new(io::ErrorKind::InvalidData, "is no reset key; remove it");
            return bytes.try_into().map_err(|_| wrong());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut key = [0; 64];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| io::Error::other("no randomness"))?;
    let new = path.with_extension("new");
    drop(std::fs::remove_file(&new));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(&key)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    Ok(key)
}

/// Whoever knows no client of its own gives the settings of one.
pub fn quic_client(tls: Arc<rustls::ClientConfig>) -> Result<QuicClient, TlsError> {
    let crypto = QuicClientConfig::try_from(tls).map_err(|error| TlsError::Quic(error.to_string()))?;
    let mut transport = transport();
    transport.keep_alive_interval(Some(KEEP_ALIVE));
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    Ok(QuicClient(config))
}

/// Dials by QUIC.
#[derive(Clone)]
pub struct QuicClient(ClientConfig);

impl QuicClient {
    /// A link to an address whose certificate bears a name.
    pub async fn dial(&self, to: SocketAddr, name: &str) -> Result<Link, LinkError> {
        let any: IpAddr =
            if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        // A socket of its own for each: what a middlebox remembers of the last one does not matter.
        let endpoint =
            Endpoint::client(SocketAddr::new(any, 0)).map_err(|error| LinkError::Lost(error.to_string()))?;
        let connecting = endpoint.connect_with(self.0.clone(), to, name);
        let connecting = connecting.map_err(|error| LinkError::Lost(error.to_string()))?;
        let connection = connecting.await.map_err(|error| why(&error))?;
        Ok(Link(Way::Quic(Quic::new(connection, Some(endpoint)))))
    }
}

impl Link {
    /// The link of a connection that the aggregator has accepted.
    pub fn over_quic(connection: Connection) -> Self {
        Self(Way::Quic(Quic::new(connection, None)))
    }
}

/// Limits that hold for both ends.
fn transport() -> TransportConfig {
    let mut discovery = MtuDiscoveryConfig::default();
    discovery.upper_bound(MOST_MTU);
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(MOST_MUTUAL))
        .max_concurrent_uni_streams(VarInt::from_u32(MOST_ONE_WAY))
        .stream_receive_window(VarInt::from_u32(256 << 10))
        .receive_window(VarInt::from_u32(2 << 20))
        .send_window(1 << 20)
        .datagram_receive_buffer_size(None)
        .datagram_send_buffer_size(0)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MILLIS))))
        .initial_mtu(1200)
        .mtu_discovery_config(Some(discovery));
    config
}

impl Arriving {
    /// Reads the tag; what has come is kept when this is dropped.
    async fn finish(&mut self, quic: &Quic) -> Result<(), LinkError> {
        while let Some(missing) = TAG.checked_sub(self.tag.len()).filter(|missing| *missing > 0) {
            let reading = self.receive.read_chunk(missing, true);
            let read = timeout_at(self.until, reading).await.map_err(|_| LinkError::Slow)?;
            let chunk = read.map_err(|error| quic.why(&error.into()))?.ok_or(LinkError::Cut)?;
            self.tag.extend_from_slice(&chunk.bytes);
        }
        Ok(())
    }
}

impl Quic {
    fn new(connection: Connection, endpoint: Option<Endpoint>) -> Self {
        Self { connection, arriving: Arc::default(), endpoint }
    }

    pub async fn open(&self, channel: Channel) -> Result<(Sender, Option<Receiver>), LinkError> {
        let (mut send, receive) = if channel.is_mutual() {
            let (send, receive) = self.connection.open_bi().await.map_err(|error| why(&error))?;
            (send, Some(receive))
        } else {
            (self.connection.open_uni().await.map_err(|error| why(&error))?, None)
        };
        // Nothing is lost when the stream has just been closed: the first message says so.
        drop(send.set_priority(channel.priority()));
        send.write_all(&channel.tag()).await.map_err(|error| self.why(&error.into()))?;
        let receiver = receive.map(|receive| Receiver(In::Quic(self.clone(), Frames::of(channel, receive))));
        Ok((Sender(Out::Quic(self.clone(), send)), receiver))
    }

    pub async fn accept(&self) -> Result<(Channel, Option<Sender>, Receiver), LinkError> {
        let mut slot = self.arriving.lock().await;
        if slot.is_none() {
            let (send, receive) = tokio::select! {
                both = self.connection.accept_bi() => {
                    let (send, receive) = both.map_err(|error| why(&error))?;
                    (Some(send), receive)
                }
                one = self.connection.accept_uni() => (None, one.map_err(|error| why(&error))?),
            };
            *slot = Some(Arriving { send, receive, tag: Vec::new(), until: Instant::now() + WHOLE_WITHIN });
        }
        if let Some(arriving) = slot.as_mut() {
            arriving.finish(self).await?;
        }
        let Some(Arriving { send, receive, tag, .. }) = slot.take() else { return Err(LinkError::Channel) };
        drop(slot);
        let (channel, _) = Channel::read(&tag).ok_or(LinkError::Channel)?;
        let agents_end = self.endpoint.is_some();
        if channel.is_mutual() != send.is_some() || channel.is_agents() == agents_end {
            return Err(LinkError::Channel);
        }
        let sender = send.map(|send| self.sender(channel, send));
        Ok((channel, sender, Receiver(In::Quic(self.clone(), Frames::of(channel, receive)))))
    }

    fn sender(&self, channel: Channel, send: SendStream) -> Sender {
        drop(send.set_priority(channel.priority()));
        Sender(Out::Quic(self.clone(), send))
    }

    pub fn close(&self, code: Code, words: &str) {
        let words = words.get(..words.len().min(LONGEST_WORDS)).unwrap_or_default();
        self.connection.close(VarInt::from_u32(code.number()), words.as_bytes());
    }

    pub async fn closed(&self) -> LinkError {
        why(&self.connection.closed().await)
    }

    pub async fn gone(&self) {
        match &self.endpoint {
            Some(endpoint) => endpoint.wait_idle().await,
            None => drop(self.connection.closed().await),
        }
    }

    pub fn alpn(&self) -> Vec<u8> {
        let data = self.connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok());
        data.and_then(|data| data.protocol).unwrap_or_default()
    }

    pub fn peer(&self) -> Vec<CertificateDer<'static>> {
        let identity = self.connection.peer_identity();
        let chain = identity.and_then(|chain| chain.downcast::<Vec<CertificateDer<'static>>>().ok());
        chain.map(|chain| *chain).unwrap_or_default()
    }

    pub fn remote(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    /// A stream says that it failed, the connection knows why.
    pub fn why(&self, error: &io::Error) -> LinkError {
        self.connection.close_reason().map_or_else(|| LinkError::lost(error), |reason| why(&reason))
    }
}

/// What the end of a connection means.
pub(super) fn why(error: &ConnectionError) -> LinkError {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            let code = u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX);
            LinkError::Closed(Code::of(code), String::from_utf8_lossy(&close.reason).into_owned())
        }
        ConnectionError::LocallyClosed => LinkError::Here,
        ConnectionError::TransportError(error) if is_tls(error.code) => LinkError::Trust(error.to_string()),
        ConnectionError::ConnectionClosed(close) if is_tls(close.error_code) => {
            LinkError::Trust(close.to_string())
        }
        other => LinkError::Lost(other.to_string()),
    }
}

/// RFC 9001, 4.8: an alert of TLS is 0x100 and its number.
fn is_tls(code: quinn::TransportErrorCode) -> bool {
    (0x100..0x200).contains(&u64::from(code))
}

/// Bytes of a channel's tag.
const TAG: usize = 5;
/// Streams in both directions that the other end may open.
const MOST_MUTUAL: u32 = 8;
/// Streams in one direction.
const MOST_ONE_WAY: u32 = 4;
/// Nothing is heard for so long: the connection is over.
const IDLE_MILLIS: u32 = 30_000;
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Larger packets are not tried.
const MOST_MTU: u16 = 1400;
/// Words of a close must fit into a packet.
const LONGEST_WORDS: usize = 512;
