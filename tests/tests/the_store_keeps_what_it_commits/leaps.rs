//! A clock that leaps ahead does not have everything forgotten.

use std::time::Duration;

use fieldward_aggregator::store::Retention;
use fieldward_aggregator::store::retention::Keeper;
use fieldward_shared::time::Timestamp;
use fieldward_tests::reports::{Reporter, START};

use crate::{Database, stories};

stories!(a_time_of_day_that_leaps_is_believed_after_a_day);

const HOUR: u64 = 3_600_000_000;

async fn a_time_of_day_that_leaps_is_believed_after_a_day(database: Database) {
    let store = database.open().await;
    let reporter = Reporter::new(1);
    store.commit((0..50).map(|nth| reporter.nth(nth)).collect()).await.expect("a commit");
    let kept = async || database.number("SELECT count(*) FROM alerts").await;
    let at = |hours: u64| Timestamp::from_micros(START + hours * HOUR);
    let ran = |hours: u64| Duration::from_secs(hours * 3600);
    let mut keeper = Keeper::new(store.clone(), Retention::default());
    assert!(keeper.hour(at(1), ran(0)).await.expect("an hour").is_some(), "nothing is known yet");
    assert!(keeper.hour(at(2), ran(1)).await.expect("an hour").is_some());

    // Far ahead, and back: nothing has happened.
    let ahead = 400 * 24;
    for hour in 2..12 {
        assert_eq!(keeper.hour(at(ahead + hour), ran(hour)).await.expect("an hour"), None);
    }
    assert_eq!(kept().await, 50);
    assert!(keeper.hour(at(13), ran(12)).await.expect("an hour").is_some());

    // It was off for as long: it doubts for a day, also when it is started again meanwhile.
    assert_eq!(keeper.hour(at(ahead), ran(13)).await.expect("an hour"), None);
    let mut keeper = Keeper::new(store.clone(), Retention::default());
    for hour in 0..24 {
        assert_eq!(keeper.hour(at(ahead + hour), ran(hour)).await.expect("an hour"), None, "{hour}");
    }
    assert_eq!(kept().await, 50);
    let forgotten = keeper.hour(at(ahead + 24), ran(24)).await.expect("an hour").expect("it is believed");
    assert_eq!((forgotten.alerts, kept().await), (50, 0));
    assert!(keeper.hour(at(ahead + 25), ran(25)).await.expect("an hour").is_some());
    store.close().await;
}
