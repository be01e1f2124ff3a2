//! Who another agent is, when only an aggregator that is not believed can say so: a certificate that leads to a root,
//! signatures by its key, and how its present key followed from one that was seen before. Whoever issues
//! certificates could issue a second one under the same name; only the holder of a key can name the next.

use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::SigningKey;
use rustls::{RootCertStore, SignatureScheme};
use uuid::Uuid;

use crate::identity::{AgentName, IdentityError, Leaf, Pin, public_key};

/// Steps from one key to the next that are sent along: a key lives for days.
pub const MOST_STEPS: usize = 32;
/// Certificates of a chain.
const MOST_CHAIN: usize = 7;
const HEAD: &[u8] = b"fieldward succession 1\n";

/// Why somebody is not who is named.
#[derive(Debug, thiserror::Error)]
pub enum VouchError {
    /// A key of a kind that signs nothing here.
    #[error("this kind of key does not sign in rounds; use ECDSA (P-256 or P-384), Ed25519 or RSA")]
    Key,
    /// No root vouches for it.
    #[error("no root that is trusted here vouches for this certificate: {0}")]
    Chain(String),
    /// Not an agent's.
    #[error(transparent)]
    Name(#[from] IdentityError),
    /// No certificate, or too many.
    #[error("a chain has 1 to {MOST_CHAIN} certificates, this has {0}")]
    Length(usize),
}

/// Signs with the key of an agent.
#[derive(Clone)]
pub struct Signer(Arc<dyn SigningKey>);

impl Signer {
    /// With this key.
    pub fn of(key: &PrivateKeyDer<'_>) -> Result<Self, VouchError> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.key_provider.load_private_key(key.clone_key()).map(Self).map_err(|_| VouchError::Key)
    }

    /// Signs; the scheme stands before the signature.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signer = self.0.choose_scheme(&SCHEMES.map(|(scheme, _)| scheme))?;
        let mut bytes = u16::from(signer.scheme()).to_be_bytes().to_vec();
        bytes.extend(signer.sign(message).ok()?);
        Some(bytes)
    }

    /// Says that the next key of an agent is this.
    pub fn succeed(&self, agent: Uuid, own: &[u8], next: Pin) -> Option<Vec<u8>> {
        let own = PublicKey::of_certificate(own).ok()?;
        let signature = self.sign(&step_signed(agent, own.pin, next))?;
        let mut bytes = u16::try_from(own.key.len()).ok()?.to_be_bytes().to_vec();
        bytes.extend_from_slice(&own.key);
        bytes.extend_from_slice(&own.pin.0);
        bytes.extend_from_slice(&next.0);
        bytes.extend(signature);
        Some(bytes)
    }
}

/// The key of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key: Vec<u8>,
    /// What it is recognised by.
    pub pin: Pin,
}

impl PublicKey {
    /// That of a certificate, whoever issued it.
    pub fn of_certificate(der: &[u8]) -> Result<Self, IdentityError> {
        Ok(Self { key: public_key(der)?, pin: Pin::of_certificate(der)? })
    }

    /// Whether it signed this.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some((scheme, signature)) = signature.split_first_chunk::<2>() else { return false };
        let scheme = SignatureScheme::from(u16::from_be_bytes(*scheme));
        let Some((_, algorithm)) = SCHEMES.into_iter().find(|(known, _)| *known == scheme) else {
            return false;
        };
        UnparsedPublicKey::new(algorithm, &self.key).verify(message, signature).is_ok()
    }
}

/// An agent for whom a root vouches.
#[derive(Clone, Debug)]
pub struct Vouched {
    /// Who.
    pub name: AgentName,
    /// Its key.
    pub key: PublicKey,
}

/// Roots that vouch for agents.
pub struct Roots(Arc<dyn ClientCertVerifier>);

impl Roots {
    /// These.
    pub fn new(roots: &[CertificateDer<'static>]) -> Result<Self, VouchError> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.clone()).map_err(|error| VouchError::Chain(error.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let built = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider).build();
        built.map(Self).map_err(|error| VouchError::Chain(error.to_string()))
    }

    /// Whom a chain names, at a time in seconds since the epoch.
    pub fn vouch(&self, chain: &[Vec<u8>], now: u64) -> Result<Vouched, VouchError> {
        let length = VouchError::Length(chain.len());
        let (first, issuers) = chain.split_first().filter(|_| chain.len() <= MOST_CHAIN).ok_or(length)?;
        let leaf = Leaf::read(first)?;
        let issuers: Vec<CertificateDer<'_>> =
            issuers.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        // What a round began with may end within it.
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now.min(leaf.not_after)));
        if now > leaf.not_after.saturating_add(PATIENCE) {
            return Err(VouchError::Chain("it has ended".to_owned()));
        }
        self.0
            .verify_client_cert(&CertificateDer::from(first.as_slice()), &issuers, at)
            .map_err(|error| VouchError::Chain(error.to_string()))?;
        if leaf.is_ca || leaf.is_server {
            return Err(VouchError::Chain("it is not for agents alone".to_owned()));
        }
        Ok(Vouched { name: leaf.agent()?, key: PublicKey::of_certificate(first)? })
    }
}

/// Whether an agent's key is the one that was seen, or follows from it by steps that each key has signed.
pub fn follows(agent: Uuid, seen: Pin, now: Pin, steps: &[Vec<u8>]) -> bool {
    let mut key = seen;
    for step in steps.iter().take(MOST_STEPS) {
        if key == now {
            return true;
        }
        if let Some(next) = step_of(agent, key, step) {
            key = next;
        }
    }
    key == now
}

/// The key after this one, if this one has said so.
fn step_of(agent: Uuid, from: Pin, step: &[u8]) -> Option<Pin> {
    let (length, rest) = step.split_first_chunk::<2>()?;
    let (key, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (pin, rest) = rest.split_first_chunk::<32>()?;
    let (next, signature) = rest.split_first_chunk::<32>()?;
    let (pin, next) = (Pin(*pin), Pin(*next));
    // The key is not in the pin as it stands here, but only its owner could have signed under that pin before.
    let signer = PublicKey { key: key.to_vec(), pin };
    let is_its = pin == from && spki_pins(key).contains(&pin);
    (is_its && signer.verify(&step_signed(agent, pin, next), signature)).then_some(next)
}

/// The pins that a key may have: of its SubjectPublicKeyInfo, for each kind that has a fixed head.
fn spki_pins(key: &[u8]) -> Vec<Pin> {
    INFO_HEADS.iter().map(|head| Pin::of_key(&[head, key].concat())).collect()
}

fn step_signed(agent: Uuid, from: Pin, to: Pin) -> Vec<u8> {
    [HEAD, agent.as_bytes(), &from.0, &to.0].concat()
}

/// Kinds of signatures, the preferred first.
const SCHEMES: [(SignatureScheme, &'static dyn VerificationAlgorithm); 4] = [
    (SignatureScheme::ECDSA_NISTP256_SHA256, &ECDSA_P256_SHA256_ASN1),
    (SignatureScheme::ECDSA_NISTP384_SHA384, &ECDSA_P384_SHA384_ASN1),
    (SignatureScheme::ED25519, &ED25519),
    (SignatureScheme::RSA_PSS_SHA256, &RSA_PSS_2048_8192_SHA256),
];
/// What stands before the point of a key in its SubjectPublicKeyInfo (RFC 5480, RFC 8410): P-256, P-384, Ed25519.
/// Keys that an agent makes for itself are of the first kind.
const INFO_HEADS: [&[u8]; 3] = [
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
    b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00",
    b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00",
];
/// Seconds that a certificate may have ended while a round lasts.
const PATIENCE: u64 = 86_400;

#[cfg(test)]
mod tests;
