//! What is issued, and from what requests.

use fieldward_shared::keyfile;
use fieldward_shared::pki::Files;
use fieldward_shared::wire::SESSION;
use rcgen::{
    BasicConstraints, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SanType,
};

use super::super::CaError;
use super::super::authority::{BACKDATED, INTERMEDIATE_LIFETIME};
use super::super::request::{LONGEST, RequestError};
use super::super::shown::Shown;
use super::*;

#[test]
fn a_certificate_says_what_the_authority_says() {
    let place = Place::made(0);
    let authority = place.open();
    let at = now();
    let agent = Agent::of(&authority, at);
    let leaf = agent.leaf();
    assert_eq!(leaf.agent().unwrap(), name());
    assert_eq!((leaf.not_before, leaf.not_after), (at - BACKDATED, at + AGENT_LIFETIME));
    assert!(leaf.is_client && !leaf.is_server && !leaf.is_ca && leaf.signs);
    assert_eq!(leaf.common_name, Some(name().agent.to_string()));
    assert_ne!(leaf.serial, Agent::of(&authority, at).leaf().serial);
    let (verifier, _) = verifier(&authority, 0);
    let seen =
        shake(&aggregator(&authority, verifier.clone()), &super::agent(&agent, &roots(&authority), SESSION))
            .unwrap();
    let peer = verifier.peer(&seen).unwrap();
    assert_eq!((peer.name.clone(), peer.serial.clone()), (name(), leaf.serial));
    assert!(peer.may_open_session() && !peer.is_foreign);
}

#[test]
fn every_name_and_wish_in_a_request_is_ignored() {
    let place = Place::made(0);
    let key = KeyPair::generate().unwrap();
    let mut greedy = CertificateParams::new(vec!["aggregator.fieldward.internal".to_owned()]).unwrap();
    let other = "spiffe://fieldward/facility/other/agent/00000000-0000-0000-0000-000000000009";
    greedy.subject_alt_names.push(SanType::URI(other.try_into().unwrap()));
    greedy.distinguished_name = DistinguishedName::new();
    greedy.distinguished_name.push(DnType::CommonName, "the boss");
    greedy.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    greedy.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    greedy.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::Any];
    let request = Request::read(greedy.serialize_request(&key).unwrap().der()).unwrap();
    let issued = place.open().issue(&request, &name(), AGENT_LIFETIME, now()).unwrap();
    assert_eq!(issued.leaf.uris, [name().to_string()]);
    assert_eq!(issued.leaf.other_names, 0);
    assert!(issued.leaf.is_client && !issued.leaf.is_server && !issued.leaf.is_ca);
    let bytes = issued.chain[0].as_ref();
    for wish in [&b"the boss"[..], b"aggregator.fieldward", b"facility/other"] {
        assert!(!bytes.windows(wish.len()).any(|window| window == wish), "a wish came through");
    }
}

#[test]
fn a_request_that_was_touched_proves_nothing() {
    let key = KeyPair::generate().unwrap();
    let whole = csr(&key);
    assert!(Request::read(&whole).is_ok());
    for at in 0..whole.len() {
        for bit in [0x01, 0x80] {
            let mut touched = whole.clone();
            touched[at] ^= bit;
            // The one thing that is not signed is how a signature is written.
            if let Ok(request) = Request::read(&touched) {
                assert_eq!(request, Request::read(&whole).unwrap(), "byte {at}");
            }
        }
        assert!(Request::read(&whole[..at]).is_err());
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert_eq!(Request::read(&longer), Err(RequestError::Unreadable));
    assert_eq!(Request::read(&vec![0x30; LONGEST + 1]), Err(RequestError::Long(LONGEST + 1)));
}

#[test]
fn other_kinds_of_keys_are_refused() {
    for algorithm in [&PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        assert_eq!(Request::read(&csr(&key)), Err(RequestError::Key));
    }
}

#[test]
fn nothing_lasts_longer_than_who_vouches_for_it() {
    let place = Place::made(INTERMEDIATE_LIFETIME - 2 * DAYS);
    let authority = place.open();
    let leaf = Agent::of(&authority, now()).leaf();
    assert!(leaf.not_after <= now() + 2 * DAYS, "{leaf:?}");
    let key = KeyPair::generate().unwrap();
    let request = Request::read(&csr(&key)).unwrap();
    let late = authority.issue(&request, &name(), AGENT_LIFETIME, now() + 3 * DAYS);
    assert!(matches!(late, Err(CaError::Expired)));
    Authority::renew_intermediate(place.path(), &place.root_key(place.root), now()).unwrap();
    let at = now();
    assert_eq!(Agent::of(&place.open(), at).leaf().not_after, at + AGENT_LIFETIME);
}

#[test]
fn keys_are_private_and_the_root_may_be_carried_away() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::made(0);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for entry in std::fs::read_dir(place.path()).unwrap().flatten() {
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
    }
    assert!(matches!(Authority::init(place.path(), now()), Err(CaError::Exists(_))));
    let root_key = place.root_key(place.root);
    let elsewhere = tempfile::tempdir().unwrap();
    let away = elsewhere.path().join("root.key");
    std::fs::rename(&root_key, &away).unwrap();
    Agent::of(&place.open(), now());
    assert!(Authority::prepare(place.path(), &root_key, now()).is_err());
    let other = KeyPair::generate().unwrap();
    state::keep(&root_key, &other).unwrap();
    let wrong = Authority::prepare(place.path(), &root_key, now());
    assert!(matches!(wrong, Err(CaError::WrongKey(_))), "{wrong:?}");
    Authority::prepare(place.path(), &away, now()).unwrap();
    let state = std::fs::read_dir(place.path()).unwrap().flatten();
    let intermediate =
        state.map(|entry| entry.path()).find(|path| path.to_string_lossy().contains("intermediate"));
    let intermediate = intermediate.unwrap();
    std::fs::set_permissions(&intermediate, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(Authority::open(place.path(), None).is_err(), "a key that the group may read");
}

#[test]
fn an_operators_certificate_is_followed_and_what_is_useless_told_once() {
    let place = Place::made(0);
    let folder = tempfile::tempdir().unwrap();
    let files = Files { certificate: folder.path().join("a.crt"), key: folder.path().join("a.key") };
    let deliver = || {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["soc.example.org".to_owned()]).unwrap();
        std::fs::write(&files.certificate, certificate.self_signed(&key).unwrap().pem()).unwrap();
        keyfile::write(&files.key, key.serialize_pem().as_bytes()).unwrap();
    };
    let authority = place.open();
    let missing = Shown::new(&authority, &[], Some(files.clone()), now()).unwrap_err().to_string();
    assert!(missing.contains("a.crt: No such file"), "{missing}");
    deliver();
    let shown = Shown::new(&authority, &[], Some(files.clone()), now()).unwrap();
    assert!(shown.follow(now()).is_ok() && shown.alarms(now()).is_empty());
    std::fs::write(&files.certificate, "nothing").unwrap();
    assert!(shown.follow(now()).is_err() && shown.follow(now()).is_ok());
    deliver();
    assert!(shown.follow(now()).is_ok());
    // A key of another certificate.
    keyfile::write(&files.key, KeyPair::generate().unwrap().serialize_pem().as_bytes()).unwrap();
    std::fs::write(&files.certificate, [std::fs::read(&files.certificate).unwrap(), b"\n".to_vec()].concat())
        .unwrap();
    assert!(shown.follow(now()).is_err());
}

#[test]
fn an_agent_that_enrols_knows_the_aggregator_by_the_pin_alone() {
    let (ours, other) = (Place::made(0), Place::made(0));
    let authority = ours.open();
    let (verifier, _) = verifier(&authority, 0);
    let server = aggregator(&authority, verifier);
    assert_eq!(shake(&server, &pinned(ours.root)), Ok(Vec::new()));
    let refused = shake(&server, &pinned(other.root)).unwrap_err();
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    // An agent of ours cannot pass for the aggregator.
    let imposter = Agent::of(&authority, now()).identity();
    let (verifier, _) = super::verifier(&authority, 0);
    let mut chain = imposter.chain;
    chain.push(state::der(&authority.state().roots[0].certificate).unwrap());
    let imposter = fieldward_shared::transport::server(ServerIdentity { chain, key: imposter.key }, verifier);
    assert!(shake(&imposter.unwrap(), &pinned(ours.root)).unwrap_err().starts_with("client"));
}
