//! Whether learning together helps a plant that is new, and which part of its model makes the difference.

use anyhow::Result;
use fieldward_agent::detect::autoencoder::own::Own;
use fieldward_agent::features::COUNT;
use fieldward_agent::learn::dataset::Scaler;
use fieldward_agent::learn::scaling;
use fieldward_agent::learn::steps::{STEPS, WIDTH};
use fieldward_agent::learn::trainer::{TrainConfig, train};
use fieldward_agent::learn::windows::{Minute, is_held};
use fieldward_shared::weights::WeightVector;

use crate::exam::{Figures, examine};
use crate::plants::{self, New};
use crate::rounds::{Way, together};
use crate::{Arguments, Scaling};

/// Alone and together, with few minutes and with many.
pub fn helps(arguments: &Arguments) -> Result<()> {
    let plants = plants::different(1, arguments)?;
    let new = plants::new(arguments)?;
    let scale = |minutes: &[Minute]| scaler(arguments.scaling, &plants, minutes);
    let way = Way { strategy: &arguments.strategy, liars: 0, group: 16, vote: arguments.vote, lie: None };
    let shared = together(&plants, &|minutes| Some(scale(minutes)), &way, arguments)?;
    eprintln!("{} rounds refused, {} rejected", shared.refused, shared.rejected);
    println!(
        "{:12} {:40} {:>9} {:>10} {:>10} {:>10} {:>7}",
        "plant", "learns", "detected", "false/day", "same calm", "3 a day", "area"
    );
    let mut sums: Vec<(&str, Figures)> = Vec::new();
    for one in &new {
        for (at, (what, mut model, seen)) in models(one, &shared.weights, &scale)?.into_iter().enumerate() {
            let figures = examine(&mut model, seen, one)?;
            tell(one.kind, what, &figures);
            if arguments.verbose {
                println!("  missed: {}", figures.missed.join(", "));
            }
            if sums.len() <= at {
                sums.push((what, Figures::default()));
            }
            sums[at].1.add(&figures, 1.0 / new.len() as f64);
        }
    }
    sums.iter().for_each(|(what, figures)| tell("all", what, figures));
    Ok(())
}

type Named<'a> = (&'static str, Own, &'a [Minute]);

fn models<'a>(
    new: &'a New,
    shared: &WeightVector,
    scale: &dyn Fn(&[Minute]) -> Scaler,
) -> Result<Vec<Named<'a>>> {
    let (few, long) = (learnt(&new.few), learnt(&new.long));
    let alone = |minutes: &[Minute]| -> Result<Own> {
        let scaler = scale(minutes);
        Ok(Own::fit(&learn_alone(minutes, &scaler)?, &scaler, &learnt(minutes))?)
    };
    let own = |level: &[Minute], learn: &[Minute]| Own::fit(shared, &scale(level), learn);
    Ok(vec![
        ("alone, few minutes", alone(&new.few)?, &new.few),
        ("alone, for long", alone(&new.long)?, &new.long),
        ("together, few minutes", own(&new.few, &few)?, &new.few),
        ("together, level of long", own(&new.long, &few)?, &new.few),
        ("together, layer and importance of long", own(&new.few, &long)?, &new.few),
        ("together, for long", own(&new.long, &long)?, &new.long),
    ])
}

/// A model of a new plant.
pub fn tell(plant: &str, what: &str, figures: &Figures) {
    let Figures { detected, wrong, same, three, area, .. } = figures;
    println!(
        "{plant:12} {what:40} {:7.1} % {wrong:10.2} {:8.1} % {:8.1} % {area:7.3}",
        detected * 100.0,
        same * 100.0,
        three * 100.0
    );
}

/// Those that a plant learns from.
pub fn learnt(minutes: &[Minute]) -> Vec<Minute> {
    minutes.iter().filter(|minute| !is_held(minute.number)).cloned().collect()
}

/// The common scaling, to be kept.
pub fn common(arguments: &Arguments) -> Result<()> {
    print!("{}", scaling::write(&within(&plants::different(5000, arguments)?)));
    Ok(())
}

/// The mean of all plants, and the deviation within plants.
fn within(plants: &[Vec<Minute>]) -> Scaler {
    let (mut means, mut squares) = (vec![0.0; COUNT], vec![0.0; COUNT]);
    for plant in plants {
        for (at, (mean, deviation)) in scaler_of(plant).parts().enumerate() {
            means[at] += mean / plants.len() as f32;
            squares[at] += deviation * deviation / plants.len() as f32;
        }
    }
    Scaler::new(means, squares.into_iter().map(f32::sqrt).collect())
}

/// How a plant with these minutes scales.
pub fn scaler(of: Scaling, plants: &[Vec<Minute>], minutes: &[Minute]) -> Scaler {
    match of {
        Scaling::Own => scaler_of(minutes),
        Scaling::Common => scaler_of(&plants.concat()),
        // As agents do, with the deviations of the plants that are here.
        Scaling::Centred => within(plants).around(minutes.iter().map(|minute| &minute.values[..])),
    }
}

fn scaler_of(minutes: &[Minute]) -> Scaler {
    Scaler::of(
        minutes.iter().flat_map(|minute| minute.values.chunks_exact(COUNT)).collect::<Vec<_>>().into_iter(),
    )
}

/// As a plant alone learns today: all minutes of a run, the held-back ones say when to stop.
fn learn_alone(minutes: &[Minute], scaler: &Scaler) -> Result<WeightVector> {
    let part = |held: bool, stride: usize| -> Vec<f32> {
        let of: Vec<&Minute> = minutes.iter().filter(|minute| is_held(minute.number) == held).collect();
        let mut starts = Vec::new();
        for run in of.chunk_by(|one, other| one.number + 1 == other.number) {
            let rows: Vec<f32> = run.iter().flat_map(|minute| minute.values.iter().copied()).collect();
            let mut scaled = vec![0.0; rows.len()];
            scaler.scale(&rows, &mut scaled);
            let last = (scaled.len() - WIDTH) / COUNT;
            starts.extend((0..=last).step_by(stride).map(|at| scaled[at * COUNT..][..WIDTH].to_vec()));
        }
        starts.concat()
    };
    // As many as a plant alone learns from at most.
    let stride = (minutes.len() * STEPS).div_ceil(16_384).max(1);
    let weights =
        train(&part(false, stride), &part(true, stride), None, &TrainConfig::default(), &mut |_| {});
    Ok(weights?)
}
