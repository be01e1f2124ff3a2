//! `/metrics`: what is counted, as Prometheus reads it. A figure is one entry of [`FIGURES`]; what it shows is
//! counted elsewhere, once. No label is an id or an address: their values are words of ours.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use fieldward_shared::alert::Severity;
use utoipa_axum::routes;

use super::Api;
use super::config::Scrapers;
use super::extract::Address;
use super::measure::{cpu_seconds, memory};
use super::principal::Role;
use super::route::{Policy, Routes};
use crate::fleet::{Presence, Standing};
use crate::hub::Channel;
use crate::store::now;
use crate::times::Times;

/// The resource.
pub fn routes() -> Routes {
    Routes::of("figures", "What is counted, for Prometheus")
        .add(Policy::Scraped(Role::Viewer), routes!(metrics))
}

/// What is counted
#[utoipa::path(get, path = "/metrics", operation_id = "get_figures",
    responses((status = 200, body = String, content_type = "text/plain",
        description = "Prometheus' text format 0.0.4: base units, totals end in `_total`")))]
async fn metrics(State(api): State<Arc<Api>>) -> Response {
    let standing = api.fleet.snapshot(now());
    let mut page = Page { api: &api, standing, name: "", text: String::new() };
    for (name, kind, help, write) in FIGURES {
        let _ = write!(page.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        page.name = name;
        write(&mut page);
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page.text).into_response()
}

impl Api {
    /// Whether somebody on this machine asks, himself: whoever is behind a proxy is not.
    pub(super) fn is_scraper(&self, request: &Request) -> bool {
        let is_here = request.extensions().get().is_some_and(|Address(address)| address.is_loopback());
        let is_forwarded =
            ["forwarded", "x-forwarded-for", "via"].iter().any(|name| request.headers().contains_key(*name));
        self.scrapers == Scrapers::Loopback && is_here && !is_forwarded
    }
}

/// Name, kind, what it is, and what writes it.
type Figure = (&'static str, &'static str, &'static str, fn(&mut Page<'_>));

const FIGURES: &[Figure] = &[
    ("fieldward_build_info", "gauge", "The version that runs.", |p| {
        p.with(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    }),
    ("process_start_time_seconds", "gauge", "When the process began.", |p| {
        p.value(p.api.measures.since.as_micros() as f64 / 1e6);
    }),
    ("process_cpu_seconds_total", "counter", "Seconds of processors that the process has used.", |p| {
        p.perhaps(cpu_seconds());
    }),
    ("process_resident_memory_bytes", "gauge", "Memory of the process.", |p| {
        p.perhaps(memory().map(|bytes| bytes as f64));
    }),
    ("process_open_fds", "gauge", "Files and sockets that the process has open.", |p| p.perhaps(files())),
    (
        "fieldward_part_up",
        "gauge",
        "1: the part does all that it should, 0.5: some of it, 0: nothing.",
        |p| {
            for part in p.api.parts() {
                if let Some((_, of_two)) = part.weight {
                    p.with(&[("part", part.name)], f64::from(of_two) / 2.0);
                }
            }
        },
    ),
    ("fieldward_http_request_duration_seconds", "histogram", "From a request to its answer.", |p| {
        for ((method, route, status), times) in p.api.measures.routes() {
            let class = format!("{status}xx");
            p.times(&[("method", method), ("route", &route), ("status", &class)], &times);
        }
    }),
    ("fieldward_http_requests_under_way", "gauge", "Requests that are not answered yet.", |p| {
        p.value(p.api.measures.under_way() as f64);
    }),
    (
        "fieldward_http_limited_total",
        "counter",
        "Requests that were refused since they came too often.",
        |p| {
            for (limit, count) in p.api.limits.refused() {
                p.with(&[("limit", limit)], count as f64);
            }
        },
    ),
    (
        "fieldward_http_connections_total",
        "counter",
        "Connections to the API, and what became of them.",
        |p| {
            let arrivals = p.api.arrivals.clone();
            p.count(&[("outcome", "taken")], &arrivals.connections);
            p.count(&[("outcome", "crowded")], &arrivals.crowded);
            p.count(&[("outcome", "handshake_failed")], &arrivals.handshakes_failed);
        },
    ),
    ("fieldward_ws_clients", "gauge", "Sockets that are open.", |p| p.value(p.api.sockets.open() as f64)),
    ("fieldward_ws_opened_total", "counter", "Sockets that were opened.", |p| {
        p.count(&[], &p.api.sockets.opened);
    }),
    ("fieldward_ws_messages_total", "counter", "Messages that sockets have taken.", |p| {
        p.count(&[], &p.api.sockets.sent);
    }),
    ("fieldward_ws_compressed_total", "counter", "Of those messages, the compressed ones.", |p| {
        p.count(&[], &p.api.sockets.packed);
    }),
    (
        "fieldward_kept_answers_total",
        "counter",
        "Answers that are kept for a moment, by what became of them.",
        |p| {
            p.count(&[("outcome", "hit")], &p.api.cache.hits);
            p.count(&[("outcome", "miss")], &p.api.cache.misses);
            p.count(&[("outcome", "redis_away")], &p.api.cache.passed);
        },
    ),
    ("fieldward_kept_answers_bytes", "gauge", "Bytes of answers that are kept in memory.", |p| {
        p.value(p.api.cache.bytes() as f64);
    }),
    ("fieldward_ws_closed_total", "counter", "Sockets that were closed from here, by code.", |p| {
        for (code, count) in p.api.sockets.closed() {
            p.with(&[("code", &code.to_string())], count as f64);
        }
    }),
    ("fieldward_hub_messages_total", "counter", "Messages that were published to those who listen.", |p| {
        for channel in Channel::ALL {
            p.with(&[("channel", channel.name())], p.api.hub.newest(channel) as f64);
        }
    }),
    ("fieldward_alerts_received_total", "counter", "New alerts of agents that are connected here.", |p| {
        let told = p.api.measures.all_told();
        for severity in [Severity::Low, Severity::Medium, Severity::High, Severity::Critical] {
            p.with(&[("severity", severity.name())], told.alerts[severity as usize] as f64);
        }
    }),
    (
        "fieldward_ingest_lag_seconds",
        "histogram",
        "From the arrival of a report until it was stored and told.",
        |p| {
            let told = p.api.measures.all_told();
            p.times(&[], &told.lag);
        },
    ),
    ("fieldward_report_age_seconds", "histogram", "From what an agent saw until its report arrived.", |p| {
        let told = p.api.measures.all_told();
        p.times(&[], &told.age);
    }),
    ("fieldward_intake_events_total", "counter", "What the intake counts, by name.", |p| {
        let all = p.api.asker.as_ref().map(|asker| asker.counters().all()).unwrap_or_default();
        for (event, count) in all {
            p.with(&[("event", event)], count as f64);
        }
    }),
    (
        "fieldward_intake_credit",
        "gauge",
        "Batches that an agent may have under way; 0: nothing is committed.",
        |p| {
            p.perhaps(p.api.asker.as_ref().map(|asker| f64::from(asker.credit())));
        },
    ),
    ("fieldward_agents", "gauge", "Agents that were heard of, by how their link is.", |p| {
        for presence in [Presence::Connected, Presence::Delayed, Presence::Offline] {
            let count = p.standing.iter().filter(|one| one.presence == presence).count();
            p.with(&[("status", super::fleet::presence(presence))], count as f64);
        }
    }),
    ("fieldward_agents_spool_records", "gauge", "Records that wait at agents, all together.", |p| {
        p.sum(|health| health.spool_records);
    }),
    ("fieldward_agents_spool_bytes", "gauge", "Bytes of spools of agents, all together.", |p| {
        p.sum(|health| health.spool_bytes);
    }),
    ("fieldward_agents_kernel_drops", "gauge", "Packets that kernels of agents' hosts dropped.", |p| {
        p.sum(|health| health.kernel_drops);
    }),
    ("fieldward_fl_round_duration_seconds", "histogram", "How long rounds took that ended.", |p| {
        let ended = p.api.ended.all();
        p.long_times(&[("status", "completed")], &ended.completed);
        p.long_times(&[("status", "failed")], &ended.failed);
    }),
    ("fieldward_database_queries_total", "counter", "What the database was asked.", |p| {
        for (query, asked) in p.api.store.queries() {
            p.with(&[("query", query)], asked.times.count() as f64);
        }
    }),
    ("fieldward_database_failures_total", "counter", "Queries that failed.", |p| {
        for (query, asked) in p.api.store.queries() {
            p.with(&[("query", query)], asked.failed as f64);
        }
    }),
    ("fieldward_database_seconds_total", "counter", "How long queries took.", |p| {
        for (query, asked) in p.api.store.queries() {
            p.with(&[("query", query)], asked.times.micros as f64 / 1e6);
        }
    }),
    ("fieldward_database_query_duration_seconds", "histogram", "How long a query took.", |p| {
        let mut all = Times::new();
        p.api.store.queries().iter().for_each(|(_, asked)| all.add(&asked.times));
        p.times(&[], &all);
    }),
    ("fieldward_database_connections", "gauge", "Connections to the database.", |p| {
        for (pool, all, idle) in p.api.store.connections() {
            p.with(&[("pool", pool), ("state", "busy")], f64::from(all.saturating_sub(idle)));
            p.with(&[("pool", pool), ("state", "idle")], f64::from(idle));
        }
    }),
    ("fieldward_traces_dropped_total", "counter", "Requests whose traces found no room.", |p| {
        p.perhaps(p.api.traces.as_ref().map(|traces| traces.dropped() as f64));
    }),
    ("fieldward_bus_messages_total", "counter", "Messages between replicas, and what became of them.", |p| {
        let Some(bus) = p.api.bus.clone() else { return };
        let counts = bus.counts();
        p.count(&[("outcome", "sent")], &counts.sent);
        p.count(&[("outcome", "received")], &counts.received);
        p.count(&[("outcome", "dropped")], &counts.dropped);
        p.count(&[("outcome", "foreign")], &counts.foreign);
    }),
    ("fieldward_bus_failures_total", "counter", "How often Redis failed.", |p| {
        let Some(bus) = p.api.bus.clone() else { return };
        p.count(&[], &bus.counts().failures);
    }),
    ("fieldward_bus_round_trip_seconds", "gauge", "What the last sign of life took by Redis.", |p| {
        let Some(bus) = p.api.bus.clone() else { return };
        p.value(bus.counts().round_trip.load(Ordering::Relaxed) as f64 / 1e6);
    }),
];

/// The page that is written.
struct Page<'a> {
    api: &'a Api,
    standing: Vec<Standing>,
    name: &'static str,
    text: String,
}

impl Page<'_> {
    fn value(&mut self, value: f64) {
        self.with(&[], value);
    }

    /// What cannot be known is left out.
    fn perhaps(&mut self, value: Option<f64>) {
        value.into_iter().for_each(|value| self.value(value));
    }

    fn with(&mut self, labels: &[(&str, &str)], value: f64) {
        let _ = writeln!(self.text, "{}{} {value}", self.name, braced(labels, None));
    }

    fn count(&mut self, labels: &[(&str, &str)], count: &AtomicU64) {
        self.with(labels, count.load(Ordering::Relaxed) as f64);
    }

    fn sum(&mut self, of: fn(&fieldward_shared::wire::Health) -> u64) {
        let all: u64 = self.standing.iter().filter_map(|one| one.health.as_ref()).map(of).sum();
        self.value(all as f64);
    }

    fn times(&mut self, labels: &[(&str, &str)], times: &Times) {
        self.histogram(labels, times, times.bounds());
    }

    fn long_times(&mut self, labels: &[(&str, &str)], times: &Times) {
        self.histogram(labels, times, times.long_bounds());
    }

    fn histogram(
        &mut self,
        labels: &[(&str, &str)],
        times: &Times,
        bounds: impl Iterator<Item = (u64, u64)>,
    ) {
        let name = self.name;
        for (micros, count) in bounds {
            let bound = (micros as f64 / 1e6).to_string();
            let _ = writeln!(self.text, "{name}_bucket{} {count}", braced(labels, Some(&bound)));
        }
        let count = times.count();
        let _ = writeln!(self.text, "{name}_bucket{} {count}", braced(labels, Some("+Inf")));
        let _ = writeln!(self.text, "{name}_sum{} {}", braced(labels, None), times.micros as f64 / 1e6);
        let _ = writeln!(self.text, "{name}_count{} {count}", braced(labels, None));
    }
}

fn braced(labels: &[(&str, &str)], bound: Option<&str>) -> String {
    let all = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
    let all: Vec<String> = all
        .map(|(name, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("{name}=\"{value}\"")
        })
        .collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

fn files() -> Option<f64> {
    std::fs::read_dir("/proc/self/fd").ok().map(|all| all.count() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_once_and_as_prometheus_has_them() {
        let mut names = std::collections::BTreeSet::new();
        for (name, kind, help, _) in FIGURES {
            assert!(names.insert(*name), "{name} stands there twice");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
            assert_eq!(*kind == "counter", name.ends_with("_total"), "{name}");
            assert!(help.ends_with('.') && !help.contains('\n'), "{name}");
        }
        assert_eq!(braced(&[("a", "x\"\\\n")], Some("+Inf")), r#"{a="x\"\\\n",le="+Inf"}"#);
        assert_eq!(braced(&[], None), "");
    }
}
