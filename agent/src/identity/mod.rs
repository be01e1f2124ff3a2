//! Who this agent is: its key with its certificate, the roots it trusts, and the time that was verified, in
//! a folder that none but the agent may enter. It is replaced file by file, whole or not at all, and never
//! removed by the agent, whatever the aggregator says.

pub mod door;
mod enrolment;
mod files;
pub mod keeper;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use fieldward_shared::clock::Clock;
use fieldward_shared::identity::{AgentName, IdentityError, Leaf, Pin, sha256};
use fieldward_shared::keyfile::{self, KeyFileError};
use fieldward_shared::roots::{Roots, RootsError};
use fieldward_shared::transport::ClientIdentity;
use rcgen::{KeyPair, PublicKeyData as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

pub use enrolment::{Asked, enroll, renew, take_enrolled, take_renewed};

/// What is wrong with the identity, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// There is none.
    #[error("{}: this agent has no identity yet; `fieldward-agent enroll` asks for one", .0.display())]
    Missing(PathBuf),
    /// There is one already.
    #[error("{}: this agent is {} already; --again enrols it as another agent", .0.display(), .1)]
    Exists(PathBuf, AgentName),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// A file is damaged.
    #[error("{}: {what}; put it back from a backup, or enrol the agent again", place.display())]
    Damaged {
        /// Which file.
        place: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The answer does not fit what was asked.
    #[error("the aggregator's answer is not used: {0}")]
    Answer(String),
    /// A certificate or a name.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Roots that do not follow ours.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// A key could not be made.
    #[error("a key or a request could not be made: {0}")]
    Making(#[from] rcgen::Error),
}

/// Key and certificate.
pub struct Identity {
    key: KeyPair,
    chain: Vec<CertificateDer<'static>>,
    /// What the certificate says.
    pub leaf: Leaf,
    /// Who it is, when the aggregator's own authority issued it.
    pub name: AgentName,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.leaf.serial)
    }
}

impl Identity {
    /// Key and chain, which must belong together.
    fn new(key: KeyPair, chain: Vec<CertificateDer<'static>>) -> Result<Self, IdentityError> {
        let leaf = Leaf::read(chain.first().ok_or(IdentityError::Certificate("there is none"))?)?;
        if leaf.key != Pin::of_key(&key.subject_public_key_info()) {
            return Err(IdentityError::Certificate("it is for another key"));
        }
        let name = leaf.agent()?;
        Ok(Self { key, chain, leaf, name })
    }

    /// What TLS shows.
    pub fn shown(&self) -> ClientIdentity {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        ClientIdentity { chain: self.chain.clone(), key: PrivateKeyDer::Pkcs8(key) }
    }

    /// When it is to be renewed: at half of its life, give or take a tenth, so that agents that were
    /// enrolled together do not come together. The same for the same certificate.
    pub fn renew_at(&self) -> u64 {
        let [a, b, ..] = sha256(self.leaf.serial.to_string().as_bytes());
        let life = self.leaf.not_after.saturating_sub(self.leaf.not_before);
        let share = 40 + 20 * u64::from(u16::from_be_bytes([a, b])) / u64::from(u16::MAX);
        self.leaf.not_before.saturating_add(life.saturating_mul(share) / 100)
    }
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// What a dial shows and trusts.
pub struct Trust {
    /// Key and certificate.
    pub identity: Identity,
    /// It is the next one, which has not been shown to work: see [`Folder::settle`].
    pub is_next: bool,
    /// The roots.
    pub roots: Roots,
}

impl Folder {
    /// The identity's folder below the state directory.
    pub fn in_state(state: &Path) -> Self {
        Self { path: state.join("identity") }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What to show and whom to trust now: the newest certificate that can be read. A damaged next one is
    /// passed over, the present one serves.
    pub fn trust(&self) -> Result<Trust, Trouble> {
        let roots = self.roots()?;
        if let Ok(Some(identity)) = self.read(files::NEXT) {
            return Ok(Trust { identity, is_next: true, roots });
        }
        let identity = self.read(files::PRESENT)?.ok_or_else(|| Trouble::Missing(self.path.clone()))?;
        Ok(Trust { identity, is_next: false, roots })
    }

    /// The present identity, which stays until the next one has worked.
    pub fn present(&self) -> Result<Option<Identity>, Trouble> {
        self.read(files::PRESENT)
    }

    /// The next one has worked: it takes the place of the present one.
    pub fn settle(&self) -> Result<(), Trouble> {
        let next = self.path.join(files::NEXT);
        if next.exists() {
            keyfile::rename(&next, &self.path.join(files::PRESENT))?;
        }
        Ok(())
    }

    /// The next one was refused: the present one goes on, and another is asked for.
    pub fn give_up_next(&self) -> Result<(), Trouble> {
        Ok(keyfile::remove(&self.path.join(files::NEXT))?)
    }

    /// Takes over newer lists of roots that a session announces; gives back whether there were any.
    pub fn follow(&self, announcements: &[Vec<u8>]) -> Result<bool, Trouble> {
        let mut roots = self.roots()?;
        let followed = roots.follow(announcements);
        // What was good before one that is not stays.
        let generation = self.roots()?.generation;
        if roots.generation > generation {
            self.put_roots(&roots)?;
        }
        followed.map_err(Trouble::from)
    }

    /// A clock that never reads less than what was verified before.
    pub fn clock(&self) -> Clock {
        Clock::new(self.verified())
    }

    /// Keeps what the clock has verified; cheap when it is little news.
    pub fn keep_time(&self, clock: &Clock) -> Result<(), Trouble> {
        let floor = clock.floor();
        if floor >= self.verified().saturating_add(HOUR) {
            keyfile::write(&self.path.join(files::TIME), floor.to_string().as_bytes())?;
        }
        Ok(())
    }
}

/// How far the time on disk may be behind.
const HOUR: u64 = 3600;
