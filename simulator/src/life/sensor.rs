//! Field sensors: each finds the broker by its name, connects, and publishes what it measures; half of
//! them listen for commands. They speak different versions and qualities, as bought over the years.

use std::rc::Rc;

use simple_dns::TYPE;

use crate::net::Node;
use crate::net::mqtt::{Mqtt, Options, PASSWORD, Version};
use crate::plant::{Plant, Role};
use crate::rng::Rng;
use crate::world::World;

/// Begins every sensor that is mounted.
pub fn begin(world: &Rc<World>) {
    let sensors: Vec<usize> = world.plant.borrow().of(Role::Sensor).collect();
    for (nth, host) in sensors.into_iter().enumerate() {
        world.play.spawn(live(Node::new(world.clone(), host), nth));
    }
}

/// A sensor's life.
pub async fn live(node: Node, nth: usize) {
    let mut rng = node.world.rng(&format!("sensor {nth}"));
    let mut nature = node.world.nature(&format!("sensor {nth}"));
    let (_, middle, spread) = {
        let plant = node.world.plant.borrow();
        plant.kind.sensors[nth % plant.kind.sensors.len()]
    };
    let site = node.world.plant.borrow().kind.name;
    let name = node.name();
    let topic = topic(&node.world.plant.borrow(), nth, &name);
    let commands = format!("{site}/cmd/{name}");
    let listens = nth.is_multiple_of(2);
    let (qos, period) = (nature.pick(&[0, 0, 1, 1, 2]), nature.pick(&[2.0, 5.0, 5.0, 10.0, 30.0]));
    let mut options =
        Options::new(if nth % 3 == 2 { Version::V5 } else { Version::V311 }, format!("{site}-{name}"));
    options.keep_alive = nature.pick(&[30, 60, 60, 120]);
    options.clean = !nth.is_multiple_of(5);
    options.will = nth.is_multiple_of(2).then(|| format!("{site}/state/{name}"));
    options.login = (nth % 3 != 1).then(|| ("field".to_owned(), PASSWORD.to_owned()));
    node.pause(rng.within(0.0, 4.0)).await;
    let mut wait = 1.0;
    let mut value = middle;
    loop {
        if let Ok(mut client) = hello(&node, &options).await {
            wait = 1.0;
            if listens && client.subscribe(&[(format!("{commands}/#"), 1)]).await.is_err() {
                continue;
            }
            let state = format!("{site}/state/{name}");
            let online = client.publish(&state, b"online", 1, true).await;
            while online.is_ok() {
                value += (middle - value) * 0.05 + rng.bell() * spread * 0.2;
                if tell(&mut client, &topic, value, qos, &mut rng).await.is_err() {
                    break;
                }
                while let Some((topic, _)) = client.received() {
                    if topic.ends_with("/ping") {
                        drop(client.publish(&state, b"online", 1, true).await);
                    }
                }
                if client.rest(period + rng.bell() * 0.01).await.is_err() {
                    break;
                }
            }
        }
        node.pause(wait * rng.within(0.5, 1.5)).await;
        wait = f64::min(wait * 2.0, 60.0);
    }
}

/// Where the `nth` sensor publishes what it measures.
pub fn topic(plant: &Plant, nth: usize, name: &str) -> String {
    let (kind, ..) = plant.kind.sensors[nth % plant.kind.sensors.len()];
    format!("{}/area{}/{name}/{kind}", plant.kind.name, 1 + nth % 4)
}

/// Finds the broker by its name and connects.
async fn hello(node: &Node, options: &Options) -> Result<Mqtt, crate::net::Fault> {
    let domain = node.world.plant.borrow().kind.domain;
    let broker = node.world.plant.borrow().hosts[node.world.plant.borrow().host(Role::Broker)].name.clone();
    drop(node.resolve(&format!("{broker}.{domain}"), TYPE::A).await);
    node.mqtt(options.clone()).await
}

/// One measurement, as JSON.
async fn tell(
    client: &mut Mqtt,
    topic: &str,
    value: f64,
    qos: u8,
    rng: &mut Rng,
) -> Result<(), crate::net::Fault> {
    let battery = 80 + rng.below(15);
    let payload = format!("{{\"v\":{value:.3},\"q\":\"good\",\"bat\":{battery}}}");
    client.publish(topic, payload.as_bytes(), qos, false).await
}
