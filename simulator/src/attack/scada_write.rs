//! SCADA write: the compromised SCADA server writes what operators never do: alarm limits, trips and
//! counters, or setpoints by functions that its screens do not use, when nobody sits before them.

use tokio_modbus::Request;

use super::alarm_settings::out_of_reach;
use super::{Attack, Needs, moved};
use crate::plant::points::{Part, Table};
use crate::plant::{Role, Target};
use crate::repair::Before;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "scada-write",
    about: "writes from the SCADA server's own address what operators never write",
    technique: moved("T0855", "T1692.001"),
    acceptable: &["T0836", "T0838", "T0831", "T0837", "T0880"],
    grade: "B",
    kind: "fast",
    proto: "modbus",
    variants: &["limits", "safety", "night"],
    needs: Needs::Sockets,
    seconds: [950, 100, 6],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let mut before = Before::default();
    let outcome = write(&mut stage, &mut before).await;
    before.restored(&mut stage, 240.0);
    outcome
}

async fn write(stage: &mut Stage, before: &mut Before) -> Outcome {
    let scada = stage.known(Role::Scada);
    let parts: &[Part] = match stage.variant {
        "limits" => &[Part::Limit],
        "safety" => &[Part::Safety],
        _ => &[Part::Setpoint, Part::Counter],
    };
    let fits = |target: &Target| parts.contains(&target.point.part) && target.point.table == Table::Holding;
    let (most, writes) = stage.by((4, 5), (6, 12), (16, 30));
    let targets = stage.some(most, fits);
    for nth in 0..if targets.is_empty() { 0 } else { writes } {
        let target = &targets[nth % targets.len()];
        let point = target.point;
        let mut master = scada.reach(stage.at(target));
        before.look(stage, &mut master, target).await?;
        stage.pause(stage.by(10.0, 1.0, 0.02)).await;
        let value = match point.part {
            // A trip that lets through what it should stop.
            Part::Safety => out_of_reach(point),
            Part::Counter => 0.0,
            _ => stage.rng.within(point.low, point.high),
        };
        if stage.is("night") {
            // Screens write single registers one by one; a script writes whatever it has as a block.
            let words = point.encode(value)[..usize::from(point.width())].to_vec();
            master.ask(target.unit, Request::WriteMultipleRegisters(point.addr, words.into())).await?;
        } else {
            master.put(target, value).await?;
        }
        stage.wrote(target, value);
        master.hang_up();
        stage.pause(stage.by(220.0, 8.0, 0.15)).await;
    }
    Ok(())
}
