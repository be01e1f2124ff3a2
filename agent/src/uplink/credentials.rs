//! What an agent shows and whom it trusts, and what becomes of it: the next certificate takes the place of
//! the present one when it has worked, newer roots are followed, the time that was verified is kept.

use std::path::PathBuf;
use std::sync::Arc;

use fieldward_shared::clock::Clock;
use fieldward_shared::identity::{Leaf, Serial};
use fieldward_shared::pki::{self, Files, PkiError};
use fieldward_shared::transport::{ClientIdentity, Link};
use rustls::pki_types::CertificateDer;
use serde::Deserialize;

use crate::identity::{self, Folder};

/// What is shown in a dial, and whom it trusts.
#[derive(Clone)]
pub struct Trust {
    /// Its certificate and key.
    pub identity: ClientIdentity,
    /// The roots of the aggregator's certificate.
    pub roots: Vec<CertificateDer<'static>>,
    /// The time by which certificates are judged.
    pub clock: Arc<Clock>,
}

/// Where it comes from.
#[derive(Clone)]
pub enum Credentials {
    /// It is what it is.
    Given(Trust),
    /// It is kept in a folder, and looked up for each dial.
    Kept(Folder, Arc<Clock>),
    /// An operator's PKI keeps it in files, which are read for each dial.
    Brought(Brought, Arc<Clock>),
}

/// The files of an operator's PKI.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Brought {
    /// The agent's certificate, and after it those that lead to the root.
    pub certificate: PathBuf,
    /// Its key, which none but its owner may read.
    pub key: PathBuf,
    /// The roots of the aggregator's certificate.
    pub roots: PathBuf,
}

/// The certificate that a dial has shown. Another may have taken its place in the folder meanwhile, or lie
/// there and be unreadable: what becomes of the link says nothing of those.
pub struct Shown(Option<CertificateDer<'static>>);

impl Shown {
    fn is_next(&self, folder: &Folder) -> bool {
        let kept = folder.trust().ok().filter(|kept| kept.is_next);
        kept.is_some_and(|kept| self.0.is_some() && kept.identity.shown().chain.first() == self.0.as_ref())
    }
}

impl Trust {
    /// What a dial with it shows.
    pub fn shown(&self) -> Shown {
        Shown(self.identity.chain.first().cloned())
    }

    /// What the folder holds.
    pub fn of(kept: &identity::Trust, clock: &Arc<Clock>) -> Self {
        Self {
            identity: kept.identity.shown(),
            roots: kept.roots.roots.iter().cloned().map(CertificateDer::from).collect(),
            clock: clock.clone(),
        }
    }
}

impl Brought {
    /// What they hold now.
    pub fn trust(&self, clock: &Arc<Clock>) -> Result<Trust, PkiError> {
        let files = Files { certificate: self.certificate.clone(), key: self.key.clone() };
        let held = files.read(clock.now())?;
        if held.is_late(clock.now()) {
            let file = self.certificate.display();
            tracing::warn!(%file, "less than a quarter of this certificate's life is left: renew it");
        }
        let identity = ClientIdentity { chain: held.chain, key: held.key };
        Ok(Trust { identity, roots: pki::certificates(&self.roots)?, clock: clock.clone() })
    }

    /// Number of the certificate that is there now, whatever it is worth.
    fn serial(&self) -> Option<Serial> {
        let chain = pki::certificates(&self.certificate).ok()?;
        Leaf::read(chain.first()?).ok().map(|leaf| leaf.serial)
    }
}

impl Credentials {
    /// For the next dial.
    pub fn trust(&self) -> Result<Trust, String> {
        match self {
            Self::Given(trust) => Ok(trust.clone()),
            Self::Kept(folder, clock) => {
                let kept = folder.trust().map_err(|trouble| trouble.to_string())?;
                Ok(Trust::of(&kept, clock))
            }
            Self::Brought(files, clock) => files.trust(clock).map_err(|error| error.to_string()),
        }
    }

    /// Number of the certificate that the next dial shows; none when that never changes, or there is none.
    pub fn serial(&self) -> Option<Serial> {
        match self {
            Self::Given(_) => None,
            Self::Kept(folder, _) => folder.trust().ok().map(|kept| kept.identity.leaf.serial),
            Self::Brought(files, _) => files.serial(),
        }
    }

    /// How the agent's key followed from earlier ones, where it keeps that.
    pub fn succession(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Kept(folder, _) => folder.succession(),
            Self::Given(_) | Self::Brought(..) => Vec::new(),
        }
    }

    /// A session was welcomed by a server whose clock says so many seconds: what was shown works.
    pub fn welcomed(&self, shown: &Shown, link: &Link, time: u64) {
        let Self::Kept(folder, clock) = self else { return };
        if let Some(leaf) = link.peer().first().and_then(|leaf| Leaf::read(leaf).ok()) {
            clock.raise(time, &leaf);
        }
        let settled = if shown.is_next(folder) { folder.settle() } else { Ok(()) };
        if let Err(trouble) = settled.and_then(|()| folder.keep_time(clock)) {
            tracing::error!("the identity is not kept as it should be: {trouble}");
        }
    }

    /// What was shown is refused: if it was the next certificate, the present one goes on.
    pub fn refused(&self, shown: &Shown) {
        let Self::Kept(folder, _) = self else { return };
        if !shown.is_next(folder) {
            return;
        }
        match folder.give_up_next() {
            Ok(()) => tracing::warn!("the next certificate is refused: the present one goes on"),
            Err(trouble) => tracing::error!("the identity is not kept as it should be: {trouble}"),
        }
    }

    /// The aggregator's roots change.
    pub fn announced(&self, lists: &[Vec<u8>]) {
        let Self::Kept(folder, _) = self else { return };
        match folder.follow(lists) {
            Ok(true) => tracing::info!("newer roots of the aggregator are trusted from now on"),
            Ok(false) => {}
            Err(trouble) => tracing::error!(security = true, "roots that were announced: {trouble}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = Credentials::Kept(Folder::in_state(folder.path()), Arc::default());
        let why = credentials.trust().map(drop).unwrap_err();
        assert!(why.contains("enrol"), "{why}");
        let [certificate, key, roots] = ["a.crt", "a.key", "roots.pem"].map(|name| folder.path().join(name));
        let credentials = Credentials::Brought(Brought { certificate, key, roots }, Arc::default());
        let why = credentials.trust().map(drop).unwrap_err();
        assert!(why.contains("a.crt: No such file"), "{why}");
    }
}
