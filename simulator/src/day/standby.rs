//! Part of the plant is shut down for some hours and started again: manual, off step by step, and back.

use super::Event;
use crate::plant::points::Part;
use crate::plant::{Role, Target};
use crate::stage::{Outcome, Stage};

pub static EVENT: Event = Event {
    name: "standby",
    about: "some controllers are shut down for hours and started again",
    hours: &[(20.0, 22.5), (9.0, 10.0)],
    days: 2,
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let modes = stage.points(Part::Mode);
    let commands = stage.points(Part::Command);
    let first = stage.rng.below(modes.len() as u64) as usize;
    let chosen: Vec<Target> = modes.into_iter().skip(first).take(4).collect();
    let of = |target: &Target| -> Vec<Target> {
        commands.iter().filter(|command| command.device == target.device).copied().collect()
    };
    let mut before = Vec::new();
    for mode in &chosen {
        write(&mut stage, mode, 1.0).await;
        for command in of(mode) {
            let on = stage.world.value(&command);
            before.push((command, on));
            if on > 0.5 {
                write(&mut stage, &command, 0.0).await;
            }
        }
    }
    let hours = stage.rng.within(1.5, 5.0);
    stage.pause(hours * 3600.0).await;
    for (command, on) in before {
        if on > 0.5 {
            write(&mut stage, &command, 1.0).await;
        }
    }
    for mode in &chosen {
        write(&mut stage, mode, 2.0).await;
    }
    Ok(())
}

/// One step by hand through the SCADA server; a device that does not answer is left for later.
async fn write(stage: &mut Stage, target: &Target, value: f64) {
    let scada = stage.known(Role::Scada);
    drop(scada.set(target, value).await);
    let wait = stage.rng.within(8.0, 40.0);
    stage.pause(wait).await;
}
