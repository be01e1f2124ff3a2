//! Agent, aggregator and simulator in one program, which is each of them by the name that it is called by: for stories
//! in which they run as processes.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_name().and_then(|name| name.to_str()) {
        Some("fieldward-agent") => fieldward_agent::cli::Cli::parse().run(),
        Some("fieldward-aggregator") => fieldward_aggregator::cli::Cli::parse().run(),
        Some("fieldward-sim") => fieldward_sim::cli::Cli::parse().run(),
        _ => {
            eprintln!("call it by a link named fieldward-agent, fieldward-aggregator or fieldward-sim");
            ExitCode::FAILURE
        }
    }
}
