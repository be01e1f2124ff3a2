//! What can be told of a plant's cases from what its training gives away. Each attack is shown to work where
//! nothing protects them.

use fastrand::Rng;
use fieldward_shared::privacy::accountant::event::Mechanism;
use fieldward_shared::privacy::accountant::pld;
use fieldward_shared::privacy::keystream::Keystream;

use super::classifier::{Case, Cases, Last, body};
use crate::classify::{FIRST, INPUTS, SECOND};
use crate::learn::gaussian::Gaussian;
use crate::learn::learner::Settings;
use crate::learn::private::{Standing, Task as _, share, steps};

const CLASSES: usize = 10;

fn weights(chance: &mut Rng) -> Vec<f32> {
    let mut weights = Vec::new();
    for [inputs, outputs] in [[INPUTS, FIRST], [FIRST, SECOND]] {
        let bound = (6.0 / inputs as f32).sqrt();
        weights.extend((0..inputs * outputs).map(|_| (chance.f32() * 2.0 - 1.0) * bound));
        weights.extend((0..outputs).map(|_| 0.05));
    }
    weights
}

fn last(chance: &mut Rng) -> Last {
    Last {
        weights: (0..SECOND * CLASSES).map(|_| chance.f32() * 2.0 - 1.0).collect(),
        bias: vec![0.0; CLASSES],
    }
}

/// Whatever it is: no two are alike, and nothing in one tells its class.
fn canary(chance: &mut Rng) -> Case {
    let mut input = [0.0; INPUTS];
    input.iter_mut().for_each(|value| *value = if chance.f32() < 0.2 { chance.f32() * 3.0 } else { 0.0 });
    let mut truth = vec![0.0; CLASSES];
    truth[chance.usize(..CLASSES)] = 1.0;
    Case { input, truth }
}

#[test]
fn the_sum_of_cases_is_that_of_gradients_cut_one_by_one() {
    let mut chance = Rng::with_seed(4);
    let (weights, last) = (weights(&mut chance), last(&mut chance));
    let cases: Vec<Case> = (0..9).map(|_| canary(&mut chance)).collect();
    let task = Cases::new(cases.clone(), Vec::new(), last);
    let clip = 0.8;
    let mut sum = vec![0.0_f64; weights.len()];
    let mut cut = 0;
    for at in 0..cases.len() {
        let one = task.clipped(&weights, &[at], f64::INFINITY).unwrap();
        let norm = one.gradient.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        cut += usize::from(norm > clip);
        let factor = (clip / norm).min(1.0);
        sum.iter_mut().zip(&one.gradient).for_each(|(sum, value)| *sum += f64::from(*value) * factor);
    }
    let all: Vec<usize> = (0..cases.len()).collect();
    let found = task.clipped(&weights, &all, clip).unwrap();
    assert!(found.cut == cut && cut > 0, "{} and {cut}", found.cut);
    let off = found.gradient.iter().zip(&sum).map(|(one, other)| (f64::from(*one) - other).abs());
    assert!(off.fold(0.0, f64::max) < 1e-5);
    // And the gradient is that of the loss.
    let one = task.clipped(&weights, &[3], f64::INFINITY).unwrap().gradient;
    let places = (0..weights.len()).step_by(97).filter(|at| one[*at].abs() > 0.02).take(20);
    for at in places {
        let moved = |by: f32| {
            let mut weights = weights.clone();
            weights[at] += by;
            task.loss(&weights, &cases[3])
        };
        let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
        assert!((slope / f64::from(one[at]) - 1.0).abs() < 0.05, "{slope} and {} at {at}", one[at]);
    }
    assert_eq!(body().count(), weights.len());
}

#[test]
fn a_case_can_be_read_off_a_bare_gradient_and_not_off_a_noised_one() {
    let mut chance = Rng::with_seed(5);
    let (weights, last) = (weights(&mut chance), last(&mut chance));
    let cases: Vec<Case> = (0..400).map(|_| canary(&mut chance)).collect();
    let mean: Vec<f64> = (0..INPUTS)
        .map(|at| cases.iter().map(|case| f64::from(case.input[at])).sum::<f64>() / 400.0)
        .collect();
    let task = Cases::new(cases.clone(), Vec::new(), last);
    // What went into the first layer is its gradient divided by that of the bias.
    let invert = |gradient: &[f64]| -> Vec<f64> {
        let (first, bias) = (&gradient[..INPUTS * FIRST], &gradient[INPUTS * FIRST..][..FIRST]);
        let loudest = (0..FIRST).max_by(|one, other| bias[*one].abs().total_cmp(&bias[*other].abs()));
        let at = loudest.unwrap_or_default();
        (0..INPUTS).map(|input| first[input * FIRST + at] / bias[at]).collect()
    };
    let error = |found: &[f64], case: &Case| {
        let (mut off, mut all) = (0.0, 0.0);
        for (found, is) in found.iter().zip(case.input) {
            off += (found - f64::from(is)).powi(2);
            all += f64::from(is).powi(2);
        }
        (off / all).sqrt()
    };
    let (mut by_mean, mut noised) = (0.0, 0.0);
    for (at, case) in cases.iter().enumerate().take(20) {
        let bare = task.clipped(&weights, &[at], 1.0).unwrap().gradient;
        let bare: Vec<f64> = bare.into_iter().map(f64::from).collect();
        let found = error(&invert(&bare), case);
        assert!(found < 1e-4, "the attack itself must work: {found}");
        let mut covered = bare;
        Gaussian::new(&mut Keystream::new(&[at as u8; 32])).add(1.0, &mut covered);
        noised += error(&invert(&covered), case) / 20.0;
        by_mean += error(&mean, case) / 20.0;
    }
    assert!(noised >= by_mean, "error {noised}, and {by_mean} for the mean of all");
}

/// Trains on a half of the canaries, guesses from the losses which half it was, and says which epsilon that proves
/// at 95 %: the greater bound of both tails of the losses.
fn audit(canaries: usize, noise: f64, epochs: u32, seed: u64) -> (f64, Mechanism) {
    let mut chance = Rng::with_seed(seed);
    let (base, last) = (weights(&mut chance), last(&mut chance));
    let cases: Vec<Case> = (0..canaries).map(|_| canary(&mut chance)).collect();
    let inside: Vec<bool> = cases.iter().map(|_| chance.bool()).collect();
    let learnt = cases.iter().zip(&inside).filter(|(_, inside)| **inside).map(|(case, _)| case.clone());
    let mut task = Cases::new(learnt.collect(), Vec::new(), last);
    let batch = task.examples() as u32 / 5;
    let settings = Settings { epochs, batch, rate: 5e-3, proximal: 0.0, clip: 1.0, noise, seed: 0 };
    let share = share(task.examples(), batch);
    let mut standing = Standing::new(&base);
    for epoch in 0..epochs {
        let mut chance = Keystream::new(&[(seed as u8) ^ (epoch as u8).wrapping_mul(31); 32]);
        standing.epoch(&mut task, &base, share, &settings, &mut chance, &mut || {}).unwrap();
    }
    // By how much training lowered the loss of each: those it saw more.
    let gain = |case: &Case| task.loss(&base, case) - task.loss(&standing.weights, case);
    let mut gains: Vec<(f64, bool)> = cases.iter().map(gain).zip(inside).collect();
    gains.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (yes, no) = (gains.iter().filter(|one| one.1).count(), gains.iter().filter(|one| !one.1).count());
    let mut best = 0.0_f64;
    // The threshold is one that was fixed before: a quarter of all are called members, or called none.
    for (ordered, in_front) in [(gains.clone(), true), (gains.into_iter().rev().collect(), false)] {
        let front = &ordered[..ordered.len() / 4];
        let hits = front.iter().filter(|one| one.1 == in_front).count();
        let (all, others) = if in_front { (yes, no) } else { (no, yes) };
        let (least, most) = (interval(hits, all).0, interval(front.len() - hits, others).1);
        best = best.max(((least - DELTA) / most).ln());
    }
    let mechanism = Mechanism::Sampled { noise, rate: share, steps: steps(share) * u64::from(epochs) };
    (best, mechanism)
}

/// Between which shares the true one lies, so many hits of all (Wilson, 95 % each side).
fn interval(hits: usize, all: usize) -> (f64, f64) {
    let (share, all, z) = (hits as f64 / all as f64, all as f64, 1.96);
    let middle = share + z * z / (2.0 * all);
    let wide = z * (share * (1.0 - share) / all + z * z / (4.0 * all * all)).sqrt();
    let by = 1.0 + z * z / all;
    (((middle - wide) / by).max(0.0), (middle + wide) / by)
}

const DELTA: f64 = 1e-5;

#[test]
fn canaries_prove_no_more_than_was_claimed_and_much_without_noise() {
    let (bound, mechanism) = audit(400, 6.0, 40, 1);
    let claimed = pld::epsilon(&[mechanism], DELTA).unwrap();
    assert!(claimed < 2.5, "{claimed}");
    assert!(bound <= claimed, "the audit proves {bound}, claimed is {claimed}");
    let (without, _) = audit(400, 0.0, 40, 1);
    assert!(without > claimed, "without noise the audit proves {without} only, {claimed} was claimed");
}

/// `cargo test --release -p fieldward-agent --lib a_long_audit -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn a_long_audit_of_a_thousand_canaries() {
    for noise in [0.0, 2.0, 4.0, 8.0] {
        for seed in 1..=5 {
            let (bound, mechanism) = audit(1000, noise, 60, seed);
            let claimed =
                if noise > 0.0 { pld::epsilon(&[mechanism], DELTA).unwrap() } else { f64::INFINITY };
            println!("noise {noise}, seed {seed}: claimed {claimed:.2}, proven {bound:.2}");
            assert!(bound <= claimed);
            assert!(noise > 0.0 || bound > 2.5);
        }
    }
}
