//! What is stored is known field by field, as the database itself has it, and texts can be made nameless.

use fieldward_tests::api::Service;
use serde_json::{Value, json};

use crate::{Database, stories};

stories!(every_field_of_the_database_has_a_class, texts_are_made_nameless);

async fn every_field_of_the_database_has_a_class(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    let caller = service.key("engineer", &["*"]).await.unwrap();
    let known = service.get(&caller, "/api/privacy/classification").await.unwrap();
    let fields = known["fields"].as_array().unwrap();
    assert!(fields.len() > 150, "the tables were not read");
    let strange: Vec<&Value> = fields.iter().filter(|one| one["class"] == "unclassified").collect();
    assert!(strange.is_empty(), "say in api/privacy/fields.rs what these are: {strange:?}");
    let of = |table: &str, field: &str| {
        fields
            .iter()
            .find(|one| one["table"] == table && one["field"] == field)
            .unwrap_or_else(|| panic!("{table}.{field}"))
    };
    for (table, field, class) in [
        ("alerts", "src_assets", "personal"),
        ("alerts", "severity", "plant"),
        ("users", "password", "credential"),
        ("users", "name", "personal"),
        ("audit", "hash", "operational"),
        ("sessions", "address", "personal"),
    ] {
        assert_eq!(of(table, field)["class"], class, "{table}.{field}");
    }
    let sum: u64 = known["totals"].as_object().unwrap().values().map(|one| one.as_u64().unwrap()).sum();
    assert_eq!(sum as usize, fields.len());
    let report = service.get(&caller, "/api/privacy/report").await.unwrap();
    assert_eq!(report["duties"][0]["result"], "pass");
    assert_eq!(report["duties"].as_array().unwrap().len(), 7);
    assert!(report["kept_for_good"].as_object().unwrap().values().all(|why| why != "nobody has said why"));
    let viewer = service.key("viewer", &["*"]).await.unwrap();
    service.ask(&viewer, "GET", "/api/privacy/report", None).await.unwrap().is_problem(403, "missing_role");
    service.stop().await.unwrap();
}

async fn texts_are_made_nameless(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    let caller = service.key("viewer", &["north"]).await.unwrap();
    let path = "/api/privacy/pseudonymise";
    let body = json!({ "text": "10.0.0.9 wrote to 10.0.0.1:502, kim@plant.example saw 10.0.0.9" });
    let answer = service.ask(&caller, "POST", path, Some(body.clone())).await.unwrap().json().unwrap();
    assert_eq!(answer["replaced"], json!({ "ipv4": 3, "ipv6": 0, "mac": 0, "email": 1 }));
    let text = answer["text"].as_str().unwrap();
    assert!(!text.contains("10.0.0") && !text.contains("kim") && text.contains(":502, email-"), "{text}");
    // Nobody can find out by trying: the next answer has other names.
    let again = service.ask(&caller, "POST", path, Some(body)).await.unwrap().json().unwrap();
    assert_ne!(again["text"], answer["text"]);
    let some = json!({ "text": "10.0.0.9 kim@plant.example", "rules": ["email"] });
    let some = service.ask(&caller, "POST", path, Some(some)).await.unwrap().json().unwrap();
    assert!(some["text"].as_str().unwrap().starts_with("10.0.0.9 email-"));
    for wrong in [
        json!({}),
        json!({ "text": 1 }),
        json!({ "text": "", "rules": ["name"] }),
        json!({ "text": "x".repeat(70_000) }),
    ] {
        service.ask(&caller, "POST", path, Some(wrong)).await.unwrap().is_problem(422, "validation_failed");
    }
    service.stop().await.unwrap();
}
