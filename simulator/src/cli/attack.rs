//! `attack`: one scenario against a plant that runs.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;

use super::{create, list, stopped, write_labels};
use crate::config::{self, Config, Planned};
use crate::live::{self, Site};
use crate::plant::PLANTS;

/// Play one attack against a live plant
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-sim attack --list
  fieldward-sim attack unit-sweep --target 127.11.0.0/16
  fieldward-sim attack setpoint-range --target water.toml --variant scada --intensity slow --labels attack.json

The target is a plant that `fieldward-sim plant` runs on this machine: its configuration file, or its
network or any address in it if it is a plant as it comes. Every packet stays on this machine.")]
pub struct Attack {
    /// Which attack or campaign
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// A plant's configuration file, or a network or address such as 127.11.0.0/16 or 127.11.1.4
    #[arg(long, value_name = "FILE|ADDRESS", required_unless_present = "list")]
    target: Option<String>,
    /// In which variant [default: the first of the list]
    #[arg(long)]
    variant: Option<String>,
    /// How hard: slow, medium, fast [default: medium]
    #[arg(long)]
    intensity: Option<String>,
    /// How many devices the plant at an address has [default: 50]
    #[arg(long)]
    devices: Option<usize>,
    /// At the end, the label of the attack
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Show every attack with its technique and variants
    #[arg(long)]
    list: bool,
}

impl Attack {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        if self.list {
            return list::attacks();
        }
        let wrong = |(what, remedy): (String, String)| anyhow::anyhow!("{what}\n  {remedy}");
        let text = |option: &Option<String>| option.clone().unwrap_or_default();
        let planned = Planned::new(&text(&self.name), &text(&self.variant), &text(&self.intensity), 0.0);
        let planned = planned.map_err(wrong)?;
        planned.check_live().map_err(wrong)?;
        let mut config = target(&text(&self.target))?;
        if let Some(devices) = self.devices {
            config::check_size(devices).map_err(wrong)?;
            config.devices = devices;
        }
        live::run(self.play(&config, planned))?
    }

    async fn play(&self, config: &Config, planned: Planned) -> anyhow::Result<()> {
        let moved = live::find(config).await?.with_context(|| {
            let network = config.network.unwrap_or([127, config.kind.octet]);
            format!(
                "no {} plant answers in {}.{}.0.0/16\n  start it first: fieldward-sim plant --plant {} (or --config FILE)",
                config.kind.name, network[0], network[1], config.kind.name
            )
        })?;
        let site = Site::new(config, moved)?;
        let file = self.labels.as_deref().map(create).transpose()?;
        let began = Instant::now();
        tokio::select! {
            () = planned.scene.perform(site.world.clone()) => {}
            stop = stopped() => stop?,
        }
        let labels = site.labels();
        let messages: u64 = labels.attacks.iter().map(|label| label.packets).sum();
        let seconds = began.elapsed().as_secs_f64();
        eprintln!("{}: {messages} messages in {seconds:.1} s", planned.scene.name());
        anyhow::ensure!(messages > 0, "the attack sent nothing; look whether the plant still runs");
        match file {
            Some(file) => write_labels(file, &labels),
            None => Ok(()),
        }
    }
}

/// The plant that is meant: by its file, or by an address of a plant as it comes.
fn target(text: &str) -> anyhow::Result<Config> {
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    let Ok(ip) = address.parse::<Ipv4Addr>() else { return Ok(Config::find(text)?) };
    let [a, b, ..] = ip.octets();
    let kind = PLANTS.iter().find(|kind| kind.octet == b).with_context(|| {
        let known: Vec<_> = PLANTS.iter().map(|kind| format!("127.{}.0.0/16 ({})", kind.octet, kind.name)).collect();
        format!(
            "--target: {text} is no plant's usual address\n  choose one of {}, or give the plant's configuration file",
            known.join(", ")
        )
    })?;
    let mut config = Config::find(kind.name)?;
    config.network = Some([a, b]);
    Ok(config)
}
