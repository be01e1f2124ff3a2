//! Redis by TLS: both sides show a certificate, and without the right one nothing is told. Skips loudly where no
//! Redis is installed.

#![expect(clippy::unwrap_used, reason = "clippy does not take helpers of a test for tests")]

use std::sync::atomic::Ordering;
use std::time::Duration;

use fieldward_aggregator::bus::server::RedisConfig;
use fieldward_aggregator::bus::{self, Bus, Inbox};
use fieldward_aggregator::outward::Papers;
use fieldward_shared::service::Notify;
use fieldward_shared::supervisor::Supervisor;
use fieldward_tests::link::pki::Pki;
use fieldward_tests::link::until;
use fieldward_tests::redis::Redis;

/// A replica's way to the others, run.
fn run(config: &RedisConfig, supervisor: &mut Supervisor) -> (Bus, Inbox) {
    let (bus, ends, inbox) = Bus::open(config, &[7; 32]).unwrap().unwrap();
    supervisor.spawn("bus", |stop| bus::run(ends, stop));
    (bus, inbox)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shows_the_right_certificate_is_heard_and_nobody_else() {
    let (pki, stranger) = (Pki::new().unwrap(), Pki::new().unwrap());
    let Some(redis) = Redis::start_sealed(&pki).unwrap() else { return };
    let theirs = tempfile::tempdir().unwrap();
    stranger.write(theirs.path(), "localhost").unwrap();
    let mut supervisor = Supervisor::new(Notify::default(), Duration::from_secs(20));

    let config = redis.config();
    let (known, _inbox) = run(&config, &mut supervisor);
    until("it hears itself", || known.is_up()).await;
    // An answer goes there and back.
    known.forget().await;
    assert!(known.recall("asked").await.is_some());

    let (certificate, key) = (theirs.path().join("certificate.pem"), theirs.path().join("key.pem"));
    let ours = config.tls.clone();
    let not_known_to_us = Papers { roots: theirs.path().join("root.pem"), ..ours.clone() };
    let not_known_to_it = Papers { certificate: Some(certificate), key: Some(key), ..ours.clone() };
    let silent = Papers { certificate: None, key: None, ..ours };
    for tls in [not_known_to_us, not_known_to_it, silent] {
        let (bus, _inbox) = run(&RedisConfig { tls, ..config.clone() }, &mut supervisor);
        until("it failed twice", || bus.counts().failures.load(Ordering::Relaxed) > 1).await;
        assert!(!bus.is_up());
        assert_eq!(bus.counts().sent.load(Ordering::Relaxed), 0, "nothing was told");
    }
    assert!(known.is_up());
    supervisor.run_until(async {}, None).await.unwrap();
}
