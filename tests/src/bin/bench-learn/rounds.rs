//! Rounds in this process: plants train as agents do, cut their changes as agents do, and a strategy of the aggregator
//! makes the next model. How rounds go over a link is measured elsewhere.

use std::ops::ControlFlow;
use std::sync::mpsc::channel;

use anyhow::{Context, Result};
use fieldward_agent::features::COUNT;
use fieldward_agent::learn::dataset::Scaler;
use fieldward_agent::learn::learner::{Learner as _, Settings, Trained};
use fieldward_agent::learn::local::{Choices, Local};
use fieldward_agent::learn::model::{initial, layout};
use fieldward_agent::learn::windows::{Bounds, Minute};
use fieldward_aggregator::strategy::{self, Part, Sees, robust};
use fieldward_shared::privacy::accountant::event::Mechanism;
use fieldward_shared::privacy::accountant::rdp;
use fieldward_shared::weights::WeightVector;
use tempfile::TempDir;

use crate::Arguments;

/// What a liar does with what it would have sent.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Lie {
    /// The opposite.
    Flip,
    /// A model of its own, as much longer as there are plants: where it alone counts, it replaces the model.
    Replace,
    /// It learns attacks as if they were normal; otherwise it is honest.
    Teach,
}

/// What came of rounds.
pub struct Learnt {
    pub weights: WeightVector,
    /// Rounds that made no model.
    pub refused: u64,
    /// Rounds whose model was voted down.
    pub rejected: u64,
}

/// How plants learn together.
pub struct Way<'a> {
    pub strategy: &'a str,
    pub liars: usize,
    /// Plants of a group whose mean is seen.
    pub group: usize,
    /// Plants vote on each model, as they do in the product.
    pub vote: bool,
    /// The first plant lies.
    pub lie: Option<Lie>,
}

/// Rounds of plants.
pub fn together(
    plants: &[Vec<Minute>],
    scale: &dyn Fn(&[Minute]) -> Option<Scaler>,
    way: &Way<'_>,
    arguments: &Arguments,
) -> Result<Learnt> {
    let mut plants = plants
        .iter()
        .map(|minutes| plant(minutes, scale(minutes)))
        .collect::<Result<Vec<(TempDir, Local)>>>()?;
    let Arguments { epochs, batch, rate, clip, noise, proximal, .. } = *arguments;
    let kind = strategy::kind(way.strategy).context("no such strategy")?;
    let settings = strategy::Settings { rate: arguments.server_rate, liars: way.liars, proximal };
    let mut strategy = (kind.new)(&settings, &[])?;
    let mut learnt =
        Learnt { weights: WeightVector::new(&layout(), initial(COUNT, 0))?, refused: 0, rejected: 0 };
    let mut spent: Vec<Mechanism> = Vec::new();
    for round in 1..=arguments.rounds {
        let settings = Settings { epochs, batch, rate, proximal, clip, noise, seed: round };
        let trained = train(&mut plants, round, &learnt.weights, &settings)?;
        let loss = trained.iter().map(|one| f64::from(one.loss)).sum::<f64>() / trained.len() as f64;
        // All plants have about as many windows; the budget is that of the first.
        spent.extend(trained.first().and_then(|one| one.spent));
        let mut length = 0.0;
        let changes = trained.iter().enumerate().map(|(nth, one)| {
            let mut change = difference(&one.weights, &learnt.weights);
            length += norm(&change) / trained.len() as f64;
            let lie = way.lie.filter(|_| nth == 0);
            match lie {
                Some(Lie::Flip) => change.iter_mut().for_each(|value| *value = -*value),
                Some(Lie::Replace) => change.iter_mut().for_each(|value| *value *= -(trained.len() as f32)),
                _ => {}
            }
            // Who lies by length does not cut.
            if lie != Some(Lie::Replace) {
                cut(&mut change, arguments.cut);
            }
            change
        });
        let changes: Vec<Vec<f32>> = changes.collect();
        let says = format!("round {round}: loss {loss:.4}, changes of {length:.2}");
        let parts = parts(&changes, kind.sees, way.group, arguments.cut);
        let parts: Vec<Part<'_>> =
            parts.iter().map(|(plants, change)| Part { plants: *plants, change }).collect();
        let Ok(change) = strategy.combine(&parts) else {
            learnt.refused += 1;
            continue;
        };
        let values = learnt.weights.values().iter().zip(&change).map(|(weight, change)| weight + change);
        let next = learnt.weights.with(values.collect())?;
        if way.vote && !accepted(&mut plants, &next, way.lie.is_some())? {
            learnt.rejected += 1;
            continue;
        }
        learnt.weights = next;
        if arguments.verbose {
            eprintln!("{says}");
        }
    }
    if let Some(first) = spent.first() {
        let epsilon = rdp::epsilon(&spent, DELTA);
        eprintln!("each plant spent {} times {first:?}: epsilon {epsilon:.2} at {DELTA}", spent.len());
    }
    Ok(learnt)
}

/// Means of groups, or each; what is longer than an honest one can be is left out, as the aggregator does.
fn parts(changes: &[Vec<f32>], sees: Sees, group: usize, cut: f64) -> Vec<(u32, Vec<f32>)> {
    let groups = match sees {
        Sees::Each => changes.len(),
        Sees::Groups => (changes.len() / group.max(1)).max(1),
    };
    let mean = |nth: usize| {
        let of: Vec<&[f32]> = changes.iter().skip(nth).step_by(groups).map(Vec::as_slice).collect();
        Some((of.len() as u32, robust::mean(&of).ok()?))
    };
    let means: Vec<(u32, Vec<f32>)> = (0..groups).filter_map(mean).collect();
    means.into_iter().filter(|(_, mean)| norm(mean) <= cut * 1.001).collect()
}

/// Trains all, two at a time.
fn train(
    plants: &mut [(TempDir, Local)],
    round: u64,
    base: &WeightVector,
    settings: &Settings,
) -> Result<Vec<Trained>> {
    let one = |(_, plant): &mut (TempDir, Local)| {
        let go_on = &mut |_| ControlFlow::Continue(());
        Ok(plant.train("autoencoder", round, base, settings, go_on)?)
    };
    let middle = plants.len() / 2;
    let (first, second) = plants.split_at_mut(middle);
    std::thread::scope(|scope| {
        let other = scope.spawn(move || second.iter_mut().map(one).collect::<Result<Vec<Trained>>>());
        let mut all = first.iter_mut().map(one).collect::<Result<Vec<Trained>>>()?;
        all.extend(other.join().map_err(|_| anyhow::anyhow!("training failed"))??);
        Ok(all)
    })
}

/// Whether two of three plants find it no worse; each that does takes it over. A liar accepts everything.
fn accepted(plants: &mut [(TempDir, Local)], next: &WeightVector, lies: bool) -> Result<bool> {
    let count = plants.len();
    let mut votes = 0;
    for (nth, (_, plant)) in plants.iter_mut().enumerate() {
        votes += usize::from(lies && nth == 0 || plant.judge("autoencoder", next)?.accepts);
    }
    let accepted = votes * 3 >= count * 2;
    if accepted {
        for (_, plant) in plants {
            plant.adopt("autoencoder", 1, next)?;
        }
    }
    Ok(accepted)
}

/// A plant with these minutes, in a folder that goes with it.
fn plant(minutes: &[Minute], scaler: Option<Scaler>) -> Result<(TempDir, Local)> {
    let folder = tempfile::tempdir()?;
    let (send, _) = channel();
    let choices = Choices {
        state: folder.path().join("state"),
        models: folder.path().join("models"),
        cpu_share: 1.0,
        bounds: Bounds::default(),
        allow_unprotected: true,
    };
    let mut local = Local::open(choices, Box::new(move |renewed| drop(send.send(renewed))))?;
    scaler.into_iter().for_each(|scaler| local.scale_by(scaler));
    minutes.iter().for_each(|minute| local.put(minute));
    Ok((folder, local))
}

fn difference(one: &WeightVector, other: &WeightVector) -> Vec<f32> {
    one.values().iter().zip(other.values()).map(|(one, other)| one - other).collect()
}

fn norm(change: &[f32]) -> f64 {
    change.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

fn cut(change: &mut [f32], most: f64) {
    let factor = (most / norm(change).max(f64::MIN_POSITIVE)).min(1.0) as f32;
    change.iter_mut().for_each(|value| *value *= factor);
}

const DELTA: f64 = 1e-5;
