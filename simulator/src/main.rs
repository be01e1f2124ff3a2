//! The simulator's commands.

use std::process::ExitCode;

use clap::Parser;
use fieldward_sim::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
