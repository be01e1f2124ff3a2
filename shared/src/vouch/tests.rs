//! Roots vouch for their own, and keys for those that follow.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
};

use super::*;

fn root() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn agent(root: &CertifiedIssuer<'static, KeyPair>, id: u128) -> (Vec<u8>, Signer) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    let name = AgentName::new("north", Uuid::from_u128(id)).unwrap().to_string();
    params.subject_alt_names = vec![SanType::URI(name.try_into().unwrap())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, root).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    (certificate.der().to_vec(), Signer::of(&key).unwrap())
}

#[test]
fn a_root_vouches_for_its_own_and_signatures_are_of_the_key() {
    let (ours, theirs) = (root(), root());
    let roots = Roots::new(&[ours.der().clone()]).unwrap();
    let now = 1_800_000_000;
    let (one, signer) = agent(&ours, 7);
    let vouched = roots.vouch(std::slice::from_ref(&one), now).unwrap();
    assert_eq!(vouched.name.agent, Uuid::from_u128(7));
    let signature = signer.sign(b"a").unwrap();
    assert!(vouched.key.verify(b"a", &signature) && !vouched.key.verify(b"b", &signature));
    let (other, _) = agent(&theirs, 7);
    assert!(matches!(roots.vouch(std::slice::from_ref(&other), now), Err(VouchError::Chain(_))));
    assert!(!PublicKey::of_certificate(&other).unwrap().verify(b"a", &signature));
    for wrong in [vec![], vec![one.clone(); 8], vec![vec![0x30, 0x80]]] {
        assert!(roots.vouch(&wrong, now).is_err());
    }
    for cut in [&signature[..1], &signature[..9], b"", b"\xff\xff\x00"] {
        assert!(!vouched.key.verify(b"a", cut));
    }
}

#[test]
fn a_key_follows_only_from_one_that_named_it() {
    let root = root();
    let id = Uuid::from_u128(7);
    let made: Vec<_> = (0..4).map(|_| agent(&root, 7)).collect();
    let pins: Vec<Pin> = made.iter().map(|(der, _)| Pin::of_certificate(der).unwrap()).collect();
    let steps: Vec<_> =
        (0..3).map(|nth| made[nth].1.succeed(id, &made[nth].0, pins[nth + 1]).unwrap()).collect();
    assert!(follows(id, pins[0], pins[3], &steps) && follows(id, pins[1], pins[2], &steps));
    assert!(follows(id, pins[3], pins[3], &[]));
    assert!(!follows(id, pins[0], pins[3], &steps[1..]), "a step is missing");
    assert!(!follows(id, pins[3], pins[0], &steps), "there is no way back");
    assert!(!follows(Uuid::from_u128(8), pins[0], pins[1], &steps), "of another agent");
    // The aggregator issues a certificate for a key of its own, and signs the step itself.
    let (forged, forger) = agent(&root, 7);
    let theirs = Pin::of_certificate(&forged).unwrap();
    let mut step = forger.succeed(id, &forged, theirs).unwrap();
    assert!(!follows(id, pins[0], theirs, &[step.clone()]));
    let place = 2 + usize::from(u16::from_be_bytes([step[0], step[1]]));
    step[place..place + 32].copy_from_slice(&pins[0].0);
    assert!(!follows(id, pins[0], theirs, &[step]), "under the pin of another key");
    for at in 0..steps[0].len() {
        let mut wrong = steps[0].clone();
        wrong[at] ^= 1;
        assert!(!follows(id, pins[0], pins[1], &[wrong]), "byte {at}");
    }
}
