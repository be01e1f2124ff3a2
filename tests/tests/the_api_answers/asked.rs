//! What may be asked is what the document says: nothing is passed over, and nothing is left to be guessed.

use fieldward_aggregator::api::openapi;
use fieldward_tests::api::{Caller, Service};
use serde_json::Value;

use crate::Database;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_parameter_is_passed_over() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.unwrap();
    let admin = service.key("admin", &["*"]).await.unwrap();
    let mut asked = 0;
    for entry in &service.entries {
        // An issuer may send people back with more than it must.
        if entry.path == "/api/auth/oidc/callback" {
            continue;
        }
        let path = entry.path.split('/').map(|part| match part.starts_with('{') {
            true => "00000000-0000-8000-8000-00000000dead",
            false => part,
        });
        let path = path.collect::<Vec<_>>().join("/");
        let answer =
            service.ask(&admin, entry.method, &format!("{path}?nobody-knows=1"), None).await.unwrap();
        let code = answer.json().unwrap_or_default();
        let said = format!("{} {}: {answer:?}", entry.method, entry.path);
        assert_eq!((answer.status.as_u16(), code["code"].as_str()), (400, Some("invalid_query")), "{said}");
        asked += 1;
    }
    assert!(asked > 70, "{asked} routes");
    // A mark without anything behind it is no question.
    assert_eq!(service.ask(&admin, "GET", "/api/users?", None).await.unwrap().status, 200);
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_shows_one_credential() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.unwrap();
    let viewer = service.key("viewer", &["*"]).await.unwrap();
    assert_eq!(service.ask(&viewer, "GET", "/api/auth/me", None).await.unwrap().status, 200);
    for other in ["Bearer x.y.z", "Basic YTpi", ""] {
        let both = viewer.clone().with("authorization", other);
        let answer = service.ask(&both, "GET", "/api/auth/me", None).await.unwrap();
        answer.is_problem(401, "unauthenticated");
    }
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_document_says_of_words_is_what_is_taken() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.unwrap();
    let viewer = service.key("analyst", &["*"]).await.unwrap();
    let ask = async |query: &str| {
        let path = format!("/api/alerts?{query}");
        service.ask(&viewer, "GET", &path, None).await.unwrap().status.as_u16()
    };
    for right in [
        "severity=gte:high",
        "severity=low,%20critical,",
        "facility=",
        "facility=north,south",
        "status=new,false-positive",
        "technique=T0846,T1692.001",
        "range=366d",
        "since=2026-11-20T08:00:00Z",
        "since=2026-11-20T08:00:00.125Z",
        "include=context",
    ] {
        assert_eq!(ask(right).await, 200, "{right}");
    }
    for wrong in [
        "severity=HIGH",
        "facility=*",
        "facility=%0B",
        "facility=north,%09south",
        "status=open",
        "technique=846",
        "range=",
        "range=1w",
        "since=",
        "until=2026-11-20",
        "until=1969-12-31T23:59:59Z",
        "include=all",
        "cursor=",
        "page=10001",
    ] {
        assert_eq!(ask(wrong).await, 400, "{wrong}");
    }
    // A body that may be left out may be null as well, which some clients send instead.
    let json = viewer.with("content-type", "application/json");
    let path = "/api/alerts/00000000-0000-8000-8000-00000000dead/acknowledge";
    service.send(&json, "POST", path, b"null".to_vec()).await.unwrap().is_problem(404, "not_found");
    service.send(&json, "POST", path, Vec::new()).await.unwrap().is_problem(404, "not_found");
    service.send(&json, "POST", path, b"[]".to_vec()).await.unwrap().is_problem(422, "validation_failed");
    service.stop().await.unwrap();
}

#[test]
fn the_document_says_what_is_taken_for_each_word() {
    let document: Value = serde_json::from_str(&openapi::text()).unwrap();
    let (mut parameters, mut worded) = (0, 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let said = format!("{method} {path}");
            for status in ["414", "431"] {
                assert!(operation["responses"][status].is_object(), "{said}: {status}");
            }
            let body = &operation["requestBody"];
            assert_eq!(body.is_object(), operation["responses"]["408"].is_object(), "{said}: 408");
            for one in operation["parameters"].as_array().into_iter().flatten() {
                let (name, schema) = (one["name"].as_str().unwrap(), &one["schema"]);
                parameters += 1;
                // There is no null in an address, and no type twice.
                assert!(schema["type"].is_string() || schema["$ref"].is_string(), "{said}: {name}: {schema}");
                if WORDED.contains(&name) && one["in"] == "query" {
                    worded += 1;
                    assert!(schema["pattern"].is_string(), "{said}: {name}");
                }
            }
        }
    }
    assert!(parameters > 100 && worded > 60, "{parameters} parameters, {worded} of them words");
    let schemas = &document["components"]["schemas"];
    for (body, field) in [("BulkQuery", "range"), ("AddUser", "name"), ("AddKey", "name"), ("First", "name")]
    {
        assert!(schemas[body]["properties"][field]["pattern"].is_string(), "{body}.{field}");
    }
    for body in ["AddUser", "ChangeUser", "First"] {
        assert_eq!(schemas[body]["properties"]["password"]["minLength"], 12, "{body}");
    }
    let export = &document["paths"]["/api/alerts/export"]["get"]["responses"]["200"]["content"];
    assert_eq!(export["text/csv"]["schema"]["type"], "string");
    // What is no text is not called one.
    assert_ne!(export["application/stix+json"]["schema"]["type"], "string");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_nobody_knows_learns_nothing_of_parameters() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.unwrap();
    let answer = service.ask(&Caller::default(), "GET", "/api/users?nobody-knows=1", None).await.unwrap();
    answer.is_problem(401, "unauthenticated");
    service.stop().await.unwrap();
}

/// Parameters that look the same wherever they are.
const WORDED: &[&str] =
    &["cursor", "facility", "include", "range", "severity", "since", "technique", "until"];
