//! `run`: the service of one plant.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use fieldward_shared::service::Notify;

use crate::capture::{self, Filter, LiveConfig, Source};
use crate::config::Config;
use crate::service::{self, status::Status};

/// Watch a plant live: learns by itself, then raises alerts
#[derive(Args)]
#[command(after_help = "Example:
  fieldward-agent run --config /etc/fieldward/agent.toml

The first start learns from the traffic until it has settled, then watches; with a model it watches at once.
`status` shows how it is, `maintenance` tells it that people work on the plant. Alerts wait in the spool.")]
pub struct Run {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Run {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let config = Config::load(&self.config)?;
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, stop.clone())?;
        }
        let notify = Notify::from_environment()?;
        let source = source(&config)?;
        // Before any thread is started: each would keep the rights of this one.
        capture::drop_capabilities()?;
        tracing::info!("{} listens on {}", config.facility_id, config.interface);
        let status = service::run(&config, source, &stop, &notify)?;
        summarize(&status);
        Ok(())
    }
}

/// The mirror port; or, called `-`, a capture that comes on standard input as it is made.
fn source(config: &Config) -> anyhow::Result<Box<dyn Source>> {
    if config.interface == "-" {
        let source = capture::open(Path::new("-"))?;
        return Ok(Box::new(match config.filter.as_str() {
            "" => source,
            filter => source.filtered(Filter::new(filter)?),
        }));
    }
    let live = LiveConfig {
        snaplen: config.snaplen,
        buffer_bytes: config.buffer_mib.saturating_mul(1 << 20),
        filter: (!config.filter.is_empty()).then(|| config.filter.clone()),
        ..LiveConfig::new(&config.interface)
    };
    Ok(Box::new(capture::open_live(&live)?))
}

/// The closing words, for a person.
fn summarize(status: &Status) {
    eprint!("{status}");
}
