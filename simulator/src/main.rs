//! The simulator: plants and attacks played with real protocol stacks. Its commands come with
//! the plants; until then it only says who it is.

use clap::Parser;

/// Fieldward simulator: plays whole plants and attacks that carry their label.
///
/// No subcommand yet: this version of Fieldward decodes captures (see `fieldward-agent decode --help`).
#[derive(Parser)]
#[command(name = "fieldward-sim", version, arg_required_else_help = true)]
struct Cli {}

fn main() {
    Cli::parse();
}
