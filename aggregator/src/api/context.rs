//! The minute of traffic: of a plant as it is now, asked of its agent live, and of an alert as it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use fieldward_shared::telemetry::NetworkData;
use fieldward_shared::wire::Question;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::alerts::body::Point;
use super::alerts::visible;
use super::error::ApiError;
use super::extract::Path;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::fleet::{Presence, Standing};
use crate::store::now;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("context", "The minute of traffic, now and around an alert")
        .add(look, routes!(current))
        .add(look, routes!(evidence))
        .add(look, routes!(timeline))
}

/// The last minute of a plant.
#[derive(Serialize, ToSchema)]
struct Current {
    /// Which plant.
    #[schema(example = "north")]
    facility_id: String,
    /// How long the window is.
    #[schema(example = "60 seconds")]
    window_duration: &'static str,
    /// Which agent answered.
    agent_id: Uuid,
    /// When.
    as_of: Time,
    /// What models see of the last second, by protocol and name.
    features: BTreeMap<&'static str, BTreeMap<String, f32>>,
    /// Figures of the window; null when the agent has not seen a second yet.
    metrics: Option<Metrics>,
    /// Its seconds, the oldest first.
    seconds: Vec<Second>,
}

/// Figures of a window.
#[derive(Debug, Serialize, ToSchema)]
struct Metrics {
    /// On average.
    packets_per_sec: f64,
    /// In the busiest second.
    most_packets_per_sec: u32,
    /// On average.
    bytes_per_sec: f64,
    /// The most senders of a second.
    unique_src_ips: u32,
    /// The most receivers of a second.
    unique_dest_ips: u32,
    /// Share of the commonest protocol, on average.
    protocol_distribution: f64,
    /// Attempts to connect that failed, in all.
    failed_connections: u64,
    /// Bytes of a packet, on average; null without a packet.
    avg_packet_size: Option<f64>,
    /// Seconds in it.
    seconds: usize,
}

/// A second of a window.
#[derive(Debug, Serialize, ToSchema)]
struct Second {
    /// When it began.
    time: Time,
    /// Packets.
    packets_per_sec: u32,
    /// Bytes.
    bytes_per_sec: u64,
    /// Different senders.
    unique_src_ips: u32,
    /// Different receivers.
    unique_dest_ips: u32,
    /// Share of the commonest protocol.
    protocol_distribution: f32,
    /// Attempts to connect that failed.
    failed_connections: u32,
}

/// The last minute of a plant, asked of its agent
#[utoipa::path(get, path = "/api/context/{facility_id}/current", operation_id = "get_current_context",
    params(("facility_id" = String, Path)),
    responses((status = 200, body = Current), (status = 404, description = "there is no such facility"),
        (status = 503, description = "no agent of it is connected")))]
async fn current(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(facility): Path<String>,
) -> Result<axum::Json<Current>, ApiError> {
    principal.may_see(&facility, "facility")?;
    if !api.store.facilities().await?.iter().any(|known| known.id == facility) {
        return Err(ApiError::not_found("facility"));
    }
    let mut there: Vec<Standing> =
        api.fleet.snapshot(now()).into_iter().filter(|one| one.facility == facility).collect();
    there.retain(|one| one.presence != Presence::Offline);
    // Whoever was heard last answers soonest.
    there.sort_by_key(|one| std::cmp::Reverse(one.last_seen));
    let Some(agent) = there.first() else {
        let said = "no agent of this facility is connected, so nobody knows its traffic now";
        return Err(ApiError::later(StatusCode::SERVICE_UNAVAILABLE, "agent_unavailable", said, 15));
    };
    let (answer, names) = api.ask_agent(agent, Question::ContextWindow).await?;
    if !answer.done {
        let said = format!("the agent cannot say: {}", answer.words.chars().take(200).collect::<String>());
        return Err(ApiError::later(StatusCode::SERVICE_UNAVAILABLE, "agent_unavailable", said, 15));
    }
    let seconds: Vec<NetworkData> =
        answer.seconds.iter().take(MOST_SECONDS).map(|one| one.data(&facility, &names)).collect();
    Ok(axum::Json(Current {
        facility_id: facility,
        window_duration: "60 seconds",
        agent_id: agent.agent,
        as_of: Time(now()),
        features: seconds.last().map(by_protocol).unwrap_or_default(),
        metrics: Metrics::of(&seconds),
        seconds: seconds.iter().map(Second::of).collect(),
    }))
}

/// Features under the protocol that their name begins with; all others are of the traffic as a whole.
fn by_protocol(second: &NetworkData) -> BTreeMap<&'static str, BTreeMap<String, f32>> {
    let mut groups: BTreeMap<&'static str, BTreeMap<String, f32>> =
        ["dns", "http", "modbus", "mqtt", "tcp"].map(|group| (group, BTreeMap::new())).into();
    for (name, value) in &second.raw_features {
        let named = |word: &str| name.to_lowercase().contains(word);
        let group = match () {
            () if named("dns") => "dns",
            () if named("http") => "http",
            () if named("modbus") || named("register") => "modbus",
            () if named("mqtt") => "mqtt",
            () => "tcp",
        };
        groups.entry(group).or_default().insert(name.clone(), *value);
    }
    groups
}

impl Metrics {
    fn of(seconds: &[NetworkData]) -> Option<Self> {
        let count = seconds.len();
        if count == 0 {
            return None;
        }
        let mean = |of: fn(&NetworkData) -> f64| seconds.iter().map(of).sum::<f64>() / count as f64;
        let most = |of: fn(&NetworkData) -> u32| seconds.iter().map(of).max().unwrap_or_default();
        let (packets, bytes) = (mean(|one| one.packets_per_sec.into()), mean(|one| one.bytes_per_sec as f64));
        Some(Self {
            packets_per_sec: packets,
            most_packets_per_sec: most(|one| one.packets_per_sec),
            bytes_per_sec: bytes,
            unique_src_ips: most(|one| one.unique_src_ips),
            unique_dest_ips: most(|one| one.unique_dest_ips),
            protocol_distribution: mean(|one| one.protocol_distribution.into()),
            failed_connections: seconds.iter().map(|one| u64::from(one.failed_connections)).sum(),
            avg_packet_size: (packets > 0.0).then(|| bytes / packets),
            seconds: count,
        })
    }
}

impl Second {
    fn of(data: &NetworkData) -> Self {
        Self {
            time: Time(data.timestamp),
            packets_per_sec: data.packets_per_sec,
            bytes_per_sec: data.bytes_per_sec,
            unique_src_ips: data.unique_src_ips,
            unique_dest_ips: data.unique_dest_ips,
            protocol_distribution: data.protocol_distribution,
            failed_connections: data.failed_connections,
        }
    }
}

/// What speaks for an alert.
#[derive(Serialize, ToSchema)]
struct EvidenceBody {
    /// Which alert.
    #[schema(format = "uuid")]
    alert_id: String,
    /// The minute before, second by second.
    timeline: Vec<Point>,
    /// The figures that stand out.
    evidence: Evidence,
    /// What shape the traffic had; null when the agent had no minute before it.
    pattern_analysis: Option<Pattern>,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
}

/// The figures that stand out, in words.
#[derive(Default, Serialize, ToSchema)]
struct Evidence {
    /// How many packets there were.
    packets_per_sec: Option<String>,
    /// How many were spoken to.
    unique_dest_ips: Option<String>,
    /// Which protocol was the commonest.
    protocol_distribution: Option<String>,
    /// Attempts to connect, and how many were answered.
    failed_connections: Option<String>,
    /// All figures, as the agent wrote them.
    figures: BTreeMap<String, String>,
}

/// What shape the traffic had.
#[derive(Serialize, ToSchema)]
struct Pattern {
    /// The shape.
    #[schema(example = "a burst")]
    pattern_type: String,
    /// How sure all detectors together are, from 0 to 1.
    confidence: f32,
    /// What was done.
    description: String,
}

/// What speaks for an alert
#[utoipa::path(get, path = "/api/context/{alert_id}/evidence", operation_id = "get_alert_evidence",
    params(("alert_id" = String, Path, format = "uuid")),
    responses((status = 200, body = EvidenceBody), (status = 404, description = "there is no such alert")))]
async fn evidence(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<axum::Json<EvidenceBody>, ApiError> {
    let alert = visible(&api, &principal, &id).await?.alert;
    let alert_id = alert.id.to_string();
    let mut unknown = BTreeMap::new();
    let Some(context) = alert.context_analysis else {
        for name in ["evidence", "pattern_analysis", "timeline"] {
            unknown.insert(name, "the agent had no window when it raised this alert");
        }
        let evidence = Evidence::default();
        return Ok(axum::Json(EvidenceBody {
            alert_id,
            timeline: Vec::new(),
            evidence,
            pattern_analysis: None,
            unknown,
        }));
    };
    let timeline: Vec<Point> = context.timeline.into_iter().map(Point::from).collect();
    let said = |name: &str| context.evidence.get(name).cloned();
    let evidence = Evidence {
        packets_per_sec: between(&timeline, |point| point.packets_per_sec),
        unique_dest_ips: said("destinations").or_else(|| between(&timeline, |point| point.unique_dest_ips)),
        protocol_distribution: said("protocols"),
        failed_connections: said("connections"),
        figures: context.evidence.clone(),
    };
    if evidence.packets_per_sec.is_none() {
        unknown.insert("evidence.packets_per_sec", "the agent sent no timeline with this alert");
    }
    if evidence.protocol_distribution.is_none() {
        unknown.insert("evidence.protocol_distribution", "no message was decoded in that minute");
    }
    if evidence.failed_connections.is_none() {
        unknown.insert("evidence.failed_connections", "nobody tried to connect in that minute");
    }
    let pattern = Pattern {
        pattern_type: context.pattern,
        confidence: alert.correlation_confidence,
        description: context.behavior,
    };
    Ok(axum::Json(EvidenceBody { alert_id, timeline, evidence, pattern_analysis: Some(pattern), unknown }))
}

fn between(points: &[Point], of: fn(&Point) -> u32) -> Option<String> {
    let (least, most) = (points.iter().map(of).min()?, points.iter().map(of).max()?);
    let mean = points.iter().map(|point| u64::from(of(point))).sum::<u64>() / points.len() as u64;
    Some(format!("{least} to {most} a second, {mean} on average"))
}

/// The minute before an alert.
#[derive(Serialize, ToSchema)]
struct TimelineBody {
    /// Its seconds, the oldest first.
    timeline: Vec<Point>,
}

/// The minute before an alert
#[utoipa::path(get, path = "/api/context/{alert_id}/timeline", operation_id = "get_alert_timeline",
    params(("alert_id" = String, Path, format = "uuid")),
    responses((status = 200, body = TimelineBody), (status = 404, description = "there is no such alert")))]
async fn timeline(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<axum::Json<TimelineBody>, ApiError> {
    let context = visible(&api, &principal, &id).await?.alert.context_analysis;
    let timeline = context.map(|context| context.timeline.into_iter().map(Point::from).collect());
    Ok(axum::Json(TimelineBody { timeline: timeline.unwrap_or_default() }))
}

/// Seconds of a window that are shown, whatever an agent sends.
const MOST_SECONDS: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_stand_under_their_protocol() {
        let names = [
            "DNS queries",
            "HTTP requests",
            "registers per request",
            "Modbus writes",
            "MQTT topics",
            "bytes",
        ];
        let second = NetworkData {
            timestamp: fieldward_shared::time::Timestamp::from_micros(1),
            facility_id: "north".into(),
            packets_per_sec: 4,
            bytes_per_sec: 400,
            unique_src_ips: 1,
            unique_dest_ips: 2,
            protocol_distribution: 0.5,
            failed_connections: 3,
            avg_packet_size: 100,
            inter_arrival_time: 5,
            raw_features: names.map(|name| (name.to_owned(), 1.0)).into(),
        };
        let groups = by_protocol(&second);
        assert_eq!(groups["modbus"].len(), 2);
        assert!(["dns", "http", "mqtt", "tcp"].iter().all(|group| groups[group].len() == 1), "{groups:?}");
        let metrics = Metrics::of(&[second.clone(), second]).unwrap();
        assert_eq!(
            (metrics.packets_per_sec, metrics.failed_connections, metrics.avg_packet_size),
            (4.0, 6, Some(100.0))
        );
        assert!(Metrics::of(&[]).is_none());
    }
}
