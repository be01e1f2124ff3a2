//! `devices`: the interfaces that can be listened on.

use std::io::Write;

use clap::Args;

use crate::capture;

/// List the interfaces that can be listened on
#[derive(Args)]
#[command(after_help = "Example:\n  fieldward-agent devices")]
pub struct Devices {}

impl Devices {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        for device in capture::devices()? {
            let state = if device.up { "up" } else { "down" };
            let addresses: Vec<_> = device.addresses.iter().map(ToString::to_string).collect();
            let about = device.description.as_deref().unwrap_or_default();
            writeln!(out, "{:<16} {state:<5} {:<40} {about}", device.name, addresses.join(" "))?;
        }
        Ok(())
    }
}
