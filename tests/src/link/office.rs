//! An aggregator with an authority of its own, as it runs in production, and agents that are enrolled with it
//! and keep their identity in a folder.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use fieldward_agent::identity::{self, Folder};
use fieldward_agent::uplink::{Credentials, Pace, Trust};
use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::ca::hall::{Hall, Settings};
use fieldward_aggregator::ca::request::Request;
use fieldward_aggregator::ca::{door, state, token};
use fieldward_aggregator::intake::{Gate, Limits};
use fieldward_aggregator::store::{Store, certificates};
use fieldward_shared::clock::Clock;
use fieldward_shared::identity::{AGGREGATOR, AgentName, Pin, sha256};
use fieldward_shared::time::Timestamp;
use fieldward_shared::transport::{ClientIdentity, server_showing};
use fieldward_shared::wire::{Certificate, EnrollRequest, Message, RenewRequest};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::works::Works;
use super::{Agent, Aggregator, url};

/// The aggregator, and whoever decides there over certificates.
pub struct Office {
    /// The authority.
    pub hall: Arc<Hall>,
    /// Where agents arrive.
    pub aggregator: Aggregator,
    ticking: JoinHandle<()>,
}

/// An agent that was enrolled.
#[derive(Clone)]
pub struct Enrolled {
    /// Its plant.
    pub facility: String,
    /// Its name.
    pub id: Uuid,
    /// Its identity.
    pub folder: Folder,
    /// What it came with.
    pub token: String,
}

impl Office {
    /// Opens with what is in a folder; what is missing there is made.
    pub async fn open(folder: &Path, at: SocketAddr, limits: Limits) -> Result<Self> {
        Self::beside(None, folder, at, limits).await
    }

    /// The same beside an operator's PKI, whose certificates it takes and shows as well.
    pub async fn beside(
        works: Option<&Works>,
        folder: &Path,
        at: SocketAddr,
        limits: Limits,
    ) -> Result<Self> {
        let (ca, clock) = (ca(folder), Arc::new(Clock::default()));
        if !ca.exists() {
            Authority::init(&ca, clock.now())?;
        }
        let store = Store::open(&url(folder)).await?;
        let operator = works.map(Works::source).transpose()?;
        let certificate = works.map(|works| works.files("aggregator"));
        let settings = Settings { folder: &ca, key: None, names: &[], operator, certificate };
        let hall = Arc::new(Hall::open(settings, store.clone(), clock.clone()).await?);
        let tls = server_showing(hall.server(), hall.verifier(), clock)?;
        let aggregator = Aggregator::with(store, at, (tls, hall.clone()), limits).await?;
        let looking = hall.clone();
        // As the service does, but more often.
        let ticking = tokio::spawn(async move {
            loop {
                looking.tick().await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Ok(Self { hall, aggregator, ticking })
    }

    /// Where it is reached.
    pub const fn address(&self) -> SocketAddr {
        self.aggregator.intake.address()
    }

    /// Ends in order.
    pub async fn close(self) {
        self.ticking.abort();
        self.aggregator.stop().await;
    }

    /// Enrols a new agent, which keeps its identity in a state directory of its own.
    pub async fn enrol(&self, state: &Path, facility: &str) -> Result<Enrolled> {
        let token = self.token(facility).await?;
        self.enrol_with(token, state, facility).await
    }

    /// A token for one agent.
    pub async fn token(&self, facility: &str) -> Result<String> {
        let (text, token) = token::draw(facility, 3600, true, "op", self.hall.clock().now())?;
        self.hall.store().add_token(&token).await?;
        Ok(text)
    }

    /// Enrols a new agent that brings this token.
    pub async fn enrol_with(&self, token: String, state: &Path, facility: &str) -> Result<Enrolled> {
        let folder = Folder::in_state(state);
        let clock = folder.clock();
        let asked = identity::enroll(&folder, false)?;
        let answer = self.knock(&token, facility, asked.csr.clone()).await;
        let Message::Certificate(answer) = answer else { bail!("not enrolled: {answer:?}") };
        let pin = self.hall.authority().pin()?;
        let own = identity::take_enrolled(&folder, asked, &answer, Some(pin), &clock)?;
        Ok(Enrolled { facility: facility.to_owned(), id: own.name.agent, folder, token })
    }

    /// What is answered to one who brings a token.
    pub async fn knock(&self, token: &str, facility: &str, csr: Vec<u8>) -> Message {
        let request = EnrollRequest { token: token.to_owned(), csr, facility: facility.to_owned() };
        door::enroll(&self.hall, IpAddr::V4(Ipv4Addr::LOCALHOST), &request).await
    }

    /// What is answered to an agent that asks for its next certificate; it keeps nothing of it.
    pub async fn renew(&self, agent: &Enrolled) -> Result<Message> {
        let peer = self.hall.verifier().peer(&agent.folder.trust()?.identity.shown().chain)?;
        Ok(door::renew(&self.hall, &peer, &RenewRequest { csr: identity::renew()?.csr }).await)
    }

    /// Puts a certificate for so many seconds beside the one that an agent has.
    pub async fn issue_next(&self, agent: &Enrolled, seconds: u64) -> Result<()> {
        let asked = identity::renew()?;
        let (authority, clock) = (self.hall.authority(), agent.folder.clock());
        let name = agent.folder.trust()?.identity.name;
        let now = clock.now();
        let issued = authority.issue(&Request::read(&asked.csr)?, &name, seconds, now)?;
        let digest = issued.chain.first().map(|leaf| sha256(leaf)).unwrap_or_default();
        let mut tx = self.hall.store().at_door().await?;
        let at = Timestamp::from_micros(now * 1_000_000);
        certificates::record(&mut tx, &name, &issued.leaf, digest, at).await?;
        tx.commit("serve at the door").await?;
        let chain = issued.chain.iter().map(|der| der.to_vec()).collect();
        let answer = Certificate { chain, time: at.as_micros(), ..Certificate::default() };
        identity::take_renewed(&agent.folder, asked, &answer, &clock)?;
        ensure!(agent.folder.trust()?.is_next, "the next certificate was not kept");
        Ok(())
    }

    /// Rotates the root as far as both are trusted and the new one issues; gives back the new one.
    pub async fn rotate(&self, folder: &Path) -> Result<Pin> {
        let (ca, old, now) = (ca(folder), self.hall.authority().pin()?, self.hall.clock().now());
        let next = Authority::prepare(&ca, &state::key_file(&ca, "root", old), now)?;
        Authority::activate(&ca, &state::key_file(&ca, "root", next), now)?;
        self.hall.tick().await;
        ensure!(!self.hall.announcements().is_empty() && Gate::announcements(&*self.hall).len() > 1);
        Ok(next)
    }
}

impl Enrolled {
    /// Starts it; it keeps its spool in a folder.
    pub fn start(&self, folder: &Path, to: SocketAddr, pace: Pace) -> Result<Agent> {
        let credentials = Credentials::Kept(self.folder.clone(), Arc::new(self.folder.clock()));
        Agent::showing(folder, &self.facility, (self.id, credentials), (to, AGGREGATOR), pace)
    }
}

/// A certificate of the authority in a folder, as an agent has it after enrolment.
pub fn issued(ca: &Path, facility: &str) -> Result<(Uuid, Trust)> {
    let authority = Authority::open(ca, None)?;
    let key = rcgen::KeyPair::generate()?;
    let csr = rcgen::CertificateParams::default().serialize_request(&key)?;
    let name = AgentName::new(facility, Uuid::new_v4())?;
    let issued = authority.issue(&Request::read(csr.der())?, &name, 86_400, Clock::default().now())?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let identity = ClientIdentity { chain: issued.chain, key };
    let roots = authority.roots()?.roots.into_iter().map(CertificateDer::from).collect();
    Ok((name.agent, Trust { identity, roots, clock: Arc::default() }))
}

/// Where the authority of a folder lies.
pub fn ca(folder: &Path) -> PathBuf {
    folder.join("ca")
}
