//! The nightly backup: the SCADA server copies gigabytes to the historian's store.

use super::Event;
use crate::net::Service;
use crate::plant::Role;
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "backup",
    about: "the SCADA server copies gigabytes to the store",
    hours: &[(1.0, 3.0)],
    days: 9,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let scada = stage.known(Role::Scada);
    let store = stage.known(Role::Historian).ip();
    if store == scada.ip() {
        return Ok(());
    }
    // The night's changes in some files, everything in one.
    for _ in 0..stage.rng.between(3, 8) {
        let mut files = scada.connect(store, Service::Store.port()).await?;
        files.upload(stage.rng.between(20_000_000, 120_000_000), 20e6).await?;
        stage.pause(20.0).await;
    }
    let bytes = (1.5e9 * stage.rng.within(0.8, 1.4)) as u64;
    scada.connect(store, Service::Store.port()).await?.upload(bytes, 30e6).await
}
