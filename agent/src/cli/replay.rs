//! `replay`: a capture through the whole pipeline, one JSON alert per line.
//!
//! An alert is written once, in its final state, and in the order in which alerts were raised: one that is
//! over waits until all that were raised before it are over too. With labels, the score follows.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use fieldward_shared::alert::{Alert, AlertId, Severity};
use fieldward_shared::time::Timestamp;

use super::reading;
use crate::alert::Told;
use crate::detect::{DETECTORS, Detector};
use crate::lookout::Lookout;
use crate::model;
use crate::pipeline::Limits;
use crate::score::{Labels, Scored, score};

/// Run a capture through the whole pipeline: one JSON alert per line
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-agent replay plant.pcap --model models/plant-a > alerts.jsonl
  fieldward-agent replay exam.pcap --model models/plant-a --labels exam.labels.json > alerts.jsonl
  zcat plant.pcap.gz | fieldward-agent replay - --model models/plant-a | jq .title

Alerts go to standard output, in their final state and the order in which they were raised; the summary
and the score go to standard error.")]
pub struct Replay {
    /// Capture file (pcap or pcapng), or - for standard input
    file: PathBuf,
    /// Directory of models (see `learn`)
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Name of the plant in alerts
    #[arg(long, value_name = "ID", default_value = "facility")]
    facility: String,
    /// Labels of the capture: prints how good the alerts are
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
}

impl Replay {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let labels = self.labels()?;
        let mut lookout = Lookout::new(&self.facility, Limits::watching(), self.detectors()?);
        let mut out = Output::new(labels.is_some());
        let mut told = Vec::new();
        let ended = reading::read(&self.file, |packet| {
            lookout.packet(packet, &mut told);
            told.drain(..).try_for_each(|one| out.tell(one))
        })?;
        lookout.finish(&mut told);
        told.drain(..).try_for_each(|one| out.tell(one))?;
        out.finish()?;
        self.summarize(&lookout, &out, &ended);
        if let Some(labels) = labels {
            eprint!("{}", score(&out.scored, &labels));
        }
        ended.damage.map_or(Ok(()), |error| Err(error.into()))
    }

    fn labels(&self) -> anyhow::Result<Option<Labels>> {
        let Some(path) = &self.labels else { return Ok(None) };
        let text = std::fs::read(path).with_context(|| format!("labels {}", path.display()))?;
        let labels = serde_json::from_slice(&text).with_context(|| format!("labels {}", path.display()))?;
        Ok(Some(labels))
    }

    fn detectors(&self) -> anyhow::Result<Vec<Box<dyn Detector>>> {
        let Some(directory) = &self.model else {
            tracing::warn!("no --model: only what needs no learning works (see fieldward-agent learn)");
            return Ok(model::innate());
        };
        anyhow::ensure!(
            directory.is_dir(),
            "there is no model directory {}; make it: fieldward-agent learn … --model {0}",
            directory.display()
        );
        let loaded = model::load(directory);
        for refused in &loaded.refused {
            tracing::warn!("{refused}");
        }
        anyhow::ensure!(
            loaded.refused.len() < DETECTORS.len(),
            "no model in {} can be used",
            directory.display()
        );
        Ok(loaded.detectors)
    }

    fn summarize(&self, lookout: &Lookout, out: &Output, ended: &reading::Ended) {
        let pipeline = lookout.watch().pipeline();
        let hours = pipeline.span() as f64 / 3.6e9;
        let mut said = format!("{} packets, {hours:.2} hours, {} alerts", ended.packets, out.written);
        for (severity, count) in out.severities.iter().rev() {
            said += &format!(", {count} {}", format!("{severity:?}").to_lowercase());
        }
        eprintln!("{said}.");
        let flows = pipeline.flow_counts();
        if flows.missed_bytes > 0 {
            eprintln!("  {} bytes were not captured ({} holes).", flows.missed_bytes, flows.gaps);
        }
        let restarts = lookout.watch().window().restarts;
        if restarts > 0 {
            eprintln!("  The windows began anew {restarts} times: a pause, or the clock was set.");
        }
        let counts = lookout.counts();
        if counts.incidents + counts.strangers + out.early > 0 {
            eprintln!(
                "  For want of room {} incidents were dropped, {} newcomers forgotten, {} alerts written early.",
                counts.incidents, counts.strangers, out.early
            );
        }
        let unread = ended.drops.unknown_link;
        if unread > 0 {
            eprintln!("  {unread} packets are of a link type that is not read.");
        }
    }
}

/// Writes alerts when their turn has come.
struct Output {
    /// Alerts that were not written, in the order in which they were raised; and whether they are over.
    waiting: BTreeMap<(Timestamp, AlertId), (Alert, bool)>,
    scored: Vec<Scored>,
    scores: bool,
    written: u64,
    /// Alerts that were written while they went on.
    early: u64,
    severities: BTreeMap<Severity, u64>,
}

impl Output {
    fn new(scores: bool) -> Self {
        Self {
            waiting: BTreeMap::new(),
            scored: Vec::new(),
            scores,
            written: 0,
            early: 0,
            severities: BTreeMap::new(),
        }
    }

    fn tell(&mut self, told: Told) -> anyhow::Result<()> {
        let (alert, over, new) = match told {
            Told::Raised(alert) => (alert, false, true),
            Told::Updated(alert) => (alert, false, false),
            Told::Closed(alert) => (alert, true, false),
        };
        let key = (alert.timestamp, alert.id);
        // What was written early is not written again.
        if new || self.waiting.contains_key(&key) {
            self.waiting.insert(key, (alert, over));
        }
        self.write(MOST_WAITING)
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        self.write(0)
    }

    /// Writes what is over and has no older alert before it, and the oldest when more than `most` wait.
    fn write(&mut self, most: usize) -> anyhow::Result<()> {
        loop {
            let crowded = self.waiting.len() > most;
            let Some(first) = self.waiting.first_entry().filter(|first| crowded || first.get().1) else {
                return Ok(());
            };
            let (alert, over) = first.remove();
            self.early += u64::from(!over);
            let mut line = serde_json::to_vec(&alert)?;
            line.push(b'\n');
            std::io::stdout().lock().write_all(&line)?;
            self.written += 1;
            *self.severities.entry(alert.severity).or_default() += 1;
            if self.scores {
                self.scored.push(Scored::from(&alert));
            }
        }
    }
}

/// Alerts that wait for their turn; more are written before they are over.
const MOST_WAITING: usize = 4096;
