//! `backup`: a copy of the database that is whole, while the service runs.

use std::path::PathBuf;

use clap::Args;
use fieldward_shared::keyfile;

use crate::api::security::NOTE;
use crate::config::Config;
use crate::store::{backup, now};

/// Copy the database into a file
#[derive(Args)]
#[command(after_help = "Example:
  fieldward-aggregator backup --config /etc/fieldward/aggregator.toml /backup/fieldward.backup

The service may run meanwhile. The copy is checked before it gets its name; an older one of that name is
replaced then. Agents keep what was acknowledged for a day: what came after the backup comes again.")]
pub struct Backup {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The copy
    file: PathBuf,
}

impl Backup {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let config = Config::load(&self.config)?;
        let copied = super::wait_for(backup::write(config.database_url.reveal(), &self.file))??;
        // For the check that asks when the last one was.
        let note = format!("{} {copied}\n", now().rfc3339());
        if let Err(error) = keyfile::write(&config.ca.folder.join(NOTE), note.as_bytes()) {
            eprintln!("the backup is whole, but security checks will not know of it: {error}");
        }
        println!("{}: {copied} bytes, checked", self.file.display());
        Ok(())
    }
}
