//! Client takeover: a stranger introduces himself to the broker by another's name. The broker throws the
//! other out, who comes back, which throws the stranger out, and so on.

use super::{Attack, Needs, technique};
use crate::net::mqtt::{Options, Version};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "client-takeover",
    about: "connects to the broker by the name of a sensor or of the cloud gateway",
    technique: technique("T0849"),
    acceptable: &["T0814", "T0815", "T0859", "T0826", "T0856", "T1692.002"],
    grade: "A",
    kind: "fast",
    proto: "mqtt",
    variants: &["sensor", "cloud"],
    needs: Needs::Sockets,
    seconds: [950, 145, 40],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let name = match stage.variant {
        "cloud" => format!("{}-cloud", stage.world.plant.borrow().kind.name),
        _ => stage.sensor().client_id,
    };
    stage.changed(format!("client {name}"));
    let mut options = Options::new(Version::V311, name);
    options.keep_alive = 20;
    for _ in 0..stage.by(8, 15, 40) {
        let Ok(mut client) = intruder.mqtt(options.clone()).await else {
            stage.pause(5.0).await;
            continue;
        };
        // Until the true one throws him out; then he waits until that one feels safe.
        let stay = stage.by(40.0, 6.0, 0.6);
        if client.rest(stay * stage.rng.within(0.5, 1.5)).await.is_ok() {
            drop(client);
        }
        stage.pause(stage.by(110.0, 4.0, 0.4)).await;
    }
    stage.recovers(90.0);
    Ok(())
}
