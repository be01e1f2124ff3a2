//! The doors on a database.

use std::net::{IpAddr, Ipv4Addr};

use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{Certificate, EnrollRequest, Message, RENEW, RenewRequest, SESSION};

use super::super::hall::{Hall, Settings};
use super::super::verifier::Peer;
use super::super::{door, token};
use super::*;
use crate::store::Store;

struct Scene {
    place: Place,
    hall: Hall,
}

impl Scene {
    async fn at(ahead: u64) -> Self {
        Self::of(Place::made(0), ahead).await
    }

    async fn of(place: Place, ahead: u64) -> Self {
        let url = format!("sqlite://{}", place.path().join("fieldward.db").display());
        let store = Store::open(&url).await.unwrap();
        let settings =
            Settings { folder: place.path(), key: None, names: &[], operator: None, certificate: None };
        let clock = Arc::new(Clock::new(now() + ahead));
        let hall = Hall::open(settings, store, clock).await.unwrap();
        Self { place, hall }
    }

    async fn token(&self, facility: &str, auto_approve: bool) -> String {
        let (text, token) = token::draw(facility, DAYS, auto_approve, "op", self.hall.clock().now()).unwrap();
        self.hall.store().add_token(&token).await.unwrap();
        text
    }

    async fn enroll(&self, token: &str, key: &KeyPair) -> Message {
        self.enroll_from(token, key, "").await
    }

    async fn enroll_from(&self, token: &str, key: &KeyPair, facility: &str) -> Message {
        let request = EnrollRequest { token: token.to_owned(), csr: csr(key), facility: facility.to_owned() };
        door::enroll(&self.hall, IpAddr::V4(Ipv4Addr::LOCALHOST), &request).await
    }

    fn peer(&self, certificate: &Certificate) -> Peer {
        let chain: Vec<_> = certificate.chain.iter().cloned().map(CertificateDer::from).collect();
        self.hall.verifier().peer(&chain).unwrap()
    }

    async fn renew(&self, peer: &Peer, key: &KeyPair) -> Message {
        door::renew(&self.hall, peer, &RenewRequest { csr: csr(key) }).await
    }
}

fn code(message: &Message) -> &str {
    match message {
        Message::Refused(refused) => &refused.code,
        Message::Pending(_) => "pending",
        Message::Certificate(_) => "certificate",
        _ => "something else",
    }
}

fn granted(message: Message) -> Certificate {
    match message {
        Message::Certificate(certificate) => certificate,
        other => panic!("{other:?}"),
    }
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

#[tokio::test]
async fn a_token_lets_in_one_key_and_its_answer_may_be_asked_for_again() {
    let scene = Scene::at(0).await;
    let token = scene.token("plant", true).await;
    let (mine, thief) = (key(), key());
    let first = granted(scene.enroll(&token, &mine).await);
    let again = granted(scene.enroll(&token, &mine).await);
    assert_eq!((&first.agent, first.facility.as_str()), (&again.agent, "plant"));
    assert_eq!(code(&scene.enroll(&token, &thief).await), "used");
    assert_eq!(code(&scene.enroll("fwt_00", &thief).await), "token");
    let wrong = format!("fwt_{}", "0".repeat(64));
    assert_eq!(code(&scene.enroll(&wrong, &thief).await), "token");
    let broken = EnrollRequest { token, csr: vec![1, 2], facility: String::new() };
    assert_eq!(code(&door::enroll(&scene.hall, Ipv4Addr::LOCALHOST.into(), &broken).await), "request");
    assert_eq!(scene.hall.store().certificates(true).await.unwrap().len(), 2);
    let peer = scene.peer(&first);
    assert_eq!((peer.name.agent.to_string(), peer.name.facility.as_str()), (first.agent, "plant"));
}

#[tokio::test]
async fn of_twenty_who_bring_a_token_at_once_one_wins() {
    let scene = Arc::new(Scene::at(0).await);
    let token = scene.token("plant", true).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (scene, token) = (scene.clone(), token.clone());
            tokio::spawn(async move { code(&scene.enroll(&token, &key()).await).to_owned() })
        })
        .collect();
    let mut codes = Vec::new();
    for task in tasks {
        codes.push(task.await.unwrap());
    }
    assert_eq!(codes.iter().filter(|code| *code == "certificate").count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| *code == "used").count(), 19, "{codes:?}");
}

#[tokio::test]
async fn a_token_ends_and_holds_for_one_plant() {
    let scene = Scene::at(0).await;
    let token = scene.token("plant", true).await;
    assert_eq!(code(&scene.enroll_from(&token, &key(), "other").await), "facility");
    let later = Scene::of(scene.place, DAYS + 60).await;
    assert_eq!(code(&later.enroll_from(&token, &key(), "plant").await), "expired");
    let fresh = later.token("plant", true).await;
    assert_eq!(code(&later.enroll_from(&fresh, &key(), "plant").await), "certificate");
}

#[tokio::test]
async fn without_a_word_in_the_token_a_person_decides() {
    let scene = Scene::at(0).await;
    let (mine, other) = (key(), key());
    let token = scene.token("plant", false).await;
    let Message::Pending(pending) = scene.enroll(&token, &mine).await else { panic!("let in at once") };
    assert_eq!(code(&scene.enroll(&token, &other).await), "used");
    assert_eq!(code(&scene.enroll(&token, &mine).await), "pending");
    let at = Timestamp::from_micros(now() * 1_000_000);
    let pin: Pin = pending.fingerprint.parse().unwrap();
    assert_eq!(scene.hall.store().pending().await.unwrap()[0].key, pin);
    assert_eq!(scene.hall.store().decide(Pin([1; 32]), true, "op", at).await.unwrap(), None);
    let approved = scene.hall.store().decide(pin, true, "op", at).await.unwrap().unwrap();
    assert_eq!(scene.hall.store().decide(pin, false, "op", at).await.unwrap(), None, "twice");
    let certificate = granted(scene.enroll(&token, &mine).await);
    assert_eq!(certificate.agent, approved.agent.to_string());
    let refused = scene.token("plant", false).await;
    let Message::Pending(pending) = scene.enroll(&refused, &other).await else { panic!("let in at once") };
    scene.hall.store().decide(pending.fingerprint.parse().unwrap(), false, "op", at).await.unwrap();
    assert_eq!(code(&scene.enroll(&refused, &other).await), "refused");
}

#[tokio::test]
async fn a_certificate_is_renewed_in_time_late_and_never_when_revoked() {
    let scene = Scene::at(0).await;
    let first = granted(scene.enroll(&scene.token("plant", true).await, &key()).await);
    let peer = scene.peer(&first);
    let next = key();
    let second = granted(scene.renew(&peer, &next).await);
    assert_eq!(second.agent, first.agent);
    assert_eq!(code(&scene.renew(&scene.peer(&second), &next).await), "key", "the same key again");
    // Sixty days after its end.
    let late = Scene::of(scene.place, 67 * DAYS).await;
    let peer = late.peer(&second);
    assert!(peer.is_expired && !peer.may_open_session());
    let third = granted(late.renew(&peer, &key()).await);
    assert!(late.peer(&third).may_open_session());
    assert_eq!(late.hall.counts.renewed_late.load(std::sync::atomic::Ordering::Relaxed), 1);
    // A copy that was never recorded, though the authority's own key signed it.
    let mut forged = peer.clone();
    forged.digest = [0; 32];
    assert_eq!(code(&late.renew(&forged, &key()).await), "unknown");
    let at = Timestamp::from_micros(now() * 1_000_000);
    assert!(late.hall.store().revoke_certificate(&peer.serial, "op", "lost", at).await.unwrap());
    assert_eq!(code(&late.renew(&peer, &key()).await), "revoked");
    let good = late.peer(&third);
    assert!(late.hall.store().revoke_agent(good.name.agent, "op", "stolen", at).await.unwrap());
    assert_eq!(code(&late.renew(&good, &key()).await), "revoked");
    assert!(!late.hall.store().revoke_agent(good.name.agent, "op", "stolen", at).await.unwrap());
}

#[tokio::test]
async fn one_tick_after_a_revocation_nothing_lets_it_in() {
    let scene = Scene::at(0).await;
    let certificate = granted(scene.enroll(&scene.token("plant", true).await, &key()).await);
    let peer = scene.peer(&certificate);
    let chain: Vec<_> = certificate.chain.iter().cloned().map(CertificateDer::from).collect();
    let at = Timestamp::from_micros(now() * 1_000_000);
    scene.hall.store().revoke_agent(peer.name.agent, "op", "stolen", at).await.unwrap();
    scene.hall.tick().await;
    assert!(scene.hall.verifier().is_revoked(&peer.serial));
    assert!(scene.hall.verifier().peer(&chain).is_err());
    // Nor after a start.
    let again = Scene::of(scene.place, 0).await;
    assert!(again.hall.verifier().peer(&chain).is_err());
}

#[tokio::test]
async fn whoever_asks_too_often_waits() {
    let scene = Scene::at(0).await;
    let mut codes = Vec::new();
    for _ in 0..40 {
        codes.push(code(&scene.enroll("fwt_00", &key()).await).to_owned());
    }
    assert!(codes.iter().filter(|code| *code == "token").count() >= 20);
    assert!(codes.iter().any(|code| code == "later"), "{codes:?}");
}

#[tokio::test]
async fn a_rotation_beside_the_running_service_is_taken_over() {
    let scene = Scene::at(0).await;
    let mine = key();
    let certificate = granted(scene.enroll(&scene.token("plant", true).await, &mine).await);
    let chain: Vec<CertificateDer<'static>> =
        certificate.chain.iter().cloned().map(CertificateDer::from).collect();
    let known: Vec<CertificateDer<'static>> =
        certificate.roots.iter().cloned().map(CertificateDer::from).collect();
    let agent = Agent { key: mine, chain };
    let tls = fieldward_shared::transport::server_showing(
        scene.hall.server(),
        scene.hall.verifier(),
        scene.hall.clock().clone(),
    )
    .unwrap();
    let before = scene.peer(&certificate);
    assert!(shake(&tls, &super::agent(&agent, &known, SESSION)).is_ok());
    let place = &scene.place;
    let next = Authority::prepare(place.path(), &place.root_key(place.root), now()).unwrap();
    Authority::activate(place.path(), &place.root_key(next), now()).unwrap();
    Authority::taint(place.path()).unwrap();
    Authority::revoke_roots(place.path(), &place.root_key(next), now()).unwrap();
    scene.hall.tick().await;
    // The session that goes on learns that it must renew, and the same TLS serves both.
    assert_ne!(scene.hall.verifier().trusted(), before.trust);
    assert!(!scene.hall.verifier().peer(&agent.chain).unwrap().may_open_session());
    let seen = shake(&tls, &super::agent(&agent, &known, RENEW)).unwrap();
    let peer = scene.hall.verifier().peer(&seen).unwrap();
    let fresh = key();
    let renewed = granted(scene.renew(&peer, &fresh).await);
    let mut list = fieldward_shared::roots::Roots {
        generation: certificate.generation,
        roots: certificate.roots.clone(),
    };
    assert!(list.follow(&renewed.announcements).unwrap());
    assert_eq!((list.generation, &list.roots), (renewed.generation, &renewed.roots));
    assert!(scene.peer(&renewed).may_open_session());
}

#[tokio::test]
async fn what_ends_soon_is_said() {
    let scene = Scene::at(0).await;
    granted(scene.enroll(&scene.token("plant", true).await, &key()).await);
    assert_eq!(scene.hall.alarms().await.unwrap(), []);
    let later = Scene::of(scene.place, 6 * DAYS).await;
    let alarms = later.hall.alarms().await.unwrap();
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert!(alarms[0].what.contains("facility/plant") && alarms[0].step == 1, "{alarms:?}");
    let last = Scene::of(later.place, 360 * DAYS).await;
    let alarms = last.hall.alarms().await.unwrap();
    let step = |what: &str| alarms.iter().find(|alarm| alarm.what.starts_with(what)).map(|alarm| alarm.step);
    assert_eq!((step("intermediate"), step("agent"), step("root")), (Some(7), Some(0), None), "{alarms:?}");
}

/// What was issued is forgotten by the time of day. While that is ahead nothing is, or nobody could renew when
/// it is right again.
#[tokio::test]
async fn a_clock_that_is_ahead_forgets_nobody() {
    let scene = Scene::at(0).await;
    let token = scene.token("plant", true).await;
    let first = granted(scene.enroll(&token, &key()).await);
    scene.hall.tick().await;
    scene.hall.store().close().await;

    let ahead = Scene::of(scene.place, 120 * DAYS).await;
    ahead.hall.tick().await;
    assert_eq!(ahead.hall.store().certificates(true).await.unwrap().len(), 1);
    ahead.hall.store().close().await;

    let again = Scene::of(ahead.place, 0).await;
    again.hall.tick().await;
    let peer = again.peer(&first);
    granted(again.renew(&peer, &key()).await);
    again.hall.store().close().await;
}
