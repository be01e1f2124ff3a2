//! `audit`: whether the audit trail is whole.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use fieldward_shared::identity::to_hex;

use crate::config::Config;
use crate::store::Store;

/// Look at the audit trail
#[derive(Args)]
#[command(after_help = "Example:
  fieldward-aggregator audit --config /etc/fieldward/aggregator.toml verify --head 8041:5e1f…

Prints how many rows there are and the hash of the last one: keep it elsewhere. Given with --head at a later
time, it proves that nothing before it was changed or cut off since.")]
pub struct Audit {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Read the whole chain
    Verify {
        /// What an earlier verify printed
        #[arg(long, value_name = "ROW:HASH")]
        head: Option<String>,
    },
}

impl Audit {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let What::Verify { head } = &self.what;
        let config = Config::load(&self.config)?;
        super::wait_for(async {
            let store = Store::open(config.database_url.reveal()).await?;
            let done = verify(&store, head.as_deref()).await;
            store.close().await;
            done
        })?
    }
}

async fn verify(store: &Store, known: Option<&str>) -> anyhow::Result<()> {
    let end = store.verify_audit().await?;
    if let Some(known) = known {
        let (row, hash) = known.split_once(':').unwrap_or_default();
        let Ok(row) = row.parse::<i64>() else { bail!("\"{known}\" is no ROW:HASH as verify prints it") };
        let there = store.acts(row.saturating_add(1), 1).await?;
        match there.first().filter(|there| there.id == row) {
            Some(there) if to_hex(&there.hash) == hash => {}
            Some(_) => bail!("row {row} is another one than it was: the trail was written anew"),
            None if row == 0 => {}
            None => bail!("there are {} rows, and there were {row}: the end was cut off", end.id),
        }
    }
    println!("{}:{}", end.id, to_hex(&end.hash));
    Ok(())
}
