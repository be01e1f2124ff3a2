//! Frozen readings: for a minute a liar keeps what a controller answers; then he answers with that, over
//! and over, whatever the process does.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::rc::Rc;

use tokio_modbus::{Request, Response};

use super::{Attack, Needs, technique};
use crate::net::modbus::{Fate, Tamper};
use crate::plant::Role;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "frozen-readings",
    about: "answers with the readings of a minute ago, in a loop",
    technique: technique("T0832"),
    acceptable: &["T0856", "T1692.002", "T0830"],
    grade: "B",
    kind: "context",
    proto: "modbus",
    variants: &["rootkit", "relay"],
    needs: Needs::Wire,
    seconds: [1260, 240, 60],
    run: |stage| Box::pin(run(stage)),
};

/// Keeps answers, then plays them again.
#[derive(Default)]
struct Tape {
    plays: bool,
    /// By unit, table and address. Bounded: a minute of one master's rounds.
    kept: BTreeMap<(u8, u8, u16), VecDeque<Response>>,
}

impl Tamper for Tape {
    fn reply(&mut self, unit: u8, request: &Request<'static>, reply: &mut Response) -> Fate {
        let key = match request {
            Request::ReadCoils(at, _) => (unit, 1, *at),
            Request::ReadDiscreteInputs(at, _) => (unit, 2, *at),
            Request::ReadHoldingRegisters(at, _) => (unit, 3, *at),
            Request::ReadInputRegisters(at, _) => (unit, 4, *at),
            _ => return Fate::Passes,
        };
        let tape = self.kept.entry(key).or_default();
        if !self.plays {
            if tape.len() < LONGEST_TAPE {
                tape.push_back(reply.clone());
            }
        } else if let Some(old) = tape.pop_front() {
            // Another length of the same table was not asked for then.
            if length(&old) == length(reply) {
                *reply = old.clone();
            }
            tape.push_back(old);
        }
        Fate::Passes
    }
}

fn length(reply: &Response) -> usize {
    match reply {
        Response::ReadCoils(bits) | Response::ReadDiscreteInputs(bits) => bits.len(),
        Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words) => words.len(),
        _ => 0,
    }
}

async fn run(mut stage: Stage) -> Outcome {
    let scada = stage.known(Role::Scada).ip();
    let controller = stage.controller();
    let intruder = stage.is("relay").then(|| stage.stranger());
    let tape = Rc::new(RefCell::new(Tape::default()));
    stage.intercept(scada, controller, tape.clone(), intruder.as_ref());
    let rounds = stage.by(40, 20, 10);
    let pace = stage.by(30.0, 9.0, 4.0);
    stage.pause(stage.by(60.0, 60.0, 20.0)).await;
    tape.borrow_mut().plays = true;
    for _ in 0..rounds {
        stage.pause(pace).await;
        if let Some(intruder) = &intruder {
            stage.poison(scada, controller, intruder);
        }
    }
    if let Some(intruder) = &intruder {
        stage.restore(scada, controller, intruder);
    }
    stage.release(scada, controller);
    Ok(())
}

const LONGEST_TAPE: usize = 256;
