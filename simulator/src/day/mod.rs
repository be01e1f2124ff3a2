//! What makes a normal day hard: maintenance, failures, visitors, backups. Each is one file and its line
//! in [`EVENTS`]; all of it is benign, and a detector that alarms is wrong.

mod maintenance;

use std::rc::Rc;

use crate::attack::Play;
use crate::stage::{Intensity, Stage};
use crate::world::World;

/// Every event.
pub const EVENTS: &[&Event] = &[&maintenance::EVENT];

/// Something benign that happens now and then.
pub struct Event {
    /// How commands and labels call it.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// The hours of the day between which it begins.
    pub hours: (f64, f64),
    /// On how many of ten days it happens.
    pub days: u8,
    /// How it goes.
    pub run: fn(Stage) -> Play,
}

/// Looks an event up.
pub fn find(name: &str) -> Option<&'static Event> {
    EVENTS.iter().copied().find(|event| event.name == name)
}

/// Lets an event happen now.
pub async fn perform(world: Rc<World>, event: &'static Event) {
    let from = world.play.now().as_micros();
    let rng = world.rng(&format!("{} {from}", event.name));
    let stage = Stage {
        world: world.clone(),
        rng,
        variant: "",
        intensity: Intensity::Medium,
        tag: 0,
        campaign: None,
    };
    tracing::info!(event = event.name, "event begins");
    // What goes wrong in everyday life (a device that does not answer) is part of it.
    drop((event.run)(stage).await);
    let to = world.play.now().as_micros();
    world.ledger.borrow_mut().event(from, to, event.name);
}

/// Lets events happen when their hour comes, day after day.
pub fn begin(world: &Rc<World>) {
    for event in EVENTS {
        let world = world.clone();
        let mut rng = world.rng(event.name);
        world.play.clone().spawn(async move {
            loop {
                let now = world.play.now().as_micros();
                let midnight = now - now % crate::world::DAY;
                let hour = rng.within(event.hours.0, event.hours.1);
                let happens = rng.below(10) < u64::from(event.days);
                let at = midnight + (hour * 3.6e9) as u64;
                if happens && at >= now {
                    world.play.until(fieldward_shared::time::Timestamp::from_micros(at)).await;
                    perform(world.clone(), event).await;
                }
                let tomorrow = midnight + crate::world::DAY;
                world.play.until(fieldward_shared::time::Timestamp::from_micros(tomorrow)).await;
            }
        });
    }
}
