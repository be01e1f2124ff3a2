//! The files of the folder. Key and chain are one file, so that they cannot fall apart.

use std::path::PathBuf;

use fieldward_shared::identity::Leaf;
use fieldward_shared::keyfile::{self, KeyFileError};
use fieldward_shared::roots::Roots;
use fieldward_shared::vouch::{MOST_STEPS, Signer};
use pem::Pem;
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;

use super::{Folder, Identity, Trouble};

/// Key and chain.
pub(super) const PRESENT: &str = "agent.pem";
/// Those that follow, until they have worked.
pub(super) const NEXT: &str = "next.pem";
/// The roots.
pub(super) const ROOTS: &str = "roots.pem";
/// The key for which a certificate was asked at enrolment.
pub(super) const REQUEST: &str = "request.key";
/// Seconds since the epoch that were verified.
pub(super) const TIME: &str = "time";

/// How each key has named the next.
const STEPS: &str = "succession.pem";
const STEP: &str = "FIELDWARD SUCCESSION";

/// The block of the roots' file that holds their generation.
const GENERATION: &str = "FIELDWARD GENERATION";
const CERTIFICATE: &str = "CERTIFICATE";

impl Folder {
    pub(super) fn read(&self, name: &str) -> Result<Option<Identity>, Trouble> {
        let place = self.path.join(name);
        let Some(blocks) = self.blocks(name)? else { return Ok(None) };
        let damaged = |what: &str| Trouble::Damaged { place: place.clone(), what: what.to_owned() };
        let key = blocks.iter().find(|block| block.tag().ends_with("PRIVATE KEY"));
        let key = key.ok_or_else(|| damaged("there is no key in it"))?;
        let key = KeyPair::from_pem(&pem::encode(key)).map_err(|_| damaged("the key in it is none"))?;
        let chain = blocks.iter().filter(|block| block.tag() == CERTIFICATE);
        let chain = chain.map(|block| CertificateDer::from(block.contents().to_vec())).collect();
        Identity::new(key, chain).map(Some).map_err(|error| damaged(&error.to_string()))
    }

    pub(super) fn put(&self, name: &str, identity: &Identity) -> Result<(), Trouble> {
        let mut text = identity.key.serialize_pem();
        for certificate in &identity.chain {
            text.push_str(&pem::encode(&Pem::new(CERTIFICATE, certificate.to_vec())));
        }
        Ok(keyfile::write(&self.path.join(name), text.as_bytes())?)
    }

    /// The roots that are trusted; none when there is no file.
    pub fn roots(&self) -> Result<Roots, Trouble> {
        let Some(blocks) = self.blocks(ROOTS)? else { return Ok(Roots::default()) };
        let mut roots = Roots::default();
        for block in blocks {
            match block.tag() {
                GENERATION => {
                    let bytes = block.contents().try_into();
                    let bytes = bytes.map_err(|_| self.damaged(ROOTS, "its generation is no number"))?;
                    roots.generation = u64::from_be_bytes(bytes);
                }
                _ if Leaf::read(block.contents()).is_ok_and(|root| root.is_ca) => {
                    roots.roots.push(block.into_contents());
                }
                _ => return Err(self.damaged(ROOTS, "a root in it is none")),
            }
        }
        Ok(roots)
    }

    pub(super) fn put_roots(&self, roots: &Roots) -> Result<(), Trouble> {
        let mut text = pem::encode(&Pem::new(GENERATION, roots.generation.to_be_bytes()));
        for root in &roots.roots {
            text.push_str(&pem::encode(&Pem::new(CERTIFICATE, root.clone())));
        }
        Ok(keyfile::write(&self.path.join(ROOTS), text.as_bytes())?)
    }

    /// The key of a request that was not answered yet, or a new one, kept before it is used: whoever waits
    /// for approval must come again with the same.
    pub(super) fn request_key(&self) -> Result<KeyPair, Trouble> {
        keyfile::folder(&self.path)?;
        let place = self.path.join(REQUEST);
        match keyfile::read(&place) {
            Ok(bytes) => KeyPair::from_pem(&String::from_utf8_lossy(&bytes))
                .map_err(|_| self.damaged(REQUEST, "the key in it is none")),
            Err(KeyFileError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                let key = KeyPair::generate()?;
                keyfile::write(&place, key.serialize_pem().as_bytes())?;
                Ok(key)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// How the present key followed from earlier ones, the oldest first; nothing when that is not known.
    pub fn succession(&self) -> Vec<Vec<u8>> {
        let blocks = self.blocks(STEPS).ok().flatten().unwrap_or_default();
        blocks.into_iter().filter(|block| block.tag() == STEP).map(Pem::into_contents).collect()
    }

    /// The present key names the next.
    pub(super) fn keep_step(&self, present: &Identity, next: &Identity) -> Result<(), Trouble> {
        let shown = present.shown();
        let own = shown.chain.first().map(|der| der.to_vec()).unwrap_or_default();
        let signer = Signer::of(&shown.key).ok();
        let step = signer.and_then(|signer| signer.succeed(present.name.agent, &own, next.leaf.key));
        let Some(step) = step else { return Ok(()) };
        let mut steps = self.succession();
        steps.push(step);
        let text: String = steps[steps.len().saturating_sub(MOST_STEPS)..]
            .iter()
            .map(|step| pem::encode(&Pem::new(STEP, step.clone())))
            .collect();
        Ok(keyfile::write(&self.path.join(STEPS), text.as_bytes())?)
    }

    /// What the clock had verified; 0 when that cannot be read.
    pub(super) fn verified(&self) -> u64 {
        let bytes = keyfile::read(&self.path.join(TIME)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().parse().unwrap_or(0)
    }

    fn blocks(&self, name: &str) -> Result<Option<Vec<Pem>>, Trouble> {
        let bytes = match keyfile::read(&self.path.join(name)) {
            Ok(bytes) => bytes,
            Err(KeyFileError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let blocks = pem::parse_many(&bytes).map_err(|error| self.damaged(name, &error.to_string()))?;
        if blocks.is_empty() { Err(self.damaged(name, "it is empty")) } else { Ok(Some(blocks)) }
    }

    fn damaged(&self, name: &str, what: &str) -> Trouble {
        let place: PathBuf = self.path.join(name);
        Trouble::Damaged { place, what: what.to_owned() }
    }
}
