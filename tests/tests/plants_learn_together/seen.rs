//! Plants that agreed to be seen one by one: strategies that hold them against each other bear a liar and name it; who
//! did not agree is never seen.

use fieldward_agent::round::Privacy;
use fieldward_aggregator::store::rounds::{Client, Status};
use fieldward_tests::rounds::{NETWORK, ended, plan_with, privacy, terms};
use serde_json::json;

use crate::Lab;

fn agrees() -> Privacy {
    Privacy { may_be_seen: true, ..privacy() }
}

async fn clients(lab: &Lab, round: u64) -> Vec<Client> {
    lab.office.aggregator.store.round_clients(round).await.expect("plants")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strategies_that_see_each_plant_bear_a_liar_and_name_it() {
    let lab = Lab::of_plants(vec![agrees(); 6], terms()).await;
    lab.plants[2].knows().turns = Some(3.0);
    let store = lab.office.aggregator.store.clone();
    for strategy in ["median", "multi_krum", "trimmed_mean", "geometric_median", "fedavg"] {
        // Little noise and small steps, so that honest plants go the same way for all of these rounds.
        let settings = json!({ "masked": false, "liars": 1, "window_clip": 0.05 });
        let number = plan_with(&store, NETWORK, strategy, settings).await.expect("a plan");
        let round = ended(&store, number).await;
        assert_eq!(round.status, Status::Completed, "{strategy}: {:?}", round.reason);
        let all = clients(&lab, number).await;
        let doubted: Vec<_> = all.iter().filter(|client| client.stage == "doubted").collect();
        let [liar] = doubted.as_slice() else { panic!("{strategy}: one is doubted, not {all:?}") };
        assert_eq!(liar.facility, "plant-2");
        assert!(liar.reason.as_ref().is_some_and(|why| why.contains("cosine")), "{liar:?}");
        let version = store.current_version(NETWORK).await.expect("a look").expect("one");
        assert_eq!(version.round, Some(number));
        assert_eq!((&version.metrics["plants"], &version.metrics["votes"]), (&json!(5), &json!(6)));
        let weights = store.version_weights(version.id).await.expect("weights").expect("some");
        assert!(weights[0] < 0.0 && weights[4] > 0.0, "it goes where the others lead: {:?}", &weights[..8]);
        // What others may read of the round does not name it.
        let log = store.round_log(number, 0, 1000).await.expect("a log");
        let told = |line: &&fieldward_aggregator::store::training::Line| line.facility.is_none();
        assert!(log.iter().filter(told).any(|line| line.word == "note 0"), "{log:?}");
        let names = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains("plant-2"));
        assert!(!log.iter().filter(told).any(|line| names(&line.detail)), "{log:?}");
    }
    // By now it was doubted too often, and is shut out although it behaves.
    lab.plants[2].knows().turns = None;
    let settings = json!({ "masked": false, "window_clip": 0.05 });
    let number = plan_with(&store, NETWORK, "fedavg", settings).await.expect("a plan");
    ended(&store, number).await;
    let all = clients(&lab, number).await;
    let reason = all.iter().find(|client| client.facility == "plant-2").and_then(|one| one.reason.clone());
    assert!(reason.as_ref().is_some_and(|why| why.contains("until round")), "{reason:?}");
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plant_that_did_not_agree_is_never_seen() {
    let mut all = vec![agrees(); 3];
    all.push(privacy());
    let lab = Lab::of_plants(all, terms()).await;
    let store = lab.office.aggregator.store.clone();
    let settings = json!({ "masked": false });
    let number = plan_with(&store, NETWORK, "median", settings).await.expect("a plan");
    let round = ended(&store, number).await;
    assert_eq!(round.status, Status::Completed, "{:?}", round.reason);
    let all = clients(&lab, number).await;
    let out = all.iter().find(|client| client.facility == "plant-3").expect("it");
    assert_eq!(out.stage, "refused");
    assert!(out.reason.as_ref().is_some_and(|why| why.contains("may_be_seen")), "{out:?}");
    assert_eq!(lab.plants[3].knows().trainings, 0);
    // With masks it takes part.
    let number = plan_with(&store, NETWORK, "fedavg", serde_json::Value::Null).await.expect("a plan");
    let round = ended(&store, number).await;
    assert_eq!((round.status, round.clients_active), (Status::Completed, 4), "{:?}", round.reason);
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_see_each_plant_is_not_planned_under_masks() {
    let lab = Lab::of_plants(vec![agrees(); 3], terms()).await;
    let store = lab.office.aggregator.store.clone();
    let number = plan_with(&store, NETWORK, "median", serde_json::Value::Null).await.expect("a plan");
    let round = ended(&store, number).await;
    assert_eq!(round.status, Status::Failed);
    assert!(round.reason.as_ref().is_some_and(|why| why.contains("masking hides it")), "{:?}", round.reason);
    assert!(lab.plants.iter().all(|plant| plant.knows().trainings == 0));
    lab.close().await;
}
