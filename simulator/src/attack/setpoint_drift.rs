//! Setpoint drift: a setpoint moves in steps so small that each looks like an operator's, and in the end
//! stands far outside the range in which the plant works.

use super::{Attack, Needs, technique};
use crate::plant::points::Part;
use crate::plant::{Role, Target};
use crate::repair::Before;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "setpoint-drift",
    about: "moves a setpoint out of its range in tiny steps",
    technique: technique("T0836"),
    acceptable: &["T0831", "T0855", "T1692.001"],
    grade: "B",
    kind: "context",
    proto: "modbus",
    variants: &["scada", "stranger"],
    needs: Needs::Sockets,
    seconds: [1690, 240, 61],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let mut before = Before::default();
    let outcome = drift(&mut stage, &mut before).await;
    before.restored(&mut stage, 240.0);
    outcome
}

async fn drift(stage: &mut Stage, before: &mut Before) -> Outcome {
    let intruder = if stage.is("scada") { stage.known(Role::Scada) } else { stage.stranger() };
    let fits = |target: &Target| target.point.part == Part::Setpoint && target.point.writable();
    let Some(target) = stage.some(1, fits).pop() else { return Ok(()) };
    let point = target.point;
    let mut master = intruder.reach(stage.at(&target));
    let from = before.look(stage, &mut master, &target).await?.unwrap_or(point.low);
    let span = point.high - point.low;
    let to =
        if stage.rng.chance(0.5) || point.low < span { point.high + span } else { point.low - span * 0.8 };
    let steps = stage.by(60, 40, 50);
    for step in 1..=steps {
        stage.pause(stage.by(28.0, 6.0, 1.2)).await;
        // Never quite evenly: a rounded hand, not a ruler.
        let share = (f64::from(step) + stage.rng.within(-0.3, 0.3)) / f64::from(steps);
        let value = from + (to - from) * share.clamp(0.0, 1.0);
        master.put(&target, value).await?;
        if step % 5 == 0 {
            stage.wrote(&target, value);
        }
        if stage.by(true, false, false) {
            master.hang_up();
        }
    }
    Ok(())
}
