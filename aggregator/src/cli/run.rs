//! `run`: the service.

use std::path::PathBuf;

use clap::Args;
use fieldward_shared::service::Notify;

use crate::app;
use crate::config::Config;

/// Gather what agents report, until SIGTERM
#[derive(Args)]
#[command(after_help = "Example:
  fieldward-aggregator run --config /etc/fieldward/aggregator.toml

The database is made, and brought to this version, at the first start.")]
pub struct Run {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Run {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let config = Config::load(&self.config)?;
        let notify = Notify::from_environment()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(app::run(config, notify))
    }
}
