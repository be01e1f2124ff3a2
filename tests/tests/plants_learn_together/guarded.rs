//! What the guard remembers lasts: a round that fails because most are doubted forgets no doubt, and memory that is
//! damaged stops nothing, but is set aside and told.

use fieldward_agent::round::Privacy;
use fieldward_aggregator::store::driving::{Guarded, Step};
use fieldward_aggregator::store::now;
use fieldward_aggregator::store::rounds::{Phase, Status};
use fieldward_tests::rounds::{Driving, NETWORK, ended, plan, plan_with, privacy, terms};
use serde_json::json;
use uuid::Uuid;

use crate::Lab;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_that_fails_forgets_no_doubt() {
    let lab = Lab::of_plants(vec![Privacy { may_be_seen: true, ..privacy() }; 6], terms()).await;
    let store = lab.office.aggregator.store.clone();
    let turn = |how| lab.plants[..3].iter().for_each(|plant| plant.knows().turns = how);
    // Two doubts shut a plant out.
    let settings = json!({ "masked": false, "window_clip": 0.05, "doubts": 2 });
    turn(Some(1e-9));
    let number = plan_with(&store, NETWORK, "fedavg", settings.clone()).await.expect("a plan");
    let round = ended(&store, number).await;
    let why = round.reason.unwrap_or_default();
    assert!(round.status == Status::Failed && why.contains("3 of 6 groups are left out"), "{why}");
    let log = store.round_log(number, 0, 1000).await.expect("a log");
    assert!(log.iter().any(|line| line.word == "note 2"), "it is told who was left out: {log:?}");
    // The second doubt of one of them.
    turn(None);
    lab.plants[0].knows().turns = Some(1e-9);
    let number = plan_with(&store, NETWORK, "fedavg", settings).await.expect("a plan");
    let round = ended(&store, number).await;
    assert_eq!(round.status, Status::Completed, "{:?}", round.reason);
    let all = store.round_clients(number).await.expect("plants");
    let doubted: Vec<_> = all.iter().filter(|client| client.stage == "doubted").collect();
    let [out] = doubted.as_slice() else { panic!("one is doubted, not {all:?}") };
    assert!(out.reason.as_ref().is_some_and(|why| why.contains("until round")), "{out:?}");
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_memory_of_the_guard_stops_no_round() {
    let mut lab = Lab::of(3).await;
    let store = lab.office.aggregator.store.clone();
    // Another process drove a round, and what it kept was damaged since.
    lab.driving.kill();
    plan(&store).await.expect("a plan");
    let runner = Uuid::from_u128(7);
    let taken = store.take_round(runner, now(), now().plus(1_000_000)).await.expect("a look");
    let mut round = taken.expect("it is free");
    (round.status, round.phase, round.end) = (Status::Failed, Phase::Failed, Some(now()));
    let step = Step {
        round: &round,
        runner,
        lease: now(),
        sent: &[],
        clients: &[],
        seats: &[],
        candidate: None,
        guard: Some(Guarded { memory: &[0xff; 64], damaged: None }),
        notes: &[],
        verdict: None,
    };
    store.keep_step(&step, now()).await.expect("a step").expect("it is ours");
    lab.driving = Driving::start(&lab.office, terms());
    for nth in 0..2 {
        let number = plan(&store).await.expect("a plan");
        let round = ended(&store, number).await;
        assert_eq!(round.status, Status::Completed, "{:?}", round.reason);
        let log = store.round_log(number, 0, 1000).await.expect("a log");
        let told = log
            .iter()
            .any(|line| line.detail.as_ref().is_some_and(|detail| detail.contains("it begins anew")));
        assert_eq!(told, nth == 0, "it is told once: {log:?}");
    }
    let acts = store.acts(i64::MAX, 100).await.expect("acts");
    let renewed: Vec<_> = acts.iter().filter(|act| act.action == "guard.renewed").collect();
    let [act] = renewed.as_slice() else { panic!("once, not {renewed:?}") };
    assert_eq!(act.object, NETWORK);
    assert!(act.detail.contains("64 bytes could not be read"), "{act:?}");
    lab.close().await;
}
