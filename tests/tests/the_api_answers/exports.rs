//! Exports are the lists, as files: the same alerts in the same order, in forms that others read.

use std::collections::BTreeMap;

use fieldward_aggregator::store::{Body, now};
use fieldward_shared::time::Timestamp;
use fieldward_tests::api::{Answer, Caller, Service};
use fieldward_tests::reports::Reporter;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::alerts::seed;
use crate::{Database, stories};

stories!(
    an_export_is_the_list,
    tables_are_tables_whatever_stands_in_them,
    bundles_findings_and_layers_have_their_form,
    an_export_is_written_down_and_shows_what_is_in_scope,
);

async fn exported(service: &Service, caller: &Caller, query: &str) -> Answer {
    let answer = service.ask(caller, "GET", &format!("/api/alerts/export?{query}"), None).await.unwrap();
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer
}

fn lines(answer: &Answer) -> Vec<Value> {
    let text = std::str::from_utf8(&answer.body).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All of a list, by its cursors.
async fn listed(service: &Service, caller: &Caller, query: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/alerts?include=context&limit=37&{query}{cursor}");
        let page = service.get(caller, &path).await.unwrap();
        all.extend(page["alerts"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// Rows of RFC 4180.
fn table(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut letters, mut is_quoted) = (text.chars().peekable(), false);
    while let Some(letter) = letters.next() {
        match (letter, is_quoted) {
            ('"', true) if letters.peek() == Some(&'"') => cell.extend(letters.next()),
            ('"', _) => is_quoted = !is_quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) => {
                assert_eq!(letters.next(), Some('\n'), "a line ends with both");
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            _ => cell.push(letter),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !is_quoted, "it ends with a line's end");
    rows
}

async fn an_export_is_the_list(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    // More than a turn.
    seed(&service.api.store, 260).await;
    let caller = service.key("analyst", &["*"]).await.unwrap();
    let first = service.get(&caller, "/api/alerts?limit=3").await.unwrap();
    for alert in first["alerts"].as_array().unwrap() {
        let path = format!("/api/alerts/{}/dismiss", alert["id"].as_str().unwrap());
        service.ask(&caller, "POST", &path, None).await.unwrap();
    }
    // Filters of every kind, and pairs of them.
    let parts = [
        "severity=gte:high",
        "severity=low",
        "status=false-positive",
        "status=new,resolved",
        "facility=plant-2",
        "facility=nowhere",
        "technique=T0801,T0823,T0877",
        "search=REGISTERS",
        "search=10.1",
        "until=2026-05-28T20:28:00Z",
        "since=2026-05-28T20:27:00Z",
        "range=1h",
    ];
    let mut queries: Vec<String> = vec![String::new()];
    queries.extend(parts.iter().map(|part| (*part).to_owned()));
    for (nth, one) in parts.iter().enumerate() {
        let name = |part: &str| part.split('=').next().unwrap_or_default().to_owned();
        let others = parts.iter().skip(nth + 1).filter(|other| name(other) != name(one));
        // A range and two moments are two ways to say one thing.
        let others = others.filter(|other| !other.starts_with("range") && !one.starts_with("range"));
        queries.extend(others.map(|other| format!("{one}&{other}")));
    }
    let mut most = 0;
    for query in &queries {
        let (export, list) = (
            exported(&service, &caller, &format!("format=ndjson&{query}")).await,
            listed(&service, &caller, query).await,
        );
        let export = lines(&export);
        assert_eq!(export.len(), list.len(), "{query}");
        assert!(export == list, "{query}: another alert, or another order");
        most = most.max(list.len());
    }
    assert_eq!(most, 520);
    assert!(queries.len() > 50);
    let wrong = "format=xls page=1 cursor=x severity=urgent format=csv&format=csv colour=red tz=Mars format=stix&tz=UTC";
    for wrong in wrong.split(' ') {
        let path = format!("/api/alerts/export?{wrong}");
        service.ask(&caller, "GET", &path, None).await.unwrap().is_problem(400, "invalid_query");
    }
    service.stop().await.unwrap();
}

async fn tables_are_tables_whatever_stands_in_them(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    let caller = service.key("viewer", &["*"]).await.unwrap();
    let odd =
        ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "a,b", "say \"no\"", "two\r\nlines", "ä;ö", "plain"];
    let reporter = Reporter::new(1);
    let reports = odd.iter().zip(0..).map(|(title, nth)| {
        let mut report = reporter.nth(nth);
        let Body::Alert(alert) = &mut report.body else { panic!("an alert") };
        alert.title = (*title).to_owned();
        report
    });
    service.api.store.commit(reports.collect()).await.unwrap();
    let answer = exported(&service, &caller, "format=csv").await;
    assert!(answer.header("content-type").starts_with("text/csv"));
    assert!(answer.header("content-disposition").contains("fieldward-alerts-csv.csv"));
    let rows = table(std::str::from_utf8(&answer.body).unwrap());
    assert_eq!(rows.len(), odd.len() + 1);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    let at = |name: &str| rows[0].iter().position(|column| column == name).unwrap();
    let list = listed(&service, &caller, "").await;
    for (row, alert) in rows[1..].iter().zip(&list) {
        for name in ["id", "timestamp", "facility_id", "severity", "status", "first_seen", "received_at"] {
            assert_eq!(row[at(name)], alert[name].as_str().unwrap(), "{name}");
        }
        let title = alert["title"].as_str().unwrap();
        let is_formula = title.starts_with(['=', '+', '-', '@', '\t']);
        assert_eq!(row[at("title")], if is_formula { format!("'{title}") } else { title.to_owned() });
        let assets: Vec<&str> =
            alert["dst_assets"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert_eq!(row[at("dst_assets")], assets.join(";"));
        assert_eq!(row[at("count")], alert["count"].to_string());
    }
    // The same moments, told as in Kolkata.
    let there = exported(&service, &caller, "format=csv&tz=asia/kolkata").await;
    for (there, row) in table(std::str::from_utf8(&there.body).unwrap()).iter().zip(&rows).skip(1) {
        for name in ["timestamp", "first_seen", "last_seen", "received_at"] {
            let local = there[at(name)].strip_suffix("+05:30").expect("its zone");
            let [local, utc] = [format!("{local}Z"), row[at(name)].clone()]
                .map(|text| Timestamp::parse_rfc3339(&text).expect("a time").as_micros());
            assert_eq!(local - utc, 19_800_000_000, "{name}");
        }
        assert_eq!(there[at("id")], row[at("id")]);
    }
    // Nothing but the columns where nothing passes.
    let none = exported(&service, &caller, "format=csv&facility=nowhere").await;
    assert_eq!(table(std::str::from_utf8(&none.body).unwrap()).len(), 1);
    service.stop().await.unwrap();
}

async fn bundles_findings_and_layers_have_their_form(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    seed(&service.api.store, 30).await;
    let caller = service.key("viewer", &["*"]).await.unwrap();
    let list = listed(&service, &caller, "").await;

    let answer = exported(&service, &caller, "format=stix").await;
    let bundle = answer.json().unwrap();
    assert_eq!(bundle["type"], "bundle");
    let objects = bundle["objects"].as_array().unwrap();
    let by_id: BTreeMap<&str, &Value> =
        objects.iter().map(|one| (one["id"].as_str().unwrap(), one)).collect();
    assert_eq!(by_id.len(), objects.len(), "one of them is there twice");
    for (id, object) in &by_id {
        let kind = object["type"].as_str().unwrap();
        let uuid = id.strip_prefix(&format!("{kind}--")).expect("its type and a UUID");
        assert!(uuid::Uuid::try_parse(uuid).is_ok());
        assert_eq!(object["spec_version"], "2.1");
        let needed: &[&str] = match kind {
            "marking-definition" => &["created", "definition_type", "definition"],
            "identity" => &["created", "modified", "name", "identity_class"],
            "attack-pattern" => &["created", "modified", "name"],
            "observed-data" => {
                &["created", "modified", "first_observed", "last_observed", "number_observed", "object_refs"]
            }
            "sighting" => {
                &["created", "modified", "sighting_of_ref", "where_sighted_refs", "count", "first_seen"]
            }
            "ipv4-addr" => &["value"],
            other => panic!("{other}: nobody wrote that"),
        };
        for name in needed {
            assert!(!object[*name].is_null(), "{kind} without {name}");
        }
        let times = ["created", "modified", "first_seen", "last_seen", "first_observed", "last_observed"];
        for time in times.iter().filter_map(|name| object[*name].as_str()) {
            assert!(time.ends_with('Z') && time.len() >= 20, "{time}");
        }
        if let (Some(created), Some(modified)) = (object["created"].as_str(), object["modified"].as_str()) {
            assert!(created <= modified);
        }
        // What is named is there.
        for (name, value) in object.as_object().unwrap() {
            let named: Vec<&Value> = match name {
                name if name.ends_with("_ref") => vec![value],
                name if name.ends_with("_refs") => value.as_array().unwrap().iter().collect(),
                _ => Vec::new(),
            };
            for named in named {
                assert!(by_id.contains_key(named.as_str().unwrap()), "{kind}.{name}: {named} is not there");
            }
        }
    }
    let of = |kind: &str| objects.iter().filter(|one| one["type"] == kind).count();
    assert_eq!((of("sighting"), of("observed-data"), of("identity")), (60, 60, 2));
    let seen: std::collections::BTreeSet<&str> = objects
        .iter()
        .filter(|one| one["type"] == "sighting")
        .map(|one| one["external_references"][0]["external_id"].as_str().unwrap())
        .collect();
    assert!(list.iter().all(|alert| seen.contains(alert["id"].as_str().unwrap())));
    // The example of the standard: an address has the same id everywhere.
    let again = exported(&service, &caller, "format=stix").await.json().unwrap();
    assert_eq!(again["objects"], bundle["objects"]);
    assert_ne!(again["id"], bundle["id"]);

    let findings = lines(&exported(&service, &caller, "format=ocsf").await);
    assert_eq!(findings.len(), list.len());
    for (finding, alert) in findings.iter().zip(&list) {
        assert_eq!((&finding["class_uid"], &finding["category_uid"]), (&json!(2004), &json!(2)));
        let activity = finding["activity_id"].as_u64().unwrap();
        assert_eq!(finding["type_uid"], json!(200_400 + activity));
        assert_eq!(finding["finding_info"]["uid"], alert["id"]);
        assert_eq!(finding["finding_info"]["title"], alert["title"]);
        assert_eq!(finding["time_dt"], alert["timestamp"]);
        assert!(finding["time"].is_u64() && finding["metadata"]["product"]["name"] == "Fieldward");
        let severity =
            ["low", "medium", "high", "critical"].iter().position(|name| alert["severity"] == **name);
        assert_eq!(finding["severity_id"], json!(severity.unwrap() + 2));
        assert_eq!((&finding["status_id"], &finding["is_alert"]), (&json!(1), &json!(true)));
        let technique = &finding["finding_info"]["attacks"][0]["technique"]["uid"];
        assert_eq!(*technique, alert["attack_type"]);
        assert_eq!(finding["unmapped"]["facility_id"], alert["facility_id"]);
    }

    let layer = exported(&service, &caller, "format=layer&facility=plant-1").await.json().unwrap();
    assert_eq!((&layer["domain"], &layer["versions"]["layer"]), (&json!("ics-attack"), &json!("4.5")));
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for alert in list.iter().filter(|alert| alert["facility_id"] == "plant-1") {
        if let Some(technique) = alert["attack_type"].as_str() {
            *counted.entry(technique).or_default() += 1;
        }
    }
    let techniques = layer["techniques"].as_array().unwrap();
    let scores: BTreeMap<&str, u64> = techniques
        .iter()
        .map(|one| (one["techniqueID"].as_str().unwrap(), one["score"].as_u64().unwrap()))
        .collect();
    assert_eq!(scores, counted);
    assert_eq!(layer["gradient"]["maxValue"], json!(counted.values().max().unwrap()));
    service.stop().await.unwrap();
}

async fn an_export_is_written_down_and_shows_what_is_in_scope(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    seed(&service.api.store, 20).await;
    let some = service.key("viewer", &["plant-2"]).await.unwrap();
    let none = service.key("viewer", &[]).await.unwrap();
    let answer = exported(&service, &some, "format=ndjson&severity=low").await;
    let rows = lines(&answer);
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row["facility_id"] == "plant-2"));
    assert!(lines(&exported(&service, &some, "format=ndjson&facility=plant-1").await).is_empty());
    assert!(lines(&exported(&service, &none, "format=ocsf").await).is_empty());
    // The end is written after whoever asked has all of it.
    let digest: String = Sha256::digest(&answer.body).iter().map(|byte| format!("{byte:02x}")).collect();
    let wanted = format!("whole; rows=5; sha256={digest}; severity=low");
    let until = now().plus(10_000_000);
    loop {
        let acts = service.api.store.acts(i64::MAX, 50).await.unwrap();
        assert!(acts.iter().any(|act| act.action == "export.begun" && act.actor == "key story-viewer"));
        if acts
            .iter()
            .any(|act| act.action == "export.ended" && act.object == "ndjson" && act.detail == wanted)
        {
            break;
        }
        assert!(now() < until, "{wanted} is not in {acts:?}");
        tokio::task::yield_now().await;
    }
    service.stop().await.unwrap();
}
