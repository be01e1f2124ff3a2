//! `list`: everything that can be simulated.

use std::io::{self, Write};

use clap::Args;

use crate::attack::campaign::CAMPAIGNS;
use crate::attack::{ATTACKS, Needs};
use crate::day::EVENTS;
use crate::plant::PLANTS;

/// Show plants, attacks, campaigns and benign events
#[derive(Args)]
#[command(after_help = "Example:
  fieldward-sim list")]
pub struct List {}

impl List {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let mut text = String::from("Plants\n");
        for kind in PLANTS {
            let network = format!("127.{}", kind.octet);
            text += &format!("  {:<24}{network:<12}{}\n", kind.name, kind.about);
        }
        text += &format!("\nAttacks\n{}\nCampaigns\n", table());
        for campaign in CAMPAIGNS {
            text += &format!("  {:<24}{}\n", campaign.name, campaign.about);
        }
        text += "\nBenign events\n";
        for event in EVENTS {
            text += &format!("  {:<24}{}\n", event.name, event.about);
        }
        print(&text)
    }
}

/// Shows every attack.
pub(super) fn attacks() -> anyhow::Result<()> {
    print(&table())
}

/// Every attack: name, technique, what it does, its variants.
fn table() -> String {
    let mut text = String::new();
    for attack in ATTACKS {
        let recorded = if attack.needs == Needs::Wire { " (recorded only)" } else { "" };
        text += &format!("  {:<24}{:<12}{}{recorded}\n", attack.name, attack.technique.id, attack.about);
        text += &format!("  {:<36}{}\n", "", attack.variants.join(", "));
    }
    text
}

/// Writes to standard output; a reader who has seen enough is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
