//! Everything that one simulation holds: the plant, its time, its network, and the ledger of what was
//! done to it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

use crate::ledger::Ledger;
use crate::net::modbus::Tamper;
use crate::net::{Net, Node};
use crate::plant::device::Image;
use crate::plant::{Plant, Role, Target};
use crate::play::Play;
use crate::rng::Rng;

/// A simulation.
pub struct World {
    /// Its time and tasks.
    pub play: Play,
    /// The plant.
    pub plant: RefCell<Plant>,
    /// What carries the traffic.
    pub net: Net,
    /// Which plant of its kind it is.
    pub site: u64,
    /// From what chance is derived.
    pub seed: u64,
    /// Chance of servers.
    pub chance: RefCell<Rng>,
    /// The last port that each host used.
    pub ports: RefCell<BTreeMap<usize, u16>>,
    /// Who stands between two hosts.
    pub paths: RefCell<Vec<Path>>,
    /// Whose table of half-open connections is full, and until when: microseconds.
    pub full: RefCell<BTreeMap<Ipv4Addr, u64>>,
    /// What was done.
    pub ledger: RefCell<Ledger>,
}

/// Someone between two hosts.
#[derive(Clone)]
pub struct Path {
    /// One of them.
    pub one: Ipv4Addr,
    /// The other.
    pub other: Ipv4Addr,
    /// What he does with messages.
    pub tamper: Rc<RefCell<dyn Tamper>>,
    /// The attack of which he is part.
    pub tag: u16,
}

impl World {
    /// A world that begins.
    pub fn new(play: Play, plant: Plant, net: Net, site: u64, seed: u64) -> Rc<Self> {
        Rc::new(Self {
            play,
            plant: RefCell::new(plant),
            net,
            site,
            seed,
            chance: RefCell::new(Rng::named(seed, "servers")),
            ports: RefCell::default(),
            paths: RefCell::default(),
            full: RefCell::default(),
            ledger: RefCell::default(),
        })
    }

    /// What stays as it is from day to day, for whatever bears that name.
    pub fn nature(&self, name: &str) -> Rng {
        Rng::named(self.site, name)
    }

    /// Chance for whatever bears that name.
    pub fn rng(&self, name: &str) -> Rng {
        Rng::named(self.seed, name)
    }

    /// The first host of a role, in everyday life.
    pub fn node(self: &Rc<Self>, role: Role) -> Node {
        Node::new(self.clone(), self.plant.borrow().host(role))
    }

    /// The hour of the day, with its fraction.
    pub fn hour(&self) -> f64 {
        (self.play.now().as_micros() % DAY) as f64 / 3.6e9
    }

    /// The address of a host.
    pub fn ip(&self, host: usize) -> Ipv4Addr {
        self.plant.borrow().hosts[host].ip
    }

    /// The Modbus server at an address.
    pub fn device_at(&self, ip: Ipv4Addr) -> Option<usize> {
        let plant = self.plant.borrow();
        plant.devices.iter().position(|device| plant.hosts[device.host].ip == ip)
    }

    /// The address of a Modbus server.
    pub fn device_ip(&self, device: usize) -> Ipv4Addr {
        let plant = self.plant.borrow();
        plant.hosts[plant.devices[device].host].ip
    }

    /// Whether a device does not even acknowledge what it is sent.
    pub fn is_deaf(&self, device: Option<usize>) -> bool {
        let now = self.play.now().as_micros();
        device.is_some_and(|device| !self.plant.borrow().devices[device].reachable(now))
    }

    /// A device takes on a request that arrives then; tells when it is done, unless too many wait.
    pub fn occupy(&self, device: usize, arrival: u64) -> Option<u64> {
        let mut plant = self.plant.borrow_mut();
        let device = &mut plant.devices[device];
        let start = arrival.max(device.busy);
        if start - arrival > LONGEST_QUEUE {
            return None;
        }
        let (base, spread) = device.service;
        device.busy = start + base + self.chance.borrow_mut().below(spread.max(1));
        Some(device.busy)
    }

    /// Whether a host is up and, if it is a device, hears.
    pub fn reachable(&self, host: usize) -> bool {
        let plant = self.plant.borrow();
        let now = self.play.now().as_micros();
        plant.hosts[host].up
            && plant.device_of(host).is_none_or(|device| plant.devices[device].reachable(now))
    }

    /// What a point stands at.
    pub fn value(&self, target: &Target) -> f64 {
        self.plant.borrow().cells.get(target.cell, target.point.var)
    }

    /// A host is new at its address, and says so.
    pub fn announce(&self, host: usize) {
        // Live, that is the system's business.
        let Net::Recorded(net) = &self.net else { return };
        net.recorder.borrow_mut().announce(self.peer(host), self.play.now().as_micros());
    }

    /// The broker is away for so many seconds.
    pub async fn restart_broker(&self, seconds: f64) {
        let broker = self.plant.borrow().host(Role::Broker);
        if let Net::Recorded(net) = &self.net {
            net.broker.borrow_mut().restarts(&mut net.recorder.borrow_mut(), self.play.now().as_micros());
        }
        // Live, a broker whose host is down ends.
        self.plant.borrow_mut().hosts[broker].up = false;
        self.play.pause(seconds).await;
        self.plant.borrow_mut().hosts[broker].up = true;
    }

    /// A server is kept busy for so many microseconds by what is no request; no longer than masters wait.
    pub fn burden(&self, ip: Ipv4Addr, micros: u64) {
        let now = self.play.now().as_micros();
        let Some(device) = self.device_at(ip) else { return };
        let device = &mut self.plant.borrow_mut().devices[device];
        device.busy = (device.busy.max(now) + micros).min(now + LONGEST_QUEUE);
    }

    /// Who stands between two hosts.
    pub fn path(&self, one: Ipv4Addr, other: Ipv4Addr) -> Option<Path> {
        let paths = self.paths.borrow();
        paths.iter().find(|path| (path.one, path.other) == (one, other)).cloned()
    }

    /// A host turned to an address: part of the attack for which it acts.
    pub fn met(&self, node: &Node, to: Ipv4Addr) {
        if node.tag != 0 {
            self.ledger.borrow_mut().met(node.tag, node.ip(), to);
        }
    }
}

/// Microseconds of a day.
pub const DAY: u64 = 86_400_000_000;
/// A device keeps requests no longer than this: microseconds.
const LONGEST_QUEUE: u64 = 4_000_000;
