//! Typical cases of what the classifier was taught: of each class the middles of a few clusters (Lloyd's
//! algorithm, begun with the cases that are furthest from each other, so that no chance is needed).

use crate::classify::{Familiar, INPUTS, Input};

use super::classifier::Example;

/// Typical cases of all classes but those that `leave` says.
pub fn familiar(examples: &[Example], leave: impl Fn(usize) -> bool) -> Familiar {
    let most = examples.iter().map(|example| example.class).max().unwrap_or_default();
    let of = |class: usize| -> Vec<&Input> {
        examples.iter().filter(|one| one.class == class).map(|one| &one.input).collect()
    };
    let classes: Vec<Vec<&Input>> = (0..=most).filter(|class| !leave(*class)).map(of).collect();
    let scale = scale(&classes);
    let middles: Vec<Input> = classes.iter().flat_map(|cases| middles(cases, &scale)).collect();
    Familiar::new(scale, &middles)
}

/// How much the cases of a class differ from their mean in each number.
fn scale(classes: &[Vec<&Input>]) -> Vec<f32> {
    let mut squares = [0.0; INPUTS];
    for cases in classes {
        let mean = mean(cases);
        for case in cases {
            for ((sum, value), mean) in squares.iter_mut().zip(*case).zip(&mean) {
                *sum += (value - mean).powi(2);
            }
        }
    }
    let count = classes.iter().map(Vec::len).sum::<usize>().max(1) as f32;
    squares.iter().map(|sum| (sum / count).sqrt() + LEAST).collect()
}

fn middles(cases: &[&Input], scale: &[f32]) -> Vec<Input> {
    let Some(first) = cases.first() else { return Vec::new() };
    let mut middles: Vec<Input> = vec![**first];
    while middles.len() < MIDDLES.min(cases.len()) {
        let far = |case: &Input| nearest(case, &middles, scale).1;
        let furthest = cases.iter().max_by(|one, other| far(one).total_cmp(&far(other)));
        middles.extend(furthest.map(|case| **case));
    }
    for _ in 0..ROUNDS {
        let places: Vec<usize> = cases.iter().map(|case| nearest(case, &middles, scale).0).collect();
        for (at, middle) in middles.iter_mut().enumerate() {
            let own = cases.iter().zip(&places).filter(|(_, place)| **place == at);
            let own: Vec<&Input> = own.map(|(case, _)| *case).collect();
            if !own.is_empty() {
                *middle = mean(&own);
            }
        }
    }
    middles
}

fn nearest(case: &Input, middles: &[Input], scale: &[f32]) -> (usize, f32) {
    let square = |middle: &Input| -> f32 {
        let numbers = case.iter().zip(middle).zip(scale);
        numbers.map(|((is, was), scale)| ((is - was) / scale).powi(2)).sum()
    };
    let squares = middles.iter().map(square).enumerate();
    squares.min_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or_default()
}

fn mean(cases: &[&Input]) -> Input {
    let mut mean = [0.0; INPUTS];
    for case in cases {
        mean.iter_mut().zip(*case).for_each(|(sum, value)| *sum += value / cases.len() as f32);
    }
    mean
}

/// Typical cases of a class.
const MIDDLES: usize = 12;
const ROUNDS: usize = 20;
/// Cases differ by no less than this: a number that never varied says little when it does.
const LEAST: f32 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taught_is_near_and_what_was_not_is_far() {
        let mut chance = fastrand::Rng::with_seed(3);
        let mut case = |class: usize| {
            let mut input = [0.0; INPUTS];
            input.iter_mut().for_each(|value| *value = chance.f32() * 0.2);
            input[class * 5] += 3.0;
            input[40 + class] += chance.f32() * 2.0;
            input
        };
        let mut examples = Vec::new();
        for class in 0..4 {
            examples.extend((0..50).map(|_| Example { input: case(class), class, weight: 1.0 }));
        }
        let familiar = familiar(&examples, |class| class == 3);
        assert!(familiar.is_sound());
        let mut furthest = 0.0_f32;
        for example in examples.iter().filter(|example| example.class < 3) {
            furthest = furthest.max(familiar.distance(&example.input));
        }
        for example in examples.iter().filter(|example| example.class == 3) {
            let distance = familiar.distance(&example.input);
            assert!(distance > 2.0 * furthest, "{distance} of {furthest}");
        }
        assert_eq!(Familiar::default().distance(&[1.0; INPUTS]), 0.0);
        assert!(!Familiar { scale: vec![0.0; INPUTS], ..familiar }.is_sound());
    }
}
