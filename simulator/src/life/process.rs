//! The process goes on, whoever looks.

use std::rc::Rc;

use crate::world::World;

/// Begins the process.
pub fn begin(world: &Rc<World>) {
    let world = world.clone();
    world.play.clone().spawn(async move {
        loop {
            world.play.pause(STEP).await;
            let hour = world.hour();
            world.plant.borrow_mut().step(hour, STEP);
        }
    });
}

/// Seconds of a step.
const STEP: f64 = 0.2;
