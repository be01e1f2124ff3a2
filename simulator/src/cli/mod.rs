//! The simulator's commands, one file each.

mod record;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

/// Fieldward simulator: plays whole plants, and attacks that carry their label. It reaches nothing but
/// loopback, its own network namespaces, and files.
#[derive(Parser)]
#[command(name = "fieldward-sim", version, arg_required_else_help = true)]
pub struct Cli {
    /// How log lines look; they go to standard error
    #[arg(long, value_enum, default_value = "text", global = true)]
    log: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Json,
    Text,
}

#[derive(Subcommand)]
enum Command {
    Record(record::Record),
}

impl Cli {
    /// Runs the command; whatever stops it is one line on standard error.
    pub fn run(self) -> ExitCode {
        self.start_log();
        let done = match self.command {
            Command::Record(record) => record.run(),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!("{error:#}");
                ExitCode::FAILURE
            }
        }
    }

    fn start_log(&self) {
        let filter = EnvFilter::try_from_env("FIELDWARD_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
        let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
        match self.log {
            LogFormat::Json => log.json().init(),
            LogFormat::Text => log.with_target(false).without_time().init(),
        }
    }
}
