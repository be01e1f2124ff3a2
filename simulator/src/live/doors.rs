//! Servers of a plant: each service of each host listens on the host's own address while the host is up
//! and its device hears, and on nothing while not, so that callers are refused as by the real thing.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::modbus::Order;
use super::{Live, allowed, broker, modbus, names, web};
use crate::net::Service;
use crate::world::World;

/// A service that listens.
pub struct Door {
    /// At which host.
    pub host: usize,
    /// Which service.
    pub service: Service,
    socket: Socket,
}

enum Socket {
    Tcp(TcpListener),
    Udp(UdpSocket),
    /// The broker listens itself.
    Broker(broker::Mosquitto),
}

impl Door {
    /// Opens every door of the plant.
    pub async fn open_all(world: &Rc<World>, live: &Live) -> Result<Vec<Self>, Shut> {
        let hosts: Vec<(usize, Ipv4Addr, Service)> = {
            let plant = world.plant.borrow();
            let served = plant.hosts.iter().enumerate();
            served
                .flat_map(|(index, host)| {
                    let services = Service::ALL.into_iter().filter(move |service| service.at(host));
                    services.map(move |service| (index, host.ip, service))
                })
                .collect()
        };
        let mut doors = Vec::with_capacity(hosts.len());
        for (host, ip, service) in hosts {
            let at = SocketAddrV4::new(ip, live.port(service.port()));
            let socket = Socket::bind(service, at).await.map_err(|error| Shut { at, service, error })?;
            doors.push(Self { host, service, socket });
        }
        Ok(doors)
    }

    /// Serves from now on.
    pub fn serve(self, world: &Rc<World>, live: &Live, orders: &mpsc::Sender<Order>) {
        let ip = world.ip(self.host);
        let at = SocketAddrV4::new(ip, live.port(self.service.port()));
        let device = world.device_at(ip);
        let (world, orders) = (world.clone(), orders.clone());
        world.play.clone().spawn(async move {
            let again = world.clone();
            let host = self.host;
            match (self.socket, self.service, device) {
                (Socket::Tcp(first), Service::Modbus, Some(device)) => {
                    let serve = |socket| modbus::serve(again.clone(), device, orders.clone(), socket);
                    keep(&world, host, first, || listen(at), serve).await;
                }
                (Socket::Tcp(first), Service::Web, _) => {
                    keep(&world, host, first, || listen(at), |socket| web::serve(again.clone(), ip, socket))
                        .await;
                }
                (Socket::Tcp(first), ..) => keep(&world, host, first, || listen(at), swallow).await,
                (Socket::Udp(first), ..) => {
                    keep(&world, host, first, || hear(at), |socket| names::serve(again.clone(), socket))
                        .await;
                }
                (Socket::Broker(first), ..) => broker::keep(&world, host, first).await,
            }
        });
    }
}

impl Socket {
    async fn bind(service: Service, at: SocketAddrV4) -> io::Result<Self> {
        match service {
            Service::Names => hear(at).map(Self::Udp),
            Service::Mqtt => {
                // So that a port that is taken or out of reach is told like any other.
                drop(listen(at)?);
                broker::Mosquitto::start(at).await.map(Self::Broker)
            }
            Service::Modbus | Service::Web | Service::Store => listen(at).map(Self::Tcp),
        }
    }
}

/// A service that could not listen.
pub struct Shut {
    /// Where.
    pub at: SocketAddrV4,
    /// Which.
    pub service: Service,
    /// Why.
    pub error: io::Error,
}

/// Keeps a service listening while its host can be reached.
async fn keep<S, F>(
    world: &Rc<World>,
    host: usize,
    first: S,
    bind: impl Fn() -> io::Result<S>,
    serve: impl Fn(S) -> F,
) where
    F: Future<Output = io::Result<()>>,
{
    let mut ready = Some(first);
    loop {
        until(|| world.reachable(host)).await;
        let socket = match ready.take().map_or_else(&bind, Ok) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(host, %error, "a service cannot listen again; it keeps trying");
                tokio::time::sleep(LOOK).await;
                continue;
            }
        };
        tokio::select! {
            ended = serve(socket) => {
                if let Err(error) = ended {
                    tracing::warn!(host, %error, "a service stopped listening; it begins anew");
                }
            }
            () = until(|| !world.reachable(host)) => {}
        }
    }
}

/// Waits until something is so, looking now and then.
pub(super) async fn until(is: impl Fn() -> bool) {
    while !is() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Accepts connections, at most so many at once, each in a task of its own; all end with this.
pub(super) async fn each<F>(socket: TcpListener, serve: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = ()> + 'static,
{
    let socket = tokio::net::TcpListener::from_std(socket)?;
    let mut open = JoinSet::new();
    loop {
        let (stream, _) = socket.accept().await?;
        while open.try_join_next().is_some() {}
        if open.len() >= MOST_CONNECTIONS {
            reset(stream);
        } else {
            stream.set_nodelay(true)?;
            open.spawn_local(serve(stream));
        }
    }
}

/// Breaks a connection off at once.
pub(super) fn reset(stream: TcpStream) {
    drop(stream.set_zero_linger());
}

/// The store takes what it is sent.
async fn swallow(socket: TcpListener) -> io::Result<()> {
    each(socket, |mut stream| async move {
        drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
    })
    .await
}

fn listen(at: SocketAddrV4) -> io::Result<TcpListener> {
    allowed(*at.ip()).map_err(io::Error::other)?;
    let socket = TcpListener::bind(at)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn hear(at: SocketAddrV4) -> io::Result<UdpSocket> {
    allowed(*at.ip()).map_err(io::Error::other)?;
    let socket = UdpSocket::bind(at)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// How often a service looks whether its host is still there.
const LOOK: Duration = Duration::from_millis(250);
/// A server holds no more connections than this; who comes then is sent away.
pub(super) const MOST_CONNECTIONS: usize = 64;
