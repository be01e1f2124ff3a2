//! Detection on captures that others made, a small part of `exam-real`: the figures that were reached are
//! floors. Learnt with the baseline alone, which decides most of it and takes no time.

use fieldward_tests::real::{Case, Group, Outcome, folder, learn, of, watch};

/// The cases of a group and what came of them; none where the captures are absent.
fn examined(group: Group) -> Option<Vec<(Case, Outcome)>> {
    let Some(folder) = folder() else {
        eprintln!("SKIPPED: there are no captures of others beside the repository (../shared/data)");
        return None;
    };
    let cases = of(group, &folder, None, 0).expect("the captures of others");
    let examined = cases.into_iter().map(|case| {
        let models = learn(&case.learn.1, &["baseline"]);
        let outcome = watch(&models, &case.watch, &case.labels().expect("labels"), case.chatter);
        (case, outcome)
    });
    Some(examined.collect())
}

/// Attacks, those detected, and false alerts.
fn count(examined: &[(Case, Outcome)]) -> (usize, usize, usize) {
    let scores = || examined.iter().map(|(_, outcome)| &outcome.score);
    let attacks = scores().flat_map(|score| &score.attacks);
    (
        attacks.clone().count(),
        attacks.filter(|attack| attack.detected).count(),
        scores().map(|score| score.false_alerts.len()).sum(),
    )
}

#[test]
fn attacks_on_plants_of_others_are_found_without_false_alarms() {
    let Some(examined) = examined(Group::Plant) else { return };
    let (attacks, found, wrong) = count(&examined);
    assert_eq!(attacks, 23, "the labels were read otherwise");
    assert!(found >= FOUND, "{found} of {attacks}");
    assert_eq!(wrong, 0);
    for (case, _) in examined.iter().filter(|(case, _)| case.name.starts_with("simlab")) {
        let learnt_until = case.learn.1.iter().map(|part| part.span());
        let (start, end) = case.watch.span();
        assert!(learnt_until.into_iter().all(|(from, to)| to <= start || from >= end), "{}", case.name);
    }
}

#[test]
fn normal_traffic_of_others_stays_nearly_quiet() {
    let Some(examined) = examined(Group::Calm) else { return };
    let (_, _, wrong) = count(&examined);
    assert!(examined.len() >= 5);
    assert!(wrong <= MOST_WRONG, "{wrong} false alerts");
}

#[test]
fn attacks_on_mqtt_are_found() {
    let Some(examined) = examined(Group::Mqtt) else { return };
    assert_eq!(count(&examined), (5, 5, 0));
}

/// What was reached.
const FOUND: usize = 6;
/// Two captures walk through all function codes, which nobody calls an attack there.
const MOST_WRONG: usize = 2;
