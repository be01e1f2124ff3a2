//! The aggregator's commands, one file each.

mod attack;
mod audit;
mod backup;
mod ca;
mod check_config;
mod model;
mod openapi;
mod restore;
mod run;
mod user;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

/// Fieldward aggregator: gathers the alerts of all plants, lets them learn together, serves the SOC.
#[derive(Parser)]
#[command(name = "fieldward-aggregator", version, arg_required_else_help = true)]
pub struct Cli {
    /// How log lines look; they go to standard error
    #[arg(long, value_enum, default_value = "text", global = true)]
    log: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Attack(attack::Attack),
    Audit(audit::Audit),
    Backup(backup::Backup),
    Ca(Box<ca::Ca>),
    CheckConfig(check_config::CheckConfig),
    Model(model::Model),
    Openapi(openapi::Openapi),
    Restore(restore::Restore),
    Run(run::Run),
    User(user::User),
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Json,
    Text,
}

impl Cli {
    /// Runs the command; whatever stops it is one line on standard error.
    pub fn run(self) -> ExitCode {
        self.start_log();
        let done = match self.command {
            Command::Attack(attack) => attack.run(),
            Command::Audit(audit) => audit.run(),
            Command::Backup(backup) => backup.run(),
            Command::Ca(ca) => ca.run(),
            Command::CheckConfig(check) => check.run(),
            Command::Model(model) => model.run(),
            Command::Openapi(openapi) => openapi.run(),
            Command::Restore(restore) => restore.run(),
            Command::Run(run) => run.run(),
            Command::User(user) => user.run(),
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

/// Who does it, for the audit trail.
fn operator() -> String {
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER"));
    format!("operator {}", user.unwrap_or_else(|_| "unknown".to_owned()))
}

/// Runs something to its end.
fn wait_for<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}
