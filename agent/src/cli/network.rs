//! `network`: the weights with which every plant begins to learn together with others, for the aggregator's registry.

use std::io::Write as _;

use clap::Args;
use fieldward_shared::network::NetworkFile;

use crate::learn::local;

/// Write the first weights of a network to standard output
#[derive(Args)]
#[command(after_help = "Example, once for each network, before the first round:
  fieldward-agent network autoencoder >autoencoder.json
  fieldward-aggregator model --config /etc/fieldward/aggregator.toml import autoencoder.json

They are the same at every plant of this release, and hold nothing of any plant.")]
pub struct Network {
    /// autoencoder or classifier
    name: String,
}

impl Network {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let (network, weights) = local::shipped(&self.name)?;
        let file = NetworkFile {
            network: network.name.to_owned(),
            layout: network.layout.0,
            schema: network.schema,
            weights: weights.values().to_vec(),
        };
        let mut out = std::io::stdout().lock();
        Ok(writeln!(out, "{}", file.write())?)
    }
}
