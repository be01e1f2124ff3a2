//! What the plant learns from is sealed on disk (ChaCha20-Poly1305) with a key of its own: the key of the agent's
//! certificate changes twice a week, and with it everything would be lost. The same key hides from others what
//! noise is added in training.

use std::io::ErrorKind;
use std::path::Path;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use fieldward_shared::keyfile::{self, KeyFileError};
use fieldward_shared::privacy::keystream::{Keystream, NoRandomness, Secret, secret};
use zeroize::Zeroizing;

/// Bytes that sealing adds.
pub const ADDED: usize = NONCE_LEN + 16;

/// Why there is no key, or something does not open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file of the key.
    #[error("the key of the learning data: {0}")]
    File(#[from] KeyFileError),
    /// The file holds something else.
    #[error(
        "the key of the learning data has {0} bytes and not 32; move it away, and learning data begin anew"
    )]
    Length(usize),
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// It was changed, belongs elsewhere, or is of another key.
    #[error("what is sealed was changed, or belongs elsewhere")]
    Sealed,
}

/// The key, by what it is used for.
pub struct Seal {
    box_key: LessSafeKey,
    chance: Secret,
}

impl Seal {
    /// The key in this file; a new one when there is none.
    pub fn open(path: &Path) -> Result<Self, SealError> {
        match keyfile::read(path) {
            Ok(bytes) => {
                let bytes = Zeroizing::new(bytes);
                let key = <[u8; 32]>::try_from(bytes.as_slice());
                Self::of(&Zeroizing::new(key.map_err(|_| SealError::Length(bytes.len()))?))
            }
            Err(KeyFileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                let key = secret()?;
                keyfile::write(path, &*key)?;
                Self::of(&key)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What follows from this key.
    pub fn of(key: &Secret) -> Result<Self, SealError> {
        let box_key = UnboundKey::new(&CHACHA20_POLY1305, &*derive(key, &[b"box"])?);
        let box_key = LessSafeKey::new(box_key.map_err(|_| SealError::Sealed)?);
        Ok(Self { box_key, chance: derive(key, &[b"chance"])? })
    }

    /// Seals bytes that belong to `place`.
    pub fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        // Drawn by chance: 2^32 of them are safe, a minute each are eight thousand years.
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&secret()?[..NONCE_LEN]);
        let mut sealed = Vec::with_capacity(plain.len() + ADDED);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.box_key.seal_in_place_separate_tag(nonce, Aad::from(place), &mut sealed[NONCE_LEN..]);
        sealed.extend_from_slice(tag.map_err(|_| SealError::Sealed)?.as_ref());
        Ok(sealed)
    }

    /// Opens them.
    pub fn unseal(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Sealed)?;
        let mut body = body.to_vec();
        let opened = self.box_key.open_in_place(nonce, Aad::from(place), &mut body);
        let length = opened.map_err(|_| SealError::Sealed)?.len();
        body.truncate(length);
        Ok(body)
    }

    /// Chance for what `about` says: the same for the same, and nobody without the key can foretell it.
    pub fn chance(&self, about: &[&[u8]]) -> Result<Keystream, SealError> {
        Ok(Keystream::new(&*derive(&self.chance, about)?))
    }
}

fn derive(key: &Secret, about: &[&[u8]]) -> Result<Secret, SealError> {
    let mut derived = Zeroizing::new([0; 32]);
    let key = Salt::none(HKDF_SHA256).extract(&**key);
    let lengths: Vec<[u8; 8]> = about.iter().map(|part| (part.len() as u64).to_le_bytes()).collect();
    let mut info: Vec<&[u8]> = vec![b"fieldward/learn/v1"];
    for (part, length) in about.iter().zip(&lengths) {
        info.extend([&length[..], part]);
    }
    let filled = key.expand(&info, HKDF_SHA256).and_then(|key| key.fill(&mut *derived));
    filled.map(|()| derived).map_err(|_| SealError::Sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_here_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let seal = Seal::open(&path).unwrap();
        let sealed = seal.seal(b"here", b"features").unwrap();
        assert_eq!(sealed.len(), 8 + ADDED);
        assert_ne!(seal.seal(b"here", b"features").unwrap(), sealed, "each with a nonce of its own");
        let again = Seal::open(&path).unwrap();
        assert_eq!(again.unseal(b"here", &sealed).unwrap(), b"features");
        assert!(again.unseal(b"there", &sealed).is_err());
        assert!(again.unseal(b"here", &sealed[..20]).is_err() && again.unseal(b"here", &[]).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(again.unseal(b"here", &changed).is_err(), "byte {at}");
        }
        let draw = |seal: &Seal, about: &[&[u8]]| seal.chance(about).unwrap().next_u64();
        assert_eq!(draw(&seal, &[b"a", b"b"]), draw(&again, &[b"a", b"b"]));
        assert_ne!(draw(&seal, &[b"a", b"b"]), draw(&seal, &[b"ab", b""]));
        keyfile::write(&path, b"short").unwrap();
        assert!(Seal::open(&path).err().unwrap().to_string().contains("5 bytes and not 32"));
    }
}
