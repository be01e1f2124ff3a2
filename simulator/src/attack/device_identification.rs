//! Device identification: asks servers who made them, what they are and which firmware they run.

use tokio_modbus::Request;
use tokio_modbus::prelude::ReadCode;

use super::{Attack, Needs, technique};
use crate::net::reach::UNIT;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "device-identification",
    about: "asks every server, or one thoroughly, for vendor, product and firmware",
    technique: technique("T0888"),
    acceptable: &["T0846", "T0861", "T0868"],
    grade: "A",
    kind: "fast",
    proto: "modbus",
    variants: &["basic", "regular", "extended", "specific", "server-id", "one"],
    needs: Needs::Sockets,
    seconds: [1200, 120, 14],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let mut servers = stage.servers();
    stage.shuffle(&mut servers);
    if stage.is("one") {
        servers = vec![stage.controller()];
    }
    let questions = questions(stage.variant);
    let count = (servers.len() * questions.len()) as f64;
    // However large the plant, the round ends in time; in a small one nobody dawdles.
    let round = stage.by(1200.0, 120.0, 12.0);
    let end = stage.after(round * 1.1);
    let gap = (round / count).min(stage.by(60.0, 3.0, 0.05));
    for server in servers {
        if !stage.goes_on(end) {
            break;
        }
        let mut master = intruder.reach(server);
        for question in &questions {
            // A device that is not there is one among many.
            if master.ask(UNIT, question.clone()).await.is_err() {
                break;
            }
            stage.pause(gap).await;
        }
    }
    Ok(())
}

fn questions(variant: &str) -> Vec<Request<'static>> {
    let identify = Request::ReadDeviceIdentification;
    let specific = (0..=6).chain(0x80..=0x83).map(|object| identify(ReadCode::Specific, object));
    match variant {
        "basic" => vec![identify(ReadCode::Basic, 0)],
        "regular" => vec![identify(ReadCode::Regular, 0)],
        "extended" => vec![identify(ReadCode::Extended, 0)],
        "specific" => specific.collect(),
        "server-id" => vec![Request::ReportServerId],
        _ => [Request::ReportServerId]
            .into_iter()
            .chain([ReadCode::Basic, ReadCode::Regular, ReadCode::Extended].map(|code| identify(code, 0)))
            .chain(specific)
            .collect(),
    }
}
