use super::*;

const RULES: Rules = Rules { clip: 1.0, tail: 0.01, least: -0.2, strikes: 2, rounds: 5 };

/// Six groups that go about the same way, never twice exactly; group 0 says what it is told.
fn groups(round: u64, first: &[f32]) -> Vec<Vec<f32>> {
    let mut rng = fastrand::Rng::with_seed(round);
    let mut honest = || (0..64).map(|_| 0.06 + 0.05 * (rng.f32() - 0.5)).collect::<Vec<f32>>();
    let mut all: Vec<Vec<f32>> = (0..6).map(|_| honest()).collect();
    if !first.is_empty() {
        all[0] = first.to_vec();
    }
    all
}

fn judge(guard: &mut Guard, round: u64, changes: &[Vec<f32>]) -> Result<Verdict, GuardError> {
    let group = |(nth, change): (usize, &'_ Vec<f32>)| ([nth as u8; 32], change.clone());
    let held: Vec<_> = changes.iter().enumerate().map(group).collect();
    let all: Vec<Group<'_>> =
        held.iter().map(|(key, change)| Group { key: *key, part: Part { plants: 8, change } }).collect();
    guard.judge(round, &all)
}

fn first(verdict: Verdict) -> LeftOut {
    assert_eq!(verdict.kept, [1, 2, 3, 4, 5]);
    verdict.left_out.into_iter().next().expect("one is left out")
}

#[test]
fn honest_groups_stay() {
    let mut guard = Guard::new(RULES, &[]).unwrap();
    for round in 1..30 {
        let verdict = judge(&mut guard, round, &groups(round, &[])).unwrap();
        assert_eq!((verdict.kept.len(), verdict.left_out.len()), (6, 0), "round {round}");
    }
}

#[test]
fn a_mean_that_is_too_long_is_proof() {
    let mut guard = Guard::new(RULES, &[]).unwrap();
    let out = first(judge(&mut guard, 1, &groups(1, &[0.3; 64])).unwrap());
    assert!(matches!(out.doubt, Doubt::TooLong { most: 1.01, .. }), "{out:?}");
    assert_eq!(out.until, Some(7));
    // It behaves, and stays out until its time is over; a restart forgets nothing.
    for round in 2..7 {
        guard = Guard::new(RULES, &guard.memory()).unwrap();
        let out = first(judge(&mut guard, round, &groups(round, &[])).unwrap());
        assert_eq!(out.until, Some(7), "round {round}");
    }
    assert_eq!(judge(&mut guard, 7, &groups(7, &[])).unwrap().kept.len(), 6);
}

#[test]
fn doubts_add_up() {
    let mut guard = Guard::new(RULES, &[]).unwrap();
    let out = first(judge(&mut guard, 1, &groups(1, &[-0.06; 64])).unwrap());
    assert!(matches!(out.doubt, Doubt::Astray { cosine, .. } if cosine < -0.9), "{out:?}");
    assert_eq!(out.until, None, "a doubt leaves out of one round");
    assert_eq!(judge(&mut guard, 2, &groups(2, &[])).unwrap().kept.len(), 6);
    let out = first(judge(&mut guard, 3, &groups(3, &[-0.06; 64])).unwrap());
    assert_eq!(out.until, Some(9));
    // What is long past is forgotten.
    let mut guard = Guard::new(RULES, &[]).unwrap();
    for round in [1, 1 + MEMORY] {
        let out = first(judge(&mut guard, round, &groups(round, &[-0.06; 64])).unwrap());
        assert_eq!(out.until, None);
    }
}

#[test]
fn who_does_nothing_is_seen() {
    let mut guard = Guard::new(RULES, &[]).unwrap();
    let out = first(judge(&mut guard, 1, &groups(1, &[1e-5; 64])).unwrap());
    assert!(matches!(out.doubt, Doubt::Still { .. }), "{out:?}");
    let mut guard = Guard::new(RULES, &[]).unwrap();
    let told = groups(1, &[]).swap_remove(0);
    judge(&mut guard, 1, &groups(1, &[])).unwrap();
    let out = first(judge(&mut guard, 2, &groups(2, &told)).unwrap());
    assert_eq!(out.doubt, Doubt::Repeated);
}

#[test]
fn a_group_is_held_against_its_own_past() {
    // Without a direction only the past speaks.
    let mut guard = Guard::new(RULES, &[]).unwrap();
    for round in 1..4 {
        judge(&mut guard, round, &groups(round, &[])[..3]).unwrap();
    }
    let mut turned = groups(4, &[])[..3].to_vec();
    turned[0].iter_mut().for_each(|change| *change = -*change);
    let straight = groups(4, &[]).swap_remove(0);
    assert_eq!(RULES.doubt(&straight, &known(&guard, &straight, &Sketch::of(&straight)), None), None);
    let sketch = Sketch::of(&turned[0]);
    let doubt = RULES.doubt(&turned[0], &known(&guard, &turned[0], &sketch), None);
    assert!(matches!(doubt, Some(Doubt::Turned { cosine, .. }) if cosine < -0.8), "{doubt:?}");
}

fn known<'a>(guard: &'a Guard, change: &[f32], sketch: &'a Sketch) -> Known<'a> {
    let record = guard.records.iter().find(|record| record.key == [0; 32]);
    Known { norm: robust::norm(change), middle: 0.5, sketch, record }
}

#[test]
fn when_half_are_doubted_nothing_is_made() {
    let mut guard = Guard::new(RULES, &[]).unwrap();
    let mut changes = groups(1, &[]);
    changes[..3].iter_mut().for_each(|change| change.fill(1e-5));
    let error = judge(&mut guard, 1, &changes).unwrap_err();
    assert_eq!(lost(&error), (3, 6), "{error}");
    assert!(error.to_string().starts_with("3 of 6 groups are left out, the first because it says nothing"));
}

fn lost(error: &GuardError) -> (usize, usize) {
    match error {
        GuardError::Majority { left_out, groups } => (left_out.len(), *groups),
        other => panic!("{other}"),
    }
}

#[test]
fn doubts_of_a_round_that_failed_are_remembered() {
    let mut guard = Guard::new(RULES, &[]).unwrap();
    let mut changes = groups(1, &[]);
    changes[..3].iter_mut().for_each(|change| change.fill(1e-5));
    judge(&mut guard, 1, &changes).unwrap_err();
    // What was said then is nobody's past, also not of those who were not doubted.
    let sketch = Sketch::of(&changes[5]);
    assert!(guard.records.iter().all(|record| record.along(&sketch).is_none()));
    guard = Guard::new(RULES, &guard.memory()).unwrap();
    // The second doubt of one of them shuts it out; the others come back.
    let out = first(judge(&mut guard, 2, &groups(2, &[-0.06; 64])).unwrap());
    assert_eq!(out.until, Some(8));
    // Proof counts in a round that fails, too.
    let mut guard = Guard::new(RULES, &[]).unwrap();
    let mut changes = groups(1, &[0.3; 64]);
    changes[1..4].iter_mut().for_each(|change| change.fill(1e-5));
    judge(&mut guard, 1, &changes).unwrap_err();
    let out = first(judge(&mut guard, 2, &groups(2, &[])).unwrap());
    assert!(out.doubt.is_proof() && out.until == Some(7), "{out:?}");
}

#[test]
fn proof_needs_no_majority() {
    let mut guard = Guard::new(RULES, &[]).unwrap();
    let mut changes = groups(1, &[]);
    changes[..4].iter_mut().for_each(|change| change.fill(0.3));
    assert_eq!(judge(&mut guard, 1, &changes).unwrap().kept, [4, 5]);
    let mut guard = Guard::new(RULES, &[]).unwrap();
    assert_eq!(judge(&mut guard, 1, &changes[3..5]).unwrap().kept, [1], "of two groups, one that cheats");
    let error = judge(&mut guard, 2, &changes[..2]).unwrap_err();
    assert_eq!(lost(&error), (2, 2), "{error}");
}

#[test]
fn when_all_turn_nobody_is_doubted() {
    let mut guard = Guard::new(RULES, &[]).unwrap();
    for round in 1..4 {
        judge(&mut guard, round, &groups(round, &[])).unwrap();
    }
    let mut turned = groups(4, &[]);
    turned.iter_mut().flatten().for_each(|change| *change = -*change);
    assert_eq!(judge(&mut guard, 4, &turned).unwrap().kept.len(), 6);
}

#[test]
fn two_groups_are_not_held_against_each_other() {
    let mut guard = Guard::new(RULES, &[]).unwrap();
    for round in 1..4 {
        let mut changes = groups(round, &[]).split_off(4);
        changes[0].iter_mut().for_each(|change| *change = -*change * (round % 2) as f32);
        assert_eq!(judge(&mut guard, round, &changes).unwrap().kept, [0, 1]);
    }
}

#[test]
fn memory_is_bounded_and_checked() {
    let mut guard = Guard::new(RULES, &[]).unwrap();
    for round in 0..300_u64 {
        let change = groups(round, &[]).swap_remove(0);
        let mut key = [0; 32];
        key[..8].copy_from_slice(&round.to_le_bytes());
        guard.judge(round, &[Group { key, part: Part { plants: 8, change: &change } }]).unwrap();
    }
    assert_eq!(guard.records.len(), MOST_GROUPS);
    let memory = guard.memory();
    assert_eq!(Guard::new(RULES, &memory).unwrap(), guard);
    assert_eq!(Guard::new(RULES, &memory[..100]), Err(GuardError::Memory));
    assert_eq!(Guard::new(RULES, &[0xff; 64]), Err(GuardError::Memory));
}
