//! `ca`: the authority that lets agents in. What it changes the running service takes over within a second.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand};
use fieldward_shared::clock::Clock;
use fieldward_shared::identity::{Kind, Pin, Serial};
use fieldward_shared::time::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::ca::authority::Authority;
use crate::ca::rotation::LISTED;
use crate::ca::state::State;
use crate::ca::{expiry as ending, token};
use crate::config::Config;
use crate::store::Store;
use crate::store::certificates::Certificate;
use crate::store::tokens::Token;

/// Let agents in, and keep them out
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-aggregator ca init                        makes root and intermediate; carry the root's key away
  fieldward-aggregator ca token --facility facility_a one token for one agent, with the pin to give along
  fieldward-aggregator ca token --facility facility_a --simulator
                                                      one for a simulator, which plays that plant
  fieldward-aggregator ca list                        who waits, who is in, until when
  fieldward-aggregator ca approve sha256:1f0c…        the fingerprint as the agent shows it
  fieldward-aggregator ca revoke 4b1d… --reason lost  an agent's id, or the number of one certificate
  fieldward-aggregator ca rotate prepare --root-key /media/root-1f0c.key")]
pub struct Ca {
    /// The aggregator's configuration: it names the authority's folder and the database
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/fieldward/aggregator.toml")]
    config: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a new authority
    Init,
    /// Make a token for one agent; it is shown once
    Token {
        /// The plant for which it is good
        #[arg(long, value_name = "ID")]
        facility: String,
        /// How long it is good, at most 24
        #[arg(long, value_name = "H", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=24))]
        hours: u64,
        /// Whoever brings it needs no approval: for demonstrations and for hands that never leave the token
        #[arg(long)]
        auto_approve: bool,
        /// For a simulator, which plays the plant for demonstrations and may report nothing
        #[arg(long)]
        simulator: bool,
    },
    /// Who waits for approval and who has a certificate: one JSON object a line
    List {
        /// Earlier certificates too
        #[arg(long)]
        all: bool,
    },
    /// Approve the agent that shows this fingerprint
    Approve {
        /// As the agent shows it, whole
        fingerprint: Pin,
    },
    /// Refuse the agent that shows this fingerprint
    Refuse {
        /// As the agent shows it, whole
        fingerprint: Pin,
    },
    /// Revoke an agent, or one of its certificates: it is out within seconds
    Revoke {
        /// The agent's id, or the number of a certificate
        who: String,
        /// Why, for the audit trail
        #[arg(long, value_name = "TEXT", default_value = "no reason given")]
        reason: String,
    },
    /// Change the root or the intermediate
    Rotate {
        #[command(subcommand)]
        step: Step,
    },
    /// What ends within 30 days: one JSON object a line
    Expiry,
    /// The roots, in PEM, for whoever asks the API: `ca roots >root.pem`
    Roots,
}

#[derive(Subcommand)]
enum Step {
    /// Make and announce a new root; needs the active root's key
    Prepare {
        /// The active root's key
        #[arg(long, value_name = "FILE")]
        root_key: PathBuf,
    },
    /// Issue under the prepared root; needs its key
    Activate {
        /// The prepared root's key
        #[arg(long, value_name = "FILE")]
        root_key: PathBuf,
    },
    /// What was issued under former roots only renews from now on
    Taint,
    /// Take tainted roots off the agents' list; needs the active root's key
    Revoke {
        /// The active root's key
        #[arg(long, value_name = "FILE")]
        root_key: PathBuf,
    },
    /// A new intermediate for the next year; needs the active root's key
    Intermediate {
        /// The active root's key
        #[arg(long, value_name = "FILE")]
        root_key: PathBuf,
    },
}

impl Ca {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let now = Clock::default().now();
        let config = Config::load(&self.config)?;
        let folder = &config.ca.folder;
        match &self.what {
            What::Init => init(folder, now),
            What::Rotate { step } => rotate(folder, step, now),
            What::Expiry => expiry(folder, now),
            What::Roots => roots(folder),
            _ => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(self.with_store(&config, now))
            }
        }
    }

    async fn with_store(&self, config: &Config, now: u64) -> anyhow::Result<()> {
        let store = Store::open(config.database_url.reveal()).await?;
        let at = Timestamp::from_micros(now.saturating_mul(1_000_000));
        let by = super::operator();
        let done = match &self.what {
            What::Token { facility, hours, auto_approve, simulator } => {
                let life = hours.saturating_mul(3600);
                let (text, mut token) = token::draw(facility, life, *auto_approve, &by, now)?;
                token.kind = if *simulator { Kind::Simulator } else { Kind::Agent };
                give_token(&config.ca.folder, &store, &text, &token).await
            }
            What::List { all } => list(&store, *all).await,
            What::Approve { fingerprint } => decide(&store, *fingerprint, true, &by, at).await,
            What::Refuse { fingerprint } => decide(&store, *fingerprint, false, &by, at).await,
            What::Revoke { who, reason } => revoke(&store, who, &by, reason, at).await,
            What::Init | What::Rotate { .. } | What::Expiry | What::Roots => Ok(()),
        };
        store.close().await;
        done
    }
}

fn init(folder: &Path, now: u64) -> anyhow::Result<()> {
    let pin = Authority::init(folder, now)?;
    println!("{pin}");
    tracing::warn!("carry root-*.key in {} away: it is needed to rotate only", folder.display());
    Ok(())
}

async fn give_token(folder: &Path, store: &Store, text: &str, token: &Token) -> anyhow::Result<()> {
    // Read and not opened: whoever makes tokens needs no key.
    let pin = State::load(folder)?.vouched_by;
    store.add_token(token).await?;
    println!("{text}");
    println!("{pin}");
    tracing::info!(
        "a token for one {} of {}, and the pin; good until {}",
        token.kind.name(),
        token.facility,
        token.expires.rfc3339()
    );
    Ok(())
}

fn rotate(folder: &Path, step: &Step, now: u64) -> anyhow::Result<()> {
    match step {
        Step::Prepare { root_key } => {
            println!("{}", Authority::prepare(folder, root_key, now)?);
            tracing::info!("prepared; wait until every agent was in session, then `ca rotate activate`");
        }
        Step::Activate { root_key } => {
            println!("{}", Authority::activate(folder, root_key, now)?);
            tracing::info!("active; `ca rotate taint` makes agents renew at once, or wait seven days");
        }
        Step::Taint => {
            let count = Authority::taint(folder)?;
            tracing::info!("{count} tainted; when all agents have renewed, `ca rotate revoke`");
        }
        Step::Revoke { root_key } => {
            let count = Authority::revoke_roots(folder, root_key, now)?;
            tracing::info!("{count} revoked; agents that were away may renew for 90 days");
        }
        Step::Intermediate { root_key } => {
            Authority::renew_intermediate(folder, root_key, now)?;
            tracing::info!("a new intermediate is in use; carry the root's key away again");
        }
    }
    Ok(())
}

fn expiry(folder: &Path, now: u64) -> anyhow::Result<()> {
    for alarm in ending::authority(&Authority::open(folder, None)?, now)? {
        println!("{}", serde_json::to_string(&alarm)?);
    }
    Ok(())
}

fn roots(folder: &Path) -> anyhow::Result<()> {
    for root in State::load(folder)?.roots.iter().filter(|root| LISTED.contains(&root.standing)) {
        println!("{}", root.certificate.trim_end());
    }
    Ok(())
}

async fn list(store: &Store, all: bool) -> anyhow::Result<()> {
    for waiting in store.pending().await? {
        // Not the whole fingerprint: who approves is to have it from the agent.
        let beginning: String = waiting.key.to_string().chars().take(15).collect();
        let line = json!({
            "status": waiting.status,
            "kind": waiting.kind.name(),
            "facility": waiting.name.facility,
            "agent": waiting.name.agent.to_string(),
            "fingerprint": format!("{beginning}…"),
            "requested": waiting.requested.rfc3339(),
            "source": waiting.source,
        });
        println!("{line}");
    }
    for certificate in store.certificates(all).await? {
        println!("{}", shown(&certificate));
    }
    Ok(())
}

fn shown(certificate: &Certificate) -> serde_json::Value {
    let status = match (&certificate.revoked, certificate.agent_status.as_str()) {
        (Some(_), _) => "revoked",
        (None, status) => status,
    };
    json!({
        "status": status,
        "kind": certificate.kind,
        "facility": certificate.name.facility,
        "agent": certificate.name.agent.to_string(),
        "serial": certificate.serial,
        "key": certificate.key.to_string(),
        "issued": certificate.issued.rfc3339(),
        "not_after": certificate.not_after.rfc3339(),
        "revoked": certificate.revoked.map(Timestamp::rfc3339),
    })
}

async fn decide(store: &Store, key: Pin, approve: bool, by: &str, at: Timestamp) -> anyhow::Result<()> {
    match store.decide(key, approve, by, at).await? {
        Some(name) => println!("{name}"),
        None => {
            bail!("no agent waits with {key}; compare it with what the agent shows, character by character")
        }
    }
    Ok(())
}

async fn revoke(store: &Store, who: &str, by: &str, reason: &str, at: Timestamp) -> anyhow::Result<()> {
    let was_there = match (Uuid::try_parse(who), who.parse::<Serial>()) {
        // A number of 16 bytes looks like an id without its dashes.
        (Ok(agent), _) if who.contains('-') => store.revoke_agent(agent, by, reason, at).await?,
        (_, Ok(serial)) => store.revoke_certificate(&serial, by, reason, at).await?,
        _ => bail!("\"{who}\" is neither an agent's id nor a certificate's number; `ca list` shows both"),
    };
    if !was_there {
        bail!("{who} is not known here, or was revoked before");
    }
    Ok(())
}
