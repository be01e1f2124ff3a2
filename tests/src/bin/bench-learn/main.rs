//! Whether learning together helps. Plants are recorded by the simulator in this process; one of them is new and
//! has minutes of traffic of its own, or days. Its autoencoder learns alone, or comes from rounds of the other
//! plants, and then watches a day with every attack and a calm one.

mod exam;
mod helps;
mod lies;
mod plants;
mod rounds;
mod steps;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};

/// Measures learning together.
#[derive(Parser)]
struct Arguments {
    /// What to measure
    what: What,
    /// A folder in which recordings are kept; remove it when the program has changed
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Say more
    #[arg(long)]
    verbose: bool,
    /// Plants that learn together, each of another site and all kinds in turn
    #[arg(long, default_value_t = 6)]
    plants: u64,
    /// Devices of each
    #[arg(long, default_value_t = 20)]
    devices: usize,
    /// Hours that each of them has
    #[arg(long, default_value_t = 24.0)]
    hours: f64,
    /// Minutes that the new plant has
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Hours that it has when it learns alone for long
    #[arg(long, default_value_t = 168.0)]
    long: f64,
    /// Hours that must stay quiet
    #[arg(long, default_value_t = 24.0)]
    calm: f64,
    /// Rounds
    #[arg(long, default_value_t = 20)]
    rounds: u64,
    /// Epochs of a round
    #[arg(long, default_value_t = 2)]
    epochs: u32,
    /// Windows of a step
    #[arg(long, default_value_t = 64)]
    batch: u32,
    /// How far a step goes
    #[arg(long, default_value_t = 2e-3)]
    rate: f64,
    /// Norm of a window's gradient
    #[arg(long, default_value_t = 1.0)]
    clip: f64,
    /// Noise; zero for none
    #[arg(long, default_value_t = 0.0)]
    noise: f64,
    /// By what features are scaled
    #[arg(long, default_value = "centred")]
    scaling: Scaling,
    /// Pull to the weights of the round
    #[arg(long, default_value_t = 0.0)]
    proximal: f64,
    /// Norm to which a plant's update is cut
    #[arg(long, default_value_t = 8.0)]
    cut: f64,
    /// How far the model follows
    #[arg(long, default_value_t = 1.0)]
    server_rate: f64,
    /// How plants learn together; of several kinds where lies are measured, with commas
    #[arg(long, default_value = "fedavg")]
    strategy: String,
    /// Plants vote on each model
    #[arg(long)]
    vote: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum What {
    /// Whether it helps
    Helps,
    /// What plants that lie cost, by strategy
    Lies,
    /// The common scaling, to be kept in agent/models/scaling.txt
    Scaling,
    /// What a step costs: ghost norms and a loop of examples
    Steps,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Scaling {
    /// Mean and deviation of the plant
    Own,
    /// Mean and deviation of all plants together
    Common,
    /// Mean of the plant, and the deviation within plants
    Centred,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.what {
        What::Helps => helps::helps(&arguments),
        What::Lies => lies::lies(&arguments),
        What::Scaling => helps::common(&arguments),
        What::Steps => steps::steps(),
    }
}
