//! Unit-id sweep: asks one gateway for every unit id, to learn what stands behind it.

use tokio_modbus::Request;

use super::{Attack, Needs, technique};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "unit-sweep",
    about: "asks a serial gateway for unit ids 1 to 247",
    technique: technique("T0846"),
    acceptable: &["T0888", "T0861"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["read", "server-id"],
    needs: Needs::Sockets,
    seconds: [870, 55, 11],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let gateway = stage.gateway();
    let mut master = stage.stranger().reach(gateway);
    let mut units: Vec<u8> = (1..=247).collect();
    if stage.by(true, false, false) {
        // What counts up is seen from afar.
        stage.shuffle(&mut units);
    }
    for unit in units {
        let request =
            if stage.is("server-id") { Request::ReportServerId } else { Request::ReadHoldingRegisters(0, 1) };
        // Ids without a unit answer with an exception: that is what the sweep wants to know.
        master.ask(unit, request).await?;
        stage.pause(stage.by(3.5, 0.2, 0.02)).await;
    }
    Ok(())
}
