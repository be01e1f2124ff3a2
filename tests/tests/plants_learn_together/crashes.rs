//! The aggregator's driver ends at any moment: another takes the round up where it was kept, plants train once, and the
//! model is the same, bit for bit.

use fieldward_aggregator::store::rounds::Status;
use fieldward_tests::rounds::{Driving, NETWORK, ended, plan, terms};

use crate::Lab;

/// The model that came of a round whose driver was killed each time after so many events, at most so often.
async fn killed(after: Option<u64>) -> ([u8; 32], u64) {
    let mut lab = Lab::of(3).await;
    let store = lab.office.aggregator.store.clone();
    let number = plan(&store).await.expect("a plan");
    let mut kills = 0;
    if let Some(steps) = after {
        // Each step that is kept is a write to the database.
        loop {
            let mut kept = lab.driving.steps.clone();
            let reached = async { drop(kept.wait_for(|kept| *kept >= steps).await) };
            tokio::select! {
                () = reached => {}
                _ = ended(&store, number) => break,
            }
            lab.driving.kill();
            kills += 1;
            if kills >= 4 {
                lab.driving = Driving::start(&lab.office, terms());
                break;
            }
            lab.driving = Driving::start(&lab.office, terms());
        }
    }
    let round = ended(&store, number).await;
    let clients = store.round_clients(number).await.expect("a look");
    let out: Vec<_> = clients.iter().map(|one| (&one.stage, &one.reason)).collect();
    assert_eq!(round.status, Status::Completed, "{after:?}: {:?}, {out:?}", round.reason);
    let version = store.current_version(NETWORK).await.expect("a look").expect("one");
    assert_eq!(version.round, Some(number));
    assert!(lab.plants.iter().all(|plant| plant.knows().trainings == 1), "plants train once");
    lab.close().await;
    (version.digest, kills)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_is_killed_changes_nothing() {
    let (whole, _) = killed(None).await;
    let mut kills = 0;
    for steps in [1, 3, 5, 7, 9] {
        let (digest, killed) = killed(Some(steps)).await;
        assert_eq!(digest, whole, "after {steps} steps");
        kills += killed;
    }
    assert!(kills > 0, "nothing was killed");
}
