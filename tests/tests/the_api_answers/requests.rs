//! Web requests from a captured packet to the answer of the API: counted by endpoint, without a value.

use std::path::Path;

use fieldward_agent::capture::{self, Next, Source as _};
use fieldward_agent::lookout::Lookout;
use fieldward_agent::pipeline::Limits;
use fieldward_aggregator::store::Retention;
use fieldward_shared::pattern::Pattern;
use fieldward_shared::telemetry::{ENDPOINTS, EndpointCounts, RequestMinute};
use fieldward_shared::time::Timestamp;
use fieldward_tests::api::Service;
use fieldward_tests::capture::message::http;
use fieldward_tests::capture::{Capture, Tcp};
use fieldward_tests::link::{Agent, Aggregator, HERE, limits, pace, pki::Pki};
use serde_json::{Value, json};

use crate::{Database, stories};

stories!(what_agents_decode_is_counted_by_endpoint, a_full_table_and_a_year_of_it_add_up);

/// Two minutes of a plant: pages with values in them, answers of several kinds, one that never came.
fn recorded(path: &Path) {
    let mut capture = Capture::new();
    for nth in 0..6_u64 {
        // The capture begins at 22:13:20, and each opens after the one before.
        let mut tcp = Tcp::open(&mut capture, 80);
        tcp.now = 1_000_000 + nth * 20_000_000;
        let page = format!("/api/tanks/{nth}/level?operator=jane.doe");
        tcp.client(http::request("GET", &page, "")).server(http::sized(200, "12345"));
        tcp.client(http::post("/users/jane.doe/setpoint", "target=42")).server(http::sized(404, "no"));
        if nth == 5 {
            tcp.client(http::request("GET", "/api/slow", ""));
        }
        tcp.close();
    }
    capture.save(path).expect("a capture");
}

/// What an agent tells of a capture.
fn replayed(path: &Path) -> Vec<RequestMinute> {
    let mut lookout = Lookout::new("claimed", Limits::watching(), Vec::new());
    let (mut source, mut told, mut minutes) = (capture::open(path).unwrap(), Vec::new(), Vec::new());
    while let Ok(Next::Packet(packet)) = source.next_packet() {
        lookout.packet(&packet, &mut told);
        minutes.extend(lookout.requests());
    }
    lookout.finish(&mut told);
    minutes.extend(lookout.requests());
    minutes
}

async fn what_agents_decode_is_counted_by_endpoint(database: Database) {
    let (folder, pki) = (tempfile::tempdir().unwrap(), Pki::new().unwrap());
    let path = folder.path().join("plant.pcap");
    recorded(&path);
    let minutes = replayed(&path);
    assert_eq!(minutes, replayed(&path), "a capture says the same each time");
    let paths = minutes.iter().flat_map(|minute| minute.endpoints.iter().map(|one| one.path.as_str()));
    let text = paths.collect::<Vec<_>>().join(" ");
    for value in ["jane", "doe", "42", "operator", "?", "tanks/1"] {
        assert!(!text.contains(value), "{value} has left the plant: {text}");
    }
    // Over a link of its own: the certificate says which plant it is.
    let store = database.open().await;
    let (tls, gate) = (pki.server().unwrap(), pki.gate());
    let mut aggregator = Aggregator::with(store.clone(), HERE, (tls, gate), limits()).await.unwrap();
    let agent = Agent::start(folder.path(), "north", &pki, aggregator.intake.address(), pace()).unwrap();
    for minute in &minutes {
        agent.uplink.as_ref().unwrap().requests(minute);
        let came = tokio::time::timeout(std::time::Duration::from_secs(60), aggregator.requests.recv()).await;
        let came = came.unwrap().unwrap();
        assert_eq!((came.facility_id.as_str(), &came.endpoints), ("north", &minute.endpoints));
        let new = store.keep_requests(vec![came.clone()]).await.expect("kept");
        assert_eq!(new, came.endpoints.len() as u64);
        // Told again it changes nothing, and neither does another of the same minute.
        assert_eq!(store.keep_requests(vec![came.clone(), came]).await.expect("kept"), 0);
    }
    let service = Service::start(store).await.expect("an API");
    let (caller, foreign) =
        (service.key("viewer", &["north"]).await.unwrap(), service.key("viewer", &["south"]).await.unwrap());
    let when = "since=2023-11-14T22:00:00Z&until=2023-11-14T23:00:00Z";
    let listed = service.get(&caller, &format!("/api/traffic/endpoints?{when}")).await.unwrap();
    let named: Vec<_> = listed["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["endpoint"].as_str().unwrap(), one["method"].as_str().unwrap(), &one["requests"]))
        .collect();
    let wanted = [
        ("/api/tanks/{}/level", "GET", &json!(6)),
        ("/users/{}/setpoint", "POST", &json!(6)),
        ("/api/slow", "GET", &json!(1)),
    ];
    assert_eq!(named, wanted);
    // As it was asked for, and as a pattern, it is the same endpoint.
    for path in ["%2Fapi%2Ftanks%2F%7B%7D%2Flevel", "%2Fapi%2Ftanks%2F17%2Flevel"] {
        let level = service.get(&caller, &format!("/api/traffic/endpoint/{path}?{when}")).await.unwrap();
        assert_eq!(
            (&level["endpoint"], &level["requests"], &level["errors"], &level["bytes"]),
            (&json!("/api/tanks/{}/level"), &json!(6), &json!(0), &json!(30))
        );
        let points: Vec<_> = level["points"].as_array().unwrap().iter().map(|one| &one["requests"]).collect();
        assert_eq!(
            (level["resolution_seconds"].as_u64(), points),
            (Some(60), vec![&json!(2), &json!(3), &json!(1)])
        );
        let took = level["response_time_mean_ms"].as_f64().unwrap();
        assert!(took > 0.1 && took <= level["response_time_max_ms"].as_f64().unwrap(), "{level}");
        assert_eq!(level["by_status"], json!([{ "status": "2xx", "requests": 6 }]));
        assert_eq!(level["by_server"][0]["facility_id"], "north");
    }
    let wrong = "/api/traffic/endpoint/%2Fusers%2F%7B%7D%2Fsetpoint";
    let set = service.get(&caller, &format!("{wrong}?{when}&method=post")).await.unwrap();
    assert_eq!((&set["errors"], &set["error_rate"], &set["bytes"]), (&json!(6), &json!(1.0), &json!(66)));
    let none = service.get(&caller, &format!("{wrong}?{when}&method=GET")).await.unwrap();
    assert_eq!(
        (&none["requests"], &none["points"], &none["error_rate"]),
        (&json!(0), &json!([]), &Value::Null)
    );
    let slow = service.get(&caller, &format!("/api/traffic/endpoint/%2Fapi%2Fslow?{when}")).await.unwrap();
    assert_eq!(slow["by_status"], json!([{ "status": "none", "requests": 1 }]));
    assert!(slow["response_time_mean_ms"].is_null() && slow["answered"] == 0);
    // The same in charts, analytics and trends.
    let chart = service.get(&caller, &format!("/api/charts/requests?{when}")).await.unwrap();
    let points = chart["points"].as_array().unwrap();
    assert_eq!(points.iter().filter_map(|one| one["requests"].as_u64()).sum::<u64>(), 13);
    assert_eq!((points.len(), &points[0]["errors"], &chart["unknown"]), (3, &json!(2), &json!({})));
    let past = service.get(&caller, &format!("/api/metrics/historical?{when}")).await.unwrap();
    let told = past["requests"].as_array().unwrap();
    assert_eq!(told.iter().filter_map(|one| one["requests"].as_u64()).sum::<u64>(), 13);
    assert_eq!((&told[0]["errors"], &past["requests_resolution_seconds"]), (&json!(2), &json!(60)), "{past}");
    for path in ["overview", "summary"] {
        let told = service.get(&caller, &format!("/api/analytics/{path}?{when}")).await.unwrap();
        assert_eq!((&told["traffic"]["requests"], &told["unknown"]), (&json!(13), &json!({})), "{path}");
    }
    let trend = service.get(&caller, &format!("/api/analytics/trends/requests?{when}")).await.unwrap();
    assert_eq!((&trend["total"], &trend["previous_total"]), (&json!(13.0), &Value::Null));
    // Whoever sees another plant learns nothing of this one.
    let hidden = format!("/api/traffic/endpoint/%2Fapi%2Fslow?{when}");
    service.ask(&foreign, "GET", &hidden, None).await.unwrap().is_problem(404, "not_found");
    let nothing = service.get(&foreign, &format!("/api/traffic/endpoints?{when}")).await.unwrap();
    assert_eq!(nothing["endpoints"], json!([]));
    let nothing = service.get(&foreign, &format!("/api/analytics/summary?{when}")).await.unwrap();
    assert!(nothing["traffic"]["requests"].is_null() && nothing["unknown"]["traffic.requests"].is_string());
    for path in ["endpoint/%2Fnowhere", "endpoint/%00", "endpoint/%FF"] {
        service
            .ask(&caller, "GET", &format!("/api/traffic/{path}"), None)
            .await
            .unwrap()
            .is_problem(404, "not_found");
    }
    for query in ["endpoints?limit=0", "endpoint/%2Fapi%2Fslow?method=BREW", "endpoints?range=1y"] {
        let answer = service.ask(&caller, "GET", &format!("/api/traffic/{query}"), None).await.unwrap();
        answer.is_problem(400, "invalid_query");
    }
    drop(agent);
    aggregator.intake.close().await;
    service.stop().await.unwrap();
}

/// Minutes with as many endpoints as an agent tells, of a whole year; what is old is forgotten.
async fn a_full_table_and_a_year_of_it_add_up(database: Database) {
    let store = database.open().await;
    let now = fieldward_aggregator::store::now().as_micros() / 3_600_000_000 * 3_600_000_000;
    let letter = |nth: usize| char::from(b'a' + (nth % 26) as u8);
    let full = |facility: &str, at: u64| RequestMinute {
        timestamp: Timestamp::from_micros(at),
        facility_id: facility.to_owned(),
        endpoints: (0..=ENDPOINTS)
            .map(|nth| EndpointCounts {
                server: "10.0.0.1".parse().unwrap(),
                method: "GET",
                path: if nth == ENDPOINTS {
                    Pattern::OTHER
                } else {
                    Pattern::of(format!("/{}/{}x", letter(nth / 26), letter(nth)).as_bytes())
                },
                status: 2,
                requests: 3,
                errors: 0,
                bytes: 10,
                answered: 3,
                micros: 3000,
                most_micros: 1500,
            })
            .collect(),
    };
    // Two minutes of an hour, and one of each tenth day before.
    let mut told = vec![full("plant-1", now - 60_000_000), full("plant-1", now - 120_000_000)];
    told.extend((1..30).map(|days| full("plant-1", now - days * 10 * 86_400_000_000)));
    let told_of = told.len() as u64;
    let rows = (ENDPOINTS + 1) as u64;
    for piece in told.chunks(8) {
        assert_eq!(store.keep_requests(piece.to_vec()).await.expect("kept"), rows * piece.len() as u64);
    }
    let service = Service::start(store).await.expect("an API");
    let caller = service.key("viewer", &["plant-1"]).await.unwrap();
    for (range, minutes) in [("24h", 2), ("45d", 6), ("366d", told_of)] {
        let trend =
            service.get(&caller, &format!("/api/analytics/trends/requests?range={range}")).await.unwrap();
        assert_eq!(trend["total"].as_f64(), Some((minutes * rows * 3) as f64), "{range}");
        let other =
            service.get(&caller, &format!("/api/traffic/endpoint/other?range={range}")).await.unwrap();
        assert_eq!((&other["requests"], &other["answered"]), (&json!(minutes * 3), &json!(minutes * 3)));
        assert_eq!(
            (&other["response_time_mean_ms"], &other["response_time_max_ms"]),
            (&json!(1.0), &json!(1.5))
        );
        let list =
            service.get(&caller, &format!("/api/traffic/endpoints?limit=500&range={range}")).await.unwrap();
        assert_eq!(list["endpoints"].as_array().unwrap().len(), ENDPOINTS + 1);
    }
    // Minutes are kept for 30 days, hours for 90.
    let store = &service.api.store;
    let forgotten = store.forget(Retention::default(), Timestamp::from_micros(now)).await.expect("forgotten");
    let (minutes, hours) = (29 - 3, 29 - 9);
    assert_eq!(forgotten.traffic, (minutes + hours) * (rows + 1));
    let again = store.forget(Retention::default(), Timestamp::from_micros(now)).await.expect("forgotten");
    assert_eq!(again.traffic, 0);
    service.stop().await.unwrap();
}
