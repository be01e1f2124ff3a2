//! Stories of the authority, with real handshakes in memory.

mod doors;
mod issuing;
mod judging;
mod rotating;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fieldward_shared::clock::Clock;
use fieldward_shared::identity::{AGGREGATOR, AgentName, Leaf, Pin};
use fieldward_shared::transport::{ClientIdentity, ServerIdentity, client_by, client_pinned, server};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use tempfile::TempDir;
use uuid::Uuid;

use super::authority::{AGENT_LIFETIME, Authority, DAY};
use super::request::Request;
use super::revoked::Revoked;
use super::state;
use super::verifier::Verifier;

fn now() -> u64 {
    Clock::default().now()
}

/// An authority that was made so many seconds ago, with a certificate of a year.
struct Place {
    folder: TempDir,
    root: Pin,
}

impl Place {
    fn made(ago: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Authority::init(folder.path(), now() - ago).unwrap();
        Self { folder, root }
    }

    fn open(&self) -> Authority {
        Authority::open(self.path(), None).unwrap()
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn root_key(&self, pin: Pin) -> PathBuf {
        state::key_file(self.path(), "root", pin)
    }
}

fn name() -> AgentName {
    AgentName::new("plant", Uuid::from_u128(7)).unwrap()
}

fn csr(key: &KeyPair) -> Vec<u8> {
    CertificateParams::default().serialize_request(key).unwrap().der().to_vec()
}

/// A key with its certificate.
struct Agent {
    key: KeyPair,
    chain: Vec<CertificateDer<'static>>,
}

impl Agent {
    fn of(authority: &Authority, issued: u64) -> Self {
        let key = KeyPair::generate().unwrap();
        let request = Request::read(&csr(&key)).unwrap();
        let issued = authority.issue(&request, &name(), AGENT_LIFETIME, issued).unwrap();
        Self { key, chain: issued.chain }
    }

    fn identity(&self) -> ClientIdentity {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        ClientIdentity { chain: self.chain.clone(), key }
    }

    fn leaf(&self) -> Leaf {
        Leaf::read(&self.chain[0]).unwrap()
    }
}

fn verifier(authority: &Authority, at: u64) -> (Arc<Verifier>, Revoked) {
    let revoked = Revoked::default();
    let verifier = Verifier::new(revoked.clone(), Arc::new(Clock::new(at)));
    verifier.trust(Some(authority.state()), None).unwrap();
    (Arc::new(verifier), revoked)
}

fn aggregator(authority: &Authority, verifier: Arc<Verifier>) -> Arc<ServerConfig> {
    let own = authority.server(&[], now()).unwrap();
    server(ServerIdentity { chain: own.chain, key: own.key }, verifier).unwrap()
}

fn roots(authority: &Authority) -> Vec<CertificateDer<'static>> {
    authority.roots().unwrap().roots.into_iter().map(CertificateDer::from).collect()
}

fn agent(agent: &Agent, roots: &[CertificateDer<'static>], alpn: &[u8]) -> Arc<ClientConfig> {
    client_by(Arc::new(Clock::default()), Some(agent.identity()), roots, alpn).unwrap()
}

fn pinned(pin: Pin) -> Arc<ClientConfig> {
    client_pinned(Arc::new(Clock::default()), pin).unwrap()
}

/// A handshake in memory: the client's chain as the server has it, or who refused and why.
fn shake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let name = ServerName::try_from(AGGREGATOR).unwrap();
    let mut client = ClientConnection::new(client.clone(), name).unwrap();
    let mut server = ServerConnection::new(server.clone()).unwrap();
    for _ in 0..8 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().map_err(|error| format!("server: {error}"))?;
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().map_err(|error| format!("client: {error}"))?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    let chain = server.peer_certificates().unwrap_or_default();
    Ok(chain.iter().map(|der| der.clone().into_owned()).collect())
}

const DAYS: u64 = DAY;
