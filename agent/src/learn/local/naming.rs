//! The classifier of this plant: a shared body under a last layer of its own. What everybody knows, the answers of
//! the shipped classifier to the cases that were shipped with it, is learnt beside the plant's own cases, so that
//! a few verdicts do not wash away what thousands of simulated attacks taught.

use fastrand::Rng;
use fieldward_shared::weights::{Misfit, WeightVector};

use super::classifier::{Case, Last, body, think};
use crate::classify::{Classifier, Input, Model, SECOND, layout};
use crate::learn::labels::Labelled;
use crate::learn::learner::Judgement;

/// What is known without any plant.
pub struct Shipped {
    /// The shipped model.
    pub model: Model,
    /// Its cases, and its answers to them.
    pub cases: Vec<Case>,
}

impl Shipped {
    /// From the model of this program.
    pub fn new(model: Model) -> Option<Self> {
        let classifier = Classifier::load(&Classifier::save(&model)).ok()?;
        let mut chance = Rng::with_seed(SEED);
        let mut cases = Vec::new();
        for input in model.familiar.inputs() {
            // As it is, and with less to see: what is faint is as often benign.
            for faint in [1.0, 0.75, 0.5, 0.25] {
                let seen = input.map(|value| if chance.f32() < faint { value * faint } else { 0.0 });
                let seen = if faint == 1.0 { input } else { seen };
                cases.push(Case { truth: classifier.probabilities(&seen), input: seen });
            }
        }
        Some(Self { model, cases })
    }

    /// The plant's own cases in the same form.
    pub fn own(&self, labelled: &[Labelled]) -> Vec<Case> {
        let truth = |class: &str| -> Vec<f32> {
            self.model.classes.iter().map(|known| f32::from(u8::from(known == class))).collect()
        };
        labelled.iter().map(|one| Case { input: one.input, truth: truth(&one.class) }).collect()
    }

    /// The plant's model: this body, and a last layer and a temperature for what is known and what is its own.
    pub fn fit(&self, shared: &[f32], own: &[Case]) -> Result<Model, Misfit> {
        let (start, classes) = (last_of(&self.model), self.model.classes.len());
        let mut last = start.clone();
        let many = (self.cases.len() + own.len()).max(1) as f32;
        // The body stays as it is, and so does what it makes of each.
        let seen = self.cases.iter().chain(own).map(|case| (think(shared, case).1, &case.truth));
        let seen: Vec<_> = seen.collect();
        for _ in 0..STEPS {
            let mut found = Last { weights: vec![0.0; SECOND * classes], bias: vec![0.0; classes] };
            for (deep, truth) in &seen {
                let (off, _) = last.off(deep, truth);
                for (value, sums) in deep.iter().zip(found.weights.chunks_exact_mut(classes)) {
                    sums.iter_mut().zip(&off).for_each(|(sum, off)| *sum += value * off / many);
                }
                found.bias.iter_mut().zip(&off).for_each(|(sum, off)| *sum += off / many);
            }
            last.weights.iter_mut().zip(found.weights).for_each(|(to, by)| *to -= RATE * by);
            last.bias.iter_mut().zip(found.bias).for_each(|(to, by)| *to -= RATE * by);
        }
        let values = [shared, &last.weights, &last.bias].concat();
        let weights = WeightVector::new(&layout(classes), values)?;
        let model = Model { weights, ..self.model.clone() };
        let temperature = temperature(&model, self.cases.iter().chain(own));
        Ok(Model { temperature, ..model })
    }

    /// Judges a model against the one at work on cases that nothing was learnt from, and on what is known.
    pub fn judge(&self, candidate: &Model, present: &Model, held: &[Case]) -> Option<Judgement> {
        let grade = |model: &Model| {
            let classifier = Classifier::load(&Classifier::save(model)).ok()?;
            Some((grade(&classifier, held), grade(&classifier, &self.cases)))
        };
        let ((own, known), (own_now, known_now)) = (grade(candidate)?, grade(present)?);
        let (of, now) = if held.is_empty() { (known, known_now) } else { (own, own_now) };
        let no_worse = |one: Grade, other: Grade, tolerance: f64| {
            one.loss.is_finite() && one.loss <= other.loss + tolerance && one.right + tolerance >= other.right
        };
        Some(Judgement {
            windows: held.len() as u64,
            loss: of.loss as f32,
            accuracy: of.right as f32,
            present: now.right as f32,
            accepts: no_worse(own, own_now, TOLERANCE) && no_worse(known, known_now, KNOWN_TOLERANCE),
        })
    }
}

/// The shared part of a model.
pub fn body_of(model: &Model) -> Result<WeightVector, Misfit> {
    WeightVector::new(&body(), model.weights.values()[..body().count()].to_vec())
}

/// Its last layer.
pub fn last_of(model: &Model) -> Last {
    let rest = &model.weights.values()[body().count()..];
    let (weights, bias) = rest.split_at(SECOND * model.classes.len());
    Last { weights: weights.to_vec(), bias: bias.to_vec() }
}

#[derive(Clone, Copy)]
struct Grade {
    loss: f64,
    right: f64,
}

fn grade(classifier: &Classifier, cases: &[Case]) -> Grade {
    let first =
        |shares: &[f32]| (0..shares.len()).max_by(|one, other| shares[*one].total_cmp(&shares[*other]));
    let (mut loss, mut right) = (0.0, 0.0);
    for case in cases {
        let shares = classifier.probabilities(&case.input);
        right += f64::from(u8::from(first(&shares) == first(&case.truth)));
        loss += surprise(&shares, &case.truth);
    }
    let many = cases.len().max(1) as f64;
    Grade { loss: loss / many, right: right / many }
}

fn surprise(shares: &[f32], truth: &[f32]) -> f64 {
    let each = shares.iter().zip(truth).map(|(share, truth)| f64::from(truth * share.max(1e-6).ln()));
    -each.sum::<f64>()
}

/// The temperature at which cases surprise least.
fn temperature<'a>(model: &Model, cases: impl Iterator<Item = &'a Case> + Clone) -> f32 {
    let tried = (0..30).filter_map(|step| {
        let temperature = 0.5 * 1.06_f32.powi(step);
        let model = Model { temperature, ..model.clone() };
        let classifier = Classifier::load(&Classifier::save(&model)).ok()?;
        let shares = |input: &Input| classifier.probabilities(input);
        let loss: f64 = cases.clone().map(|case| surprise(&shares(&case.input), &case.truth)).sum();
        Some((loss, temperature))
    });
    tried.min_by(|one, other| one.0.total_cmp(&other.0)).map_or(model.temperature, |(_, best)| best)
}

/// Steps by which the last layer is fitted, and how far each goes.
const STEPS: usize = 200;
const RATE: f32 = 0.2;
/// What is shipped is the same at all plants.
const SEED: u64 = 1;
/// A loss that is so little larger is no worse.
const TOLERANCE: f64 = 0.02;
/// What everybody knows may be known a little less where the plant knows better.
const KNOWN_TOLERANCE: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::BENIGN;

    #[test]
    fn verdicts_teach_and_what_was_shipped_stays() {
        let shipped = Shipped::new(Model::base().unwrap()).unwrap();
        assert!(shipped.cases.len() > 100, "{}", shipped.cases.len());
        // A benign habit of this plant that looks like an attack.
        let benign = shipped.model.classes.iter().position(|class| class == BENIGN).unwrap();
        let odd = shipped.cases.iter().find(|case| case.truth[benign] < 0.05).unwrap().input;
        let mut chance = Rng::with_seed(2);
        let mut labelled = |number| Labelled {
            number,
            input: odd.map(|value| value * (0.9 + 0.2 * chance.f32())),
            class: BENIGN.to_owned(),
        };
        let own = shipped.own(&(0..40).map(&mut labelled).collect::<Vec<_>>());
        let held = shipped.own(&(40..50).map(&mut labelled).collect::<Vec<_>>());
        let body = body_of(&shipped.model).unwrap();
        let taught = shipped.fit(body.values(), &own).unwrap();
        let judged = shipped.judge(&taught, &shipped.model, &held).unwrap();
        assert!(judged.accuracy > judged.present, "{judged:?}");
        // Noise for a body.
        let noise = body.values().iter().map(|_| chance.f32() - 0.5).collect::<Vec<_>>();
        let spoilt = shipped.fit(&noise, &own).unwrap();
        let refused = shipped.judge(&spoilt, &shipped.model, &held).unwrap();
        assert!(!refused.accepts, "{refused:?}");
        let same = shipped.fit(body.values(), &[]).unwrap();
        assert!(shipped.judge(&same, &shipped.model, &[]).unwrap().accepts);
    }
}
