//! What makes a normal day hard: maintenance, failures, visitors, backups. Each is one file and its line
//! in [`EVENTS`]; all of it is benign, and a detector that alarms is wrong.

mod backup;
mod broker_restart;
mod catch_up;
mod commissioning;
mod demand_peak;
mod firmware_check;
mod laptop;
mod maintenance;
mod replacement;
mod shift_change;
mod standby;
mod tuning;

use std::rc::Rc;

use fieldward_shared::time::Timestamp;

use crate::attack::Play;
use crate::rng::Rng;
use crate::stage::{Intensity, Stage};
use crate::world::{DAY, World};

/// Every event.
pub const EVENTS: &[&Event] = &[
    &backup::EVENT,
    &broker_restart::EVENT,
    &catch_up::EVENT,
    &commissioning::EVENT,
    &demand_peak::EVENT,
    &firmware_check::EVENT,
    &laptop::EVENT,
    &maintenance::EVENT,
    &replacement::EVENT,
    &shift_change::EVENT,
    &standby::EVENT,
    &tuning::EVENT,
];

/// Something benign that happens now and then.
pub struct Event {
    /// How commands and labels call it.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// The hours of the day between which it begins; several, if it comes several times a day.
    pub hours: &'static [(f64, f64)],
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
    let now = world.play.now().as_micros();
    let rng = world.rng(&format!("{} {now}", event.name));
    let number = world.ledger.borrow_mut().event_begins(event.name, now);
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
    world.ledger.borrow_mut().event_ends(number, world.play.now().as_micros());
}

/// Lets events happen when their hour comes, day after day.
pub fn begin(world: &Rc<World>) {
    for event in EVENTS {
        for (nth, hours) in event.hours.iter().enumerate() {
            let rng = world.rng(&format!("{} {nth}", event.name));
            world.play.spawn(days(world.clone(), event, *hours, rng));
        }
    }
}

async fn days(world: Rc<World>, event: &'static Event, (from, to): (f64, f64), mut rng: Rng) {
    let mut midnight = world.play.now().as_micros() / DAY * DAY;
    loop {
        let at = midnight + (rng.within(from, to) * 3.6e9) as u64;
        let happens = rng.below(10) < u64::from(event.days);
        // An hour that is past when the plant begins comes again tomorrow.
        if happens && at >= world.play.now().as_micros() {
            world.play.until(Timestamp::from_micros(at)).await;
            perform(world.clone(), event).await;
        }
        midnight += DAY;
    }
}
