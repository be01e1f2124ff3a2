//! Connect storm: clients by the hundred introduce themselves to the broker, each under a new name, or
//! one after the other with passwords from a list.

use super::{Attack, Needs, technique};
use crate::net::Node;
use crate::net::mqtt::{Options, Version};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "connect-storm",
    about: "connects to the broker under many names, or with many passwords",
    technique: technique("T0814"),
    acceptable: &["T0815", "T0859"],
    grade: "A",
    kind: "fast",
    proto: "mqtt",
    variants: &["connects", "bad-login"],
    needs: Needs::Sockets,
    seconds: [1200, 120, 30],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let (count, pace) = stage.by((240, 5.0), (1200, 0.1), (3000, 0.01));
    for nth in 0..count {
        let version = stage.rng.pick(&[Version::V311, Version::V311, Version::V5]);
        let name = format!("mqtt_{:08x}", stage.rng.bits() as u32);
        let mut options = Options::new(version, name);
        if stage.is("bad-login") {
            let user = stage.rng.pick(USERS);
            let word = stage.rng.pick(WORDS);
            options.login = Some((user.to_owned(), format!("{word}{}", nth / WORDS.len())));
        }
        let stay = stage.rng.within(0.2, 5.0);
        // They do not wait for each other.
        stage.world.play.spawn(client(intruder.clone(), options, stay));
        stage.pause(pace).await;
    }
    Ok(())
}

/// Connects, stays a little, and drops the connection without a goodbye.
async fn client(node: Node, options: Options, stay: f64) {
    if let Ok(client) = node.mqtt(options).await {
        node.pause(stay).await;
        drop(client);
    }
}

const USERS: &[&str] = &["admin", "mqtt", "root", "field", "cloud", "scada", "guest"];
const WORDS: &[&str] = &[
    "admin", "password", "mqtt", "public", "1234", "field", "water", "secret", "changeme", "letmein",
    "plant", "operator",
];
