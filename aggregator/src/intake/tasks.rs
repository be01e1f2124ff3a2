//! For whoever drives rounds: which agents are here and learn what, a channel to one of them, and whom a chain of
//! certificates names.

use std::sync::Arc;

use fieldward_shared::identity::Kind;
use fieldward_shared::transport::{Channel, LinkError, Receiver, Sender};
use fieldward_shared::wire::Learns;
use rustls::pki_types::CertificateDer;
use uuid::Uuid;

use super::Shared;

/// An agent that is here.
#[derive(Clone, Debug, PartialEq)]
pub struct Present {
    /// Which.
    pub agent: Uuid,
    /// Its plant.
    pub facility: String,
    /// What it learns together with others.
    pub learns: Arc<[Learns]>,
}

/// The way to agents. Clones are the same.
#[derive(Clone)]
pub struct Tasks(Arc<Shared>);

impl Tasks {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Who is connected here and takes part in rounds.
    pub fn present(&self) -> Vec<Present> {
        let sessions = self.0.registry.all().into_iter().filter(|session| !session.learns.is_empty());
        let present = |session: super::registry::Session| Present {
            agent: session.peer.agent,
            facility: session.peer.facility.clone(),
            learns: session.learns,
        };
        sessions.map(present).collect()
    }

    /// Opens a task with an agent; none when it is not here.
    pub async fn open(&self, agent: Uuid) -> Option<Result<(Sender, Receiver), LinkError>> {
        let session = self.0.registry.of(agent).filter(|session| !session.learns.is_empty())?;
        let opened = session.link.open(Channel::Task(self.0.registry.number())).await;
        Some(opened.and_then(|(sender, receiver)| Ok((sender, receiver.ok_or(LinkError::Channel)?))))
    }

    /// Whether a chain is an agent's, and may open sessions.
    pub fn is_of(&self, agent: Uuid, chain: &[Vec<u8>]) -> bool {
        let chain: Vec<CertificateDer<'_>> =
            chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let peer = self.0.gate.peer(&chain);
        peer.is_ok_and(|peer| {
            peer.kind == Kind::Agent
                && peer.agent == agent
                && !peer.only_renews
                && !self.0.gate.is_revoked(&peer)
        })
    }
}
