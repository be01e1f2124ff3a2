//! Whether learning together helps. Plants are recorded by the simulator in this process; one of them is new and
//! has minutes of traffic of its own, or days. Its autoencoder learns alone, or comes from rounds of the other
//! plants (plain averaging in this process; how rounds go over a link is measured elsewhere), and then watches a
//! day with every attack and a calm one.

use std::ops::ControlFlow;
use std::sync::mpsc::channel;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use fastrand::Rng;
use fieldward_agent::detect::autoencoder::own::{Own, threshold};
use fieldward_agent::detect::threshold::{Above, Threshold};
use fieldward_agent::features::COUNT;
use fieldward_agent::learn::clipped::{clipped, one_by_one};
use fieldward_agent::learn::dataset::Scaler;
use fieldward_agent::learn::learner::{Learner as _, Settings, Trained};
use fieldward_agent::learn::local::{Choices, Local};
use fieldward_agent::learn::model::{Autoencoder, initial, layout};
use fieldward_agent::learn::scaling;
use fieldward_agent::learn::steps::{STEP_SECONDS, STEPS, WIDTH};
use fieldward_agent::learn::trainer::{TrainConfig, train};
use fieldward_agent::learn::windows::{Bounds, Minute, is_held};
use fieldward_agent::score::Labels;
use fieldward_shared::privacy::accountant::event::{Event, Unit};
use fieldward_shared::weights::WeightVector;
use fieldward_tests::{cpu, lessons, sitting};
use tempfile::TempDir;

/// Measures learning together.
#[derive(Parser)]
struct Arguments {
    /// What to measure
    what: What,
    /// Plants that learn together, each of another site and all kinds in turn
    #[arg(long, default_value_t = 6)]
    plants: u64,
    /// Devices of each
    #[arg(long, default_value_t = 20)]
    devices: usize,
    /// Hours that each of them has
    #[arg(long, default_value_t = 24.0)]
    hours: f64,
    /// Minutes that the new plant has
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Hours that it has when it learns alone for long
    #[arg(long, default_value_t = 168.0)]
    long: f64,
    /// Hours that must stay quiet
    #[arg(long, default_value_t = 24.0)]
    calm: f64,
    /// Rounds
    #[arg(long, default_value_t = 20)]
    rounds: u64,
    /// Epochs of a round
    #[arg(long, default_value_t = 2)]
    epochs: u32,
    /// Windows of a step
    #[arg(long, default_value_t = 64)]
    batch: u32,
    /// How far a step goes
    #[arg(long, default_value_t = 2e-3)]
    rate: f64,
    /// Norm of a window's gradient
    #[arg(long, default_value_t = 1.0)]
    clip: f64,
    /// Noise; zero for none
    #[arg(long, default_value_t = 0.0)]
    noise: f64,
    /// By what features are scaled
    #[arg(long, default_value = "centred")]
    scaling: Scaling,
    /// Pull to the weights of the round
    #[arg(long, default_value_t = 0.0)]
    proximal: f64,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum What {
    /// Whether it helps
    Helps,
    /// The common scaling, to be kept in agent/models/scaling.txt
    Scaling,
    /// What a step costs: ghost norms and a loop of examples
    Steps,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Scaling {
    /// Mean and deviation of the plant
    Own,
    /// Mean and deviation of all plants together
    Common,
    /// Mean of the plant, and the deviation within plants
    Centred,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.what {
        What::Helps => helps(&arguments),
        What::Scaling => common(&arguments),
        What::Steps => steps(),
    }
}

/// Plants are of different sizes: half, twice and as many devices as was asked for.
fn devices(site: u64, arguments: &Arguments) -> usize {
    match site / 3 % 3 {
        0 => arguments.devices / 2,
        1 => arguments.devices * 2,
        _ => arguments.devices,
    }
}

fn kind(site: u64) -> &'static str {
    let kinds: Vec<&str> = lessons::plants().collect();
    kinds[site as usize % kinds.len()]
}

/// The minutes of a plant of a site.
fn record(kind: &str, devices: usize, site: u64, seed: u64, minutes: f64) -> Result<Vec<Minute>> {
    let mut config = lessons::plant(kind, devices, site)?;
    (config.seed, config.start) = (seed, 0);
    Ok(sitting::minutes(&config, minutes)?.0)
}

/// Minutes of all plants that learn together.
fn plants(first: u64, arguments: &Arguments) -> Result<Vec<Vec<Minute>>> {
    let one =
        |nth: u64| record(kind(nth), devices(nth, arguments), first + nth, 31 + nth, arguments.hours * 60.0);
    (0..arguments.plants).map(one).collect()
}

fn common(arguments: &Arguments) -> Result<()> {
    print!("{}", scaling::write(&within(&plants(5000, arguments)?)));
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
fn scaler(of: Scaling, plants: &[Vec<Minute>], minutes: &[Minute]) -> Scaler {
    match of {
        Scaling::Own => scaler_of(minutes),
        Scaling::Common => scaler_of(&plants.concat()),
        // As agents do, with the deviations of the plants that are here.
        Scaling::Centred => within(plants).around(minutes.iter().map(|minute| &minute.values[..])),
    }
}

/// A plant that nobody has seen, and what it is examined on.
struct New {
    kind: &'static str,
    few: Vec<Minute>,
    long: Vec<Minute>,
    calm: Vec<Minute>,
    exam: (Vec<Minute>, Labels),
}

fn new(kind: &'static str, arguments: &Arguments) -> Result<New> {
    let long = record(kind, arguments.devices, SITE, 11, arguments.long * 60.0)?;
    // Ten minutes hold two that are held back; they begin where a working day does.
    let begin = long.len() / 3 / 10 * 10;
    let few = long.iter().skip(begin).take(arguments.minutes as usize).cloned().collect();
    let config = lessons::plant(kind, arguments.devices, SITE)?;
    let (config, minutes) = lessons::day_of_attacks(&config, 1000, None)?;
    let exam = sitting::minutes(&config, minutes)?;
    Ok(New { kind, few, long, calm: record(kind, arguments.devices, SITE, 12, arguments.calm * 60.0)?, exam })
}

fn helps(arguments: &Arguments) -> Result<()> {
    let plants = plants(1, arguments)?;
    let scale = |minutes: &[Minute]| scaler(arguments.scaling, &plants, minutes);
    let shared = rounds(&plants, &scale, arguments)?;
    println!(
        "{:12} {:28} {:>9} {:>12} {:>12} {:>9}",
        "plant", "learns", "detected", "false/day", "same calm", "area"
    );
    let mut sums = [[0.0; 4]; 3];
    let kinds: Vec<&'static str> = lessons::plants().collect();
    for kind in &kinds {
        let new = new(kind, arguments)?;
        let alone = |minutes: &[Minute]| -> Result<Own> {
            let scaler = scale(minutes);
            Ok(Own::fit(&learn_alone(minutes, &scaler)?, &scaler, &learnt(minutes))?)
        };
        let models = [
            ("alone, few minutes", alone(&new.few)?, &new.few),
            ("alone, for long", alone(&new.long)?, &new.long),
            ("together, few minutes", Own::fit(&shared, &scale(&new.few), &learnt(&new.few))?, &new.few),
        ];
        // The held-back minutes of a plant set its threshold.
        for ((what, mut model, seen), sum) in models.into_iter().zip(&mut sums) {
            let figures = examine(&mut model, seen, &new)?;
            tell(new.kind, what, figures);
            sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure / kinds.len() as f64);
        }
    }
    let names = ["alone, few minutes", "alone, for long", "together, few minutes"];
    names.into_iter().zip(sums).for_each(|(what, figures)| tell("all", what, figures));
    Ok(())
}

fn tell(plant: &str, what: &str, [detected, wrong, same, area]: [f64; 4]) {
    println!(
        "{plant:12} {what:28} {:8.1} % {wrong:12.2} {:10.1} % {area:9.3}",
        detected * 100.0,
        same * 100.0
    );
}

/// Rounds of plants, averaged plainly.
fn rounds(
    plants: &[Vec<Minute>],
    scale: &dyn Fn(&[Minute]) -> Scaler,
    arguments: &Arguments,
) -> Result<WeightVector> {
    let plants = plants.iter().map(|minutes| plant(minutes, scale(minutes)));
    let mut plants: Vec<(TempDir, Local)> = plants.collect::<Result<_>>()?;
    let mut weights = WeightVector::new(&layout(), initial(COUNT, 0))?;
    let Arguments { epochs, batch, rate, clip, noise, proximal, .. } = *arguments;
    let mut spent: Vec<Event> = Vec::new();
    for round in 1..=arguments.rounds {
        let settings = Settings { epochs, batch, rate, proximal, clip, noise, seed: round };
        let (mut sum, mut loss) = (vec![0.0_f64; weights.values().len()], 0.0);
        for (_, plant) in &mut plants {
            let go_on = &mut |_| ControlFlow::Continue(());
            let trained: Trained = plant.train("autoencoder", round, &weights, &settings, go_on)?;
            sum.iter_mut().zip(trained.weights.values()).for_each(|(sum, value)| *sum += f64::from(*value));
            loss += f64::from(trained.loss) / arguments.plants as f64;
            let event = |mechanism| Event { unit: Unit::Window, round, attempt: 0, mechanism };
            spent.extend(trained.spent.map(event));
        }
        let mean = sum.into_iter().map(|sum| (sum / arguments.plants as f64) as f32);
        weights = weights.with(mean.collect())?;
        eprintln!("round {round}: loss {loss:.4}");
    }
    // All plants have as many windows here; the budget is that of one.
    let events = spent.len() / arguments.plants.max(1) as usize;
    if let Some(first) = spent.first() {
        eprintln!("each plant spent {events} times {:?}", first.mechanism);
    }
    Ok(weights)
}

/// A plant with these minutes, in a folder that goes with it.
fn plant(minutes: &[Minute], scaler: Scaler) -> Result<(TempDir, Local)> {
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
    local.scale_by(scaler);
    minutes.iter().for_each(|minute| local.put(minute));
    Ok((folder, local))
}

fn learnt(minutes: &[Minute]) -> Vec<Minute> {
    minutes.iter().filter(|minute| !is_held(minute.number)).cloned().collect()
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

/// Share of attacks detected and false alarms a day at the plant's own threshold; share detected where the calm
/// day has no false alarm; area under the curve of attacks' peaks above those of calm times as long.
fn examine(model: &mut Own, seen: &[Minute], new: &New) -> Result<[f64; 4]> {
    let held: Vec<Minute> = seen.iter().filter(|minute| is_held(minute.number)).cloned().collect();
    let own = threshold(&model.scores(&held)).context("too little to set a threshold")?;
    let calm = lasting(model, &new.calm);
    let exam = lasting(model, &new.exam.0);
    let peaks: Vec<f32> = new
        .exam
        .1
        .attacks
        .iter()
        .map(|attack| {
            let during = exam.iter().filter(|(at, _)| (attack.start..=attack.end + AFTER).contains(at));
            during.map(|(_, score)| *score).fold(0.0, f32::max)
        })
        .collect();
    let beyond =
        |limit: f32| peaks.iter().filter(|peak| **peak > limit).count() as f64 / peaks.len().max(1) as f64;
    let highest = calm.iter().map(|(_, score)| *score).fold(0.0, f32::max);
    let quiet: Vec<f32> =
        calm.chunks(BLOCK).map(|block| block.iter().map(|(_, score)| *score).fold(0.0, f32::max)).collect();
    let wrong = alarms(&calm, own) as f64 * 24.0 / (new.calm.len() as f64 / 60.0).max(f64::MIN_POSITIVE);
    Ok([beyond(own.limit), wrong, beyond(highest), fieldward_tests::teaching::area(&peaks, &quiet)])
}

/// When, and the lesser of each two scores in a row, since two must lie above.
fn lasting(model: &mut Own, minutes: &[Minute]) -> Vec<(f64, f32)> {
    let mut told = Vec::new();
    let runs = minutes.chunk_by(|one, other| one.number + 1 == other.number);
    for (run, scores) in runs.zip(model.scores(minutes)) {
        let Some(first) = run.first() else { continue };
        for (at, two) in scores.windows(2).enumerate() {
            let second = first.number * 60 + (at + 1 + STEPS) as u64 * STEP_SECONDS;
            told.push((second as f64, two[0].min(two[1])));
        }
    }
    told
}

/// Times that begin to lie above; within ten minutes it is the same alarm.
fn alarms(scores: &[(f64, f32)], threshold: Threshold) -> usize {
    let (mut count, mut last) = (0, f64::NEG_INFINITY);
    let once = Threshold { in_a_row: 1, ..threshold };
    for (at, score) in scores {
        if once.passed(*score, &mut Above::default()) {
            count += usize::from(at - last > 600.0);
            last = *at;
        }
    }
    count
}

/// The site of the new plant.
const SITE: u64 = 1001;
/// Seconds after an attack in which its minute is still scored.
const AFTER: f64 = 60.0;
/// Scores of as long as an attack takes: five minutes.
const BLOCK: usize = 60;

fn steps() -> Result<()> {
    let mut chance = Rng::with_seed(1);
    let minutes: Vec<f32> = (0..64 * WIDTH).map(|_| chance.f32() * 4.0 - 2.0).collect();
    let weights = WeightVector::new(&layout(), initial(COUNT, 1))?;
    let network = Autoencoder::plain(&weights)?;
    let time = |what: &str, step: &dyn Fn()| {
        let mut took: Vec<f64> = (0..9)
            .map(|_| {
                let start = cpu::seconds();
                (0..5).for_each(|_| step());
                (cpu::seconds() - start) * 200.0
            })
            .collect();
        took.sort_by(f64::total_cmp);
        println!("{what:34} {:8.2} ms for 64 minutes", took[4]);
    };
    time("ghost norms", &|| drop(clipped(&network, &minutes, COUNT, 1.0)));
    time("a loop of minutes", &|| drop(one_by_one(&network, &minutes, COUNT, 1.0)));
    Ok(())
}
