//! What holds for every strategy there is: one that is added to the list is judged here.

mod poisoning;
mod task;

use super::robust::RobustError;
use super::*;

/// Fit for every one of them.
pub const SETTINGS: Settings = Settings { rate: 1.0, liars: 1, proximal: 0.01 };

fn made(kind: &Kind) -> Box<dyn Strategy> {
    (kind.new)(&SETTINGS, &[]).unwrap_or_else(|error| panic!("{}: {error}", kind.name))
}

fn parts(changes: &[Vec<f32>]) -> Vec<Part<'_>> {
    changes.iter().map(|change| Part { plants: 1, change }).collect()
}

fn some(seed: u64, count: usize) -> Vec<Vec<f32>> {
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..count).map(|_| (0..9).map(|_| rng.f32() * 2.0 - 1.0).collect()).collect()
}

#[test]
fn names_are_words_and_known() {
    for kind in STRATEGIES {
        let is_word = kind.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(is_word && kind.about.ends_with('.'), "{}", kind.name);
        assert_eq!(super::kind(kind.name).map(|kind| kind.about), Some(kind.about), "{}", kind.name);
    }
}

#[test]
fn order_makes_no_difference() {
    for kind in STRATEGIES {
        for seed in 0..20 {
            let mut changes = some(seed, 7);
            // Two of a kind, so that there are ties.
            changes[1] = changes[0].clone();
            let (mut one, mut other) = (made(kind), made(kind));
            let found = one.combine(&parts(&changes)).unwrap();
            fastrand::Rng::with_seed(seed).shuffle(&mut changes);
            let again = other.combine(&parts(&changes)).unwrap();
            assert_eq!(
                found.iter().map(|value| value.to_bits()).collect::<Vec<_>>(),
                again.iter().map(|value| value.to_bits()).collect::<Vec<_>>(),
                "{}",
                kind.name
            );
            assert_eq!(one.memory(), other.memory(), "{}", kind.name);
        }
    }
}

/// A strategy that remembers has a pace of its own; all others give back what all said.
#[test]
fn equal_parts_come_back() {
    for kind in STRATEGIES {
        let same = vec![0.25, -3.0, 0.0];
        let mut strategy = made(kind);
        let found = strategy.combine(&parts(&vec![same.clone(); 7])).unwrap();
        assert_eq!(found, made(kind).combine(&parts(&vec![same.clone(); 11])).unwrap(), "{}", kind.name);
        if strategy.memory().is_empty() {
            let is_near = found.iter().zip(&same).all(|(found, wanted)| (found - wanted).abs() < 1e-6);
            assert!(is_near, "{}: {found:?}", kind.name);
        } else {
            let signs = |values: &[f32]| values.iter().map(|value| value.total_cmp(&0.0)).collect::<Vec<_>>();
            assert_eq!(signs(&found), signs(&same), "{}", kind.name);
        }
    }
}

#[test]
fn what_makes_no_model_is_refused() {
    for kind in STRATEGIES {
        let refused = |changes: &[Vec<f32>]| made(kind).combine(&parts(changes)).unwrap_err();
        let mut odd = some(1, 7);
        odd[6].pop();
        assert_eq!(refused(&odd), StrategyError::Parts(RobustError::Shape(7)), "{}", kind.name);
        assert_eq!(refused(&[]), StrategyError::Parts(RobustError::Shape(0)), "{}", kind.name);
        assert!(matches!(refused(&[vec![], vec![]]), StrategyError::Parts(_)), "{}", kind.name);
        for wild in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut changes = some(2, 7);
            changes[3][4] = wild;
            assert_eq!(refused(&changes), StrategyError::NotFinite, "{}", kind.name);
        }
        let none = [Part { plants: 0, change: &[1.0] }; 7];
        assert!(made(kind).combine(&none).is_err(), "{}", kind.name);
        // Finite as they are, what comes of them need not be.
        let fast = Settings { rate: 10.0, ..SETTINGS };
        if let Ok(found) =
            (kind.new)(&fast, &[]).unwrap().combine(&parts(&vec![vec![f32::MAX, -f32::MAX]; 7]))
        {
            assert!(found.iter().all(|value| value.is_finite()), "{}", kind.name);
        }
    }
}

#[test]
fn a_refusal_leaves_no_trace() {
    for kind in STRATEGIES {
        let mut strategy = made(kind);
        strategy.combine(&parts(&some(3, 7))).unwrap();
        let before = strategy.memory();
        let mut wild = some(4, 7);
        wild[0][0] = f32::NAN;
        strategy.combine(&parts(&wild)).unwrap_err();
        assert_eq!(strategy.memory(), before, "{}", kind.name);
    }
}

#[test]
fn settings_that_lead_nowhere_are_refused() {
    for kind in STRATEGIES {
        for rate in [0.0, -1.0, 11.0, f64::NAN, f64::INFINITY] {
            let refused = (kind.new)(&Settings { rate, ..SETTINGS }, &[]);
            assert!(matches!(refused, Err(StrategyError::Settings { name: "rate", .. })), "{}", kind.name);
        }
        let refused = (kind.new)(&Settings { proximal: f64::NAN, ..SETTINGS }, &[]);
        assert!(matches!(refused, Err(StrategyError::Settings { name: "proximal", .. })), "{}", kind.name);
    }
    let refused = (fedprox::KIND.new)(&Settings { proximal: 0.0, ..SETTINGS }, &[]);
    assert!(matches!(refused, Err(StrategyError::Settings { .. })));
}

#[test]
fn what_must_see_each_goes_with_no_masking() {
    for kind in STRATEGIES {
        assert_eq!(chosen(kind.name, false).map(|kind| kind.name), Ok(kind.name));
        let several = [Part { plants: 2, change: &[1.0] }; 7];
        let found = made(kind).combine(&several);
        match kind.sees {
            Sees::Groups => {
                assert_eq!(chosen(kind.name, true).map(|kind| kind.name), Ok(kind.name));
                assert!(found.is_ok(), "{}", kind.name);
            }
            Sees::Each => {
                let Err(error) = chosen(kind.name, true) else { panic!("{} was let through", kind.name) };
                assert!(error.to_string().contains("masking") && error.to_string().contains("fedavg"));
                assert_eq!(found, Err(StrategyError::Hidden(kind.name)));
            }
        }
    }
    let Err(error) = chosen("krum", true) else { panic!("there is none") };
    assert!(error.to_string().contains("multi_krum"), "{error}");
}

/// Five that agree and two that lie; what each makes of them is known.
#[test]
fn known_updates_give_known_steps() {
    let updates =
        [[1.0, 0.0], [1.1, 0.1], [0.9, -0.1], [1.0, 0.05], [0.95, 0.02], [-10.0, 10.0], [-10.0, 9.5]];
    let changes: Vec<Vec<f32>> = updates.iter().map(|update| update.to_vec()).collect();
    let krum = [(1.0 + 0.95 + 1.0) / 3.0, (0.05 + 0.02) / 3.0];
    for (name, wanted) in [
        ("fedavg", [-2.15, 2.795714]),
        ("fedprox", [-2.15, 2.795714]),
        ("trimmed_groups", [0.95, 0.0566667]),
        ("trimmed_mean", [0.95, 0.0566667]),
        ("median", [0.95, 0.05]),
        ("geometric_median", [0.959079, 0.029563]),
        ("multi_krum", krum),
    ] {
        let kind = super::kind(name).expect("it is there");
        let mut strategy = (kind.new)(&Settings { liars: 2, ..SETTINGS }, &[]).unwrap();
        let found = strategy.combine(&parts(&changes)).unwrap();
        let is_near =
            found.iter().zip(wanted).all(|(found, wanted)| (f64::from(*found) - wanted).abs() < 2e-6);
        assert!(is_near, "{name}: {found:?}, wanted {wanted:?}");
    }
}

#[test]
fn half_the_way_is_half_the_step() {
    let half = Settings { rate: 0.5, ..SETTINGS };
    let mut strategy = (median::KIND.new)(&half, &[]).unwrap();
    assert_eq!(strategy.combine(&parts(&vec![vec![1.0, -2.0]; 5])).unwrap(), [0.5, -1.0]);
}
