//! Rotation of the root, with agents that are there and agents that are away.

use fieldward_shared::roots::{Roots, RootsError};
use fieldward_shared::wire::{RENEW, SESSION};
use rcgen::SigningKey as _;

use super::super::rotation::GRACE;
use super::*;

fn all(place: &Place, from: Pin) -> Pin {
    let next = Authority::prepare(place.path(), &place.root_key(from), now()).unwrap();
    Authority::activate(place.path(), &place.root_key(next), now()).unwrap();
    Authority::taint(place.path()).unwrap();
    Authority::revoke_roots(place.path(), &place.root_key(next), now()).unwrap();
    next
}

fn list(roots: &Roots) -> Vec<CertificateDer<'static>> {
    roots.roots.iter().cloned().map(CertificateDer::from).collect()
}

#[test]
fn an_agent_that_is_there_never_notices() {
    let place = Place::made(0);
    let old = Agent::of(&place.open(), now());
    let mut known = place.open().roots().unwrap();
    // At each step: the agent's list follows, a session opens, and again with what it had before the step.
    let step = |known: &mut Roots, client: &Agent, sessions: bool| {
        let authority = place.open();
        let (verifier, _) = verifier(&authority, 0);
        let server = aggregator(&authority, verifier.clone());
        for _ in 0..2 {
            let chain = shake(&server, &agent(client, &list(known), SESSION)).unwrap();
            assert_eq!(verifier.peer(&chain).unwrap().may_open_session(), sessions);
            known.follow(&authority.state().announced()).unwrap();
        }
        assert_eq!(*known, authority.roots().unwrap());
    };
    step(&mut known, &old, true);
    let next = Authority::prepare(place.path(), &place.root_key(place.root), now()).unwrap();
    step(&mut known, &old, true);
    assert_eq!(known.roots.len(), 2);
    Authority::activate(place.path(), &place.root_key(next), now()).unwrap();
    step(&mut known, &old, true);
    let new = Agent::of(&place.open(), now());
    step(&mut known, &new, true);
    Authority::taint(place.path()).unwrap();
    step(&mut known, &old, false);
    step(&mut known, &new, true);
    Authority::revoke_roots(place.path(), &place.root_key(next), now()).unwrap();
    step(&mut known, &new, true);
    assert_eq!(known.roots.len(), 1);
    assert!(known.holds(next) && !known.holds(place.root));
}

#[test]
fn an_agent_that_was_away_for_two_rotations_returns_by_itself() {
    let place = Place::made(30 * DAYS);
    let away = Agent::of(&place.open(), now() - 20 * DAYS);
    let mut known = place.open().roots().unwrap();
    let second = all(&place, place.root);
    let third = all(&place, second);
    let authority = place.open();
    let (verifier, _) = verifier(&authority, 0);
    let server = aggregator(&authority, verifier.clone());
    // It trusts the server, which is vouched for by the only root it knows, and may renew.
    let chain = shake(&server, &agent(&away, &list(&known), RENEW)).unwrap();
    let peer = verifier.peer(&chain).unwrap();
    assert!(peer.is_tainted && peer.is_expired && !peer.may_open_session());
    known.follow(&authority.state().announced()).unwrap();
    assert!(known.holds(third) && known.roots.len() == 1);
    let back = Agent::of(&authority, now());
    let chain = shake(&server, &agent(&back, &list(&known), SESSION)).unwrap();
    assert!(verifier.peer(&chain).unwrap().may_open_session());
    // But not for ever.
    let (later, _) = super::verifier(&authority, now() + GRACE + DAYS);
    assert!(later.peer(&Agent::of(&authority, now() + GRACE).chain).is_ok());
    assert!(later.peer(&away.chain).is_err());
}

#[test]
fn nobody_without_a_roots_key_puts_a_root_on_the_list() {
    let (place, evil) = (Place::made(0), Place::made(0));
    let mut known = place.open().roots().unwrap();
    let before = known.clone();
    let theirs = Roots { generation: 9, ..evil.open().roots().unwrap() };
    let key = state::key(&evil.root_key(evil.root), evil.root).unwrap();
    let signature = key.sign(&theirs.body()).unwrap();
    let stranger = known.follow(&[theirs.announcement(evil.root, &signature)]);
    assert!(matches!(stranger, Err(RootsError::Stranger(_))), "{stranger:?}");
    let forged = known.follow(&[theirs.announcement(place.root, &signature)]);
    assert!(matches!(forged, Err(RootsError::Signature)), "{forged:?}");
    let next = all(&place, place.root);
    let announced = place.open().state().announced();
    for (at, bytes) in announced.iter().enumerate().skip(1) {
        for byte in (0..bytes.len()).step_by(7) {
            let mut touched = bytes.clone();
            touched[byte] ^= 1;
            let mut known = before.clone();
            let followed = known.follow(&[touched]);
            assert!(followed.is_err() || known == before, "announcement {at}, byte {byte}: {followed:?}");
        }
    }
    // Out of order or again: nothing is undone.
    assert!(known.follow(&announced[2..]).is_err(), "the list in between is missing");
    assert_eq!(known, before);
    assert!(known.follow(&announced).unwrap() && known.holds(next));
    assert!(!known.follow(&announced).unwrap());
    assert!(known.holds(next) && !known.holds(place.root));
}

#[test]
fn steps_out_of_order_are_refused_and_change_nothing() {
    let place = Place::made(0);
    let key = place.root_key(place.root);
    let before = place.open().state().clone();
    assert!(Authority::activate(place.path(), &key, now()).is_err());
    assert!(Authority::taint(place.path()).is_err());
    assert!(Authority::revoke_roots(place.path(), &key, now()).is_err());
    assert_eq!(*place.open().state(), before);
    let next = Authority::prepare(place.path(), &key, now()).unwrap();
    assert!(Authority::prepare(place.path(), &key, now()).is_err());
    assert!(Authority::activate(place.path(), &key, now()).is_err(), "the old root's key");
    assert_eq!(place.open().pin().unwrap(), place.root);
    Authority::activate(place.path(), &place.root_key(next), now()).unwrap();
    assert_eq!(place.open().pin().unwrap(), next);
}
