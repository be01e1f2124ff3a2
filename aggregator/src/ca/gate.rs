//! The authority as the intake asks it.

use std::net::IpAddr;

use fieldward_shared::identity::Serial;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{EnrollRequest, Message, Refused, RenewRequest};
use rustls::pki_types::CertificateDer;

use super::door;
use super::hall::Hall;
use crate::intake::{Gate, Peer, Reply};

impl Gate for Hall {
    fn peer(&self, chain: &[CertificateDer<'_>]) -> Result<Peer, String> {
        let judged = self.verifier().peer(chain).map_err(|refusal| refusal.to_string())?;
        Ok(Peer {
            kind: judged.kind,
            facility: judged.name.facility.clone(),
            agent: judged.name.agent,
            serial: judged.serial.as_bytes().to_vec(),
            not_after: Timestamp::from_micros(judged.not_after.saturating_mul(1_000_000)),
            only_renews: !judged.may_open_session(),
            trust: judged.trust,
            chain: chain.iter().map(|one| one.clone().into_owned()).collect(),
        })
    }

    fn is_revoked(&self, peer: &Peer) -> bool {
        let verifier = self.verifier();
        verifier.is_revoked(&Serial::new(&peer.serial)) || verifier.is_agent_revoked(peer.agent)
    }

    fn trusted(&self) -> u64 {
        self.verifier().trusted()
    }

    fn enroll(&self, request: EnrollRequest, from: IpAddr) -> Reply<'_> {
        Box::pin(async move { door::enroll(self, from, &request).await })
    }

    fn renew(&self, request: RenewRequest, peer: Peer) -> Reply<'_> {
        Box::pin(async move {
            // It may have been revoked while it stood at the door.
            match self.verifier().peer(&peer.chain) {
                Ok(judged) => door::renew(self, &judged, &request).await,
                Err(refusal) => {
                    Message::Refused(Refused { code: "certificate".into(), message: refusal.to_string() })
                }
            }
        })
    }

    fn announcements(&self) -> Vec<Vec<u8>> {
        Hall::announcements(self)
    }
}
