//! Where the API listens. TLS 1.3 with the aggregator's own certificate, so that passwords and tokens never
//! cross a network in the clear; or plain at a loopback address for a proxy on this machine, which then has to
//! do it. Nothing else can be configured.
//!
//! Every connection, head, body, answer and wait is bounded here; what is refused is counted.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use fieldward_shared::supervisor::Stop;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::server::ResolvesServerCert;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};
use tokio_rustls::TlsAcceptor;

use super::config::{ApiConfig, Tls};
use super::door::Door;

/// Why nobody can arrive.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port is not to be had.
    #[error("api.listen {address}: {error}; choose another address, or end whoever has it")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// TLS cannot be used.
    #[error("api.tls: {0}")]
    Tls(#[from] rustls::Error),
}

/// What was counted at the listener.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Connections that began.
    pub connections: AtomicU64,
    /// Connections for which there was no place.
    pub crowded: AtomicU64,
    /// TLS handshakes that came to nothing.
    pub handshakes_failed: AtomicU64,
}

/// The listener; it answers when it is run.
pub struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    door: Door,
    arrivals: Arc<Arrivals>,
}

impl Server {
    /// Listens; connections wait until it is run.
    pub async fn bind(
        config: &ApiConfig,
        certificate: Option<Arc<dyn ResolvesServerCert>>,
        door: Door,
    ) -> Result<Self, ServeError> {
        let address = config.listen;
        let listener = listen(address).map_err(|error| ServeError::Bind { address, error })?;
        let tls = match (config.tls, certificate) {
            (Tls::Own, Some(certificate)) => Some(acceptor(certificate)?),
            (Tls::Own, None) => return Err(rustls::Error::General("there is no certificate".into()).into()),
            (Tls::Off, _) => None,
        };
        Ok(Self { listener, tls, arrivals: door.arrivals(), door })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Whether it is reached by HTTPS.
    pub const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// What was counted.
    pub fn arrivals(&self) -> Arc<Arrivals> {
        self.arrivals.clone()
    }

    /// Answers until the stop; then requests that are under way are answered, for a while.
    pub async fn run(self, mut stop: Stop) {
        let Self { listener, tls, door, arrivals } = self;
        let mut connections = JoinSet::new();
        let places = Places::default();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = stop.asked() => break,
            };
            match accepted {
                Ok((stream, remote)) => {
                    let Some(place) = places.take(remote.ip()) else {
                        arrivals.crowded.fetch_add(1, Ordering::Relaxed);
                        continue;
                    };
                    arrivals.connections.fetch_add(1, Ordering::Relaxed);
                    let (tls, door, stop) = (tls.clone(), door.clone(), stop.clone());
                    let arrivals = arrivals.clone();
                    connections.spawn(async move {
                        arrive(stream, remote.ip(), tls, door, stop, &arrivals).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Files or memory have run out: that passes.
                    tracing::warn!("accepting failed at the API: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        door.end();
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(DRAIN, all).await.is_err() {
            tracing::warn!(left = connections.len(), "answers that took too long were cut off at the stop");
        }
    }
}

/// Listens; what its connections have sent and nobody takes is bounded in the system too.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SENT)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

fn acceptor(certificate: Arc<dyn ResolvesServerCert>) -> Result<TlsAcceptor, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.max_early_data_size = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn arrive(
    stream: TcpStream,
    remote: IpAddr,
    tls: Option<TlsAcceptor>,
    door: Door,
    stop: Stop,
    arrivals: &Arrivals,
) {
    // Answers are written whole.
    drop(stream.set_nodelay(true));
    let Some(tls) = tls else { return converse(stream, remote, door, stop).await };
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => converse(stream, remote, door, stop).await,
        _ => drop(arrivals.handshakes_failed.fetch_add(1, Ordering::Relaxed)),
    }
}

/// Requests and answers on a connection, until it is idle for too long or the service stops.
async fn converse<S>(stream: S, remote: IpAddr, door: Door, mut stop: Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::new());
    let noting = activity.clone();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (door, noting) = (door.clone(), noting.clone());
        async move {
            let busy = noting.begin();
            let answer = door.answer(request.map(Body::new), remote).await;
            drop(busy);
            Ok::<_, Infallible>(answer)
        }
    });
    let builder = builder();
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut looks = interval(LOOK);
    let mut is_ending = false;
    loop {
        tokio::select! {
            // What went wrong concerns whoever is at the other end.
            done = connection.as_mut() => return drop(done),
            () = stop.asked(), if !is_ending => {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = looks.tick(), if !is_ending => {
                if activity.is_idle(IDLE) {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(64);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES as u32)
        .max_pending_accept_reset_streams(20)
        .initial_stream_window_size(64 << 10)
        .initial_connection_window_size(1 << 20)
        .max_send_buf_size(64 << 10)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// Whether a connection does anything.
struct Activity {
    start: Instant,
    /// Milliseconds from the start to the last request that ended.
    last: AtomicU64,
    under_way: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self { start: Instant::now(), last: AtomicU64::new(0), under_way: AtomicU64::new(0) }
    }

    fn begin(self: &Arc<Self>) -> Busy {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    fn is_idle(&self, most: Duration) -> bool {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.under_way.load(Ordering::Relaxed) == 0 && self.start.elapsed() > last + most
    }
}

/// Until it is dropped a request is under way.
struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        let at = u64::try_from(self.0.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.last.store(at, Ordering::Relaxed);
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Places for connections: so many in all, and of one address.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A place; it is free again when this is dropped.
struct Place(Places, IpAddr);

impl Places {
    fn take(&self, address: IpAddr) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= CONNECTIONS {
            return None;
        }
        let here = taken.entry(address).or_insert(0);
        if *here >= CONNECTIONS_OF_ADDRESS && !address.is_loopback() {
            return None;
        }
        *here += 1;
        Some(Place(self.clone(), address))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = taken.get_mut(&self.1) {
            *here -= 1;
            if *here == 0 {
                taken.remove(&self.1);
            }
        }
    }
}

/// Bytes that the system holds for who does not read; it takes twice as much for its own sake.
const SENT: u32 = 256 << 10;
/// Connections that wait to be accepted.
const WAITING: u32 = 1024;
/// Connections at once; sockets that listen have places of their own.
const CONNECTIONS: usize = 1024;
/// Of them, of one address; a proxy on this machine brings those of all.
const CONNECTIONS_OF_ADDRESS: usize = 50;
/// For a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// Bytes of a head.
const HEAD_BYTES: usize = 32 << 10;
/// Requests at once on a connection of HTTP/2.
const STREAMS: u32 = 64;
/// Without a request.
const IDLE: Duration = Duration::from_secs(60);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// For answers under way at a stop.
const DRAIN: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let places = Places::default();
        let one = IpAddr::from([10, 0, 0, 1]);
        let mut taken: Vec<Place> = (0..CONNECTIONS_OF_ADDRESS).filter_map(|_| places.take(one)).collect();
        assert_eq!(taken.len(), CONNECTIONS_OF_ADDRESS);
        assert!(places.take(one).is_none());
        taken.pop();
        taken.extend(places.take(one));
        let here = IpAddr::from([127, 0, 0, 1]);
        taken.extend((0..CONNECTIONS).filter_map(|_| places.take(here)));
        assert_eq!(taken.len(), CONNECTIONS);
        assert!(places.take(IpAddr::from([10, 0, 0, 2])).is_none());
        taken.clear();
        assert!(places.0.lock().unwrap().is_empty());
    }
}
