//! An operator's own PKI, as `certs/demo-ca.sh` makes one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use fieldward_aggregator::ca::operator::Source;
use fieldward_shared::pki::Files;

/// Its folder.
pub struct Works(PathBuf);

impl Works {
    /// Where the facility stands in its certificates.
    pub const RULE: &str = "uri:urn:demonstration:plant:{facility}:agent:{agent}";

    /// Makes it in a folder, with agents of these facilities.
    pub fn make(folder: &Path, facilities: &[&str]) -> Result<Self> {
        run(folder, facilities)?;
        Ok(Self(folder.to_owned()))
    }

    /// Puts the agent of a facility on the list of the revoked.
    pub fn revoke(&self, facility: &str) -> Result<()> {
        run(&self.0, &["--revoke", facility])
    }

    /// As the aggregator knows it.
    pub fn source(&self) -> Result<Source> {
        let revoked = Some(self.file("revoked.pem"));
        Ok(Source { roots: self.file("root.pem"), revoked, rule: Self::RULE.parse()? })
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

fn run(folder: &Path, arguments: &[&str]) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../certs/demo-ca.sh");
    let done = std::process::Command::new("bash").arg(script).arg(folder).args(arguments).output();
    let done = done.context("bash")?;
    ensure!(done.status.success(), "demo-ca.sh: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
