//! The part of the configuration that says who may come in.

use std::path::PathBuf;
use std::sync::Arc;

use fieldward_shared::clock::Clock;
use fieldward_shared::pki::Files;
use serde::Deserialize;

use super::hall::{Hall, HallError, Settings};
use super::operator::Source;
use crate::store::Store;

/// Where the authority lives, and whose certificates are taken beside its own.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct CaConfig {
    /// What `ca init` made.
    pub folder: PathBuf,
    /// Names and addresses of the aggregator, for its own certificate.
    pub names: Vec<String>,
    /// Roots of an operator's own authority, in PEM.
    pub operator_roots: Option<PathBuf>,
    /// Where in its certificates the facility stands.
    pub operator_rule: Option<String>,
    /// Its lists of revoked certificates, in PEM.
    pub operator_revoked: Option<PathBuf>,
    /// The aggregator's own certificate of such an authority, with those that lead to the root, in PEM.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
}

impl Default for CaConfig {
    fn default() -> Self {
        Self {
            folder: FOLDER.into(),
            names: Vec::new(),
            operator_roots: None,
            operator_rule: None,
            operator_revoked: None,
            certificate: None,
            key: None,
        }
    }
}

impl CaConfig {
    /// An operator's own authority, when there is one; roots and rule come together.
    pub fn operator(&self) -> Result<Option<Source>, String> {
        match (&self.operator_rule, &self.operator_roots) {
            (Some(rule), Some(roots)) => {
                let rule = rule.parse().map_err(|error| format!("{error}"))?;
                Ok(Some(Source { roots: roots.clone(), revoked: self.operator_revoked.clone(), rule }))
            }
            (None, None) if self.operator_revoked.is_none() => Ok(None),
            _ => Err("operator_roots and operator_rule belong together, and one is missing".to_owned()),
        }
    }

    /// The aggregator's certificate of an operator's authority, when there is one.
    pub fn certificate(&self) -> Result<Option<Files>, String> {
        match (self.certificate.clone(), self.key.clone()) {
            (Some(certificate), Some(key)) => Ok(Some(Files { certificate, key })),
            (None, None) => Ok(None),
            _ => Err("certificate and key belong together, and one is missing".to_owned()),
        }
    }

    /// Opens the authority.
    pub async fn open(&self, store: Store, clock: Arc<Clock>) -> Result<Hall, HallError> {
        let key = credential();
        let settings = Settings {
            folder: &self.folder,
            key: key.as_deref(),
            names: &self.names,
            operator: self.operator().unwrap_or_default(),
            certificate: self.certificate().unwrap_or_default(),
        };
        Hall::open(settings, store, clock).await
    }
}

/// The intermediate's key as systemd hands it over.
pub(crate) fn credential() -> Option<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    let key = PathBuf::from(folder).join("ca.key");
    key.exists().then_some(key)
}

/// Where the authority lives when nothing else is said.
const FOLDER: &str = "/var/lib/fieldward-aggregator/ca";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_and_roots_belong_together() {
        let mut config = CaConfig::default();
        assert!(config.operator().unwrap().is_none());
        config.operator_rule = Some("cn:{facility}".into());
        assert!(config.operator().is_err());
        config.operator_roots = Some("/etc/fieldward/roots.pem".into());
        assert!(config.operator().unwrap().is_some());
        config.operator_rule = Some("cn:plant".into());
        assert!(config.operator().is_err());
        config.certificate = Some("/etc/fieldward/aggregator.crt".into());
        assert!(config.certificate().is_err());
        config.key = Some("/etc/fieldward/aggregator.key".into());
        assert!(config.certificate().unwrap().is_some());
    }
}
