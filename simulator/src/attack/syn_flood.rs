//! SYN flood: half-open connections to a controller's Modbus port, more than it can hold.

use std::collections::VecDeque;

use super::{Attack, Needs, technique};
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "syn-flood",
    about: "floods a controller's port 502 with half-open connections",
    technique: technique("T0814"),
    acceptable: &["T0815", "T0813"],
    grade: "A",
    kind: "fast",
    proto: "tcp",
    variants: &["one", "spread"],
    needs: Needs::Wire,
    seconds: [600, 90, 30],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let sources = match stage.variant {
        "spread" => ["implant", "laptop", "visitor"].map(|name| stage.act(name)).to_vec(),
        _ => vec![stage.stranger()],
    };
    let victim = stage.controller();
    // Slow, it is just enough that the table of half-open connections stays full.
    let (seconds, rate) = stage.by((600, 15), (90, 200), (30, 2000));
    let mut held: VecDeque<u64> = VecDeque::new();
    for _ in 0..seconds * rate {
        let now = stage.world.play.now().as_micros();
        while held.front().is_some_and(|until| *until <= now) {
            held.pop_front();
        }
        let answers = held.len() < HELD;
        if answers {
            held.push_back(now + HOLD);
        }
        if let Some(until) = held.front().filter(|_| held.len() == HELD) {
            stage.world.full.borrow_mut().insert(victim, *until);
        }
        let source = &sources[stage.rng.below(sources.len() as u64) as usize];
        let port = stage.rng.between(1024, 65_535) as u16;
        stage.half_open(source, port, victim, 502, answers);
        stage.world.burden(victim, COST);
        stage.pause(1.0 / rate as f64).await;
    }
    stage.recovers(60.0);
    Ok(())
}

/// How many half-open connections a controller holds.
const HELD: usize = 48;
/// And how long: microseconds.
const HOLD: u64 = 6_000_000;
/// What a SYN costs it: microseconds.
const COST: u64 = 700;
