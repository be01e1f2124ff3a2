//! The aggregator's commands.

use std::process::ExitCode;

use clap::Parser;
use fieldward_aggregator::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
