//! Keys of one attempt, and what pairs of plants derive from them. They are made for an attempt and erased with
//! it: a key that is given back by others once opens nothing of another round.

use std::fmt;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use super::keystream::{NoRandomness, Secret, secret};
use super::shamir::SHARE_BYTES;

/// SHA-256, or a public key of X25519.
pub type Bytes32 = [u8; 32];

/// Shares of the blind and of the mask key for one holder, sealed.
pub const SEALED_BYTES: usize = 2 * SHARE_BYTES + TAG;

const TAG: usize = 16;

/// What is wrong with a key or with what it seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A public key with which nothing is secret.
    #[error("this is no public key of X25519")]
    Public,
    /// Changed on its way, or for somebody else.
    #[error("what is sealed was changed, or is for another plant or attempt")]
    Sealed,
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A key of X25519.
pub struct KeyPair {
    private: Secret,
    public: Bytes32,
}

impl KeyPair {
    /// A new one.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_private(secret()?)
    }

    /// The one with this private part.
    pub fn from_private(private: Secret) -> Result<Self, KeyError> {
        let key = PrivateKey::from_private_key(&X25519, &*private).map_err(|_| KeyError::Public)?;
        let public = key.compute_public_key().map_err(|_| KeyError::Public)?;
        let public = public.as_ref().try_into().map_err(|_| KeyError::Public)?;
        Ok(Self { private, public })
    }

    /// The public part.
    pub const fn public(&self) -> &Bytes32 {
        &self.public
    }

    /// The private part, to be shared.
    pub(super) const fn private(&self) -> &Secret {
        &self.private
    }

    /// What this and another key have in common, bound to `info`.
    pub fn derive(&self, theirs: &Bytes32, info: &[&[u8]]) -> Result<Secret, KeyError> {
        let own = PrivateKey::from_private_key(&X25519, &*self.private).map_err(|_| KeyError::Public)?;
        agree(&own, UnparsedPublicKey::new(&X25519, theirs), KeyError::Public, |common| {
            let mut derived = Zeroizing::new([0; 32]);
            let key = Salt::none(HKDF_SHA256).extract(common);
            let filled = key.expand(info, HKDF_SHA256).and_then(|key| key.fill(&mut *derived));
            filled.map(|()| derived).map_err(|_| KeyError::Public)
        })
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair")
    }
}

/// Seals two shares with a key that seals nothing else.
pub(super) fn seal(key: &Secret, shares: [&[u8; SHARE_BYTES]; 2]) -> Result<[u8; SEALED_BYTES], KeyError> {
    // Room for the tag: a vector that grew would leave a copy behind.
    let mut sealed = Zeroizing::new(Vec::with_capacity(SEALED_BYTES));
    shares.iter().for_each(|share| sealed.extend_from_slice(*share));
    cipher(key)?
        .seal_in_place_append_tag(nonce(), Aad::empty(), &mut *sealed)
        .map_err(|_| KeyError::Sealed)?;
    sealed.as_slice().try_into().map_err(|_| KeyError::Sealed)
}

/// Opens them.
pub(super) fn unseal(
    key: &Secret,
    sealed: &[u8; SEALED_BYTES],
) -> Result<[Zeroizing<[u8; SHARE_BYTES]>; 2], KeyError> {
    let mut bytes = Zeroizing::new(*sealed);
    let opened = cipher(key)?.open_in_place(nonce(), Aad::empty(), &mut *bytes);
    match opened.map_err(|_| KeyError::Sealed)?.as_chunks::<SHARE_BYTES>().0 {
        [one, other] => Ok([Zeroizing::new(*one), Zeroizing::new(*other)]),
        _ => Err(KeyError::Sealed),
    }
}

fn cipher(key: &Secret) -> Result<LessSafeKey, KeyError> {
    UnboundKey::new(&CHACHA20_POLY1305, &**key).map(LessSafeKey::new).map_err(|_| KeyError::Sealed)
}

/// Each key is used once: derived for one sender, one receiver and one attempt.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// SHA-256 of parts that have fixed lengths or say how long they are.
pub(super) fn hash(parts: &[&[u8]]) -> Bytes32 {
    let mut hash = Context::new(&SHA256);
    parts.iter().for_each(|part| hash.update(part));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    bytes
}

/// What a blind is recognised by when others have given it back.
pub(super) fn blind_hash(blind: &Secret) -> Bytes32 {
    hash(&[b"secagg/v1/blind", &**blind])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(first: u8) -> KeyPair {
        KeyPair::from_private(Zeroizing::new(std::array::from_fn(|nth| first + nth as u8))).unwrap()
    }

    #[test]
    fn two_keys_give_the_known_seed() {
        let (one, other) = (key(0), key(32));
        let info: [&[u8]; 1] = [b"secagg/v1/pair|round=7"];
        let seed = one.derive(other.public(), &info).unwrap();
        let known = "0f5598732877781606a9fb6f697ca995b2fe56720c91a164a87c266a0fd4cabe";
        let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, known);
        assert_eq!(other.derive(one.public(), &info).unwrap(), seed);
        assert_ne!(other.derive(one.public(), &[b"secagg/v1/pair|round=8"]).unwrap(), seed);
        // Of order one: everybody would know the secret.
        assert_eq!(one.derive(&[0; 32], &info), Err(KeyError::Public));
        assert_eq!(format!("{one:?}"), "KeyPair");
    }

    #[test]
    fn what_is_sealed_is_for_one_reader() {
        let (one, other) = ([1; SHARE_BYTES], [2; SHARE_BYTES]);
        let sealed = seal(&Zeroizing::new([7; 32]), [&one, &other]).unwrap();
        let opened = unseal(&Zeroizing::new([7; 32]), &sealed).unwrap();
        assert_eq!((*opened[0], *opened[1]), (one, other));
        assert_eq!(unseal(&Zeroizing::new([8; 32]), &sealed), Err(KeyError::Sealed));
        for at in 0..SEALED_BYTES {
            let mut changed = sealed;
            changed[at] ^= 1;
            assert_eq!(unseal(&Zeroizing::new([7; 32]), &changed), Err(KeyError::Sealed));
        }
    }
}
