//! Wildcard subscription: a stranger asks the broker for everything, and listens.

use super::{Attack, Needs, technique};
use crate::net::mqtt::{Options, Version};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "wildcard-subscription",
    about: "subscribes to all topics, or to those in which the broker tells of itself",
    technique: technique("T0861"),
    acceptable: &["T0801", "T0802", "T0888"],
    grade: "A",
    kind: "fast",
    proto: "mqtt",
    variants: &["all", "system"],
    needs: Needs::Sockets,
    seconds: [1200, 180, 30],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let name = format!("explorer-{:06x}", stage.rng.below(1 << 24));
    let mut client = intruder.mqtt(Options::new(Version::V311, name)).await?;
    let filters: &[&str] = if stage.is("system") { &["$SYS/#", "+/+/+/+"] } else { &["#"] };
    for filter in filters {
        client.subscribe(&[((*filter).to_owned(), 0)]).await?;
        stage.pause(stage.by(20.0, 2.0, 0.1)).await;
    }
    for _ in 0..30 {
        client.rest(stage.by(39.0, 5.8, 0.99)).await?;
        while client.received().is_some() {}
    }
    client.leave().await;
    Ok(())
}
