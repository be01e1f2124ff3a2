//! Blocked reports: what a controller answers, or a sensor tells, does not arrive.

use std::cell::RefCell;
use std::rc::Rc;

use tokio_modbus::{Request, Response};

use super::{Attack, Needs, moved};
use crate::net::modbus::{Fate, Tamper};
use crate::plant::Role;
use crate::rng::Rng;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "block-reports",
    about: "lets the answers of a controller, or the messages of a sensor, vanish",
    technique: moved("T0804", "T1691.002"),
    acceptable: &["T0815", "T0832", "T0830"],
    grade: "B",
    kind: "fast",
    proto: "modbus",
    variants: &["relay", "partial", "sensor"],
    needs: Needs::Wire,
    seconds: [900, 180, 45],
    run: |stage| Box::pin(run(stage)),
};

/// Lets a share of the answers vanish, and every message.
struct Silencer {
    share: f64,
    rng: Rng,
}

impl Tamper for Silencer {
    fn reply(&mut self, _: u8, _: &Request<'static>, _: &mut Response) -> Fate {
        if self.rng.chance(self.share) { Fate::Vanishes } else { Fate::Passes }
    }

    fn publish(&mut self, _: &str) -> Fate {
        Fate::Vanishes
    }
}

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    // One answer that is missing stops all that stand behind it on the same connection, so that a few are
    // enough for a master that keeps coming back and never gets far.
    let share = if stage.is("partial") { 0.06 } else { 1.0 };
    let silencer = Rc::new(RefCell::new(Silencer { share, rng: stage.rng.clone() }));
    let (one, other) = if stage.is("sensor") {
        (stage.sensor().ip, stage.world.broker())
    } else {
        (stage.known(Role::Scada).ip(), stage.controller())
    };
    stage.intercept(one, other, silencer, Some(&intruder));
    for _ in 0..stage.by(30, 18, 15) {
        stage.pause(stage.by(30.0, 10.0, 3.0)).await;
        stage.poison(one, other, &intruder);
    }
    stage.restore(one, other, &intruder);
    stage.release(one, other);
    stage.recovers(60.0);
    Ok(())
}
