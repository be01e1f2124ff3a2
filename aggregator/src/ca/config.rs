//! The part of the configuration that says who may come in.

use std::path::PathBuf;
use std::sync::Arc;

use fieldward_shared::clock::Clock;
use fieldward_shared::pki::Files;
use serde::Deserialize;

use super::hall::{Hall, HallError, Settings};
use super::operator::{Operator, Rule};
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
            certificate: None,
            key: None,
        }
    }
}

impl CaConfig {
    /// The rule, when there is one; it and the roots come together.
    pub fn operator_rule(&self) -> Result<Option<Rule>, String> {
        match (&self.operator_rule, &self.operator_roots) {
            (Some(rule), Some(_)) => rule.parse().map(Some).map_err(|error| format!("{error}")),
            (None, None) => Ok(None),
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
        let operator = match (self.operator_rule(), &self.operator_roots) {
            (Ok(Some(rule)), Some(roots)) => Some(Operator::open(roots, rule)?),
            _ => None,
        };
        let key = credential();
        let settings = Settings {
            folder: &self.folder,
            key: key.as_deref(),
            names: &self.names,
            operator,
            certificate: self.certificate().unwrap_or_default(),
        };
        Hall::open(settings, store, clock).await
    }
}

/// The intermediate's key as systemd hands it over.
fn credential() -> Option<PathBuf> {
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
        assert_eq!(config.operator_rule(), Ok(None));
        config.operator_rule = Some("cn:{facility}".into());
        assert!(config.operator_rule().is_err());
        config.operator_roots = Some("/etc/fieldward/roots.pem".into());
        assert!(config.operator_rule().unwrap().is_some());
        config.operator_rule = Some("cn:plant".into());
        assert!(config.operator_rule().is_err());
        config.certificate = Some("/etc/fieldward/aggregator.crt".into());
        assert!(config.certificate().is_err());
        config.key = Some("/etc/fieldward/aggregator.key".into());
        assert!(config.certificate().unwrap().is_some());
    }
}
