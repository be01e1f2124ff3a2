//! Controllers ask whether there is new firmware: each looks up its maker's server and fetches a page
//! through the company's gateway.

use simple_dns::TYPE;

use super::Event;
use crate::net::web::Get;
use crate::net::{Node, names};
use crate::plant::Role;
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "firmware-check",
    about: "every controller asks its maker's server for new firmware",
    hours: &[(2.0, 4.5)],
    days: 7,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let gateway = stage.known(Role::Cloud).ip();
    let devices: Vec<(usize, &'static str)> = {
        let plant = stage.world.plant.borrow();
        plant.devices.iter().map(|device| (device.host, device.identity.product)).collect()
    };
    for (host, product) in devices {
        let device = Node::new(stage.world.clone(), host);
        let (maker, _) = names::OUTSIDE[1 + host % 2];
        drop(device.resolve(maker, TYPE::A).await);
        let get = Get::path(format!("/firmware/{}", product.replace(' ', "-")))
            .with("User-Agent", Role::Controller.agent());
        drop(device.get(gateway, get).await);
        let wait = stage.rng.within(5.0, 60.0);
        stage.pause(wait).await;
    }
    Ok(())
}
