//! Serial block: a serial gateway is kept so busy with units that do not exist that requests to real
//! ones time out behind them.

use std::net::Ipv4Addr;

use fieldward_shared::time::Timestamp;
use tokio_modbus::Request;

use super::{Attack, Needs, moved};
use crate::net::{Fault, Node};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "serial-block",
    about: "keeps a serial gateway busy with absent units until its real ones time out",
    technique: moved("T0805", "T1695.001"),
    acceptable: &["T0814", "T0815"],
    grade: "A",
    kind: "context",
    proto: "modbus",
    variants: &["one-unit", "all-units"],
    needs: Needs::Sockets,
    seconds: [880, 178, 60],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let gateway = stage.gateway();
    let absent = stage.units(gateway).last().map_or(200, |last| last.saturating_add(1));
    let end = stage.after(stage.by(880.0, 174.0, 54.0));
    // Requests wait in one line: as many as there are connections stand before everyone else's. The
    // stealthy one fills the line for a while, lets it empty, and comes again.
    let (hands, on, off) = stage.by((130, 15.0, 160.0), (165, 600.0, 0.0), (170, 600.0, 0.0));
    while stage.goes_on(end) {
        let stop = stage.after(on).min(end);
        for hand in 0..hands {
            let unit = if stage.is("one-unit") { 247 } else { stage.rng.between(absent.into(), 248) as u8 };
            let begin = f64::from(hand) * stage.by(0.02, 0.05, 0.01);
            stage.world.play.spawn(occupy(intruder.clone(), gateway, unit, begin, stop));
        }
        stage.world.play.until(stop).await;
        stage.pause(off).await;
    }
    // The line empties.
    stage.pause(4.0).await;
    stage.recovers(60.0);
    Ok(())
}

/// Keeps one request to a unit waiting.
async fn occupy(node: Node, gateway: Ipv4Addr, unit: u8, begin: f64, stop: Timestamp) {
    node.pause(begin).await;
    while node.now() < stop {
        let Ok(mut master) = node.modbus(gateway).await else {
            node.pause(2.0).await;
            continue;
        };
        master.timeout = 5.0;
        while node.now() < stop {
            let next = node.now().plus(1_000_000);
            match master.ask(unit, Request::ReadInputRegisters(0, 4)).await {
                Ok(_) | Err(Fault::Denied(_) | Fault::Silent) => {}
                Err(_) => break,
            }
            node.world.play.until(next).await;
        }
    }
}
