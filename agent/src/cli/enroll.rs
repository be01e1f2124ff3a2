//! `enroll`: asks the aggregator for this agent's certificate.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use fieldward_shared::clock::Clock;
use fieldward_shared::identity::{AGGREGATOR, Pin};
use fieldward_shared::transport::{Link, TcpClient, client_pinned, quic_client};
use fieldward_shared::wire::{EnrollRequest, Message};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::identity::{self, Folder, door};

/// Ask the aggregator for a certificate
#[derive(Args)]
#[command(after_help = "Example:
  fieldward-agent enroll --aggregator soc.example.org:4433 --token-file token --ca-pin sha256:1f0c… \\
      --state /var/lib/fieldward --facility facility_a

`fieldward-aggregator ca token` prints token and pin. Without approval in the token the command waits until an
operator has compared the fingerprint that it shows, then `fieldward-aggregator ca approve`. It may be stopped
and started again meanwhile.

--token puts the token into the list of processes and the shell's history, where others may read it: use
--token-file.")]
pub struct Enroll {
    /// The aggregator
    #[arg(long, value_name = "HOST:PORT")]
    aggregator: String,
    /// File that holds the token; - reads standard input
    #[arg(long, value_name = "FILE", required_unless_present = "token", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The token itself; others on this machine can read it (see below)
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Fingerprint of the aggregator's root
    #[arg(long, value_name = "PIN", required_unless_present = "ca", conflicts_with = "ca")]
    ca_pin: Option<Pin>,
    /// File that holds the aggregator's root, instead of its fingerprint
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The agent's state directory, in which the identity is kept
    #[arg(long, value_name = "DIR", default_value = "/var/lib/fieldward")]
    state: PathBuf,
    /// The plant that this agent is configured for: a token of another plant is then not used up
    #[arg(long, value_name = "ID", default_value = "")]
    facility: String,
    /// Enrol although there is an identity: as another agent
    #[arg(long)]
    again: bool,
    /// Do not wait for approval: exit with 1 and come again
    #[arg(long)]
    no_wait: bool,
}

impl Enroll {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let token = self.token()?;
        let pin = self.pin()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.ask(&token, pin))
    }

    async fn ask(&self, token: &str, pin: Pin) -> anyhow::Result<()> {
        let folder = Folder::in_state(&self.state);
        let clock = Arc::new(folder.clock());
        let mut told = false;
        loop {
            let asked = identity::enroll(&folder, self.again)?;
            let request = EnrollRequest {
                token: token.to_owned(),
                csr: asked.csr.clone(),
                facility: self.facility.clone(),
            };
            let link = dial(&self.aggregator, pin, &clock).await?;
            match door::ask(&link, request).await? {
                Message::Certificate(answer) => {
                    let identity = identity::take_enrolled(&folder, asked, &answer, Some(pin), &clock)?;
                    println!("{}", identity.name);
                    tracing::info!("enrolled; the identity is in {}", folder.path().display());
                    return Ok(());
                }
                Message::Pending(pending) => {
                    if !told {
                        tracing::info!("waiting for approval; an operator compares this fingerprint:");
                        println!("{}", asked.fingerprint);
                        told = true;
                    }
                    if self.no_wait {
                        bail!("not approved yet; run the same command again when it is");
                    }
                    let seconds = u64::from(pending.retry_seconds.clamp(1, 300));
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                }
                Message::Refused(refused) if refused.code == "later" && !self.no_wait => {
                    tracing::warn!("{}", refused.message);
                    tokio::time::sleep(Duration::from_secs(30)).await;
                }
                Message::Refused(refused) => bail!("refused ({}): {}", refused.code, refused.message),
                _ => bail!("the aggregator answered something else; is it another version?"),
            }
        }
    }

    fn token(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        match (&self.token, &self.token_file) {
            (Some(token), _) => {
                tracing::warn!("the token can be read in the list of processes; use --token-file");
                text.clone_from(token);
            }
            (None, Some(file)) if file.as_os_str() == "-" => {
                std::io::stdin().take(LONGEST).read_to_string(&mut text).context("standard input")?;
            }
            (None, Some(file)) => {
                let open = std::fs::File::open(file).with_context(|| file.display().to_string())?;
                open.take(LONGEST).read_to_string(&mut text).with_context(|| file.display().to_string())?;
            }
            (None, None) => bail!("give --token-file"),
        }
        Ok(text.trim().to_owned())
    }

    fn pin(&self) -> anyhow::Result<Pin> {
        match (self.ca_pin, &self.ca) {
            (Some(pin), _) => Ok(pin),
            (None, Some(file)) => {
                let root = CertificateDer::from_pem_file(file)
                    .map_err(|error| anyhow::anyhow!("{}: {error}; give the root in PEM", file.display()))?;
                Ok(Pin::of_certificate(&root)?)
            }
            (None, None) => bail!("give --ca-pin"),
        }
    }
}

/// Longest token file.
const LONGEST: u64 = 4096;
/// How long a dial may take.
const DIAL: Duration = Duration::from_secs(10);

/// QUIC, and TLS over TCP where UDP is blocked.
async fn dial(address: &str, pin: Pin, clock: &Arc<Clock>) -> anyhow::Result<Link> {
    let tls = client_pinned(clock.clone(), pin)?;
    let found = tokio::net::lookup_host(address).await;
    let to = found.ok().and_then(|mut all| all.next());
    let to = to.with_context(|| format!("{address}: not known; give --aggregator HOST:PORT"))?;
    let quic = quic_client(tls.clone())?;
    match tokio::time::timeout(DIAL, quic.dial(to, AGGREGATOR)).await {
        Ok(Ok(link)) => return Ok(link),
        Ok(Err(error)) if error.is_refusal() => return Err(error.into()),
        Ok(Err(error)) => tracing::debug!(%error, "QUIC does not come about"),
        Err(_) => tracing::debug!("nobody answers by QUIC"),
    }
    let tcp = TcpClient::new(tls);
    let link = tokio::time::timeout(DIAL, tcp.dial(to, AGGREGATOR)).await;
    link.with_context(|| format!("{address}: nobody answers, neither by QUIC nor by TCP"))?
        .with_context(|| format!("{address}: nobody answers, neither by QUIC nor by TCP"))
}
