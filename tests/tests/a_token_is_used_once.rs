//! Many bring the same token at the same moment: one gets in, on either database. Then the rest of an agent's
//! life at the doors, so that every query runs on both.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::ca::hall::{Hall, Settings};
use fieldward_aggregator::ca::{door, token};
use fieldward_aggregator::store::Store;
use fieldward_shared::clock::Clock;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{Certificate, EnrollRequest, Message, RenewRequest};
use fieldward_tests::postgres::Postgres;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;

fn csr() -> Vec<u8> {
    let key = KeyPair::generate().expect("a key");
    CertificateParams::default().serialize_request(&key).expect("a request").der().to_vec()
}

async fn enroll(hall: &Hall, from: u8, token: &str, csr: &[u8]) -> Message {
    let request = EnrollRequest { token: token.to_owned(), csr: csr.to_vec(), facility: String::new() };
    door::enroll(hall, IpAddr::V4(Ipv4Addr::new(192, 0, 2, from)), &request).await
}

fn granted(message: Message) -> Certificate {
    match message {
        Message::Certificate(certificate) => certificate,
        other => panic!("{other:?}"),
    }
}

async fn on(url: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Clock::default());
    let now = clock.now();
    let at = Timestamp::from_micros(now * 1_000_000);
    Authority::init(folder.path(), now).expect("an authority");
    let store = Store::open(url).await.expect("a store");
    let settings =
        Settings { folder: folder.path(), key: None, names: &[], operator: None, certificate: None };
    let hall = Arc::new(Hall::open(settings, store.clone(), clock).await.expect("a hall"));
    let draw = async |auto_approve| {
        let (text, token) = token::draw("plant", 3600, auto_approve, "op", now).expect("a token");
        store.add_token(&token).await.expect("a kept token");
        text
    };

    for _ in 0..5 {
        let token = draw(true).await;
        let uses: Vec<_> = (0..20)
            .map(|from| {
                let (hall, token) = (hall.clone(), token.clone());
                tokio::spawn(async move { enroll(&hall, from, &token, &csr()).await })
            })
            .collect();
        let (mut won, mut used) = (0, 0);
        for reply in uses {
            match reply.await.expect("a reply") {
                Message::Certificate(_) => won += 1,
                Message::Refused(refused) if refused.code == "used" => used += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((won, used), (1, 19), "{url}");
    }

    let token = draw(false).await;
    let mine = csr();
    let Message::Pending(pending) = enroll(&hall, 30, &token, &mine).await else { panic!("let in at once") };
    assert_eq!(store.pending().await.expect("those who wait").len(), 1);
    let key = pending.fingerprint.parse().expect("a fingerprint");
    store.decide(key, true, "op", at).await.expect("a decision").expect("one who waits");
    let first = granted(enroll(&hall, 30, &token, &mine).await);
    let peer = |certificate: &Certificate| {
        let chain: Vec<_> = certificate.chain.iter().cloned().map(CertificateDer::from).collect();
        hall.verifier().peer(&chain)
    };
    let agent = peer(&first).expect("a good certificate");
    let second = granted(door::renew(&hall, &agent, &RenewRequest { csr: csr() }).await);
    let list = store.certificates(false).await.expect("certificates");
    assert_eq!(list.len(), 6, "the newest of each");
    assert_eq!(store.certificates(true).await.expect("certificates").len(), 7);
    assert!(store.revoke_certificate(&agent.serial, "op", "lost", at).await.expect("a revocation"));
    hall.tick().await;
    assert!(peer(&first).is_err() && peer(&second).is_ok());
    assert!(store.revoke_agent(agent.name.agent, "op", "stolen", at).await.expect("a revocation"));
    hall.tick().await;
    assert!(peer(&second).is_err());
    assert_eq!(hall.alarms().await.expect("alarms"), []);
    let later = Timestamp::from_micros((now + 8 * 86_400) * 1_000_000);
    assert_eq!(store.forget_certificates(later).await.expect("forgotten"), 7);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_lets_one_in_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    on(&format!("sqlite://{}", folder.path().join("fieldward.db").display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_lets_one_in_on_postgres() {
    let Some(server) = Postgres::shared() else { return };
    on(&server.database().expect("a database")).await;
}
