//! What agents report is stored once.

use std::collections::BTreeSet;

use fieldward_aggregator::store::alerts::Filter;
use fieldward_aggregator::store::board::{Change, Outcome};
use fieldward_aggregator::store::{Body, Report};
use fieldward_shared::alert::{Severity, Status};
use fieldward_shared::loss::{Loss, Reason};
use fieldward_shared::time::Timestamp;
use fieldward_tests::reports::{Reporter, START};

use crate::{Database, stories};

stories!(
    many_callers_in_any_order_store_once,
    another_payload_for_a_key_is_counted_and_not_stored,
    a_loss_closes_the_gap,
    the_newest_state_of_an_alert_wins_in_any_order,
    an_alert_comes_back_as_it_was,
    what_is_no_alert_holds_up_nothing,
    what_no_agent_sends_is_refused_alone,
);

/// Reports of five agents, sent by eight callers in orders of their own, with repetitions.
async fn many_callers_in_any_order_store_once(database: Database) {
    let store = database.open().await;
    const EACH: u64 = 120;
    let callers = (0..8).map(|seed| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut chance = fastrand::Rng::with_seed(seed);
            let mut reports: Vec<Report> =
                (0..5).flat_map(|agent| (0..EACH).map(move |nth| Reporter::new(agent).nth(nth))).collect();
            chance.shuffle(&mut reports);
            let mut stored = 0;
            while !reports.is_empty() {
                let some = reports.split_off(reports.len() - chance.usize(1..=reports.len().min(70)));
                // Now and then the same twice in a call.
                let twice = chance.bool().then(|| some[0].clone());
                for done in store.commit(some.into_iter().chain(twice).collect()).await.expect("a commit") {
                    assert_eq!(done.contradicted, 0);
                    stored += done.stored;
                }
            }
            stored
        })
    });
    let mut stored = 0;
    for caller in callers.collect::<Vec<_>>() {
        stored += caller.await.expect("a caller");
    }
    assert_eq!(stored, 5 * EACH, "each report is new to one caller");
    for agent in 0..5 {
        let positions = store.positions(Reporter::new(agent).agent).await.expect("positions");
        assert_eq!(positions.len(), 1);
        assert_eq!((positions[0].cum_seq, positions[0].lane), (EACH, Severity::High));
    }
    assert_eq!(database.number("SELECT count(*) FROM alerts").await, 5 * EACH as i64);
    assert_eq!(database.number("SELECT count(*) FROM reports").await, 5 * EACH as i64);
    assert_eq!(database.number("SELECT count(*) FROM alert_sources").await, 25 * EACH as i64);
    store.close().await;
}

async fn another_payload_for_a_key_is_counted_and_not_stored(database: Database) {
    let store = database.open().await;
    let reporter = Reporter::new(1);
    store.commit(vec![reporter.nth(0), reporter.nth(1)]).await.expect("a commit");
    // A cloned machine: the same key, another alert.
    let other = reporter.report(Severity::High, 2, Body::Alert(Box::new(reporter.alert(9, 1))));
    let done = store.commit(vec![other.clone(), reporter.nth(2)]).await.expect("a commit");
    assert_eq!((done[0].stored, done[0].again, done[0].contradicted, done[0].cum_seq), (1, 0, 1, 3));
    assert!(store.alert(reporter.alert(9, 1).id).await.expect("an answer").is_none());
    assert_eq!(database.number("SELECT contradicted FROM positions").await, 1);
    // Both in one call: the first is kept.
    let pair = vec![
        reporter.report(Severity::Low, 1, Body::Alert(Box::new(reporter.alert(4, 1)))),
        reporter.report(Severity::Low, 1, Body::Alert(Box::new(reporter.alert(5, 1)))),
    ];
    let done = store.commit(pair).await.expect("a commit");
    assert_eq!((done[0].stored, done[0].contradicted), (1, 1));
    store.close().await;
}

async fn a_loss_closes_the_gap(database: Database) {
    let store = database.open().await;
    let reporter = Reporter::new(2);
    let loss = |range: Option<(u64, u64)>, seq| {
        let at = Timestamp::from_micros(START);
        let loss = Loss { lane: Severity::High, range, count: 3, reason: Reason::Shed, since: at, until: at };
        reporter.report(Severity::Critical, seq, Body::Loss(loss))
    };
    let lane = |done: Vec<fieldward_aggregator::store::Committed>, lane| {
        done.into_iter().find(|done| done.lane == lane).expect("the lane").cum_seq
    };
    let done = store.commit(vec![reporter.nth(0), reporter.nth(4), reporter.nth(5)]).await.expect("a commit");
    assert_eq!(lane(done, Severity::High), 1);
    // Without a range it says how many, and moves nothing.
    let done = store.commit(vec![loss(None, 1)]).await.expect("a commit");
    assert_eq!((lane(done.clone(), Severity::High), lane(done, Severity::Critical)), (1, 1));
    let done = store.commit(vec![loss(Some((2, 4)), 2)]).await.expect("a commit");
    assert_eq!((lane(done.clone(), Severity::High), lane(done, Severity::Critical)), (6, 2));
    // One that was thought to be lost and comes after all is stored.
    let done = store.commit(vec![reporter.nth(2), loss(Some((2, 4)), 2)]).await.expect("a commit");
    assert_eq!(done.iter().map(|done| (done.stored, done.again)).collect::<Vec<_>>(), [(1, 0), (0, 1)]);
    assert_eq!(database.number("SELECT count(*) FROM losses").await, 2);
    // A range to the end of the numbers closes that lane for good, and harms nobody else.
    let done =
        store.commit(vec![loss(Some((1, u64::MAX)), 3), Reporter::new(3).nth(0)]).await.expect("a commit");
    assert_eq!(lane(done, Severity::Critical), 3);
    store.close().await;
}

/// States of one alert through several lanes; in between a person resolves it.
async fn the_newest_state_of_an_alert_wins_in_any_order(database: Database) {
    let store = database.open().await;
    for seed in 0..24 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let reporter = Reporter::new(100 + seed);
        let mut states: Vec<Report> = (1..=7)
            .map(|count| {
                let mut alert = reporter.alert(1, count);
                alert.title = format!("after {count}");
                let lane = [Severity::Medium, Severity::High][chance.usize(..2)];
                reporter.report(lane, count, Body::Alert(Box::new(alert)))
            })
            .collect();
        chance.shuffle(&mut states);
        let id = reporter.alert(1, 1).id;
        let person = chance.usize(1..7);
        for (nth, state) in states.iter().enumerate() {
            let again = chance.bool().then(|| states[chance.usize(..=nth)].clone());
            store.commit([state.clone()].into_iter().chain(again).collect()).await.expect("a commit");
            if nth == person {
                let now = Timestamp::from_micros(START);
                let change =
                    Change { status: Status::Resolved, seen: None, reason: "", actor: "ann", is_undo: false };
                let done = store.act_on_alert(id, &change, now).await.expect("an answer");
                assert!(matches!(done, Outcome::Done(_)), "{done:?}");
            }
        }
        let stored = store.alert(id).await.expect("an answer").expect("an alert");
        assert_eq!(stored.alert.title, "after 7", "seed {seed}");
        assert_eq!(stored.alert.status, Status::Resolved, "seed {seed}");
    }
    assert_eq!(store.verify_audit().await.expect("the trail").id, 24);
    store.close().await;
}

async fn an_alert_comes_back_as_it_was(database: Database) {
    let store = database.open().await;
    let reporter = Reporter::new(3);
    let mut odd = reporter.alert(1, 5);
    odd.title = "quote \" ' backslash \\ percent % $1 {rows} 工場 \u{1f525}".into();
    odd.context_analysis = None;
    odd.sources[0].context_evidence = serde_json::json!({"deep": [1, -2.5, null, {"ü": 1e300}]});
    odd.correlation_confidence = 0.1;
    odd.maintenance = Some("pump replaced".into());
    let plain = reporter.alert(0, 1);
    let all = [plain.clone(), odd.clone()].into_iter().zip(1..);
    let all = all.map(|(alert, seq)| reporter.report(Severity::High, seq, Body::Alert(Box::new(alert))));
    store.commit(all.collect()).await.expect("a commit");
    for alert in [plain, odd.clone()] {
        assert_eq!(store.alert(alert.id).await.expect("an answer").expect("it").alert, alert);
    }
    // What no database of the two can hold alike becomes something that both can.
    let mut hostile = reporter.alert(2, 1);
    hostile.title = "a\0b".into();
    hostile.sources[0].evidence = "nul \0, and the six characters \\u0000".into();
    hostile.sources[0].context_evidence = serde_json::json!({"k\0": "v\0"});
    hostile.correlation_confidence = f32::NAN;
    hostile.count = u64::MAX;
    hostile.last_seen = Timestamp::from_micros(u64::MAX);
    hostile.status = Status::Resolved;
    let id = hostile.id;
    store
        .commit(vec![reporter.report(Severity::High, 3, Body::Alert(Box::new(hostile)))])
        .await
        .expect("a commit");
    let stored = store.alert(id).await.expect("an answer").expect("it").alert;
    assert_eq!(stored.title, "a\u{fffd}b");
    assert_eq!(stored.sources[0].evidence, "nul \u{fffd}, and the six characters \\u0000");
    assert_eq!(stored.sources[0].context_evidence, serde_json::json!({"k\u{fffd}": "v\u{fffd}"}));
    assert_eq!((stored.correlation_confidence, stored.count), (0.0, i64::MAX as u64));
    assert_eq!(stored.status, Status::New, "what is done about an alert is not for an agent to say");
    store.close().await;
}

async fn what_is_no_alert_holds_up_nothing(database: Database) {
    let store = database.open().await;
    let reporter = Reporter::new(4);
    let mut foreign = reporter.nth(1);
    let Body::Alert(alert) = &mut foreign.body else { panic!("an alert") };
    alert.facility_id = "plant-9".into();
    // The id of another plant's alert changes nothing there.
    let theirs = Reporter::new(9);
    store.commit(vec![theirs.nth(0)]).await.expect("a commit");
    let mut stolen = theirs.alert(0, 99);
    stolen.facility_id = reporter.facility.clone();
    stolen.title = "stolen".into();
    let garbage = reporter.report(Severity::High, 3, Body::Unreadable(vec![0, 159, 255]));
    let stolen = reporter.report(Severity::High, 4, Body::Alert(Box::new(stolen)));
    let done = store.commit(vec![reporter.nth(0), foreign, garbage, stolen]).await.expect("a commit");
    assert_eq!((done[0].cum_seq, done[0].stored), (4, 4));
    assert_eq!(database.number("SELECT count(*) FROM dead_letter").await, 2);
    assert_eq!(
        store.alert(theirs.alert(0, 1).id).await.expect("an answer").expect("it").alert,
        theirs.alert(0, 1)
    );
    let all = store.alerts(&Filter::default(), None, 10).await.expect("a list");
    let plants: BTreeSet<_> = all.iter().map(|stored| stored.alert.facility_id.as_str()).collect();
    assert_eq!((all.len(), plants), (2, BTreeSet::from(["plant-4", "plant-9"])));
    store.close().await;
}

async fn what_no_agent_sends_is_refused_alone(database: Database) {
    let store = database.open().await;
    let reporter = Reporter::new(5);
    for seq in [0, u64::MAX] {
        let report = reporter.report(Severity::High, seq, Body::Unreadable(vec![1]));
        let (refused, done) = tokio::join!(store.commit(vec![report]), store.commit(vec![reporter.nth(0)]));
        assert!(refused.expect_err("no such sequence").to_string().contains("no such sequence"));
        assert_eq!(done.expect("a commit")[0].cum_seq, 1);
    }
    assert!(store.commit(Vec::new()).await.expect("a commit").is_empty());
    store.close().await;
    assert!(store.commit(vec![reporter.nth(1)]).await.is_err(), "a closed store commits nothing");
}
