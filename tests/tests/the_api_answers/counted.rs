//! What is counted, as Prometheus reads it.

use std::collections::BTreeMap;

use fieldward_aggregator::api::Parts;
use fieldward_aggregator::api::config::Scrapers;
use fieldward_aggregator::fleet::Fleet;
use fieldward_tests::api::{Caller, Service};

use crate::{Database, stories};

stories!(what_was_done_is_counted);

async fn what_was_done_is_counted(database: Database) {
    let service = Service::start(database.open().await).await.expect("an API");
    crate::alerts::seed(&service.api.store, 3).await;
    let key = service.key("viewer", &["*"]).await.unwrap();
    for _ in 0..3 {
        service.get(&key, "/api/alerts?limit=2").await.unwrap();
    }
    service.ask(&key, "GET", "/api/alerts/00000000-0000-8000-8000-00000000dead", None).await.unwrap();
    service.ask(&key, "GET", "/wp-admin.php", None).await.unwrap();
    let answer = service.ask(&key, "GET", "/metrics", None).await.unwrap();
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(answer.body).unwrap();
    let figures = read(&text);
    let counted = |method: &str, route: &str, status: &str| {
        let name = "fieldward_http_request_duration_seconds_count";
        let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
        figures.get(&format!("{name}{labels}")).copied()
    };
    assert_eq!(counted("GET", "/api/alerts", "2xx"), Some(3.0), "{text}");
    // By the route, whatever id was asked for, and together what is no route.
    assert_eq!(counted("GET", "/api/alerts/{alert_id}", "4xx"), Some(1.0));
    assert_eq!(counted("GET", "none", "4xx"), Some(1.0));
    assert!(!text.contains("dead") && !text.contains("wp-admin") && !text.contains("127.0.0.1"), "{text}");
    // Buckets only grow, and the last is all.
    let name =
        "fieldward_http_request_duration_seconds_bucket{method=\"GET\",route=\"/api/alerts\",status=\"2xx\"";
    let buckets: Vec<f64> = text
        .lines()
        .filter(|line| line.starts_with(name))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
        .collect();
    assert!(buckets.len() == 18 && buckets.is_sorted() && buckets.last() == Some(&3.0), "{buckets:?}");
    assert_eq!(figures["fieldward_http_requests_under_way"], 1.0, "this one");
    assert!(figures["fieldward_database_queries_total{query=\"read alerts\"}"] >= 3.0, "{text}");
    assert!(figures["fieldward_database_query_duration_seconds_count"] > 3.0);
    assert!(figures["process_resident_memory_bytes"] > 1e6 && figures["process_open_fds"] > 3.0);
    assert!(figures.keys().any(|name| name.starts_with("fieldward_build_info{version=")));
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_scrapes_has_a_key_or_is_on_this_machine() {
    let database = Database::sqlite();
    let nobody = Caller::default();
    let service = Service::start(database.open().await).await.expect("an API");
    service.ask(&nobody, "GET", "/metrics", None).await.unwrap().is_problem(401, "unauthenticated");
    let north = service.key("admin", &["north"]).await.unwrap();
    service.ask(&north, "GET", "/metrics", None).await.unwrap().is_problem(403, "missing_scope");
    service.stop().await.unwrap();
    let parts = Service::parts(database.open().await, Fleet::default(), None);
    let parts = Parts { scrapers: Scrapers::Loopback, ..parts };
    let service = Service::of(parts, None, (None, None)).await.unwrap();
    assert_eq!(service.ask(&nobody, "GET", "/metrics", None).await.unwrap().status, 200);
    let proxied = nobody.with("x-forwarded-for", "192.0.2.7");
    service.ask(&proxied, "GET", "/metrics", None).await.unwrap().is_problem(401, "unauthenticated");
    service.stop().await.unwrap();
}

/// Values by name and labels; every line is one, or a comment.
fn read(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with("# "));
    let read = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        (name.to_owned(), value.parse().expect("a number"))
    });
    let all: Vec<(String, f64)> = read.collect();
    let count = all.len();
    let all: BTreeMap<String, f64> = all.into_iter().collect();
    assert_eq!(all.len(), count, "no figure stands there twice");
    all
}
