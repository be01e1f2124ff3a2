//! The gateway to the company: reads everything that the sensors tell, asks one or another to report,
//! and keeps looking up where the company's own broker is.

use std::rc::Rc;

use simple_dns::TYPE;

use crate::net::mqtt::{Options, PASSWORD, Version};
use crate::plant::Role;
use crate::world::World;

/// Begins its work.
pub fn begin(world: &Rc<World>) {
    world.play.spawn(gather(world.clone()));
    world.play.spawn(look_up(world.clone()));
}

async fn gather(world: Rc<World>) {
    let node = world.node(Role::Cloud);
    let mut rng = world.rng("cloud");
    let site = world.plant.borrow().kind.name;
    let sensors: Vec<String> = {
        let plant = world.plant.borrow();
        plant.of(Role::Sensor).map(|host| plant.hosts[host].name.clone()).collect()
    };
    let mut options = Options::new(Version::V5, format!("{site}-cloud"));
    options.keep_alive = 30;
    options.login = Some(("cloud".to_owned(), PASSWORD.to_owned()));
    loop {
        node.pause(rng.within(0.5, 3.0)).await;
        let Ok(mut client) = node.mqtt(options.clone()).await else {
            node.pause(5.0).await;
            continue;
        };
        let filters = [(format!("{site}/+/+/+"), 1), (format!("{site}/state/+"), 1)];
        if client.subscribe(&filters).await.is_err() {
            continue;
        }
        while client.rest(rng.within(200.0, 900.0)).await.is_ok() {
            while client.received().is_some() {}
            let sensor = &sensors[rng.below(sensors.len() as u64) as usize];
            if client.publish(&format!("{site}/cmd/{sensor}/ping"), b"{}", 1, false).await.is_err() {
                break;
            }
        }
    }
}

/// Names have a lifetime: the gateway, the workstations and the historian ask again and again.
async fn look_up(world: Rc<World>) {
    let mut rng = world.rng("names");
    let domain = world.plant.borrow().kind.domain;
    let asked = [
        (Role::Cloud, "mqtt.fleet.example".to_owned()),
        (Role::Cloud, "ntp.example".to_owned()),
        (Role::Operator, format!("scada.{domain}")),
        (Role::Historian, format!("scada.{domain}")),
        (Role::Engineering, format!("historian.{domain}")),
        // A search suffix that somebody configured wrongly.
        (Role::Operator, format!("wpad.{domain}")),
    ];
    loop {
        world.play.pause(rng.within(20.0, 120.0)).await;
        let (role, name) = &asked[rng.below(asked.len() as u64) as usize];
        let node = world.node(*role);
        drop(node.resolve(name, TYPE::A).await);
        if *role != Role::Cloud {
            drop(node.resolve(name, TYPE::AAAA).await);
        }
    }
}
