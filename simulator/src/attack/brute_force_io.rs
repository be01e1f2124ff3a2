//! Brute force I/O: outputs toggled, or setpoints stepped through their range, over and over.

use super::{Attack, Needs, technique};
use crate::plant::Target;
use crate::plant::points::{Part, Table};
use crate::repair::Before;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "brute-force-io",
    about: "toggles coils or steps registers over and over",
    technique: technique("T0806"),
    acceptable: &["T0855", "T1692.001", "T0831"],
    grade: "A",
    kind: "context",
    proto: "modbus",
    variants: &["coils", "registers"],
    needs: Needs::Sockets,
    seconds: [880, 90, 20],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let mut before = Before::default();
    let outcome = force(&mut stage, &mut before).await;
    before.restored(&mut stage, 180.0);
    outcome
}

async fn force(stage: &mut Stage, before: &mut Before) -> Outcome {
    let intruder = stage.stranger();
    let (part, table) =
        if stage.is("coils") { (Part::Command, Table::Coil) } else { (Part::Setpoint, Table::Holding) };
    let fits = |target: &Target| target.point.part == part && target.point.table == table;
    let most = stage.by(1, 2, 6);
    let mut outputs = Vec::new();
    for target in stage.some(most, fits) {
        let mut master = intruder.reach(stage.at(&target));
        let found = before.look(stage, &mut master, &target).await?;
        outputs.push((master, target, found.unwrap_or(target.point.low)));
    }
    let end = stage.after(stage.by(880.0, 88.0, 19.0));
    for turn in 1_u32.. {
        for (master, target, found) in &mut outputs {
            let point = target.point;
            let value = if table == Table::Coil {
                f64::from((*found > 0.5) != (turn % 2 == 1))
            } else {
                point.low + (point.high - point.low) * f64::from(turn % STEPS) / f64::from(STEPS - 1)
            };
            master.put(target, value).await?;
            if turn <= 2 {
                stage.wrote(target, value);
            }
            stage.pause(stage.by(7.0, 0.2, 0.01)).await;
            if !stage.goes_on(end) {
                return Ok(());
            }
        }
        if outputs.is_empty() {
            break;
        }
    }
    Ok(())
}

/// A setpoint goes through its range in so many steps.
const STEPS: u32 = 12;
