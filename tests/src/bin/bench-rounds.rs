//! How long rounds take besides training: plants with their link (QUIC, mutual TLS) and an aggregator in one process,
//! masks and all. Each round is timed from its plan to its end; training is a linear model on 192 windows.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use fieldward_aggregator::round::RoundTerms;
use fieldward_aggregator::store::rounds::Status;
use fieldward_tests::link::office::Office;
use fieldward_tests::link::{HERE, limits};
use fieldward_tests::rounds::{Driving, Plant, ended, import, plan, terms};

/// Times rounds.
#[derive(Parser)]
struct Arguments {
    /// Plants.
    #[arg(long, default_value_t = 3)]
    plants: u64,
    /// Parameters of the model.
    #[arg(long, default_value_t = 60_000)]
    parameters: usize,
    /// Rounds.
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// Where everything is put; removed at the end.
    #[arg(long)]
    dir: Option<std::path::PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { plants, parameters, rounds, dir } = Arguments::parse();
    let folder = match dir {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    let office = Office::open(folder.path(), HERE, limits()).await?;
    let store = office.aggregator.store.clone();
    import(&store, parameters).await?;
    let terms = RoundTerms { epochs: 1, patience_seconds: 120.0, ..terms() };
    let driving = Driving::start(&office, terms);
    let mut all = Vec::new();
    for nth in 0..plants {
        // The door takes so many of an address, and has the others come again.
        let name = format!("plant-{nth}");
        let mut plant = Plant::start(&office, folder.path(), &name, parameters, nth).await;
        while plant.as_ref().is_err_and(|error| error.to_string().contains("later")) {
            tokio::time::sleep(Duration::from_secs(2)).await;
            plant = Plant::start(&office, folder.path(), &name, parameters, nth).await;
        }
        all.push(plant?);
    }
    let tasks = office.aggregator.intake.tasks();
    while (tasks.present().len() as u64) < plants {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{plants} plants, {parameters} parameters; {} MiB before the first round", resident()? >> 20);
    let mut times = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        let number = plan(&store).await?;
        driving.planned.notify_one();
        let round = ended(&store, number).await;
        let took = start.elapsed();
        ensure!(round.candidate.is_some(), "round {number} gave no model: {:?}", round.reason);
        let how = if round.status == Status::Completed { "promoted" } else { "rejected" };
        println!("round {number}: {:.3} s, {how}, {} MiB", took.as_secs_f64(), resident()? >> 20);
        times.push(took);
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!("median {:.3} s", median.as_secs_f64());
    all.iter_mut().for_each(Plant::stop);
    driving.stop().await;
    office.close().await;
    Ok(())
}

/// Resident memory of this process: aggregator and plants together.
fn resident() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
    let kib: u64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
    Ok(kib << 10)
}
