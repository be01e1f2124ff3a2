//! Plants that hide as a whole: noise for plants is in the sum, and entered apart from that for windows. Where few
//! plants share a large network it would drown what they learn, and the round says so before anybody is asked.

use fieldward_agent::round::books::FileBooks;
use fieldward_agent::round::config::Privacy;
use fieldward_aggregator::round::RoundTerms;
use fieldward_aggregator::store::rounds::Status;
use fieldward_shared::privacy::accountant::event::{Mechanism, Unit};
use fieldward_tests::link::until;
use fieldward_tests::rounds::{LinearLearner, ended, plan, privacy, take_part, terms};

use crate::Lab;

const NOISE: f64 = 0.5;
const FEW: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_for_plants_is_in_the_sum_and_entered_apart() {
    let terms = RoundTerms { plant_noise: NOISE, quorum: 5, ..terms() };
    let lab = Lab::of_length(FEW, vec![], terms).await;
    let store = lab.office.aggregator.store.clone();
    let wants = Privacy { plant_noise: NOISE, ..privacy() };
    let mut uplinks = Vec::new();
    for nth in 0..6 {
        let state = lab.path().join(format!("hidden-{nth}"));
        let own = lab.office.enrol(&state, &format!("hidden-{nth}")).await.expect("an agent");
        let (learner, _) = LinearLearner::new(FEW, nth);
        // The last one wants to be hidden better than the round does it, and refuses.
        let wants = if nth == 5 { Privacy { plant_noise: 2.0, ..wants.clone() } } else { wants.clone() };
        let uplink = take_part(&own, &state, lab.office.address(), Box::new(learner), &wants);
        uplinks.push(uplink.expect("a link"));
    }
    let tasks = lab.office.aggregator.intake.tasks();
    until("all plants are here", || tasks.present().len() >= 6).await;
    plan(&store).await.expect("a plan");
    let round = ended(&store, 1).await;
    // Whether the model that comes of it is liked is chance; that it was made and put to the vote is none.
    let voted =
        round.status == Status::Completed || round.reason.as_ref().is_some_and(|why| why.contains("plants"));
    assert!(voted && round.candidate.is_some(), "{:?} {:?}", round.status, round.reason);
    uplinks.clear();
    for nth in 0..6 {
        let state = lab.path().join(format!("hidden-{nth}"));
        let books = FileBooks::open(&state, wants.budget()).expect("books");
        let of = |unit| books.ledger().events().iter().filter(move |event| event.unit == unit);
        let counts = (of(Unit::Window).count(), of(Unit::Plant).count());
        if nth == 5 {
            assert_eq!(counts, (0, 0), "it took no part");
            continue;
        }
        assert_eq!(counts, (1, 1));
        let Some(Mechanism::Discrete(noise)) = of(Unit::Plant).next().map(|event| event.mechanism) else {
            panic!("noise for plants is discrete");
        };
        // Of five plants four open the sum.
        assert_eq!((noise.plants, noise.length), (4, FEW as u64));
        let (whole, windows) = (
            books.ledger().spent(Unit::Plant, 1e-5).least(),
            books.ledger().spent(Unit::Window, 1e-5).least(),
        );
        assert!(whole > 0.0 && windows > 0.0 && whole < 30.0, "{whole} and {windows}");
    }
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_drown_is_refused_with_the_reason() {
    let lab = Lab::with(3, RoundTerms { plant_noise: 1.0, ..terms() }).await;
    let store = lab.office.aggregator.store.clone();
    plan(&store).await.expect("a plan");
    let round = ended(&store, 1).await;
    let why = round.reason.unwrap_or_default();
    assert!(round.status == Status::Failed && why.contains("drowns it"), "{why}");
    lab.close().await;
}
