//! The network as a host sees it: connections, requests, answers. Scenarios and daily life are written
//! against this; below it, either packets are recorded or real sockets are used.

mod broker;
pub mod modbus;
pub mod mqtt;
pub mod names;
pub mod packet;
mod points;
pub mod raw;
pub mod reach;
pub mod web;
pub mod wire;

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;

use fieldward_shared::time::Timestamp;

use crate::live::Live;
use crate::plant::{Host, Role, Stack};
use crate::record::{Door, Opened, Peer, Recorder, Side};
use crate::world::World;
pub use broker::Broker;

/// What carries the traffic.
pub enum Net {
    /// Packets in a capture.
    Recorded(Box<Recorded>),
    /// Real sockets.
    Live(Box<Live>),
}

impl Net {
    /// The recorded network, if it is that.
    pub fn recorded(&self) -> Option<&Recorded> {
        match self {
            Self::Recorded(net) => Some(net),
            Self::Live(_) => None,
        }
    }
}

/// The recorded network.
pub struct Recorded {
    /// Makes the packets.
    pub recorder: RefCell<Recorder>,
    /// The broker, which exists only as far as its packets do.
    pub broker: RefCell<Broker>,
}

/// Why a connection or a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nobody serves that port.
    #[error("connection refused")]
    Refused,
    /// Nobody answered in time.
    #[error("no answer")]
    Silent,
    /// The connection broke.
    #[error("connection broken off")]
    Broken,
    /// The server said no: a Modbus exception or an MQTT return code.
    #[error("refused with code {0}")]
    Denied(u8),
}

/// A host, acting. What it does for an attack bears the attack's tag.
#[derive(Clone)]
pub struct Node {
    /// Everything.
    pub world: Rc<World>,
    /// Which host it is.
    pub host: usize,
    /// The attack for which it acts; 0 is none.
    pub tag: u16,
}

/// A service and its usual port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Modbus/TCP.
    Modbus,
    /// MQTT.
    Mqtt,
    /// DNS.
    Names,
    /// HTTP.
    Web,
    /// The store to which backups go.
    Store,
}

impl Service {
    /// Its usual port. Live, `Live::port` says which one stands for it.
    pub const fn port(self) -> u16 {
        match self {
            Self::Modbus => 502,
            Self::Mqtt => 1883,
            Self::Names => 53,
            Self::Web => 80,
            Self::Store => 445,
        }
    }

    /// As tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Modbus => "modbus",
            Self::Mqtt => "mqtt",
            Self::Names => "dns",
            Self::Web => "http",
            Self::Store => "store",
        }
    }

    /// Every service.
    pub const ALL: [Self; 5] = [Self::Modbus, Self::Mqtt, Self::Names, Self::Web, Self::Store];

    /// Whether `host` serves it.
    pub fn at(self, host: &Host) -> bool {
        let any = |roles: &[Role]| roles.iter().any(|role| host.plays(*role));
        match self {
            Self::Modbus => any(&[Role::Controller, Role::Gateway]),
            Self::Mqtt => any(&[Role::Broker]),
            Self::Names => any(&[Role::Names]),
            Self::Web => any(&[Role::Controller, Role::Gateway, Role::Scada, Role::Historian, Role::Cloud]),
            Self::Store => any(&[Role::Historian]),
        }
    }
}

/// A connection of the recorded network.
pub(crate) struct Line {
    node: Node,
    index: usize,
}

impl Node {
    /// A host of the plant in everyday life.
    pub const fn new(world: Rc<World>, host: usize) -> Self {
        Self { world, host, tag: 0 }
    }

    /// Its address.
    pub fn ip(&self) -> Ipv4Addr {
        self.world.plant.borrow().hosts[self.host].ip
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.world.plant.borrow().hosts[self.host].name.clone()
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.world.play.now()
    }

    /// Waits that many seconds.
    pub async fn pause(&self, seconds: f64) {
        self.world.play.pause(seconds).await;
    }

    /// It sends or hears something over a socket: part of the attack for which it acts.
    pub fn saw(&self) {
        if let Net::Live(live) = &self.world.net {
            live.saw(self.tag, self.now().as_micros());
        }
    }

    /// A port that it has not used lately.
    fn port(&self) -> u16 {
        let mut ports = self.world.ports.borrow_mut();
        let port = ports.entry(self.host).or_insert(49_151);
        *port = if *port >= 65_000 { 49_152 } else { *port + 1 };
        *port
    }

    fn peer(&self) -> Peer {
        self.world.peer(self.host)
    }

    /// Opens a recorded connection.
    async fn line(&self, net: &Recorded, to: Ipv4Addr, port: u16) -> Result<Line, Fault> {
        let (peer, door) = self.world.door(to, port);
        let (opened, at) = net.recorder.borrow_mut().open(
            self.peer(),
            self.port(),
            peer,
            port,
            door,
            self.now().as_micros(),
            self.tag,
        );
        self.world.met(self, to);
        self.world.play.until(Timestamp::from_micros(at)).await;
        match opened {
            Opened::Open(index) => Ok(Line { node: self.clone(), index }),
            Opened::Refused => Err(Fault::Refused),
            Opened::Silent => Err(Fault::Silent),
        }
    }
}

impl Line {
    fn stands(&self) -> bool {
        self.node.world.net.recorded().is_some_and(|net| net.recorder.borrow().stands(self.index))
    }

    fn send(&self, side: Side, at: u64, data: &[u8]) -> u64 {
        let Some(net) = self.node.world.net.recorded() else { return at };
        net.recorder.borrow_mut().send(self.index, side, at, data, None)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Some(net) = self.node.world.net.recorded() else { return };
        let now = self.node.now().as_micros();
        let mut recorder = net.recorder.borrow_mut();
        recorder.close(self.index, Side::Client, now);
        recorder.release(self.index);
    }
}

impl World {
    /// A host as an end of packets.
    pub fn peer(&self, host: usize) -> Peer {
        let plant = self.plant.borrow();
        let host = &plant.hosts[host];
        let mac = if host.up { host.mac } else { [0; 6] };
        Peer { mac, ip: host.ip, stack: host.stack }
    }

    /// Who is at `ip`, and what becomes of an attempt to reach `port` there.
    pub fn door(&self, ip: Ipv4Addr, port: u16) -> (Peer, Door) {
        let plant = self.plant.borrow();
        let Some((index, host)) = plant.hosts.iter().enumerate().find(|(_, host)| host.ip == ip && host.up)
        else {
            return (Peer { mac: [0; 6], ip, stack: Stack::Linux }, Door::Silent);
        };
        let peer = Peer { mac: host.mac, ip, stack: host.stack };
        let served = Service::ALL.iter().any(|service| service.port() == port && service.at(host));
        let now = self.play.now().as_micros();
        let reachable = plant.device_of(index).is_none_or(|device| plant.devices[device].reachable(now));
        let full = self.full.borrow().get(&ip).is_some_and(|until| *until > now);
        let door = match (served, reachable, host.stack) {
            (true, true, _) if full => Door::Silent,
            (true, true, _) => Door::Open,
            (false, _, Stack::Windows) => Door::Silent,
            _ => Door::Closed,
        };
        (peer, door)
    }
}
