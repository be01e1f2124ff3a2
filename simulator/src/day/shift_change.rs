//! A shift begins: its operators fetch the reports of the last one, look through devices, acknowledge
//! what stands, and adjust a few setpoints.

use super::Event;
use crate::net::web::Get;
use crate::plant::Role;
use crate::plant::points::Part;
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "shift-change",
    about: "operators hand over: reports, pages, acknowledgements, some setpoints",
    hours: &[(5.9, 6.1), (13.9, 14.1), (21.9, 22.1)],
    days: 10,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let (panel, scada) = (stage.known(Role::Operator), stage.known(Role::Scada));
    let agent = Role::Operator.agent();
    if panel.ip() != scada.ip() {
        for nth in 0..stage.rng.between(2, 5) {
            drop(
                panel
                    .get(scada.ip(), Get::path(format!("/report?shift={nth}")).with("User-Agent", agent))
                    .await,
            );
            stage.pause(8.0).await;
        }
    }
    for _ in 0..stage.rng.between(1, 5) {
        let device = stage.controller();
        drop(panel.get(device, Get::path("/status").with("User-Agent", agent)).await);
        stage.pause(15.0).await;
    }
    for target in stage.points(Part::Status) {
        if target.point.name == "acknowledge" && stage.rng.chance(0.5) {
            drop(scada.set(&target, 1.0).await);
            stage.pause(4.0).await;
        }
    }
    for _ in 0..stage.rng.between(2, 6) {
        let target = stage.point(Part::Setpoint);
        let value = stage.rng.within(target.point.low, target.point.high);
        scada.set(&target, value).await?;
        stage.pause(20.0).await;
    }
    Ok(())
}
