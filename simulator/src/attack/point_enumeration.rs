//! Point enumeration: walks through a table in small blocks from its beginning until the server says
//! that there is no more, and a little beyond.

use super::{Attack, Needs, technique};
use crate::net::reach::UNIT;
use crate::plant::points::Table;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "point-enumeration",
    about: "walks through the tables of controllers in small blocks until they end",
    technique: technique("T0861"),
    acceptable: &["T0888", "T0802", "T0877"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["holding", "input", "coils", "discrete"],
    needs: Needs::Sockets,
    seconds: [1200, 120, 10],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let table = match stage.variant {
        "holding" => Table::Holding,
        "input" => Table::Input,
        "coils" => Table::Coil,
        _ => Table::Discrete,
    };
    let intruder = stage.stranger();
    let most = stage.by(4, 8, 40);
    let end = stage.after(stage.by(1200.0, 120.0, 20.0));
    for server in stage.controllers(most) {
        let mut master = intruder.reach(server);
        let block = stage.by(1, 2, 4);
        let (mut at, mut ends) = (0, 0);
        // The first refusal may be a hole; three in a row are the end.
        while ends < 3 {
            let found = master.words(UNIT, table, at, block).await?;
            ends = if found.is_some() { 0 } else { ends + 1 };
            at += block;
            stage.pause(stage.by(18.0, 0.6, 0.02)).await;
            if !stage.goes_on(end) {
                return Ok(());
            }
        }
    }
    Ok(())
}
