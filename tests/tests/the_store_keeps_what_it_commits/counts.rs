//! What is kept counted is what counting gives, whatever was reported, done and forgotten before.

use fieldward_aggregator::store::alerts::{Filter, Threat, web};
use fieldward_aggregator::store::board::Change;
use fieldward_aggregator::store::counted::{By, SEVERITIES, Tally};
use fieldward_aggregator::store::{Body, Report, Retention, Store};
use fieldward_shared::alert::{Alert, AlertSource, Severity, Status};
use fieldward_shared::time::Timestamp;
use fieldward_tests::reports::{Reporter, START};

use crate::{Database, stories};

stories!(
    counts_are_those_of_the_rows_whatever_happened,
    two_agents_of_a_plant_are_counted_once,
    what_was_there_before_is_counted,
);

const STATUSES: [Status; 4] = [Status::New, Status::Acknowledged, Status::Resolved, Status::FalsePositive];
const KIND: &str = "coalesce(attack_type, (SELECT min(kind) FROM alert_web WHERE alert_id = alerts.id), '')";
const HOUR: u64 = 3_600_000_000;
const DAY: u64 = 24 * HOUR;

/// An alert of a week, which looks otherwise after more findings.
fn alert(reporter: &Reporter, nth: u64, count: u64, chance: &mut fastrand::Rng) -> Alert {
    let mut alert = reporter.alert(nth, count);
    let moment = START + nth * 37 * 60_000_000;
    alert.timestamp = Timestamp::from_micros(moment + if chance.u8(..9) == 0 { 40 * 60_000_000 } else { 0 });
    alert.severity = SEVERITIES[chance.usize(..4)];
    alert.attack_type = (chance.u8(..3) > 0).then(|| format!("T08{:02}", chance.u8(..5)));
    if chance.u8(..4) == 0 {
        let kind = ["web injection", "web script", "web nonsense"][chance.usize(..3)];
        alert.sources.push(AlertSource {
            layer: 1,
            model_name: "web".into(),
            confidence: 0.9,
            detection_time: alert.timestamp,
            evidence: "a request".into(),
            context_evidence: serde_json::json!({ "kind": kind, "findings": 1 }),
        });
    }
    alert.context_analysis = None;
    alert
}

async fn counts_are_those_of_the_rows_whatever_happened(database: Database) {
    let store = database.open().await;
    let chance = &mut fastrand::Rng::with_seed(7);
    let reporters: Vec<Reporter> = (1..=3).map(Reporter::new).collect();
    let (mut seqs, mut sent) = ([0_u64; 3], Vec::<Report>::new());
    for round in 0..60 {
        // Reports of all three, new, grown, and resent.
        let mut reports = Vec::new();
        for _ in 0..chance.usize(1..25) {
            if chance.u8(..5) == 0 && !sent.is_empty() {
                reports.push(sent[chance.usize(..sent.len())].clone());
                continue;
            }
            let plant = chance.usize(..3);
            seqs[plant] += 1;
            let one = alert(&reporters[plant], chance.u64(..270), chance.u64(1..6), chance);
            let mut report = reporters[plant].report(Severity::High, seqs[plant], Body::Alert(Box::new(one)));
            report.received = Timestamp::from_micros(START);
            sent.push(report.clone());
            reports.push(report);
        }
        store.commit(reports).await.expect("a commit");
        for _ in 0..4 {
            let id = reporters[chance.usize(..3)].alert(chance.u64(..270), 1).id;
            let status = STATUSES[chance.usize(1..4)];
            let change = Change { status, seen: None, reason: "", actor: "ann", is_undo: false };
            store.act_on_alert(id, &change, Timestamp::from_micros(START)).await.expect("an answer");
        }
        if round % 20 == 19 {
            let retention = Retention { alerts_days: 1, ..Retention::default() };
            let now = Timestamp::from_micros(START + DAY + chance.u64(..2 * DAY));
            assert!(store.forget(retention, now).await.expect("forgotten").alerts > 0);
        }
        if round % 6 == 5 {
            // Noted or added up, it is the same.
            questions(&database, &store, chance).await;
            agree(&database, &store).await;
            questions(&database, &store, chance).await;
        }
    }
    assert!(database.number("SELECT count(*) FROM alert_web").await > 5);
    store.close().await;
}

/// Both tables of counts and what they are added up from say the same as the rows.
async fn agree(database: &Database, store: &Store) {
    store.add_up().await.expect("added up");
    assert_eq!(database.number("SELECT count(*) FROM alert_changes").await, 0);
    let (hour, day) = match database.url.starts_with("sqlite") {
        true => ("timestamp - timestamp % 3600000000", "timestamp - timestamp % 86400000000"),
        false => ("date_trunc('hour', timestamp, 'UTC')", "date_trunc('day', timestamp, 'UTC')"),
    };
    for (table, keys, counted) in [
        ("alert_totals", "facility_id, attack_type", format!("facility_id, {KIND}")),
        ("alert_hours", "facility_id, timestamp", format!("facility_id, {hour}")),
        ("alert_days", "facility_id, timestamp, attack_type", format!("facility_id, {day}, {KIND}")),
        ("alert_facility_days", "facility_id, timestamp", format!("facility_id, {day}")),
        ("alert_technique_days", "timestamp, attack_type", format!("{day}, {KIND}")),
    ] {
        let mut columns = vec!["count".to_owned()];
        let mut sums = vec!["count(*)".to_owned()];
        for (number, severity) in SEVERITIES.into_iter().enumerate() {
            for status in STATUSES {
                columns.push(format!("{}_{}", severity.name(), status.name().replace('-', "_")));
                let name = status.name();
                sums.push(format!(
                    "sum(CASE WHEN severity = {number} AND status = '{name}' THEN 1 ELSE 0 END)"
                ));
            }
        }
        let kept = format!("SELECT {keys}, {} FROM {table} WHERE count <> 0", columns.join(", "));
        let places: Vec<String> = (1..=keys.split(',').count()).map(|nth| nth.to_string()).collect();
        let rows =
            format!("SELECT {counted}, {} FROM alerts GROUP BY {}", sums.join(", "), places.join(", "));
        for (one, other) in [(&kept, &rows), (&rows, &kept)] {
            let sql = format!("SELECT count(*) FROM ({one} EXCEPT {other}) AS different");
            assert_eq!(database.number(&sql).await, 0, "{table}");
        }
    }
}

/// Whatever is asked, the answer is what looking at all alerts gives.
async fn questions(database: &Database, store: &Store, chance: &mut fastrand::Rng) {
    let all = store.alerts(&Filter::default(), None, 10_000).await.expect("a list");
    assert_eq!(all.len() as i64, database.number("SELECT count(*) FROM alerts").await);
    for nth in 0..25 {
        let moments: [Timestamp; 3] = std::array::from_fn(|_| {
            let at = chance.u64(..8 * 24) * HOUR + chance.u64(..2) * 123_456_789;
            Timestamp::from_micros(START + at)
        });
        let [one, other, now] = moments;
        let filter = Filter {
            facilities: (1..=3)
                .filter(|_| nth % 3 == 0)
                .map(|plant| format!("plant-{plant}"))
                .take(2)
                .collect(),
            severities: [Severity::Low, Severity::Critical]
                .into_iter()
                .filter(|_| chance.u8(..4) == 0)
                .collect(),
            statuses: [Status::New, Status::Resolved].into_iter().filter(|_| chance.u8(..4) == 0).collect(),
            techniques: if nth % 5 == 1 { vec!["T0801".into(), "T0803".into()] } else { Vec::new() },
            since: (chance.u8(..4) > 0).then(|| one.min(other)),
            until: (chance.u8(..4) > 0).then(|| one.max(other)),
            threat: [None, None, Some(Threat::Any), Some(Threat::Web("web-script"))][nth % 4],
        };
        let listed = store.alerts(&filter, None, 10_000).await.expect("a list");
        let kept = store.tally(&filter, now).await.expect("a tally");
        let said = format!("{filter:?} at {now:?}");
        assert_eq!(kept.total(), listed.len() as u64, "{said}");
        for severity in SEVERITIES {
            for status in STATUSES {
                let wanted =
                    listed.iter().filter(|one| one.alert.severity == severity && one.alert.status == status);
                assert_eq!(kept.of(severity, status), wanted.count() as u64, "{said}");
            }
        }
        let counted = store.count_alerts(&filter, 10_000).await.expect("a count");
        assert_eq!((counted.value, counted.is_least), (kept.total(), false), "{said}");
        let skipped = store.alerts_from(&filter, 3, 5).await.expect("a list");
        assert_eq!(skipped, listed.iter().skip(3).take(5).cloned().collect::<Vec<_>>(), "{said}");
        for (by, key) in [
            (By::Facility, (|alert: &Alert| alert.facility_id.clone()) as fn(&Alert) -> String),
            (By::Technique, |alert: &Alert| {
                let web = || web::kinds(alert).first().copied().unwrap_or_default().to_owned();
                alert.attack_type.clone().unwrap_or_else(web)
            }),
        ] {
            let tallies = store.tallies(&filter, by, now).await.expect("tallies");
            let mut sum = Tally::default();
            for (name, tally) in &tallies {
                assert_eq!(
                    tally.total(),
                    listed.iter().filter(|one| key(&one.alert) == *name).count() as u64,
                    "{name} {said}"
                );
                sum.add(tally);
            }
            assert_eq!(sum, kept, "{said}");
        }
        for width in [HOUR / 4, HOUR, 4 * HOUR, DAY] {
            let stretches = store.alerts_over_time(&filter, width, now).await.expect("stretches");
            assert_eq!(
                stretches.iter().map(|(_, _, count)| count).sum::<u64>(),
                kept.total(),
                "{width} {said}"
            );
            for (at, severity, count) in stretches {
                let inside = listed.iter().filter(|one| {
                    let raised = one.alert.timestamp.as_micros();
                    one.alert.severity == severity && raised - raised % width == at.as_micros()
                });
                assert_eq!(count, inside.count() as u64, "{at:?} {width} {said}");
            }
        }
    }
}

/// Two agents at one plant may see the same, and tell it at the same time by two writers.
async fn two_agents_of_a_plant_are_counted_once(database: Database) {
    let store = database.open().await;
    let tasks = (0..4_u64).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut reporter = Reporter::new(1);
            reporter.agent = uuid::Uuid::from_u128(u128::from(number));
            for first in (0..300).step_by(20) {
                let reports = (first..first + 20).map(|nth| {
                    let alert = reporter.alert(nth, 1 + number);
                    reporter.report(Severity::High, nth + 1, Body::Alert(Box::new(alert)))
                });
                store.commit(reports.collect()).await.expect("a commit");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("a caller");
    }
    assert_eq!(database.number("SELECT count(*) FROM alerts").await, 300);
    agree(&database, &store).await;
    store.close().await;
}

/// The subject of the counts comes to a database that has alerts already.
async fn what_was_there_before_is_counted(database: Database) {
    let store = database.open().await;
    let (reporter, chance) = (Reporter::new(1), &mut fastrand::Rng::with_seed(2));
    let reports = (0..200).map(|nth| {
        let alert = alert(&reporter, nth, 1, chance);
        reporter.report(Severity::High, nth + 1, Body::Alert(Box::new(alert)))
    });
    store.commit(reports.collect()).await.expect("a commit");
    for nth in 0..50 {
        let change = Change {
            status: STATUSES[1 + nth as usize % 3],
            seen: None,
            reason: "",
            actor: "ann",
            is_undo: false,
        };
        store
            .act_on_alert(reporter.alert(nth, 1).id, &change, Timestamp::from_micros(START))
            .await
            .expect("done");
    }
    let attacks = database.number("SELECT count(*) FROM alert_web").await;
    store.add_up().await.expect("added up");
    store.close().await;
    database
        .execute(
            "DROP TABLE alert_totals; DROP TABLE alert_hours; DROP TABLE alert_days; DROP TABLE alert_web;
            DROP TABLE alert_facility_days; DROP TABLE alert_technique_days; DROP TABLE alert_changes;
            ALTER TABLE alert_acts DROP COLUMN raised; DELETE FROM _sqlx_migrations WHERE version IN (12, 20)",
        )
        .await
        .expect("as it was before");
    let store = database.open().await;
    agree(&database, &store).await;
    assert_eq!(database.number("SELECT count(*) FROM alert_web").await, attacks);
    assert!(attacks > 0);
    let late = "SELECT count(*) FROM alert_acts JOIN alerts ON alerts.id = alert_acts.alert_id
        WHERE alerts.timestamp <> alert_acts.raised";
    assert_eq!(database.number(late).await, 0);
    store.close().await;
}
