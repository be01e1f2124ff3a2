//! Demand jumps: a fire is fought, a cold spell begins, a large consumer starts. The process works
//! harder for a while, and nothing else is different.

use super::Event;
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "demand-peak",
    about: "demand rises by a fifth for half an hour",
    hours: &[(6.0, 20.0)],
    days: 3,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let (rise, steps) = (stage.rng.within(0.1, 0.25), 20);
    // Up over some minutes, there for a while, and down again.
    for step in 0..steps * 3 {
        let share = f64::from(step.min(steps).min(steps * 3 - 1 - step)) / f64::from(steps);
        stage.world.plant.borrow_mut().throttle = 1.0 + rise * share;
        stage.pause(30.0).await;
    }
    stage.world.plant.borrow_mut().throttle = 1.0;
    Ok(())
}
