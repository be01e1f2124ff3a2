//! Ends that are set from outside: a budget that is spent, a plant that is revoked, people who hold a round.

use fieldward_agent::round::{FileBooks, Privacy};
use fieldward_aggregator::round::RoundTerms;
use fieldward_aggregator::store::now;
use fieldward_aggregator::store::rounds::{Phase, Status};
use fieldward_shared::privacy::accountant::event::Unit;
use fieldward_tests::link::until;
use fieldward_tests::rounds::{NETWORK, ended, plan, privacy, terms};

use crate::Lab;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_budget_is_spent_no_model_leaves_a_plant() {
    let lab = Lab::of_plants(vec![Privacy { epsilon: 9.0, ..privacy() }; 3], terms()).await;
    let store = lab.office.aggregator.store.clone();
    let mut completed = 0;
    let (number, refused) = loop {
        let number = plan(&store).await.expect("a plan");
        let round = ended(&store, number).await;
        match round.status {
            Status::Completed => completed += 1,
            _ => break (number, round),
        }
        assert!(completed < 20, "the budget does not end");
    };
    assert!(completed > 0, "{:?}", refused.reason);
    assert!(refused.reason.as_ref().is_some_and(|why| why.contains("plants")), "{:?}", refused.reason);
    let clients = store.round_clients(number).await.expect("plants");
    for client in &clients {
        assert_eq!(client.stage, "refused");
        assert!(client.reason.as_ref().is_some_and(|why| why.contains("budget")), "{client:?}");
    }
    // Whether training still began or not: what came of it stayed where it was.
    let version = store.current_version(NETWORK).await.expect("a look").expect("one");
    assert_eq!(version.round, Some(completed));
    let states: Vec<_> = lab.plants.iter().map(|plant| plant.state.clone()).collect();
    for state in &states {
        let books = FileBooks::open(state, Privacy { epsilon: 9.0, ..privacy() }.budget()).expect("books");
        let spent = books.ledger().spent(Unit::Window, 1e-5);
        assert!(spent.least() <= 9.0 && books.ledger().events().len() as u64 == completed, "{spent:?}");
    }
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plant_that_is_revoked_is_out_of_this_round_and_the_next() {
    let lab = Lab::with(5, RoundTerms { patience_seconds: 2.0, training_minutes: 0.1, ..terms() }).await;
    let store = lab.office.aggregator.store.clone();
    let gone = lab.plants[2].own.id;
    let number = plan(&store).await.expect("a plan");
    until_under_way(&lab, number).await;
    lab.office.hall.store().revoke_agent(gone, "op", "stolen", now()).await.expect("a revocation");
    let round = ended(&store, number).await;
    assert_eq!(round.status, Status::Completed, "{:?}", round.reason);
    let tasks = lab.office.aggregator.intake.tasks();
    until("its session is closed", || tasks.present().iter().all(|present| present.agent != gone)).await;
    let number = plan(&store).await.expect("a plan");
    let round = ended(&store, number).await;
    assert_eq!((round.status, round.clients_total), (Status::Completed, 4), "{:?}", round.reason);
    let clients = store.round_clients(number).await.expect("plants");
    assert!(clients.iter().all(|client| client.agent != gone));
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_that_is_held_goes_on_when_it_is_let_go() {
    let lab = Lab::with(3, RoundTerms { patience_seconds: 3.0, ..terms() }).await;
    let store = lab.office.aggregator.store.clone();
    let number = plan(&store).await.expect("a plan");
    until_under_way(&lab, number).await;
    store.pause_round(number, true, "op", now()).await.expect("a pause");
    let held = store.round(number).await.expect("a look").expect("a round");
    // It may have been over before; then there was nothing to hold.
    if held.end.is_none() {
        assert!(held.paused);
        store.pause_round(number, false, "op", now()).await.expect("an end of it");
    }
    let round = ended(&store, number).await;
    assert_eq!(round.status, Status::Completed, "{:?}", round.reason);
    // One that is held before it begins does not begin.
    let number = plan(&store).await.expect("a plan");
    store.pause_round(number, true, "op", now()).await.expect("a pause");
    let mut steps = lab.driving.steps.clone();
    let before = *steps.borrow_and_update();
    let held = store.round(number).await.expect("a look").expect("a round");
    if held.phase == Phase::Planned {
        assert_eq!(*steps.borrow(), before, "no step of it");
    }
    store.pause_round(number, false, "op", now()).await.expect("an end of it");
    assert_eq!(ended(&store, number).await.status, Status::Completed);
    lab.close().await;
}

async fn until_under_way(lab: &Lab, number: u64) {
    let store = &lab.office.aggregator.store;
    while store.round(number).await.expect("a look").expect("a round").phase == Phase::Planned {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}
