//! Traffic by the second, minute and hour, and what is forgotten.

use fieldward_aggregator::store::Retention;
use fieldward_aggregator::store::sums::Sum;
use fieldward_aggregator::store::traffic::Resolution;
use fieldward_shared::telemetry::NetworkData;
use fieldward_shared::time::Timestamp;
use fieldward_tests::reports::{Reporter, START};

use crate::{Database, stories};

stories!(
    minutes_and_hours_are_the_sums_of_their_seconds,
    what_is_old_is_forgotten_and_not_stored_again,
    forgetting_stands_in_nobodys_way,
);

fn second(facility: &str, at: u64, chance: &mut fastrand::Rng) -> NetworkData {
    NetworkData {
        timestamp: Timestamp::from_micros(at),
        facility_id: facility.into(),
        packets_per_sec: chance.u32(..5000),
        bytes_per_sec: chance.u64(..9_000_000),
        unique_src_ips: chance.u32(..50),
        unique_dest_ips: chance.u32(..50),
        protocol_distribution: f32::from(chance.u8(..=128)) / 128.0,
        failed_connections: chance.u32(..9),
        avg_packet_size: chance.u32(..1500),
        inter_arrival_time: chance.u32(..1_000_000),
        raw_features: [("modbus.reads".to_owned(), 0.5)].into(),
    }
}

async fn minutes_and_hours_are_the_sums_of_their_seconds(database: Database) {
    let store = database.open().await;
    store.add_facility("plant-a", "A", Timestamp::from_micros(0)).await.expect("a plant");
    store.add_facility("plant-b", "B", Timestamp::from_micros(0)).await.expect("a plant");
    let chance = &mut fastrand::Rng::with_seed(3);
    let from = START - START % 3_600_000_000;
    // Seven thousand seconds, not all of them, some with a fraction.
    let all: Vec<NetworkData> = (0..7000)
        .filter(|_| chance.u8(..5) > 0)
        .collect::<Vec<u64>>()
        .into_iter()
        .map(|nth| second("plant-a", from + nth * 1_000_000 + chance.u64(..999_999), chance))
        .collect();
    let mut pieces: Vec<Vec<NetworkData>> = all.chunks(300).map(<[_]>::to_vec).collect();
    pieces.push(vec![second("plant-b", from, chance)]);
    // Some come twice, and at the same time.
    pieces.extend(pieces[..5].to_vec());
    chance.shuffle(&mut pieces);
    let tasks: Vec<_> = pieces
        .into_iter()
        .map(|piece| {
            let store = store.clone();
            tokio::spawn(async move { store.telemetry(piece).await.expect("kept") })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += task.await.expect("a task");
    }
    assert_eq!(new, all.len() as u64 + 1);
    let until = Timestamp::from_micros(from + 2 * 3_600_000_000);
    let from = Timestamp::from_micros(from);
    for resolution in [Resolution::Second, Resolution::Minute, Resolution::Hour] {
        let plants = ["plant-a".to_owned()];
        let read = store.sums(&plants, from, until, resolution).await.expect("traffic");
        assert!(read.is_sorted_by(|a, b| a.at < b.at));
        let sum = |value: fn(&Sum) -> u64| read.iter().map(value).sum::<u64>();
        assert_eq!(sum(|one| one.seconds), all.len() as u64);
        assert_eq!(sum(|one| one.packets), all.iter().map(|one| u64::from(one.packets_per_sec)).sum::<u64>());
        assert_eq!(sum(|one| one.bytes), all.iter().map(|one| one.bytes_per_sec).sum::<u64>());
        assert_eq!(
            sum(|one| one.failed_connections),
            all.iter().map(|one| u64::from(one.failed_connections)).sum::<u64>()
        );
        let most = read.iter().map(|one| one.most_packets_per_sec).max();
        assert_eq!(most, all.iter().map(|one| u64::from(one.packets_per_sec)).max());
        let share: f64 = read.iter().map(|one| one.protocol_distribution).sum();
        let wanted: f64 = all.iter().map(|one| f64::from(one.protocol_distribution)).sum();
        assert!((share - wanted).abs() < 1e-6, "{share} {wanted}");
    }
    assert_eq!(Resolution::fitting(from, until, 100), Resolution::Hour);
    assert_eq!(Resolution::fitting(from, until, 500), Resolution::Minute);
    assert_eq!(Resolution::fitting(from, until, 7200), Resolution::Second);
    store.close().await;
}

const DAY: u64 = 86_400_000_000;

async fn what_is_old_is_forgotten_and_not_stored_again(database: Database) {
    let store = database.open().await;
    let reporter = Reporter::new(1);
    let mut reports: Vec<_> = (0..1300).map(|nth| reporter.nth(nth)).collect();
    // The first 1,200 arrived long ago; one is missing; one was raised by a clock from the future.
    for report in &mut reports[1200..] {
        report.received = report.received.plus(100 * DAY);
        let fieldward_aggregator::store::Body::Alert(alert) = &mut report.body else { panic!("an alert") };
        alert.timestamp = alert.timestamp.plus(100 * DAY);
    }
    let missing = reports.remove(700);
    let fieldward_aggregator::store::Body::Alert(alert) = &mut reports[5].body else { panic!("an alert") };
    alert.timestamp = Timestamp::from_micros(START * 2);
    for piece in reports.chunks(200) {
        store.commit(piece.to_vec()).await.expect("a commit");
    }
    let chance = &mut fastrand::Rng::with_seed(1);
    let seconds = (0..20).flat_map(|days| [second("plant-1", START + days * 5 * DAY, chance)]).collect();
    store.telemetry(seconds).await.expect("kept");
    let now = Timestamp::from_micros(START + 100 * DAY);
    let forgotten = store.forget(Retention::default(), now).await.expect("forgotten");
    assert_eq!(forgotten.alerts, 1199);
    assert_eq!(forgotten.reports, 700, "what lies beyond a gap is still told from what never came");
    assert_eq!(database.number("SELECT count(*) FROM alerts").await, 100);
    assert_eq!(database.number("SELECT count(*) FROM network_data").await, 1);
    assert_eq!(database.number("SELECT count(*) FROM network_data_minutes").await, 5);
    assert_eq!(database.number("SELECT count(*) FROM network_data_hours").await, 17);
    // What is resent was committed; what was missing is stored, and closes the gap.
    let done = store.commit(vec![reports[3].clone(), reports[900].clone(), missing]).await.expect("a commit");
    assert_eq!((done[0].stored, done[0].again, done[0].contradicted, done[0].cum_seq), (1, 2, 0, 1300));
    assert_eq!(store.forget(Retention::default(), now).await.expect("forgotten").reports, 500);
    let again = store.forget(Retention::default(), now).await.expect("forgotten");
    assert_eq!((again.alerts, again.reports, again.traffic), (0, 0, 0));
    store.close().await;
}

/// While much is forgotten, everything that comes is committed.
async fn forgetting_stands_in_nobodys_way(database: Database) {
    let store = database.open().await;
    let old = Reporter::new(1);
    for piece in 0..8 {
        store
            .commit((piece * 500..(piece + 1) * 500).map(|nth| old.nth(nth)).collect())
            .await
            .expect("a commit");
    }
    let now = Timestamp::from_micros(START + 100 * DAY);
    let forget = store.forget(Retention::default(), now);
    let write = async {
        let new = Reporter::new(2);
        for nth in 0..100 {
            let mut report = new.nth(nth);
            report.received = now;
            store.commit(vec![report]).await.expect("a commit");
        }
    };
    let (forgotten, ()) = tokio::join!(forget, write);
    assert_eq!(forgotten.expect("forgotten").reports, 4000);
    assert_eq!(store.positions(Reporter::new(2).agent).await.expect("positions")[0].cum_seq, 100);
    assert_eq!(store.positions(old.agent).await.expect("positions")[0].cum_seq, 4000);
    store.close().await;
}
