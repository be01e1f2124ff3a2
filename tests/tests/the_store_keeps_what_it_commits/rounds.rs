//! Rounds and versions: planned once, driven by one, each step whole, and every model with where it comes from.

use fieldward_aggregator::store::driving::{Guarded, Seat, Sent, Step, Verdict};
use fieldward_aggregator::store::rounds::{Cause, Client, ClientStatus, Phase, Status, Wanted};
use fieldward_aggregator::store::versions::{NewVersion, VersionState};
use fieldward_shared::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Database;

fn at(second: u64) -> Timestamp {
    Timestamp::from_micros((1_700_000_000 + second) * 1_000_000)
}

fn wanted(network: &str) -> Wanted {
    Wanted {
        network: network.to_owned(),
        strategy: "fedavg".to_owned(),
        requested_by: "op".to_owned(),
        cause: Cause::Api,
        settings: json!({ "epochs": 3 }),
    }
}

fn version(weights: &[f32], parents: &[u64], round: Option<u64>) -> NewVersion {
    NewVersion {
        network: "autoencoder".to_owned(),
        layout: u64::MAX - 3,
        schema: 7,
        weights: weights.to_vec(),
        parents: parents.to_vec(),
        round,
        strategy: Some("fedavg".to_owned()),
        memory: vec![1, 2],
        made_by: "op".to_owned(),
        metrics: json!({ "loss": 0.5 }),
    }
}

async fn a_round_is_planned_once_and_driven_by_one(database: Database) {
    let store = database.open().await;
    let round = store.plan_round(&wanted("autoencoder"), at(0)).await.expect("a plan").expect("a round");
    assert_eq!((round.number, round.status, round.phase), (1, Status::Planned, Phase::Planned));
    assert_eq!((round.cause, &round.settings), (Cause::Api, &json!({ "epochs": 3 })));
    assert_eq!(
        store.plan_round(&wanted("autoencoder"), at(1)).await.expect("a plan"),
        None,
        "one waits already"
    );
    let other = store.plan_round(&wanted("classifier"), at(1)).await.expect("a plan").expect("a round");
    assert_eq!((other.number, store.count_rounds().await.expect("a count")), (2, 2));
    assert_eq!(store.newest_round().await.expect("a figure"), None, "what only waits is none under way");

    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let mut taken = store.take_round(one, at(2), at(32)).await.expect("a look").expect("the first");
    assert_eq!(taken.number, 1);
    assert_eq!(store.take_round(two, at(3), at(33)).await.expect("a look"), None, "one learns at a time");
    (taken.status, taken.phase, taken.epoch, taken.attempt) = (Status::InProgress, Phase::Training, 4, 2);
    taken.state = json!({ "deadline": 9 });
    let agent = Uuid::from_u128(77);
    let client = Client {
        round: 1,
        agent,
        facility: "north".to_owned(),
        name: "North".to_owned(),
        status: ClientStatus::Delayed,
        stage: "ready".to_owned(),
        reason: None,
        progress: 50,
        epoch: 1,
        epochs: 2,
        loss: Some(0.25),
        accuracy: None,
        vote: Some(false),
        epsilon: Some(1.5),
        rounds_left: Some(12),
        delta: Some(1e-5),
        budget: Some(6.0),
        last_update: at(4),
    };
    let sent = [Sent { attempt: 2, agent, kind: "masked", body: vec![0, 1, 255] }];
    let seats = [Seat { epoch: 4, agent, group: 0, nonce: [3; 32] }];
    let clients = [client];
    let step = |runner, round| Step {
        round,
        runner,
        lease: at(40),
        sent: &sent,
        clients: &clients,
        seats: &seats,
        candidate: None,
        guard: None,
        notes: &[],
        verdict: None,
    };
    assert_eq!(store.keep_step(&step(two, &taken), at(4)).await.expect("no step"), None, "another drives it");
    assert!(store.sent(1, 2, "masked").await.expect("nothing").is_empty());
    for _ in 0..2 {
        assert_eq!(store.keep_step(&step(one, &taken), at(4)).await.expect("a step"), Some(None));
    }
    assert_eq!(store.sent(1, 2, "masked").await.expect("it"), [(agent, vec![0, 1, 255])]);
    assert_eq!(store.sent_by(1, 2, "masked", agent).await.expect("it"), Some(vec![0, 1, 255]));
    assert!(store.senders(1, 1, "masked").await.expect("none").is_empty());
    assert_eq!(store.seats("autoencoder").await.expect("seats"), seats);
    assert_eq!(store.round_clients(1).await.expect("plants"), clients);
    assert_eq!(store.clients().await.expect("plants"), clients);

    // Its process has gone: the lease ends, and another finds all of it.
    assert_eq!(store.take_round(two, at(39), at(60)).await.expect("a look"), None);
    let again = store.take_round(two, at(41), at(60)).await.expect("a look").expect("the same");
    assert_eq!((again.number, again.phase, again.attempt), (1, Phase::Training, 2));
    assert_eq!(again.state, json!({ "deadline": 9 }));
    assert_eq!(
        store.keep_step(&step(one, &taken), at(42)).await.expect("no step"),
        None,
        "the first has lost it"
    );

    let paused = store.pause_round(1, true, "op", at(43)).await.expect("a pause").expect("the round");
    assert!(paused.paused && store.pause_round(1, true, "op", at(43)).await.expect("a look").is_none());
    let stopped = store.stop_round(1, "op", "enough", at(44)).await.expect("a stop").expect("the round");
    assert_eq!(stopped.stopped, Some(("op".to_owned(), "enough".to_owned())));
    let over = fieldward_aggregator::store::rounds::Round {
        status: Status::Failed,
        phase: Phase::Failed,
        end: Some(at(45)),
        reason: Some("stopped by op: enough".to_owned()),
        ..again
    };
    let last = Step { sent: &[], seats: &[], ..step(two, &over) };
    assert_eq!(store.keep_step(&last, at(45)).await.expect("a step"), Some(None));
    assert!(store.sent(1, 2, "masked").await.expect("nothing").is_empty(), "what came is forgotten");
    assert_eq!(store.stop_round(1, "op", "again", at(46)).await.expect("a look"), None, "it is over");
    assert_eq!(store.keep_step(&last, at(46)).await.expect("no step"), None);
    let next = store.take_round(two, at(47), at(60)).await.expect("a look").expect("the next");
    assert_eq!(next.number, 2);
    store.leave_rounds(two).await.expect("left");
    assert!(store.take_round(one, at(48), at(60)).await.expect("a look").is_some());
    store.verify_audit().await.expect("the chain");
}

async fn a_version_knows_where_it_comes_from(database: Database) {
    let store = database.open().await;
    let first = store.import_version(&version(&[0.5, -1.0], &[], None), at(0)).await.expect("a version");
    assert_eq!((first.id, first.state, first.layout), (1, VersionState::Promoted, u64::MAX - 3));
    store.plan_round(&wanted("autoencoder"), at(1)).await.expect("a plan");
    let runner = Uuid::from_u128(1);
    let mut number = 0;
    // Two rounds, the second of which plants refuse.
    for rejected in [None, Some("2 of 3 plants refuse it".to_owned())] {
        if number > 0 {
            store.plan_round(&wanted("autoencoder"), at(1)).await.expect("a plan");
        }
        let mut round = store.take_round(runner, at(2), at(9)).await.expect("a look").expect("a round");
        number = round.number;
        (round.status, round.phase, round.base) = (Status::InProgress, Phase::Gate, Some(number));
        let new = version(&[1.5, number as f32], &[number], Some(number));
        let step = Step {
            round: &round.clone(),
            runner,
            lease: at(9),
            sent: &[],
            clients: &[],
            seats: &[],
            candidate: Some(&new),
            guard: Some(Guarded { memory: b"guarded", damaged: None }),
            notes: &[],
            verdict: None,
        };
        let candidate =
            store.keep_step(&step, at(3)).await.expect("a step").expect("ours").expect("a version");
        assert_eq!(candidate, number + 1);
        assert_eq!(store.guard_memory("autoencoder").await.expect("a look"), b"guarded");
        let current = store.current_version("autoencoder").await.expect("a look").expect("one");
        assert_eq!(current.id, number, "a candidate is not at work");
        let is_promoted = rejected.is_none();
        (round.candidate, round.end) = (Some(candidate), Some(at(4)));
        (round.status, round.phase) =
            if is_promoted { (Status::Completed, Phase::Complete) } else { (Status::Failed, Phase::Failed) };
        let verdict =
            Verdict { version: candidate, rejected, metrics: json!({ "votes": 3 }), accuracy: Some(0.9) };
        // The last one began anew.
        let memory = if is_promoted { &b"guarded"[..] } else { b"anew" };
        let damaged = (!is_promoted).then_some(&b"guarded"[..]);
        let guard = Some(Guarded { memory, damaged });
        let step = Step { round: &round, candidate: None, guard, verdict: Some(&verdict), ..step };
        store.keep_step(&step, at(4)).await.expect("a step").expect("ours");
    }
    let all = store.versions(Some("autoencoder"), None, 10).await.expect("versions");
    let states: Vec<_> = all.iter().map(|version| (version.id, version.state)).collect();
    assert_eq!(
        states,
        [(3, VersionState::Rejected), (2, VersionState::Promoted), (1, VersionState::Promoted)]
    );
    assert_eq!(all[0].reason.as_deref(), Some("2 of 3 plants refuse it"));
    assert_eq!((all[1].accuracy, &all[1].metrics), (Some(0.9), &json!({ "loss": 0.5, "votes": 3 })));
    assert_eq!(store.versions(Some("classifier"), None, 10).await.expect("none"), []);
    assert_eq!(store.version_weights(2).await.expect("weights"), Some(vec![1.5, 1.0]));
    assert_eq!(store.version_memory(2).await.expect("memory"), [1, 2]);
    assert_eq!(store.ancestors(3, 8).await.expect("digests"), [all[1].digest, all[2].digest]);

    assert_eq!(store.roll_back(3, "op", "no", at(5)).await.expect("a look"), None, "never at work");
    let back = store.roll_back(1, "op", "it misses writes", at(6)).await.expect("a way back").expect("one");
    assert_eq!((back.id, back.state, &back.parents), (4, VersionState::Promoted, &vec![2, 1]));
    assert_eq!(back.digest, first.digest);
    let taken = store.version(2).await.expect("a look").expect("one");
    assert_eq!((taken.state, taken.rolled_back), (VersionState::RolledBack, Some(at(6))));
    assert_eq!(store.current_version("autoencoder").await.expect("a look").map(|one| one.id), Some(4));
    // Whoever took version 2 follows: it is among the ancestors.
    assert!(store.ancestors(4, 8).await.expect("digests").contains(&taken.digest));
    database.execute("UPDATE model_versions SET digest = weights WHERE id = 1").await.expect("damage");
    assert!(store.version_weights(1).await.is_err(), "damaged weights are not given out");
    assert_eq!(back.metrics.get("loss"), Some(&Value::from(0.5)));
}

crate::stories!(a_round_is_planned_once_and_driven_by_one, a_version_knows_where_it_comes_from);
