//! `check-config`: whether a configuration is right.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::config::Config;

/// Check a configuration file
#[derive(Args)]
#[command(after_help = "Example:
  fieldward-agent check-config /etc/fieldward/agent.toml")]
pub struct CheckConfig {
    /// Configuration file
    file: PathBuf,
}

impl CheckConfig {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let config = Config::load(&self.file)?;
        if let Some(files) = &config.identity {
            files.trust(&Arc::default())?;
        }
        println!("{}: right; {} listens on {}", self.file.display(), config.facility_id, config.interface);
        Ok(())
    }
}
