//! The next step is predicted: alerts become incidents, what is expected of them is kept and told, what comes bears it
//! out, and each alert is looked at once however many replicas look.

use fieldward_aggregator::api::predictions::feed;
use fieldward_aggregator::attack::predict::Taught;
use fieldward_aggregator::attack::watch;
use fieldward_aggregator::hub::{Channel, Next};
use fieldward_aggregator::store::{Body, Store};
use fieldward_shared::alert::{Alert, AlertId, Severity};
use fieldward_shared::time::Timestamp;
use fieldward_tests::api::Service;
use fieldward_tests::reports::Reporter;
use serde_json::{Value, json};

use crate::{Database, stories};

stories!(
    the_next_step_is_predicted_and_borne_out,
    each_alert_is_looked_at_once,
    plants_under_the_same_source_are_one_campaign,
    who_sees_one_plant_learns_nothing_of_another,
    incidents_that_people_closed_are_learnt_from,
    questions_are_answered_for_ids_of_both_versions
);

/// An alert of a plant: this technique by this source, so many minutes after the first.
fn alert(reporter: &Reporter, nth: u64, technique: Option<&str>, source: &str, minute: u64) -> Alert {
    let mut alert = reporter.alert(nth, 1);
    let at = Timestamp::from_micros(alert.timestamp.as_micros() / 60_000_000 * 60_000_000)
        .plus(minute * 60_000_000);
    alert.id = AlertId::new(&reporter.facility, "story", source, at.plus(nth));
    (alert.timestamp, alert.first_seen, alert.last_seen) = (at, at, at);
    alert.attack_type = technique.map(str::to_owned);
    alert.tactic = technique.map(|_| "Discovery".to_owned());
    (alert.src_assets, alert.dst_assets) = (vec![source.to_owned()], vec!["10.9.9.9".to_owned()]);
    alert
}

async fn commit(store: &Store, reporter: &Reporter, seq: u64, alert: Alert) {
    let report = reporter.report(Severity::High, seq, Body::Alert(Box::new(alert)));
    store.commit(vec![report]).await.expect("a commit");
}

async fn look(service: &Service) {
    while watch::look(&service.api.store, &service.api.predictor).await.expect("a look") {}
}

async fn the_next_step_is_predicted_and_borne_out(database: Database) {
    let store = database.open().await;
    let service = Service::start(store.clone()).await.unwrap();
    let viewer = service.key("viewer", &["*"]).await.unwrap();
    assert_eq!(service.get(&viewer, "/api/predictions/latest").await.unwrap()["prediction"], Value::Null);
    assert_eq!(service.get(&viewer, "/api/mitre/graph").await.unwrap()["nodes"], json!([]));
    let mut told = None;
    feed::tell(&service.api, &mut told).await.unwrap();
    let north = Reporter::new(1);
    commit(&store, &north, 1, alert(&north, 1, Some("T0846"), "10.0.0.66", 0)).await;
    look(&service).await;
    let first = service.get(&viewer, "/api/predictions/latest").await.unwrap()["prediction"].clone();
    assert_eq!(first["current_technique"], "T0846");
    assert_eq!(first["validated"], false);
    let expected = first["predicted_techniques"].as_array().unwrap().clone();
    assert_eq!(expected.len(), 3);
    assert!(expected.iter().all(|one| one["probability"].as_f64().is_some_and(|it| it > 0.0 && it < 1.0)));
    assert!(!first["recommendations"].as_array().unwrap().is_empty());
    let next = expected[1]["technique_id"].as_str().unwrap().to_owned();
    let graph = service.get(&viewer, "/api/mitre/graph").await.unwrap();
    assert_eq!(graph["nodes"].as_array().unwrap().len(), 4);
    assert_eq!(graph["links"].as_array().unwrap().len(), 3);
    let matrix = graph["matrix"].as_array().unwrap();
    assert_eq!(matrix.len(), 12);
    let discovery = matrix.iter().find(|column| column["id"] == "discovery").unwrap();
    let scan = json!({ "id": "T0846", "name": "Remote System Discovery", "visible": "named" });
    assert!(discovery["techniques"].as_array().unwrap().contains(&scan), "{discovery}");
    // An alert without a technique belongs to it and predicts nothing; what was expected comes after it.
    commit(&store, &north, 2, alert(&north, 2, None, "10.0.0.66", 1)).await;
    commit(&store, &north, 3, alert(&north, 3, Some(&next), "10.0.0.66", 2)).await;
    look(&service).await;
    let path = format!("/api/predictions/{}", first["id"].as_str().unwrap());
    let borne_out = service.get(&viewer, &path).await.unwrap();
    assert_eq!(
        (borne_out["validated"].clone(), borne_out["validated_technique"].clone()),
        (json!(true), json!(next))
    );
    let status = service.get(&viewer, "/api/system/status").await.unwrap();
    assert_eq!(status["prediction_accuracy"], 50.0);
    let open = service.get(&viewer, "/api/predictions?validated=false").await.unwrap();
    assert_eq!(
        (open["total"].clone(), open["predictions"][0]["history"][0].clone()),
        (json!(1), json!("T0846"))
    );
    let incidents = service.get(&viewer, "/api/incidents").await.unwrap();
    assert_eq!(
        (incidents["total"].clone(), incidents["incidents"][0]["alert_count"].clone()),
        (json!(1), json!(3))
    );
    let path = format!("/api/incidents/{}", incidents["incidents"][0]["id"].as_str().unwrap());
    let incident = service.get(&viewer, &path).await.unwrap();
    let timeline = incident["timeline"].as_array().unwrap();
    assert_eq!(timeline.len(), 3);
    assert!(
        timeline.iter().all(|one| one["title"].is_string() && one["severity"].is_string()),
        "{timeline:?}"
    );
    assert_eq!(incident["predictions"].as_array().unwrap().len(), 2);
    // Whoever listens hears of it, and whoever does not see the plant finds nothing.
    feed::tell(&service.api, &mut told).await.unwrap();
    let Next::Events(events) = service.api.hub.after(Channel::Predictions, 0, 100) else {
        panic!("messages")
    };
    let kinds: Vec<&str> = events.iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&"incident") && kinds.contains(&"new") && kinds.contains(&"update"), "{kinds:?}");
    let stranger = service.key("viewer", &["elsewhere"]).await.unwrap();
    for path in [path, format!("/api/predictions/{}", first["id"].as_str().unwrap())] {
        service.send(&stranger, "GET", &path, Vec::new()).await.unwrap().is_problem(404, "not_found");
    }
    assert_eq!(service.get(&stranger, "/api/predictions").await.unwrap()["total"], 0);
    let layer = service.get(&viewer, "/api/mitre/layer").await.unwrap();
    let seen =
        layer["techniques"].as_array().unwrap().iter().find(|one| one["techniqueID"] == "T0846").unwrap();
    assert_eq!((seen["score"].clone(), layer["domain"].clone()), (json!(100.0), json!("ics-attack")));
}

async fn each_alert_is_looked_at_once(database: Database) {
    let store = database.open().await;
    let service = Service::start(store.clone()).await.unwrap();
    let plant = Reporter::new(1);
    for nth in 0..40 {
        let source = format!("10.0.{nth}.1");
        let mut one = alert(&plant, nth, Some(["T0846", "T0888", "T0855"][nth as usize % 3]), &source, nth);
        one.dst_assets.clear();
        commit(&store, &plant, nth + 1, one).await;
    }
    let other = database.open().await;
    let looks = [&store, &other, &store]
        .map(|store| async { while watch::look(store, &service.api.predictor).await.expect("a look") {} });
    let [one, two, three] = looks;
    tokio::join!(one, two, three);
    let predictions = store.predictions(&[], None, None, 100, 0).await.unwrap();
    assert_eq!(predictions.len(), 40);
    assert_eq!(store.incidents(&[], 100, 0).await.unwrap().len(), 40);
    let serials: std::collections::BTreeSet<u64> = predictions.iter().map(|one| one.serial).collect();
    assert_eq!(serials.len(), 40);
    // The same alert, grown: nothing is predicted anew.
    let mut grown = alert(&plant, 1, Some("T0888"), "10.0.1.1", 1);
    (grown.count, grown.last_seen) = (9, grown.last_seen.plus(5_000_000));
    commit(&store, &plant, 41, grown).await;
    look(&service).await;
    assert_eq!(store.predictions_count(&[], None, None).await.unwrap(), 40);
    assert_eq!(store.incidents_count(&[]).await.unwrap(), 40);
}

async fn plants_under_the_same_source_are_one_campaign(database: Database) {
    let store = database.open().await;
    let service = Service::start(store.clone()).await.unwrap();
    let (north, south) = (Reporter::new(1), Reporter::new(2));
    commit(&store, &north, 1, alert(&north, 1, Some("T0846"), "203.0.113.9", 0)).await;
    commit(&store, &north, 2, alert(&north, 2, Some("T0888"), "203.0.113.9", 1)).await;
    commit(&store, &south, 1, alert(&south, 3, Some("T0861"), "203.0.113.9", 5)).await;
    look(&service).await;
    let incidents = store.incidents(&[], 10, 0).await.unwrap();
    assert_eq!(incidents.len(), 2);
    assert_eq!(incidents[0].campaign, incidents[1].campaign);
    let of_south = store.predictions(std::slice::from_ref(&south.facility), None, None, 10, 0).await.unwrap();
    assert_eq!(of_south[0].detail["history"], json!(["T0846", "T0888", "T0861"]));
}

async fn who_sees_one_plant_learns_nothing_of_another(database: Database) {
    let store = database.open().await;
    let service = Service::start(store.clone()).await.unwrap();
    let (north, south) = (Reporter::new(1), Reporter::new(2));
    // Techniques that nothing would name to who knows of the south alone.
    let here = "T0861".to_owned();
    let alone = watch::detail(&service.api.predictor.predict(std::slice::from_ref(&here), 3)).to_string();
    let techniques = &service.api.predictor.catalogue().ics.techniques;
    let mut unsaid = techniques.iter().map(|one| one.id.clone()).filter(|id| !alone.contains(id.as_str()));
    let [one, two] = [(); 2].map(|()| unsaid.next().unwrap());
    let mut told = None;
    feed::tell(&service.api, &mut told).await.unwrap();
    commit(&store, &north, 1, alert(&north, 1, Some(&one), "203.0.113.9", 0)).await;
    commit(&store, &north, 2, alert(&north, 2, Some(&two), "203.0.113.9", 1)).await;
    commit(&store, &south, 1, alert(&south, 3, Some(&here), "203.0.113.9", 5)).await;
    look(&service).await;
    feed::tell(&service.api, &mut told).await.unwrap();
    let elsewhere = &store.incidents(std::slice::from_ref(&north.facility), 1, 0).await.unwrap()[0];
    let narrow = service.key("analyst", &[&south.facility]).await.unwrap();
    let wide = service.key("analyst", &[&south.facility, &north.facility]).await.unwrap();
    let secrets = [one.as_str(), &two, &north.facility, &elsewhere.id.to_string()].map(str::to_owned);
    let incident = service.get(&narrow, "/api/incidents").await.unwrap()["incidents"][0]["id"].clone();
    let mut paths =
        ["predictions", "predictions/latest", "incidents", "mitre/graph"].map(String::from).to_vec();
    paths.push(format!("incidents/{}", incident.as_str().unwrap()));
    for path in paths {
        let mut said = service.get(&narrow, &format!("/api/{path}")).await.unwrap();
        // What there is at all is the same for everybody.
        said.as_object_mut().unwrap().remove("matrix");
        let said = said.to_string();
        assert!(said.contains(&here), "{path}");
        for secret in &secrets {
            assert!(!said.contains(secret.as_str()), "{secret} in {path}: {said}");
        }
    }
    let layer = service.get(&narrow, "/api/mitre/layer").await.unwrap();
    let seen = layer["techniques"].as_array().unwrap().iter().filter(|one| one["score"] == 100.0);
    assert_eq!(seen.map(|one| one["techniqueID"].clone()).collect::<Vec<_>>(), [json!(here)]);
    let list = service.get(&wide, "/api/predictions?facility=plant-2").await.unwrap();
    assert_eq!(list["predictions"][0]["history"], json!([one, two, here]));
    let question = json!({ "current_technique": "T0855", "alert_id": list["predictions"][0]["alert_id"] });
    let answer = service.ask(&narrow, "POST", "/api/predictions/predict", Some(question)).await.unwrap();
    assert_eq!(answer.json().unwrap()["history"], json!([here, "T0855"]));
    // The same over sockets: who sees both plants is told all, who sees one what it gives alone, each once.
    let Next::Events(events) = service.api.hub.after(Channel::Predictions, 0, 100) else {
        panic!("messages")
    };
    let told = |seen: &[&str]| {
        let to = events.iter().filter(|event| event.to.holds(|plant| seen.contains(&plant)));
        to.map(|event| event.data.clone()).collect::<Vec<_>>()
    };
    let narrow = told(&[&south.facility]);
    let is_prediction = |data: &&String| data.contains("predicted_techniques");
    assert_eq!(narrow.iter().filter(is_prediction).count(), 1);
    for (data, secret) in narrow.iter().flat_map(|data| secrets.iter().map(move |secret| (data, secret))) {
        assert!(!data.contains(secret.as_str()), "{secret} in {data}");
    }
    let wide = told(&[&south.facility, &north.facility]);
    assert_eq!(wide.iter().filter(is_prediction).count(), 3);
    assert!(wide.iter().any(|data| data.contains(&format!("[\"{one}\",\"{two}\",\"{here}\"]"))));
}

async fn incidents_that_people_closed_are_learnt_from(database: Database) {
    let store = database.open().await;
    let service = Service::start(store.clone()).await.unwrap();
    let analyst = service.key("analyst", &["*"]).await.unwrap();
    let plant = Reporter::new(1);
    let mut ids = Vec::new();
    let steps = ["T0846", "T0888", "T0888", "T0801", "T0855"];
    for (nth, technique) in steps.iter().enumerate() {
        let one = alert(&plant, nth as u64, Some(technique), "10.0.0.66", nth as u64);
        ids.push(one.id.to_string());
        commit(&store, &plant, nth as u64 + 1, one).await;
    }
    look(&service).await;
    let decide = async |id: &str, status: &str| {
        let body = Some(json!({ "status": status }));
        let path = format!("/api/alerts/{id}/status");
        let answer = service.ask(&analyst, "PUT", &path, body).await.unwrap();
        assert_eq!(answer.status, 200, "{status}");
    };
    for (id, status) in ids.iter().zip(["resolved", "resolved", "resolved", "false-positive"]) {
        decide(id, status).await;
        assert_eq!(store.sequences().await.unwrap(), [], "an alert is open");
    }
    decide(&ids[4], "acknowledged").await;
    assert!(store.sequences().await.unwrap().is_empty(), "somebody is at it");
    decide(&ids[4], "resolved").await;
    let sequences = store.sequences().await.unwrap();
    // The false alarm is no step.
    assert_eq!(
        sequences.iter().map(|(_, ids)| ids.clone()).collect::<Vec<_>>(),
        [["T0846", "T0888", "T0855"]]
    );
    assert!(sequences[0].0.starts_with("plant-1 "));
    let before = Taught::new().unwrap().with_own(&[]).plant_states.len();
    assert_eq!(Taught::new().unwrap().with_own(&sequences).plant_states.len(), before + 2);
}

async fn questions_are_answered_for_ids_of_both_versions(database: Database) {
    let store = database.open().await;
    let service = Service::start(store).await.unwrap();
    let analyst = service.key("analyst", &["*"]).await.unwrap();
    let ask = |technique: &str| Some(json!({ "current_technique": technique }));
    let mut answers = Vec::new();
    for id in ["T0855", "T1692.001"] {
        let answer = service.ask(&analyst, "POST", "/api/predictions/predict", ask(id)).await.unwrap();
        assert_eq!(answer.status, 200);
        answers.push(answer.json().unwrap()["predicted_techniques"].clone());
    }
    assert_eq!(answers[0], answers[1]);
    for id in ["T9999", ""] {
        let answer = service.ask(&analyst, "POST", "/api/predictions/predict", ask(id)).await.unwrap();
        answer.is_problem(404, "not_found");
    }
    let details = service.get(&analyst, "/api/mitre/technique/T0855").await.unwrap();
    assert_eq!(
        (details["moved_to"]["id"].clone(), details["version"].clone()),
        (json!("T1692.001"), json!("18.1"))
    );
    assert!(details["detection"].as_str().unwrap().len() > 20);
    let missing = service.send(&analyst, "GET", "/api/mitre/technique/T9999", Vec::new()).await.unwrap();
    missing.is_problem(404, "not_found");
    assert_eq!(service.get(&analyst, "/api/predictions").await.unwrap()["total"], 0);
}

/// Before each stage of the simulator's campaigns that shows a technique for the first time, what comes is asked. The
/// networks were taught the order of these campaigns; seeds change times and hosts, not the order.
#[test]
fn stages_of_the_simulators_campaigns_are_among_three() {
    let predictor = fieldward_aggregator::attack::Predictor::shipped().unwrap();
    let (mut asked, mut named, mut missed) = (0, 0, Vec::new());
    for campaign in fieldward_sim::CAMPAIGNS {
        let steps = campaign.steps.iter().filter_map(|step| step.attack());
        let ids: Vec<String> = steps.map(|(attack, _)| attack.technique.id.to_owned()).collect();
        for next in (1..ids.len()).filter(|next| !ids[..*next].contains(&ids[*next])) {
            let answer = predictor.predict(&ids[..next], 3);
            asked += 1;
            if answer.next.iter().any(|one| one.id == ids[next]) {
                named += 1;
            } else {
                missed.push(format!("{} {}", campaign.name, ids[next]));
            }
        }
    }
    assert!(named * 10 >= asked * 8, "{named} of {asked}; not {missed:?}");
}
