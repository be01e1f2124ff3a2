//! After the handshake: who has shown which certificate comes to which door.

use std::sync::Arc;

use fieldward_shared::identity::Kind;
use fieldward_shared::transport::{Channel, Code, Link, LinkError, Receiver, Sender};
use fieldward_shared::wire::{DEMO, ENROLL, Message, RENEW, SESSION};
use tokio::time::timeout;

use super::gate::Peer;
use super::{Shared, player, session};

/// Whom a link lets in.
pub enum Visitor {
    /// An agent that wants a session.
    Agent(Peer),
    /// A simulator that plays when it is told.
    Player(Peer),
    /// Somebody who wants his next certificate.
    Renewing(Peer),
    /// Somebody without a certificate who wants one.
    Stranger,
}

/// Looks at what TLS has agreed on and at the certificate.
pub fn look(shared: &Shared, link: &Link) -> Result<Visitor, String> {
    let (alpn, chain) = (link.alpn(), link.peer());
    if alpn == ENROLL {
        return Ok(Visitor::Stranger);
    }
    if chain.is_empty() {
        return Err("no certificate was shown: enrol this agent first".to_owned());
    }
    let peer = shared.gate.peer(&chain)?;
    if shared.gate.is_revoked(&peer) {
        return Err("the certificate was revoked".to_owned());
    }
    match (alpn.as_slice(), peer.kind) {
        (RENEW, _) => Ok(Visitor::Renewing(peer)),
        (SESSION | DEMO, _) if peer.only_renews => Err(RENEWS.to_owned()),
        (SESSION, Kind::Agent) => Ok(Visitor::Agent(peer)),
        (SESSION, Kind::Simulator) => {
            Err("this is the certificate of a simulator, which reports nothing".to_owned())
        }
        (DEMO, Kind::Agent) => Err("this is the certificate of an agent, which plays nothing".to_owned()),
        (DEMO, Kind::Simulator) if shared.limits.simulators == 0 => Err(NO_DEMO.to_owned()),
        (DEMO, Kind::Simulator) => Ok(Visitor::Player(peer)),
        _ => Err("a protocol that is not spoken here".to_owned()),
    }
}

/// Said to an agent whose certificate opens no session any more.
pub const RENEWS: &str = "the certificate has ended, or its root: it only serves to renew it";

/// Said to simulators where nobody wants them.
const NO_DEMO: &str = "demonstrations are off here: start the aggregator with DEMO_MODE=true";

/// Serves whoever was let in.
pub async fn serve(shared: &Arc<Shared>, link: Link, visitor: Visitor) {
    match visitor {
        Visitor::Agent(peer) => session::serve(shared, link, peer).await,
        Visitor::Player(peer) => player::serve(shared, link, peer).await,
        visitor => {
            shared.counters.doors.add();
            match timeout(shared.limits.answer, answer(shared, &link, visitor)).await {
                Ok(Ok(())) => link.close(Code::Done, ""),
                Ok(Err(error)) => {
                    tracing::warn!(security = true, address = %link.remote(), "at the door: {error}");
                    link.close(Code::Protocol, &error.to_string());
                }
                Err(_) => {
                    tracing::warn!(security = true, address = %link.remote(), "at the door: said nothing in time");
                    link.close(Code::Protocol, "nothing was said in time");
                }
            }
        }
    }
}

async fn answer(shared: &Shared, link: &Link, visitor: Visitor) -> Result<(), LinkError> {
    let (channel, sender, mut receiver) = link.accept().await?;
    let Some(sender) = sender.filter(|_| channel == Channel::Control) else { return Err(LinkError::Channel) };
    let reply = match (receiver.next().await?, visitor) {
        (Some(Message::EnrollRequest(request)), Visitor::Stranger) => {
            shared.gate.enroll(request, link.remote().ip()).await
        }
        (Some(Message::RenewRequest(request)), Visitor::Renewing(peer)) => {
            shared.gate.renew(request, peer).await
        }
        _ => return Err(LinkError::Channel),
    };
    tell(link, sender, receiver, reply).await
}

/// Sends the reply and waits until the other end has read it.
async fn tell(
    link: &Link,
    mut sender: Sender,
    mut receiver: Receiver,
    reply: Message,
) -> Result<(), LinkError> {
    sender.send(reply).await?;
    sender.finish().await?;
    // The other end closes when it has what it wanted.
    drop(receiver.next().await);
    let _ = link.closed().await;
    Ok(())
}
