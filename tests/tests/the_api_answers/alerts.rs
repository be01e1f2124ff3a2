//! Alerts as people work with them: found, looked at, closed, counted, and only those of their plants.

use std::collections::BTreeSet;

use fieldward_aggregator::store::Store;
use fieldward_tests::api::{Caller, Service};
use fieldward_tests::reports::Reporter;
use serde_json::{Value, json};

use crate::{Database, stories};

stories!(
    lists_are_filtered_paged_and_searched,
    a_walk_by_cursor_sees_each_once_while_more_come_in,
    what_people_do_is_kept_and_nobody_overwrites_another,
    nobody_sees_the_alerts_of_another_plant,
    the_minute_before_is_shown_as_the_agent_sent_it,
);

/// So many alerts of each of two plants.
pub async fn seed(store: &Store, count: u64) {
    for number in [1, 2] {
        let reporter = Reporter::new(number);
        for from in (0..count).step_by(100) {
            let piece = (from..count.min(from + 100)).map(|nth| reporter.nth(nth)).collect();
            store.commit(piece).await.expect("a commit");
        }
    }
}

fn ids(page: &Value) -> Vec<String> {
    let alerts = page["alerts"].as_array().expect("alerts");
    alerts.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}

async fn lists_are_filtered_paged_and_searched(database: Database) {
    let service = Service::start(database.open().await).await.expect("an API");
    seed(&service.api.store, 120).await;
    let caller = service.key("viewer", &["*"]).await.unwrap();
    let get = |path: &'static str| service.get(&caller, path);
    let all = get("/api/alerts").await.unwrap();
    assert_eq!((&all["total"], &all["page"], &all["pages"]), (&json!(240), &json!(1), &json!(5)));
    assert_eq!((&all["total_relation"], ids(&all).len()), (&json!("exact"), 50));
    assert!(all["alerts"][0]["context_analysis"].is_null());
    assert!(!get("/api/alerts?include=context").await.unwrap()["alerts"][0]["context_analysis"].is_null());
    let times: Vec<&str> =
        all["alerts"].as_array().unwrap().iter().map(|one| one["timestamp"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one >= next));
    // A quarter each.
    for (query, count) in [
        ("severity=critical", 60),
        ("severity=high,critical", 120),
        ("severity=gte:medium", 180),
        ("facility=plant-1", 120),
        ("facility=plant-1&severity=low", 30),
        ("facility=nowhere", 0),
        ("facility=plant-1,plant-2&status=new", 240),
        ("status=resolved", 0),
        ("range=15m", 0),
        ("since=2026-05-01T00:00:00Z", 240),
        ("until=2026-05-28T20:26:50Z", 20),
        ("search=EXCEPTION", 240),
        ("search=no%20such%20words", 0),
        ("search=%25", 0),
    ] {
        let page = service.get(&caller, &format!("/api/alerts?{query}")).await.unwrap();
        assert_eq!(page["total"], json!(count), "{query}");
        assert_eq!(ids(&page).len(), count.min(50), "{query}");
    }
    // Pages by number are the list, cut.
    let mut walked = Vec::new();
    for page in 1..=5 {
        walked.extend(ids(&service.get(&caller, &format!("/api/alerts?page={page}")).await.unwrap()));
    }
    assert_eq!(walked.iter().collect::<BTreeSet<_>>().len(), 240);
    let all = ids(&get("/api/alerts?limit=500").await.unwrap());
    assert_eq!(walked, all);
    assert!(ids(&get("/api/alerts?page=6").await.unwrap()).is_empty());
    // What is searched is found where it stands.
    let one = get("/api/alerts?limit=1").await.unwrap();
    let asset = one["alerts"][0]["src_assets"][0].as_str().unwrap();
    let found = service.get(&caller, &format!("/api/alerts?search={asset}&limit=500")).await.unwrap();
    assert!(ids(&found).contains(&ids(&one)[0]) && found["searched"] == 240);
    for wrong in [
        "severity=urgent",
        "status=open",
        "facility=No%20Plant",
        "page=0",
        "limit=501",
        "page=100000",
        "range=1w",
        "since=yesterday",
        "cursor=x",
        "include=all",
        "technique=X1",
        "colour=red",
        "severity=low&severity=high",
        "since=2026-05-02T00:00:00Z&until=2026-05-01T00:00:00Z",
    ] {
        let answer = service.ask(&caller, "GET", &format!("/api/alerts?{wrong}"), None).await.unwrap();
        answer.is_problem(400, "invalid_query");
    }
    // `%'; DROP TABLE alerts; --` is words like others.
    let odd = get("/api/alerts?search=%25%27%3B%20DROP%20TABLE%20alerts%3B%20--").await.unwrap();
    assert_eq!(odd["total"], 0);
    let active = get("/api/alerts/active?limit=1").await.unwrap();
    let history = get("/api/alerts/history").await.unwrap();
    assert_eq!((&active["total"], &history["total"]), (&json!(240), &json!(0)));
    service.stop().await.unwrap();
}

async fn a_walk_by_cursor_sees_each_once_while_more_come_in(database: Database) {
    let service = Service::start(database.open().await).await.expect("an API");
    seed(&service.api.store, 90).await;
    let caller = service.key("viewer", &["*"]).await.unwrap();
    let before: BTreeSet<String> =
        ids(&service.get(&caller, "/api/alerts?limit=500").await.unwrap()).into_iter().collect();
    for query in ["limit=7", "limit=7&severity=high,low&facility=plant-1", "limit=7&search=exception"] {
        let (mut walked, mut cursor, mut nth) = (Vec::new(), None, 0);
        loop {
            let next = cursor.map(|cursor: String| format!("&cursor={cursor}")).unwrap_or_default();
            let page = service.get(&caller, &format!("/api/alerts?{query}{next}")).await.unwrap();
            walked.extend(ids(&page));
            // Newer ones come in meanwhile.
            nth += 1;
            let late = Reporter::new(3 + nth).nth(1000 + nth);
            service.api.store.commit(vec![late]).await.unwrap();
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        let unique: BTreeSet<String> = walked.iter().cloned().collect();
        assert_eq!(unique.len(), walked.len(), "{query}: one twice");
        let wanted = if query.contains("facility") { 45 } else { before.len() };
        assert_eq!(unique.intersection(&before).count(), wanted, "{query}");
    }
    let page = service.get(&caller, "/api/alerts?limit=7").await.unwrap();
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = format!("/api/alerts?limit=7&severity=low&cursor={cursor}");
    service.ask(&caller, "GET", &other, None).await.unwrap().is_problem(400, "invalid_query");
    service.stop().await.unwrap();
}

async fn what_people_do_is_kept_and_nobody_overwrites_another(database: Database) {
    let service = Service::start(database.open().await).await.expect("an API");
    seed(&service.api.store, 8).await;
    let (viewer, ann) =
        (service.key("viewer", &["*"]).await.unwrap(), service.key("analyst", &["*"]).await.unwrap());
    let list = ids(&service.get(&viewer, "/api/alerts").await.unwrap());
    let path = format!("/api/alerts/{}", list[0]);
    let seen = service.ask(&viewer, "GET", &path, None).await.unwrap();
    assert_eq!(seen.header("etag"), "\"v1\"");
    let again = viewer.clone().with("if-none-match", "\"v1\"");
    assert_eq!(service.ask(&again, "GET", &path, None).await.unwrap().status, 304);
    let status = format!("{path}/status");
    let set = |caller: &Caller, status_: &str| {
        let (caller, body) = (caller.clone(), json!({ "status": status_, "reason": "I look" }));
        let (service, status) = (&service, status.clone());
        async move { service.ask(&caller, "PUT", &status, Some(body)).await.unwrap() }
    };
    set(&viewer, "acknowledged").await.is_problem(403, "missing_role");
    let matching = ann.clone().with("if-match", "\"v1\"");
    let (one, other) = tokio::join!(set(&matching, "acknowledged"), set(&matching, "resolved"));
    let mut codes = [one.status.as_u16(), other.status.as_u16()];
    codes.sort_unstable();
    assert_eq!(codes, [200, 412], "one was faster");
    let late = if one.status == 412 { one } else { other };
    late.is_problem(412, "precondition_failed");
    assert_eq!(late.json().unwrap()["details"]["current"]["revision"], 2);
    assert_eq!(late.header("etag"), "\"v2\"");
    // Without a revision it is done as the documents say; the same again changes nothing.
    let done = set(&ann, "resolved").await.json().unwrap();
    assert_eq!(done["status"], "resolved");
    assert_eq!(set(&ann, "resolved").await.json().unwrap()["revision"], done["revision"]);
    set(&ann, "acknowledged").await.is_problem(409, "invalid_transition");
    for wrong in
        [json!({ "status": "new" }), json!({ "status": "closed" }), json!({}), json!({ "status": 1 })]
    {
        service.ask(&ann, "PUT", &status, Some(wrong)).await.unwrap().is_problem(422, "validation_failed");
    }
    let long = json!({ "status": "false-positive", "reason": "x".repeat(1001) });
    service.ask(&ann, "PUT", &status, Some(long)).await.unwrap().is_problem(422, "validation_failed");
    // The short ways, with and without a body.
    let second = format!("/api/alerts/{}", list[1]);
    let acknowledged = service.ask(&ann, "POST", &format!("{second}/acknowledge"), None).await.unwrap();
    assert_eq!(acknowledged.json().unwrap()["status"], "acknowledged");
    let body = Some(json!({ "reason": "a test of ours" }));
    let dismissed = service.ask(&ann, "POST", &format!("{second}/dismiss"), body).await.unwrap();
    assert_eq!(dismissed.json().unwrap()["status"], "false-positive");
    let history = service.get(&viewer, &format!("{second}/history")).await.unwrap();
    let acts = history["acts"].as_array().unwrap();
    assert_eq!(acts.len(), 2);
    assert_eq!(
        (&acts[1]["from"], &acts[1]["to"], &acts[1]["reason"]),
        (&json!("acknowledged"), &json!("false-positive"), &json!("a test of ours"))
    );
    assert_eq!(acts[1]["actor"], "key story-analyst");
    let stats = service.get(&viewer, "/api/alerts/stats").await.unwrap();
    for (field, count) in [("total", 16), ("critical", 4), ("unresolved", 14), ("false_positives", 1)] {
        assert_eq!(stats[field], json!(count), "{field}");
    }
    assert_eq!(
        stats["by_status"],
        json!({ "new": 14, "acknowledged": 0, "resolved": 1, "false-positive": 1 })
    );
    let system = service.get(&viewer, "/api/system/status").await.unwrap();
    assert_eq!((&system["active_alerts"], &system["fl_progress"]), (&json!(14), &Value::Null));
    assert!(system["unknown"]["fl_progress"].is_string());
    let recent = service.get(&viewer, "/api/activities/recent").await.unwrap();
    assert_eq!(recent["activities"][0], acts[1]);
    // Whoever of the two was faster: two of the second alert, and one or two of the first.
    let first = service.get(&viewer, &format!("{path}/history")).await.unwrap();
    let all = 2 + first["acts"].as_array().unwrap().len();
    let page = service.get(&viewer, "/api/activities?limit=2&page=2").await.unwrap();
    assert_eq!((&page["total"], page["activities"].as_array().unwrap().len()), (&json!(all), all - 2));
    assert!(service.api.store.verify_audit().await.is_ok());
    // An agent's next report does not undo what people did.
    let mut report = Reporter::new(1).nth(7);
    let fieldward_aggregator::store::Body::Alert(alert) = &mut report.body else { panic!("an alert") };
    (alert.count, report.seq, report.digest) = (99, 500, [5; 32]);
    service.api.store.commit(vec![report]).await.unwrap();
    let stats = service.get(&viewer, "/api/alerts/stats").await.unwrap();
    assert_eq!(stats["unresolved"], 14);
    service.stop().await.unwrap();
}

async fn nobody_sees_the_alerts_of_another_plant(database: Database) {
    let service = Service::start(database.open().await).await.expect("an API");
    seed(&service.api.store, 10).await;
    let all = service.key("admin", &["*"]).await.unwrap();
    let (north, nothing) =
        (service.key("analyst", &["plant-1"]).await.unwrap(), service.key("analyst", &[]).await.unwrap());
    let theirs = ids(&service.get(&all, "/api/alerts?facility=plant-2").await.unwrap());
    assert_eq!(theirs.len(), 10);
    for query in [
        "",
        "?facility=plant-2",
        "?search=exception",
        "?facility=plant-1,plant-2",
        "?page=2&limit=4",
        "?severity=low",
    ] {
        for list in ["/api/alerts", "/api/alerts/active", "/api/alerts/history"] {
            let page = service.get(&north, &format!("{list}{query}")).await.unwrap();
            assert!(
                page["alerts"].as_array().unwrap().iter().all(|one| one["facility_id"] == "plant-1"),
                "{list}{query}"
            );
            assert!(page["total"].as_u64().unwrap() <= 10);
            let page = service.get(&nothing, &format!("{list}{query}")).await.unwrap();
            assert_eq!((&page["total"], ids(&page).len()), (&json!(0), 0), "{list}{query}");
        }
    }
    for caller in [&north, &nothing] {
        for (method, path) in [
            ("GET", "/api/alerts/ID"),
            ("GET", "/api/alerts/ID/history"),
            ("PUT", "/api/alerts/ID/status"),
            ("POST", "/api/alerts/ID/acknowledge"),
            ("POST", "/api/alerts/ID/dismiss"),
            ("GET", "/api/context/ID/evidence"),
            ("GET", "/api/context/ID/timeline"),
            ("GET", "/api/context/plant-2/current"),
        ] {
            let body = (method == "PUT").then(|| json!({ "status": "resolved" }));
            let answer = service.ask(caller, method, &path.replace("ID", &theirs[0]), body).await.unwrap();
            answer.is_problem(404, "not_found");
        }
    }
    assert_eq!(
        service.get(&all, "/api/alerts/stats").await.unwrap()["unresolved"],
        20,
        "nothing was changed"
    );
    assert_eq!(service.get(&north, "/api/alerts/stats").await.unwrap()["total"], 10);
    assert_eq!(service.get(&nothing, "/api/alerts/stats").await.unwrap()["total"], 0);
    let seen = service.get(&north, "/api/facilities").await.unwrap();
    assert_eq!(
        seen["facilities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["plant-1"]
    );
    let agents = service.get(&north, "/api/fleet/agents").await.unwrap();
    assert!(agents["agents"].as_array().unwrap().iter().all(|one| one["facility_id"] == "plant-1"));
    // What others do is not told either.
    service.ask(&all, "POST", &format!("/api/alerts/{}/acknowledge", theirs[0]), None).await.unwrap();
    for caller in [&north, &nothing] {
        let recent = service.get(caller, "/api/activities/recent").await.unwrap();
        assert_eq!(recent["activities"], json!([]));
    }
    service.stop().await.unwrap();
}

async fn the_minute_before_is_shown_as_the_agent_sent_it(database: Database) {
    let service = Service::start(database.open().await).await.expect("an API");
    seed(&service.api.store, 2).await;
    let caller = service.key("viewer", &["plant-1"]).await.unwrap();
    let alert = Reporter::new(1).alert(1, 1);
    let context = alert.context_analysis.unwrap();
    let timeline = service.get(&caller, &format!("/api/context/{}/timeline", alert.id)).await.unwrap();
    let points = timeline["timeline"].as_array().unwrap();
    assert_eq!(points.len(), context.timeline.len());
    for (point, sent) in points.iter().zip(&context.timeline) {
        assert_eq!(point["time"], json!(sent.time.rfc3339()));
        assert_eq!(point["packets_per_sec"], json!(sent.packets_per_sec));
        assert_eq!(point["status"], json!(sent.status));
    }
    let evidence = service.get(&caller, &format!("/api/context/{}/evidence", alert.id)).await.unwrap();
    assert_eq!(evidence["timeline"], timeline["timeline"]);
    assert_eq!(evidence["pattern_analysis"]["pattern_type"], json!(context.pattern));
    assert_eq!(evidence["evidence"]["failed_connections"], json!(context.evidence["connections"]));
    let least = context.timeline.iter().map(|point| point.packets_per_sec).min().unwrap();
    assert!(evidence["evidence"]["packets_per_sec"].as_str().unwrap().starts_with(&format!("{least} to ")));
    let detail = service.get(&caller, &format!("/api/alerts/{}", alert.id)).await.unwrap();
    assert_eq!(detail["context_analysis"]["timeline"], timeline["timeline"]);
    assert_eq!(detail["sources"].as_array().unwrap().len(), alert.sources.len());
    // No agent of the plant is connected: that is said, and nothing else.
    let now = service.ask(&caller, "GET", "/api/context/plant-1/current", None).await.unwrap();
    now.is_problem(503, "agent_unavailable");
    service.stop().await.unwrap();
}
