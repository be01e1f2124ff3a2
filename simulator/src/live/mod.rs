//! The live way out: the same hosts over real sockets. Servers answer from the plant's model, clients
//! connect from their host's own address, a real broker passes messages on.
//!
//! Everything of a process runs on one thread, since the plant is shared without locks. Ports are the
//! usual ones throughout; only [`Live::port`] knows when they had to be moved.

mod broker;
mod confine;
mod doors;
pub mod modbus;
pub mod mqtt;
mod names;
mod piped;
mod site;
#[cfg(test)]
mod tests;
pub mod web;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::LocalSet;
use tokio::time::timeout;

pub use broker::{has_broker, program};
pub use confine::{Refused, allowed, confined};
pub use site::{Site, Trouble, find};

use crate::net::{Fault, Node};
use crate::record::Span;

/// The live network of a plant.
pub struct Live {
    shift: u16,
    /// When each attack was first and last heard of.
    seen: RefCell<BTreeMap<u16, Span>>,
}

impl Live {
    /// A network on the usual ports, or with all of them moved up.
    pub const fn new(moved: bool) -> Self {
        Self { shift: if moved { SHIFT } else { 0 }, seen: RefCell::new(BTreeMap::new()) }
    }

    /// The port that stands for this usual one.
    pub const fn port(&self, usual: u16) -> u16 {
        match usual.checked_add(self.shift) {
            Some(port) => port,
            None => usual,
        }
    }

    /// Whether ports had to be moved.
    pub const fn moved(&self) -> bool {
        self.shift > 0
    }

    /// Something of an attack was sent or heard.
    pub fn saw(&self, tag: u16, at: u64) {
        if tag != 0 {
            let mut seen = self.seen.borrow_mut();
            let span = seen.entry(tag).or_insert(Span { first: at, last: at, packets: 0 });
            span.last = at;
            span.packets += 1;
        }
    }

    /// A host connects.
    pub async fn dial(&self, node: &Node, to: Ipv4Addr, port: u16) -> Result<TcpStream, Fault> {
        node.world.met(node, to);
        self.saw(node.tag, node.now().as_micros());
        let stream = connect(node.ip(), SocketAddrV4::new(to, self.port(port)), LONGEST_CONNECT).await;
        self.saw(node.tag, node.now().as_micros());
        stream.map_err(|error| {
            if !matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut) {
                tracing::debug!(from = %node.ip(), %to, port, %error, "cannot connect");
            }
            fault(&error)
        })
    }
}

/// Connects from an address to another, both of which must be [`allowed`].
pub async fn connect(from: Ipv4Addr, to: SocketAddrV4, longest: Duration) -> io::Result<TcpStream> {
    for ip in [from, *to.ip()] {
        allowed(ip).map_err(|refused| io::Error::new(io::ErrorKind::PermissionDenied, refused))?;
    }
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddrV4::new(from, 0).into())?;
    let stream = timeout(longest, socket.connect(to.into())).await??;
    // Messages are small and leave at once, as devices send them.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What an error of a socket means to a host.
pub fn fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::PermissionDenied => Fault::Refused,
        io::ErrorKind::TimedOut => Fault::Silent,
        _ => Fault::Broken,
    }
}

/// Runs live plants on this thread until `what` is done; then everything that it began ends.
pub fn run<T>(what: impl Future<Output = T>) -> io::Result<T> {
    more_files();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = LocalSet::new();
    let done = tasks.block_on(&runtime, what);
    drop(tasks);
    Ok(done)
}

/// Epoch seconds by the machine's clock, by which the labels of live attacks go.
#[expect(clippy::disallowed_methods, reason = "what is played live happens when it happens")]
pub fn clock() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// A large plant has more sockets than a process may usually have files.
fn more_files() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(MOST_FILES).min(MOST_FILES);
    if limit.current.is_some_and(|current| current < most) {
        let more = Rlimit { current: Some(most), maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, more) {
            tracing::debug!(%error, "the number of files cannot be raised");
        }
    }
}

/// As many as 500 devices with every connection take, many times over.
const MOST_FILES: u64 = 65_536;
/// By how much ports move where the usual ones take privileges.
const SHIFT: u16 = 10_000;
/// On one machine a connection stands at once or never.
const LONGEST_CONNECT: Duration = Duration::from_secs(3);
