//! `model`: versions of models, without the page.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use fieldward_shared::identity::to_hex;
use fieldward_shared::network::NetworkFile;
use fieldward_shared::pki;
use serde_json::{Value, json};

use crate::ca::authority::Authority;
use crate::ca::config::credential;
use crate::config::Config;
use crate::registry::{self, Export};
use crate::store::audit::Act;
use crate::store::versions::Version;
use crate::store::{Store, now};

/// Import, list, promote, roll back and export versions of models
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-aggregator model --config /etc/fieldward/aggregator.toml list
  fieldward-aggregator model --config /etc/fieldward/aggregator.toml import autoencoder.json
  fieldward-aggregator model --config /etc/fieldward/aggregator.toml rollback 6 --reason \"false alarms at north\"
  fieldward-aggregator model --config /etc/fieldward/aggregator.toml export 7 >model-7.json
  fieldward-aggregator model verify model-7.json --roots root.pem

What is promoted or rolled back agents get with the next round, and judge on their own data before they take it.")]
pub struct Model {
    /// The aggregator's configuration: it names the database and the authority's folder
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/fieldward/aggregator.toml")]
    config: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Versions, the newest first: one JSON object a line
    List {
        /// Of this network
        #[arg(long, value_name = "NAME")]
        network: Option<String>,
        /// So many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Put a version to work, past the plants' vote
    Promote {
        /// Its number
        version: u64,
        /// Why, for the audit trail
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Go back to a version that was at work
    Rollback {
        /// Its number
        version: u64,
        /// Why, for the audit trail
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Write a version to standard output, sealed by the authority
    Export {
        /// Its number
        version: u64,
    },
    /// Bring the first version of a network, as `fieldward-agent network` writes it
    Import {
        /// The file
        file: PathBuf,
    },
    /// Say whether an export was sealed under these roots, and what it says; needs no database
    Verify {
        /// The export
        file: PathBuf,
        /// Roots in PEM, as `ca roots` writes them
        #[arg(long, value_name = "FILE")]
        roots: PathBuf,
    },
}

impl Model {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        if let What::Verify { file, roots } = &self.what {
            return verify(file, roots);
        }
        let config = Config::load(&self.config)?;
        super::wait_for(async {
            let store = Store::open(config.database_url.reveal()).await?;
            let done = self.with_store(&store, &config).await;
            store.close().await;
            done
        })?
    }

    async fn with_store(&self, store: &Store, config: &Config) -> anyhow::Result<()> {
        let actor = super::operator();
        match &self.what {
            What::List { network, limit } => {
                for version in store.versions(network.as_deref(), None, *limit).await? {
                    let current = store.current_version(&version.network).await?;
                    println!("{}", line(&version, current.map(|current| current.id)));
                }
                Ok(())
            }
            What::Promote { version, reason } => {
                let done = registry::promote(store, *version, &actor, reason, now()).await?;
                println!("{}", line(&done, Some(done.id)));
                Ok(())
            }
            What::Rollback { version, reason } => {
                let done = registry::roll_back(store, *version, &actor, reason, now()).await?;
                println!("{}", line(&done, Some(done.id)));
                Ok(())
            }
            What::Export { version } => {
                let key = credential();
                let authority = Authority::open(&config.ca.folder, key.as_deref())?;
                let at = now();
                let export = registry::export(store, &authority, *version, at).await?;
                let object = version.to_string();
                let act = Act { at, actor: &actor, action: "version.exported", object: &object, detail: "" };
                store.audit(act).await?;
                let mut out = std::io::stdout().lock();
                serde_json::to_writer(&mut out, &export)?;
                Ok(out.write_all(b"\n")?)
            }
            What::Import { file } => {
                let text = std::fs::read(file).with_context(|| file.display().to_string())?;
                let read = NetworkFile::read(&text).with_context(|| file.display().to_string())?;
                let done = registry::import(store, read, &actor, now()).await?;
                println!("{}", line(&done, Some(done.id)));
                Ok(())
            }
            What::Verify { .. } => Ok(()),
        }
    }
}

fn verify(file: &Path, roots: &Path) -> anyhow::Result<()> {
    let text = std::fs::read(file).with_context(|| file.display().to_string())?;
    let roots: Vec<Vec<u8>> = pki::certificates(roots)?.into_iter().map(|root| root.to_vec()).collect();
    let (statement, _) = Export::open(&text, &roots).with_context(|| file.display().to_string())?;
    println!("{}", serde_json::to_string(&statement)?);
    Ok(())
}

fn line(version: &Version, current: Option<u64>) -> Value {
    json!({
        "id": version.id,
        "network": version.network,
        "state": version.state.name(),
        "is_current": current == Some(version.id),
        "digest": to_hex(&version.digest),
        "parameters": version.parameters,
        "layout": format!("{:016x}", version.layout),
        "feature_schema": format!("{:016x}", version.schema),
        "parents": version.parents,
        "round": version.round,
        "strategy": version.strategy,
        "accuracy": version.accuracy,
        "reason": version.reason,
        "made_by": version.made_by,
        "created": version.created.rfc3339(),
        "promoted": version.promoted.map(|at| at.rfc3339()),
        "rolled_back": version.rolled_back.map(|at| at.rfc3339()),
    })
}
