//! `bench-watch`: how fast a capture goes from packet to alert, how long one closed second takes, and how
//! much memory is held; beside it decoding alone in the same run. One capture a process, so that the
//! peak is its own. Prints a row of a table; `scripts/bench-watch.sh` runs it on several.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use fieldward_agent::alert::{Correlator, Loss, Told};
use fieldward_agent::capture::{self, Next, Packet, Source};
use fieldward_agent::model;
use fieldward_agent::pipeline::{Limits, Pipeline};
use fieldward_agent::protocol::{ProtocolEvent, Sink};
use fieldward_agent::watch::Watch;
use fieldward_tests::cpu;

/// Replays a capture from the page cache through every detector and the correlator.
#[derive(Parser)]
struct Arguments {
    /// The capture.
    capture: PathBuf,
    /// The models (see `fieldward-agent learn`).
    #[arg(long)]
    model: PathBuf,
    /// The median of so many runs is told.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// What one run took.
#[derive(Clone, Copy)]
struct Run {
    cpu: f64,
    packets: u64,
    alerts: u64,
    /// Milliseconds of the closed seconds: the 99th of a hundred, and the longest.
    late: [f64; 2],
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut runs = Vec::new();
    let mut decoded = Vec::new();
    for _ in 0..arguments.runs.max(1) {
        decoded.push(decode(&arguments.capture)?);
        runs.push(watch(&arguments.capture, &arguments.model)?);
    }
    decoded.sort_by(f64::total_cmp);
    runs.sort_by(|one, other| one.cpu.total_cmp(&other.cpu));
    let (run, decode) = (runs[runs.len() / 2], decoded[decoded.len() / 2]);
    let name = arguments.capture.file_stem().unwrap_or_default().to_string_lossy();
    // On a shared machine the quietest run says what is ours.
    let [most, longest] = [0, 1].map(|at| runs.iter().map(|run| run.late[at]).fold(f64::INFINITY, f64::min));
    println!(
        "| {name} | {} | {:.2} M | {:.2} M | {:.1} | {} | {most:.2} | {longest:.2} | {} MiB |",
        run.packets,
        run.packets as f64 / decode / 1e6,
        run.packets as f64 / run.cpu / 1e6,
        run.cpu / decode,
        run.alerts,
        peak()?,
    );
    Ok(())
}

/// Counts events and nothing else.
struct Nothing(u64);

impl Sink for Nothing {
    fn event(&mut self, _: &ProtocolEvent<'_>) {
        self.0 += 1;
    }
}

/// CPU seconds of decoding alone.
fn decode(path: &Path) -> Result<f64> {
    let (mut pipeline, mut nothing) = (Pipeline::new(Limits::default()), Nothing(0));
    let start = cpu::seconds();
    each(path, |packet| pipeline.packet(packet, &mut nothing))?;
    pipeline.finish(&mut nothing);
    Ok(cpu::seconds() - start)
}

fn watch(path: &Path, models: &Path) -> Result<Run> {
    let loaded = model::load(models);
    anyhow::ensure!(loaded.refused.is_empty(), "{}", loaded.refused[0]);
    let mut watch = Watch::new(Limits::default(), loaded.detectors);
    let mut correlator = Correlator::new("bench");
    let (mut told, mut alerts, mut late) = (Vec::new(), 0, Vec::new());
    let start = cpu::seconds();
    each(path, |packet| {
        let before = watch.second();
        let closes = before.is_some_and(|before| packet.ts.as_secs() > before).then(Instant::now);
        watch.packet(packet);
        watch.drain(|finding, window| correlator.find(finding, window, &mut told));
        if let (Some(before), Some(now)) = (before, watch.second())
            && before != now
        {
            let pipeline = watch.pipeline();
            let loss = Loss { bytes: pipeline.bytes(), missed: pipeline.flow_counts().missed_bytes };
            correlator.second(now.saturating_sub(1), watch.window(), loss, &mut told);
        }
        late.extend(closes.map(|since| since.elapsed().as_secs_f64() * 1e3));
        alerts += told.drain(..).filter(|told| matches!(told, Told::Raised(_))).count() as u64;
    })?;
    watch.finish();
    let cpu = cpu::seconds() - start;
    late.sort_by(f64::total_cmp);
    let at = |share: f64| late.get((late.len() as f64 * share) as usize).or(late.last()).copied();
    let late = [at(0.99).unwrap_or_default(), late.last().copied().unwrap_or_default()];
    Ok(Run { cpu, packets: watch.pipeline().packets(), alerts, late })
}

fn each(path: &Path, mut take: impl FnMut(&Packet<'_>)) -> Result<()> {
    let mut source = capture::open(path).with_context(|| path.display().to_string())?;
    while let Next::Packet(packet) = source.next_packet()? {
        take(&packet);
    }
    Ok(())
}

/// The most MiB that were resident.
fn peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}
