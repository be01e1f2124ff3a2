//! An engineer tunes a loop: from the engineering workstation the setpoint is stepped up and down within
//! its range, and the answer of the process watched closely.

use tokio_modbus::Request;

use super::Event;
use crate::plant::Role;
use crate::plant::points::Part;
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "tuning",
    about: "an engineer steps a setpoint within its range and watches closely",
    hours: &[(10.0, 15.0)],
    days: 3,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let engineer = stage.known(Role::Engineering);
    let target = stage.point(Part::Setpoint);
    let before = stage.world.value(&target);
    for _ in 0..stage.rng.between(4, 10) {
        let value = stage.rng.within(target.point.low, target.point.high);
        engineer.set(&target, value).await?;
        let mut master = engineer.modbus(stage.at(&target)).await?;
        for _ in 0..stage.rng.between(60, 180) {
            drop(master.ask(target.unit, Request::ReadInputRegisters(0, 4)).await);
            stage.pause(1.0).await;
        }
    }
    engineer.set(&target, before).await
}
