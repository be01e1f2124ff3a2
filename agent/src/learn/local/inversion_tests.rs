//! What can be read off the gradient of a minute by the first layer of the autoencoder (an LSTM cell). Its gradient is
//! the sum, over the twelve steps, of what went in times how the error changes with the gates; that of the bias is the
//! sum of the latter alone. So a minute whose steps are alike is their quotient, and of any other minute the steps'
//! span is that of the gradient. Both attacks are shown to work where nothing protects the minute.

use fastrand::Rng;
use fieldward_shared::privacy::keystream::Keystream;
use fieldward_shared::weights::WeightVector;

use crate::features::COUNT;
use crate::learn::clipped::clipped;
use crate::learn::gaussian::Gaussian;
use crate::learn::model::{Autoencoder, initial, layout};
use crate::learn::steps::{STEPS, WIDTH};

/// Scaled minutes: around levels that all minutes have in common, with what is their own. `lively` steps differ.
fn minutes(count: usize, lively: bool) -> Vec<Vec<f32>> {
    let mut chance = Rng::with_seed(11);
    let usual: Vec<f32> = (0..COUNT).map(|_| chance.f32() * 2.0 - 1.0).collect();
    (0..count)
        .map(|_| {
            let own: Vec<f32> = usual.iter().map(|value| value + chance.f32() - 0.5).collect();
            let mut step = |value: &f32| if lively { value + chance.f32() - 0.5 } else { *value };
            (0..STEPS).flat_map(|_| own.iter().map(&mut step).collect::<Vec<f32>>()).collect()
        })
        .collect()
}

/// The gradient of a minute, cut to one, by the first layer: a row for each feature, and that of the bias.
fn seen(network: &Autoencoder, minute: &[f32], noise: Option<u8>) -> (Vec<Vec<f64>>, Vec<f64>) {
    let gradient = clipped(network, minute, COUNT, 1.0).gradient;
    let mut gradient: Vec<f64> = gradient.into_iter().map(f64::from).collect();
    if let Some(seed) = noise {
        Gaussian::new(&mut Keystream::new(&[seed; 32])).add(1.0, &mut gradient);
    }
    let layout = layout();
    let part = |name: &str| gradient[layout.range(name).unwrap()].to_vec();
    let (input, bias) = (part("encoder input"), part("encoder bias"));
    (input.chunks_exact(bias.len()).map(<[f64]>::to_vec).collect(), bias)
}

fn network() -> Autoencoder {
    Autoencoder::plain(&WeightVector::new(&layout(), initial(COUNT, 3)).unwrap()).unwrap()
}

fn length(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

fn off(found: &[f64], is: &[f32]) -> f64 {
    let wrong = found.iter().zip(is).map(|(found, is)| found - f64::from(*is));
    length(wrong) / length(is.iter().map(|is| f64::from(*is)))
}

#[test]
fn a_still_minute_can_be_read_off_a_bare_gradient_and_not_off_a_noised_one() {
    let network = network();
    let all = minutes(200, false);
    let mean: Vec<f64> = (0..COUNT)
        .map(|at| all.iter().map(|minute| f64::from(minute[at])).sum::<f64>() / all.len() as f64)
        .collect();
    let invert = |minute: &[f32], noise| -> Vec<f64> {
        let (input, bias) = seen(&network, minute, noise);
        let loudest = (0..bias.len()).max_by(|one, other| bias[*one].abs().total_cmp(&bias[*other].abs()));
        let at = loudest.unwrap_or_default();
        input.iter().map(|row| row[at] / bias[at]).collect()
    };
    let (mut noised, mut by_mean) = (0.0, 0.0);
    for (nth, minute) in all.iter().enumerate().take(20) {
        let is = &minute[..COUNT];
        let bare = off(&invert(minute, None), is);
        assert!(bare < 1e-4, "the attack itself must work: {bare}");
        noised += off(&invert(minute, Some(nth as u8)), is) / 20.0;
        by_mean += off(&mean, is) / 20.0;
    }
    assert!(noised >= by_mean, "error {noised}, and {by_mean} for the mean of all");
}

/// So many directions that hold most of these columns, each the one that is left longest (Gram and Schmidt).
fn span(columns: &[Vec<f64>], wanted: usize) -> Vec<Vec<f64>> {
    let mut left = columns.to_vec();
    let mut span: Vec<Vec<f64>> = Vec::new();
    while span.len() < wanted {
        let long = |column: &Vec<f64>| length(column.iter().copied());
        let Some(longest) = left.iter().max_by(|one, other| long(one).total_cmp(&long(other))) else { break };
        let by = long(longest).max(f64::MIN_POSITIVE);
        let direction: Vec<f64> = longest.iter().map(|value| value / by).collect();
        // Twice: what is left over after once is rounding, and long for columns that are nearly alike.
        for _ in 0..2 {
            left.iter_mut().for_each(|column| take_off(column, &direction));
        }
        span.push(direction);
    }
    span
}

fn take_off(column: &mut [f64], direction: &[f64]) {
    let along: f64 = column.iter().zip(direction).map(|(one, other)| one * other).sum();
    column.iter_mut().zip(direction).for_each(|(value, part)| *value -= along * part);
}

/// Which share of a minute lies outside of these directions.
fn outside(minute: &[f32], span: &[Vec<f64>]) -> f64 {
    let rest = minute.chunks_exact(COUNT).flat_map(|step| {
        let mut rest: Vec<f64> = step.iter().map(|value| f64::from(*value)).collect();
        span.iter().for_each(|direction| take_off(&mut rest, direction));
        rest
    });
    length(rest) / length(minute.iter().map(|value| f64::from(*value)))
}

#[test]
fn the_span_of_a_lively_minute_can_be_read_off_a_bare_gradient_and_not_off_a_noised_one() {
    let network = network();
    let all = minutes(40, true);
    let columns = |noise, minute: &[f32]| -> Vec<Vec<f64>> {
        let (input, bias) = seen(&network, minute, noise);
        (0..bias.len()).map(|at| input.iter().map(|row| row[at]).collect()).collect()
    };
    // What anybody would guess: the directions of other minutes.
    let others: Vec<Vec<f64>> = all[20..]
        .iter()
        .flat_map(|minute| minute.chunks_exact(COUNT))
        .map(|step| step.iter().map(|value| f64::from(*value)).collect())
        .collect();
    let guessed = span(&others, STEPS);
    let (mut bare, mut noised, mut by_guess) = (0.0, 0.0, 0.0);
    for (nth, minute) in all.iter().enumerate().take(20) {
        assert_eq!(minute.len(), WIDTH);
        bare += outside(minute, &span(&columns(None, minute), STEPS)) / 20.0;
        noised += outside(minute, &span(&columns(Some(nth as u8), minute), STEPS)) / 20.0;
        by_guess += outside(minute, &guessed) / 20.0;
    }
    assert!(bare < 0.02, "the attack itself must work: {bare}");
    assert!(noised >= by_guess && noised > 10.0 * bare, "{noised} outside, and {by_guess} of a guess");
}
