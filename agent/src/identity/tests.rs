//! The identity's folder, with an authority of the test's own.

use std::os::unix::fs::PermissionsExt as _;

use fieldward_shared::identity::AgentName;
use fieldward_shared::wire::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, SanType, SigningKey as _,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

/// A root that issues, as far as an agent needs to know.
struct Root {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

impl Root {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "a root");
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), der }
    }

    fn pin(&self) -> Pin {
        Pin::of_certificate(&self.der).unwrap()
    }

    fn issue(&self, csr: &[u8], name: &AgentName) -> Certificate {
        let asked = CertificateSigningRequestParams::from_der(&csr.to_vec().into()).unwrap();
        let mut params = CertificateParams::default();
        let at = |seconds| time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        (params.not_before, params.not_after) = (at(BEGIN as i64), at(END as i64));
        params.subject_alt_names = vec![SanType::URI(name.to_string().try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = params.signed_by(&asked.public_key, &self.issuer).unwrap();
        Certificate {
            chain: vec![leaf.der().to_vec(), self.der.clone()],
            roots: vec![self.der.clone()],
            facility: name.facility.clone(),
            agent: name.agent.to_string(),
            not_after: END * 1_000_000,
            generation: 1,
            announcements: Vec::new(),
            time: (BEGIN + 10) * 1_000_000,
        }
    }

    /// This root announces a list.
    fn announce(&self, generation: u64, roots: &[&Root]) -> Vec<u8> {
        let roots = Roots { generation, roots: roots.iter().map(|root| root.der.clone()).collect() };
        roots.announcement(self.pin(), &self.issuer.key().sign(&roots.body()).unwrap())
    }
}

const BEGIN: u64 = 4_000_000_000;
const END: u64 = BEGIN + 7 * 86_400;

fn name() -> AgentName {
    AgentName::new("plant", Uuid::from_u128(7)).unwrap()
}

fn enrolled() -> (TempDir, Folder, Root) {
    let state = tempfile::tempdir().unwrap();
    let folder = Folder::in_state(state.path());
    let root = Root::new();
    let asked = enroll(&folder, false).unwrap();
    let answer = root.issue(&asked.csr, &name());
    take_enrolled(&folder, asked, &answer, Some(root.pin()), &folder.clock()).unwrap();
    (state, folder, root)
}

#[test]
fn an_agent_asks_with_the_same_key_until_it_has_an_identity() {
    let state = tempfile::tempdir().unwrap();
    let folder = Folder::in_state(state.path());
    assert!(matches!(folder.trust(), Err(Trouble::Missing(_))));
    let first = enroll(&folder, false).unwrap();
    let asked = enroll(&folder, false).unwrap();
    assert_eq!(first.fingerprint, asked.fingerprint);
    let root = Root::new();
    let answer = root.issue(&asked.csr, &name());
    let clock = folder.clock();
    let identity = take_enrolled(&folder, asked, &answer, Some(root.pin()), &clock).unwrap();
    assert_eq!(identity.name, name());
    let trust = folder.trust().unwrap();
    assert!(!trust.is_next && trust.roots.holds(root.pin()));
    assert_eq!(trust.identity.leaf, identity.leaf);
    assert_eq!(trust.identity.shown().chain.len(), 2);
    // The server's time is verified, and kept.
    assert_eq!(folder.clock().now(), BEGIN + 10);
    assert!(matches!(enroll(&folder, false), Err(Trouble::Exists(_, _))));
    assert_ne!(enroll(&folder, true).unwrap().fingerprint, first.fingerprint);
    for entry in std::fs::read_dir(folder.path()).unwrap().flatten() {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn an_answer_that_was_not_asked_for_is_not_taken() {
    let state = tempfile::tempdir().unwrap();
    let folder = Folder::in_state(state.path());
    let (root, other) = (Root::new(), Root::new());
    let clock = folder.clock();
    let for_another = root.issue(&renew().unwrap().csr, &name());
    let taken =
        take_enrolled(&folder, enroll(&folder, false).unwrap(), &for_another, Some(root.pin()), &clock);
    assert!(matches!(taken, Err(Trouble::Answer(_))), "another's key");
    let asked = enroll(&folder, false).unwrap();
    let answer = root.issue(&asked.csr, &name());
    let taken = take_enrolled(&folder, asked, &answer, Some(other.pin()), &clock);
    assert!(matches!(taken, Err(Trouble::Answer(_))), "another root");
    let asked = enroll(&folder, false).unwrap();
    let rootless = Certificate { roots: Vec::new(), ..root.issue(&asked.csr, &name()) };
    assert!(take_enrolled(&folder, asked, &rootless, None, &clock).is_err());
    assert!(matches!(folder.trust(), Err(Trouble::Missing(_))), "nothing was kept");
    assert_eq!(folder.roots().unwrap(), Roots::default());
}

#[test]
fn the_next_certificate_waits_beside_the_present_until_it_has_worked() {
    let (_state, folder, root) = enrolled();
    let present = folder.trust().unwrap().identity.leaf;
    let asked = renew().unwrap();
    let stranger = AgentName::new("other", Uuid::from_u128(9)).unwrap();
    let wrong = root.issue(&asked.csr, &stranger);
    assert!(take_renewed(&folder, asked, &wrong, &folder.clock()).is_err());
    let anothers = root.issue(&renew().unwrap().csr, &name());
    assert!(take_renewed(&folder, renew().unwrap(), &anothers, &folder.clock()).is_err(), "another's key");
    let asked = renew().unwrap();
    let answer = root.issue(&asked.csr, &name());
    let next = take_renewed(&folder, asked, &answer, &folder.clock()).unwrap();
    let trust = folder.trust().unwrap();
    assert!(trust.is_next && trust.identity.leaf == next.leaf);
    assert_eq!(folder.present().unwrap().unwrap().leaf, present);
    folder.give_up_next().unwrap();
    assert_eq!(folder.trust().unwrap().identity.leaf, present);
    let asked = renew().unwrap();
    let answer = root.issue(&asked.csr, &name());
    let next = take_renewed(&folder, asked, &answer, &folder.clock()).unwrap();
    folder.settle().unwrap();
    folder.settle().unwrap();
    let trust = folder.trust().unwrap();
    assert!(!trust.is_next && trust.identity.leaf == next.leaf);
}

#[test]
fn roots_follow_only_what_a_root_has_signed() {
    let (_state, folder, first) = enrolled();
    let (second, third, evil) = (Root::new(), Root::new(), Root::new());
    assert!(folder.follow(&[evil.announce(2, &[&evil])]).is_err());
    assert!(folder.roots().unwrap().holds(first.pin()));
    let lists = [
        first.announce(2, &[&first, &second]),
        second.announce(3, &[&second]),
        second.announce(4, &[&second, &third]),
        third.announce(5, &[&third]),
        evil.announce(6, &[&evil]),
    ];
    // The one that is wrong is said; those before it count.
    assert!(folder.follow(&lists).is_err());
    let roots = folder.roots().unwrap();
    assert_eq!((roots.generation, roots.roots.len()), (5, 1));
    assert!(roots.holds(third.pin()));
    assert!(!folder.follow(&lists[..4]).unwrap());
    // An answer at the renew door cannot put a root on the list by itself.
    let asked = renew().unwrap();
    let answer =
        Certificate { roots: vec![evil.der.clone()], generation: 99, ..first.issue(&asked.csr, &name()) };
    take_renewed(&folder, asked, &answer, &folder.clock()).unwrap();
    assert!(!folder.roots().unwrap().holds(evil.pin()));
}

#[test]
fn a_write_that_was_cut_off_leaves_the_old_or_the_new() {
    let (_state, folder, root) = enrolled();
    let asked = renew().unwrap();
    let answer = root.issue(&asked.csr, &name());
    let next = take_renewed(&folder, asked, &answer, &folder.clock()).unwrap().leaf;
    let whole = std::fs::read(folder.path().join("next.pem")).unwrap();
    std::fs::remove_file(folder.path().join("next.pem")).unwrap();
    let present = folder.trust().unwrap().identity.leaf;
    // Killed while the file beside it was written: it is never looked at.
    for length in (0..whole.len()).step_by(97) {
        std::fs::write(folder.path().join("next.pem.new"), &whole[..length]).unwrap();
        assert_eq!(folder.trust().unwrap().identity.leaf, present);
    }
    // Damaged on disk, whatever did it: the present one serves, or it is whole.
    for length in (0..whole.len()).step_by(97) {
        std::fs::write(folder.path().join("next.pem"), &whole[..length]).unwrap();
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.path().join("next.pem"), mode).unwrap();
        let leaf = folder.trust().unwrap().identity.leaf;
        assert!(leaf == present || leaf == next);
    }
    // A key that others may read is not used, and nothing is removed.
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.path().join("agent.pem"), open).unwrap();
    std::fs::remove_file(folder.path().join("next.pem")).unwrap();
    let said = folder.trust().map(drop).unwrap_err().to_string();
    assert!(said.contains("others may read"), "{said}");
    assert!(folder.path().join("agent.pem").exists());
}

#[test]
fn renewal_comes_at_half_of_the_life_and_not_for_all_at_once() {
    let (_state, folder, root) = enrolled();
    let identity = folder.trust().unwrap().identity;
    assert_eq!(identity.renew_at(), identity.renew_at());
    let life = END - BEGIN;
    let mut moments = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let asked = renew().unwrap();
        let answer = root.issue(&asked.csr, &name());
        let at = take_renewed(&folder, asked, &answer, &folder.clock()).unwrap().renew_at();
        assert!((BEGIN + life * 4 / 10..=BEGIN + life * 6 / 10).contains(&at), "{at}");
        moments.insert(at);
    }
    assert!(moments.len() > 10);
}
