//! The agent's commands, one file each.

mod check_config;
mod decode;
mod devices;
mod enroll;
mod learn;
mod maintenance;
mod network;
mod reading;
mod replay;
mod run;
mod spool;
mod status;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

/// Fieldward agent: watches one plant's control network, passively. It never sends a packet.
#[derive(Parser)]
#[command(name = "fieldward-agent", version, arg_required_else_help = true)]
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
    CheckConfig(check_config::CheckConfig),
    Decode(decode::Decode),
    Devices(devices::Devices),
    Enroll(Box<enroll::Enroll>),
    Learn(learn::Learn),
    Maintenance(maintenance::Maintain),
    Network(network::Network),
    Replay(replay::Replay),
    Run(run::Run),
    Spool(spool::Spool),
    Status(status::Show),
}

impl Cli {
    /// Runs the command; whatever stops it is one line on standard error.
    pub fn run(self) -> ExitCode {
        self.start_log();
        let done = match self.command {
            Command::CheckConfig(check) => check.run(),
            Command::Decode(decode) => decode.run(),
            Command::Devices(devices) => devices.run(),
            Command::Enroll(enroll) => enroll.run(),
            Command::Learn(learn) => learn.run(),
            Command::Maintenance(maintain) => maintain.run(),
            Command::Network(network) => network.run(),
            Command::Replay(replay) => replay.run(),
            Command::Run(run) => run.run(),
            Command::Spool(spool) => spool.run(),
            Command::Status(show) => show.run(),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!("{error:#}");
                ExitCode::FAILURE
            }
        }
    }

    fn start_log(&self) {
        let filter = EnvFilter::try_from_env("FIELDWARD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
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

/// Whoever read our output has read enough (`decode … | head`).
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}
