//! A maintenance window: the engineering workstation goes from controller to controller, asks what each
//! is, looks at its page and its diagnostic counters, and adjusts a limit here and there.

use tokio_modbus::Request;
use tokio_modbus::prelude::ReadCode;

use super::Event;
use crate::net::web::Get;
use crate::plant::Role;
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "maintenance",
    about: "the engineering workstation inspects every controller",
    hours: &[(9.0, 11.0)],
    days: 6,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let engineer = stage.known(Role::Engineering);
    for server in stage.servers() {
        let Ok(mut master) = engineer.modbus(server).await else { continue };
        for code in [ReadCode::Basic, ReadCode::Regular] {
            drop(master.ask(1, Request::ReadDeviceIdentification(code, 0)).await);
            stage.pause(0.4).await;
        }
        drop(master.special(1, 8, &[0, 11, 0, 0]).await);
        drop(master.holding(1, 0, 16).await);
        stage.pause(3.0).await;
        if stage.rng.chance(0.6) {
            drop(
                engineer
                    .get(server, Get::path("/status").with("User-Agent", Role::Engineering.agent()))
                    .await,
            );
        }
        stage.pause(stage.rng.clone().within(20.0, 90.0)).await;
    }
    Ok(())
}
