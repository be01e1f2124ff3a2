//! Operators: their panels ask the SCADA server for values and alarms; they themselves change setpoints,
//! acknowledge alarms, switch a pump, look at a device's page: more by day than by night.

use std::rc::Rc;

use crate::net::Node;
use crate::net::web::Get;
use crate::plant::points::Part;
use crate::plant::{Role, Target};
use crate::rng::Rng;
use crate::world::World;

/// Begins a panel per operator station, and the shift's work.
pub fn begin(world: &Rc<World>) {
    let stations: Vec<usize> = world.plant.borrow().of(Role::Operator).collect();
    for host in stations {
        world.play.spawn(panel(Node::new(world.clone(), host)));
    }
    world.play.spawn(work(world.clone()));
}

/// The screen asks for values every two seconds over one connection, for alarms every ten.
async fn panel(node: Node) {
    let scada = node.world.ip(node.world.plant.borrow().host(Role::Scada));
    if scada == node.ip() {
        return;
    }
    let mut rng = node.world.rng(&format!("panel {}", node.host));
    let agent = Role::Operator.agent();
    loop {
        let Ok(mut web) = node.web(scada).await else {
            node.pause(5.0).await;
            continue;
        };
        for turn in 0_u32.. {
            let path = if turn % 5 == 0 { "/api/alarms" } else { "/api/values" };
            if web.ask(Get::path(path).with("User-Agent", agent)).await.is_err() {
                break;
            }
            node.pause(2.0 + rng.bell().abs() * 0.05).await;
            // The browser is closed now and then.
            if rng.chance(0.0004) {
                break;
            }
        }
        node.pause(rng.within(1.0, 20.0)).await;
    }
}

/// What the shift does by hand, through the SCADA server.
async fn work(world: Rc<World>) {
    let mut rng = world.rng("operator");
    let scada = world.node(Role::Scada);
    let panel = world.node(Role::Operator);
    loop {
        let day = (6.0..22.0).contains(&world.hour());
        world.play.pause(rng.within(60.0, if day { 600.0 } else { 2400.0 })).await;
        match rng.below(10) {
            0..5 => setpoint(&scada, &mut rng).await,
            5..7 => acknowledge(&scada, &mut rng).await,
            7..9 => look(&panel, &mut rng).await,
            _ => switch(&scada, &mut rng).await,
        }
    }
}

/// A little up or down, within the range in which the plant works; often in two steps.
async fn setpoint(scada: &Node, rng: &mut Rng) {
    let Some(target) = any(scada, rng, |target| target.point.part == Part::Setpoint) else { return };
    let (low, high) = (target.point.low, target.point.high);
    for _ in 0..rng.between(1, 3) {
        let now = scada.world.value(&target);
        let value = (now + (high - low) * rng.bell() * 0.15).clamp(low, high);
        drop(scada.set(&target, value).await);
        scada.pause(rng.within(3.0, 20.0)).await;
    }
}

async fn acknowledge(scada: &Node, rng: &mut Rng) {
    if let Some(target) = any(scada, rng, |target| target.point.name == "acknowledge") {
        drop(scada.set(&target, 1.0).await);
    }
}

/// Asks a remote output to switch, and back a while later.
async fn switch(scada: &Node, rng: &mut Rng) {
    let Some(target) = any(scada, rng, |target| target.point.name.starts_with("output")) else { return };
    for value in [1.0, 0.0] {
        drop(scada.set(&target, value).await);
        scada.pause(rng.within(60.0, 240.0)).await;
    }
}

/// Looks at a device's page.
async fn look(panel: &Node, rng: &mut Rng) {
    let device = rng.below(panel.world.plant.borrow().devices.len() as u64) as usize;
    let Ok(mut web) = panel.web(panel.world.device_ip(device)).await else { return };
    for path in ["/", "/status"] {
        drop(web.ask(Get::path(path).with("User-Agent", Role::Operator.agent())).await);
        panel.pause(rng.within(2.0, 15.0)).await;
    }
}

/// One of the writable points that fit, by chance.
fn any(node: &Node, rng: &mut Rng, fits: impl Fn(&Target) -> bool) -> Option<Target> {
    let plant = node.world.plant.borrow();
    let mut targets: Vec<Target> = [Part::Setpoint, Part::Command, Part::Status]
        .into_iter()
        .flat_map(|part| plant.targets(part))
        .filter(|target| target.point.writable() && fits(target))
        .collect();
    let count = targets.len() as u64;
    (count > 0).then(|| targets.swap_remove(rng.below(count) as usize))
}
