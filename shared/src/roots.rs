//! The roots that an agent trusts, and how they change: each new list bears a higher generation and the
//! signature of a root on the list before it. So an agent that was away for a whole rotation takes the
//! lists one after the other, and nobody without a root's key can put a root of his own on it.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::identity::{IdentityError, LONGEST_CERTIFICATE, Leaf, Pin};

/// Roots that a list may hold.
pub const MOST_ROOTS: usize = 8;
/// Announcements that are sent together: as many rotations an agent may miss.
pub const MOST_ANNOUNCEMENTS: usize = 32;

/// What every signed list begins with, so that no other signature passes for one.
const HEAD: &[u8] = b"fieldward roots 1\n";

/// What is wrong with an announcement.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// Cannot be read.
    #[error("the announcement of roots is damaged at byte {0}")]
    Damaged(usize),
    /// Too many roots, or none.
    #[error("the announcement names {0} roots; 1 to {MOST_ROOTS} are taken")]
    Count(usize),
    /// Signed by nobody whom we trust.
    #[error("the announcement of roots is signed by {0}, which is no root of ours")]
    Stranger(Pin),
    /// The signature does not fit.
    #[error("the signature under the announcement of roots is wrong")]
    Signature,
    /// A root is none.
    #[error(transparent)]
    Root(#[from] IdentityError),
}

/// A list of roots with its generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Grows with every announced list.
    pub generation: u64,
    /// Certificates in DER.
    pub roots: Vec<Vec<u8>>,
}

impl Roots {
    /// What a root signs to announce this list.
    pub fn body(&self) -> Vec<u8> {
        let mut out = HEAD.to_vec();
        out.extend_from_slice(&self.generation.to_be_bytes());
        out.extend_from_slice(&(self.roots.len() as u32).to_be_bytes());
        for root in &self.roots {
            out.extend_from_slice(&(root.len() as u32).to_be_bytes());
            out.extend_from_slice(root);
        }
        out
    }

    /// The announcement of this list: what was signed, by whom, and the signature.
    pub fn announcement(&self, signer: Pin, signature: &[u8]) -> Vec<u8> {
        let mut out = self.body();
        out.extend_from_slice(&signer.0);
        out.extend_from_slice(signature);
        out
    }

    /// Takes over what is newer, one list after the other; gives back whether anything was. The first that
    /// is wrong ends it, and what was good before it stays.
    pub fn follow(&mut self, announcements: &[Vec<u8>]) -> Result<bool, RootsError> {
        let mut changed = false;
        for bytes in announcements.iter().take(MOST_ANNOUNCEMENTS) {
            let Signed { list, signer, body, signature } = read(bytes)?;
            if list.generation <= self.generation {
                continue;
            }
            self.check(signer, body, signature)?;
            *self = list;
            changed = true;
        }
        Ok(changed)
    }

    fn check(&self, signer: Pin, body: &[u8], signature: &[u8]) -> Result<(), RootsError> {
        let ours = |root: &&Vec<u8>| Pin::of_certificate(root).is_ok_and(|pin| pin == signer);
        let root = self.roots.iter().find(ours).ok_or(RootsError::Stranger(signer))?;
        let (_, root) = X509Certificate::from_der(root).map_err(|_| RootsError::Stranger(signer))?;
        let point = &root.public_key().subject_public_key.data;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            .verify(body, signature)
            .map_err(|_| RootsError::Signature)
    }

    /// Whether a key is one of these roots'.
    pub fn holds(&self, pin: Pin) -> bool {
        self.roots.iter().any(|root| Pin::of_certificate(root).is_ok_and(|own| own == pin))
    }
}

/// An announcement, taken apart.
struct Signed<'a> {
    list: Roots,
    signer: Pin,
    body: &'a [u8],
    signature: &'a [u8],
}

/// Takes an announcement apart; whether the signature is right is another matter.
fn read(bytes: &[u8]) -> Result<Signed<'_>, RootsError> {
    let mut rest = bytes.strip_prefix(HEAD).ok_or(RootsError::Damaged(0))?;
    let damaged = |rest: &[u8]| RootsError::Damaged(bytes.len().saturating_sub(rest.len()));
    let generation = u64::from_be_bytes(take(&mut rest).ok_or_else(|| damaged(rest))?);
    let count = u32::from_be_bytes(take(&mut rest).ok_or_else(|| damaged(rest))?) as usize;
    if !(1..=MOST_ROOTS).contains(&count) {
        return Err(RootsError::Count(count));
    }
    let mut roots = Vec::with_capacity(count);
    for _ in 0..count {
        let length = u32::from_be_bytes(take(&mut rest).ok_or_else(|| damaged(rest))?) as usize;
        let (root, after) = rest.split_at_checked(length).ok_or_else(|| damaged(rest))?;
        if length > LONGEST_CERTIFICATE || !Leaf::read(root)?.is_ca {
            return Err(IdentityError::Certificate("it may not issue certificates").into());
        }
        roots.push(root.to_vec());
        rest = after;
    }
    let body = bytes.get(..bytes.len().saturating_sub(rest.len())).unwrap_or_default();
    let signer = Pin(take(&mut rest).ok_or_else(|| damaged(rest))?);
    Ok(Signed { list: Roots { generation, roots }, signer, body, signature: rest })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_announcements_change_nothing() {
        let mut roots = Roots::default();
        let mut many = HEAD.to_vec();
        many.extend_from_slice(&1_u64.to_be_bytes());
        many.extend_from_slice(&u32::MAX.to_be_bytes());
        for wrong in [&b""[..], b"fieldward", HEAD, &many[..many.len() - 1], &many] {
            assert!(roots.follow(&[wrong.to_vec()]).is_err());
        }
        assert_eq!(roots, Roots::default());
    }
}
