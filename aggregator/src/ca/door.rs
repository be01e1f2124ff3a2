//! The two doors: for those who have a token, and for those whose certificate ends or has ended. They know
//! nothing of how a request came; each is one message in and one message out.

use std::net::IpAddr;

use fieldward_shared::identity::{AgentName, Kind, sha256, to_hex};
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{Certificate, EnrollRequest, Message, Pending, Refused, RenewRequest};
use uuid::Uuid;

use super::authority::{AGENT_LIFETIME, Issued};
use super::book::{self, Entry};
use super::hall::Hall;
use super::limit::{Limit, Rate};
use super::request::Request;
use super::verifier::Peer;
use super::{CaError, token};
use crate::store::StoreError;
use crate::store::certificates::{self, Known};
use crate::store::db::Tx;
use crate::store::tokens::{self, Caller};

/// How long an agent that waits for approval should wait before it asks again.
const RETRY_SECONDS: u32 = 10;
/// Bytes of signed lists that go with a certificate: the newest ones.
const MOST_ANNOUNCED: usize = 40 << 10;

/// How often one may come.
#[derive(Debug)]
pub struct Doors {
    enroll: Limit<IpAddr>,
    everyone: Limit<()>,
    renew: Limit<Uuid>,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            // An agent that waits asks every ten seconds; a plant may have several behind one address.
            enroll: Limit::new(Rate { burst: 20, every: 2 }),
            everyone: Limit::new(Rate { burst: 200, every: 1 }),
            renew: Limit::new(Rate { burst: 6, every: 600 }),
        }
    }
}

/// Why one is sent away.
#[derive(Debug, thiserror::Error)]
enum Away {
    #[error("{1}")]
    Said(&'static str, String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ca(#[from] CaError),
}

fn away(code: &'static str, words: impl Into<String>) -> Away {
    Away::Said(code, words.into())
}

/// Lets in whoever brings a token: a certificate, or word to wait, or why not.
pub async fn enroll(hall: &Hall, source: IpAddr, request: &EnrollRequest) -> Message {
    let reply = try_enroll(hall, source, request).await;
    if let Ok(Message::Pending(_)) = &reply {
        Hall::count(&hall.counts.pending);
    }
    answer(hall, reply, "enrol", &source.to_string())
}

/// Gives an agent its next certificate. `peer` is whom TLS and [`super::verifier::Verifier::peer`] have
/// judged; expired or tainted is no hindrance here, revoked is.
pub async fn renew(hall: &Hall, peer: &Peer, request: &RenewRequest) -> Message {
    let reply = try_renew(hall, peer, request).await;
    answer(hall, reply, "renew", &peer.name.to_string())
}

async fn try_enroll(hall: &Hall, source: IpAddr, request: &EnrollRequest) -> Result<Message, Away> {
    let now = hall.clock().now();
    let knocked = hall.doors.enroll.take(source, now).and_then(|()| hall.doors.everyone.take((), now));
    knocked.map_err(|seconds| away("later", format!("too many requests; ask again in {seconds} s")))?;
    let asked = Request::read(&request.csr).map_err(|error| away("request", error.to_string()))?;
    let hash = token::hash(&request.token).ok_or_else(|| away("token", UNKNOWN))?;
    let source = source.to_string();
    let now_at = at(now);
    let caller = Caller { hash, key: asked.key, facility: &request.facility, source: &source, now: now_at };
    let mut tx = hall.store().at_door().await?;
    let (kind, name) = match tokens::enter(&mut tx, &caller).await? {
        tokens::Entry::Welcome(kind, name) => (kind, name),
        tokens::Entry::Pending { name, is_new } => {
            let fingerprint = asked.key.to_string();
            if is_new {
                let who = name.to_string();
                certificates::audit(&mut tx, now_at, &source, "enrolment.requested", &who, &fingerprint)
                    .await?;
                tx.commit("serve at the door").await?;
                tracing::warn!(agent = %who, %source, "an agent waits for approval by `ca approve`");
            }
            return Ok(Pending { fingerprint, retry_seconds: RETRY_SECONDS }.into());
        }
        tokens::Entry::Unknown => return Err(away("token", UNKNOWN)),
        tokens::Entry::Used => return Err(away("used", USED)),
        tokens::Entry::Expired => return Err(away("expired", EXPIRED)),
        tokens::Entry::Refused => return Err(away("refused", "an operator refused this agent")),
        tokens::Entry::Elsewhere(facility) => {
            let words = format!("the token is for facility {facility}; look at facility_id in agent.toml");
            return Err(away("facility", words));
        }
    };
    let issued = issue(hall, &mut tx, (kind, &name), &asked, now).await?;
    tokens::issued(&mut tx, name.agent, now_at).await?;
    let detail = format!("serial {}, key {}", issued.leaf.serial, issued.leaf.key);
    let (who, action) = (kind.uri(&name), format!("{}.enrolled", kind.name()));
    certificates::audit(&mut tx, now_at, &source, &action, &who, &detail).await?;
    tx.commit("serve at the door").await?;
    hall.keep(hall.book.note(&[entry((kind, &name), &issued, Some(&hash), now)]));
    Hall::count(&hall.counts.enrolled);
    tracing::info!(%who, %source, serial = %issued.leaf.serial, "enrolled");
    certificate(hall, &name, &issued, now)
}

async fn try_renew(hall: &Hall, peer: &Peer, request: &RenewRequest) -> Result<Message, Away> {
    let now = hall.clock().now();
    if peer.is_foreign {
        return Err(away("foreign", "this certificate is of the operator's own authority; renew it there"));
    }
    let knocked = hall.doors.renew.take(peer.name.agent, now);
    knocked.map_err(|seconds| away("later", format!("renewed too often; ask again in {seconds} s")))?;
    let asked = Request::read(&request.csr).map_err(|error| away("request", error.to_string()))?;
    if asked.key == peer.key {
        return Err(away("key", "the next certificate needs a new key"));
    }
    let mut tx = hall.store().at_door().await?;
    let name = match certificates::known(&mut tx, &peer.serial, peer.digest).await? {
        Known::Good(name) if name == peer.name => name,
        Known::Revoked => {
            return Err(away("revoked", "this agent was revoked; an operator has to enrol it anew"));
        }
        Known::Good(_) | Known::Unknown => {
            return Err(away(
                "unknown",
                "this certificate was never issued here; an operator has to enrol the agent anew",
            ));
        }
    };
    let issued = issue(hall, &mut tx, (peer.kind, &name), &asked, now).await?;
    let how = match peer {
        Peer { is_expired: true, .. } => "expired",
        Peer { is_tainted: true, .. } => "root rotated out",
        _ => "in time",
    };
    let detail = format!("{how}, serial {} follows {}", issued.leaf.serial, peer.serial);
    let actor = peer.kind.uri(&name);
    certificates::audit(&mut tx, at(now), &actor, "certificate.renewed", &actor, &detail).await?;
    tx.commit("serve at the door").await?;
    hall.keep(hall.book.note(&[entry((peer.kind, &name), &issued, None, now)]));
    Hall::count(&hall.counts.renewed);
    if peer.may_open_session() {
        tracing::info!(agent = %name, serial = %issued.leaf.serial, "a certificate was renewed");
    } else {
        Hall::count(&hall.counts.renewed_late);
        tracing::warn!(agent = %name, serial = %issued.leaf.serial, how, "a certificate was renewed late");
    }
    certificate(hall, &name, &issued, now)
}

async fn issue(
    hall: &Hall,
    tx: &mut Tx,
    (kind, name): (Kind, &AgentName),
    asked: &Request,
    now: u64,
) -> Result<Issued, Away> {
    let issued = hall.authority().issue_as(kind, asked, name, AGENT_LIFETIME, now)?;
    certificates::record(tx, name, &issued.leaf, digest(&issued), at(now)).await?;
    Ok(issued)
}

/// The line of a certificate in the book.
fn entry((kind, name): (Kind, &AgentName), issued: &Issued, token: Option<&[u8]>, now: u64) -> Entry {
    let leaf = &issued.leaf;
    Entry::Issued(book::Issued {
        serial: leaf.serial.to_string(),
        facility: name.facility.clone(),
        agent: name.agent,
        key: to_hex(&leaf.key.0),
        digest: to_hex(&digest(issued)),
        at: now,
        not_before: leaf.not_before,
        not_after: leaf.not_after,
        token: token.map(to_hex),
        is_simulator: kind == Kind::Simulator,
    })
}

fn digest(issued: &Issued) -> [u8; 32] {
    issued.chain.first().map(|leaf| sha256(leaf)).unwrap_or_default()
}

fn certificate(hall: &Hall, name: &AgentName, issued: &Issued, now: u64) -> Result<Message, Away> {
    let authority = hall.authority();
    let roots = authority.roots()?;
    let mut announcements = authority.state().announced();
    let mut length: usize = announcements.iter().map(Vec::len).sum();
    while length > MOST_ANNOUNCED && !announcements.is_empty() {
        length = length.saturating_sub(announcements.remove(0).len());
    }
    Ok(Certificate {
        chain: issued.chain.iter().map(|der| der.to_vec()).collect(),
        roots: roots.roots,
        facility: name.facility.clone(),
        agent: name.agent.to_string(),
        not_after: issued.leaf.not_after.saturating_mul(1_000_000),
        generation: roots.generation,
        announcements,
        time: at(now).as_micros(),
    }
    .into())
}

/// What is answered. What went wrong here is not the caller's business, and may pass.
fn answer(hall: &Hall, reply: Result<Message, Away>, door: &str, who: &str) -> Message {
    let error = match reply {
        Ok(message) => return message,
        Err(error) => error,
    };
    Hall::count(&hall.counts.refused);
    tracing::warn!(door, who, %error, "refused at the door");
    let (code, message) = match error {
        Away::Said(code, words) => (code, words),
        Away::Store(_) | Away::Ca(_) => {
            ("later", "the aggregator cannot do it now; its log says why. Ask again in a minute".to_owned())
        }
    };
    Refused { code: code.to_owned(), message }.into()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}

const UNKNOWN: &str = "no such token here; make one with `fieldward-aggregator ca token --facility ID`";
const USED: &str = "the token was used before, with another key; make a new one, and find out who used it";
const EXPIRED: &str = "the token has expired; make a new one with `fieldward-aggregator ca token`";
