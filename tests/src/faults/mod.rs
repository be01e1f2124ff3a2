//! A network between an agent and the aggregator that does everything a network can do to packets: loses,
//! delays, reorders, repeats, blocks, swallows what is large, changes addresses, cuts connections. What
//! happens is drawn from a seed, and everything is bounded.

mod tcp;
mod udp;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the network does. The default does nothing to packets.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Share of datagrams that are lost, each way.
    pub loss: f64,
    /// Share that come twice.
    pub duplicates: f64,
    /// Share that are held back, so that later ones overtake them.
    pub reorder: f64,
    /// How long each takes at least,
    pub delay: Duration,
    /// and by how much more at most. TCP is delayed by the least.
    pub jitter: Duration,
    /// Longer datagrams vanish.
    pub mtu: Option<usize>,
    /// No datagram comes through.
    pub udp_blocked: bool,
    /// Agents are heard, and hear nothing by datagrams.
    pub answers_lost: bool,
    /// No connection is accepted, and none goes on.
    pub tcp_blocked: bool,
}

impl Faults {
    /// Loses so many of a hundred.
    pub fn losing(percent: u32) -> Self {
        Self { loss: f64::from(percent) / 100.0, ..Self::default() }
    }
}

/// The network.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    target: SocketAddr,
    faults: Mutex<Faults>,
    chance: Mutex<fastrand::Rng>,
    /// Grows with each change of addresses.
    bindings: watch::Sender<u64>,
    /// Grows with each cut of all connections.
    cuts: watch::Sender<u64>,
    passed: AtomicU64,
    lost: AtomicU64,
}

impl Proxy {
    /// Stands before a target, at a port of its own for UDP and TCP.
    pub async fn start(target: SocketAddr, seed: u64) -> io::Result<Self> {
        let (listener, socket) = loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            if let Ok(socket) = UdpSocket::bind(listener.local_addr()?).await {
                break (listener, Arc::new(socket));
            }
        };
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target,
            faults: Mutex::default(),
            chance: Mutex::new(fastrand::Rng::with_seed(seed)),
            bindings: watch::channel(0).0,
            cuts: watch::channel(0).0,
            passed: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        });
        let tasks = vec![
            tokio::spawn(udp::run(shared.clone(), socket)),
            tokio::spawn(tcp::run(shared.clone(), listener)),
        ];
        Ok(Self { address, shared, tasks })
    }

    /// Where agents find it.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it does this.
    pub fn set(&self, faults: Faults) {
        let cut = faults.tcp_blocked;
        *lock(&self.shared.faults) = faults;
        if cut {
            self.cut();
        }
    }

    /// Where agents come from changes: another port and another address.
    pub fn rebind(&self) {
        self.shared.bindings.send_modify(|count| *count += 1);
    }

    /// Cuts all connections by TCP.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|count| *count += 1);
    }

    /// Datagrams that passed, and those that were lost.
    pub fn counts(&self) -> (u64, u64) {
        (self.shared.passed.load(Ordering::Relaxed), self.shared.lost.load(Ordering::Relaxed))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        // Their connections hear it too.
        self.cut();
        self.rebind();
    }
}

impl Shared {
    fn faults(&self) -> Faults {
        lock(&self.faults).clone()
    }

    /// What becomes of a datagram: after how long each of its copies arrives.
    fn fate(&self, length: usize) -> Vec<Duration> {
        let faults = self.faults();
        let mut chance = lock(&self.chance);
        let lost =
            faults.udp_blocked || faults.mtu.is_some_and(|mtu| length > mtu) || chance.f64() < faults.loss;
        if lost {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return Vec::new();
        }
        self.passed.fetch_add(1, Ordering::Relaxed);
        let copies = if chance.f64() < faults.duplicates { 2 } else { 1 };
        let one = |chance: &mut fastrand::Rng| {
            let held = if chance.f64() < faults.reorder { HELD_BACK } else { Duration::ZERO };
            faults.delay + faults.jitter.mul_f64(chance.f64()) + held
        };
        (0..copies).map(|_| one(&mut chance)).collect()
    }
}

/// Nothing is left half done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a datagram is held back that others shall overtake.
const HELD_BACK: Duration = Duration::from_millis(20);
