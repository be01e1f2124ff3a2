//! `openapi`: the document of the API.

use clap::Args;

use crate::api::openapi;

/// Print the document of the API (OpenAPI 3.1)
#[derive(Args)]
#[command(after_help = "Example:
  fieldward-aggregator openapi > openapi.json")]
pub struct Openapi {}

impl Openapi {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        println!("{}", openapi::text());
        Ok(())
    }
}
