//! A plant whose certificate is of an operator's own PKI: other plants could not check who it is, so it takes no part and
//! says why, and the round goes on without it.

use std::sync::Arc;

use fieldward_agent::uplink::{Brought, Credentials};
use fieldward_aggregator::store::rounds::Status;
use fieldward_tests::link::office::Office;
use fieldward_tests::link::works::Works;
use fieldward_tests::link::{HERE, limits, until};
use fieldward_tests::rounds::{
    Driving, LinearLearner, Plant, ended, import, plan, privacy, take_part_showing, terms,
};

use crate::{LENGTH, Lab};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plant_of_another_pki_says_why_it_takes_no_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let works = Works::make(&folder.path().join("works"), &["east"]).expect("a PKI");
    let office = Office::beside(Some(&works), folder.path(), HERE, limits()).await.expect("an aggregator");
    let store = office.aggregator.store.clone();
    import(&store, LENGTH).await.expect("a model");
    let driving = Driving::start(&office, terms());
    let mut plants = Vec::new();
    for nth in 0..3 {
        let plant = Plant::start(&office, folder.path(), &format!("plant-{nth}"), LENGTH, nth).await;
        plants.push(plant.expect("a plant"));
    }
    let files = works.files("agent-east");
    let brought = Brought { certificate: files.certificate, key: files.key, roots: works.file("root.pem") };
    let (learner, linear) = LinearLearner::new(LENGTH, 3);
    let state = folder.path().join("east");
    std::fs::create_dir(&state).expect("a folder");
    let shown = Credentials::Brought(brought, Arc::default());
    let east = take_part_showing(shown, &state, office.address(), Box::new(learner), &privacy());
    let east = east.expect("an uplink");
    let tasks = office.aggregator.intake.tasks();
    until("all plants are here", || tasks.present().len() == 4).await;
    let number = plan(&store).await.expect("a plan");
    let round = ended(&store, number).await;
    assert_eq!((round.status, round.clients_active), (Status::Completed, 3), "{:?}", round.reason);
    let all = store.round_clients(number).await.expect("plants");
    let one = all.iter().find(|client| client.facility == "east").expect("it was asked");
    let why = one.reason.clone().unwrap_or_default();
    assert!(
        one.stage == "refused" && why.contains("operator's own PKI") && why.contains("enroll"),
        "{one:?}"
    );
    assert_eq!(linear.lock().expect("it").trainings, 0);
    east.stop();
    Lab { folder, office, driving, plants }.close().await;
}
