//! How well attacks are found in captures that others made, and how quiet normal ones stay: learnt from
//! their normal part, or merged into a recorded plant, as `fieldward_tests::real` says. Prints the table
//! of BENCHMARKS.md; labels, alerts and findings of every capture are written to a folder.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Parser;
use fieldward_agent::score::{Labels, Outcome as Attack};
use fieldward_sim::PLANTS;
use fieldward_sim::config::Config;
use fieldward_sim::record::PcapFile;
use fieldward_sim::recording::record;
use fieldward_tests::real::{Case, Group, Models, Outcome, Packets, cases, folder, learn, watch};

/// Examines detection on captures that others made.
#[derive(Parser)]
struct Arguments {
    /// Folder for labels, alerts and findings of every capture
    out: PathBuf,
    /// Where the captures are (default: beside the repository)
    #[arg(long)]
    data: Option<PathBuf>,
    /// Only captures whose name holds this
    #[arg(long, default_value = "")]
    only: String,
    /// Minutes of the recorded plant to learn from, for captures without a normal part
    #[arg(long, default_value_t = 240.0)]
    minutes: f64,
}

/// What came of a capture.
struct Found {
    group: Group,
    labels: Labels,
    outcome: Outcome,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let data = arguments.data.or_else(folder).context("there are no captures of others here")?;
    fs::create_dir_all(&arguments.out)?;
    let learnt_from = plant(&arguments.out, 1, arguments.minutes, false)?;
    let merged_into = plant(&arguments.out, 2, 6.0, true)?;
    let mut models: HashMap<usize, Models> = HashMap::new();
    let mut rows = Vec::new();
    println!(
        "{:58} {:>8} {:>8} {:>6} {:>6}  named",
        "capture / attack", "delay", "in time", "first", "three"
    );
    for case in cases(&data, Some((&learnt_from, &merged_into)))? {
        if !case.name.contains(&arguments.only) {
            continue;
        }
        let (number, parts) = &case.learn;
        let models = models.entry(*number).or_insert_with(|| learn(parts, &[]));
        let labels = case.labels()?;
        let outcome = watch(models, &case.watch, &labels, case.chatter);
        keep(&arguments.out, &case, models, &outcome)?;
        tell(&case, &outcome);
        rows.push(Found { group: case.group, labels, outcome });
    }
    table(&rows);
    Ok(())
}

/// A small recorded plant.
fn plant(out: &Path, seed: u64, minutes: f64, calm: bool) -> Result<Packets> {
    let mut config = Config::new(PLANTS[0], 12);
    config.seed = seed;
    config.events = !calm;
    let path = out.join(format!("plant-{seed}.pcap"));
    let file = PcapFile::new(BufWriter::new(File::create(&path)?), 300)?;
    record(&config, minutes, "plant", Box::new(file), |_| true)?;
    let packets = Packets::read(&path)?;
    fs::remove_file(path)?;
    Ok(packets)
}

fn keep(out: &Path, case: &Case, models: &Models, outcome: &Outcome) -> Result<()> {
    let name = case.name.replace(' ', "-");
    let file = |end: &str| out.join(format!("{name}.{end}"));
    fs::write(file("labels.json"), serde_json::to_vec_pretty(&case.labels)?)?;
    fs::write(file("baseline.txt"), models.baseline())?;
    fs::write(file("findings.txt"), outcome.findings.join("\n") + "\n")?;
    let mut alerts = BufWriter::new(File::create(file("jsonl"))?);
    for alert in &outcome.alerts {
        serde_json::to_writer(&mut alerts, alert)?;
        writeln!(alerts)?;
    }
    alerts.flush()?;
    Ok(())
}

fn tell(case: &Case, outcome: &Outcome) {
    for attack in &outcome.score.attacks {
        let delay = attack.delay.map_or("missed".to_owned(), |delay| format!("{delay:.2} s"));
        let yes = |is: bool| if is { "yes" } else { "no" };
        let name = if attack.name == case.name {
            case.name.clone()
        } else {
            format!("{}: {}", case.name, attack.name)
        };
        println!(
            "{name:58} {delay:>8} {:>8} {:>6} {:>6}  {}",
            yes(attack.in_time),
            yes(attack.accepted.0),
            yes(attack.accepted.1),
            attack.named.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(",")
        );
    }
    for place in &outcome.score.false_alerts {
        let start = case.watch.span().0;
        if let Some(alert) = outcome.alerts.get(*place) {
            let at = alert.timestamp.as_micros() as f64 / 1e6 - start;
            println!("{:58} false at {at:.0} s: {}", case.name, alert.title);
        }
    }
}

/// Attacks that follow each other within two minutes are one sequence, and one alert: of how many one of
/// their attacks was found.
fn sequences(of: &[&Found]) -> String {
    let (mut found, mut all) = (0, 0);
    for one in of {
        let mut attacks: Vec<_> = one.labels.attacks.iter().zip(&one.outcome.score.attacks).collect();
        attacks.sort_by(|(one, _), (other, _)| one.start.total_cmp(&other.start));
        for sequence in attacks.chunk_by(|(one, _), (next, _)| next.start - one.end <= 120.0) {
            all += 1;
            found += usize::from(sequence.iter().any(|(_, attack)| attack.detected));
        }
    }
    format!("{found} of {all}")
}

fn table(rows: &[Found]) {
    println!(
        "\n| captures | attacks | detected | sequences | in time | median | technique first / among three | normal hours | \
         false alerts | per hour | random | flag-all |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for group in Group::ALL {
        let of: Vec<&Found> = rows.iter().filter(|one| one.group == group).collect();
        let attacks: Vec<&Attack> = of.iter().flat_map(|one| &one.outcome.score.attacks).collect();
        let count = |which: fn(&Attack) -> bool| attacks.iter().filter(|attack| which(attack)).count();
        let mut delays: Vec<f64> = attacks.iter().filter_map(|attack| attack.delay).collect();
        delays.sort_by(f64::total_cmp);
        let median = delays.get(delays.len() / 2).map_or("-".to_owned(), |delay| format!("{delay:.1} s"));
        let hours: f64 = of.iter().map(|one| one.outcome.score.normal / 3600.0).sum();
        let wrong: usize = of.iter().map(|one| one.outcome.score.false_alerts.len()).sum();
        let per_hour = if hours > 0.0 { format!("{:.1}", wrong as f64 / hours) } else { "-".to_owned() };
        println!(
            "| {} ({}) | {} | {} | {} | {} | {median} | {} / {} | {hours:.2} | {wrong} | {per_hour} | {:.1} | {} |",
            group.name(),
            of.len(),
            attacks.len(),
            count(|attack| attack.detected),
            sequences(&of),
            count(|attack| attack.in_time),
            count(|attack| attack.accepted.0),
            count(|attack| attack.accepted.1),
            of.iter().map(|one| one.outcome.plain.random).sum::<f64>(),
            of.iter().map(|one| one.outcome.plain.all).sum::<usize>(),
        );
    }
}
