//! Certificates and keys that an operator's own PKI leaves in files, in PEM, and replaces when it renews them.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use serde::Deserialize;

use crate::identity::{IdentityError, Leaf};
use crate::keyfile::{self, KeyFileError};

/// Where a certificate and its key lie.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The certificate, and after it those that lead to the root.
    pub certificate: PathBuf,
    /// Its key, which none but its owner may read.
    pub key: PathBuf,
}

/// What they held when they were read.
#[derive(Debug)]
pub struct Held {
    /// The certificate and those that lead to the root.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key.
    pub key: PrivateKeyDer<'static>,
    /// What the certificate says.
    pub leaf: Leaf,
}

/// What is wrong with such a file, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// It cannot be read as PEM.
    #[error("{}: {what}; it must hold certificates, or lists of revoked ones, in PEM", place.display())]
    Pem {
        /// Which file.
        place: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Its certificate cannot be used now.
    #[error("{}: {what}; put a good certificate in its place", place.display())]
    Unusable {
        /// Which file.
        place: PathBuf,
        /// Why not.
        what: String,
    },
    /// The key's file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// There is no key in it.
    #[error("{}: no key in PEM is in it", .0.display())]
    Key(PathBuf),
}

/// By which it is noticed that files were replaced: when each was written, and how long it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp(Vec<Option<(SystemTime, u64)>>);

impl Stamp {
    /// How files look from outside, in this order.
    pub fn of<'a>(files: impl IntoIterator<Item = &'a Path>) -> Self {
        let look = |about: Metadata| Some((about.modified().ok()?, about.len()));
        Self(files.into_iter().map(|path| fs::metadata(path).ok().and_then(look)).collect())
    }
}

impl Files {
    /// Reads them at a time in seconds since the epoch, at which the certificate must be valid.
    pub fn read(&self, now: u64) -> Result<Held, PkiError> {
        let chain = certificates(&self.certificate)?;
        let unusable = |what: String| PkiError::Unusable { place: self.certificate.clone(), what };
        let leaf = match chain.first().map(|first| Leaf::read(first)) {
            Some(Ok(leaf)) => leaf,
            Some(Err(error)) => return Err(unusable(error.to_string())),
            None => return Err(unusable(IdentityError::Certificate("there is none").to_string())),
        };
        if now > leaf.not_after {
            return Err(unusable(format!("it ended {} days ago", (now - leaf.not_after) / DAY)));
        }
        if now < leaf.not_before {
            return Err(unusable("it is not valid yet: look at the clock".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&keyfile::read(&self.key)?);
        let key = key.map_err(|_| PkiError::Key(self.key.clone()))?;
        Ok(Held { chain, key, leaf })
    }

    /// How the files look from outside.
    pub fn stamp(&self) -> Stamp {
        Stamp::of([self.certificate.as_path(), &self.key])
    }
}

impl Held {
    /// Less than a quarter of its life is left: the PKI should have renewed it.
    pub fn is_late(&self, now: u64) -> bool {
        let life = self.leaf.not_after.saturating_sub(self.leaf.not_before);
        self.leaf.not_after.saturating_sub(now) < life / 4
    }
}

/// All certificates of a file; at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PkiError> {
    all(path, LARGEST)
}

/// All lists of revoked certificates of a file; at least one.
pub fn revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, PkiError> {
    all(path, LARGEST_LIST)
}

fn all<T: PemObject>(path: &Path, most: u64) -> Result<Vec<T>, PkiError> {
    let wrong = |what: String| PkiError::Pem { place: path.to_owned(), what };
    let large = fs::metadata(path).is_ok_and(|about| about.len() > most);
    let text = if large {
        Err("it is too large".to_owned())
    } else {
        fs::read(path).map_err(|error| error.to_string())
    };
    let found: Result<Vec<_>, _> = T::pem_slice_iter(&text.map_err(wrong)?).collect();
    let found = found.map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() { Err(wrong("there is nothing in it".to_owned())) } else { Ok(found) }
}

/// A file of certificates.
const LARGEST: u64 = 256 << 10;
/// One of revoked certificates: some hundred thousand.
const LARGEST_LIST: u64 = 16 << 20;
const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn files(folder: &Path) -> (Files, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let files = Files { certificate: folder.join("a.crt"), key: folder.join("a.key") };
        fs::write(&files.certificate, certificate.pem()).unwrap();
        keyfile::write(&files.key, key.serialize_pem().as_bytes()).unwrap();
        (files, key)
    }

    /// rcgen's own certificates are valid from 1975 to 4096.
    const NOW: u64 = 1_800_000_000;

    #[test]
    fn what_is_there_is_read_and_a_change_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (files, _) = files(folder.path());
        let held = files.read(NOW).unwrap();
        assert!(held.chain.len() == 1 && !held.is_late(NOW) && held.is_late(held.leaf.not_after));
        let stamp = files.stamp();
        assert_eq!(files.stamp(), stamp);
        fs::write(&files.certificate, "longer than nothing").unwrap();
        assert_ne!(files.stamp(), stamp);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let (files, _) = files(folder.path());
        let told = |at| files.read(at).unwrap_err().to_string();
        let end = files.read(NOW).unwrap().leaf.not_after;
        assert!(told(end + 3 * DAY).contains("a.crt: it ended 3 days ago"));
        assert!(told(0).contains("not valid yet"));
        let good = fs::read(&files.certificate).unwrap();
        for (text, said) in
            [("", "a.crt: there is nothing in it"), ("-----BEGIN CERTIFICATE-----\nAA", "a.crt:")]
        {
            fs::write(&files.certificate, text).unwrap();
            assert!(told(NOW).contains(said), "{}", told(NOW));
        }
        fs::write(&files.certificate, vec![b'x'; LARGEST as usize + 1]).unwrap();
        assert!(told(NOW).contains("too large"));
        fs::write(&files.certificate, good).unwrap();
        keyfile::write(&files.key, b"no key").unwrap();
        assert!(told(NOW).contains("a.key: no key"));
        fs::remove_file(&files.key).unwrap();
        assert!(told(NOW).contains("a.key: No such file"));
    }
}
