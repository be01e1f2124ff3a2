//! Controllers that need each other's values: every fourth reads a few registers of its neighbour.

use std::rc::Rc;

use tokio_modbus::Request;

use crate::net::Node;
use crate::world::World;

/// Begins the reading.
pub fn begin(world: &Rc<World>) {
    let pairs: Vec<(usize, usize)> = {
        let plant = world.plant.borrow();
        let own: Vec<usize> =
            (0..plant.devices.len()).filter(|device| !plant.devices[*device].gateway).collect();
        own.windows(2).step_by(4).map(|pair| (plant.devices[pair[1]].host, pair[0])).collect()
    };
    for (reader, device) in pairs {
        world.play.spawn(read(Node::new(world.clone(), reader), device));
    }
}

async fn read(node: Node, device: usize) {
    let mut rng = node.world.rng(&format!("peer of {device}"));
    loop {
        node.pause(rng.within(1.0, 3.0)).await;
        let Ok(mut master) = node.modbus(node.world.device_ip(device)).await else {
            node.pause(10.0).await;
            continue;
        };
        while master.ask(1, Request::ReadInputRegisters(0, 2)).await.is_ok() {
            node.pause(2.0 + rng.bell().abs() * 0.01).await;
        }
    }
}
