//! Automated collection: everything that every server shows, in the largest reads that it allows, again
//! and again on a timer.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::{Attack, Needs, technique};
use crate::net::reach::Reach;
use crate::plant::points::Table;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "automated-collection",
    about: "reads all tables of all servers in the largest blocks, on a timer",
    technique: technique("T0802"),
    acceptable: &["T0861", "T0877", "T0801"],
    grade: "B",
    kind: "context",
    proto: "modbus",
    variants: &["all", "registers", "one"],
    needs: Needs::Sockets,
    seconds: [1450, 190, 38],
    run: |stage| Box::pin(run(stage)),
};

/// How large a read of a table of a unit may be; it is found out once.
type Sizes = BTreeMap<(Ipv4Addr, u8, Table), u16>;

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let mut servers = stage.servers();
    if stage.is("one") {
        servers = vec![stage.controller()];
    }
    let tables: &[Table] = match stage.variant {
        "registers" => &[Table::Holding, Table::Input],
        _ => &[Table::Coil, Table::Discrete, Table::Holding, Table::Input],
    };
    let (lasts, period) = stage.by((1450.0, 300.0), (190.0, 30.0), (38.0, 5.0));
    let end = stage.after(lasts);
    let mut sizes = Sizes::new();
    while stage.goes_on(end) {
        let next = stage.after(period);
        // A stealthy collector spreads a round over its period.
        let gap = stage.by(0.9 * period, 0.3 * period, 0.0) / servers.len() as f64;
        for &server in &servers {
            let mut master = intruder.reach(server);
            for unit in stage.units(server) {
                for &table in tables {
                    read_all(&mut master, &mut sizes, (server, unit, table)).await?;
                }
            }
            drop(master);
            stage.pause(gap).await;
            if !stage.goes_on(end) {
                return Ok(());
            }
        }
        stage.world.play.until(next).await;
    }
    Ok(())
}

/// Reads a table in blocks as large as it allows, until it says that there is no more.
async fn read_all(master: &mut Reach, sizes: &mut Sizes, place: (Ipv4Addr, u8, Table)) -> Outcome {
    let (_, unit, table) = place;
    let most = if matches!(table, Table::Coil | Table::Discrete) { 2000 } else { 125 };
    let mut size = sizes.get(&place).copied().unwrap_or(most);
    let mut at = 0_u16;
    while size > 0 && at < FARTHEST {
        match master.words(unit, table, at, size).await? {
            Some(_) => {
                sizes.entry(place).or_insert(size);
                at += size;
                if size < most {
                    // The table ended within a larger block.
                    break;
                }
            }
            None => size = if at == 0 { size / 2 } else { 0 },
        }
    }
    sizes.entry(place).or_insert(size);
    Ok(())
}

/// Nobody looks beyond this.
const FARTHEST: u16 = 10_000;
