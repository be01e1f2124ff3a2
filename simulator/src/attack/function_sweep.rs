//! Function sweep: asks a server for every function code, to learn which it knows. Each request is as
//! its function wants it, and none changes anything: what writes, writes to the last address there is.

use tokio_modbus::Request;
use tokio_modbus::prelude::ReadCode;

use super::{Attack, Needs, technique};
use crate::net::reach::UNIT;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "function-sweep",
    about: "asks a server for function codes 1 to 127",
    technique: technique("T0888"),
    acceptable: &["T0846", "T0861", "T0868"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["controller", "gateway"],
    needs: Needs::Sockets,
    seconds: [1180, 60, 5],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let server = if stage.is("gateway") { stage.gateway() } else { stage.controller() };
    let mut codes: Vec<u8> = (1..=127).collect();
    if stage.by(true, false, false) {
        stage.shuffle(&mut codes);
    }
    let mut master = stage.stranger().reach(server);
    for code in codes {
        master.ask(UNIT, request(code)).await?;
        stage.pause(stage.by(9.3, 0.45, 0.02)).await;
    }
    Ok(())
}

fn request(code: u8) -> Request<'static> {
    let body: &'static [u8] = match code {
        1 => return Request::ReadCoils(0, 1),
        2 => return Request::ReadDiscreteInputs(0, 1),
        3 => return Request::ReadHoldingRegisters(0, 1),
        4 => return Request::ReadInputRegisters(0, 1),
        5 => return Request::WriteSingleCoil(LAST, false),
        6 => return Request::WriteSingleRegister(LAST, 0),
        8 => &[0, 0, 0xa5, 0x37],
        15 => return Request::WriteMultipleCoils(LAST, vec![false].into()),
        16 => return Request::WriteMultipleRegisters(LAST, vec![0].into()),
        17 => return Request::ReportServerId,
        20 => &[7, 6, 0, 1, 0, 0, 0, 1],
        // A record beyond any program.
        21 => &[9, 6, 0, 1, 0xff, 0xff, 0, 1, 0, 0],
        22 => return Request::MaskWriteRegister(LAST, 0xffff, 0),
        23 => return Request::ReadWriteMultipleRegisters(0, 1, LAST, vec![0].into()),
        24 => &[0, 0],
        43 => return Request::ReadDeviceIdentification(ReadCode::Basic, 0),
        90 => &[0, 2],
        _ => &[],
    };
    Request::Custom(code, body.into())
}

/// No table reaches this far.
const LAST: u16 = 0xffff;
