//! Trains the classifier on pictures, and examines it on days, plants and attacks that it has not seen.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use fieldward_agent::classify::{BENIGN, Classifier, Model};
use fieldward_agent::learn::classifier::{Example, Training, train};
use fieldward_agent::learn::familiar::familiar;

use crate::lessons::Row;

/// A classifier trained on some rows, with its temperature from others.
pub fn teach(learn: &[&Row], calibrate: &[&Row], how: &Training) -> Result<Model> {
    let classes: BTreeSet<String> = learn.iter().map(|row| row.class.clone()).collect();
    let classes: Vec<String> = classes.into_iter().collect();
    let place: BTreeMap<&str, usize> =
        classes.iter().enumerate().map(|(at, class)| (class.as_str(), at)).collect();
    let mut pictures: BTreeMap<_, f32> = BTreeMap::new();
    for row in learn {
        *pictures.entry(row.incident()).or_default() += 1.0;
    }
    let mut examples = Vec::with_capacity(learn.len());
    for row in learn {
        // An incident counts as much as another, its last picture as much as all before: where two
        // techniques look alike, the commoner one is named.
        let weight = if row.is_last { 1.0 } else { 1.0 / pictures[&row.incident()] };
        let input = row.input().context("pictures of another version")?;
        examples.push(Example { input, class: place[row.class.as_str()], weight });
    }
    let weights = train(&examples, classes.len(), None, how)?;
    // Of each incident how it ended: what it was on the way is a part of that.
    let mut lasts = learn.iter().map(|row| row.is_last);
    examples.retain(|_| lasts.next().unwrap_or_default());
    let familiar = familiar(&examples, |class| classes.get(class).is_some_and(|class| class == BENIGN));
    let mut model = Model { classes, weights, temperature: 1.0, familiar, unknown: 0.0 };
    model.temperature = temperature(&model, calibrate)?;
    model.unknown = unknown(&model, calibrate)?;
    Ok(model)
}

/// The temperature at which the calibration rows surprise least.
fn temperature(model: &Model, rows: &[&Row]) -> Result<f32> {
    let mut best = (f64::INFINITY, 1.0);
    for step in 0..40 {
        let temperature = 0.4 * 1.07_f32.powi(step);
        let classifier = load(&Model { temperature, ..model.clone() })?;
        let mut surprise = 0.0;
        for row in rows.iter().filter(|row| row.is_last) {
            let Some(at) = classifier.classes().iter().position(|class| *class == row.class) else {
                continue;
            };
            let shares = classifier.probabilities(&row.input().context("pictures of another version")?);
            surprise -= f64::from(shares[at].max(1e-6).ln());
        }
        if surprise < best.0 {
            best = (surprise, temperature);
        }
    }
    Ok(best.1)
}

/// Within which distance all but a few of the calibration attacks lie.
fn unknown(model: &Model, rows: &[&Row]) -> Result<f32> {
    let classifier = load(model)?;
    let attacks = rows.iter().filter(|row| row.is_last && row.attack.is_some());
    let mut far: Vec<f32> = attacks.map(|row| strangeness(&classifier, row)).collect::<Result<_>>()?;
    far.sort_by(f32::total_cmp);
    Ok(far.get(far.len() - far.len().div_ceil(20).min(far.len())).copied().unwrap_or(f32::MAX))
}

/// How far a picture lies from what the classifier was taught.
pub fn strangeness(classifier: &Classifier, row: &Row) -> Result<f32> {
    Ok(classifier.strangeness(&row.input().context("pictures of another version")?))
}

/// The classifier of a model.
pub fn load(model: &Model) -> Result<Classifier> {
    Ok(Classifier::load(&Classifier::save(model))?)
}

/// How good a classifier is.
#[derive(Clone, Debug, Default)]
pub struct Grades {
    /// Cases: each attack once, and what is benign but shows something.
    pub cases: usize,
    /// The mean of the classes' F1.
    pub macro_f1: f64,
    /// Share of attacks whose first technique is theirs, and one that is right too; and that among three.
    pub first: f64,
    /// The same with those that are right too.
    pub acceptable: f64,
    /// Right or acceptable among the first three.
    pub three: f64,
    /// Expected calibration error: 15 bins of equal mass.
    pub calibration: f64,
    /// F1 of each class, with how many cases it had.
    pub classes: Vec<(String, f64, usize)>,
    /// What was taken for what, the commonest first.
    pub mistakes: Vec<(String, String, usize)>,
}

/// Examines a classifier on the cases among rows.
pub fn grade(classifier: &Classifier, rows: &[&Row]) -> Result<Grades> {
    let cases = cases(rows);
    let mut tallies: BTreeMap<String, [f64; 3]> = BTreeMap::new();
    let mut mistakes: BTreeMap<(String, String), usize> = BTreeMap::new();
    let (mut attacks, mut first, mut acceptable, mut three) = (0.0, 0.0, 0.0, 0.0);
    let mut sure = Vec::new();
    for row in &cases {
        let shares = classifier.probabilities(&row.input().context("pictures of another version")?);
        let mut ranked: Vec<(&str, f32)> =
            classifier.classes().iter().map(String::as_str).zip(shares).collect();
        ranked.sort_by(|one, other| other.1.total_cmp(&one.1));
        let (said, share) = ranked.first().copied().context("no classes")?;
        let is_right = said == row.class;
        sure.push((share, is_right));
        tallies.entry(row.class.clone()).or_default()[usize::from(!is_right)] += 1.0;
        if !is_right {
            tallies.entry(said.to_owned()).or_default()[2] += 1.0;
            let about = row.attack.clone().unwrap_or_else(|| row.class.clone());
            *mistakes.entry((about, said.to_owned())).or_default() += 1;
        }
        if row.attack.is_some() {
            attacks += 1.0;
            ranked.retain(|(class, _)| *class != BENIGN);
            let fits = |(class, _): &(&str, f32)| {
                *class == row.class || row.acceptable.iter().any(|one| one == class)
            };
            let yes = |is: bool| f64::from(u8::from(is));
            first += yes(ranked.first().is_some_and(|(class, _)| *class == row.class));
            acceptable += yes(ranked.first().is_some_and(fits));
            three += yes(ranked.iter().take(3).any(fits));
        }
    }
    let f1 = |[right, missed, wrong]: &[f64; 3]| 2.0 * right / (2.0 * right + missed + wrong).max(1.0);
    let with_cases = tallies.iter().filter(|(_, [right, missed, _])| right + missed > 0.0);
    let classes: Vec<(String, f64, usize)> =
        with_cases.map(|(class, tally)| (class.clone(), f1(tally), (tally[0] + tally[1]) as usize)).collect();
    let mut mistakes: Vec<_> = mistakes.into_iter().map(|((is, said), count)| (is, said, count)).collect();
    mistakes.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    Ok(Grades {
        cases: cases.len(),
        macro_f1: classes.iter().map(|(_, f1, _)| f1).sum::<f64>() / classes.len().max(1) as f64,
        first: first / f64::max(attacks, 1.0),
        acceptable: acceptable / f64::max(attacks, 1.0),
        three: three / f64::max(attacks, 1.0),
        calibration: calibration(sure),
        classes,
        mistakes,
    })
}

/// Each attack once, by its incident with the surest evidence; what is benign where there is something to judge.
pub fn cases<'a>(rows: &[&'a Row]) -> Vec<&'a Row> {
    let mut attacks: BTreeMap<_, &Row> = BTreeMap::new();
    let mut cases = Vec::new();
    for row in rows.iter().filter(|row| row.is_last) {
        match &row.attack {
            Some(attack) => {
                let best = attacks.entry((&row.plant, row.site, row.seed, attack)).or_insert(row);
                if row.sure > best.sure {
                    *best = row;
                }
            }
            None if row.sure >= WORTH => cases.push(*row),
            None => {}
        }
    }
    cases.extend(attacks.into_values());
    cases
}

/// Expected calibration error.
fn calibration(mut sure: Vec<(f32, bool)>) -> f64 {
    sure.sort_by(|one, other| one.0.total_cmp(&other.0));
    let count = sure.len().max(1) as f64;
    let bins = sure.chunks(sure.len().div_ceil(15).max(1));
    let error = |bin: &[(f32, bool)]| {
        let said: f64 = bin.iter().map(|(share, _)| f64::from(*share)).sum();
        let right = bin.iter().filter(|(_, is_right)| *is_right).count() as f64;
        (said - right).abs()
    };
    bins.map(error).sum::<f64>() / count
}

/// The area under the curve: how likely one of `yes` lies above one of `no`.
pub fn area(yes: &[f32], no: &[f32]) -> f64 {
    let mut sum = 0.0;
    for one in yes {
        for other in no {
            sum += if one > other {
                1.0
            } else if one == other {
                0.5
            } else {
                0.0
            };
        }
    }
    sum / (yes.len() * no.len()).max(1) as f64
}

/// What is benign is examined where the evidence is at least this sure.
const WORTH: f32 = 0.5;
