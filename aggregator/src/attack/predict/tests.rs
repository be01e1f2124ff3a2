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
fn who_doubts_is_answered_in_between() {
    let predictor = Predictor::shipped().unwrap();
    let seen = ids(&["T0846", "T0855"]);
    let of =
        |answer: &Answer, id: &str| answer.next.iter().find(|one| one.id == id).map(|one| one.probability);
    let may_be = |all: &[(&str, f32)]| Doubt {
        named: "T0855".to_owned(),
        may_be: all.iter().map(|(id, share)| ((*id).to_owned(), *share)).collect(),
    };
    let sure = predictor.predict(&seen, 83);
    let other = predictor.predict(&ids(&["T0846", "T0814"]), 83);
    let half = predictor.predict_of(&seen, &may_be(&[("T0855", 0.4), ("T0814", 0.4)]), 83);
    assert_eq!(half.history, sure.history);
    assert!(half.next.iter().all(|one| !seen.contains(&one.id)));
    let between = |id: &str| {
        let [one, two, mixed] = [&sure, &other, &half].map(|answer| of(answer, id).unwrap());
        (one.min(two)..=one.max(two) * 1.5).contains(&mixed)
    };
    let common = sure.next.iter().filter(|one| of(&other, &one.id).is_some());
    assert!(common.take(20).filter(|one| between(&one.id)).count() > 15);
    // Nothing to doubt, or nothing that is known.
    for nothing in [&[][..], &[("T0855", 1.0)], &[("T0814", 0.9)], &[("T0855", 0.5), ("T9999", 0.5)]] {
        assert_eq!(predictor.predict_of(&seen, &may_be(nothing), 83), sure);
    }
    for strange in [f32::NAN, f32::INFINITY, -1.0, 0.0] {
        let answer = predictor.predict_of(&seen, &may_be(&[("T0855", 0.5), ("T0814", strange)]), 83);
        assert!(answer.next.iter().all(|one| one.probability.is_finite()));
    }
}

#[test]
fn precedents_are_told_by_name() {
    let predictor = Predictor::shipped().unwrap();
    let answer = predictor.predict(&ids(&["T0846", "T0888", "T0855"]), 83);
    let restart = answer.next.iter().find(|one| one.id == "T0816").unwrap();
    assert!(restart.precedents.iter().any(|one| one.name == "Industroyer"), "{:?}", restart.precedents);
}
