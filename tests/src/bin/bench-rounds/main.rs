//! How long rounds take besides training: an aggregator in this process, plants with their players, books and links
//! (QUIC, mutual TLS) in another one, masks and all. Each round is timed from its plan to its end, and the one after it
//! waits until plants have heard of that; training is a linear model on 192 windows, and is in it.
//!
//! Bytes are those of the loopback interface, whatever else goes over it: `unshare -n sh -c "ip link set lo up;
//! bench-rounds …"` has one of its own.

mod plants;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use fieldward_aggregator::round::RoundTerms;
use fieldward_aggregator::store::rounds::Status;
use fieldward_tests::link::office::Office;
use fieldward_tests::link::{HERE, limits};
use fieldward_tests::rounds::{Driving, import, plan, terms};

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
    /// Without masks: plants are seen one by one.
    #[arg(long)]
    open: bool,
    /// Where the aggregator puts its files; removed at the end.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Where plants put theirs, if elsewhere: of many, each would have a disk of its own.
    #[arg(long)]
    plants_dir: Option<PathBuf>,
    /// Plays the plants of an aggregator at this address, whose folder follows.
    #[arg(long, hide = true, num_args = 2)]
    play: Option<Vec<String>>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some([address, office]) = arguments.play.as_deref() {
        let plants = plants::Plants { parameters: arguments.parameters, may_be_seen: arguments.open };
        return plants.play(arguments.plants, address.parse()?, office.as_ref(), arguments.plants_dir);
    }
    tokio::runtime::Runtime::new()?.block_on(time(arguments))
}

async fn time(arguments: Arguments) -> Result<()> {
    let Arguments { plants, parameters, rounds, open, dir, plants_dir, .. } = arguments;
    let folder = match dir {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    let office = Office::open(folder.path(), HERE, limits()).await?;
    let store = office.aggregator.store.clone();
    import(&store, parameters).await?;
    let terms = RoundTerms { epochs: 1, patience_seconds: 120.0, masked: !open, ..terms() };
    let mut driving = Driving::start(&office, terms);
    let mut playing = Command::new(std::env::current_exe()?);
    playing.args(["--plants", &plants.to_string(), "--parameters", &parameters.to_string()]);
    playing.args(["--play", &office.address().to_string()]).arg(folder.path()).stdin(Stdio::piped());
    if open {
        playing.arg("--open");
    }
    if let Some(dir) = plants_dir {
        playing.arg("--plants-dir").arg(dir);
    }
    let mut playing = playing.spawn()?;
    let tasks = office.aggregator.intake.tasks();
    while (tasks.present().len() as u64) < plants {
        ensure!(playing.try_wait()?.is_none(), "the plants have ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let how = if open { "seen one by one" } else { "masked" };
    println!("{plants} plants, {parameters} parameters, {how}; {} MiB before", memory("VmRSS:")? >> 20);
    let (mut times, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (start, before) = (Instant::now(), carried()?);
        let number = plan(&store).await?;
        driving.planned.notify_one();
        let round = driving.ended(&store, number).await?;
        let took = start.elapsed();
        ensure!(round.candidate.is_some(), "round {number} gave no model: {:?}", round.reason);
        let how = if round.status == Status::Completed { "promoted" } else { "rejected" };
        let of_plant = (carried()? - before) / plants;
        println!(
            "round {number}: {:.3} s, {how}; {of_plant} bytes a plant; {} MiB, at most {}",
            took.as_secs_f64(),
            memory("VmRSS:")? >> 20,
            memory("VmHWM:")? >> 20
        );
        times.push(took);
        bytes.push(of_plant);
    }
    times.sort_unstable();
    bytes.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let carried = bytes.get(bytes.len() / 2).copied().unwrap_or_default() as f64;
    println!(
        "median {:.3} s, {carried} bytes: {:.3} of a model there and an update back",
        median.as_secs_f64(),
        carried / (8 * parameters) as f64
    );
    drop(playing.stdin.take());
    playing.wait()?;
    driving.stop().await;
    office.close().await;
    Ok(())
}

/// Memory of this process, which is the aggregator's.
fn memory(what: &str) -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find(|line| line.starts_with(what)).with_context(|| what.to_owned())?;
    let kib: u64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
    Ok(kib << 10)
}

/// Bytes that the loopback interface has carried.
fn carried() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/net/dev")?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("lo:"));
    let bytes = line.and_then(|line| line.split_whitespace().next()).context("no loopback interface")?;
    Ok(bytes.parse()?)
}
