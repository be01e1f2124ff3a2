//! An operator's own PKI, as `certs/demo-ca.sh` makes one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use fieldward_shared::pki::Files;

/// Its folder.
pub struct Works(PathBuf);

impl Works {
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
