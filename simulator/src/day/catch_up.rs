//! The historian was away and catches up: it reads everything, quickly, in large blocks.

use tokio_modbus::Request;

use super::Event;
use crate::plant::Role;
use crate::plant::points::Table;
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "catch-up",
    about: "the historian reads every controller's tables in large blocks after a pause",
    hours: &[(4.0, 6.0), (12.0, 16.0)],
    days: 2,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let historian = stage.known(Role::Historian);
    for device in 0..stage.devices() {
        let units: Vec<(u8, u16, u16)> = {
            let plant = stage.world.plant.borrow();
            let units = plant.devices[device].units.iter();
            units.map(|unit| (unit.id, unit.size(Table::Input), unit.size(Table::Holding))).collect()
        };
        let Ok(mut master) = historian.modbus(stage.world.device_ip(device)).await else { continue };
        master.timeout = 3.0;
        for (unit, inputs, holdings) in units {
            drop(master.ask(unit, Request::ReadInputRegisters(0, inputs.clamp(1, 120))).await);
            drop(master.ask(unit, Request::ReadHoldingRegisters(0, holdings.clamp(1, 120))).await);
        }
        stage.pause(0.3).await;
    }
    Ok(())
}
