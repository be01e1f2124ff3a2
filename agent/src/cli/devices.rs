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
            writeln!(out, "{device}")?;
        }
        Ok(())
    }
}
