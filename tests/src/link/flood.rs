//! What hostile clients do to the port of an aggregator: first packets from addresses that never answer,
//! handshakes that prove their address and then fall silent, connections by TCP that never speak.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result};
use fieldward_shared::transport::{client, quic_client};
use fieldward_shared::wire::SESSION;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpSocket, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, timeout};

use super::pki::Pki;

/// How much of it in a second.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    /// First packets, of many addresses and ports in turn.
    pub first: u32,
    /// Handshakes that are left when their address is proven.
    pub half: u32,
    /// Connections by TCP that say nothing for longer than the aggregator waits.
    pub silent: u32,
}

impl std::fmt::Display for Flood {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { first, half, silent } = self;
        write!(f, "{first} first packets, {half} half-open handshakes, {silent} silent connections a second")
    }
}

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    /// First packets.
    pub first: AtomicU64,
    /// Handshakes left half open.
    pub half: AtomicU64,
    /// Connections by TCP.
    pub silent: AtomicU64,
}

impl Flood {
    /// Floods an address until it is dropped; calls `begins` when all is prepared.
    pub async fn run(self, to: SocketAddr, done: Arc<Done>, begins: impl FnOnce()) -> Result<()> {
        let mut sources = Vec::new();
        for nth in 0..SOURCES {
            sources.push((UdpSocket::bind((source(nth), 0)).await?, first_packet().await?));
        }
        begins();
        tokio::try_join!(self.firsts(to, &sources, &done), self.halves(to, &done), self.silents(to, &done))?;
        Ok(())
    }

    async fn firsts(self, to: SocketAddr, sources: &[(UdpSocket, Vec<u8>)], done: &Done) -> Result<()> {
        let (mut turns, begun, mut sent) = (turns(), Instant::now(), 0_u64);
        loop {
            turns.tick().await;
            while sent < owed(self.first, begun) {
                let (from, packet) = &sources[usize::try_from(sent % u64::from(SOURCES))?];
                // What the system has no room for was not sent, and is not counted.
                if from.try_send_to(packet, to).is_ok() {
                    done.first.fetch_add(1, Ordering::Relaxed);
                }
                sent += 1;
            }
        }
    }

    async fn halves(self, to: SocketAddr, done: &Arc<Done>) -> Result<()> {
        let (mut turns, begun, mut sent, mut under_way) = (turns(), Instant::now(), 0, JoinSet::new());
        loop {
            turns.tick().await;
            while under_way.try_join_next().is_some() {}
            while sent < owed(self.half, begun) {
                under_way.spawn(half(to, source(u32::try_from(sent % MOST)?), done.clone()));
                sent += 1;
            }
        }
    }

    async fn silents(self, to: SocketAddr, done: &Arc<Done>) -> Result<()> {
        let (mut turns, begun, mut sent, mut under_way) = (turns(), Instant::now(), 0, JoinSet::new());
        loop {
            turns.tick().await;
            while under_way.try_join_next().is_some() {}
            while sent < owed(self.silent, begun) {
                under_way.spawn(silent(to, source(u32::try_from(sent % MOST)?), done.clone()));
                sent += 1;
            }
        }
    }
}

/// A handshake of which the aggregator hears until the address is proven, and whose other end hears no more.
async fn half(to: SocketAddr, from: Ipv4Addr, done: Arc<Done>) -> Result<()> {
    let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let back = UdpSocket::bind((from, 0)).await?;
    let (dialling, here) = (quic_client(client(None, &[stranger()?], SESSION)?)?, front.local_addr()?);
    let dialling = tokio::spawn(async move { dialling.dial(here, "nobody").await.map(drop) });
    let passing = async {
        let (mut out, mut home) = ([0; 2048], [0; 2048]);
        let (mut client, mut answers) = (None, 0_u32);
        loop {
            tokio::select! {
                received = front.recv_from(&mut out) => {
                    let (length, agent) = received?;
                    client = Some(agent);
                    back.send_to(&out[..length], to).await?;
                }
                received = back.recv_from(&mut home) => {
                    let (length, _) = received?;
                    answers += 1;
                    // The first is the Retry; what follows is the handshake.
                    match (client, answers) {
                        (Some(client), 1) => drop(front.send_to(&home[..length], client).await?),
                        (_, 2) => drop(done.half.fetch_add(1, Ordering::Relaxed)),
                        _ => {}
                    }
                }
            }
        }
    };
    let passed: Result<Result<()>, _> = timeout(PATIENCE, passing).await;
    dialling.abort();
    passed.unwrap_or(Ok(()))
}

async fn silent(to: SocketAddr, from: Ipv4Addr, done: Arc<Done>) -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let _stream = socket.connect(to).await?;
    done.silent.fetch_add(1, Ordering::Relaxed);
    sleep(PATIENCE).await;
    Ok(())
}

/// The first packet of a handshake, as a real client makes it.
async fn first_packet() -> Result<Vec<u8>> {
    let ear = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let (dialling, nowhere) = (quic_client(client(None, &[stranger()?], SESSION)?)?, ear.local_addr()?);
    let dialling = tokio::spawn(async move { dialling.dial(nowhere, "nobody").await.map(drop) });
    let mut bytes = vec![0; 2048];
    let (length, _) = timeout(PATIENCE, ear.recv_from(&mut bytes)).await.context("no packet was made")??;
    dialling.abort();
    bytes.truncate(length);
    Ok(bytes)
}

/// A root that nobody else knows.
fn stranger() -> Result<CertificateDer<'static>> {
    static ROOT: OnceLock<CertificateDer<'static>> = OnceLock::new();
    match ROOT.get() {
        Some(root) => Ok(root.clone()),
        None => {
            let root = Pki::new()?.root();
            Ok(ROOT.get_or_init(|| root).clone())
        }
    }
}

/// One of many addresses of the loopback network.
fn source(nth: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)).saturating_add(nth))
}

/// So many should have gone by now.
fn owed(rate: u32, begun: Instant) -> u64 {
    (f64::from(rate) * begun.elapsed().as_secs_f64()) as u64
}

fn turns() -> Interval {
    let mut turns = interval(Duration::from_millis(5));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turns
}

/// Sockets from which first packets come in turn, each another one: those of one connection id are one.
const SOURCES: u32 = 4000;
/// Addresses in all.
const MOST: u64 = 60_000;
/// Longer than the aggregator gives a handshake.
const PATIENCE: Duration = Duration::from_secs(6);
