//! The stage on which a scenario plays: whom it may act as, what it may aim at, how hard it goes.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;

use fieldward_shared::time::Timestamp;

use crate::life::sensor;
use crate::net::modbus::Tamper;
use crate::net::{Net, Node};
use crate::plant::points::{Part, Point};
use crate::plant::{Role, Target};
use crate::record::{Relay, Way};
use crate::rng::Rng;
use crate::world::{Path, World};

/// How hard a scenario goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intensity {
    /// So slowly that single steps look like nothing.
    Slow,
    /// As tools do by default.
    Medium,
    /// As fast as it gets.
    Fast,
}

impl Intensity {
    /// Every intensity.
    pub const ALL: [Self; 3] = [Self::Slow, Self::Medium, Self::Fast];

    /// As commands call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Medium => "medium",
            Self::Fast => "fast",
        }
    }
}

/// Where a scenario plays.
pub struct Stage {
    /// Everything.
    pub world: Rc<World>,
    /// Chance of its own.
    pub rng: Rng,
    /// Which of its variants.
    pub variant: &'static str,
    /// How hard.
    pub intensity: Intensity,
    /// Under which its packets are known; 0 for what is benign.
    pub tag: u16,
    /// The campaign that it is part of.
    pub campaign: Option<&'static str>,
}

/// What a scenario came to.
pub type Outcome = Result<(), crate::net::Fault>;

impl Stage {
    /// One of three values, by intensity.
    pub fn by<T>(&self, slow: T, medium: T, fast: T) -> T {
        match self.intensity {
            Intensity::Slow => slow,
            Intensity::Medium => medium,
            Intensity::Fast => fast,
        }
    }

    /// Whether it plays this variant.
    pub fn is(&self, variant: &str) -> bool {
        self.variant == variant
    }

    /// A host that does not belong to the plant.
    pub fn stranger(&self) -> Node {
        self.act("implant")
    }

    /// A stranger by its name: `laptop`, `visitor`, `implant`.
    pub fn act(&self, name: &str) -> Node {
        let plant = self.world.plant.borrow();
        let host = plant.hosts.iter().position(|host| host.name == name).unwrap_or(0);
        Node { world: self.world.clone(), host, tag: self.tag }
    }

    /// A host of the plant that obeys the scenario.
    pub fn known(&self, role: Role) -> Node {
        let host = self.world.plant.borrow().host(role);
        Node { world: self.world.clone(), host, tag: self.tag }
    }

    /// Waits so many seconds, a tenth more or less.
    pub async fn pause(&mut self, seconds: f64) {
        let jitter = self.rng.within(0.9, 1.1);
        self.world.play.pause(seconds * jitter).await;
    }

    /// How many Modbus servers there are.
    pub fn devices(&self) -> usize {
        self.world.plant.borrow().devices.len()
    }

    /// The addresses of all Modbus servers.
    pub fn servers(&self) -> Vec<Ipv4Addr> {
        (0..self.devices()).map(|device| self.world.device_ip(device)).collect()
    }

    /// A controller, by chance.
    pub fn controller(&mut self) -> Ipv4Addr {
        self.server(false)
    }

    /// A serial gateway, by chance.
    pub fn gateway(&mut self) -> Ipv4Addr {
        self.server(true)
    }

    fn server(&mut self, gateway: bool) -> Ipv4Addr {
        let plant = self.world.plant.borrow();
        let fitting: Vec<_> = plant.devices.iter().filter(|device| device.gateway == gateway).collect();
        let device = fitting[self.rng.below(fitting.len() as u64) as usize];
        plant.hosts[device.host].ip
    }

    /// A point that is for `part`, by chance, on a controller rather than behind a gateway.
    pub fn point(&mut self, part: Part) -> Target {
        let plant = self.world.plant.borrow();
        let mut targets = plant.targets(part);
        let own = |target: &Target| !plant.devices[target.device].gateway;
        if targets.iter().any(own) {
            targets.retain(own);
        }
        targets[self.rng.below(targets.len() as u64) as usize]
    }

    /// Up to `most` of the points that fit, in the order of chance, those of controllers first.
    pub fn some(&mut self, most: usize, fits: impl Fn(&Target) -> bool) -> Vec<Target> {
        let mut targets: Vec<Target> = Part::ALL.into_iter().flat_map(|part| self.points(part)).collect();
        targets.retain(fits);
        self.shuffle(&mut targets);
        let plant = self.world.plant.borrow();
        targets.sort_by_key(|target| plant.devices[target.device].gateway);
        targets.truncate(most);
        targets
    }

    /// Up to `most` controllers, by chance.
    pub fn controllers(&mut self, most: usize) -> Vec<Ipv4Addr> {
        let mut found: Vec<Ipv4Addr> = {
            let plant = self.world.plant.borrow();
            let own = plant.devices.iter().filter(|device| !device.gateway);
            own.map(|device| plant.hosts[device.host].ip).collect()
        };
        self.shuffle(&mut found);
        found.truncate(most);
        found
    }

    /// The ids of the units behind an address.
    pub fn units(&self, at: Ipv4Addr) -> Vec<u8> {
        let device = self.world.device_at(at);
        let plant = self.world.plant.borrow();
        device
            .map_or_else(Vec::new, |device| plant.devices[device].units.iter().map(|unit| unit.id).collect())
    }

    /// Puts items into the order of chance.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.rng.below(last as u64 + 1) as usize);
        }
    }

    /// The engineers' workstation; in a plant so small that it is the SCADA server too, a laptop.
    pub fn workstation(&self) -> Node {
        let node = self.known(Role::Engineering);
        if node.host == self.known(Role::Scada).host { self.act("laptop") } else { node }
    }

    /// The moment in so many seconds.
    pub fn after(&self, seconds: f64) -> Timestamp {
        self.world.play.now().plus((seconds * 1e6) as u64)
    }

    /// Whether that moment is still to come.
    pub fn goes_on(&self, end: Timestamp) -> bool {
        self.world.play.now() < end
    }

    /// All points that are for `part`.
    pub fn points(&self, part: Part) -> Vec<Target> {
        self.world.plant.borrow().targets(part)
    }

    /// Where a target is served.
    pub fn at(&self, target: &Target) -> Ipv4Addr {
        self.world.device_ip(target.device)
    }

    /// Notes what the scenario changed, for the label.
    pub fn changed(&self, what: impl Into<String>) {
        self.world.ledger.borrow_mut().changed(self.tag, what.into());
    }

    /// Notes that the scenario wrote a point.
    pub fn wrote(&self, target: &Target, value: f64) {
        let Point { name, addr, .. } = target.point;
        let at = self.at(target);
        self.changed(format!("{at} unit {} {name} (address {addr}) = {value:.3}", target.unit));
    }

    /// Notes that the scenario concerns two hosts, whoever of them sends.
    pub fn aims(&self, from: Ipv4Addr, to: Ipv4Addr) {
        self.world.ledger.borrow_mut().met(self.tag, from, to);
    }

    /// The scenario has an effect until now, though it sends nothing any more.
    pub fn lasts(&self) {
        let now = self.world.play.now().as_micros();
        self.world.ledger.borrow_mut().lasts(self.tag, now);
    }

    /// The plant will need so many seconds to recover.
    pub fn recovers(&self, seconds: f64) {
        self.world.ledger.borrow_mut().recovers(self.tag, seconds);
    }

    /// Puts someone between two hosts. With a relay, both were told his network card for the other's
    /// address, so every frame passes his port; without, one of the two hosts itself lies.
    pub fn intercept(
        &self,
        one: Ipv4Addr,
        other: Ipv4Addr,
        tamper: Rc<RefCell<dyn Tamper>>,
        relay: Option<&Node>,
    ) {
        self.aims(one, other);
        self.world.paths.borrow_mut().push(Path { one, other, tamper, tag: self.tag });
        if let Some(relay) = relay {
            self.world.ledger.borrow_mut().met(self.tag, relay.ip(), other);
            self.poison(one, other, relay);
            self.stands(one, other, relay, Way::Between);
        }
    }

    /// Puts someone beside the path of two hosts, where he hears everything: what `tamper` lets vanish,
    /// he prevents by resets in the name of the other.
    pub fn overhear(&self, one: Ipv4Addr, other: Ipv4Addr, tamper: Rc<RefCell<dyn Tamper>>, liar: &Node) {
        self.aims(liar.ip(), one);
        self.aims(liar.ip(), other);
        self.world.paths.borrow_mut().push(Path { one, other, tamper, tag: self.tag });
        self.stands(one, other, liar, Way::Beside);
    }

    fn stands(&self, one: Ipv4Addr, other: Ipv4Addr, node: &Node, way: Way) {
        let mac = self.world.peer(node.host).mac;
        let Net::Recorded(net) = &self.world.net else { return };
        net.recorder.borrow_mut().relay(one, other, Some(Relay { mac, tag: self.tag, way }));
    }

    /// Tells two hosts once more that the relay has the other's address.
    pub fn poison(&self, one: Ipv4Addr, other: Ipv4Addr, relay: &Node) {
        let card = self.world.peer(relay.host).mac;
        self.claim(one, other, relay, card);
        self.claim(other, one, relay, card);
    }

    /// Tells two hosts each other's true cards again, so that nobody notices when the relay is gone.
    pub fn restore(&self, one: Ipv4Addr, other: Ipv4Addr, relay: &Node) {
        for (claimed, told) in [(one, other), (other, one)] {
            let card = self.world.door(claimed, 0).0.mac;
            self.claim(claimed, told, relay, card);
        }
    }

    fn claim(&self, claimed: Ipv4Addr, told: Ipv4Addr, by: &Node, card: [u8; 6]) {
        let liar = self.world.peer(by.host).mac;
        let (peer, _) = self.world.door(told, 0);
        let now = self.world.play.now().as_micros();
        let Net::Recorded(net) = &self.world.net else { return };
        net.recorder.borrow_mut().claim(liar, card, claimed, peer, now, self.tag);
    }

    /// Nobody stands between the two, or beside them, any more.
    pub fn release(&self, one: Ipv4Addr, other: Ipv4Addr) {
        self.world.paths.borrow_mut().retain(|path| (path.one, path.other) != (one, other));
        let Net::Recorded(net) = &self.world.net else { return };
        net.recorder.borrow_mut().relay(one, other, None);
    }

    /// Sends a SYN and hides from its own TCP what comes back; the other holds half a connection if it
    /// still `answers`.
    pub fn half_open(&self, from: &Node, port: u16, to: Ipv4Addr, to_port: u16, answers: bool) {
        self.world.met(from, to);
        let (peer, _) = self.world.door(to, to_port);
        let now = self.world.play.now().as_micros();
        let here = self.world.peer(from.host);
        let Net::Recorded(net) = &self.world.net else { return };
        net.recorder.borrow_mut().half_open(here, port, peer, to_port, answers, now, self.tag);
    }

    /// The sensors of the field, as an intruder knows them who has listened to the broker.
    pub fn sensors(&self) -> Vec<Sensor> {
        let plant = self.world.plant.borrow();
        let site = plant.kind.name;
        let sensor = |(nth, host): (usize, usize)| {
            let name = &plant.hosts[host].name;
            Sensor {
                topic: sensor::topic(&plant, nth, name),
                client_id: format!("{site}-{name}"),
                commands: format!("{site}/cmd/{name}"),
                state: format!("{site}/state/{name}"),
                ip: plant.hosts[host].ip,
                middle: plant.kind.sensors[nth % plant.kind.sensors.len()].1,
            }
        };
        plant.of(Role::Sensor).enumerate().map(sensor).collect()
    }

    /// One of the sensors, by chance.
    pub fn sensor(&mut self) -> Sensor {
        let mut sensors = self.sensors();
        let nth = self.rng.below(sensors.len() as u64) as usize;
        sensors.swap_remove(nth)
    }
}

/// A field sensor, as it appears on the broker.
pub struct Sensor {
    /// Where it publishes what it measures.
    pub topic: String,
    /// How it introduces itself.
    pub client_id: String,
    /// Below which topic it is commanded.
    pub commands: String,
    /// Where it tells whether it is there.
    pub state: String,
    /// Its address.
    pub ip: Ipv4Addr,
    /// The middle of what it measures.
    pub middle: f64,
}
