//! What a configuration lets happen: daily life, events in their hour, and what is planned for a second.

use std::rc::Rc;

use fieldward_shared::time::Timestamp;

use crate::config::Config;
use crate::world::{DAY, World};
use crate::{day, life};

/// What the plant's clock says at the beginning.
pub fn start(config: &Config) -> Timestamp {
    Timestamp::from_micros(MONDAY + config.start * 1_000_000)
}

/// Lets everything begin.
pub fn begin(world: &Rc<World>, config: &Config) {
    life::begin(world);
    if config.events {
        day::begin(world);
    }
    for (event, at) in config.planned.iter().copied() {
        let world = world.clone();
        world.play.clone().spawn(async move {
            world.play.pause(at).await;
            day::perform(world.clone(), event).await;
        });
    }
    for planned in config.attacks.iter().copied() {
        let world = world.clone();
        world.play.clone().spawn(async move {
            world.play.pause(planned.at).await;
            planned.scene.perform(world.clone()).await;
        });
    }
}

/// Every plant begins on Monday, 3 March 2025.
const MONDAY: u64 = 20_150 * DAY;
