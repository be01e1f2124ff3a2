//! The agent's commands.

use std::process::ExitCode;

use clap::Parser;
use fieldward_agent::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
