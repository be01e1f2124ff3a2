//! Setpoint outside its range: writes to a control loop what no operator ever would.

use super::{Attack, Needs, technique};
use crate::plant::points::Part;
use crate::plant::{Role, Target};
use crate::repair::Before;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "setpoint-range",
    about: "writes setpoints far outside the range in which the plant works",
    technique: technique("T0836"),
    acceptable: &["T0855", "T1692.001", "T0831"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["stranger", "scada"],
    needs: Needs::Sockets,
    seconds: [680, 42, 6],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let mut before = Before::default();
    let outcome = write(&mut stage, &mut before).await;
    before.restored(&mut stage, 180.0);
    outcome
}

async fn write(stage: &mut Stage, before: &mut Before) -> Outcome {
    let intruder = if stage.is("scada") { stage.known(Role::Scada) } else { stage.stranger() };
    let most = stage.by(4, 4, 6);
    let fits = |target: &Target| target.point.part == Part::Setpoint && target.point.writable();
    for target in stage.some(most, fits) {
        let point = target.point;
        let span = point.high - point.low;
        let below = point.low - span;
        let value = if below < 0.0 || stage.rng.chance(0.5) { point.high + span * 2.0 } else { below };
        let mut master = intruder.reach(stage.at(&target));
        before.look(stage, &mut master, &target).await?;
        stage.pause(stage.by(8.0, 1.0, 0.05)).await;
        master.put(&target, value).await?;
        stage.wrote(&target, value);
        master.hang_up();
        stage.pause(stage.by(230.0, 12.0, 1.0)).await;
    }
    Ok(())
}
