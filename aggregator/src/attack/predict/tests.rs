//! What is shipped answers, whatever it is asked, and what is damaged is refused.

use super::*;

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn what_is_shipped_answers_for_plant_and_office_and_from_nothing() {
    let predictor = Predictor::shipped().unwrap();
    let plant = predictor.predict(&ids(&["T0883", "T0846", "T0888"]), 3);
    assert_eq!((plant.domain, plant.next.len(), plant.is_prior), (Domain::Ics, 3, false));
    assert!(plant.next.iter().all(|one| !["T0883", "T0846", "T0888"].contains(&one.id.as_str())));
    assert!(plant.next.iter().all(|one| one.watch.is_some() && one.probability > 0.0));
    assert!(plant.next.windows(2).all(|two| two[0].probability >= two[1].probability));
    assert!(!plant.markov.is_empty() && plant.when.is_broad());
    let office = predictor.predict(&ids(&["T1566.001"]), 3);
    assert_eq!((office.domain, office.next.len()), (Domain::Enterprise, 3));
    let prior = predictor.predict(&[], 3);
    assert!(prior.is_prior && prior.next.len() == 3);
    let strange = predictor.predict(&ids(&["", "T9999", "\0", "T0846\u{1f600}"]), 3);
    assert!(strange.is_prior && strange.unknown.len() == 4);
    let long: Vec<String> = (0..100_000).map(|_| "T0846".to_owned()).collect();
    assert_eq!(predictor.predict(&long, 3).history.len(), MOST_SEEN);
    assert_eq!(predictor.predict(&ids(&["T0855"]), 3), predictor.predict(&ids(&["T1692.001"]), 3));
}

#[test]
fn a_model_that_is_damaged_or_of_another_catalogue_is_refused() {
    for at in (0..SHIPPED.len()).step_by(1999) {
        let mut damaged = SHIPPED.to_vec();
        damaged[at] ^= 1;
        assert!(Model::load(&damaged).is_err(), "byte {at}");
    }
    assert!(Model::load(&[]).is_err());
    let mut model = Model::load(SHIPPED).unwrap();
    model.ics.shape.techniques += 1;
    let catalogue = Arc::new(Catalogue::shipped().unwrap());
    assert!(matches!(Predictor::new(model, catalogue, &[]), Err(ModelError::Misfit(_))));
}

#[test]
fn precedents_are_told_by_name() {
    let predictor = Predictor::shipped().unwrap();
    let answer = predictor.predict(&ids(&["T0846", "T0888", "T0855"]), 83);
    let restart = answer.next.iter().find(|one| one.id == "T0816").unwrap();
    assert!(restart.precedents.iter().any(|one| one.name == "Industroyer"), "{:?}", restart.precedents);
}
