//! Judges the certificate of a client: in the handshake for rustls, and again afterwards for whoever serves
//! it. Three kinds get through TLS: good ones; good ones that expired at most 90 days ago; and those of a
//! tainted or lately revoked root. The last two are marked, and only the renew door serves them.

use std::sync::Arc;

use arc_swap::ArcSwap;
use fieldward_shared::clock::Clock;
use fieldward_shared::identity::{AgentName, Kind, LONGEST_CERTIFICATE, Leaf, Pin, Serial, sha256};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use uuid::Uuid;

use super::CaError;
use super::authority::DAY;
use super::operator::Operator;
use super::revoked::Revoked;
use super::rotation::GRACE;
use super::state::{Standing, State};

/// How long after its end a certificate still renews.
pub const RENEWABLE: u64 = 90 * DAY;
/// Certificates that a client may send beside its own.
const MOST_INTERMEDIATES: usize = 6;

/// A client whose certificate was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What it is: no kind is ever taken for another.
    pub kind: Kind,
    /// The facility and the agent, or the simulator.
    pub name: AgentName,
    /// The number of its certificate.
    pub serial: Serial,
    /// When it ends, seconds since the epoch.
    pub not_after: u64,
    /// It has ended, or has not begun: only the renew door may serve it.
    pub is_expired: bool,
    /// Its root was rotated out: only the renew door may serve it.
    pub is_tainted: bool,
    /// Fingerprint of its key.
    pub key: Pin,
    /// SHA-256 of the certificate, as it was recorded when it was issued.
    pub digest: [u8; 32],
    /// Issued by an operator's own authority, which also renews it.
    pub is_foreign: bool,
    /// By which trust it was judged: see [`Verifier::trusted`].
    pub trust: u64,
}

impl Peer {
    /// Whether it may open a session, and not only renew.
    pub const fn may_open_session(&self) -> bool {
        !self.is_expired && !self.is_tainted
    }
}

/// Why a client is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// TLS refuses the chain.
    #[error("{0}")]
    Chain(#[from] Error),
    /// The certificate is of another kind than an agent's.
    #[error("the certificate is not an agent's: {0}")]
    Kind(String),
    /// It was revoked.
    #[error("the certificate {0} was revoked")]
    Revoked(Serial),
    /// It has ended, too long ago for the renew door.
    #[error("the certificate expired more than 90 days ago; enrol the agent again")]
    Ended,
    /// No certificate at all.
    #[error("the client showed no certificate")]
    None,
}

/// Whom the verifier trusts, as one value that is swapped.
struct Trust {
    number: u64,
    sessions: Option<Arc<dyn ClientCertVerifier>>,
    renewals: Option<Arc<dyn ClientCertVerifier>>,
    operator: Option<Operator>,
}

/// The verifier.
pub struct Verifier {
    trust: ArcSwap<Trust>,
    revoked: Revoked,
    clock: Arc<Clock>,
    provider: Arc<CryptoProvider>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("trust", &self.trust.load().number).finish_non_exhaustive()
    }
}

impl Verifier {
    /// A verifier that trusts nobody yet.
    pub fn new(revoked: Revoked, clock: Arc<Clock>) -> Self {
        let none = Trust { number: 0, sessions: None, renewals: None, operator: None };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Self { trust: ArcSwap::from_pointee(none), revoked, clock, provider }
    }

    /// Takes over which roots are trusted for what: the authority's own (none when there is no authority),
    /// and an operator's.
    pub fn trust(&self, own: Option<&State>, operator: Option<Operator>) -> Result<(), CaError> {
        let now = self.clock.now();
        let (mut sessions, mut renewals) = (Vec::new(), Vec::new());
        if let Some(state) = own {
            sessions = state.certificates(&[Standing::Prepared, Standing::Active, Standing::Former])?;
            renewals = state.certificates(&[Standing::Tainted])?;
            for root in state.roots.iter().filter(|root| root.standing == Standing::Revoked) {
                if root.revoked.is_some_and(|at| now <= at.saturating_add(GRACE)) {
                    renewals.push(super::state::der(&root.certificate)?.to_vec());
                }
            }
        }
        let number = self.trust.load().number.wrapping_add(1);
        let (sessions, renewals) = (self.chains(sessions)?, self.chains(renewals)?);
        self.trust.store(Arc::new(Trust { number, sessions, renewals, operator }));
        Ok(())
    }

    fn chains(&self, roots: Vec<Vec<u8>>) -> Result<Option<Arc<dyn ClientCertVerifier>>, CaError> {
        chains(roots.into_iter().map(CertificateDer::from).collect(), Vec::new(), &self.provider)
    }

    /// The number of the present trust. What was judged by another is to be judged again.
    pub fn trusted(&self) -> u64 {
        self.trust.load().number
    }

    /// Judges a client's chain, as the handshake did.
    pub fn peer(&self, chain: &[CertificateDer<'_>]) -> Result<Peer, Refusal> {
        let (leaf, intermediates) = chain.split_first().ok_or(Refusal::None)?;
        let now = std::time::Duration::from_secs(self.clock.now());
        self.judge(leaf, intermediates, UnixTime::since_unix_epoch(now))
    }

    /// Whether this certificate was revoked.
    pub fn is_revoked(&self, serial: &Serial) -> bool {
        self.revoked.has_serial(serial)
    }

    /// Whether this agent was revoked as a whole.
    pub fn is_agent_revoked(&self, agent: Uuid) -> bool {
        self.revoked.has_agent(agent)
    }

    fn not_revoked(&self, serial: &Serial, agent: Uuid) -> Result<(), Refusal> {
        if self.revoked.has_serial(serial) || self.revoked.has_agent(agent) {
            return Err(Refusal::Revoked(serial.clone()));
        }
        Ok(())
    }

    fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Peer, Refusal> {
        let long = intermediates.iter().any(|der| der.len() > LONGEST_CERTIFICATE);
        if long || intermediates.len() > MOST_INTERMEDIATES {
            return Err(Refusal::Kind("its chain is too long".into()));
        }
        let leaf = Leaf::read(certificate).map_err(|error| Refusal::Kind(error.to_string()))?;
        let trust = self.trust.load();
        let (name, is_tainted, is_foreign) = match trust.vouch(certificate, intermediates, &leaf, now) {
            Ok(is_tainted) => (leaf.holder(), is_tainted, false),
            Err(refused) => {
                let Some(operator) = &trust.operator else { return Err(refused) };
                operator.vouch(certificate, intermediates, now)?;
                // An operator's authority vouches for agents alone.
                (operator.name(&leaf).map(|name| (Kind::Agent, name)), false, true)
            }
        };
        let (holder, name) = name.map_err(|error| Refusal::Kind(error.to_string()))?;
        let kind = |what: &str| Err(Refusal::Kind(what.to_owned()));
        match leaf {
            Leaf { is_ca: true, .. } => return kind("it may issue certificates"),
            Leaf { is_client: false, .. } => return kind("it is not for clients"),
            Leaf { signs: false, .. } => return kind("its key may not sign"),
            // An agent's key must not pass for the aggregator's, nor the other way round.
            Leaf { is_server: true, .. } => return kind("it is for servers as well"),
            _ => {}
        }
        self.not_revoked(&leaf.serial, name.agent)?;
        Ok(Peer {
            kind: holder,
            name,
            is_expired: !leaf.is_valid(now.as_secs()),
            serial: leaf.serial,
            not_after: leaf.not_after,
            is_tainted,
            key: leaf.key,
            digest: sha256(certificate),
            is_foreign,
            trust: trust.number,
        })
    }
}

impl Trust {
    /// Whether a root of ours vouches for it, and whether only a tainted one does.
    fn vouch(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        leaf: &Leaf,
        now: UnixTime,
    ) -> Result<bool, Refusal> {
        // What has ended is judged as on its last day, and what has not begun as on its first: our clock was
        // set back since we issued it.
        let at = match now.as_secs() {
            now if now < leaf.not_before => leaf.not_before,
            now if now <= leaf.not_after => now,
            now if now <= leaf.not_after.saturating_add(RENEWABLE) => leaf.not_after,
            _ => return Err(Refusal::Ended),
        };
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at));
        let ask = |chains: &Option<Arc<dyn ClientCertVerifier>>| match chains {
            Some(chains) => chains.verify_client_cert(certificate, intermediates, at).map(drop),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        match ask(&self.sessions) {
            Ok(()) => Ok(false),
            Err(refused) => ask(&self.renewals).map(|()| true).map_err(|_| Refusal::Chain(refused)),
        }
    }
}

/// Judges chains up to these roots, and by lists of revoked certificates, if there are any; none when there
/// is no root.
pub(super) fn chains(
    roots: Vec<CertificateDer<'static>>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, CaError> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root)?;
    }
    if store.is_empty() {
        return Ok(None);
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider.clone());
    let built = builder.with_crls(revoked).only_check_end_entity_revocation().build();
    built.map(Some).map_err(|error| CaError::Tls(Error::General(error.to_string())))
}

impl ClientCertVerifier for Verifier {
    /// The doors serve clients that have none yet; who needs one is decided by ALPN, after the handshake.
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.judge(end_entity, intermediates, now) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Chain(error) => error,
            Refusal::Revoked(_) => CertificateError::Revoked.into(),
            Refusal::Ended => CertificateError::Expired.into(),
            other => CertificateError::Other(OtherError(Arc::new(other))).into(),
        }
    }
}
