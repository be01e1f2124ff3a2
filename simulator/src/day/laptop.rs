//! A technician's laptop comes and goes: it finds its way by names, opens the pages of a few devices, asks
//! one what it is, and is gone after an hour.

use simple_dns::TYPE;
use tokio_modbus::Request;
use tokio_modbus::prelude::ReadCode;

use super::Event;
use crate::net::web::Get;
use crate::plant::Role;
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "laptop",
    about: "a technician's laptop looks at some devices and leaves",
    hours: &[(8.0, 16.0)],
    days: 5,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let laptop = stage.act("laptop");
    stage.world.announce(laptop.host);
    let domain = stage.world.plant.borrow().kind.domain;
    for name in ["scada", "historian", "wpad", "printer"] {
        drop(laptop.resolve(&format!("{name}.{domain}"), TYPE::A).await);
        drop(laptop.resolve(&format!("{name}.{domain}"), TYPE::AAAA).await);
        stage.pause(1.0).await;
    }
    for _ in 0..stage.rng.between(2, 6) {
        let device = stage.controller();
        laptop.ping(device).await;
        if let Ok(mut web) = laptop.web(device).await {
            for path in ["/", "/status", "/version"] {
                drop(web.ask(Get::path(path).with("User-Agent", Role::Engineering.agent())).await);
                let wait = stage.rng.within(2.0, 40.0);
                stage.pause(wait).await;
            }
        }
        if stage.rng.chance(0.4)
            && let Ok(mut master) = laptop.modbus(device).await
        {
            drop(master.ask(1, Request::ReadDeviceIdentification(ReadCode::Basic, 0)).await);
        }
        let wait = stage.rng.within(120.0, 600.0);
        stage.pause(wait).await;
    }
    Ok(())
}
