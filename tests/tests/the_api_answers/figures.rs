//! Traffic and the fleet as they were told, and the live window of a plant.

use std::collections::BTreeSet;

use fieldward_aggregator::store::{Body, Store, now};
use fieldward_shared::alert::{Alert, Severity};
use fieldward_shared::telemetry::NetworkData;
use fieldward_shared::time::Timestamp;
use fieldward_tests::api::Service;
use fieldward_tests::link::{Agent, Aggregator, HERE, limits, pace, pki::Pki, until};
use fieldward_tests::reports::Reporter;
use serde_json::{Value, json};

use crate::{Database, stories};

stories!(traffic_adds_up_to_what_was_told, threats_are_alerts_that_name_an_attack);

fn second(facility: &str, at: u64, packets: u32) -> NetworkData {
    NetworkData {
        timestamp: Timestamp::from_micros(at),
        facility_id: facility.into(),
        packets_per_sec: packets,
        bytes_per_sec: u64::from(packets) * 100,
        unique_src_ips: 3,
        unique_dest_ips: packets % 7,
        protocol_distribution: 0.5,
        failed_connections: 1,
        avg_packet_size: 100,
        inter_arrival_time: 9,
        raw_features: [("HTTP requests".to_owned(), (4.0_f32).ln_1p())].into(),
    }
}

fn sum(points: &Value, field: &str) -> u64 {
    points.as_array().expect("points").iter().filter_map(|point| point[field].as_u64()).sum()
}

async fn traffic_adds_up_to_what_was_told(database: Database) {
    let store = database.open().await;
    let now = now().as_micros() / 1_000_000 * 1_000_000;
    // The last ten minutes of two plants.
    let told: Vec<NetworkData> = (1..=600_u32)
        .flat_map(|ago| {
            let at = now - u64::from(ago) * 1_000_000;
            [second("plant-1", at, ago), second("plant-2", at, 1000)]
        })
        .collect();
    let packets = |plant: &str| -> u64 {
        told.iter().filter(|one| one.facility_id == plant).map(|one| u64::from(one.packets_per_sec)).sum()
    };
    let (first, both) = (packets("plant-1"), packets("plant-1") + packets("plant-2"));
    store.telemetry(told.clone()).await.expect("kept");
    let service = Service::start(store).await.expect("an API");
    let all = service.key("viewer", &["*"]).await.unwrap();
    let (one, nothing) =
        (service.key("viewer", &["plant-1"]).await.unwrap(), service.key("viewer", &[]).await.unwrap());
    // Stretches that a range begins in count with it, whichever the resolution.
    for range in ["20m", "24h", "30d", "366d"] {
        for path in ["/api/metrics/historical", "/api/charts/requests"] {
            for (caller, wanted) in [(&all, both), (&one, first), (&nothing, 0)] {
                let answer = service.get(caller, &format!("{path}?range={range}")).await.unwrap();
                assert_eq!(sum(&answer["points"], "packets"), wanted, "{path} {range}");
                assert_eq!(sum(&answer["points"], "bytes"), wanted * 100);
                assert!(answer["points"].as_array().unwrap().len() <= 1500);
            }
        }
        let named = service
            .get(&one, &format!("/api/metrics/historical?range={range}&facility=plant-2"))
            .await
            .unwrap();
        assert_eq!(named["points"], json!([]));
    }
    let requests = service.get(&all, "/api/charts/requests").await.unwrap();
    assert!(
        requests["points"][0]["requests"].is_null() && requests["unknown"]["points.requests"].is_string()
    );
    let recent = service.get(&one, "/api/traffic/recent?limit=10").await.unwrap();
    let rows = recent["traffic"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &rows[0]["packets_per_sec"], &rows[0]["facility_id"]),
        (10, &json!(1), &json!("plant-1"))
    );
    // A walk by cursor and one by page see the same, each once.
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.get(&all, &format!("/api/traffic?range=1h&limit=500{cursor}")).await.unwrap();
        assert_eq!((&page["total"], &page["total_relation"]), (&json!(1200), &json!("exact")));
        walked.extend(page["traffic"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((walked.len(), sum(&json!(walked), "packets_per_sec")), (1200, both));
    let second_page = service.get(&all, "/api/traffic?range=1h&limit=500&page=2").await.unwrap();
    assert_eq!(second_page["traffic"][0], walked[500]);
    for wrong in ["range=1y", "limit=0", "page=99999", "cursor=00.00", "colour=red"] {
        let answer = service.ask(&all, "GET", &format!("/api/traffic?{wrong}"), None).await.unwrap();
        answer.is_problem(400, "invalid_query");
    }
    // Alerts over time: each counts once, in its stretch.
    crate::alerts::seed(&service.api.store, 40).await;
    let chart = service
        .get(&one, "/api/charts/threats?since=2026-05-01T00:00:00Z&until=2026-07-01T00:00:00Z")
        .await
        .unwrap();
    assert_eq!((sum(&chart["points"], "total"), sum(&chart["points"], "critical")), (40, 10));
    let answered = service.get(&one, "/api/charts/performance").await.unwrap();
    assert!(
        sum(&answered["points"], "requests") > 20
            && answered["points"][0]["response_time_p95_ms"].is_number()
    );
    let realtime = service.get(&one, "/api/metrics/realtime").await.unwrap();
    assert!(realtime["packets_per_sec"].is_null() && realtime["unknown"]["packets_per_sec"].is_string());
    assert_eq!(realtime["active_alerts"], 40);
    service.stop().await.unwrap();
}

/// Two plants, alerts of the last ten hours: of each three one without a technique, of each five one with a web
/// attack.
async fn attacks(store: &Store) -> Vec<Alert> {
    let (now, mut all) = (now().as_micros(), Vec::new());
    for number in [1, 2] {
        let reporter = Reporter::new(number);
        let alerts = (0..60_u64).map(|nth| {
            let mut alert = reporter.alert(nth, 1);
            alert.timestamp = Timestamp::from_micros(now - (nth + 1) * 600_000_000);
            alert.attack_type = (nth % 3 > 0).then(|| format!("T08{:02}", nth % 4));
            if nth % 5 == 0 {
                let kind = ["web script", "web injection"][nth as usize % 2];
                alert.sources[0].model_name = "web".into();
                alert.sources[0].context_evidence = json!({ "kind": kind, "findings": 3 });
            }
            alert
        });
        let alerts: Vec<Alert> = alerts.collect();
        let reports = alerts.iter().zip(1..);
        let reports = reports
            .map(|(alert, seq)| reporter.report(Severity::Low, seq, Body::Alert(Box::new(alert.clone()))));
        store.commit(reports.collect()).await.expect("a commit");
        all.extend(alerts);
    }
    all
}

fn has_web(alert: &Alert, kind: &str) -> bool {
    alert.sources.iter().any(|source| source.model_name == "web" && source.context_evidence["kind"] == kind)
}

async fn threats_are_alerts_that_name_an_attack(database: Database) {
    let service = Service::start(database.open().await).await.expect("an API");
    let all = attacks(&service.api.store).await;
    let is_threat = |alert: &&Alert| {
        alert.attack_type.is_some() || has_web(alert, "web script") || has_web(alert, "web injection")
    };
    let threats: Vec<&Alert> = all.iter().filter(is_threat).collect();
    let (caller, ann) =
        (service.key("viewer", &["*"]).await.unwrap(), service.key("analyst", &["plant-1"]).await.unwrap());
    let nobody = service.key("viewer", &[]).await.unwrap();
    let ids = |page: &Value| -> BTreeSet<String> {
        page["threats"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let named = |alerts: &[&Alert]| alerts.iter().map(|one| one.id.to_string()).collect::<BTreeSet<_>>();
    let page = service.get(&caller, "/api/threats?limit=500").await.unwrap();
    assert_eq!((ids(&page), &page["total"]), (named(&threats), &json!(threats.len())));
    let recent = service.get(&caller, "/api/threats/recent?limit=500").await.unwrap();
    assert_eq!(ids(&recent), named(&threats));
    let first = &recent["threats"][0];
    assert!(first["type"].is_string() && !first["type"].as_str().unwrap().is_empty());
    // Of a type, by technique and by web attack; a walk by cursor and pages see the same.
    for (kind, is_one) in [
        ("T0802", (|alert: &Alert| alert.attack_type.as_deref() == Some("T0802")) as fn(&Alert) -> bool),
        ("web-script", |alert: &Alert| has_web(alert, "web script")),
        ("web-injection", |alert: &Alert| has_web(alert, "web injection")),
        ("web-command", |_: &Alert| false),
    ] {
        let wanted: Vec<&Alert> = all.iter().filter(|alert| is_one(alert)).collect();
        let (mut walked, mut cursor) = (BTreeSet::new(), String::new());
        loop {
            let page =
                service.get(&caller, &format!("/api/threats/type/{kind}?limit=4{cursor}")).await.unwrap();
            assert_eq!(page["total"], json!(wanted.len()), "{kind}");
            walked.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(walked, named(&wanted), "{kind}");
        let north: Vec<&Alert> = wanted.into_iter().filter(|alert| alert.facility_id == "plant-1").collect();
        let page = service
            .get(&ann, &format!("/api/threats/type/{kind}?range=24h&severity=high,low"))
            .await
            .unwrap();
        let some = |one: &&&Alert| matches!(one.severity, Severity::High | Severity::Low);
        assert_eq!(ids(&page), named(&north.iter().filter(some).copied().collect::<Vec<_>>()), "{kind}");
    }
    for (path, status, code) in [
        ("/api/threats/type/ddos", 404, "not_found"),
        ("/api/threats?technique=T0802", 400, "invalid_query"),
        ("/api/analytics/trends/mood", 404, "not_found"),
        ("/api/analytics/overview?range=1y", 400, "invalid_query"),
        ("/api/threats/stats?page=1", 400, "invalid_query"),
    ] {
        service.ask(&caller, "GET", path, None).await.unwrap().is_problem(status, code);
    }
    // What people did about them.
    let mine: Vec<&Alert> = all.iter().filter(|alert| alert.facility_id == "plant-1").collect();
    for (alert, act) in [(mine[0], "acknowledge"), (mine[1], "dismiss"), (mine[2], "dismiss")] {
        service.ask(&ann, "POST", &format!("/api/alerts/{}/{act}", alert.id), None).await.unwrap();
    }
    let stats = service.get(&caller, "/api/threats/stats").await.unwrap();
    assert_eq!((&stats["total"], &stats["previous_total"]), (&json!(threats.len()), &json!(0)));
    let closed = [mine[1], mine[2]].into_iter().filter(is_threat).count();
    assert_eq!(stats["unresolved"], json!(threats.len() - closed));
    assert!(stats["blocked"].is_null() && stats["unknown"]["blocked"].is_string());
    let of_type = |kind: &str| {
        let types = stats["by_type"].as_array().unwrap();
        types.iter().find(|one| one["type"] == kind).map(|one| one["count"].as_u64().unwrap())
    };
    let technique = all.iter().filter(|alert| alert.attack_type.as_deref() == Some("T0801")).count() as u64;
    let scripts = all.iter().filter(|alert| has_web(alert, "web script")).count() as u64;
    assert_eq!((of_type("T0801"), of_type("web-script")), (Some(technique), Some(scripts)));
    assert_eq!(stats["by_facility"].as_array().unwrap().len(), 2);
    let mine_alone = service.get(&ann, "/api/threats/stats").await.unwrap();
    assert_eq!(mine_alone["total"], json!(threats.len() / 2));
    let overview = service.get(&ann, "/api/analytics/overview").await.unwrap();
    assert_eq!(overview["alerts"], json!({ "total": 60, "previous": 0, "change_percent": null }));
    assert_eq!((&overview["active_alerts"], &overview["response"]["closed"]), (&json!(58), &json!(2)));
    assert_eq!(overview["response"]["taken_up"], 3);
    let half = overview["response"]["time_to_acknowledge_p50_seconds"].as_f64().unwrap();
    assert!((1200.0..1800.0).contains(&half), "{half}");
    assert_eq!(overview["response"]["false_positive_rate"], 1.0);
    let summary = service.get(&caller, "/api/analytics/summary?range=7d").await.unwrap();
    assert_eq!((&summary["total_alerts"], &summary["total_threats"]), (&json!(120), &json!(threats.len())));
    assert_eq!(
        (&summary["by_status"]["false-positive"], &summary["false_positive_rate"]),
        (&json!(2), &json!(1.0))
    );
    assert!(summary["traffic"]["requests"].is_null() && summary["unknown"]["traffic.requests"].is_string());
    for (metric, total) in [
        ("alerts", 120.0),
        ("critical_alerts", 30.0),
        ("threats", threats.len() as f64),
        ("acknowledged", 3.0),
        ("resolved", 2.0),
    ] {
        for range in ["24h", "7d", "30d", "366d"] {
            let trend =
                service.get(&caller, &format!("/api/analytics/trends/{metric}?range={range}")).await.unwrap();
            assert_eq!(trend["total"], json!(total), "{metric} {range}");
            let points = trend["points"].as_array().unwrap();
            let sum: f64 = points.iter().filter_map(|point| point["value"].as_f64()).sum();
            assert_eq!(sum, total, "{metric} {range}");
        }
    }
    let took = service.get(&caller, "/api/analytics/trends/time_to_resolve").await.unwrap();
    assert!(took["total"].as_f64().unwrap() > 1000.0 && took["unit"] == "seconds");
    let packets = service.get(&caller, "/api/analytics/trends/packets").await.unwrap();
    assert!(packets["total"].is_null() && packets["unknown"]["total"].is_string());
    // Whoever sees nothing gets nothing.
    for path in
        ["/api/threats", "/api/threats/recent", "/api/threats/type/T0801", "/api/threats/type/web-script"]
    {
        assert_eq!(service.get(&nobody, path).await.unwrap()["threats"], json!([]), "{path}");
    }
    assert_eq!(service.get(&nobody, "/api/threats/stats").await.unwrap()["total"], 0);
    let nothing = service.get(&nobody, "/api/analytics/overview").await.unwrap();
    assert_eq!((&nothing["active_alerts"], &nothing["alerts"]["total"]), (&json!(0), &json!(0)));
    let nothing = service.get(&nobody, "/api/analytics/trends/alerts").await.unwrap();
    assert_eq!(nothing["total"], 0.0);
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_of_a_plant_is_asked_of_its_agent() {
    let (folder, pki) = (tempfile::tempdir().unwrap(), Pki::new().unwrap());
    let aggregator = Aggregator::start(folder.path(), HERE, &pki, limits()).await.unwrap();
    let mut agent = Agent::start(folder.path(), "north", &pki, aggregator.intake.address(), pace()).unwrap();
    aggregator
        .store
        .add_agent(agent.id, "north", fieldward_aggregator::store::AgentStatus::Active, now())
        .await
        .unwrap();
    let (fleet, asker) = (aggregator.intake.fleet(), aggregator.intake.asker());
    let service = Service::start_with(aggregator.store.clone(), fleet, Some(asker), 1_000_000).await.unwrap();
    let caller = service.key("viewer", &["north"]).await.unwrap();
    let uplink = agent.uplink.as_ref().unwrap();
    let start = now().as_micros();
    for nth in 0..5_u32 {
        uplink.second(&second("north", start + u64::from(nth) * 1_000_000, 10 + nth));
    }
    until("its last second is known", || {
        let standing = aggregator.intake.fleet().snapshot(now());
        standing.first().and_then(|one| one.traffic.as_ref()).is_some_and(|data| data.packets_per_sec == 14)
    })
    .await;
    let current = service.get(&caller, "/api/context/north/current").await.unwrap();
    assert_eq!(
        (&current["facility_id"], &current["window_duration"]),
        (&json!("north"), &json!("60 seconds"))
    );
    assert_eq!(
        (&current["metrics"]["packets_per_sec"], &current["metrics"]["failed_connections"]),
        (&json!(12.0), &json!(5))
    );
    assert_eq!(current["seconds"].as_array().unwrap().len(), 5);
    let agents = service.get(&caller, "/api/fleet/agents").await.unwrap();
    assert_eq!(
        (&agents["agents"][0]["status"], &agents["agents"][0]["id"]),
        (&json!("active"), &json!(agent.id))
    );
    let plants = service.get(&caller, "/api/facilities").await.unwrap();
    assert_eq!(
        (&plants["facilities"][0]["status"], &plants["facilities"][0]["connected"]),
        (&json!("active"), &json!(1))
    );
    let realtime = service.get(&caller, "/api/metrics/realtime").await.unwrap();
    assert_eq!((&realtime["packets_per_sec"], &realtime["agents_connected"]), (&json!(14), &json!(1)));
    let foreign = service.key("viewer", &["south"]).await.unwrap();
    service
        .ask(&foreign, "GET", "/api/context/north/current", None)
        .await
        .unwrap()
        .is_problem(404, "not_found");
    assert!(service.get(&foreign, "/api/metrics/realtime").await.unwrap()["packets_per_sec"].is_null());
    agent.disconnect();
    until("it is gone", || {
        let standing = aggregator.intake.fleet().snapshot(now());
        standing.iter().all(|one| one.presence == fieldward_aggregator::fleet::Presence::Offline)
    })
    .await;
    service
        .ask(&caller, "GET", "/api/context/north/current", None)
        .await
        .unwrap()
        .is_problem(503, "agent_unavailable");
    service.stop().await.unwrap();
    aggregator.stop().await;
}
