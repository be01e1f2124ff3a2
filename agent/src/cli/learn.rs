//! `learn`: from captures of normal traffic to a model directory.
//!
//! Every detector learns from the same packets in one pass. A closing summary says what was learnt, what
//! was not, and why; nothing is written when nothing could be learnt.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use fieldward_shared::time::Timestamp;

use super::reading;
use crate::detect::DETECTORS;
use crate::learn::beforehand::Beforehand;
use crate::model::{self, Lesson};
use crate::pipeline::Limits;
use crate::watch::Watch;

/// Learn what is normal from captures of normal traffic
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-agent learn monday.pcap tuesday.pcapng --model models/plant-a
  zcat week.pcap.gz | fieldward-agent learn - --model models/plant-a --seed 7
  fieldward-agent learn week.pcap --model /var/lib/fieldward/model --state /var/lib/fieldward

What was learnt from the bytes on the wire stands in DIR/baseline.txt and may be read and edited.")]
pub struct Learn {
    /// Captures (pcap or pcapng) in the order of their time, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Directory that gets the models
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Where chance comes from: the same seed and captures give the same models
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// State directory of the service: its minutes are kept there, too, for rounds in which plants learn together.
    /// The service must not run meanwhile
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

impl Learn {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let learners = DETECTORS.iter().map(|kind| (kind.learn)(self.seed)).collect();
        let mut watch = Watch::new(Limits::watching(), learners);
        let mut learnt = Learnt::default();
        let mut kept = self.state.as_deref().map(|state| Beforehand::open(state, &self.model)).transpose()?;
        for file in &self.files {
            let ended = reading::read(file, |packet| {
                watch.packet(packet);
                watch.findings();
                if let Some(kept) = &mut kept {
                    kept.packet(&watch);
                }
                learnt.pass(packet.ts);
                Ok(())
            })?;
            learnt.packets += ended.packets;
            if let Some(damage) = ended.damage {
                tracing::warn!("{damage}; what comes before it is learnt");
            }
        }
        watch.finish();
        if learnt.packets == 0 {
            bail!("there is no packet in {}: nothing was learnt", names(&self.files));
        }
        let lessons = model::save(&self.model, &watch.into_detectors())?;
        let said = learnt.summary(&lessons);
        if lessons.iter().all(|lesson| lesson.file.is_none()) {
            bail!("nothing could be learnt, and no model was written\n{said}");
        }
        eprintln!("{said}Written to {}.", self.model.display());
        if let (Some(kept), Some(state)) = (&kept, &self.state) {
            eprintln!("{} minutes are kept in {} for rounds.", kept.counts().kept, state.display());
        }
        Ok(())
    }
}

/// How much was learnt from.
#[derive(Default)]
struct Learnt {
    packets: u64,
    /// Microseconds of packet time in which packets came, without long pauses between captures.
    span: u64,
    last: Option<Timestamp>,
}

impl Learnt {
    fn pass(&mut self, ts: Timestamp) {
        let step = self.last.map_or(0, |last| ts.since(last));
        if step < PAUSE {
            self.span += step;
        }
        self.last = Some(ts);
    }

    fn summary(&self, lessons: &[Lesson]) -> String {
        let mut said = format!("Learnt from {} of traffic, {} packets.\n", Span(self.span), self.packets);
        for lesson in lessons {
            let mark = lesson.file.unwrap_or("not learnt");
            let _ = writeln!(said, "  {:<12} {} ({mark})", lesson.detector, lesson.said);
        }
        if self.span < DAY {
            said += "A plant has its days: what happens once a day or week is learnt from days or weeks.\n";
        }
        said
    }
}

/// A span of time as people say it.
struct Span(u64);

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0 as f64 / 1e6;
        match seconds {
            s if s < 120.0 => write!(f, "{s:.0} seconds"),
            s if s < 7200.0 => write!(f, "{:.0} minutes", s / 60.0),
            s if s < 172_800.0 => write!(f, "{:.1} hours", s / 3600.0),
            s => write!(f, "{:.1} days", s / 86_400.0),
        }
    }
}

fn names(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A longer silence is the time between two captures.
const PAUSE: u64 = 60_000_000;
/// Shorter than this (a little less than a day) is said to be short.
const DAY: u64 = 86_000_000_000;
