//! How well and how fast the models do. Without arguments it times one score of each and one step of
//! training. With a folder of captures it learns PLANT-learn.pcap, watches PLANT-calm.pcap and
//! PLANT-exam.pcap, and holds every detector, and what needs no model, against the labels.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use clap::Parser;
use fastrand::Rng;
use fieldward_agent::capture::{self, Next, Source};
use fieldward_agent::detect::autoencoder::{Retelling, network::Network};
use fieldward_agent::detect::forest::{Forest, ForestConfig};
use fieldward_agent::detect::minutes::{Judge, Lesson, TOGETHER, Watching};
use fieldward_agent::detect::subspace::{Distance, Plane};
use fieldward_agent::detect::threshold::Threshold;
use fieldward_agent::detect::{DETECTORS, Detector, Finding};
use fieldward_agent::features::COUNT;
use fieldward_agent::learn::dataset::Rows;
use fieldward_agent::learn::model::{HIDDEN, initial, layout, layout_of};
use fieldward_agent::learn::steps::{STEPS, Steps, WIDTH};
use fieldward_agent::learn::trainer::{TrainConfig, train};
use fieldward_agent::pipeline::Limits;
use fieldward_agent::watch::Watch;
use fieldward_agent::window::Window;
use fieldward_shared::weights::WeightVector;
use fieldward_tests::cpu;
use serde_json::Value;

type Detectors = Vec<Box<dyn Detector>>;

/// Times the models, or examines them on captures.
#[derive(Parser)]
struct Arguments {
    /// A folder with PLANT-learn.pcap, PLANT-calm.pcap, PLANT-exam.pcap and their .labels.json
    folder: Option<PathBuf>,
    /// Which plants
    #[arg(long, default_values = ["water", "gas", "substation"])]
    plant: Vec<String>,
    /// Also name the attacks that each detector missed
    #[arg(long)]
    missed: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let Some(folder) = &arguments.folder else { return times() };
    for plant in &arguments.plant {
        exam(folder, plant, arguments.missed).with_context(|| plant.clone())?;
    }
    Ok(())
}

fn times() -> Result<()> {
    let mut chance = Rng::with_seed(1);
    let minutes: Vec<f32> = (0..2000 * WIDTH).map(|_| chance.f32() * 2.0 - 1.0).collect();
    let weights = WeightVector::new(&layout(), initial(COUNT, 1))?;
    let mut retelling = Retelling::new(Network::new(&weights)?, vec![1.0; COUNT]);
    let mut distance = Distance::new(Plane::through(minutes.chunks_exact(WIDTH)));
    let forest = Forest::train(&minutes, COUNT, ForestConfig::default(), &mut chance);
    let rounds = minutes.chunks_exact(WIDTH);
    println!("{:34} {:>10}", "one score of", "µs");
    println!("{:34} {:10.1}", "autoencoder", each(rounds.clone(), |minute| retelling.score(minute)));
    println!("{:34} {:10.1}", "pca, 64 directions", each(rounds.clone(), |minute| distance.score(minute)));
    println!(
        "{:34} {:10.1}",
        "forest (one second)",
        each(minutes.chunks_exact(COUNT), |row| forest.score(row))
    );
    // As peers were measured: 24 numbers a step.
    let small = &minutes[..2000 * STEPS * PEERS];
    let network = Network::of(&WeightVector::new(&layout_of(PEERS), initial(PEERS, 1))?, PEERS)?;
    let mut told = vec![0.0; STEPS * PEERS];
    let score = each(small.chunks_exact(STEPS * PEERS), |minute| {
        network.tell(minute, &mut told);
        told[0]
    });
    println!("{:34} {score:10.1}", format!("autoencoder, {STEPS} x {PEERS}, hidden {HIDDEN}"));
    println!("{:34} {:>10}", "a step of training, 64 minutes", "ms");
    for inputs in [PEERS, COUNT] {
        let config = TrainConfig { inputs, updates: 300, round: 1000, ..TrainConfig::default() };
        let learn = &minutes[..2000 * STEPS * inputs];
        let mut steps = Vec::new();
        for _ in 0..3 {
            let start = cpu::seconds();
            train(learn, &learn[..STEPS * inputs], None, &config, &mut |_| {})?;
            steps.push((cpu::seconds() - start) * 1e3 / 300.0);
        }
        steps.sort_by(f64::total_cmp);
        println!("{:34} {:10.2}", format!("{STEPS} x {inputs}, hidden {HIDDEN}"), steps[1]);
    }
    Ok(())
}

fn each<'a>(rows: impl Iterator<Item = &'a [f32]>, mut score: impl FnMut(&[f32]) -> f32) -> f64 {
    let (start, mut count, mut sum) = (cpu::seconds(), 0.0, 0.0);
    for row in rows {
        sum += score(row);
        count += 1.0;
    }
    std::hint::black_box(sum);
    (cpu::seconds() - start) * 1e6 / count
}

fn exam(folder: &Path, plant: &str, tell_missed: bool) -> Result<()> {
    let path = |what: &str| folder.join(format!("{plant}-{what}.pcap"));
    let rows = Arc::new(Mutex::new(Rows::default()));
    let mut learning: Vec<Box<dyn Detector>> = DETECTORS.iter().map(|kind| (kind.learn)(1)).collect();
    learning.push(Box::new(Collect { steps: Steps::default(), rows: rows.clone() }));
    let (_, learnt) = watch(&path("learn"), learning)?;
    println!("{plant}");
    let mut models = Vec::new();
    for (kind, detector) in DETECTORS.iter().zip(&learnt) {
        let start = cpu::seconds();
        let Some(bytes) = detector.learnt() else { continue };
        println!("  {:12} learnt in {:5.1} s, {} bytes", kind.name, (cpu::seconds() - start), bytes.len());
        models.push((kind, bytes));
    }
    let rows = rows.lock().ok().context("the rows")?.clone();
    let watching = || -> Result<Vec<Box<dyn Detector>>> {
        let loaded = models.iter().map(|(kind, bytes)| (kind.load)(bytes));
        let mut all = loaded.collect::<Result<Vec<_>, _>>()?;
        all.push(simple(&rows, Mean)?);
        all.push(simple(&rows, Most)?);
        all.push(simple(&rows, Chance(Rng::with_seed(1)))?);
        Ok(all)
    };
    let calm = watch(&path("calm"), watching()?)?.0;
    let exam = watch(&path("exam"), watching()?)?.0;
    let (calm_labels, labels) = (Labels::read(folder, plant, "calm")?, Labels::read(folder, plant, "exam")?);
    println!(
        "  {:12} {:>7} {:>14} {:>14} {:>18}",
        "", "seen", "false/h exam", "false/h calm", "of them at events"
    );
    for name in watching()?.iter().map(|detector| detector.name()) {
        let times = |found: &[Finding]| -> Vec<f64> {
            let by = found.iter().filter(|finding| finding.detector == name);
            by.map(|finding| finding.at.as_micros() as f64 / 1e6).collect()
        };
        let (calm, exam) = (times(&calm), times(&exam));
        let seen = |attack: &&Span| exam.iter().any(|at| (attack.start..=attack.end + 30.0).contains(at));
        let count = labels.attacks.iter().filter(seen).count();
        let apart: Vec<f64> = exam.iter().copied().filter(|at| !labels.explains(*at)).collect();
        let benign: Vec<f64> = calm.iter().copied().filter(|at| calm_labels.explains(*at)).collect();
        let at_events = episodes(&benign);
        println!(
            "  {name:12} {:>7} {:14.2} {:14.2} {:>18}",
            format!("{count}/{}", labels.attacks.len()),
            episodes(&apart) as f64 / labels.quiet_hours(),
            episodes(&calm) as f64 / calm_labels.hours(),
            at_events,
        );
        if tell_missed {
            let missed = labels.attacks.iter().filter(|attack| !seen(attack));
            println!("    missed: {}", missed.map(|span| &*span.name).collect::<Vec<_>>().join(" "));
        }
    }
    together(&labels, &calm_labels, &exam, &calm);
    Ok(())
}

/// What the models of minutes see together, and what each adds to the others.
fn together(labels: &Labels, calm_labels: &Labels, exam: &[Finding], calm: &[Finding]) {
    let models = ["autoencoder", "pca", "mean"];
    let count = |without: &str| {
        let by = |found: &&Finding| models.contains(&found.detector) && found.detector != without;
        let times: Vec<f64> = exam.iter().filter(by).map(|found| found.at.as_micros() as f64 / 1e6).collect();
        let seen = |attack: &&Span| times.iter().any(|at| (attack.start..=attack.end + 30.0).contains(at));
        labels.attacks.iter().filter(seen).count()
    };
    let all = count("");
    let adds: Vec<String> = models.iter().map(|name| format!("{name} adds {}", all - count(name))).collect();
    let told: Vec<f64> = calm
        .iter()
        .filter(|found| models.contains(&found.detector))
        .map(|found| found.at.as_micros() as f64 / 1e6)
        .collect();
    println!(
        "  together     {:>7} {:29.2}   {}",
        format!("{all}/{}", labels.attacks.len()),
        episodes(&told) as f64 / calm_labels.hours(),
        adds.join(", ")
    );
}

/// Findings on a capture, and the detectors after it.
fn watch(path: &Path, detectors: Detectors) -> Result<(Vec<Finding>, Detectors)> {
    let mut watch = Watch::new(Limits::default(), detectors);
    let mut source = capture::open(path).with_context(|| path.display().to_string())?;
    let mut found = Vec::new();
    while let Next::Packet(packet) = source.next_packet()? {
        watch.packet(&packet);
        found.extend(watch.findings());
    }
    watch.finish();
    found.extend(watch.findings());
    Ok((found, watch.into_detectors()))
}

/// Keeps the rows of steps, for what needs no model.
struct Collect {
    steps: Steps,
    rows: Arc<Mutex<Rows>>,
}

impl Detector for Collect {
    fn name(&self) -> &'static str {
        "rows"
    }

    fn second(&mut self, second: u64, window: &Window, _: &mut Vec<Finding>) {
        if let (Some(step), Ok(mut rows)) = (self.steps.second(second, window), self.rows.lock()) {
            rows.push(&step);
        }
    }
}

/// A judge that has learnt nothing but the scale of features and its threshold.
fn simple<J: Judge + 'static>(rows: &Rows, mut judge: J) -> Result<Box<dyn Detector>> {
    let lesson = Lesson::of(rows).context("too short a capture to learn from")?;
    let scores = lesson.scores(|minute| judge.score(minute));
    let threshold = Threshold::calibrate(&scores, 2, TOGETHER).context("no threshold")?;
    Ok(Box::new(Watching::new(judge, lesson.scaler, threshold)))
}

/// How far the mean of the minute lies from the mean of all, alone with the whole rate of false alarms.
struct Mean;
/// How far the feature that lies furthest does, in the newest step.
struct Most;
/// Chance.
struct Chance(Rng);

impl Judge for Mean {
    const NAME: &'static str = "mean, whole";
    const KIND: &'static str = "simple";
    const SAYS: &'static str = "far from the mean";

    fn score(&mut self, minute: &[f32]) -> f32 {
        let sum = |feature: usize| (0..STEPS).map(|step| minute[step * COUNT + feature]).sum::<f32>();
        (0..COUNT).map(|feature| sum(feature).powi(2)).sum()
    }

    fn expected(&mut self, _: &mut [f32]) {}
}

impl Judge for Most {
    const NAME: &'static str = "max |z|";
    const KIND: &'static str = "simple";
    const SAYS: &'static str = "far out";

    fn score(&mut self, minute: &[f32]) -> f32 {
        minute[WIDTH - COUNT..].iter().fold(0.0, |most, value| value.abs().max(most))
    }

    fn expected(&mut self, _: &mut [f32]) {}
}

impl Judge for Chance {
    const NAME: &'static str = "random";
    const KIND: &'static str = "simple";
    const SAYS: &'static str = "by chance";

    fn score(&mut self, _: &[f32]) -> f32 {
        self.0.f32()
    }

    fn expected(&mut self, _: &mut [f32]) {}
}

/// What was played, and when.
struct Labels {
    attacks: Vec<Span>,
    /// Attacks, what follows them, and benign events.
    known: Vec<Span>,
    start: f64,
    end: f64,
}

struct Span {
    start: f64,
    end: f64,
    name: String,
}

impl Labels {
    fn read(folder: &Path, plant: &str, what: &str) -> Result<Self> {
        let text = std::fs::read_to_string(folder.join(format!("{plant}-{what}.labels.json")))?;
        let all: Value = serde_json::from_str(&text)?;
        let number = |value: &Value| value.as_f64().unwrap_or_default();
        let spans = |name: &str| -> Vec<Span> {
            let list = all[name].as_array().into_iter().flatten();
            let span = |one: &Value| Span {
                start: number(&one["start"]),
                end: number(&one["end"]),
                name: one["name"].as_str().unwrap_or_default().to_owned(),
            };
            list.map(span).collect()
        };
        let known = ["attacks", "ignore", "benign"].into_iter().flat_map(spans).collect();
        let (start, end) = (number(&all["capture_start"]), number(&all["capture_end"]));
        Ok(Self { attacks: spans("attacks"), known, start, end })
    }

    /// Whether something was played within the minute before.
    fn explains(&self, at: f64) -> bool {
        self.known.iter().any(|span| (span.start..=span.end + AFTER).contains(&at))
    }

    fn hours(&self) -> f64 {
        (self.end - self.start) / 3600.0
    }

    fn quiet_hours(&self) -> f64 {
        let seconds = self.start as u64..self.end as u64;
        seconds.filter(|second| !self.explains(*second as f64)).count() as f64 / 3600.0
    }
}

/// Alarms less than a minute apart are one.
fn episodes(times: &[f64]) -> usize {
    let apart = times.windows(2).filter(|two| two[1] - two[0] > 60.0).count();
    apart + usize::from(!times.is_empty())
}

/// Numbers of a step in the networks that PyTorch and burn's own layer were measured with.
const PEERS: usize = 24;
/// A minute that holds what was played, and the steps at its edges.
const AFTER: f64 = 75.0;
