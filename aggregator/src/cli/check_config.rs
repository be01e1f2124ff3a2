//! `check-config`: whether a configuration is right.

use std::path::PathBuf;

use clap::Args;

use crate::config::Config;

/// Check a configuration file
#[derive(Args)]
#[command(after_help = "Example:
  fieldward-aggregator check-config /etc/fieldward/aggregator.toml")]
pub struct CheckConfig {
    /// Configuration file
    file: PathBuf,
}

impl CheckConfig {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        Config::load(&self.file)?;
        println!("{}: right", self.file.display());
        Ok(())
    }
}
