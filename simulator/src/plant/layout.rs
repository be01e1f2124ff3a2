//! Who is on the network: hosts with addresses and roles for a plant of any size, and the controllers
//! among them with the cells that they run.
//!
//! A plant of five has every role, several on one host; from twelve on each server is a host of its own.

use std::net::Ipv4Addr;

use super::Kind;
use super::cell::{Cell, CellKind};
use super::device::{Device, Identity, State, Unit};
use crate::rng::Rng;

/// What a host is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Polls the controllers, commands them, serves the operators.
    Scada,
    /// Where people watch and intervene.
    Operator,
    /// Where programs are written and devices looked after.
    Engineering,
    /// Keeps the values.
    Historian,
    /// Passes messages between sensors and their readers.
    Broker,
    /// Answers names.
    Names,
    /// Passes selected values to the company, and firmware from the makers.
    Cloud,
    /// Runs cells.
    Controller,
    /// Serial lines with remote I/O.
    Gateway,
    /// Measures, and tells the broker.
    Sensor,
    /// Not of the plant: a visitor, or an intruder.
    Stranger,
}

/// What kind of TCP/IP a host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// Servers and small devices of today.
    Linux,
    /// Workstations. Their firewall drops what nobody serves.
    Windows,
    /// Controllers.
    Embedded,
}

/// Something with an address.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name, without the domain.
    pub name: String,
    /// Its address.
    pub ip: Ipv4Addr,
    /// The address of its network card.
    pub mac: [u8; 6],
    /// What it is there for: the first of these above all.
    pub roles: Vec<Role>,
    /// Its TCP/IP.
    pub stack: Stack,
    /// It is switched on.
    pub up: bool,
}

impl Host {
    /// Whether it has this role.
    pub fn plays(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// The least and the most that a plant has.
pub const SIZES: std::ops::RangeInclusive<usize> = 5..=500;

/// The hosts of a plant of this size, and after them the strangers.
pub(super) fn hosts(kind: &Kind, size: usize, [a, b]: [u8; 2], rng: &mut Rng) -> Vec<Host> {
    use Role::*;
    let mut hosts = Vec::new();
    let mut add = |name: String, block: usize, nth: usize, roles: &[Role], stack: Stack| {
        let ip = Ipv4Addr::new(a, b, (block + nth / 250) as u8, (1 + nth % 250) as u8);
        let [.., c, d] = ip.octets();
        let maker = match stack {
            Stack::Linux => 0x1c,
            Stack::Windows => 0x54,
            Stack::Embedded => 0x80,
        };
        let mac = [2, maker, kind.octet, rng.word() as u8, c, d];
        hosts.push(Host { name, ip, mac, roles: roles.to_vec(), stack, up: true });
    };
    let small = size < 12;
    if small {
        add("scada".into(), 0, 9, &[Scada, Operator, Engineering, Historian], Stack::Windows);
        add("server".into(), 0, 59, &[Broker, Names, Cloud], Stack::Linux);
    } else {
        add("scada".into(), 0, 9, &[Scada], Stack::Windows);
        add("historian".into(), 0, 19, &[Historian], Stack::Windows);
        add("eng1".into(), 0, 39, &[Engineering], Stack::Windows);
        add("dns".into(), 0, 52, &[Names], Stack::Linux);
        add("broker".into(), 0, 59, &[Broker], Stack::Linux);
        add("cloud".into(), 0, 69, &[Cloud], Stack::Linux);
        for nth in 0..1 + size / 100 {
            add(format!("hmi{}", nth + 1), 0, 29 + nth, &[Operator], Stack::Windows);
        }
    }
    let rest = size - if small { 2 } else { 7 + size / 100 };
    let sensors = (rest * 3 / 10).max(1);
    let gateways = (rest / 12).max(1);
    for nth in 0..rest - sensors - gateways {
        let cell = kind.cells[nth % (kind.cells.len() - 1)].name;
        add(format!("{cell}{}", nth + 1), 1, nth, &[Controller], Stack::Embedded);
    }
    for nth in 0..gateways {
        add(format!("gw{}", nth + 1), 32, nth, &[Gateway], Stack::Embedded);
    }
    for nth in 0..sensors {
        add(format!("sensor{}", nth + 1), 48, nth, &[Sensor], Stack::Linux);
    }
    for (nth, name) in ["laptop", "visitor", "implant"].into_iter().enumerate() {
        add(name.into(), 9, 65 + nth * 11, &[Stranger], Stack::Linux);
    }
    hosts
}

/// The Modbus servers among the hosts, and the cells that they run.
pub(super) fn devices(kind: &'static Kind, hosts: &[Host], rng: &mut Rng) -> (Vec<Device>, Vec<Cell>) {
    let (mut devices, mut cells) = (Vec::new(), Vec::new());
    let (remote, own) =
        kind.cells.split_last().map_or((&kind.cells[0], kind.cells), |(last, own)| (last, own));
    for (host, spec) in hosts.iter().enumerate() {
        let gateway = spec.plays(Role::Gateway);
        if !gateway && !spec.plays(Role::Controller) {
            continue;
        }
        let (vendor, product, revision) = rng.pick(kind.makes);
        let mut unit = |id: u8, kind: &'static CellKind, rng: &mut Rng| {
            cells.push(Cell::new(kind));
            let spare = (0..kind.spare).map(|_| rng.below(1000) as u16).collect();
            Unit { id, cell: cells.len() - 1, points: kind.points, spare }
        };
        let units = if gateway {
            let count = rng.between(3, 9) as u8;
            (1..=count).map(|id| unit(id, remote, rng)).collect()
        } else {
            vec![unit(1, &own[devices.len() % own.len()], rng)]
        };
        devices.push(Device {
            host,
            units,
            gateway,
            identity: Identity { vendor, product, revision: revision.to_owned() },
            state: State::Running,
            service: if gateway { (18_000, 9000) } else { (rng.between(900, 6000), 1500) },
            busy: 0,
            program: rng.bytes(24_576),
            talkative: !gateway,
        });
    }
    (devices, cells)
}
