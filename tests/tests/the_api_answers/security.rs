//! Security checks look at what is really so: they fail when it is not as it should be, and pass when it is
//! mended.

use std::net::IpAddr;
use std::path::Path;

use fieldward_aggregator::api::security::{Deployment, NOTE, watch};
use fieldward_aggregator::config::Config;
use fieldward_aggregator::fleet::{Entry, Fleet};
use fieldward_aggregator::store::keys::Key;
use fieldward_aggregator::store::{AgentStatus, now};
use fieldward_shared::keyfile;
use fieldward_shared::wire::{Drift, Health, Hello};
use fieldward_tests::api::{Caller, Service};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Database, stories};

stories!(checks_fail_and_pass_for_real, what_checks_found_is_kept, nobody_runs_checks_who_may_not);

const DAY: u64 = 86_400_000_000;

/// An agent that reports from here on.
fn arrives(fleet: &Fleet, agent: Uuid, health: Health) {
    let hello = Hello { instance: vec![1; 16], release: "9.9".into(), ..Hello::default() };
    let address = IpAddr::from([10, 0, 0, 1]);
    let entry = Entry { agent, facility: "north", session: 1, address, way: "quic", hello: &hello };
    fleet.enter(&entry, now());
    fleet.health(agent, health);
}

fn deployment(folder: &Path, rest: &str) -> Deployment {
    let text = format!(
        "database_url = \"sqlite://{0}/fieldward.db\"\n{rest}\n[ca]\nfolder = \"{0}\"\n",
        folder.display()
    );
    Deployment { config: Config::parse("story", &text, std::iter::empty()).unwrap(), hall: None }
}

async fn result(service: &Service, caller: &Caller, id: &str) -> (String, Value) {
    let path = format!("/api/security/checks/{id}/run");
    let body = service.ask(caller, "POST", &path, None).await.unwrap().json().unwrap();
    let result = body["result"].as_str().unwrap_or_else(|| panic!("{id}: {body}")).to_owned();
    assert_eq!(body["remedy"].is_null(), result == "pass", "{body}");
    assert!(!body["summary"].as_str().unwrap().is_empty());
    (result, body["evidence"].clone())
}

async fn checks_fail_and_pass_for_real(database: Database) {
    let fleet = Fleet::default();
    let store = database.open().await;
    let service = Service::start_with(store, fleet.clone(), None, 1_000_000).await.unwrap();
    let (api, store) = (&service.api, &service.api.store);
    let caller = service.key("analyst", &["*"]).await.unwrap();
    let is = async |id: &str, wanted: &str| {
        let (result, evidence) = result(&service, &caller, id).await;
        assert_eq!(result, wanted, "{id}: {evidence}");
        evidence
    };
    // Nobody watches; what the program was started with is not known.
    is("agents-connected", "fail").await;
    for id in ["backup", "api-tls", "authority", "retention", "agent-spool", "clock-offset"] {
        is(id, "unknown").await;
    }
    // An agent that is not there, then is there and well, then is not well.
    let agent = Uuid::from_u128(7);
    store.add_agent(agent, "north", AgentStatus::Active, now()).await.unwrap();
    assert_eq!(is("agents-connected", "fail").await["offline"].as_array().unwrap().len(), 1);
    let well = Health {
        disk_free_bytes: 50 << 30,
        models: vec!["forest".into()],
        state: "watching".into(),
        drift: vec![Drift { feature: "packets".into(), index: 0.05, ..Drift::default() }],
        oldest_model: now().as_secs() - 86_400,
        ..Health::default()
    };
    arrives(&fleet, agent, well.clone());
    let passing = [
        "agents-connected",
        "capture-loss",
        "agent-spool",
        "agent-disk",
        "models-at-work",
        "model-age",
        "model-drift",
    ];
    for id in passing {
        is(id, "pass").await;
    }
    fleet.clock(agent, now(), now().plus(30_000_000), now());
    assert!(is("clock-offset", "fail").await["most_offset_ms"].as_u64().unwrap() > 29_000);
    assert_eq!(is("agent-releases", "warn").await["others"], json!([format!("north/{agent}: 9.9")]));
    fleet.contradict(agent, 2);
    is("agent-identity", "fail").await;
    let ill = Health {
        capture_loss: 0.02,
        memory_only: true,
        disk_free_bytes: 1 << 20,
        models: Vec::new(),
        drift: vec![Drift { feature: "packets".into(), index: 0.3, ..Drift::default() }],
        oldest_model: now().as_secs() - 400 * 86_400,
        ..well
    };
    fleet.health(agent, ill);
    for (id, wanted) in [
        ("capture-loss", "warn"),
        ("agent-spool", "fail"),
        ("agent-disk", "fail"),
        ("models-at-work", "warn"),
        ("model-age", "warn"),
        ("model-drift", "warn"),
    ] {
        is(id, wanted).await;
    }
    is("agents-pending", "pass").await;
    store.add_agent(Uuid::from_u128(8), "south", AgentStatus::Pending, now()).await.unwrap();
    is("agents-pending", "warn").await;
    // A key that nobody has used for long, until it is revoked; the story's own ends within the hour.
    is("old-keys", "warn").await;
    let old = Key {
        id: Uuid::new_v4(),
        name: "forgotten".into(),
        role: "admin".into(),
        facilities: vec!["*".into()],
        created: then(100),
        created_by: "story".into(),
        expires: now().plus(200 * DAY),
        last_used: None,
        revoked: None,
    };
    store.add_key(&old, [9; 32], now()).await.unwrap();
    let found = is("old-keys", "fail").await;
    assert_eq!((&found["unused_for_90_days"], &found["lasting_over_180_days"]), (&json!(1), &json!(1)));
    is("strong-keys", "warn").await;
    assert!(store.revoke_key(old.id, "story", now()).await.unwrap());
    is("old-keys", "warn").await;
    is("strong-keys", "pass").await;
    // The first user.
    assert_eq!(is("administrators", "fail").await["administrators"], 0);
    is("setup-link", "pass").await;
    api.auth.setup.open(store).await.unwrap();
    is("setup-link", "fail").await;
    service.user("ann", "admin", &["*"], "a long password 1").await.unwrap();
    is("administrators", "warn").await;
    service.user("bob", "admin", &["*"], "a long password 2").await.unwrap();
    is("administrators", "pass").await;
    is("idle-users", "pass").await;
    // What takes long: nobody has changed the trail, the database syncs.
    assert!(is("audit-trail", "pass").await["rows"].as_u64().unwrap() > 3);
    is("database-durability", "pass").await;
    is("records-lost", "pass").await;
    // What the program was started with.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("fieldward.db"), "").unwrap();
    api.security.know(deployment(folder.path(), "[api]\nlisten = \"127.0.0.1:0\"\ntls = \"off\""));
    is("api-tls", "warn").await;
    is("replicas-link", "pass").await;
    assert_eq!(is("demo-mode", "pass").await["demo_mode"], false);
    is("revocation", "pass").await;
    is("backup", "fail").await;
    keyfile::write(&folder.path().join(NOTE), format!("{} 5\n", then(10).rfc3339()).as_bytes()).unwrap();
    assert_eq!(is("backup", "warn").await["age_days"], 10);
    keyfile::write(&folder.path().join(NOTE), format!("{} 5\n", now().rfc3339()).as_bytes()).unwrap();
    is("backup", "pass").await;
    is("retention", "pass").await;
    let file = folder.path().join("fieldward.db");
    for (mode, wanted) in [(0o644, "fail"), (0o600, "pass")] {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        is("database-access", wanted).await;
    }
    // Alerts of a clock that is years behind, kept for longer than they are to be.
    let (free, _) = result(&service, &caller, "disk-room").await;
    assert_ne!(free, "unknown");
    let mut early = fieldward_tests::reports::Reporter::new(1).nth(0);
    let fieldward_aggregator::store::Body::Alert(alert) = &mut early.body else { panic!("an alert") };
    alert.attack_type = Some("T0812".into());
    alert.timestamp = then(100);
    early.received = then(100);
    store.commit(vec![early]).await.unwrap();
    assert_eq!(is("retention", "fail").await["old_alerts"], true);
    is("default-credentials", "pass").await;
    let mut fresh = fieldward_tests::reports::Reporter::new(2).nth(0);
    let fieldward_aggregator::store::Body::Alert(alert) = &mut fresh.body else { panic!("an alert") };
    alert.attack_type = Some("T0812".into());
    alert.timestamp = then(1);
    store.commit(vec![fresh]).await.unwrap();
    is("default-credentials", "fail").await;
    service.stop().await.unwrap();
}

async fn what_checks_found_is_kept(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    let caller = service.key("analyst", &["*"]).await.unwrap();
    let get = async |path: &str| service.get(&caller, path).await.unwrap();
    let before = get("/api/security/checks").await;
    let totals = &before["totals"];
    let sum: u64 = totals.as_object().unwrap().values().map(|one| one.as_u64().unwrap()).sum();
    assert_eq!(sum as usize, before["checks"].as_array().unwrap().len());
    let one = get("/api/security/checks/audit-trail").await;
    assert_eq!(
        (&one["check"]["result"], &one["history"]),
        (&json!("unknown"), &json!([])),
        "looking keeps nothing"
    );
    watch::once(&service.api).await.unwrap();
    watch::once(&service.api).await.unwrap();
    let one = get("/api/security/checks/audit-trail").await;
    assert_eq!((&one["check"]["result"], one["history"].as_array().unwrap().len()), (&json!("pass"), 1));
    assert_eq!(
        (&one["history"][0]["result"], &one["history"][0]["actor"]),
        (&json!("pass"), &json!("aggregator"))
    );
    result(&service, &caller, "audit-trail").await;
    let one = get("/api/security/checks/audit-trail").await;
    assert_eq!(one["history"][0]["actor"], "key story-analyst");
    assert_eq!(one["history"].as_array().unwrap().len(), 2);
    // The score is what its formula says.
    let score = get("/api/security/compliance-score").await;
    let parts = score["checks"].as_array().unwrap();
    let known: Vec<&Value> = parts.iter().filter(|part| !part["points"].is_null()).collect();
    let points: f64 = known.iter().map(|part| part["points"].as_f64().unwrap()).sum();
    let weight: f64 = known.iter().map(|part| part["weight"].as_f64().unwrap()).sum();
    assert!((score["score"].as_f64().unwrap() - points / weight * 100.0).abs() < 0.06, "{score}");
    assert_eq!(parts.len() - known.len(), score["unknown"].as_u64().unwrap() as usize);
    assert!(known.iter().any(|part| part["result"] == "fail"), "no agent is there");
    let history = score["history"].as_array().unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history[1]["score"], score["score"]);
    let monitoring =
        score["requirements"].as_array().unwrap().iter().find(|one| one["id"] == "SR 6.2").unwrap();
    assert_eq!(monitoring["result"], "fail");
    // Who had a check run stands in the trail.
    let acts = service.api.store.acts(i64::MAX, 10).await.unwrap();
    assert!(acts.iter().any(|act| act.action == "security.check" && act.object == "audit-trail"));
    service.stop().await.unwrap();
}

async fn nobody_runs_checks_who_may_not(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    let viewer = service.key("viewer", &["*"]).await.unwrap();
    let some = service.key("admin", &["north"]).await.unwrap();
    assert!(service.get(&viewer, "/api/security/checks").await.is_ok());
    let path = "/api/security/checks/backup/run";
    service.ask(&viewer, "POST", path, None).await.unwrap().is_problem(403, "missing_role");
    service.ask(&some, "GET", "/api/security/checks", None).await.unwrap().is_problem(403, "missing_scope");
    let analyst = service.key("analyst", &["*"]).await.unwrap();
    for path in ["/api/security/checks/nothing/run", "/api/security/checks/%27/run"] {
        service.ask(&analyst, "POST", path, None).await.unwrap().is_problem(404, "not_found");
    }
    let wrong = service.ask(&viewer, "GET", "/api/security/compliance-score?range=x", None).await.unwrap();
    wrong.is_problem(400, "invalid_query");
    service.stop().await.unwrap();
}

fn then(days: u64) -> fieldward_shared::time::Timestamp {
    fieldward_shared::time::Timestamp::from_micros(now().as_micros() - days * DAY)
}
