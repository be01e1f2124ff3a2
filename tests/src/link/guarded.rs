//! An aggregator with its own authority, as it runs: agents come in by certificates that it issues, or by
//! those of an operator's PKI.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::ca::hall::{Hall, Settings};
use fieldward_aggregator::ca::operator::Operator;
use fieldward_aggregator::ca::state;
use fieldward_aggregator::intake::{Intake, Limits, Parts};
use fieldward_aggregator::store::Store;
use fieldward_shared::clock::Clock;
use fieldward_shared::identity::Pin;
use fieldward_shared::pki::Files;
use fieldward_shared::transport::server_showing;

use super::HERE;

/// The aggregator.
pub struct Guarded {
    /// Its authority.
    pub hall: Arc<Hall>,
    /// Where agents arrive.
    pub intake: Intake,
    folder: PathBuf,
}

/// An operator's PKI that `certs/demo-ca.sh` makes.
pub struct Demonstration(PathBuf);

impl Guarded {
    /// Starts in a folder, where an authority is made.
    pub async fn start(folder: &Path, operators: Option<&Demonstration>) -> Result<Self> {
        let clock = Arc::new(Clock::default());
        Authority::init(&folder.join("ca"), clock.now())?;
        let store = Store::open(&format!("sqlite://{}", folder.join("fieldward.db").display())).await?;
        let operator = match operators {
            Some(pki) => Some(Operator::open(&pki.file("root.pem"), Demonstration::RULE.parse()?)?),
            None => None,
        };
        let settings = Settings {
            folder: &folder.join("ca"),
            key: None,
            names: &[],
            operator,
            certificate: operators.map(|pki| pki.files("aggregator")),
        };
        let hall = Arc::new(Hall::open(settings, store.clone(), clock.clone()).await?);
        let parts = Parts {
            tls: server_showing(hall.server(), hall.verifier(), clock)?,
            reset_key: [7; 64],
            gate: hall.clone(),
            store,
            seconds: tokio::sync::mpsc::channel(1).0,
            limits: Limits { sweep: Duration::from_millis(50), ..super::limits() },
        };
        let intake = Intake::bind(HERE, parts).await?;
        Ok(Self { hall, intake, folder: folder.to_owned() })
    }

    /// The folder of its authority.
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca")
    }

    /// Where the key of a root lies, which would have been carried away.
    pub fn root_key(&self, pin: Pin) -> PathBuf {
        state::key_file(&self.ca(), "root", pin)
    }
}

impl Demonstration {
    /// Where the facility stands in its certificates.
    pub const RULE: &str = "uri:urn:demonstration:plant:{facility}:agent:{agent}";

    /// Makes it in a folder, with agents of these facilities.
    pub fn make(folder: &Path, facilities: &[&str]) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../certs/demo-ca.sh");
        let made = std::process::Command::new("bash").arg(script).arg(folder).args(facilities).output();
        let made = made.context("bash")?;
        ensure!(made.status.success(), "demo-ca.sh: {}", String::from_utf8_lossy(&made.stderr));
        Ok(Self(folder.to_owned()))
    }

    /// One of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Certificate and key of somebody.
    pub fn files(&self, name: &str) -> Files {
        Files { certificate: self.file(&format!("{name}-chain.pem")), key: self.file(&format!("{name}.key")) }
    }
}
