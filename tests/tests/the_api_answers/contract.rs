//! Every endpoint that the documents ask for, with its fields: each is there as they say.

use fieldward_aggregator::api::openapi;
use fieldward_aggregator::store::now;
use fieldward_tests::api::{Caller, Service};
use serde_json::Value;

use crate::Database;

/// An endpoint, what may be asked of it, and what it answers with (`[]` is each of a list).
type Endpoint = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const ALERT: &[&str] = &[
    "id",
    "timestamp",
    "facility_id",
    "severity",
    "title",
    "description",
    "status",
    "attack_type",
    "attack_name",
    "correlation_confidence",
    "correlation_summary",
    "context_analysis.duration",
    "context_analysis.pattern",
    "context_analysis.behavior",
    "context_analysis.timeline[].time",
    "context_analysis.evidence",
    "sources[].layer",
    "sources[].model_name",
    "sources[].confidence",
    "sources[].detection_time",
    "sources[].evidence",
    "sources[].context_evidence",
    "first_seen",
    "last_seen",
    "count",
    "src_assets",
    "dst_assets",
    "protocol",
    "tactic",
];
const ALERTS: &[&str] = &[
    "alerts[].id",
    "alerts[].timestamp",
    "alerts[].facility_id",
    "alerts[].severity",
    "alerts[].title",
    "alerts[].description",
    "alerts[].status",
    "alerts[].attack_type",
    "alerts[].attack_name",
    "alerts[].correlation_confidence",
    "alerts[].correlation_summary",
    "alerts[].sources[].layer",
    "total",
    "page",
    "pages",
];
const POINT: &[&str] = &[
    "timeline[].time",
    "timeline[].packets_per_sec",
    "timeline[].unique_dest_ips",
    "timeline[].protocol_distribution",
    "timeline[].status",
];
const THREATS: &[&str] = &[
    "threats[].id",
    "threats[].timestamp",
    "threats[].facility_id",
    "threats[].type",
    "threats[].name",
    "threats[].severity",
    "threats[].status",
    "threats[].confidence",
    "threats[].src_assets",
    "threats[].dst_assets",
    "total",
    "page",
    "pages",
];
const ROUND: &[&str] = &[
    "id",
    "round_number",
    "status",
    "phase",
    "start_time",
    "end_time",
    "progress",
    "epsilon",
    "model_accuracy",
    "clients_active",
    "total_clients",
    "clients[].id",
    "clients[].facility_id",
    "clients[].name",
    "clients[].status",
    "clients[].progress",
    "clients[].current_epoch",
    "clients[].total_epochs",
    "clients[].loss",
    "clients[].accuracy",
    "clients[].last_update",
];
const ROUNDS: &[&str] = &["rounds[].id", "rounds[].status", "rounds[].phase", "total"];
/// The field without a name is the answer itself: a list.
const CLIENTS: &[&str] = &[
    "[].id",
    "[].facility_id",
    "[].name",
    "[].status",
    "[].progress",
    "[].current_epoch",
    "[].total_epochs",
    "[].loss",
    "[].accuracy",
    "[].last_update",
];
const NOTHING: &[&str] = &[];

/// `spec/backend-api.md`, then `spec/implementation-steps.md`, then `spec/dashboard-integration.md`, then
/// `spec/enterprise-gateway.md`, which names no paths, then the contracts.
const ASKED_FOR: &[Endpoint] = &[
    ("GET", "/health", NOTHING, &["status", "services"]),
    (
        "GET",
        "/api/system/status",
        NOTHING,
        &[
            "active_alerts",
            "fl_progress",
            "prediction_accuracy",
            "facilities[].id",
            "facilities[].name",
            "facilities[].status",
        ],
    ),
    ("GET", "/api/alerts", &["severity", "facility", "status", "search", "page", "limit"], ALERTS),
    ("GET", "/api/alerts/{alert_id}", NOTHING, ALERT),
    ("PUT", "/api/alerts/{alert_id}/status", NOTHING, ALERT),
    ("GET", "/api/alerts/stats", NOTHING, &["total", "critical", "unresolved", "false_positives"]),
    (
        "GET",
        "/api/context/{facility_id}/current",
        NOTHING,
        &[
            "facility_id",
            "window_duration",
            "features",
            "metrics.packets_per_sec",
            "metrics.bytes_per_sec",
            "metrics.unique_src_ips",
            "metrics.unique_dest_ips",
            "metrics.protocol_distribution",
            "metrics.failed_connections",
            "metrics.avg_packet_size",
        ],
    ),
    (
        "GET",
        "/api/context/{alert_id}/evidence",
        NOTHING,
        &[
            "alert_id",
            "timeline[].time",
            "timeline[].status",
            "evidence.packets_per_sec",
            "evidence.unique_dest_ips",
            "evidence.protocol_distribution",
            "evidence.failed_connections",
            "pattern_analysis.pattern_type",
            "pattern_analysis.confidence",
            "pattern_analysis.description",
        ],
    ),
    ("GET", "/api/context/{alert_id}/timeline", NOTHING, POINT),
    ("GET", "/api/fl/rounds/current", NOTHING, ROUND),
    ("GET", "/api/fl/rounds", &["limit", "offset"], ROUNDS),
    ("GET", "/api/fl/rounds/{round_id}", NOTHING, ROUND),
    ("POST", "/api/fl/rounds/trigger", NOTHING, &["round_id", "status"]),
    ("GET", "/api/fl/clients", NOTHING, CLIENTS),
    ("GET", "/api/fl/clients/{client_id}", NOTHING, &["id", "status", "rounds[].round_number"]),
    (
        "GET",
        "/api/fl/privacy-metrics",
        NOTHING,
        &["epsilon", "delta", "data_size", "encryption", "privacy_budget_remaining"],
    ),
    ("GET", "/api/predictions", &["limit", "offset", "validated"], &["predictions", "total"]),
    ("GET", "/api/predictions/{prediction_id}", NOTHING, PREDICTION),
    ("POST", "/api/predictions/predict", NOTHING, PREDICTION),
    ("GET", "/api/mitre/graph", NOTHING, &["nodes", "links", "matrix"]),
    (
        "GET",
        "/api/mitre/technique/{technique_id}",
        NOTHING,
        &["id", "name", "description", "tactics", "detection", "mitigation", "platforms", "affected_assets"],
    ),
    ("POST", "/api/demo/scenarios/port-scan", NOTHING, &["scenario_id", "status"]),
    ("POST", "/api/demo/scenarios/fl-round", NOTHING, &["round_id", "status"]),
    ("POST", "/api/demo/scenarios/multi-stage", NOTHING, &["scenario_id", "status"]),
    ("GET", "/api/demo/status", NOTHING, &["active_scenarios", "last_scenario"]),
    ("POST", "/api/demo/reset", NOTHING, &["status"]),
    ("GET", "/ws", NOTHING, NOTHING),
    ("GET", "/api/fl/rounds/history", &["range"], &["rounds[].round_number", "rounds[].model_accuracy"]),
    ("GET", "/api/predictions/latest", NOTHING, &["prediction"]),
    (
        "GET",
        "/api/metrics/realtime",
        NOTHING,
        &["requests_per_sec", "block_rate", "api.response_time_p50_ms", "cpu_percent", "memory_bytes"],
    ),
    (
        "GET",
        "/api/metrics/historical",
        &["range"],
        &["points[].timestamp", "points[].packets_per_sec", "requests[].requests"],
    ),
    ("GET", "/api/alerts/active", &["page", "limit", "range"], ALERTS),
    ("GET", "/api/alerts/history", &["page", "limit", "range"], ALERTS),
    ("POST", "/api/alerts/{id}/dismiss", NOTHING, ALERT),
    ("POST", "/api/alerts/{id}/acknowledge", NOTHING, ALERT),
    ("GET", "/api/activities/recent", NOTHING, &["activities[].timestamp", "activities[].actor"]),
    ("GET", "/api/activities", &["page", "limit", "range"], &["activities[].timestamp", "total", "pages"]),
    ("GET", "/api/charts/requests", &["range"], &["points[].timestamp", "points[].requests"]),
    (
        "GET",
        "/api/charts/threats",
        &["range"],
        &["points[].timestamp", "points[].total", "points[].critical"],
    ),
    ("GET", "/api/charts/performance", &["range"], &["points[].timestamp", "points[].response_time_p95_ms"]),
    ("GET", "/api/traffic/recent", NOTHING, &["traffic[].timestamp", "traffic[].facility_id"]),
    (
        "GET",
        "/api/traffic",
        &["page", "limit", "range"],
        &[
            "traffic[].packets_per_sec",
            "traffic[].bytes_per_sec",
            "traffic[].unique_src_ips",
            "traffic[].unique_dest_ips",
            "traffic[].protocol_distribution",
            "traffic[].failed_connections",
            "traffic[].avg_packet_size",
            "traffic[].inter_arrival_time",
            "total",
            "pages",
        ],
    ),
    (
        "GET",
        "/api/traffic/endpoint/{endpoint}",
        &["range", "method", "facility"],
        &[
            "endpoint",
            "requests",
            "errors",
            "bytes",
            "response_time_mean_ms",
            "response_time_max_ms",
            "by_status[].status",
            "by_method[].method",
            "by_server[].server",
            "points[].timestamp",
            "points[].requests",
        ],
    ),
    (
        "GET",
        "/api/traffic/endpoints",
        &["range", "facility", "limit"],
        &["endpoints[].endpoint", "endpoints[].method", "endpoints[].requests"],
    ),
    (
        "GET",
        "/api/security/checks",
        NOTHING,
        &[
            "checks[].id",
            "checks[].title",
            "checks[].result",
            "checks[].summary",
            "checks[].evidence",
            "checks[].remedy",
            "checks[].requirements[].id",
            "checks[].checked_at",
            "totals",
        ],
    ),
    ("POST", "/api/security/checks/{id}/run", NOTHING, &["id", "result", "evidence", "remedy", "checked_at"]),
    (
        "GET",
        "/api/security/compliance-score",
        &["range"],
        &["score", "formula", "checks[].points", "requirements[].result", "history[].score"],
    ),
    (
        "GET",
        "/api/business/kpi",
        &["range"],
        &[
            "time_to_detect.mean_seconds",
            "time_to_acknowledge.p50_seconds",
            "time_to_resolve.p90_seconds",
            "facilities[].name",
            "analysts[].name",
        ],
    ),
    ("GET", "/api/business/sla", &["range"], &["attainment", "goals[].target_minutes", "goals[].attainment"]),
    ("GET", "/api/business/cost", &["range"], &["currency", "stored_cost", "watched_cost", "total_cost"]),
    ("GET", "/api/privacy/classification", NOTHING, &["fields[].field", "fields[].class", "fields[].source"]),
    ("POST", "/api/privacy/pseudonymise", NOTHING, &["text", "replaced"]),
    ("GET", "/api/privacy/report", NOTHING, &["duties[].result", "fields"]),
    ("POST", "/api/fl/rounds/{round_id}/pause", NOTHING, ROUND),
    ("POST", "/api/fl/rounds/{round_id}/resume", NOTHING, ROUND),
    ("POST", "/api/fl/rounds/{round_id}/abort", NOTHING, ROUND),
    ("GET", "/api/models", NOTHING, &["models[].name", "version", "accuracy"]),
    (
        "GET",
        "/api/models/versions",
        &["network", "limit"],
        &["versions[].id", "versions[].state", "versions[].accuracy", "current"],
    ),
    (
        "GET",
        "/api/models/versions/{version_id}",
        NOTHING,
        &["digest", "lineage[].round", "lineage[].epsilon", "lineage[].agents", "left_out[].reason"],
    ),
    (
        "GET",
        "/api/models/versions/{version_id}/performance",
        NOTHING,
        &["accuracy", "metrics", "plants[].loss"],
    ),
    ("GET", "/api/models/versions/{version_id}/export", NOTHING, NOTHING),
    ("POST", "/api/models/versions/{version_id}/promote", NOTHING, &["id", "is_current"]),
    ("POST", "/api/models/versions/{version_id}/rollback", NOTHING, &["id", "is_current"]),
    ("GET", "/api/training/jobs", NOTHING, &["jobs[].state", "jobs[].progress"]),
    ("POST", "/api/training/jobs", NOTHING, &["round_id", "status"]),
    ("GET", "/api/training/jobs/{job_id}", NOTHING, &["state", "progress", "error"]),
    ("POST", "/api/training/jobs/{job_id}/stop", NOTHING, &["state"]),
    (
        "GET",
        "/api/training/jobs/{job_id}/logs",
        &["from", "limit"],
        &["lines[].timestamp", "lines[].event", "lines[].detail"],
    ),
    (
        "GET",
        "/api/training/configuration",
        NOTHING,
        &["networks[].strategy", "networks[].settings.epochs", "strategies[].name"],
    ),
    ("PUT", "/api/training/configuration/{network}", NOTHING, &["strategy", "revision"]),
    ("GET", "/api/drift", NOTHING, &["agents[].status", "agents[].features[].index"]),
    ("GET", "/api/outputs", NOTHING, &["outputs"]),
    ("POST", "/api/drift/round", NOTHING, &["round_id", "status"]),
    ("GET", "/api/alerts/export", &["format", "severity", "facility", "status", "range"], NOTHING),
    ("POST", "/api/alerts/bulk", NOTHING, NOTHING),
    ("GET", "/api/jobs/{job_id}", NOTHING, &["state", "total", "done", "failed[].code", "undo_until"]),
    ("GET", "/api/threats/recent", NOTHING, &["threats[].id", "threats[].type", "threats[].severity"]),
    ("GET", "/api/threats", &["page", "limit", "range", "severity", "facility", "status"], THREATS),
    ("GET", "/api/threats/type/{type}", &["page", "limit", "range"], THREATS),
    (
        "GET",
        "/api/threats/stats",
        &["range"],
        &[
            "total",
            "blocked",
            "unresolved",
            "critical",
            "by_severity",
            "by_status",
            "by_type[].type",
            "by_type[].count",
            "by_facility[].facility_id",
        ],
    ),
    (
        "GET",
        "/api/analytics/overview",
        &["range"],
        &[
            "alerts.total",
            "alerts.previous",
            "alerts.change_percent",
            "threats.total",
            "active_alerts",
            "response.time_to_acknowledge_p50_seconds",
            "response.time_to_resolve_p50_seconds",
            "traffic.packets",
            "traffic.requests",
            "top_threats[].type",
            "top_facilities[].facility_id",
        ],
    ),
    (
        "GET",
        "/api/analytics/trends/{metric}",
        &["range"],
        &[
            "metric",
            "unit",
            "points[].timestamp",
            "points[].value",
            "total",
            "previous_total",
            "change_percent",
        ],
    ),
    (
        "GET",
        "/api/analytics/summary",
        &["range"],
        &[
            "total_alerts",
            "total_threats",
            "by_severity",
            "by_status",
            "by_type[].count",
            "by_facility[].count",
            "false_positive_rate",
            "response.false_positive_rate",
            "traffic.bytes",
        ],
    ),
    ("GET", "/openapi.json", NOTHING, NOTHING),
    ("GET", "/docs", NOTHING, NOTHING),
    ("GET", "/livez", NOTHING, NOTHING),
    ("GET", "/readyz", NOTHING, NOTHING),
    ("GET", "/metrics", NOTHING, NOTHING),
];

/// A prediction.
const PREDICTION: &[&str] = &[
    "id",
    "timestamp",
    "current_technique",
    "current_technique_name",
    "alert_id",
    "validated",
    "validation_time",
    "predicted_techniques[].technique_id",
    "predicted_techniques[].probability",
    "predicted_techniques[].rank",
    "predicted_techniques[].timeframe",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_endpoint_of_the_documents_is_there_or_listed() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.expect("an API");
    let document: Value = serde_json::from_str(&openapi::text()).expect("JSON");
    let mut wrong = Vec::new();
    for (method, path, asked, fields) in ASKED_FOR {
        if !service.entries.iter().any(|one| one.method == *method && same(&one.path, path)) {
            wrong.push(format!("{method} {path}: is missing"));
            continue;
        }
        let Some(operation) = operation(&document, method, path) else {
            wrong.push(format!("{method} {path}: not in the document"));
            continue;
        };
        for name in *asked {
            let parameters = operation["parameters"].as_array();
            if !parameters.is_some_and(|all| all.iter().any(|one| one["name"] == *name)) {
                wrong.push(format!("{method} {path}: cannot be asked for {name}"));
            }
        }
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        for field in *fields {
            if find(&document, schema, field).is_none() {
                wrong.push(format!("{method} {path}: does not answer with {field}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_of_the_router_and_whole() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.expect("an API");
    let document: Value = serde_json::from_str(&openapi::text()).expect("JSON");
    assert_eq!(document, service.get(&Caller::default(), "/openapi.json").await.unwrap());
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["license"]["name"], "Apache-2.0");
    let mut operations = 0;
    let mut names = std::collections::BTreeSet::new();
    for entry in &service.entries {
        let operation = operation(&document, entry.method, &entry.path).expect("in the document");
        operations += 1;
        assert!(
            names.insert(operation["operationId"].as_str().expect("a name").to_owned()),
            "{entry:?}: a name twice"
        );
        assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{entry:?}");
        let security = operation["security"].as_array().expect("who may");
        let is_public = entry.policy == fieldward_aggregator::api::route::Policy::Public;
        assert_eq!(security.is_empty(), is_public, "{entry:?}");
        let responses = operation["responses"].as_object().expect("answers");
        for (status, answer) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
            let is_problem = answer["content"]["application/problem+json"].is_object();
            let is_health = entry.path == "/health" && status == "503";
            // A head that is too large is refused before there is a request.
            let is_bare = status == "431";
            assert!(is_problem || is_health || is_bare, "{entry:?} {status}");
        }
    }
    let listed: usize =
        document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(listed, operations);
    // No two bodies have one name: the document would show one of them for both.
    let mut schemas = std::collections::BTreeMap::new();
    for (name, schema) in
        fieldward_aggregator::api::route::collect(fieldward_aggregator::api::RESOURCES).schemas
    {
        let schema = serde_json::to_value(schema).expect("JSON");
        let known = schemas.entry(name.clone()).or_insert_with(|| schema.clone());
        assert_eq!(*known, schema, "{name}: two bodies have this name");
    }
    // No reference leads nowhere.
    let text = document.to_string();
    for (at, _) in text.match_indices("\"$ref\":\"#/components/schemas/") {
        let name =
            text[at..].split("schemas/").nth(1).and_then(|rest| rest.split('"').next()).expect("a name");
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_as_the_document_says() {
    let database = Database::sqlite();
    let service = Service::start(database.open().await).await.expect("an API");
    crate::alerts::seed(&service.api.store, 30).await;
    let caller = service.key("admin", &["*"]).await.unwrap();
    let document: Value = serde_json::from_str(&openapi::text()).expect("JSON");
    // There is a round and a version, so that they can be shown.
    let begun = service.ask(&caller, "POST", "/api/fl/rounds/trigger", None).await.unwrap();
    assert_eq!(begun.status, 200, "{begun:?}");
    service.api.store.import_version(&crate::learning::version(&[1.0]), now()).await.unwrap();
    let first = service.get(&caller, "/api/alerts?limit=1").await.unwrap();
    let id = first["alerts"][0]["id"].as_str().unwrap();
    let mut checked = 0;
    for entry in service.entries.iter().filter(|entry| entry.method == "GET") {
        let path = entry.path.replace("{alert_id}", id);
        let path = path.replace("{metric}", "alerts").replace("{type}", "web-script");
        let path = path.replace("{round_id}", "1").replace("{version_id}", "1");
        let path = path.replace("{job_id}/logs", "round-1/logs");
        let schema = &operation(&document, "GET", &entry.path).unwrap()["responses"]["200"]["content"]["application/json"]
            ["schema"];
        if path.contains('{') || !schema.is_object() || path == "/openapi.json" || path.ends_with("/export") {
            continue;
        }
        if path == "/api/demo/status" {
            // Nobody wants demonstrations here; `a_scenario_is_played` asks where somebody does.
            let answer = service.ask(&caller, "GET", &path, None).await.unwrap();
            answer.is_problem(404, "demo_off");
            continue;
        }
        let answer = service.get(&caller, &path).await.unwrap();
        let mut wrong = Vec::new();
        conforms(&document, schema, &answer, &path, &mut wrong);
        assert!(wrong.is_empty(), "{}\n{answer}", wrong.join("\n"));
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
    service.stop().await.unwrap();
}

/// Whether two paths are the same but for the names of their parameters.
fn same(one: &str, other: &str) -> bool {
    let plain = |path: &str| {
        path.split('/')
            .map(|part| if part.starts_with('{') { "{}" } else { part }.to_owned())
            .collect::<Vec<_>>()
    };
    plain(one) == plain(other)
}

fn operation<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let paths = document["paths"].as_object()?;
    let found = paths.iter().filter(|(known, _)| same(known, path));
    found.filter_map(|(_, item)| item.get(method.to_lowercase())).next()
}

/// The schema itself where another one is named.
fn meant<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return meant(document, &document["components"]["schemas"][name]);
    }
    let either = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    match either.and_then(|all| all.iter().find(|one| one["type"] != "null")) {
        Some(one) => meant(document, one),
        None => schema,
    }
}

/// The schema of a field of a field.
fn find<'a>(document: &'a Value, schema: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(schema, |schema, part| {
        if part == "[]" {
            return meant(document, schema).get("items");
        }
        let (name, is_list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        let schema = meant(document, schema);
        let parts = std::iter::once(schema).chain(schema["allOf"].as_array().into_iter().flatten());
        let field = parts.filter_map(|one| meant(document, one)["properties"].get(name)).next()?;
        let field = meant(document, field);
        if is_list { field.get("items") } else { Some(field) }
    })
}

/// Whether a value is as a schema says, with nothing beside it.
fn conforms(document: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let either = schema["oneOf"].as_array();
    let may_be_null =
        types.contains(&"null") || either.is_some_and(|all| all.iter().any(|one| one["type"] == "null"));
    if value.is_null() && may_be_null {
        return;
    }
    if schema["$ref"].is_string() || either.is_some() {
        return conforms(document, meant(document, schema), value, at, wrong);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = types.is_empty() || types.contains(&kind) || (kind == "integer" && types.contains(&"number"));
    if !fits {
        wrong.push(format!("{at}: {kind} and not {types:?}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        wrong.push(format!("{at}: {value} is not one of {words:?}"));
    }
    if let Value::Array(all) = value {
        all.iter().for_each(|one| conforms(document, &schema["items"], one, &format!("{at}[]"), wrong));
    }
    let Value::Object(fields) = value else { return };
    let parts: Vec<&Value> = match schema["allOf"].as_array() {
        Some(parts) => parts.iter().map(|part| meant(document, part)).collect(),
        None => vec![schema],
    };
    let known = |name: &str| parts.iter().find_map(|part| part["properties"].get(name));
    let is_open = parts
        .iter()
        .any(|part| part.get("additionalProperties").is_some() || part.get("properties").is_none());
    for (name, value) in fields {
        match known(name) {
            Some(schema) => conforms(document, schema, value, &format!("{at}.{name}"), wrong),
            None if is_open => {}
            None => wrong.push(format!("{at}.{name}: not in the document")),
        }
    }
    let required =
        parts.iter().filter_map(|part| part["required"].as_array()).flatten().filter_map(Value::as_str);
    wrong.extend(
        required.filter(|name| !fields.contains_key(*name)).map(|name| format!("{at}.{name}: missing")),
    );
}
