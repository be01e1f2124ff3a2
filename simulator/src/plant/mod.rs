//! Plants: hosts, controllers and the process behind them.
//!
//! A kind of plant is one file that says which cells there are (a tank, a compressor, a feeder), what
//! their controllers show, and how their physics goes on; and its line in [`PLANTS`]. A plant of any
//! size repeats the cells.

mod cell;
mod control;
pub mod device;
mod gas;
mod layout;
pub mod points;
mod remote;
mod substation;
#[cfg(test)]
mod tests;
mod water;

pub use cell::{Cell, CellKind, Env};
pub use layout::{Host, Role, SIZES, Stack};

use crate::rng::Rng;
use device::{Device, Image, State};
use points::{Part, Point};

/// Every kind of plant.
pub const PLANTS: &[&Kind] = &[&water::PLANT, &gas::PLANT, &substation::PLANT];

/// A kind of plant.
pub struct Kind {
    /// How commands and configurations call it.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Its second octet: 127.`octet`.0.0/16 live, 10.`octet`.0.0/16 recorded.
    pub octet: u8,
    /// The cells in the order in which the process flows; a larger plant repeats them.
    pub cells: &'static [CellKind],
    /// The share of full load at each hour of the day.
    pub load: [f64; 24],
    /// The domain of its names.
    pub domain: &'static str,
    /// What its controllers say of themselves: vendor, product, revision.
    pub makes: &'static [(&'static str, &'static str, &'static str)],
    /// What its field sensors measure: topic, middle, spread.
    pub sensors: &'static [(&'static str, f64, f64)],
}

/// A plant of a certain size.
pub struct Plant {
    /// Its kind.
    pub kind: &'static Kind,
    /// Everything with an address.
    pub hosts: Vec<Host>,
    /// The Modbus servers among them.
    pub devices: Vec<Device>,
    /// The process.
    pub cells: Cells,
    /// Factor on the load curve: shifts, start-up, shut-down.
    pub throttle: f64,
    rng: Rng,
    turn: usize,
}

/// The process, as the devices reach it.
pub struct Cells(pub Vec<Cell>);

/// A point of a certain unit.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Which device.
    pub device: usize,
    /// Which unit of it.
    pub unit: u8,
    /// The cell behind it.
    pub cell: usize,
    /// The point.
    pub point: &'static Point,
}

impl Plant {
    /// Looks a kind up by name.
    pub fn kind(name: &str) -> Option<&'static Kind> {
        PLANTS.iter().copied().find(|kind| kind.name == name)
    }

    /// A plant with `size` addresses.
    pub fn new(kind: &'static Kind, size: usize, network: [u8; 2], site: u64, seed: u64) -> Self {
        let mut rng = Rng::named(site, "plant");
        let hosts = layout::hosts(kind, size, network, &mut rng);
        let (devices, cells) = layout::devices(kind, &hosts, &mut rng);
        let mut plant = Self {
            kind,
            hosts,
            devices,
            cells: Cells(cells),
            throttle: 1.0,
            rng: Rng::named(site ^ seed << 32, "process"),
            turn: 0,
        };
        // The process has been running for a while.
        for _ in 0..3000 {
            plant.step(12.0, 0.2);
        }
        plant
    }

    /// Lets the process go on for `seconds`, at this hour of the day.
    pub fn step(&mut self, hour: f64, seconds: f64) {
        let load = self.load(hour) * self.throttle;
        let mut feed = 1.0;
        self.turn += 1;
        for (index, cell) in self.cells.0.iter_mut().enumerate() {
            let mut env = Env { load, feed, seconds, turn: self.turn, index, rng: &mut self.rng };
            feed = cell.step(&mut env);
        }
        for device in &self.devices {
            let runs = device.state == State::Running;
            for unit in &device.units {
                if let Some(cell) = self.cells.0.get_mut(unit.cell) {
                    cell.controlled = runs;
                }
            }
        }
    }

    /// The load at this hour, between the hours of the curve.
    fn load(&self, hour: f64) -> f64 {
        let (now, next) = (hour as usize % 24, (hour as usize + 1) % 24);
        let part = hour.fract();
        self.kind.load[now].mul_add(1.0 - part, self.kind.load[next] * part)
    }

    /// Every point that is for `part`.
    pub fn targets(&self, part: Part) -> Vec<Target> {
        let mut targets = Vec::new();
        for (device, server) in self.devices.iter().enumerate() {
            for unit in &server.units {
                let fitting = unit.points.iter().filter(|point| point.part == part);
                targets.extend(fitting.map(|point| Target { device, unit: unit.id, cell: unit.cell, point }));
            }
        }
        targets
    }

    /// The hosts of a role.
    pub fn of(&self, role: Role) -> impl Iterator<Item = usize> {
        self.hosts.iter().enumerate().filter(move |(_, host)| host.plays(role)).map(|(index, _)| index)
    }

    /// The first host of a role. Every plant has every role: in a small one a host plays several.
    pub fn host(&self, role: Role) -> usize {
        self.of(role).next().unwrap_or(0)
    }

    /// The device that is this host.
    pub fn device_of(&self, host: usize) -> Option<usize> {
        self.devices.iter().position(|device| device.host == host)
    }

    /// What `device` does with a request.
    pub fn answer(
        &mut self,
        device: usize,
        now: u64,
        unit: u8,
        request: &tokio_modbus::Request<'_>,
    ) -> device::Reply {
        self.devices[device].answer(&mut self.cells, now, unit, request)
    }
}

impl Image for Cells {
    fn get(&self, cell: usize, var: usize) -> f64 {
        self.0.get(cell).and_then(|cell| cell.vars.get(var)).copied().unwrap_or(0.0)
    }

    fn set(&mut self, cell: usize, var: usize, value: f64) {
        if let Some(slot) = self.0.get_mut(cell).and_then(|cell| cell.vars.get_mut(var)) {
            *slot = value;
        }
    }
}
