//! `maintenance`: tells the service that people work on some hosts, or on all, for some hours.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use fieldward_shared::time::Timestamp;

use crate::config::Config;
use crate::maintenance::Maintenance;

/// Say that people work on the plant: what is found meanwhile is kept and marked, not raised
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-agent maintenance --config agent.toml start --hours 2 --host 10.1.1.4 --reason 'new pump at PLC 4'
  fieldward-agent maintenance --config agent.toml start --hours 8 --learn --reason 'new HMI screens'
  fieldward-agent maintenance --config agent.toml stop

It begins at once, ends by itself, and `status` shows it. What needs no learning (attacks in web requests)
is raised as ever.")]
pub struct Maintain {
    /// Configuration file of the service
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Work begins now
    Start {
        /// For how long, up to a week
        #[arg(long)]
        hours: f64,
        /// A host that is worked on; may be repeated [default: all]
        #[arg(long, value_name = "ADDRESS")]
        host: Vec<IpAddr>,
        /// What these hosts do meanwhile belongs to the plant from then on
        #[arg(long)]
        learn: bool,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Work is over
    Stop,
}

impl Maintain {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let config = Config::load(&self.config)?;
        let state = config.state();
        match &self.what {
            What::Start { hours, host, learn, reason } => {
                let (from, hosts) = (now()?, host.iter().copied().collect::<BTreeSet<_>>());
                anyhow::ensure!(hours.is_finite() && *hours > 0.0, "--hours {hours}: choose more than 0");
                let until = from.plus((hours * 3.6e9) as u64);
                let work =
                    Maintenance { from, until, hosts, learn: *learn, reason: reason.trim().to_owned() };
                work.check().map_err(anyhow::Error::msg)?;
                work.write(state)
                    .with_context(|| format!("{}: run it as a user who may write there", state.display()))?;
                println!("Maintenance of {} until {}.", work.hosts_in_words(), until.rfc3339());
            }
            What::Stop => {
                let was = Maintenance::remove(state)
                    .with_context(|| format!("{}: run it as a user who may write there", state.display()))?;
                println!("{}", if was { "Maintenance is over." } else { "There was no maintenance." });
            }
        }
        Ok(())
    }
}

fn now() -> anyhow::Result<Timestamp> {
    #[expect(clippy::disallowed_methods, reason = "a person says `now`")]
    let since =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock of this machine")?;
    Ok(Timestamp::from_micros(u64::try_from(since.as_micros())?))
}
