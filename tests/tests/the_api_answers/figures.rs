//! Traffic and the fleet as they were told, and the live window of a plant.

use fieldward_aggregator::store::now;
use fieldward_shared::telemetry::NetworkData;
use fieldward_shared::time::Timestamp;
use fieldward_tests::api::Service;
use fieldward_tests::link::{Agent, Aggregator, HERE, limits, pace, pki::Pki, until};
use serde_json::{Value, json};

use crate::{Database, stories};

stories!(traffic_adds_up_to_what_was_told);

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
