//! `user`: people who may sign in, without the page.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::api::auth::{passwords, tokens};
use crate::api::principal::ALL;
use crate::config::Config;
use crate::store::users::{Changed, NewUser, UserChange};
use crate::store::{Store, now};

/// Add, list and disable users
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-aggregator user --config /etc/fieldward/aggregator.toml add ann --role analyst --facility north
  fieldward-aggregator user --config /etc/fieldward/aggregator.toml add kim --role admin --all < password-file
  fieldward-aggregator user --config /etc/fieldward/aggregator.toml disable ann

A password is read from standard input; on a terminal one is drawn and printed, once.")]
pub struct User {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Add a user
    Add {
        /// As he signs in
        name: String,
        /// What he may
        #[arg(long, value_enum)]
        role: Role,
        /// A facility that he sees; may be given several times
        #[arg(long = "facility", value_name = "ID", required_unless_present = "all")]
        facilities: Vec<String>,
        /// He sees all facilities
        #[arg(long, conflicts_with = "facilities")]
        all: bool,
    },
    /// One JSON object a line
    List,
    /// He may not come in any more, and his sessions end
    Disable {
        /// Who
        name: String,
    },
    /// He may come in again
    Enable {
        /// Who
        name: String,
    },
    /// Another password, and his sessions end
    Password {
        /// Who
        name: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    Viewer,
    Analyst,
    Engineer,
    Admin,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Engineer => "engineer",
            Self::Admin => "admin",
        }
    }
}

impl User {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let config = Config::load(&self.config)?;
        super::wait_for(async {
            let store = Store::open(config.database_url.reveal()).await?;
            let done = self.with_store(&store).await;
            store.close().await;
            done
        })?
    }

    async fn with_store(&self, store: &Store) -> anyhow::Result<()> {
        match &self.what {
            What::Add { name, role, facilities, all } => {
                let facilities = if *all { vec![ALL.to_owned()] } else { facilities.clone() };
                add(store, name, *role, &facilities).await
            }
            What::List => list(store).await,
            What::Disable { name } => {
                change(store, name, UserChange { disabled: Some(true), ..UserChange::default() }).await
            }
            What::Enable { name } => {
                change(store, name, UserChange { disabled: Some(false), ..UserChange::default() }).await
            }
            What::Password { name } => {
                let password = Some(password()?);
                change(store, name, UserChange { password, ..UserChange::default() }).await
            }
        }
    }
}

async fn add(store: &Store, name: &str, role: Role, facilities: &[String]) -> anyhow::Result<()> {
    crate::api::users::check_name(name, "name").map_err(said)?;
    crate::api::users::check_facilities(facilities).map_err(said)?;
    let password = password()?;
    let user = NewUser { name, role: role.name(), facilities, password: &password };
    if store.add_user(&user, &super::operator(), now()).await?.is_none() {
        bail!("there is a user {name} already; `user password` changes the password");
    }
    Ok(())
}

async fn list(store: &Store) -> anyhow::Result<()> {
    for user in store.users().await? {
        let line = json!({
            "id": user.id.to_string(),
            "name": user.name,
            "role": user.role,
            "facilities": user.facilities,
            "created": user.created.rfc3339(),
            "disabled": user.disabled.map(|at| at.rfc3339()),
        });
        println!("{line}");
    }
    Ok(())
}

async fn change(store: &Store, name: &str, change: UserChange) -> anyhow::Result<()> {
    let (user, _) = store.user_named(name).await?.with_context(|| format!("there is no user {name}"))?;
    match store.change_user(user.id, &change, &super::operator(), now()).await? {
        Changed::Done(_) => Ok(()),
        Changed::Unknown => bail!("there is no user {name}"),
        Changed::LastAdmin => bail!("{name} is the last administrator; make another one first"),
    }
}

/// The Argon2id string of the password on standard input; on a terminal, where it would be seen, of one that
/// is drawn.
fn password() -> anyhow::Result<String> {
    let mut stdin = std::io::stdin();
    let text = if stdin.is_terminal() {
        let (secret, _) = tokens::secret().map_err(said)?;
        let drawn: String = secret.chars().take(24).collect();
        println!("{drawn}");
        drawn
    } else {
        let mut text = String::new();
        stdin.by_ref().take(4096).read_to_string(&mut text).context("the password on standard input")?;
        text.trim_end_matches(['\r', '\n']).to_owned()
    };
    if let Err(why) = passwords::strength(&text) {
        bail!("standard input: {why}");
    }
    passwords::hash(text.as_bytes()).map_err(said)
}

fn said(error: crate::api::error::ApiError) -> anyhow::Error {
    anyhow::anyhow!(error.words())
}
