//! Certificates for tests: a root, the aggregator, agents; and a gate that knows whom it issued what.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, anyhow};
use fieldward_agent::uplink::Trust;
use fieldward_aggregator::intake::{Gate, Peer, Reply};
use fieldward_shared::identity::Kind;
use fieldward_shared::keyfile;
use fieldward_shared::time::Timestamp;
use fieldward_shared::transport::{ClientIdentity, ServerIdentity, server};
use fieldward_shared::wire::{EnrollRequest, Message, Refused, RenewRequest};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use uuid::Uuid;

/// The name in the aggregator's certificate.
pub const NAME: &str = "aggregator.test";

/// A root and what it has issued.
pub struct Pki {
    root: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
    register: Arc<Register>,
}

/// Who has which certificate.
#[derive(Default)]
pub struct Register {
    peers: Mutex<HashMap<Vec<u8>, Peer>>,
    revoked: Mutex<HashSet<Vec<u8>>>,
}

impl Pki {
    /// A new root.
    pub fn new() -> Result<Self> {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate()?)?;
        Ok(Self { root, register: Arc::default() })
    }

    /// Its certificate.
    pub fn root(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    fn issue(&self, name: &str) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let key = rcgen::KeyPair::generate()?;
        let certificate = rcgen::CertificateParams::new([name.to_owned()])?.signed_by(&key, &self.root)?;
        Ok((vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into())))
    }

    /// Writes its root, a certificate for a name, and its key for other programs, in PEM.
    pub fn write(&self, folder: &Path, name: &str) -> Result<()> {
        let key = rcgen::KeyPair::generate()?;
        let mut params = rcgen::CertificateParams::new([name.to_owned()])?;
        // OpenSSL takes a certificate that is called like its issuer for a root.
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = params.signed_by(&key, &self.root)?;
        fs::write(folder.join("root.pem"), self.root.pem())?;
        fs::write(folder.join("certificate.pem"), certificate.pem())?;
        keyfile::write(&folder.join("key.pem"), key.serialize_pem().as_bytes())?;
        Ok(())
    }

    /// The aggregator's side of TLS. A certificate is looked at when there is one.
    pub fn server(&self) -> Result<Arc<rustls::ServerConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.allow_unauthenticated().build()?;
        let (chain, key) = self.issue(NAME)?;
        Ok(server(ServerIdentity { chain, key }, verifier)?)
    }

    /// A new agent of a facility.
    pub fn agent(&self, facility: &str) -> Result<(Uuid, Trust)> {
        let agent = Uuid::new_v4();
        let (chain, key) = self.issue("agent")?;
        let first = chain.first().ok_or_else(|| anyhow!("no certificate"))?.to_vec();
        let peer = Peer {
            kind: Kind::Agent,
            facility: facility.to_owned(),
            agent,
            serial: first.clone(),
            not_after: Timestamp::from_micros(u64::MAX),
            only_renews: false,
            trust: 0,
            chain: chain.clone(),
        };
        lock(&self.register.peers).insert(first, peer);
        let (identity, roots) = (ClientIdentity { chain, key }, vec![self.root()]);
        Ok((agent, Trust { identity, roots, clock: Arc::default() }))
    }

    /// The gate that knows them.
    pub fn gate(&self) -> Arc<dyn Gate> {
        self.register.clone()
    }

    /// Revokes what an agent has.
    pub fn revoke(&self, agent: Uuid) {
        let peers = lock(&self.register.peers);
        let serials = peers.values().filter(|peer| peer.agent == agent).map(|peer| peer.serial.clone());
        lock(&self.register.revoked).extend(serials);
    }
}

impl Gate for Register {
    fn peer(&self, chain: &[CertificateDer<'_>]) -> Result<Peer, String> {
        let first = chain.first().ok_or("no certificate")?;
        lock(&self.peers).get(first.as_ref()).cloned().ok_or_else(|| "a certificate of nobody".to_owned())
    }

    fn is_revoked(&self, peer: &Peer) -> bool {
        lock(&self.revoked).contains(&peer.serial)
    }

    fn announcements(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn trusted(&self) -> u64 {
        0
    }

    fn enroll(&self, _: EnrollRequest, _: IpAddr) -> Reply<'_> {
        Box::pin(async { refused() })
    }

    fn renew(&self, _: RenewRequest, _: Peer) -> Reply<'_> {
        Box::pin(async { refused() })
    }
}

fn refused() -> Message {
    Refused { code: "closed".to_owned(), message: "this authority issues nothing".to_owned() }.into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
