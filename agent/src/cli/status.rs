//! `status`: how the service is.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use crate::config::Config;
use crate::service::status::{FILE, State, Status};

/// Show how the service is
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-agent status --config /etc/fieldward/agent.toml
  fieldward-agent status --config /etc/fieldward/agent.toml --json | jq .alerts

Exit code 1 when the service does not run.")]
pub struct Show {
    /// Configuration file of the service
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let config = Config::load(&self.config)?;
        let path = config.state().join(FILE);
        let status = Status::read(config.state()).with_context(|| {
            format!("{}: has the service run (fieldward-agent run --config …)?", path.display())
        })?;
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", serde_json::to_string(&status)?)?;
        } else {
            write!(out, "{status}")?;
        }
        let age = std::fs::metadata(&path)?.modified()?.elapsed().unwrap_or_default();
        anyhow::ensure!(status.state != State::Stopped, "the service was stopped {} ago", seconds(age));
        anyhow::ensure!(age < STALE, "the service does not run: its last word is {} old", seconds(age));
        Ok(())
    }
}

fn seconds(age: Duration) -> String {
    format!("{} s", age.as_secs())
}

/// The service writes every few seconds.
const STALE: Duration = Duration::from_secs(30);
