//! replay
use std::path::PathBuf;

use super::reading;
use crate::model;
use crate::pipeline::Limits;
use crate::watch::Watch;
use clap::Args;

/// Run a capture through the whole pipeline: one JSON alert per line
#[derive(Args)]
pub struct Replay {
    /// Capture file (pcap or pcapng), or - for standard input
    file: PathBuf,
    /// Directory of models (see `learn`)
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
}

impl Replay {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let loaded = model::load(self.model.as_deref().unwrap_or(std::path::Path::new("")));
        let mut watch = Watch::new(Limits::default(), loaded.detectors);
        reading::read(&self.file, |packet| {
            watch.packet(packet);
            for f in watch.findings() {
                println!(
                    "{} {} {} {:?} {:?} {} {} {}",
                    f.at,
                    f.detector,
                    f.kind,
                    f.actor.map(|a| a.to_string()),
                    f.target.map(|a| a.to_string()),
                    f.confidence,
                    f.consequence,
                    f.evidence
                );
            }
            Ok(())
        })?;
        Ok(())
    }
}
