//! A controller fails and is replaced: silence, attempts to reach it, then the same address with another
//! network card and firmware, to which the engineering workstation brings program and limits.

use tokio_modbus::Request;
use tokio_modbus::prelude::ReadCode;

use super::Event;
use crate::plant::Role;
use crate::plant::device::State;
use crate::plant::points::Part;
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "replacement",
    about: "a controller fails, is replaced, and gets its program back",
    hours: &[(7.0, 17.0)],
    days: 1,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let ip = stage.controller();
    let Some(device) = stage.world.device_at(ip) else { return Ok(()) };
    stage.world.plant.borrow_mut().devices[device].state = State::Dead;
    let wait = stage.rng.within(300.0, 1500.0);
    stage.pause(wait).await;
    let host = {
        let mut plant = stage.world.plant.borrow_mut();
        let host = plant.devices[device].host;
        plant.hosts[host].mac[3] = plant.hosts[host].mac[3].wrapping_add(1 + stage.rng.word() as u8 % 200);
        let replaced = &mut plant.devices[device];
        replaced.identity.revision += "a";
        replaced.state = State::Running;
        host
    };
    stage.world.announce(host);
    stage.pause(30.0).await;
    let engineer = stage.known(Role::Engineering);
    let mut master = engineer.modbus(ip).await?;
    drop(master.ask(1, Request::ReadDeviceIdentification(ReadCode::Regular, 0)).await);
    let blocks = stage.rng.between(40, 90) as u16;
    for block in 0..blocks {
        let words = stage.rng.bytes(200);
        let [high, low] = (block * 100).to_be_bytes();
        let mut body = vec![207, 6, 0, 1, high, low, 0, 100];
        body.extend_from_slice(&words);
        master.special(1, 21, &body).await?;
    }
    let limits: Vec<_> =
        stage.points(Part::Limit).into_iter().filter(|target| target.device == device).collect();
    for target in limits {
        let point = target.point;
        let value = point.encode((point.low + point.high) / 2.0);
        let words = value[..usize::from(point.width())].to_vec();
        drop(master.ask(target.unit, Request::WriteMultipleRegisters(point.addr, words.into())).await);
        stage.pause(2.0).await;
    }
    Ok(())
}
