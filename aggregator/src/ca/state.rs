//! What the authority keeps on disk: one file that says everything but the keys, and a file per key. The
//! key of a root is needed to rotate only; it may be carried away.

use std::path::{Path, PathBuf};

use fieldward_shared::identity::{Pin, from_hex, to_hex};
use fieldward_shared::keyfile;
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use super::CaError;

const FILE: &str = "authority.json";

/// Where a root is in its life, in the order of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Announced to agents; nothing is issued under it yet.
    Prepared,
    /// Certificates are issued under it.
    Active,
    /// Another is active; what was issued under it still opens sessions.
    Former,
    /// What was issued under it only renews.
    Tainted,
    /// No longer on the agents' list. Agents that were away may still renew for a time.
    Revoked,
}

/// A root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// In PEM.
    pub certificate: String,
    /// Where it stands.
    pub standing: Standing,
    /// When it was revoked, seconds since the epoch.
    #[serde(default)]
    pub revoked: Option<u64>,
}

/// Everything but the keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Of the list of roots.
    pub generation: u64,
    /// The oldest first.
    pub roots: Vec<Root>,
    /// The intermediate that issues, in PEM.
    pub intermediate: String,
    /// The fingerprint of the root that vouches for it.
    pub vouched_by: String,
    /// Newer roots, vouched for by older ones: for agents that know only those. In PEM.
    #[serde(default)]
    pub cross: Vec<String>,
    /// Lists of roots as they were signed, the oldest first, in hexadecimal digits.
    #[serde(default)]
    pub announcements: Vec<String>,
}

impl State {
    /// Reads the state in a folder.
    pub fn load(folder: &Path) -> Result<Self, CaError> {
        let place = folder.join(FILE);
        if !place.exists() {
            return Err(CaError::Missing(folder.to_owned()));
        }
        let bytes = keyfile::read(&place)?;
        let state: Self = serde_json::from_slice(&bytes)
            .map_err(|error| CaError::State { place: place.clone(), what: error.to_string() })?;
        let whole = !state.roots.is_empty() && !state.intermediate.is_empty();
        whole.then_some(state).ok_or(CaError::State { place, what: "it names no root".into() })
    }

    /// Puts it in place of the one that may be there.
    pub fn save(&self, folder: &Path) -> Result<(), CaError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        Ok(keyfile::write(&folder.join(FILE), text.as_bytes())?)
    }

    /// Whether there is one.
    pub fn exists(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// The root in this standing: the newest, when several are.
    pub fn root(&self, standing: Standing) -> Option<&Root> {
        self.roots.iter().rev().find(|root| root.standing == standing)
    }

    /// The certificates of roots in these standings.
    pub fn certificates(&self, standings: &[Standing]) -> Result<Vec<Vec<u8>>, CaError> {
        let of = self.roots.iter().filter(|root| standings.contains(&root.standing));
        of.map(|root| der(&root.certificate).map(|der| der.to_vec())).collect()
    }

    /// The signed lists.
    pub fn announced(&self) -> Vec<Vec<u8>> {
        self.announcements.iter().filter_map(|text| from_hex(text)).collect()
    }

    /// Adds a signed list; the oldest go when there are more than an agent takes.
    pub fn announce(&mut self, announcement: &[u8]) {
        self.announcements.push(to_hex(announcement));
        let surplus = self.announcements.len().saturating_sub(fieldward_shared::roots::MOST_ANNOUNCEMENTS);
        self.announcements.drain(..surplus);
    }
}

impl Root {
    /// Its fingerprint.
    pub fn pin(&self) -> Result<Pin, CaError> {
        Ok(Pin::of_certificate(&der(&self.certificate)?)?)
    }
}

/// A certificate in DER.
pub fn der(pem: &str) -> Result<CertificateDer<'static>, CaError> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| CaError::Identity(fieldward_shared::identity::IdentityError::Certificate("not in PEM")))
}

/// The file of a root's key, and of an intermediate's.
pub fn key_file(folder: &Path, kind: &str, pin: Pin) -> PathBuf {
    folder.join(format!("{kind}-{}.key", &to_hex(&pin.0)[..16]))
}

/// Reads a key; it must be the one whose fingerprint is `pin`.
pub fn key(path: &Path, pin: Pin) -> Result<KeyPair, CaError> {
    let bytes = keyfile::read(path)?;
    let key = KeyPair::from_pem(&String::from_utf8_lossy(&bytes))?;
    let own = Pin::of_key(&rcgen::PublicKeyData::subject_public_key_info(&key));
    if own == pin { Ok(key) } else { Err(CaError::WrongKey(pin)) }
}

/// Keeps a key.
pub fn keep(path: &Path, key: &KeyPair) -> Result<(), CaError> {
    Ok(keyfile::write(path, key.serialize_pem().as_bytes())?)
}
