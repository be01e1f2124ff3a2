//! Request flood: so many reads, or so many connections, that a controller has no time for its masters.

use std::net::Ipv4Addr;

use fieldward_shared::time::Timestamp;
use tokio_modbus::Request;

use super::{Attack, Needs, technique};
use crate::net::reach::UNIT;
use crate::net::{Fault, Node};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "request-flood",
    about: "floods a controller with reads or with connections",
    technique: technique("T0814"),
    acceptable: &["T0815"],
    grade: "A",
    kind: "context",
    proto: "modbus",
    variants: &["reads", "connections"],
    needs: Needs::Sockets,
    seconds: [590, 118, 40],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let controller = stage.controller();
    let end = stage.after(stage.by(590.0, 118.0, 38.0));
    // Requests a second and connections at a time: a device answers one request after the other, so
    // everyone waits for as many as there are connections.
    let (rate, hands) = stage.by((80.0, 16), (400.0, 40), (2000.0, 200));
    let period = f64::from(hands) / rate;
    for hand in 0..hands {
        let node = intruder.clone();
        let begin = period.max(1.0) * f64::from(hand) / f64::from(hands);
        if stage.is("reads") {
            stage.world.play.spawn(ask(node, controller, begin, period, end));
        } else {
            let hold = stage.rng.within(0.5, 1.5) * stage.by(20.0, 4.0, 2.0);
            stage.world.play.spawn(connect(node, controller, begin, hold, end));
        }
    }
    stage.world.play.until(end).await;
    // The last answers are still on their way.
    stage.pause(4.0).await;
    stage.recovers(60.0);
    Ok(())
}

/// Asks as soon as an answer came, but no more often than agreed.
async fn ask(node: Node, controller: Ipv4Addr, begin: f64, period: f64, end: Timestamp) {
    node.pause(begin).await;
    while node.now() < end {
        let Ok(mut master) = node.modbus(controller).await else {
            node.pause(2.0).await;
            continue;
        };
        master.timeout = 2.0;
        while node.now() < end {
            let next = node.now().plus((period * 1e6) as u64);
            match master.ask(UNIT, Request::ReadHoldingRegisters(0, 8)).await {
                Ok(_) | Err(Fault::Denied(_) | Fault::Silent) => {}
                Err(_) => break,
            }
            node.world.play.until(next).await;
        }
    }
}

/// Opens a connection, asks once, keeps it for a while, opens the next.
async fn connect(node: Node, controller: Ipv4Addr, begin: f64, hold: f64, end: Timestamp) {
    node.pause(begin).await;
    while node.now() < end {
        let Ok(mut master) = node.modbus(controller).await else {
            node.pause(2.0).await;
            continue;
        };
        drop(master.ask(UNIT, Request::ReadHoldingRegisters(0, 1)).await);
        let left = end.since(node.now()) as f64 / 1e6;
        node.pause(hold.min(left)).await;
    }
}
