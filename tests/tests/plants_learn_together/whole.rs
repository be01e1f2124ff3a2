//! Whole rounds.

use fieldward_aggregator::store::rounds::{ClientStatus, Phase, Status};
use fieldward_aggregator::store::versions::VersionState;
use fieldward_tests::link::until;
use fieldward_tests::rounds::{NETWORK, ended, plan};

use crate::Lab;

async fn two_rounds(plants: u64) {
    let lab = Lab::of(plants).await;
    let store = lab.office.aggregator.store.clone();
    for number in 1..=2 {
        plan(&store).await.expect("a plan");
        let round = ended(&store, number).await;
        assert_eq!((round.status, round.phase), (Status::Completed, Phase::Complete), "{:?}", round.reason);
        assert_eq!((round.clients_active, round.clients_total), (plants, plants));
        assert!(round.epsilon.is_some_and(|epsilon| epsilon > 0.0));
        let version = store.current_version(NETWORK).await.expect("a look").expect("one");
        assert_eq!((version.id, version.round, version.parents), (number + 1, Some(number), vec![number]));
        assert_eq!(version.state, VersionState::Promoted);
        assert_eq!(version.metrics["votes"], plants);
        let wanted = store.version_weights(version.id).await.expect("weights").expect("some");
        for plant in &lab.plants {
            until("the plant has taken it over", || plant.knows().adopted.last() == Some(&version.id)).await;
            assert_eq!(plant.knows().weights, wanted);
        }
        let clients = store.round_clients(number).await.expect("plants");
        assert_eq!(clients.len() as u64, plants);
        for client in &clients {
            assert_eq!(
                (client.stage.as_str(), client.vote, client.reason.as_ref()),
                ("vote", Some(true), None)
            );
            assert_eq!((client.status, client.epoch), (ClientStatus::Active, 2));
            assert!(client.epsilon.is_some() && client.rounds_left.is_some() && client.delta == Some(1e-5));
        }
    }
    // The second sat as the first did.
    let rounds = store.rounds(None, 10).await.expect("rounds");
    assert_eq!(rounds.iter().map(|round| round.epoch).collect::<Vec<_>>(), [1, 1]);
    let log = store.round_log(rounds[0].number, 0, 1000).await.expect("a log");
    for phase in ["distributing", "training", "aggregating", "gate", "complete"] {
        let word = format!("phase {phase}");
        assert!(log.iter().any(|line| line.word == word), "{phase} was not noted: {log:?}");
    }
    // Accuracy on what was held back has grown from what a model of zeros has.
    let version = store.current_version(NETWORK).await.expect("a look").expect("one");
    assert!(version.accuracy.is_some_and(|accuracy| accuracy > 0.5), "{:?}", version.accuracy);
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_plants_learn_together() {
    two_rounds(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_plants_learn_together() {
    two_rounds(8).await;
}
