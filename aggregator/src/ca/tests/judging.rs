//! Who is let through TLS, and marked how.

use fieldward_shared::wire::{RENEW, SESSION};
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose, SanType};
use rustls::server::danger::ClientCertVerifier as _;

use super::super::operator::Source;
use super::super::revoked::Revocations;
use super::super::verifier::{RENEWABLE, Refusal};
use super::*;

/// A certificate under the place's intermediate that the authority would not issue.
fn crooked(place: &Place, change: impl FnOnce(&mut CertificateParams)) -> Agent {
    let authority = place.open();
    let intermediate = state::der(&authority.state().intermediate).unwrap();
    let pin = Pin::of_certificate(&intermediate).unwrap();
    let signing = state::key(&state::key_file(place.path(), "intermediate", pin), pin).unwrap();
    let issuer = Issuer::from_ca_cert_der(&intermediate, signing).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.not_before = time::OffsetDateTime::from_unix_timestamp(now() as i64 - 60).unwrap();
    params.not_after = time::OffsetDateTime::from_unix_timestamp(now() as i64 + 600).unwrap();
    params.subject_alt_names = vec![SanType::URI(name().to_string().try_into().unwrap())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    change(&mut params);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Agent { key, chain: vec![certificate.der().clone(), intermediate] }
}

#[test]
fn what_is_no_agents_certificate_is_refused_in_the_handshake() {
    let place = Place::made(0);
    let authority = place.open();
    let (verifier, _) = verifier(&authority, 0);
    let server = aggregator(&authority, verifier.clone());
    let roots = roots(&authority);
    assert!(shake(&server, &agent(&crooked(&place, |_| {}), &roots, SESSION)).is_ok());
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    let other = "spiffe://fieldward/facility/b/agent/00000000-0000-0000-0000-000000000008";
    let wrong: Vec<(&str, Agent)> = vec![
        ("a CA", crooked(&place, |p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))),
        (
            "for servers",
            crooked(&place, |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
        ),
        ("for both", crooked(&place, |p| p.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth))),
        ("for anything", crooked(&place, |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any])),
        ("for nothing said", crooked(&place, |p| p.extended_key_usages.clear())),
        ("a key that only agrees", crooked(&place, |p| p.key_usages = vec![KeyUsagePurpose::KeyAgreement])),
        ("two names", crooked(&place, |p| p.subject_alt_names.push(uri(other)))),
        (
            "a DNS name too",
            crooked(&place, |p| {
                p.subject_alt_names.push(SanType::DnsName("a.example".try_into().unwrap()));
            }),
        ),
        ("no name", crooked(&place, |p| p.subject_alt_names.clear())),
        ("another's domain", crooked(&place, |p| p.subject_alt_names = vec![uri("spiffe://x/facility/a")])),
        ("of another authority", Agent::of(&Place::made(0).open(), now())),
    ];
    for (what, client) in wrong {
        let refused = shake(&server, &agent(&client, &roots, SESSION));
        assert!(refused.as_ref().is_err_and(|why| why.starts_with("server")), "{what}: {refused:?}");
        assert!(verifier.peer(&client.chain).is_err(), "{what}");
    }
    let mut cut = Agent::of(&authority, now());
    cut.chain.truncate(1);
    assert!(shake(&server, &agent(&cut, &roots, SESSION)).is_err(), "without its intermediate");
    let mut long = Agent::of(&authority, now());
    long.chain.extend(std::iter::repeat_n(long.chain[1].clone(), 6));
    assert!(verifier.peer(&long.chain).is_err(), "a chain without end");
    assert!(matches!(verifier.peer(&[]), Err(Refusal::None)));
}

#[test]
fn a_certificate_of_somebody_else_is_of_no_use_without_the_key() {
    let place = Place::made(0);
    let authority = place.open();
    let (verifier, _) = verifier(&authority, 0);
    let mut thief = Agent::of(&authority, now());
    thief.key = KeyPair::generate().unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&thief.identity().key).unwrap();
    let shown = Arc::new(rustls::sign::CertifiedKey::new(thief.chain.clone(), key));
    let mut client = (*agent(&Agent::of(&authority, now()), &roots(&authority), SESSION)).clone();
    client.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(shown));
    let refused = shake(&aggregator(&authority, verifier), &Arc::new(client)).unwrap_err();
    assert!(refused.starts_with("server") && refused.contains("Signature"), "{refused}");
}

#[test]
fn an_expired_certificate_renews_for_ninety_days_and_does_nothing_else() {
    let place = Place::made(200 * DAYS);
    let authority = place.open();
    let (verifier, _) = verifier(&authority, 0);
    let server = aggregator(&authority, verifier.clone());
    let roots = roots(&authority);
    for (age, is_expired) in [(0, false), (6, false), (8, true), (60, true), (96, true)] {
        let client = Agent::of(&authority, now() - age * DAYS);
        let chain = shake(&server, &agent(&client, &roots, RENEW)).unwrap();
        let peer = verifier.peer(&chain).unwrap();
        assert_eq!((peer.is_expired, peer.may_open_session()), (is_expired, !is_expired), "{age} days");
    }
    let client = Agent::of(&authority, now() - 98 * DAYS);
    let refused = shake(&server, &agent(&client, &roots, RENEW)).unwrap_err();
    assert!(refused.starts_with("server") && refused.contains("Expired"), "{refused}");
    assert!(matches!(verifier.peer(&client.chain), Err(Refusal::Ended)));
    // To the second.
    let leaf = client.leaf();
    let at = |seconds| rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let judge = |second| verifier.verify_client_cert(&client.chain[0], &client.chain[1..], at(second));
    assert!(judge(leaf.not_before - 1).is_ok() && judge(leaf.not_before).is_ok());
    assert!(judge(leaf.not_after + RENEWABLE).is_ok());
    assert!(judge(leaf.not_after + RENEWABLE + 1).is_err());
}

#[test]
fn the_revoked_are_refused_at_once_and_in_a_session() {
    let place = Place::made(0);
    let authority = place.open();
    let (verifier, revoked) = verifier(&authority, 0);
    let server = aggregator(&authority, verifier.clone());
    let client = Agent::of(&authority, now());
    let config = agent(&client, &roots(&authority), SESSION);
    let chain = shake(&server, &config).unwrap();
    let peer = verifier.peer(&chain).unwrap();
    assert_eq!(verifier.trusted(), peer.trust);
    let serials = [peer.serial.clone()].into();
    assert!(revoked.replace(Revocations { serials, ..Revocations::default() }));
    assert!(verifier.is_revoked(&peer.serial));
    assert!(matches!(verifier.peer(&chain), Err(Refusal::Revoked(_))));
    // The same client, with all that it may remember of the first connection.
    for _ in 0..100 {
        let refused = shake(&server, &config).unwrap_err();
        assert!(refused.starts_with("server") && refused.contains("Revoked"), "{refused}");
    }
    let another = Agent::of(&authority, now());
    assert!(verifier.peer(&another.chain).is_ok(), "its other certificate");
    revoked.replace(Revocations { agents: [name().agent].into(), ..Revocations::default() });
    assert!(verifier.is_agent_revoked(name().agent));
    assert!(verifier.peer(&another.chain).is_err() && verifier.peer(&chain).is_err());
    revoked.replace(Revocations::default());
    assert_eq!(verifier.peer(&chain).unwrap(), peer);
}

#[test]
fn a_clock_that_stands_at_the_beginning_does_not_open_the_door() {
    let place = Place::made(200 * DAYS);
    let authority = place.open();
    // What a verified server once said holds, wherever the machine's clock stands.
    let (verifier, _) = verifier(&authority, now() + 100 * DAYS);
    let client = Agent::of(&authority, now());
    assert!(matches!(verifier.peer(&client.chain), Err(Refusal::Ended)));
}

#[test]
fn what_was_issued_by_a_clock_that_was_ahead_renews_and_does_nothing_else() {
    let place = Place::made(0);
    let authority = place.open();
    let (verifier, _) = verifier(&authority, 0);
    let server = aggregator(&authority, verifier.clone());
    let client = Agent::of(&authority, now() + 10 * DAYS);
    let chain = shake(&server, &agent(&client, &roots(&authority), RENEW)).unwrap();
    let peer = verifier.peer(&chain).unwrap();
    assert!(peer.is_expired && !peer.may_open_session());
}

#[test]
fn an_operators_own_certificates_name_the_facility_by_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    let root_key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name.push(rcgen::DnType::CommonName, "Works root");
    let roots_file = folder.path().join("roots.pem");
    std::fs::write(&roots_file, root.self_signed(&root_key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(root, root_key);
    let client = |uri: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Agent { chain: vec![params.signed_by(&key, &issuer).unwrap().der().clone()], key }
    };
    let place = Place::made(0);
    let authority = place.open();
    let (verifier, revoked) = verifier(&authority, 0);
    let north = client("urn:works:plant:north:agent:1");
    assert!(verifier.peer(&north.chain).is_err(), "nobody told us of the works' root");
    let rule = "uri:urn:works:plant:{facility}:agent:{agent}".parse().unwrap();
    let operator = Source { roots: roots_file, revoked: None, rule }.open().unwrap();
    verifier.trust(Some(authority.state()), Some(operator)).unwrap();
    let server = aggregator(&authority, verifier.clone());
    let chain = shake(&server, &agent(&north, &roots(&authority), SESSION)).unwrap();
    let peer = verifier.peer(&chain).unwrap();
    assert!(peer.is_foreign && peer.name.facility == "north");
    assert!(verifier.peer(&client("urn:works:plant:South:agent:1").chain).is_err());
    assert!(verifier.peer(&client("urn:works:server:north").chain).is_err());
    // The works' root may not name agents of ours.
    let borrowed = client(&name().to_string());
    assert!(verifier.peer(&borrowed.chain).is_err());
    revoked.replace(Revocations { agents: [peer.name.agent].into(), ..Revocations::default() });
    assert!(verifier.peer(&chain).is_err());
    // Ours go on beside them.
    assert!(verifier.peer(&Agent::of(&authority, now()).chain).is_ok());
}
