//! What agents really learn, from the first weights to a model at work: imported as a user does it, trained with noise on
//! minutes of traffic, summed under masks, judged, taken over.

use std::sync::mpsc::{Receiver, channel};

use fastrand::Rng;
use fieldward_agent::features::COUNT;
use fieldward_agent::learn::local::{self, Choices, Local, Renewed};
use fieldward_agent::learn::scaling::common;
use fieldward_agent::learn::steps::WIDTH;
use fieldward_agent::learn::windows::{Bounds, Minute};
use fieldward_aggregator::registry;
use fieldward_aggregator::round::RoundTerms;
use fieldward_aggregator::store::now;
use fieldward_aggregator::store::rounds::Status;
use fieldward_shared::network::NetworkFile;
use fieldward_tests::link::office::Office;
use fieldward_tests::link::{HERE, limits, until};
use fieldward_tests::rounds::{Driving, ended, plan_of, privacy, take_part, terms};

const AUTOENCODER: &str = "autoencoder";

/// A plant with minutes in which two things rise and fall together, and what it sends to watch.
fn plant(state: &std::path::Path, seed: u64) -> (Local, Receiver<Renewed>) {
    let (send, sent) = channel();
    let choices = Choices {
        state: state.to_owned(),
        models: state.join("models"),
        cpu_share: 1.0,
        bounds: Bounds::default(),
        allow_unprotected: false,
    };
    let local = Local::open(choices, Box::new(move |renewed| drop(send.send(renewed)))).expect("a plant");
    let chance = &mut Rng::with_seed(seed);
    for number in 0..300 {
        let phase = chance.f32() * 6.0;
        let mut value = |at: usize| {
            let (mean, deviation) = common().expect("a scaling").parts().nth(at % COUNT).expect("a feature");
            let wave =
                (phase + (at / COUNT) as f32 * 0.5).sin() * if at.is_multiple_of(2) { 0.8 } else { -0.4 };
            mean + deviation * (wave + 0.1 * (chance.f32() - 0.5))
        };
        local.put(&Minute { number, values: (0..WIDTH).map(&mut value).collect() });
    }
    (local, sent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_autoencoder_goes_from_the_first_weights_to_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let office = Office::open(folder.path(), HERE, limits()).await.expect("an aggregator");
    let store = office.aggregator.store.clone();
    let (network, weights) = local::shipped(AUTOENCODER).expect("the first weights");
    let file = NetworkFile {
        network: network.name.to_owned(),
        layout: network.layout.0,
        schema: network.schema,
        weights: weights.values().to_vec(),
    };
    let file = NetworkFile::read(file.write().as_bytes()).expect("a file");
    let first = registry::import(&store, file.clone(), "ann", now()).await.expect("a version");
    let again = registry::import(&store, file, "ann", now()).await.expect_err("there is one");
    assert!(again.to_string().contains("has version 1 at work"), "{again}");
    let driving = Driving::start(&office, RoundTerms { rate: 2e-3, batch: 32, ..terms() });
    let mut plants = Vec::new();
    for nth in 0..3 {
        let name = format!("plant-{nth}");
        let state = folder.path().join(&name);
        let own = office.enrol(&state, &name).await.expect("an agent");
        let (learner, sent) = plant(&state, nth);
        let look = learner.look();
        let uplink =
            take_part(&own, &state, office.address(), Box::new(learner), &privacy()).expect("an uplink");
        plants.push((uplink, look, sent));
    }
    let tasks = office.aggregator.intake.tasks();
    until("all plants are here", || tasks.present().len() == 3).await;
    let number = plan_of(&store, AUTOENCODER).await.expect("a plan");
    let round = ended(&store, number).await;
    assert_eq!(round.status, Status::Completed, "{:?}", round.reason);
    let version = store.current_version(AUTOENCODER).await.expect("a look").expect("one");
    assert_eq!((version.round, version.parents), (Some(number), vec![first.id]));
    assert_ne!(version.digest, first.digest);
    for (_, look, sent) in &plants {
        let name = format!("version {}", version.id);
        until("the plant has taken it over", || {
            look.report().get(AUTOENCODER).is_some_and(|said| said.contains(&name))
        })
        .await;
        let Ok(Renewed::Watcher(watcher)) = sent.try_recv() else { panic!("it is not at work") };
        assert_eq!(watcher.name(), AUTOENCODER);
    }
    drop(plants);
    driving.stop().await;
    office.close().await;
}
