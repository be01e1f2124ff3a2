//! `restore`: a database from a backup.

use std::path::PathBuf;

use clap::Args;

use crate::config::Config;
use crate::store::backup;

/// Make the database from a backup
#[derive(Args)]
#[command(after_help = "Example:
  fieldward-aggregator restore --config /etc/fieldward/aggregator.toml /backup/fieldward.backup

Stop the service first. The backup is checked before anything is changed. A database that is there already is
kept, unless --overwrite says otherwise.")]
pub struct Restore {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The backup
    file: PathBuf,
    /// Replace the database that is there
    #[arg(long)]
    overwrite: bool,
}

impl Restore {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let config = Config::load(&self.config)?;
        super::wait_for(backup::restore(config.database_url.reveal(), &self.file, self.overwrite))??;
        println!("restored from {}", self.file.display());
        Ok(())
    }
}
