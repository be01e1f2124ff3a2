//! The broker restarts: everybody is thrown out, finds the door closed for some seconds, and comes back
//! at once.

use super::Event;
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "broker-restart",
    about: "the broker restarts and every client comes back",
    hours: &[(3.0, 5.0)],
    days: 3,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let seconds = stage.rng.within(2.0, 9.0);
    stage.world.restart_broker(seconds).await;
    // Until the last client has found its way back.
    stage.pause(60.0).await;
    Ok(())
}
