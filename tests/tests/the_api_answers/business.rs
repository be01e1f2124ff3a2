//! Business figures are made of what people did, and of nothing else; models, training and drift of what agents
//! told.

use std::net::IpAddr;

use fieldward_aggregator::api::security::Deployment;
use fieldward_aggregator::config::Config;
use fieldward_aggregator::fleet::{Entry, Fleet};
use fieldward_aggregator::store::board::Change;
use fieldward_aggregator::store::{Body, now};
use fieldward_shared::alert::{Severity, Status};
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{Drift, Health, Hello};
use fieldward_tests::api::Service;
use fieldward_tests::reports::Reporter;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Database, stories};

stories!(times_are_those_that_people_took, what_was_not_agreed_is_null, models_and_drift_are_as_agents_tell);

const MINUTE: u64 = 60_000_000;

/// Alerts of two plants, one each minute, that began ten seconds before; what was done about some of them.
async fn history(service: &Service, start: Timestamp) {
    let store = &service.api.store;
    for plant in [1, 2] {
        let reporter = Reporter::new(plant);
        let reports = (0..4).map(|nth| {
            let mut report = reporter.nth(nth);
            let Body::Alert(alert) = &mut report.body else { panic!("an alert") };
            alert.timestamp = start.plus(nth * MINUTE);
            alert.first_seen = Timestamp::from_micros(alert.timestamp.as_micros() - 10_000_000 * plant);
            alert.severity = Severity::High;
            report
        });
        store.commit(reports.collect()).await.unwrap();
    }
    let list = store.alerts(&Default::default(), None, 50).await.unwrap();
    assert_eq!(list.len(), 8);
    for one in &list {
        let at = |minutes: u64| one.alert.timestamp.plus(minutes * MINUTE);
        let nth = one.alert.timestamp.since(start) / MINUTE;
        let does = |status, actor, at| {
            let change = Change { status, seen: None, reason: "", actor, is_undo: false };
            async move { store.act_on_alert(one.alert.id, &change, at).await.unwrap() }
        };
        match (one.alert.facility_id.as_str(), nth) {
            ("plant-1", 0) => {
                does(Status::Acknowledged, "user ann", at(2)).await;
                does(Status::Resolved, "user bob", at(30)).await;
                // A correction afterwards is no second closing.
                does(Status::FalsePositive, "user ann", at(50)).await;
            }
            ("plant-1", 1) => drop(does(Status::Resolved, "user ann", at(10)).await),
            ("plant-2", 0) => drop(does(Status::FalsePositive, "user bob", at(20)).await),
            ("plant-2", 1) => drop(does(Status::Acknowledged, "user bob", at(6)).await),
            _ => {}
        }
    }
}

async fn times_are_those_that_people_took(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    history(&service, Timestamp::from_micros(now().as_micros() - 120 * MINUTE)).await;
    let engineer = service.key("engineer", &["*"]).await.unwrap();
    let kpi = service.get(&engineer, "/api/business/kpi?range=24h").await.unwrap();
    let spread = |value: &Value| {
        ["count", "mean_seconds", "p50_seconds", "p90_seconds", "max_seconds"]
            .map(|name| value[name].as_f64())
    };
    let known = |all: [f64; 5]| all.map(Some);
    assert_eq!(spread(&kpi["time_to_detect"]), known([8.0, 15.0, 10.0, 20.0, 20.0]));
    // 2, 6, 10 and 20 minutes; 10, 20 and 30 minutes.
    assert_eq!(spread(&kpi["time_to_acknowledge"]), known([4.0, 570.0, 360.0, 1200.0, 1200.0]));
    assert_eq!(spread(&kpi["time_to_resolve"]), known([3.0, 1200.0, 1200.0, 1800.0, 1800.0]));
    assert_eq!((&kpi["open"], &kpi["is_sample"]), (&json!(5), &json!(false)));
    assert!((kpi["false_positive_rate"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-9);
    let plants = kpi["facilities"].as_array().unwrap();
    assert_eq!(plants.len(), 2);
    assert_eq!(plants[0]["time_to_acknowledge"]["count"], 2);
    assert_eq!(plants[1]["time_to_detect"]["mean_seconds"], 20.0);
    let people = kpi["analysts"].as_array().unwrap();
    let names: Vec<&str> = people.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["user ann", "user bob"]);
    assert_eq!(people[1]["time_to_resolve"]["mean_seconds"], 1500.0);
    assert!(people[0]["time_to_detect"].is_null());
    // Who is no engineer does not see how fast others are; who sees one plant sees its figures.
    let viewer = service.key("viewer", &["plant-1"]).await.unwrap();
    let some = service.get(&viewer, "/api/business/kpi").await.unwrap();
    assert!(some["analysts"].is_null() && some["unknown"]["analysts"].is_string());
    assert_eq!((&some["time_to_detect"]["count"], &some["open"]), (&json!(4), &json!(2)));
    assert_eq!(some["facilities"].as_array().unwrap().len(), 1);
    let none = service.key("viewer", &[]).await.unwrap();
    let none = service.get(&none, "/api/business/kpi").await.unwrap();
    assert_eq!((&none["time_to_detect"]["count"], &none["false_positive_rate"]), (&json!(0), &Value::Null));
    // Before all of it.
    let before =
        service.get(&engineer, "/api/business/kpi?range=1h&until=2026-05-01T00:00:00Z").await.unwrap();
    assert_eq!(before["acts_examined"], 0);
    service.stop().await.unwrap();
}

async fn what_was_not_agreed_is_null(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    history(&service, Timestamp::from_micros(now().as_micros() - 120 * MINUTE)).await;
    let caller = service.key("viewer", &["*"]).await.unwrap();
    let sla = service.get(&caller, "/api/business/sla").await.unwrap();
    assert!(sla["attainment"].is_null() && sla["unknown"]["goals"].is_string());
    assert_eq!(sla["goals"].as_array().unwrap().len(), 8);
    assert!(sla["goals"].as_array().unwrap().iter().all(|goal| goal["met"].is_null()));
    let cost = service.get(&caller, "/api/business/cost").await.unwrap();
    assert!(cost["stored_bytes"].as_u64().unwrap() > 10_000);
    for name in ["stored_cost", "watched_cost", "total_cost"] {
        assert!(cost[name].is_null() && cost["unknown"][name].is_string(), "{name}");
    }
    let text = "database_url = \"sqlite:///x\"\n[business]\nacknowledge_high = 5\nresolve_high = 25\n\
                currency = \"EUR\"\nprice_stored = 2\nprice_watched = 0.5";
    let config = Config::parse("story", text, std::iter::empty()).unwrap();
    service.api.security.know(Deployment { config, hall: None });
    let sla = service.get(&caller, "/api/business/sla").await.unwrap();
    let goal = |name: &str| {
        let goals = sla["goals"].as_array().unwrap();
        goals.iter().find(|one| one["severity"] == "high" && one["goal"] == name).unwrap().clone()
    };
    // Of 2, 6, 10 and 20 minutes one is in time; four were never looked at.
    let goal_of = |name| ["met", "late", "overdue"].map(|part| goal(name)[part].as_u64().unwrap());
    assert_eq!(goal_of("acknowledge"), [1, 3, 4]);
    // Of 10, 20 and 30 minutes two; five are open.
    assert_eq!(goal_of("resolve"), [2, 1, 5]);
    assert_eq!(
        (goal("acknowledge")["attainment"].as_f64(), sla["attainment"].as_f64()),
        (Some(0.125), Some(0.1875))
    );
    let cost = service.get(&caller, "/api/business/cost?range=30d").await.unwrap();
    let bytes = cost["stored_bytes"].as_f64().unwrap();
    assert!((cost["stored_cost"].as_f64().unwrap() - bytes / f64::from(1 << 30) * 2.0).abs() < 1e-9);
    assert_eq!((&cost["currency"], &cost["watched_cost"]), (&json!("EUR"), &json!(0.0)));
    let some = service.key("viewer", &["plant-1"]).await.unwrap();
    let cost = service.get(&some, "/api/business/cost").await.unwrap();
    assert!(cost["stored_bytes"].is_null() && cost["total_cost"].is_null());
    service.stop().await.unwrap();
}

async fn models_and_drift_are_as_agents_tell(database: Database) {
    let fleet = Fleet::default();
    let service = Service::start_with(database.open().await, fleet.clone(), None, 1_000_000).await.unwrap();
    let caller = service.key("viewer", &["*"]).await.unwrap();
    let get = async |path: &str| service.get(&caller, path).await.unwrap();
    assert_eq!(get("/api/models").await["models"], json!([]));
    assert_eq!(get("/api/drift").await["agents"], json!([]));
    let drift = |index| Drift { feature: format!("feature {index}"), index, ..Drift::default() };
    for (number, facility, state, models, moved) in [
        (1, "north", "watching", vec!["forest", "autoencoder"], vec![drift(0.05), drift(0.3)]),
        (2, "south", "training", vec!["forest"], vec![]),
    ] {
        let hello = Hello { instance: vec![1; 16], ..Hello::default() };
        let address = IpAddr::from([10, 0, 0, 1]);
        let agent = Uuid::from_u128(number);
        let entry = Entry { agent, facility, session: 1, address, way: "quic", hello: &hello };
        fleet.enter(&entry, now());
        let models = models.into_iter().map(str::to_owned).collect();
        fleet.health(agent, Health { state: state.into(), models, drift: moved, ..Health::default() });
    }
    let models = get("/api/models").await;
    assert_eq!(
        models["models"],
        json!([
            { "name": "autoencoder", "agents": 1, "facilities": ["north"] },
            { "name": "forest", "agents": 2, "facilities": ["north", "south"] },
        ])
    );
    assert!(models["version"].is_null() && models["unknown"]["version"].is_string());
    let jobs = get("/api/training/jobs").await;
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&jobs["jobs"][0]["facility_id"], &jobs["jobs"][0]["state"]),
        (&json!("south"), &json!("training"))
    );
    let drifts = get("/api/drift").await;
    assert_eq!(
        (&drifts["agents"][0]["status"], &drifts["agents"][1]["status"]),
        (&json!("moved"), &Value::Null)
    );
    assert_eq!(drifts["agents"][0]["features"][0]["feature"], "feature 0.3");
    let some = service.key("viewer", &["south"]).await.unwrap();
    assert_eq!(service.get(&some, "/api/models").await.unwrap()["agents"], 1);
    assert_eq!(service.get(&some, "/api/drift").await.unwrap()["agents"].as_array().unwrap().len(), 1);
    service.stop().await.unwrap();
}
