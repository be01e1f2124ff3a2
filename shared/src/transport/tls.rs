//! TLS as both ends use it: version 1.3 only, exact ALPN, post-quantum key exchange first, no resumption
//! in any form. A resumed session would pass by the check whether its certificate was revoked.

use std::fmt;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::pinned::Pinned;
use crate::clock::Clock;
use crate::identity::Pin;
use crate::wire::{DEMO, ENROLL, RENEW, SESSION};

/// What the aggregator shows.
pub struct ServerIdentity {
    /// Its certificate and those that lead to a root.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key.
    pub key: PrivateKeyDer<'static>,
}

/// What an agent shows.
pub struct ClientIdentity {
    /// Its certificate and those that lead to a root.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key.
    pub key: PrivateKeyDer<'static>,
}

impl Clone for ClientIdentity {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an identity of {} certificates and a key", self.chain.len())
    }
}

/// Why certificates and keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Something does not fit.
    #[error("certificate, key and roots cannot be used together: {0}; check that they belong together")]
    Unusable(#[from] rustls::Error),
    /// The cipher that QUIC begins with is missing.
    #[error("this build cannot do QUIC: {0}")]
    Quic(String),
}

/// The aggregator's side. Certificates are checked by `verifier`; whether one is demanded is up to it.
pub fn server(
    identity: ServerIdentity,
    verifier: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain, identity.key)?;
    Ok(shut(config))
}

/// The aggregator's side with a certificate that may change while it runs, and a clock that cannot go back.
pub fn server_showing(
    shown: Arc<dyn ResolvesServerCert>,
    verifier: Arc<dyn ClientCertVerifier>,
    clock: Arc<Clock>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let config = ServerConfig::builder_with_details(provider(), clock)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(shown);
    Ok(shut(config))
}

/// Four protocols and no resumption.
fn shut(mut config: ServerConfig) -> Arc<ServerConfig> {
    config.alpn_protocols = [SESSION, ENROLL, RENEW, DEMO].map(<[u8]>::to_vec).to_vec();
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    Arc::new(config)
}

/// An agent's or a simulator's side, for one of the protocols.
pub fn client(
    identity: Option<ClientIdentity>,
    roots: &[CertificateDer<'static>],
    alpn: &[u8],
) -> Result<Arc<ClientConfig>, TlsError> {
    client_by(Arc::new(Clock::default()), identity, roots, alpn)
}

/// An agent's side with a clock that cannot go back.
pub fn client_by(
    clock: Arc<Clock>,
    identity: Option<ClientIdentity>,
    roots: &[CertificateDer<'static>],
    alpn: &[u8],
) -> Result<Arc<ClientConfig>, TlsError> {
    let mut trusted = RootCertStore::empty();
    for root in roots {
        trusted.add(root.clone())?;
    }
    let builder = ClientConfig::builder_with_details(provider(), clock)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(trusted);
    let mut config = match identity {
        Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(Arc::new(config))
}

/// An agent's side before it has a certificate: of the aggregator it knows only the fingerprint of a root,
/// and takes no other, whatever else is shown.
pub fn client_pinned(clock: Arc<Clock>, pin: Pin) -> Result<Arc<ClientConfig>, TlsError> {
    let mut config = ClientConfig::builder_with_details(provider(), clock)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { pin, provider: provider() }))
        .with_no_client_auth();
    config.alpn_protocols = vec![ENROLL.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(Arc::new(config))
}

/// X25519MLKEM768 stands first in it.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
