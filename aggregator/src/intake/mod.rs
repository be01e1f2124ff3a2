//! Where agents arrive: QUIC and TLS over TCP on the same port, a session for each agent, doors for those
//! who want a certificate. An address proves itself by Retry before it costs anything; a connection that
//! has not shown who it is has a few seconds and one of few places.
//!
//! Facility and agent are what the certificate says, and nothing else.

mod asker;
mod batch;
mod commit;
mod counters;
mod door;
mod gate;
mod limits;
mod player;
mod pressure;
mod registry;
mod session;
mod tasks;
mod told;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fieldward_shared::telemetry::{NetworkData, RequestMinute};
use fieldward_shared::time::Timestamp;
use fieldward_shared::transport::{Code, Link, TlsError, accept_tcp, endpoint_config, quic_server};
use fieldward_shared::wire::{Answer, Question};
use quinn::{Endpoint, Incoming, TokioRuntime};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use uuid::Uuid;

pub use asker::{AskError, Asker};
pub use counters::{Counter, Counters};
pub use gate::{Gate, Peer, Reply};
pub use limits::Limits;
pub use tasks::{Present, Tasks};
pub use told::{Heard, Told};

use crate::demo::Demo;
use crate::fleet::Fleet;
use crate::store::Store;
use limits::Rate;
use pressure::Pressure;
use registry::Registry;

/// Why nobody can arrive.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The port is not to be had.
    #[error("{address}: {error}; choose another address, or end whoever has it")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What the intake works with.
pub struct Parts {
    /// TLS of all doors.
    pub tls: Arc<rustls::ServerConfig>,
    /// Outlives the process: see [`fieldward_shared::transport::reset_key`].
    pub reset_key: [u8; 64],
    /// Decides over certificates.
    pub gate: Arc<dyn Gate>,
    /// Where reports go.
    pub store: Store,
    /// Where seconds of traffic go; what does not fit is counted.
    pub seconds: mpsc::Sender<NetworkData>,
    /// Where minutes of web requests go, likewise.
    pub requests: mpsc::Sender<RequestMinute>,
    /// Bounds.
    pub limits: Limits,
}

/// What all tasks share.
struct Shared {
    gate: Arc<dyn Gate>,
    store: Store,
    seconds: mpsc::Sender<NetworkData>,
    requests: mpsc::Sender<RequestMinute>,
    limits: Limits,
    /// Who may begin handshakes by QUIC and by TCP: those of one take nothing from the other.
    entries: [Entrance; 2],
    registry: Registry,
    pressure: Pressure,
    fleet: Fleet,
    /// Simulators, and what they play.
    demo: Demo,
    counters: Arc<Counters>,
    /// Who wants to know what was committed.
    told: OnceLock<Told>,
}

/// How often one may come by one of the ways, and how many at once.
struct Entrance {
    rate: Rate,
    places: Arc<Semaphore>,
}

impl Entrance {
    fn new(limits: &Limits) -> Self {
        let places = Arc::new(Semaphore::new(limits.unauthenticated));
        Self { rate: Rate::new(limits, Instant::now()), places }
    }
}

/// The intake. Ends when it is closed or dropped.
pub struct Intake {
    address: SocketAddr,
    endpoint: Endpoint,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

impl Intake {
    /// Listens at an address, UDP and TCP; port 0 is any that is free for both.
    pub async fn bind(address: SocketAddr, parts: Parts) -> Result<Self, IntakeError> {
        let (listener, socket) =
            sockets(address).await.map_err(|error| IntakeError::Bind { address, error })?;
        let bound = |error| IntakeError::Bind { address, error };
        let config = quic_server(parts.tls.clone())?;
        let runtime = Arc::new(TokioRuntime);
        let endpoint = Endpoint::new(endpoint_config(parts.reset_key), Some(config), socket, runtime);
        let endpoint = endpoint.map_err(bound)?;
        let address = endpoint.local_addr().map_err(bound)?;
        let demo = Demo::new(parts.limits.simulators);
        let shared = Arc::new(Shared {
            entries: [(); 2].map(|()| Entrance::new(&parts.limits)),
            gate: parts.gate,
            store: parts.store,
            seconds: parts.seconds,
            requests: parts.requests,
            limits: parts.limits,
            registry: Registry::default(),
            pressure: Pressure::default(),
            fleet: Fleet::default(),
            demo,
            counters: Arc::default(),
            told: OnceLock::new(),
        });
        let tasks = vec![
            tokio::spawn(by_quic(shared.clone(), endpoint.clone())),
            tokio::spawn(by_tcp(shared.clone(), listener, parts.tls)),
            tokio::spawn(sweep(shared.clone())),
        ];
        tracing::info!(%address, "agents may come, by QUIC and by TCP");
        Ok(Self { address, endpoint, shared, tasks })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who is connected.
    pub fn fleet(&self) -> Fleet {
        self.shared.fleet.clone()
    }

    /// Simulators, and what they play.
    pub fn demo(&self) -> Demo {
        self.shared.demo.clone()
    }

    /// What was counted.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.shared.counters
    }

    /// From now on somebody is told which alerts were committed. Once: a second is not.
    pub fn tell(&self, told: Told) {
        drop(self.shared.told.set(told));
    }

    /// Asks agents for others, as long as it lives.
    pub fn asker(&self) -> Asker {
        Asker::new(self.shared.clone())
    }

    /// For whoever drives rounds, as long as it lives.
    pub fn tasks(&self) -> Tasks {
        Tasks::new(self.shared.clone())
    }

    /// Asks an agent.
    pub async fn ask(&self, agent: Uuid, question: Question, about: &str) -> Result<Answer, AskError> {
        self.asker().ask(agent, question, about).await
    }

    /// Ends all sessions in order; agents come again.
    pub async fn close(self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.shared.registry.close(Code::Stopping, "the aggregator stops");
        self.shared.demo.close(Code::Stopping, "the aggregator stops");
        self.endpoint.close(Code::Stopping.number().into(), b"the aggregator stops");
        // Whoever does not hear it notices by itself.
        drop(timeout(FAREWELL, self.endpoint.wait_idle()).await);
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        // Sessions have tasks of their own; they end with their links.
        self.shared.registry.close(Code::Stopping, "the aggregator ends");
        self.shared.demo.close(Code::Stopping, "the aggregator ends");
        self.endpoint.close(Code::Stopping.number().into(), b"the aggregator ends");
    }
}

/// Sockets for TCP and UDP at the same port.
async fn sockets(address: SocketAddr) -> io::Result<(TcpListener, std::net::UdpSocket)> {
    for attempt in 0.. {
        let listener = TcpListener::bind(address).await?;
        match std::net::UdpSocket::bind(listener.local_addr()?) {
            Ok(socket) => return Ok((listener, socket)),
            // Any port will do, and somebody has this one.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && address.port() == 0 && attempt < 20 => {
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

async fn by_quic(shared: Arc<Shared>, endpoint: Endpoint) {
    while let Some(incoming) = endpoint.accept().await {
        if !incoming.remote_address_validated() {
            shared.counters.retries.add();
            // It fails only for who has proved his address.
            drop(incoming.retry());
            continue;
        }
        match place(&shared, &shared.entries[0], incoming.remote_address()) {
            Some(place) => drop(tokio::spawn(arrive_by_quic(shared.clone(), incoming, place))),
            None => incoming.refuse(),
        }
    }
}

async fn by_tcp(shared: Arc<Shared>, listener: TcpListener, tls: Arc<rustls::ServerConfig>) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                if let Some(place) = place(&shared, &shared.entries[1], remote) {
                    tokio::spawn(arrive_by_tcp(shared.clone(), stream, tls.clone(), place));
                }
            }
            Err(error) => {
                // Files or memory have run out: that passes.
                tracing::warn!("accepting by TCP failed: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// A place for a handshake, if one may begin.
fn place(shared: &Shared, entrance: &Entrance, remote: SocketAddr) -> Option<OwnedSemaphorePermit> {
    if !entrance.rate.admits(remote.ip(), Instant::now()) {
        shared.counters.limited.add();
        return None;
    }
    let place = entrance.places.clone().try_acquire_owned().ok();
    if place.is_none() {
        shared.counters.crowded.add();
    }
    place
}

async fn arrive_by_quic(shared: Arc<Shared>, incoming: Incoming, place: OwnedSemaphorePermit) {
    let handshake = async {
        let connection = incoming.accept()?.await?;
        Ok::<_, quinn::ConnectionError>(Link::over_quic(connection))
    };
    match timeout(shared.limits.handshake, handshake).await {
        Ok(Ok(link)) => arrive(&shared, link, place).await,
        _ => shared.counters.handshakes_failed.add(),
    }
}

async fn arrive_by_tcp(
    shared: Arc<Shared>,
    stream: TcpStream,
    tls: Arc<rustls::ServerConfig>,
    place: OwnedSemaphorePermit,
) {
    match timeout(shared.limits.handshake, accept_tcp(tls, stream)).await {
        Ok(Ok(link)) => arrive(&shared, link, place).await,
        _ => shared.counters.handshakes_failed.add(),
    }
}

async fn arrive(shared: &Arc<Shared>, link: Link, place: OwnedSemaphorePermit) {
    match door::look(shared, &link) {
        Ok(visitor) => {
            // An agent is known from here on; whoever stands at the door is not.
            let place = matches!(visitor, door::Visitor::Stranger).then_some(place);
            door::serve(shared, link, visitor).await;
            drop(place);
        }
        Err(why) => {
            shared.counters.refused.add();
            tracing::warn!(security = true, address = %link.remote(), "refused: {why}");
            link.close(Code::Certificate, &why);
        }
    }
}

/// Once a second: sessions whose certificate was revoked, has ended or is not vouched for any more, and how the database keeps up.
async fn sweep(shared: Arc<Shared>) {
    let mut every = interval(shared.limits.sweep);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        shared.pressure.look();
        let (now, trusted) = (now(), shared.gate.trusted());
        let sessions = shared.registry.all().into_iter().map(|one| (one.peer, one.link, one.judged));
        for (peer, link, judged) in sessions.chain(shared.demo.links()) {
            if shared.gate.is_revoked(&peer) {
                shared.counters.revoked.add();
                tracing::warn!(security = true, agent = %peer.agent, facility = peer.facility, "revoked: closed");
                link.close(Code::Revoked, "the certificate was revoked");
            } else if peer.not_after.as_secs() < now.as_secs() {
                shared.counters.aged.add();
                link.close(Code::TooOld, door::RENEWS);
            } else if judged.swap(trusted, Ordering::Relaxed) != trusted
                && shared.gate.peer(&peer.chain).map_or(true, |peer| peer.only_renews)
            {
                shared.counters.aged.add();
                tracing::warn!(security = true, agent = %peer.agent, facility = peer.facility, "its root is not trusted any more: closed");
                link.close(Code::TooOld, door::RENEWS);
            }
        }
    }
}

impl Shared {
    /// A second of an agent's traffic.
    fn second(&self, data: NetworkData, agent: Uuid) {
        self.counters.seconds.add();
        if self.seconds.try_send(data.clone()).is_err() {
            self.counters.seconds_dropped.add();
        }
        self.fleet.traffic(agent, data);
    }

    /// Web requests of a minute of an agent.
    fn requests(&self, minute: RequestMinute) {
        self.counters.minutes.add();
        if self.requests.try_send(minute).is_err() {
            self.counters.minutes_dropped.add();
        }
    }
}

/// The time of day: when something arrived, and what is told to agents.
#[expect(clippy::disallowed_methods, reason = "the aggregator lives by the time of day")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// For the last words.
const FAREWELL: Duration = Duration::from_secs(2);
