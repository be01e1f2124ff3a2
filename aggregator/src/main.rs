//! The aggregator: one for all plants. Its commands come with the link between agent and
//! aggregator; until then it only says who it is.

use clap::Parser;

/// Fieldward aggregator: gathers the alerts of all plants, lets them learn together, serves the SOC.
///
/// No subcommand yet: this version of Fieldward decodes captures (see `fieldward-agent decode --help`).
#[derive(Parser)]
#[command(name = "fieldward-aggregator", version, arg_required_else_help = true)]
struct Cli {}

fn main() {
    Cli::parse();
}
