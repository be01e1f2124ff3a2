//! A sensor is added: an address and a topic that nobody has seen before, and which stay.

use std::net::Ipv4Addr;

use super::Event;
use crate::life;
use crate::net::Node;
use crate::plant::{Host, Role, Stack};
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "commissioning",
    about: "a new sensor is mounted and begins to publish",
    hours: &[(9.0, 15.0)],
    days: 1,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let nth = stage.world.plant.borrow().of(Role::Sensor).count();
    let host = {
        let mut plant = stage.world.plant.borrow_mut();
        let first = plant.hosts[plant.host(Role::Sensor)].ip.octets();
        let ip = Ipv4Addr::new(first[0], first[1], first[2] + (nth / 250) as u8, (1 + nth % 250) as u8);
        let mac = [2, 0x1c, plant.kind.octet, stage.rng.word() as u8, ip.octets()[2], ip.octets()[3]];
        let name = format!("sensor{}", nth + 1);
        plant.hosts.push(Host { name, ip, mac, roles: vec![Role::Sensor], stack: Stack::Linux, up: true });
        plant.hosts.len() - 1
    };
    stage.world.announce(host);
    stage.world.play.spawn(life::sensor::live(Node::new(stage.world.clone(), host), nth));
    // The fitter looks whether it works.
    stage.pause(180.0).await;
    Ok(())
}
