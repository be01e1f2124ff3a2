//! Many alerts at once: as a job that says what came of each, can be taken back, and survives a restart; and
//! requests that are sent twice and done once.

use std::sync::Arc;

use fieldward_aggregator::api::Api;
use fieldward_aggregator::api::jobs::run;
use fieldward_aggregator::store::now;
use fieldward_shared::service::Notify;
use fieldward_shared::supervisor::Supervisor;
use fieldward_tests::api::{Caller, Service};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::alerts::seed;
use crate::{Database, stories};

stories!(
    a_job_says_what_came_of_each_and_is_taken_back,
    a_job_goes_on_after_the_process_has_ended,
    what_is_asked_for_is_what_was_seen,
    what_is_sent_twice_is_done_once,
    nobody_changes_or_sees_what_is_not_his,
);

/// Does all that there is to do, as a process of its own.
async fn work(api: &Api) {
    let runner = Uuid::new_v4();
    while run::step(api, runner, now()).await.expect("a step") {}
}

async fn post(service: &Service, caller: &Caller, path: &str, body: Value) -> fieldward_tests::api::Answer {
    service.ask(caller, "POST", path, Some(body)).await.unwrap()
}

fn count(list: &Value) -> u64 {
    list["total"].as_u64().unwrap()
}

async fn a_job_says_what_came_of_each_and_is_taken_back(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    seed(&service.api.store, 120).await;
    let ann = service.key("analyst", &["*"]).await.unwrap();
    let get = async |path: &str| service.get(&ann, path).await.unwrap();
    let low = get("/api/alerts?severity=low&limit=500").await;
    assert_eq!(count(&low), 60);
    let id = |nth: usize| low["alerts"][nth]["id"].as_str().unwrap().to_owned();
    // One is as it is to be, and one is closed and not to be taken up again.
    post(&service, &ann, &format!("/api/alerts/{}/acknowledge", id(0)), json!({})).await;
    post(&service, &ann, &format!("/api/alerts/{}/dismiss", id(1)), json!({})).await;
    let body = json!({ "action": "acknowledge", "query": { "severity": "low" }, "expected_count": 60, "reason": "CHG-8421" });
    let asked = post(&service, &ann, "/api/alerts/bulk", body).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let place = asked.header("location").to_owned();
    let job = asked.json().unwrap();
    assert_eq!((&job["state"], &job["total"], &job["done"]), (&json!("running"), &json!(60), &json!(0)));
    assert_eq!(job["results"], json!({ "waiting": 60 }));
    assert_eq!(place, format!("/api/jobs/{}", job["id"].as_str().unwrap()));
    // It cannot be taken back before it is done.
    post(&service, &ann, &format!("{place}/undo"), json!({})).await.is_problem(409, "not_undoable");
    run::step(&service.api, Uuid::from_u128(1), now()).await.unwrap();
    let some = get(&place).await;
    assert!((1..60).contains(&some["done"].as_u64().unwrap()), "{some}");
    while run::step(&service.api, Uuid::from_u128(1), now()).await.unwrap() {}
    let job = get(&place).await;
    assert_eq!((&job["state"], &job["done"]), (&json!("done"), &json!(60)));
    assert_eq!(job["results"], json!({ "done": 58, "unchanged": 1, "invalid_transition": 1 }));
    assert_eq!(job["failed"], json!([{ "id": id(1), "code": "invalid_transition" }]));
    assert_eq!(count(&get("/api/alerts?severity=low&status=acknowledged").await), 59);
    let acts = get(&format!("/api/alerts/{}/history", id(5))).await;
    assert_eq!(
        (&acts["acts"][0]["reason"], &acts["acts"][0]["actor"]),
        (&json!("CHG-8421"), &json!("key story-analyst"))
    );
    let mut walked = Vec::new();
    let mut from = json!(0);
    while !from.is_null() {
        let page = get(&format!("{place}/items?limit=25&from={from}")).await;
        walked.extend(page["items"].as_array().unwrap().iter().cloned());
        from = page["next_from"].clone();
    }
    assert_eq!(walked.len(), 60);
    assert!(walked.iter().all(|item| item["result"] != "waiting"));
    // Somebody goes on with one of them, then all is taken back: that one stays.
    let further = format!("/api/alerts/{}/status", id(7));
    service.ask(&ann, "PUT", &further, Some(json!({ "status": "resolved" }))).await.unwrap();
    assert_eq!(post(&service, &ann, &format!("{place}/undo"), json!({})).await.status, 202);
    work(&service.api).await;
    let job = get(&place).await;
    assert_eq!((&job["state"], &job["undo_until"]), (&json!("undone"), &Value::Null));
    assert_eq!(
        job["results"],
        json!({ "undone": 57, "changed_since": 1, "unchanged": 1, "invalid_transition": 1 })
    );
    assert_eq!(count(&get("/api/alerts?severity=low&status=new").await), 57);
    assert_eq!(get(&format!("/api/alerts/{}", id(7))).await["status"], "resolved");
    assert_eq!(get(&format!("/api/alerts/{}", id(0))).await["status"], "acknowledged");
    post(&service, &ann, &format!("{place}/undo"), json!({})).await.is_problem(409, "not_undoable");
    assert!(service.api.store.verify_audit().await.is_ok());
    service.stop().await.unwrap();
}

async fn a_job_goes_on_after_the_process_has_ended(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    seed(&service.api.store, 100).await;
    let ann = service.key("analyst", &["*"]).await.unwrap();
    let body = json!({ "action": "resolve", "query": {}, "expected_count": 200, "reason": "drill" });
    let place = post(&service, &ann, "/api/alerts/bulk", body).await.header("location").to_owned();
    let id: Uuid = place.rsplit('/').next().unwrap().parse().unwrap();
    // A process does a piece, is in the middle of the next, and ends: alerts were changed, and nobody noted it.
    let dead = Uuid::from_u128(1);
    let store = &service.api.store;
    assert!(run::step(&service.api, dead, now()).await.unwrap());
    let taken = store.take_job(dead, now(), now().plus(30_000_000)).await.unwrap().unwrap();
    let items = store.note_statuses(&taken, 50).await.unwrap();
    for item in &items[..20] {
        let change = fieldward_aggregator::store::board::Change {
            status: taken.target,
            seen: None,
            reason: &taken.reason,
            actor: &taken.actor,
            is_undo: false,
        };
        store.act_on_alert(item.alert, &change, now()).await.unwrap();
    }
    service.stop().await.unwrap();
    // The next one waits until the lease has ended, and goes on.
    let service = Service::start(database.open().await).await.unwrap();
    let next = Uuid::from_u128(2);
    assert!(!run::step(&service.api, next, now()).await.unwrap(), "another one is at it");
    let later = || now().plus(60_000_000);
    while run::step(&service.api, next, later()).await.unwrap() {}
    let job = service.get(&ann, &place).await.unwrap();
    assert_eq!(job["results"], json!({ "done": 200 }), "what was done before is known to be");
    // Each was done once.
    let list = service.get(&ann, "/api/activities?since=2026-01-01T00:00:00Z&limit=500").await.unwrap();
    assert_eq!(list["total"], 200);
    // A process that has lost its lease changes nothing any more.
    let job = service.api.store.job(id).await.unwrap().unwrap();
    assert!(!service.api.store.keep_results(&job, dead, &[(0, "failed")], now()).await.unwrap());
    // And all of it runs by itself, until the stop.
    assert_eq!(post(&service, &ann, &format!("{place}/undo"), json!({})).await.status, 202);
    let api: Arc<Api> = service.api.clone();
    let mut supervisor = Supervisor::new(Notify::default(), std::time::Duration::from_secs(20));
    supervisor.spawn("jobs", |stop| run::run(api, stop));
    let (stop, asked) = oneshot::channel::<()>();
    let runs = tokio::spawn(supervisor.run_until(async { drop(asked.await) }, None));
    let until = now().plus(60_000_000);
    while service.get(&ann, &place).await.unwrap()["state"] != "undone" {
        assert!(now() < until, "it is not taken back");
        tokio::task::yield_now().await;
    }
    assert_eq!(service.get(&ann, &place).await.unwrap()["results"], json!({ "undone": 200 }));
    stop.send(()).unwrap();
    runs.await.unwrap().unwrap();
    service.stop().await.unwrap();
}

async fn what_is_asked_for_is_what_was_seen(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    seed(&service.api.store, 20).await;
    let ann = service.key("analyst", &["*"]).await.unwrap();
    let list = service.get(&ann, "/api/alerts?limit=3").await.unwrap();
    let ids: Vec<Value> = list["alerts"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    let differs = json!({ "action": "resolve", "query": { "severity": "high" }, "expected_count": 9 });
    let answer = post(&service, &ann, "/api/alerts/bulk", differs).await;
    answer.is_problem(409, "count_differs");
    assert_eq!(answer.json().unwrap()["details"], json!({ "count": 10, "expected": 9 }));
    for wrong in [
        json!({ "action": "resolve" }),
        json!({ "action": "resolve", "query": {} }),
        json!({ "action": "resolve", "query": {}, "ids": ids, "expected_count": 3 }),
        json!({ "action": "resolve", "ids": [] }),
        json!({ "action": "resolve", "ids": [ids[0], ids[0]] }),
        json!({ "action": "resolve", "ids": ["x"] }),
        json!({ "action": "delete", "ids": ids }),
        json!({ "action": "resolve", "ids": ids, "colour": "red" }),
        json!({ "action": "resolve", "ids": ids, "reason": "x".repeat(1001) }),
        json!({ "action": "resolve", "query": { "severity": "urgent" }, "expected_count": 1 }),
        json!({ "action": "resolve", "query": { "page": 1 }, "expected_count": 1 }),
    ] {
        let answer = post(&service, &ann, "/api/alerts/bulk", wrong.clone()).await;
        assert_eq!(answer.status, 422, "{wrong}: {answer:?}");
        answer.is_problem(422, "validation_failed");
    }
    let named = json!({ "action": "dismiss", "ids": ids, "expected_count": 2 });
    post(&service, &ann, "/api/alerts/bulk", named).await.is_problem(409, "count_differs");
    assert_eq!(service.get(&ann, "/api/jobs").await.unwrap()["jobs"], json!([]), "nothing was begun");
    let searched = json!({ "action": "dismiss", "query": { "search": "EXCEPTION", "facility": "plant-1" }, "expected_count": 20 });
    assert_eq!(post(&service, &ann, "/api/alerts/bulk", searched).await.status, 202);
    work(&service.api).await;
    assert_eq!(count(&service.get(&ann, "/api/alerts?status=false-positive").await.unwrap()), 20);
    let listed = service.get(&ann, "/api/jobs").await.unwrap();
    assert_eq!(listed["jobs"][0]["results"], json!({ "done": 20 }));
    service.stop().await.unwrap();
}

async fn what_is_sent_twice_is_done_once(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    seed(&service.api.store, 20).await;
    let ann = service.key("analyst", &["*"]).await.unwrap();
    let keyed = ann.clone().with("idempotency-key", "0197-a");
    let body = json!({ "action": "resolve", "query": { "severity": "low" }, "expected_count": 10 });
    let first = post(&service, &keyed, "/api/alerts/bulk", body.clone()).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (202, ""));
    work(&service.api).await;
    let again = post(&service, &keyed, "/api/alerts/bulk", body.clone()).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (202, "true"));
    assert_eq!((&again.body, again.header("location")), (&first.body, first.header("location")));
    assert_eq!(again.header("content-type"), "application/json");
    assert_eq!(service.get(&ann, "/api/jobs").await.unwrap()["jobs"].as_array().unwrap().len(), 1);
    // Another body, or another path, under the same key.
    let other = json!({ "action": "dismiss", "query": { "severity": "low" }, "expected_count": 10 });
    post(&service, &keyed, "/api/alerts/bulk", other).await.is_problem(422, "idempotency_mismatch");
    let list = service.get(&ann, "/api/alerts?status=new&limit=2").await.unwrap();
    let path =
        |nth: usize| format!("/api/alerts/{}/acknowledge", list["alerts"][nth]["id"].as_str().unwrap());
    post(&service, &keyed, &path(0), json!({})).await.is_problem(422, "idempotency_mismatch");
    // The key of another is another key.
    let bob = service.key("analyst", &["*"]).await.unwrap().with("idempotency-key", "0197-a");
    let seen = post(&service, &bob, &path(0), json!({})).await;
    assert_eq!((seen.status.as_u16(), seen.header("idempotency-replayed")), (200, ""));
    let etag = seen.header("etag").to_owned();
    let again = post(&service, &bob, &path(0), json!({})).await;
    assert_eq!((again.header("etag"), again.header("idempotency-replayed")), (etag.as_str(), "true"));
    // What was refused has done nothing: the key is free again.
    let fresh = ann.clone().with("idempotency-key", "0197-b");
    let late = fresh.clone().with("if-match", "\"v9\"");
    post(&service, &late, &path(1), json!({})).await.is_problem(412, "precondition_failed");
    assert_eq!(post(&service, &fresh, &path(1), json!({})).await.status, 200);
    // Many at once are one.
    let keyed = ann.clone().with("idempotency-key", "0197-c");
    let body = json!({ "action": "resolve", "query": { "severity": "high" }, "expected_count": 10 });
    let all = (0..8).map(|_| post(&service, &keyed, "/api/alerts/bulk", body.clone()));
    let codes: Vec<u16> = futures(all.collect()).await.iter().map(|answer| answer.status.as_u16()).collect();
    assert!(codes.contains(&202) && codes.iter().all(|code| [202, 409].contains(code)), "{codes:?}");
    assert_eq!(service.get(&ann, "/api/jobs").await.unwrap()["jobs"].as_array().unwrap().len(), 2);
    // Where it is not heeded, or is no key, that is said.
    let admin = service.key("admin", &["*"]).await.unwrap().with("idempotency-key", "x");
    let key = json!({ "name": "siem", "role": "viewer", "facilities": ["*"] });
    post(&service, &admin, "/api/keys", key).await.is_problem(400, "idempotency_unsupported");
    let long = "x".repeat(129);
    for wrong in ["a b", long.as_str()] {
        let caller = ann.clone().with("idempotency-key", wrong);
        post(&service, &caller, &path(1), json!({})).await.is_problem(400, "invalid_header");
    }
    service.stop().await.unwrap();
}

/// All of them at once.
async fn futures<T: Send>(all: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (one, done) in all.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(answer) = one.as_mut().poll(context) {
                *done = Some(answer);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

async fn nobody_changes_or_sees_what_is_not_his(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    seed(&service.api.store, 10).await;
    let all = service.key("analyst", &["*"]).await.unwrap();
    let some = service.key("analyst", &["plant-1"]).await.unwrap();
    let admin = service.key("admin", &["*"]).await.unwrap();
    let viewer = service.key("viewer", &["*"]).await.unwrap();
    let body = json!({ "action": "resolve", "query": {}, "expected_count": 10 });
    post(&service, &viewer, "/api/alerts/bulk", body.clone()).await.is_problem(403, "missing_role");
    let foreign = service.get(&all, "/api/alerts?facility=plant-2&limit=1").await.unwrap();
    let own = service.get(&all, "/api/alerts?facility=plant-1&limit=1").await.unwrap();
    let nobody = Uuid::from_u128(5).to_string();
    let ids = json!([foreign["alerts"][0]["id"], nobody, own["alerts"][0]["id"]]);
    let named = json!({ "action": "resolve", "ids": ids });
    let place = post(&service, &some, "/api/alerts/bulk", named).await.header("location").to_owned();
    work(&service.api).await;
    // What is not his looks like what never was.
    let items = service.get(&some, &format!("{place}/items")).await.unwrap();
    for nth in [0, 1] {
        let item = &items["items"][nth];
        assert_eq!((&item["result"], &item["status_before"]), (&json!("not_found"), &Value::Null));
        assert_eq!(item["alert_id"], ids[nth]);
    }
    assert_eq!(items["items"][2]["result"], "done");
    assert_eq!(count(&service.get(&all, "/api/alerts?facility=plant-2&status=new").await.unwrap()), 10);
    // A filter finds what is in scope.
    assert_eq!(post(&service, &some, "/api/alerts/bulk", body).await.status, 202);
    work(&service.api).await;
    assert_eq!(count(&service.get(&all, "/api/alerts?status=resolved").await.unwrap()), 10);
    // A job is for who asked for it, and for administrators.
    for path in [place.clone(), format!("{place}/items")] {
        service.ask(&all, "GET", &path, None).await.unwrap().is_problem(404, "not_found");
        assert!(service.get(&admin, &path).await.is_ok());
    }
    post(&service, &all, &format!("{place}/undo"), json!({})).await.is_problem(404, "not_found");
    assert_eq!(service.get(&all, "/api/jobs").await.unwrap()["jobs"], json!([]));
    assert_eq!(service.get(&admin, "/api/jobs").await.unwrap()["jobs"].as_array().unwrap().len(), 2);
    service.stop().await.unwrap();
}
