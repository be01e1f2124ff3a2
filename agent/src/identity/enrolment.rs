//! Asking for the first certificate and for the next, and taking the answer: nothing is believed that was
//! not asked for, and nothing is replaced before its successor is on disk.

use fieldward_shared::clock::Clock;
use fieldward_shared::identity::Pin;
use fieldward_shared::keyfile;
use fieldward_shared::roots::Roots;
use fieldward_shared::wire::Certificate;
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use rustls::pki_types::CertificateDer;

use super::{Folder, Identity, Trouble, files};

/// What was asked for.
pub struct Asked {
    key: KeyPair,
    /// The request, DER.
    pub csr: Vec<u8>,
    /// Fingerprint of the key: what a person compares.
    pub fingerprint: Pin,
}

impl Asked {
    fn with(key: KeyPair) -> Result<Self, Trouble> {
        let mut params = CertificateParams::default();
        // Names come from the aggregator; what stands here nobody reads.
        params.distinguished_name = rcgen::DistinguishedName::new();
        let csr = params.serialize_request(&key)?.der().to_vec();
        let fingerprint = Pin::of_key(&key.subject_public_key_info());
        Ok(Self { key, csr, fingerprint })
    }

    /// Key and answer together.
    fn answered(self, answer: &Certificate) -> Result<Identity, Trouble> {
        let chain = answer.chain.iter().cloned().map(CertificateDer::from).collect();
        let identity = Identity::new(self.key, chain).map_err(|error| Trouble::Answer(error.to_string()))?;
        if !identity.leaf.is_client || identity.leaf.is_ca {
            return Err(Trouble::Answer("the certificate is not for an agent".into()));
        }
        Ok(identity)
    }
}

/// Asks for the first certificate. An agent that waits for approval asks again with the same key.
pub fn enroll(folder: &Folder, again: bool) -> Result<Asked, Trouble> {
    match folder.present() {
        Ok(Some(identity)) if !again => return Err(Trouble::Exists(folder.path().to_owned(), identity.name)),
        Err(error) if !again => return Err(error),
        _ => {}
    }
    Asked::with(folder.request_key()?)
}

/// Takes the first certificate, with the roots that came from whom the pin has proven.
pub fn take_enrolled(
    folder: &Folder,
    asked: Asked,
    answer: &Certificate,
    pin: Option<Pin>,
    clock: &Clock,
) -> Result<Identity, Trouble> {
    let identity = asked.answered(answer)?;
    let roots = Roots { generation: answer.generation, roots: answer.roots.clone() };
    if pin.is_some_and(|pin| !roots.holds(pin)) || roots.roots.is_empty() {
        return Err(Trouble::Answer("the root of the pin is not among the roots".into()));
    }
    if roots.roots.len() > fieldward_shared::roots::MOST_ROOTS {
        return Err(Trouble::Answer("it names too many roots".into()));
    }
    clock.raise(answer.time / 1_000_000, &identity.leaf);
    // The roots first: an identity without roots trusts nobody, which an agent cannot mend.
    folder.put_roots(&roots)?;
    folder.put(files::PRESENT, &identity)?;
    folder.give_up_next()?;
    keyfile::remove(&folder.path().join(files::REQUEST))?;
    folder.keep_time(clock)?;
    Ok(identity)
}

/// Asks for the next certificate, with a new key.
pub fn renew() -> Result<Asked, Trouble> {
    Asked::with(KeyPair::generate()?)
}

/// Takes the next certificate: it stands beside the present one until it has worked.
pub fn take_renewed(
    folder: &Folder,
    asked: Asked,
    answer: &Certificate,
    clock: &Clock,
) -> Result<Identity, Trouble> {
    let identity = asked.answered(answer)?;
    let present = folder.present()?.ok_or_else(|| Trouble::Missing(folder.path().to_owned()))?;
    if identity.name != present.name {
        return Err(Trouble::Answer(format!("the certificate is for {}", identity.name)));
    }
    // Only lists that a root of ours has signed; those in the answer itself are not proven.
    folder.follow(&answer.announcements)?;
    clock.raise(answer.time / 1_000_000, &identity.leaf);
    // First: without it others would take the next key for somebody else's.
    folder.keep_step(&present, &identity)?;
    folder.put(files::NEXT, &identity)?;
    folder.keep_time(clock)?;
    Ok(identity)
}
