//! The historian collects measurements at a slow pace by itself, fetches what the SCADA server has
//! computed, and passes a selection on to the company.

use std::rc::Rc;

use crate::life::plan;
use crate::net::Node;
use crate::net::web::Get;
use crate::plant::Role;
use crate::plant::points::Table;
use crate::world::World;

/// Begins its work.
pub fn begin(world: &Rc<World>) {
    world.play.spawn(collect(world.node(Role::Historian)));
    world.play.spawn(fetch(world.node(Role::Historian)));
}

/// Every half minute the measurements of every second controller, over a new connection each time.
async fn collect(node: Node) {
    let world = node.world.clone();
    let devices = world.plant.borrow().devices.len();
    let mut rng = world.rng("historian");
    loop {
        node.pause(30.0 + rng.bell() * 0.2).await;
        for device in (0..devices).step_by(2) {
            let plan: Vec<_> = {
                let plant = world.plant.borrow();
                let units = plant.devices[device].units.iter();
                units
                    .flat_map(|unit| {
                        plan::reads(unit, &[Table::Input]).into_iter().map(|read| (unit.id, read))
                    })
                    .collect()
            };
            let Ok(mut master) = node.modbus(world.device_ip(device)).await else { continue };
            master.timeout = 3.0;
            for (unit, read) in plan {
                drop(master.ask(unit, read).await);
            }
        }
    }
}

/// Every minute the values from the SCADA server, every five a batch for the company.
async fn fetch(node: Node) {
    let (scada, cloud) = {
        let plant = node.world.plant.borrow();
        (plant.hosts[plant.host(Role::Scada)].ip, plant.hosts[plant.host(Role::Cloud)].ip)
    };
    let agent = Role::Historian.agent();
    let mut rng = node.world.rng("historian pages");
    for minute in 0_u32.. {
        node.pause(60.0 + rng.bell() * 0.3).await;
        if scada == node.ip() {
            continue;
        }
        let values = node.get(scada, Get::path("/api/values").with("User-Agent", agent)).await;
        if minute % 5 == 0
            && let Ok(page) = values
        {
            let batch = page.body.repeat(rng.between(4, 12) as usize);
            drop(node.get(cloud, Get::post("/api/batch", batch).with("User-Agent", agent)).await);
        }
    }
}
