//! The simulator's commands, one file each.

mod attack;
mod demo;
mod list;
mod plant;
mod record;
mod showcase;

use std::fs::File;
use std::io::IsTerminal;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::ledger::Labels;

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
    Plant(plant::Plant),
    Attack(attack::Attack),
    Record(record::Record),
    Demo(demo::Demo),
    Showcase(showcase::Showcase),
    List(list::List),
}

impl Cli {
    /// Runs the command; whatever stops it is one line on standard error.
    pub fn run(self) -> ExitCode {
        self.start_log();
        let done = match self.command {
            Command::Plant(plant) => plant.run(),
            Command::Attack(attack) => attack.run(),
            Command::Record(record) => record.run(),
            Command::Demo(demo) => demo.run(),
            Command::Showcase(showcase) => showcase.run(),
            Command::List(list) => list.run(),
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
        let log = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_env_filter(filter);
        match self.log {
            LogFormat::Json => log.json().init(),
            LogFormat::Text => log.with_target(false).without_time().init(),
        }
    }
}

/// Waits for Ctrl-C, SIGTERM, or the end of the terminal.
async fn stopped() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        _ = terminate.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
    }
}

/// Makes a file before the work, so that a wrong path costs nothing.
fn create(file: &Path) -> anyhow::Result<File> {
    File::create(file).with_context(|| format!("cannot write {}", file.display()))
}

fn write_labels(file: File, labels: &Labels) -> anyhow::Result<()> {
    let mut out = BufWriter::new(file);
    serde_json::to_writer_pretty(&mut out, labels)?;
    writeln!(out)?;
    out.flush().context("cannot write the labels")
}
