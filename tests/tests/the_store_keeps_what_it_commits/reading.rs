//! Lists, agents and the audit trail.

use fieldward_aggregator::store::alerts::Filter;
use fieldward_aggregator::store::audit::Act;
use fieldward_aggregator::store::board::Change;
use fieldward_aggregator::store::{AgentStatus, Body, Seen};
use fieldward_shared::alert::{Alert, Severity, Status};
use fieldward_shared::time::Timestamp;
use fieldward_tests::reports::{Reporter, START};

use crate::{Database, stories};

stories!(
    pages_show_what_the_filter_says_once_and_in_order,
    verdicts_are_told_in_order_and_none_is_lost,
    agents_are_known_and_heard_of,
    the_audit_trail_cannot_be_changed_unseen,
    acts_at_the_same_time_are_one_chain,
);

async fn verdicts_are_told_in_order_and_none_is_lost(database: Database) {
    let store = database.open().await;
    let (reporter, other) = (Reporter::new(1), Reporter::new(2));
    for one in [&reporter, &other] {
        let alerts: Vec<Alert> = (0..40).map(|nth| one.alert(nth, 1)).collect();
        let reports = alerts.into_iter().zip(1..);
        let reports =
            reports.map(|(alert, seq)| one.report(Severity::Low, seq, Body::Alert(Box::new(alert))));
        store.commit(reports.collect()).await.expect("a commit");
    }
    // Three at a time, as a job does; the other plant's are nobody's business here.
    let at = |nth: u64| Timestamp::from_micros(START + nth / 3 * 1_000);
    for nth in 0..40 {
        for (one, status) in [(&reporter, Status::FalsePositive), (&other, Status::Resolved)] {
            let reason = if nth == 7 { "it was T0855" } else { "" };
            let change = Change { status, seen: None, reason, actor: "ann", is_undo: false };
            store.act_on_alert(one.alert(nth, 1).id, &change, at(nth)).await.expect("an answer");
        }
    }
    let plant = reporter.alert(0, 1).facility_id;
    let until = at(35);
    let mut told = Vec::new();
    let mut since = Timestamp::from_micros(START - 1);
    while since < until {
        let (verdicts, up_to) = store.verdicts(&plant, since, until, 8).await.expect("verdicts");
        assert!(verdicts.len() <= 8 && up_to > since, "{} up to {up_to}", verdicts.len());
        told.extend(verdicts);
        since = up_to;
    }
    assert!(told.is_sorted_by_key(|verdict| verdict.at) && told.iter().all(|one| one.at <= until));
    assert!(told.iter().all(|one| one.status == Status::FalsePositive));
    let mut alerts: Vec<_> = told.iter().map(|one| one.alert).collect();
    let mut wanted: Vec<_> = (0..36).map(|nth| reporter.alert(nth, 1).id).collect();
    alerts.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(alerts, wanted);
    let named: Vec<_> = told.iter().filter_map(|one| one.technique.as_deref()).collect();
    assert_eq!(named, ["T0855"]);
}

async fn pages_show_what_the_filter_says_once_and_in_order(database: Database) {
    let store = database.open().await;
    let mut all: Vec<Alert> = Vec::new();
    for agent in 0..4 {
        let reporter = Reporter::new(agent);
        let alerts: Vec<Alert> = (0..60).map(|nth| reporter.alert(nth, 1)).collect();
        let reports = alerts.iter().zip(1..);
        let reports = reports
            .map(|(alert, seq)| reporter.report(Severity::Low, seq, Body::Alert(Box::new(alert.clone()))));
        store.commit(reports.collect()).await.expect("a commit");
        all.extend(alerts);
    }
    for alert in all.iter_mut().step_by(7) {
        alert.status = Status::Acknowledged;
        let change = Change { status: alert.status, seen: None, reason: "", actor: "ann", is_undo: false };
        store.act_on_alert(alert.id, &change, alert.timestamp).await.expect("an answer");
    }
    // Alerts of one second are told apart by their ids.
    all.sort_by_key(|alert| std::cmp::Reverse((alert.timestamp, alert.id)));
    let technique = all.iter().find_map(|alert| alert.attack_type.clone()).expect("a technique");
    let chance = &mut fastrand::Rng::with_seed(1);
    for round in 0..40 {
        let filter = Filter {
            facilities: (0..4)
                .filter(|_| chance.u8(..3) == 0)
                .map(|plant| format!("plant-{plant}"))
                .collect(),
            severities: [Severity::High, Severity::Critical].into_iter().filter(|_| chance.bool()).collect(),
            statuses: [Status::New, Status::Acknowledged].into_iter().filter(|_| chance.bool()).collect(),
            techniques: (chance.u8(..4) == 0).then(|| technique.clone()).into_iter().collect(),
            since: chance.bool().then(|| Timestamp::from_micros(START + 20_000_000)),
            until: chance.bool().then(|| Timestamp::from_micros(START + 50_000_000)),
            threat: None,
        };
        let among = |all: bool, any: bool| all || any;
        let wanted = all.iter().filter(|alert| {
            among(filter.facilities.is_empty(), filter.facilities.contains(&alert.facility_id))
                && among(filter.severities.is_empty(), filter.severities.contains(&alert.severity))
                && among(filter.statuses.is_empty(), filter.statuses.contains(&alert.status))
                && among(
                    filter.techniques.is_empty(),
                    alert.attack_type.as_ref().is_some_and(|one| filter.techniques.contains(one)),
                )
                && filter.since.is_none_or(|since| alert.timestamp >= since)
                && filter.until.is_none_or(|until| alert.timestamp < until)
        });
        let mut shown = Vec::new();
        let mut after = None;
        loop {
            let page = store.alerts(&filter, after, 17).await.expect("a page");
            after = page.last().map(|last| last.cursor());
            shown.extend(page.into_iter().map(|stored| stored.alert));
            if after.is_none() {
                break;
            }
        }
        assert_eq!(shown, wanted.cloned().collect::<Vec<_>>(), "round {round}: {filter:?}");
    }
    store.close().await;
}

async fn agents_are_known_and_heard_of(database: Database) {
    let store = database.open().await;
    let reporter = Reporter::new(1);
    let at = Timestamp::from_micros;
    store.add_agent(reporter.agent, "plant-1", AgentStatus::Pending, at(5)).await.expect("added");
    store.add_facility("plant-1", "Waterworks", at(6)).await.expect("named");
    let heard = |time, version: Option<&str>, offset| Seen {
        agent: reporter.agent,
        at: at(time),
        version: version.map(Into::into),
        clock_offset: offset,
    };
    store.seen(&[heard(9, Some("0.1.0"), Some(-7))]).await.expect("heard");
    store.seen(&[heard(8, Some("0.0.9"), None), heard(12, None, None)]).await.expect("heard");
    let agent = store.agent(reporter.agent).await.expect("an answer").expect("the agent");
    assert_eq!((agent.last_seen, agent.version.as_deref()), (Some(at(12)), Some("0.1.0")));
    assert_eq!((agent.clock_offset, agent.status), (Some(-7), AgentStatus::Pending));
    assert!(store.set_agent_status(reporter.agent, AgentStatus::Revoked).await.expect("an answer"));
    assert!(!store.set_agent_status(Reporter::new(2).agent, AgentStatus::Active).await.expect("an answer"));
    // Reports make known who was not: an older backup may have been restored.
    store.commit(vec![reporter.nth(0), Reporter::new(2).nth(0)]).await.expect("a commit");
    let agents = store.agents().await.expect("agents");
    let known: Vec<_> = agents.iter().map(|agent| (agent.facility_id.as_str(), agent.status)).collect();
    assert_eq!(known, [("plant-1", AgentStatus::Revoked), ("plant-2", AgentStatus::Active)]);
    assert_eq!(store.facilities().await.expect("facilities")[0].name, "Waterworks");
    store.close().await;
}

async fn the_audit_trail_cannot_be_changed_unseen(database: Database) {
    let store = database.open().await;
    for nth in 0..1100_u64 {
        let detail = format!("\"{nth}\" \0");
        let act = Act {
            at: Timestamp::from_micros(nth),
            actor: "ann",
            action: "test",
            object: "it",
            detail: &detail,
        };
        let head = store.audit(act).await.expect("written");
        assert_eq!(head, store.audit_head().await.expect("the head"));
    }
    assert_eq!(store.verify_audit().await.expect("a whole chain").id, 1100);
    for refused in [
        "UPDATE audit SET actor = 'bob' WHERE id = 7",
        "DELETE FROM audit WHERE id = 1100",
        "DELETE FROM audit",
    ] {
        let error = database.execute(refused).await.expect_err("append-only").to_string();
        assert!(error.contains("append-only"), "{refused}: {error}");
    }
    // Whoever may drop triggers can change rows, but not what follows from them.
    let (free, rows) = if database.url.starts_with("sqlite") {
        let refused = "INSERT OR REPLACE INTO audit SELECT id, timestamp, 'bob', action, object, detail, prev_hash, hash
            FROM audit WHERE id = 7";
        assert!(database.execute(refused).await.is_err());
        ("DROP TRIGGER audit_is_not_updated; DROP TRIGGER audit_is_not_deleted", "row 7 ")
    } else {
        ("DROP TRIGGER audit_is_not_changed ON audit", "row 7 ")
    };
    database.execute(free).await.expect("freed");
    database.execute("UPDATE audit SET actor = 'bob' WHERE id = 7").await.expect("changed");
    let error = store.verify_audit().await.expect_err("a changed row").to_string();
    assert!(error.contains(rows), "{error}");
    database.execute("UPDATE audit SET actor = 'ann' WHERE id = 7").await.expect("changed back");
    assert!(store.verify_audit().await.is_ok());
    database.execute("DELETE FROM audit WHERE id = 1050").await.expect("taken out");
    let error = store.verify_audit().await.expect_err("a missing row").to_string();
    assert!(error.contains("row 1051 does not follow row 1049"), "{error}");
    store.close().await;
}

async fn acts_at_the_same_time_are_one_chain(database: Database) {
    let store = database.open().await;
    let writers = (0..8_u64).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for nth in 0..20 {
                let (actor, object) = (writer.to_string(), nth.to_string());
                let act = Act {
                    at: Timestamp::from_micros(nth),
                    actor: &actor,
                    action: "t",
                    object: &object,
                    detail: "",
                };
                store.audit(act).await.expect("written");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer");
    }
    assert_eq!(store.verify_audit().await.expect("a whole chain").id, 160);
    store.close().await;
}
