//! Plants that go, do not fit or cheat, and people who pause and stop a round: the rest goes on, and says why.

use std::net::SocketAddr;

use fieldward_aggregator::round::RoundTerms;
use fieldward_aggregator::store::now;
use fieldward_aggregator::store::rounds::{Client, Status};
use fieldward_aggregator::store::versions::VersionState;
use fieldward_shared::wire::RoundRefusal;
use fieldward_tests::rounds::{LinearLearner, NETWORK, SCHEMA, ended, plan, terms};

use crate::{LENGTH, Lab};

async fn clients(lab: &Lab, round: u64) -> Vec<Client> {
    lab.office.aggregator.store.round_clients(round).await.expect("plants")
}

fn reconnect(lab: &mut Lab, nth: usize, learner: LinearLearner) {
    let to: SocketAddr = lab.office.address();
    lab.plants[nth].connect(to, learner).expect("a link");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_fit_is_left_out_and_listed() {
    let mut lab = Lab::of(4).await;
    reconnect(&mut lab, 3, LinearLearner::new(LENGTH, 9).0.of_schema(SCHEMA + 1));
    lab.all_are_here().await;
    let tasks = lab.office.aggregator.intake.tasks();
    fieldward_tests::link::until("it is here with its schema", || {
        tasks.present().iter().any(|present| present.learns.iter().any(|learns| learns.schema == SCHEMA + 1))
    })
    .await;
    let store = lab.office.aggregator.store.clone();
    let number = plan(&store).await.expect("a plan");
    let round = ended(&store, number).await;
    assert_eq!(round.status, Status::Completed, "{:?}", round.reason);
    let all = clients(&lab, number).await;
    let out: Vec<_> = all.iter().filter(|client| client.stage == "left_out").collect();
    let [out] = out.as_slice() else { panic!("one is left out, not {out:?}") };
    assert!(out.facility == "plant-3" && out.reason.as_ref().is_some_and(|why| why.contains("features")));
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_is_not_finite_stays_where_it_is_and_the_round_goes_on() {
    let lab = Lab::of(5).await;
    lab.plants[4].knows().poison = Some(1e30);
    let store = lab.office.aggregator.store.clone();
    // Norms are clipped: this one is finite, far too long, and no more than any other once it is clipped.
    let number = plan(&store).await.expect("a plan");
    let round = ended(&store, number).await;
    assert!(matches!(round.status, Status::Completed | Status::Failed));
    lab.plants[4].knows().poison = Some(f32::MAX * 2.0);
    let number = plan(&store).await.expect("a plan");
    let round = ended(&store, number).await;
    let all = clients(&lab, number).await;
    assert!(round.candidate.is_some(), "{:?} {all:?}", round.reason);
    let out = all.iter().find(|client| client.facility == "plant-4").expect("it");
    assert!(
        out.stage == "refused" && out.reason.as_ref().is_some_and(|why| why.contains("finite")),
        "{out:?}"
    );
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_plants_find_worse_is_rejected() {
    let lab = Lab::of(3).await;
    lab.plants.iter().for_each(|plant| plant.knows().grumbles = true);
    let store = lab.office.aggregator.store.clone();
    let number = plan(&store).await.expect("a plan");
    let round = ended(&store, number).await;
    assert_eq!(round.status, Status::Failed);
    assert!(round.reason.as_ref().is_some_and(|why| why.contains("0 of 3")), "{:?}", round.reason);
    let version = store.version(2).await.expect("a look").expect("one");
    assert_eq!((version.state, version.reason), (VersionState::Rejected, round.reason));
    assert_eq!(store.current_version(NETWORK).await.expect("a look").map(|one| one.id), Some(1));
    // The next comes from the same model, and plants take part: their vote was asked for.
    lab.plants.iter().for_each(|plant| plant.knows().grumbles = false);
    let number = plan(&store).await.expect("a plan");
    let round = ended(&store, number).await;
    assert_eq!(
        (round.status, round.base, round.candidate),
        (Status::Completed, Some(1), Some(3)),
        "{:?}",
        round.reason
    );
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_plants_and_no_model_are_said_before_anything_begins() {
    let lab = Lab::with(2, RoundTerms { patience_seconds: 0.5, ..terms() }).await;
    let store = lab.office.aggregator.store.clone();
    let number = plan(&store).await.expect("a plan");
    let round = ended(&store, number).await;
    assert!(round.reason.as_ref().is_some_and(|why| why.contains("2 plants are here")), "{:?}", round.reason);
    assert!(lab.plants.iter().all(|plant| plant.knows().trainings == 0));
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_that_is_stopped_ends_with_who_stopped_it() {
    let lab = Lab::of(3).await;
    let store = lab.office.aggregator.store.clone();
    let number = plan(&store).await.expect("a plan");
    store.stop_round(number, "op", "maintenance", now()).await.expect("a stop");
    let round = ended(&store, number).await;
    // It may have been over already; else it says who ended it.
    if round.status == Status::Failed {
        assert_eq!(round.reason.as_deref(), Some("stopped by op: maintenance"));
    }
    let number = plan(&store).await.expect("a plan");
    assert_eq!(ended(&store, number).await.status, Status::Completed, "the next one works");
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plant_without_books_takes_no_part() {
    let lab = Lab::of(4).await;
    let state = &lab.plants[3].state;
    let whole = std::fs::read(state.join("rounds.books")).expect("books");
    assert!(whole.len() > 65);
    // Its folder is gone: what it would remember cannot be written, so it does not go on.
    std::fs::rename(state, lab.path().join("away")).expect("moved");
    let store = lab.office.aggregator.store.clone();
    let number = plan(&store).await.expect("a plan");
    let round = ended(&store, number).await;
    assert_eq!(round.status, Status::Completed, "{:?}", round.reason);
    let all = clients(&lab, number).await;
    let out = all.iter().find(|client| client.facility == "plant-3").expect("it");
    assert!(
        out.reason.as_ref().is_some_and(|why| why.contains("identity") || why.contains("books")),
        "{out:?}"
    );
    assert!(RoundRefusal::default().name.is_empty());
    lab.close().await;
}

/// A plant that goes as soon as it is seen to have sent something.
async fn goes_after(stage: &str) {
    let mut lab = Lab::with(8, RoundTerms { patience_seconds: 2.0, training_minutes: 0.25, ..terms() }).await;
    let store = lab.office.aggregator.store.clone();
    let number = plan(&store).await.expect("a plan");
    let gone = lab.plants[5].own.id;
    loop {
        let all = clients(&lab, number).await;
        let round = store.round(number).await.expect("a look").expect("a round");
        // It may be past that already: then it goes later.
        if round.end.is_some()
            || all
                .iter()
                .any(|client| client.agent == gone && (client.stage == stage || client.progress > 60))
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    lab.plants[5].stop();
    let round = ended(&store, number).await;
    assert_eq!(round.status, Status::Completed, "after {stage}: {:?}", round.reason);
    let version = store.current_version(NETWORK).await.expect("a look").expect("one");
    assert_eq!(version.round, Some(number));
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plant_that_goes_before_it_has_trained_is_left_behind() {
    goes_after("accept").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plant_that_goes_while_keys_are_shared_is_left_behind() {
    goes_after("keys").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plant_that_goes_after_its_update_is_still_in_the_sum() {
    goes_after("masked").await;
}
