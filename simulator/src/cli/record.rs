//! `record`: hours of a plant into a capture and its labels, in seconds.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::config::{self, Config, Planned};
use crate::day;
use crate::record::{PcapFile, Sink};
use crate::recording;

/// Record a plant as a capture with labels
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-sim record --plant water --minutes 60 --out day.pcap --labels day.json
  fieldward-sim record --plant gas --minutes 20 --attack unit-sweep@300 --attack setpoint-range:scada:slow@600 \\
      --out gas.pcap --labels gas.json --seed 7
  fieldward-sim record --plant plants/substation.toml --minutes 10080 --out - --labels week.json | …

The same seed gives the same capture, byte for byte. `fieldward-sim list` shows attacks and events.")]
pub struct Record {
    /// Kind of plant (water, gas, substation), or a configuration file
    #[arg(long)]
    plant: String,
    /// How long, in minutes of the plant's time
    #[arg(long)]
    minutes: f64,
    /// An attack and when it begins: NAME[:VARIANT[:INTENSITY]]@SECOND
    #[arg(long, value_name = "ATTACK", value_parser = Planned::parse)]
    attack: Vec<Planned>,
    /// A benign event and when it begins: NAME@SECOND
    #[arg(long, value_name = "EVENT", value_parser = parse_event)]
    event: Vec<(&'static day::Event, f64)>,
    /// The capture (pcap), or - for standard output
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The labels (JSON)
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// From what chance is derived: another seed is another day of the same plant
    #[arg(long)]
    seed: Option<u64>,
    /// Which plant of its kind: other cards, makes and poll plans
    #[arg(long)]
    site: Option<u64>,
    /// How many devices (5 to 500) [default: 50]
    #[arg(long)]
    devices: Option<usize>,
    /// Time of day at which it begins [default: 08:00]
    #[arg(long, value_name = "HH:MM")]
    start: Option<String>,
    /// No events but those that are asked for
    #[arg(long)]
    calm: bool,
    /// Bytes kept of each packet
    #[arg(long, value_name = "BYTES", default_value = "65535")]
    snaplen: u32,
}

impl Record {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let config = self.config()?;
        let (name, out): (String, Box<dyn Write>) = if self.out.as_os_str() == "-" {
            ("-".to_owned(), Box::new(io::stdout()))
        } else {
            let file =
                File::create(&self.out).with_context(|| format!("cannot write {}", self.out.display()))?;
            (self.out.file_name().unwrap_or_default().to_string_lossy().into_owned(), Box::new(file))
        };
        // Before the work, so that a wrong path costs nothing.
        let labels =
            File::create(&self.labels).with_context(|| format!("cannot write {}", self.labels.display()))?;
        let sink: Box<dyn Sink> =
            Box::new(PcapFile::new(BufWriter::with_capacity(1 << 18, out), self.snaplen as usize)?);
        let bar = if io::stderr().is_terminal() { ProgressBar::new(1000) } else { ProgressBar::hidden() };
        bar.set_style(ProgressStyle::with_template("{bar:40} {percent}% {eta}")?);
        // Interrupted, a recording is shorter and as good.
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, stop.clone())?;
        }
        let began = Instant::now();
        let recording = recording::record(&config, self.minutes, &name, sink, |share| {
            bar.set_position((share * 1000.0) as u64);
            !stop.load(Ordering::Relaxed)
        })
        .with_context(|| format!("cannot write {}", self.out.display()))?;
        bar.finish_and_clear();
        let mut labels = BufWriter::new(labels);
        serde_json::to_writer_pretty(&mut labels, &recording.labels)?;
        writeln!(labels)?;
        labels.flush()?;
        let seconds = began.elapsed().as_secs_f64();
        eprintln!(
            "{}: {} packets of {} minutes in {seconds:.1} s, {} attacks, {} benign events",
            self.out.display(),
            recording.packets,
            (recording.labels.seconds() / 6.0).round() / 10.0,
            recording.labels.attacks.len(),
            recording.labels.benign.len(),
        );
        Ok(())
    }

    fn config(&self) -> anyhow::Result<Config> {
        let wrong = |option: &str| {
            let option = option.to_owned();
            move |(what, remedy): (String, String)| anyhow::anyhow!("{option}: {what}; {remedy}")
        };
        let mut config = Config::find(&self.plant)?;
        if let Some(devices) = self.devices {
            config::check_size(devices).map_err(wrong("--devices"))?;
            config.devices = devices;
        }
        if let Some(start) = &self.start {
            config.start = config::parse_clock(start).map_err(wrong("--start"))?;
        }
        anyhow::ensure!(
            self.minutes > 0.0 && self.minutes <= MOST_MINUTES,
            "--minutes: {} is nothing that can be recorded; choose a number up to {MOST_MINUTES} (60 days)",
            self.minutes
        );
        config.seed = self.seed.unwrap_or(config.seed);
        config.site = self.site.unwrap_or(config.site);
        config.events &= !self.calm;
        config.attacks.extend_from_slice(&self.attack);
        config.planned.extend_from_slice(&self.event);
        for planned in &config.attacks {
            anyhow::ensure!(
                planned.at < self.minutes * 60.0,
                "the attack {} would begin at second {}, after the end of the recording; choose an earlier second",
                planned.scene.name(),
                planned.at
            );
        }
        Ok(config)
    }
}

fn parse_event(text: &str) -> Result<(&'static day::Event, f64), String> {
    let (name, at) = text.rsplit_once('@').ok_or("say when, in seconds from the beginning: NAME@SECOND")?;
    let event = day::find(name)
        .ok_or_else(|| format!("no event is called \"{name}\"; `fieldward-sim list` shows all of them"))?;
    let at = at.parse().map_err(|_| format!("\"{at}\" is no number of seconds"))?;
    Ok((event, at))
}

/// The longest recording.
const MOST_MINUTES: f64 = 86_400.0;
