//! New poller: someone who never did so reads exactly what the SCADA server reads, no faster than it.

use std::net::Ipv4Addr;

use tokio_modbus::Request;

use super::{Attack, Needs, technique};
use crate::life::plan;
use crate::net::reach::Reach;
use crate::plant::points::Table;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "new-poller",
    about: "polls what the SCADA server polls, from a host that never did",
    technique: technique("T0801"),
    acceptable: &["T0802", "T0861"],
    grade: "A",
    kind: "context",
    proto: "modbus",
    variants: &["stranger", "workstation"],
    needs: Needs::Sockets,
    seconds: [1500, 235, 58],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let reader = if stage.is("workstation") { stage.workstation() } else { stage.stranger() };
    let most = stage.by(2, 6, 20);
    let mut polled: Vec<(Reach, Vec<(u8, Request<'static>)>)> = Vec::new();
    for server in stage.controllers(most) {
        polled.push((reader.reach(server), seen(&stage, server)));
    }
    let end = stage.after(stage.by(1480.0, 235.0, 58.0));
    while stage.goes_on(end) {
        let next = stage.after(stage.by(30.0, 5.0, 1.0));
        for (master, reads) in &mut polled {
            for (unit, read) in reads {
                master.ask(*unit, read.clone()).await?;
            }
            // One after the other rather than all at once.
            stage.pause(stage.by(2.0, 0.1, 0.01)).await;
        }
        stage.world.play.until(next).await;
    }
    Ok(())
}

/// What the SCADA server is seen to read there.
fn seen(stage: &Stage, server: Ipv4Addr) -> Vec<(u8, Request<'static>)> {
    let Some(device) = stage.world.device_at(server) else { return Vec::new() };
    let plant = stage.world.plant.borrow();
    let tables = [Table::Input, Table::Holding, Table::Coil, Table::Discrete];
    let units = plant.devices[device].units.iter();
    units.flat_map(|unit| plan::reads(unit, &tables).into_iter().map(|read| (unit.id, read))).collect()
}
