//! Makes what the agent is shipped with: the classifier, trained on simulated plants.
//!
//! `play` learns plants and plays attacks and calm days to them, and keeps pictures of what went on;
//! `train` trains on the pictures of some plants and days, calibrates on others, and is examined on days
//! and plants that neither has seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use fieldward_agent::alert::weigh::{ENOUGH, SAY, Say, with_opinion};
use fieldward_agent::classify::{BENIGN, Classifier};
use fieldward_agent::learn::classifier::Training;
use fieldward_tests::lessons::{self, Row};
use fieldward_tests::sitting;
use fieldward_tests::teaching::{Grades, area, cases, grade, load, strangeness, teach};

/// Makes the classifier that the agent is shipped with.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// Play plants and keep pictures
    Play {
        /// Folder that gets a file of pictures for each plant; those that are there are left alone
        out: PathBuf,
        /// Sites of each kind of plant, from this number
        #[arg(long, default_value_t = 1)]
        first_site: u64,
        /// How many
        #[arg(long, default_value_t = 4)]
        sites: u64,
        /// Days with every attack at each site
        #[arg(long, default_value_t = 3)]
        days: u64,
        /// Days with nothing bad at each site
        #[arg(long, default_value_t = 4)]
        calm: u64,
        /// Devices of each plant
        #[arg(long, default_value_t = 20)]
        devices: usize,
        /// Plants that are played at the same time
        #[arg(long, default_value_t = 2)]
        threads: usize,
    },
    /// Train on pictures, and write the model
    Train {
        /// Folder of pictures
        pictures: PathBuf,
        /// The model
        #[arg(long, default_value = "agent/models/classifier.bin")]
        out: PathBuf,
        #[command(flatten)]
        how: How,
    },
    /// Train on some of the pictures and examine on others
    Exam {
        /// Folder of pictures
        pictures: PathBuf,
        /// Also leave each attack out in turn
        #[arg(long)]
        attacks: bool,
        #[command(flatten)]
        how: How,
    },
}

/// How training is done.
#[derive(clap::Args)]
struct How {
    /// How often each picture is seen
    #[arg(long)]
    epochs: Option<usize>,
    /// The share of clues that are taken away
    #[arg(long)]
    missing: Option<f32>,
    /// How far an update goes
    #[arg(long)]
    rate: Option<f64>,
}

impl How {
    fn training(&self) -> Training {
        let usual = Training::default();
        Training {
            epochs: self.epochs.unwrap_or(usual.epochs),
            missing: self.missing.unwrap_or(usual.missing),
            rate: self.rate.unwrap_or(usual.rate),
            ..usual
        }
    }
}

fn main() -> Result<()> {
    match Arguments::parse().step {
        Step::Play { out, first_site, sites, days, calm, devices, threads } => {
            let plants: Vec<_> = (first_site..first_site + sites)
                .flat_map(|site| lessons::plants().map(move |plant| (plant, site)))
                .collect();
            std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
            play(&plants, [days, calm], devices, threads, &out)?;
        }
        Step::Train { pictures, out, how } => {
            let rows = read(&pictures)?;
            let (learn, calibrate) = split(&rows, |row| !calibrates(row));
            let model = teach(&learn, &calibrate, &how.training())?;
            std::fs::write(&out, Classifier::save(&model))
                .with_context(|| format!("cannot write {}", out.display()))?;
        }
        Step::Exam { pictures, attacks, how } => exam(&read(&pictures)?, attacks, &how.training())?,
    }
    Ok(())
}

fn play(plants: &[(&str, u64)], days: [u64; 2], devices: usize, threads: usize, out: &Path) -> Result<()> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            while let Some((plant, site)) = plants.get(next.fetch_add(1, Ordering::Relaxed)) {
                let path = out.join(format!("{plant}-{site}.pictures"));
                if !path.exists() {
                    write(&path, &play_site(plant, *site, days, devices)?)?;
                }
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().ok().context("a thread gave up")?)
    })
}

fn play_site(plant: &str, site: u64, [days, calm]: [u64; 2], devices: usize) -> Result<Vec<Row>> {
    let mut config = lessons::plant(plant, devices, site)?;
    (config.seed, config.start) = (1, 0);
    let models = sitting::learn(&config, DAY, MODELS)?;
    let mut rows = Vec::new();
    for day in 0..days {
        let (config, minutes) = lessons::day_of_attacks(&config, ATTACKS + day, None)?;
        rows.extend(lessons::pictures(&config, minutes, &models)?);
    }
    for day in 0..calm {
        config.seed = CALM + day;
        rows.extend(lessons::pictures(&config, DAY, &models)?);
    }
    let attacks = rows.iter().filter(|row| row.attack.is_some()).count();
    eprintln!("{plant} {site}: {} pictures, {attacks} of attacks", rows.len());
    Ok(rows)
}

/// On new days, on plants of a kind never seen, and on attacks never seen.
fn exam(rows: &[Row], attacks: bool, how: &Training) -> Result<()> {
    let last = |calm| rows.iter().map(|row| row.seed).filter(|seed| is_calm(*seed) == calm).max();
    let last = [last(true), last(false)];
    // The last day of each; and another site for what calibrates.
    let is_new = |row: &Row| last.contains(&Some(row.seed));
    let is_taught = |row: &Row| !is_new(row) && !calibrates(row);
    let fits = |row: &Row| !is_new(row) && calibrates(row);
    let of = |which: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| which(row)).collect::<Vec<_>>();
    let model = teach(&of(&is_taught), &of(&fits), how)?;
    println!("temperature {:.2}, unknown beyond {:.2}", model.temperature, model.unknown);
    tell(
        "new days of the same plants",
        &grade(&load(&model)?, &of(&|row| is_new(row) && !calibrates(row)))?,
        true,
    );
    tell(
        "new days of a new site",
        &grade(&load(&model)?, &of(&|row| is_new(row) && calibrates(row)))?,
        false,
    );
    raising(&load(&model)?, &of(&|row| is_new(row) && !calibrates(row)))?;
    for plant in lessons::plants() {
        let model = teach(
            &of(&|row| is_taught(row) && row.plant != plant),
            &of(&|row| fits(row) && row.plant != plant),
            how,
        )?;
        let grades = grade(&load(&model)?, &of(&|row| is_new(row) && row.plant == plant))?;
        tell(&format!("a plant never seen: {plant}"), &grades, false);
    }
    if attacks {
        left_out(rows, &is_taught, &fits, &is_new, how)?
    }
    Ok(())
}

/// What is raised, without and with the classifier's opinion.
fn raising(classifier: &Classifier, rows: &[&Row]) -> Result<()> {
    let at = classifier.classes().iter().position(|class| class == BENIGN);
    let mut benign = Vec::with_capacity(rows.len());
    for row in rows {
        let shares = classifier.probabilities(&row.input().context("pictures of another version")?);
        benign.push(at.map_or(0.0, |at| shares[at]));
    }
    let days: BTreeSet<_> = rows.iter().map(|row| (&row.plant, row.site, row.seed)).collect();
    for most in [1.0, SAY.most / 4.0, SAY.most, SAY.most * 4.0] {
        for prior in [1.0, SAY.prior, SAY.prior * 4.0] {
            for enough in [ENOUGH, ENOUGH + 0.1] {
                raising_with(rows, &benign, Say { most, prior }, enough, days.len());
            }
        }
    }
    Ok(())
}

fn raising_with(rows: &[&Row], benign: &[f32], say: Say, enough: f32, days: usize) {
    let mut attacks: BTreeMap<_, f32> = BTreeMap::new();
    let mut wrong: BTreeMap<_, &Row> = BTreeMap::new();
    for (row, benign) in rows.iter().zip(benign) {
        let raised = with_opinion(row.sure, *benign, say) >= enough;
        let after = if raised { row.delay } else { f32::INFINITY };
        match &row.attack {
            Some(attack) => {
                let first = attacks.entry((&row.plant, row.site, row.seed, attack)).or_insert(after);
                *first = first.min(after);
            }
            None if raised => {
                wrong.insert(row.incident(), row);
            }
            None => {}
        }
    }
    let within = |seconds: f32| {
        let some = attacks.values().filter(|after| **after <= seconds).count();
        some as f64 * 100.0 / attacks.len().max(1) as f64
    };
    println!(
        "say {:3}, prior {:2}, enough {enough:.2}: found {:.1} %, within 30 s {:.1} %, within 5 s {:.1} %; \
         of {days} days {} benign incidents, {} of them on calm days",
        say.most,
        say.prior,
        within(f32::MAX),
        within(30.0),
        within(5.0),
        wrong.len(),
        wrong.values().filter(|row| is_calm(row.seed)).count(),
    );
    if (say, enough) == (SAY, ENOUGH) {
        let mut missed: BTreeMap<&str, usize> = BTreeMap::new();
        for ((.., attack), after) in &attacks {
            *missed.entry(attack).or_default() += usize::from(*after > 30.0);
        }
        missed.retain(|_, count| *count > 0);
        println!("  later than 30 s or never: {missed:?}");
    }
}

/// Each attack left out in turn: whether it is called strange.
fn left_out(
    rows: &[Row],
    is_taught: &dyn Fn(&Row) -> bool,
    fits: &dyn Fn(&Row) -> bool,
    is_new: &dyn Fn(&Row) -> bool,
    how: &Training,
) -> Result<()> {
    let names: std::collections::BTreeSet<&String> =
        rows.iter().filter_map(|row| row.attack.as_ref()).collect();
    let (mut strange, mut known) = (Vec::new(), Vec::new());
    let (mut played, mut told) = (0, 0);
    for name in names {
        let is_it = |row: &Row| row.attack.as_ref() == Some(name);
        let of = |which: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| which(row)).collect::<Vec<_>>();
        let model =
            teach(&of(&|row| is_taught(row) && !is_it(row)), &of(&|row| fits(row) && !is_it(row)), how)?;
        let classifier = load(&model)?;
        let new = of(&|row| is_new(row));
        let mut own = Vec::new();
        for row in cases(&new).into_iter().filter(|row| row.attack.is_some()) {
            let value = strangeness(&classifier, row)?;
            if is_it(row) {
                own.push(value);
                if !classifier.classes().contains(&row.class) {
                    strange.push(value);
                }
            } else {
                known.push(value);
            }
        }
        let at = classifier.classes().iter().position(|class| class == BENIGN);
        let mut raised: BTreeMap<_, bool> = BTreeMap::new();
        for row in new.iter().filter(|row| is_it(row)) {
            let shares = classifier.probabilities(&row.input().context("pictures of another version")?);
            let is_enough = with_opinion(row.sure, at.map_or(0.0, |at| shares[at]), SAY) >= ENOUGH;
            *raised.entry((&row.plant, row.site, row.seed)).or_default() |= is_enough;
        }
        played += raised.len();
        told += raised.values().filter(|is| **is).count();
        println!(
            "  {name:24} raised {:3} of {:3}, strangeness {:.2}",
            raised.values().filter(|is| **is).count(),
            raised.len(),
            own.iter().sum::<f32>() / own.len().max(1) as f32
        );
    }
    println!(
        "attacks never taught: raised {told} of {played}; techniques never taught stranger than known ones: area {:.3}",
        area(&strange, &known),
    );
    Ok(())
}

fn tell(what: &str, grades: &Grades, all: bool) {
    println!(
        "{what}: {} cases, macro-F1 {:.3}, first {:.1} %, acceptable {:.1} %, among three {:.1} %, calibration error {:.3}",
        grades.cases,
        grades.macro_f1,
        grades.first * 100.0,
        grades.acceptable * 100.0,
        grades.three * 100.0,
        grades.calibration
    );
    if all {
        for (class, f1, count) in &grades.classes {
            println!("  {class:8} F1 {f1:.2} of {count}");
        }
    }
    for (is, said, count) in grades.mistakes.iter().take(if all { 25 } else { 6 }) {
        println!("  {count:4} × {is} taken for {said}");
    }
}

fn split(rows: &[Row], is_first: impl Fn(&Row) -> bool) -> (Vec<&Row>, Vec<&Row>) {
    rows.iter().partition(|row| is_first(row))
}

fn read(folder: &Path) -> Result<Vec<Row>> {
    let files = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = files.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "pictures"));
    paths.sort();
    let mut rows = Vec::new();
    for path in paths {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        rows.extend(postcard::from_bytes::<Vec<Row>>(&bytes).with_context(|| path.display().to_string())?);
    }
    Ok(rows)
}

fn write(path: &Path, rows: &[Row]) -> Result<()> {
    let bytes = postcard::to_stdvec(rows)?;
    // As a whole, or not at all: a file that is there is not made again.
    let new = path.with_extension("new");
    std::fs::write(&new, bytes).with_context(|| format!("cannot write {}", new.display()))?;
    std::fs::rename(&new, path).with_context(|| format!("cannot write {}", path.display()))
}

/// Every fourth site is kept to calibrate on.
const fn calibrates(row: &Row) -> bool {
    row.site.is_multiple_of(4)
}

fn is_calm(seed: u64) -> bool {
    (CALM..ATTACKS).contains(&seed)
}

/// From which seeds calm days are played, and days with attacks.
const CALM: u64 = 50;
const ATTACKS: u64 = 100;
/// Minutes.
const DAY: f64 = 1440.0;
/// What is learnt of each plant: the autoencoder takes a minute each and tells the classifier nothing that
/// these do not.
const MODELS: &[&str] = &["baseline", "forest", "mean", "pca"];
