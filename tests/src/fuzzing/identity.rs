//! Requests for certificates, certificates, lists of roots and answers at the doors, as anyone may send them.

use std::sync::OnceLock;

use fieldward_agent::identity::{Folder, enroll, renew, take_enrolled, take_renewed};
use fieldward_aggregator::ca::authority::{AGENT_LIFETIME, Authority};
use fieldward_aggregator::ca::request::Request;
use fieldward_shared::clock::Clock;
use fieldward_shared::identity::{AgentName, Leaf};
use fieldward_shared::roots::Roots;
use fieldward_shared::wire::{Certificate, Message};
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};

/// Any bytes as a request, and any bytes as the names and wishes of a request that is properly signed: no
/// name of it survives.
pub fn csr(bytes: &[u8]) {
    drop(Request::read(bytes));
    let Some((&cut, rest)) = bytes.split_first() else { return };
    let (subject, wishes) = rest.split_at(usize::from(cut).min(rest.len()));
    let Ok(request) = Request::read(&signed(subject, wishes)) else { return };
    let (authority, name) = authority();
    let issued = authority.issue(&request, name, AGENT_LIFETIME, NOW).expect("a certificate");
    let leaf = Leaf::read(&issued.chain[0]).expect("a readable certificate");
    assert_eq!(leaf.agent().expect("one name"), *name);
    assert_eq!(leaf.common_name, Some(name.agent.to_string()));
    assert!(leaf.is_client && !leaf.is_server && !leaf.is_ca && leaf.signs);
    assert_eq!(leaf.not_after, NOW + AGENT_LIFETIME);
}

/// Any bytes as a certificate, as a name, as lists of roots, and as the answers at the agent's doors.
pub fn identity(bytes: &[u8]) {
    if let Ok(leaf) = Leaf::read(bytes)
        && let Ok(name) = leaf.agent()
    {
        assert_eq!(name.to_string().parse::<AgentName>().expect("a name"), name);
    }
    let (authority, name) = authority();
    let before = authority.roots().expect("roots");
    let mut roots = before.clone();
    // Without the root's key nothing newer comes about.
    assert!(roots.follow(&[bytes.to_vec()]).is_err() || roots == before);
    let mut own = authority.state().announced().concat();
    for (at, byte) in own.iter_mut().zip(bytes) {
        *at ^= byte;
    }
    let mut empty = Roots::default();
    assert!(!empty.follow(&[own]).unwrap_or(false), "an empty list trusts nobody");
    for kind in [32, 33, 34, 35, 36] {
        if let Ok(message) = Message::read(kind, bytes)
            && let Message::Certificate(answer) = message
        {
            taken(&answer, name);
        }
    }
}

/// An answer that was not asked for is never taken.
fn taken(answer: &Certificate, _: &AgentName) {
    static FOLDER: OnceLock<(tempfile::TempDir, Folder)> = OnceLock::new();
    let (_, folder) = FOLDER.get_or_init(|| {
        let state = tempfile::tempdir().expect("a folder");
        let folder = Folder::in_state(state.path());
        (state, folder)
    });
    let clock = Clock::default();
    let asked = enroll(folder, true).expect("a request");
    assert!(take_enrolled(folder, asked, answer, None, &clock).is_err());
    assert!(take_renewed(folder, renew().expect("a request"), answer, &clock).is_err());
}

fn authority() -> &'static (Authority, AgentName) {
    static AUTHORITY: OnceLock<(Authority, AgentName)> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        Authority::init(folder.path(), NOW).expect("an authority");
        let name = AgentName::new("plant", uuid::Uuid::from_u128(7)).expect("a name");
        (Authority::open(folder.path(), None).expect("an authority"), name)
    })
}

/// A request around these bytes, signed with its key.
fn signed(subject: &[u8], wishes: &[u8]) -> Vec<u8> {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    let key = KEY.get_or_init(|| KeyPair::generate().expect("a key"));
    let subject = if subject.is_empty() { vec![0x30, 0] } else { subject.to_vec() };
    let attributes = der(0xa0, &[wishes]);
    let asked = der(0x30, &[&[2, 1, 0], &subject, &key.subject_public_key_info(), &attributes]);
    let signature = key.sign(&asked).expect("a signature");
    let signature = der(0x03, &[&[0], &signature]);
    der(0x30, &[&asked, ECDSA_WITH_SHA256, &signature])
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut out = vec![tag];
    match body.len() {
        length @ 0..=127 => out.push(length as u8),
        length => {
            let digits = length.to_be_bytes();
            let digits = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
            out.push(0x80 | digits.len() as u8);
            out.extend_from_slice(digits);
        }
    }
    out.extend_from_slice(&body);
    out
}

/// The algorithm's name in DER.
const ECDSA_WITH_SHA256: &[u8] = &[0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
/// When all of this happens.
const NOW: u64 = 1_800_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_request_with_an_empty_subject_is_read() {
        assert!(Request::read(&signed(&[], &[])).is_ok());
    }
}
