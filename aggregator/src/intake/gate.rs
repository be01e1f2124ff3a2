//! Who decides over certificates: the intake asks, and knows no more of it than this.

use std::net::IpAddr;
use std::pin::Pin;

use fieldward_shared::identity::Kind;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{EnrollRequest, Message, RenewRequest};
use rustls::pki_types::CertificateDer;
use uuid::Uuid;

/// Whom a certificate names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What it is.
    pub kind: Kind,
    /// The plant.
    pub facility: String,
    /// The agent, or the simulator.
    pub agent: Uuid,
    /// Of the certificate.
    pub serial: Vec<u8>,
    /// Until when it holds.
    pub not_after: Timestamp,
    /// It has ended, or its root was rotated out, and it only serves to get the next.
    pub only_renews: bool,
    /// By which trust it was judged.
    pub trust: u64,
    /// What it showed.
    pub chain: Vec<CertificateDer<'static>>,
}

/// A reply at a door: a certificate, a refusal, or that a person must agree.
pub type Reply<'a> = Pin<Box<dyn Future<Output = Message> + Send + 'a>>;

/// Decides over certificates.
pub trait Gate: Send + Sync {
    /// Whom a chain names that TLS has let through; or why nobody.
    fn peer(&self, chain: &[CertificateDer<'_>]) -> Result<Peer, String>;

    /// Whether a certificate was revoked meanwhile.
    fn is_revoked(&self, peer: &Peer) -> bool;

    /// The number of the present trust. What was judged by another is judged again.
    fn trusted(&self) -> u64;

    /// The lists of roots that each session tells its agent.
    fn announcements(&self) -> Vec<Vec<u8>>;

    /// Somebody without a certificate asks for one.
    fn enroll(&self, request: EnrollRequest, from: IpAddr) -> Reply<'_>;

    /// An agent asks for its next one.
    fn renew(&self, request: RenewRequest, peer: Peer) -> Reply<'_>;
}
