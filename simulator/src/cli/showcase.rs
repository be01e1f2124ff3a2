//! `showcase`: everything at once on this machine, to be looked at.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::stopped;
use crate::live;
use crate::showcase::{self, Settings};

/// Start an aggregator with its page, three plants and their agents, and play scenarios when asked to
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-sim showcase
  fieldward-sim showcase --pipe --calm 10

`make demo` installs and builds what it needs. Agents capture on the loopback interface where this user may; else each
reads its plant's packets from a pipe. Everything is in one temporary folder and gone at the end; nothing
leaves this machine.")]
pub struct Showcase {
    /// Where fieldward-agent and fieldward-aggregator are [default: beside this program]
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Packets through pipes, also where they could be captured
    #[arg(long)]
    pipe: bool,
    /// Seconds of normal traffic before scenarios are offered
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    calm: u64,
    /// Minutes of each plant that are recorded and learnt before
    #[arg(long, value_name = "MINUTES", default_value_t = 240, value_parser = clap::value_parser!(u32).range(10..=10_080))]
    minutes: u32,
    /// Do not open a browser
    #[arg(long)]
    no_browser: bool,
}

impl Showcase {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let beside = || {
            let own = std::env::current_exe().context("this program's own file")?;
            anyhow::Ok(own.parent().context("its folder")?.to_owned())
        };
        let settings = Settings {
            programs: self.programs.clone().map_or_else(beside, Ok)?,
            pipe: self.pipe,
            calm: Duration::from_secs(self.calm),
            minutes: self.minutes,
            open: !self.no_browser && std::io::stdin().is_terminal(),
        };
        let stop = async {
            if let Err(error) = stopped().await {
                tracing::warn!(%error, "signals are not heard");
            }
        };
        Ok(live::run(showcase::play(&settings, stop))??)
    }
}
