//! A live plant: its servers, its people, what is planned, and the labels of what was played.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::doors::{Door, Shut};
use super::{Live, Refused, allowed, clock, modbus, piped};
use crate::config::Config;
use crate::ledger::{About, Labels};
use crate::net::{Net, Service};
use crate::play::Play;
use crate::script;
use crate::world::World;

/// A live plant.
pub struct Site {
    pub(crate) world: Rc<World>,
    pub(super) config: Config,
    /// Seconds that the machine's clock is ahead of the plant's.
    pub(super) ahead: f64,
}

/// Why a plant cannot be live, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// An address is out of bounds.
    #[error("the {plant} plant cannot be live: {refused}")]
    Refused {
        /// Which plant.
        plant: &'static str,
        /// Why.
        refused: Refused,
    },
    /// A service cannot listen.
    #[error("the {plant} plant cannot listen on {at} ({service}): {why}\n  {remedy}")]
    Shut {
        /// Which plant.
        plant: &'static str,
        /// Where.
        at: String,
        /// For which service.
        service: &'static str,
        /// Why.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
}

impl Site {
    /// A plant's model over sockets, of which none is open yet: enough to act as one of its hosts.
    pub fn new(config: &Config, moved: bool) -> Result<Self, Trouble> {
        let start = script::start(config);
        let plant = config.plant(config.network.unwrap_or([127, config.kind.octet]));
        for host in &plant.hosts {
            allowed(host.ip).map_err(|refused| Trouble::Refused { plant: config.kind.name, refused })?;
        }
        let net = Net::Live(Box::new(Live::new(moved)));
        let world = World::new(Play::live(start), plant, net, config.site, config.seed);
        let ahead = clock() - start.as_micros() as f64 / 1e6;
        Ok(Self { world, config: config.clone(), ahead })
    }

    /// Opens a plant's servers; on the usual ports or, where those take privileges, all of them moved up.
    pub async fn open(config: &Config) -> Result<Self, Trouble> {
        match Self::open_on(config, false).await {
            Err((Trouble::Shut { .. }, io::ErrorKind::PermissionDenied)) => {
                let site = Self::open_on(config, true).await.map_err(|(trouble, _)| trouble)?;
                tracing::warn!(
                    plant = config.kind.name,
                    "ports below 1024 take privileges here: every port is 10000 higher than usual; \
                     `sysctl net.ipv4.ip_unprivileged_port_start=0` opens the usual ones"
                );
                Ok(site)
            }
            opened => opened.map_err(|(trouble, _)| trouble),
        }
    }

    pub(super) async fn open_on(config: &Config, moved: bool) -> Result<Self, (Trouble, io::ErrorKind)> {
        let site = Self::new(config, moved).map_err(|trouble| (trouble, io::ErrorKind::Other))?;
        let Net::Live(live) = &site.world.net else { return Ok(site) };
        let doors = Door::open_all(&site.world, live).await.map_err(|shut| {
            let kind = shut.error.kind();
            (trouble(config.kind.name, shut), kind)
        })?;
        let (orders, wanted) = mpsc::channel(MOST_ORDERS);
        site.world.play.spawn(modbus::answer(site.world.clone(), wanted));
        for door in doors {
            door.serve(&site.world, live, &orders);
        }
        Ok(site)
    }

    /// Lets life begin, and everything that is planned.
    pub fn begin(&self) {
        script::begin(&self.world, &self.config);
        if let Play::Recorded(schedule) = &self.world.play {
            tokio::task::spawn_local(piped::keep(self.world.clone(), schedule.clone()));
        }
    }

    /// Plays something until it is over, or until nobody waits for it any more.
    pub(crate) async fn play(&self, what: impl Future<Output = ()> + 'static) {
        match &self.world.play {
            Play::Live { .. } => what.await,
            Play::Recorded(_) => piped::play(&self.world.play, what).await,
        }
    }

    /// The labels of what was played so far, by the machine's clock.
    pub fn labels(&self) -> Labels {
        let now = self.world.play.now().as_micros();
        let about = About {
            file: "live".to_owned(),
            plant: self.config.kind.name,
            seed: self.config.seed,
            capture_start: script::start(&self.config).as_micros() as f64 / 1e6,
            capture_end: now as f64 / 1e6,
        };
        let ledger = self.world.ledger.borrow();
        let labels = match &self.world.net {
            Net::Live(live) => ledger.labels(&live.seen.borrow(), about),
            Net::Recorded(net) => ledger.labels(&net.recorder.borrow().tagged, about),
        };
        labels.ahead(self.ahead)
    }

    /// What listens where, a line for each service.
    pub fn table(&self) -> String {
        let plant = self.world.plant.borrow();
        let Net::Live(live) = &self.world.net else { return String::new() };
        let clock = self.config.start / 60;
        let mut table = format!(
            "{}, {} devices, {:02}:{:02}\n",
            plant.kind.name,
            self.config.devices,
            clock / 60,
            clock % 60
        );
        for service in Service::ALL {
            let ips: Vec<_> =
                plant.hosts.iter().filter(|host| service.at(host)).map(|host| host.ip).collect();
            table += &format!("  {:<7}{:>6}  {}\n", service.name(), live.port(service.port()), ranges(&ips));
        }
        table
    }
}

/// Addresses, neighbours together: `127.11.0.10, 127.11.1.1-28`.
fn ranges(ips: &[std::net::Ipv4Addr]) -> String {
    let mut sorted = ips.to_vec();
    sorted.sort_unstable();
    let mut texts: Vec<String> = Vec::new();
    for run in sorted.chunk_by(|one, next| one.to_bits() + 1 == next.to_bits()) {
        match run {
            [first, .., last] => texts.push(format!("{first}-{}", last.octets()[3])),
            one => texts.extend(one.iter().map(ToString::to_string)),
        }
    }
    texts.join(", ")
}

fn trouble(plant: &'static str, shut: Shut) -> Trouble {
    let remedy = match shut.error.kind() {
        io::ErrorKind::AddrInUse => {
            "another plant may run there: stop it, or give this one a network of its own"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: choose a network within 127.0.0.0/8"
        }
        io::ErrorKind::PermissionDenied => {
            "run it as root, or allow it: sysctl net.ipv4.ip_unprivileged_port_start=0"
        }
        io::ErrorKind::NotFound => "then start the plant again",
        _ => "if it is the number of files, raise it: ulimit -n 8192",
    };
    Trouble::Shut {
        plant,
        at: shut.at.to_string(),
        service: shut.service.name(),
        why: shut.error.to_string(),
        remedy,
    }
}

/// Looks whether something answers where a plant should be: its broker or else its first controller; tells
/// whether its ports are moved.
pub async fn find(config: &Config) -> Result<Option<bool>, Trouble> {
    let site = Site::new(config, false)?;
    let broker = site.world.broker();
    let doors = [(broker, Service::Mqtt), (site.world.device_ip(0), Service::Modbus)];
    for (ip, service) in doors {
        for moved in [false, true] {
            let at = std::net::SocketAddrV4::new(ip, Live::new(moved).port(service.port()));
            if super::connect(ip, at, Duration::from_secs(1)).await.is_ok() {
                return Ok(Some(moved));
            }
        }
    }
    Ok(None)
}

/// Requests that wait for the plant; more wait in their connections.
const MOST_ORDERS: usize = 256;
