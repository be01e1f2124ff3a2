//! Seconds of traffic as agents told them. Raw traffic never leaves a plant, so there is nothing finer here.

use std::sync::Arc;

use axum::extract::State;
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::Api;
use super::alerts::NONE;
use super::error::ApiError;
use super::extract::Query;
use super::page::{self, Page};
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::series::facilities;
use super::time::{Range, Time};
use crate::store::now;
use crate::store::sums::SecondRow;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("traffic", "Seconds of traffic").add(look, routes!(recent)).add(look, routes!(list))
}

/// A second of a plant.
#[derive(Serialize, ToSchema)]
struct TrafficSecond {
    /// When it began.
    timestamp: Time,
    /// Which plant.
    #[schema(example = "north")]
    facility_id: String,
    /// Packets.
    packets_per_sec: u64,
    /// Bytes.
    bytes_per_sec: u64,
    /// Different senders.
    unique_src_ips: u64,
    /// Different receivers.
    unique_dest_ips: u64,
    /// Share of the commonest protocol.
    protocol_distribution: f64,
    /// Attempts to connect that failed.
    failed_connections: u64,
    /// Bytes of a packet, on average.
    avg_packet_size: u64,
    /// Microseconds between packets, on average.
    inter_arrival_time: u64,
}

impl From<SecondRow> for TrafficSecond {
    fn from(row: SecondRow) -> Self {
        Self {
            timestamp: Time(row.at),
            facility_id: row.facility,
            packets_per_sec: row.packets_per_sec,
            bytes_per_sec: row.bytes_per_sec,
            unique_src_ips: row.unique_src_ips,
            unique_dest_ips: row.unique_dest_ips,
            protocol_distribution: row.protocol_distribution,
            failed_connections: row.failed_connections,
            avg_packet_size: row.avg_packet_size,
            inter_arrival_time: row.inter_arrival_time,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RecentQuery {
    /// Of these plants, with commas.
    facility: Option<String>,
    /// So many.
    #[param(minimum = 1, maximum = 500, default = 60)]
    limit: Option<u32>,
}

/// The newest seconds.
#[derive(Serialize, ToSchema)]
struct Recent {
    /// The newest first, none older than five minutes.
    traffic: Vec<TrafficSecond>,
    /// When this was read.
    as_of: Time,
}

/// The newest seconds of traffic
#[utoipa::path(get, path = "/api/traffic/recent", operation_id = "get_recent_traffic", params(RecentQuery),
    responses((status = 200, body = Recent)))]
async fn recent(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<RecentQuery>,
) -> Result<axum::Json<Recent>, ApiError> {
    let (limit, now) = (page::limit(query.limit, 60)?, now());
    let from = Timestamp::from_micros(now.as_micros().saturating_sub(RECENT));
    // Agents' clocks may be a little ahead.
    let until = now.plus(RECENT);
    let rows = match facilities(query.facility.as_deref(), &principal)? {
        Some(plants) => api.store.seconds(&plants, (from, until), None, (0, limit)).await?,
        None => Vec::new(),
    };
    Ok(axum::Json(Recent { traffic: rows.into_iter().map(TrafficSecond::from).collect(), as_of: Time(now) }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TrafficQuery {
    /// The time before now: `15m`, `24h`, `7d`.
    #[param(example = "1h", default = "24h")]
    range: Option<String>,
    /// From then on, instead.
    since: Option<String>,
    /// Until before.
    until: Option<String>,
    /// Of these plants, with commas.
    facility: Option<String>,
    /// Which page; the first is 1. Pages by number reach 10,000 rows.
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// Goes on after the page whose `next_cursor` this is.
    cursor: Option<String>,
}

/// A page of seconds.
#[derive(Serialize, ToSchema)]
struct TrafficPage {
    /// The newest first.
    traffic: Vec<TrafficSecond>,
    #[serde(flatten)]
    page: Page,
}

/// Seconds of traffic, page by page
#[utoipa::path(get, path = "/api/traffic", operation_id = "list_traffic", params(TrafficQuery),
    responses((status = 200, body = TrafficPage)))]
async fn list(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<TrafficQuery>,
) -> Result<axum::Json<TrafficPage>, ApiError> {
    let limit = page::limit(query.limit, 50)?;
    let page = page::number(query.page, limit)?;
    let range =
        Range::of(query.range.as_deref(), query.since.as_deref(), query.until.as_deref(), "24h", now())?;
    let key = format!("traffic {:?} {:?} {:?} {:?}", query.facility, query.range, query.since, query.until);
    let after = query.cursor.as_deref().map(|text| place(&api.cursors.read(text, &key)?)).transpose()?;
    if after.is_some() && page > 1 {
        return Err(ApiError::query("page", "a cursor says already where it goes on"));
    }
    let (mut rows, count) = match facilities(query.facility.as_deref(), &principal)? {
        Some(plants) => {
            let skip = (page - 1).saturating_mul(limit);
            let when = (range.since, range.until);
            let rows = api.store.seconds(&plants, when, after.as_ref(), (skip, limit + 1)).await?;
            (rows, api.store.count_seconds(&plants, range.since, range.until, page::DEEPEST).await?)
        }
        None => (Vec::new(), NONE),
    };
    let is_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| is_more).map(|last| {
        let mut place = last.at.as_micros().to_be_bytes().to_vec();
        place.extend(last.facility.as_bytes());
        api.cursors.write(&place, &key)
    });
    Ok(axum::Json(TrafficPage {
        traffic: rows.into_iter().map(TrafficSecond::from).collect(),
        page: Page::of(page, limit, count, next_cursor),
    }))
}

fn place(bytes: &[u8]) -> Result<(Timestamp, String), ApiError> {
    let read = bytes.split_first_chunk::<8>().and_then(|(at, facility)| {
        Some((Timestamp::from_micros(u64::from_be_bytes(*at)), String::from_utf8(facility.to_vec()).ok()?))
    });
    read.ok_or_else(|| ApiError::query("cursor", "it is none of ours"))
}

/// Microseconds that are recent.
const RECENT: u64 = 300_000_000;
