//! Seals: what the aggregator says in writing, so that whoever has its roots can tell that it did. A key is made for
//! one seal, has a certificate of the aggregator for it, and is forgotten; the key of the intermediate itself signs
//! certificates alone.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use fieldward_shared::identity::AGGREGATOR;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::CaError;
use super::authority::Authority;

/// A signature, and the certificates that lead from it to a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// That of the key first, the root last.
    pub chain: Vec<Vec<u8>>,
    /// ECDSA over P-256 with SHA-256, in ASN.1.
    pub signature: Vec<u8>,
}

/// Why a seal is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The certificates do not lead from the aggregator to one of the roots.
    #[error("it was not sealed by an aggregator under these roots: {0}")]
    Chain(String),
    /// What it is on was changed.
    #[error("what was sealed was changed since")]
    Signature,
}

impl Authority {
    /// Seals some words at a time in seconds since the epoch.
    pub fn seal(&self, words: &[u8], now: u64) -> Result<Seal, CaError> {
        let own = self.server(&[], now)?;
        let failed = || CaError::Making(rcgen::Error::RingUnspecified);
        let PrivateKeyDer::Pkcs8(key) = &own.key else { return Err(failed()) };
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.secret_pkcs8_der())
            .map_err(|_| failed())?;
        let signature = key.sign(&SystemRandom::new(), &marked(words)).map_err(|_| failed())?;
        let chain = own.chain.iter().map(|one| one.to_vec()).collect();
        Ok(Seal { chain, signature: signature.as_ref().to_vec() })
    }
}

impl Seal {
    /// Holds a seal against words, roots (DER) and the time at which it is said to have been made.
    pub fn check(&self, words: &[u8], roots: &[Vec<u8>], at: u64) -> Result<(), SealError> {
        let wrong = |what: &dyn std::fmt::Display| SealError::Chain(what.to_string());
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(CertificateDer::from(root.clone())).map_err(|error| wrong(&error))?;
        }
        let mut chain = self.chain.iter().map(|one| CertificateDer::from(one.as_slice()));
        let leaf = chain.next().ok_or_else(|| wrong(&"there is no certificate"))?;
        let between: Vec<CertificateDer<'_>> = chain.collect();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::new(default_provider()))
                .build()
                .map_err(|error| wrong(&error))?;
        let name = ServerName::try_from(AGGREGATOR).map_err(|error| wrong(&error))?;
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at));
        verifier.verify_server_cert(&leaf, &between, &name, &[], at).map_err(|error| wrong(&error))?;
        let (_, certificate) = X509Certificate::from_der(&leaf).map_err(|error| wrong(&error))?;
        let key = &certificate.public_key().subject_public_key.data;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.as_ref());
        key.verify(&marked(words), &self.signature).map_err(|_| SealError::Signature)
    }
}

/// With what a handshake of TLS never signs before them.
fn marked(words: &[u8]) -> Vec<u8> {
    [MARK, words].concat()
}

const MARK: &[u8] = b"fieldward seal 1\n";

#[cfg(test)]
mod tests {
    use super::super::state::Standing;
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn authority() -> (tempfile::TempDir, Authority, Vec<Vec<u8>>) {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca");
        Authority::init(&ca, NOW).unwrap();
        let authority = Authority::open(&ca, None).unwrap();
        let roots = authority.state().certificates(&[Standing::Active]).unwrap();
        (folder, authority, roots)
    }

    #[test]
    fn a_seal_holds_for_its_words_and_roots_alone() {
        let (_folder, authority, roots) = authority();
        let seal = authority.seal(b"version 7", NOW + 10).unwrap();
        assert_eq!(seal.check(b"version 7", &roots, NOW + 10), Ok(()));
        assert_eq!(seal.check(b"version 8", &roots, NOW + 10), Err(SealError::Signature));
        let (_other_folder, other, foreign) = self::authority();
        assert!(matches!(seal.check(b"version 7", &foreign, NOW + 10), Err(SealError::Chain(_))));
        assert!(matches!(seal.check(b"version 7", &[], NOW + 10), Err(SealError::Chain(_))));
        // Long after its certificate has ended it counts at the time that it was made, and not later.
        assert!(matches!(seal.check(b"version 7", &roots, NOW + 40 * 86_400), Err(SealError::Chain(_))));
        // The signature of one under the certificate of another.
        let mixed = Seal { signature: other.seal(b"version 7", NOW).unwrap().signature, ..seal };
        assert_eq!(mixed.check(b"version 7", &roots, NOW + 10), Err(SealError::Signature));
        let empty = Seal { chain: Vec::new(), signature: Vec::new() };
        assert!(empty.check(b"", &roots, NOW).is_err());
    }
}
