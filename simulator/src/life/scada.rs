//! The SCADA server polls every controller and gateway, each over a connection of its own, at its own
//! pace: with jitter, a clock that drifts, a pause now and then, and a new attempt when one fails.

use std::rc::Rc;

use crate::life::plan;
use crate::net::Node;
use crate::net::modbus::Modbus;
use crate::plant::Role;
use crate::plant::points::Table;
use crate::world::World;

/// Begins a driver for each Modbus server.
pub fn begin(world: &Rc<World>) {
    let devices = world.plant.borrow().devices.len();
    for device in 0..devices {
        let node = world.node(Role::Scada);
        world.play.spawn(drive(node, device));
    }
}

async fn drive(node: Node, device: usize) {
    let world = node.world.clone();
    let mut rng = world.rng(&format!("driver {device}"));
    let (gateway, plan) = {
        let plant = world.plant.borrow();
        let server = &plant.devices[device];
        let tables: &[Table] = if server.gateway {
            &[Table::Input, Table::Discrete]
        } else {
            &[Table::Input, Table::Holding, Table::Coil, Table::Discrete]
        };
        let plan: Vec<_> = server
            .units
            .iter()
            .flat_map(|unit| plan::reads(unit, tables).into_iter().map(|read| (unit.id, read)))
            .collect();
        (server.gateway, plan)
    };
    let mut nature = world.nature(&format!("driver {device}"));
    let period = if gateway { 5.0 } else { nature.pick(&[1.0, 1.0, 2.0, 2.0, 5.0, 0.5]) };
    let drift = 1.0 + nature.bell() * 2e-5;
    node.pause(rng.within(0.0, period)).await;
    let mut wait = 1.0;
    loop {
        let to = world.device_ip(device);
        let Ok(mut master) = node.modbus(to).await else {
            node.pause(wait).await;
            wait = f64::min(wait * 2.0, 30.0);
            continue;
        };
        wait = 1.0;
        master.timeout = if gateway { 3.0 } else { 1.0 };
        let mut next = node.now();
        while round(&mut master, &plan).await {
            let stall = if rng.chance(0.0004) { rng.within(0.2, 2.5) } else { 0.0 };
            next = next.plus(((period * drift + stall) * 1e6) as u64);
            // A round that took too long delays the next; it is not made up for.
            next = next.max(node.now());
            let jitter = (rng.bell().abs() * 0.004 * period * 1e6) as u64;
            world.play.until(next.plus(jitter)).await;
        }
    }
}

/// Asks for everything once; false when the connection is not worth keeping.
async fn round(master: &mut Modbus, plan: &[(u8, tokio_modbus::Request<'static>)]) -> bool {
    let mut missed = 0;
    for (unit, read) in plan {
        match master.ask(*unit, read.clone()).await {
            Ok(_) | Err(crate::net::Fault::Denied(_)) => missed = 0,
            Err(crate::net::Fault::Silent) if missed < 2 => missed += 1,
            Err(_) => return false,
        }
    }
    true
}
