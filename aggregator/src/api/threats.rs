//! Threats: alerts in which an attack is named, by a technique of ATT&CK for ICS or as a web attack that was seen
//! in decoded HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::Api;
use super::alerts::body::{SeverityName, StatusName};
use super::alerts::query::{Asked, ListQuery, technique};
use super::alerts::{OPEN, by_severity, by_status, read};
use super::error::ApiError;
use super::extract::{Path, Query};
use super::page::{self, Page};
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::series::{SeriesQuery, Span, facilities};
use super::time::{Range, Time};
use crate::store::alerts::{Filter, Stored, Threat, web};
use crate::store::counted::{By, Tally};
use crate::store::now;
use fieldward_shared::alert::Severity;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("threats", "Alerts in which an attack is named")
        .add(look, routes!(recent))
        .add(look, routes!(list))
        .add(look, routes!(by_type))
        .keep(look, routes!(stats))
}

/// An alert in which an attack is named.
#[derive(Serialize, ToSchema)]
#[schema(as = Threat)]
struct ThreatBody {
    /// Of its alert.
    #[schema(format = "uuid")]
    id: String,
    /// When it was raised.
    timestamp: Time,
    /// Which plant.
    #[schema(example = "north")]
    facility_id: String,
    /// The technique, or the web attack where no technique is named.
    #[serde(rename = "type")]
    #[schema(example = "T0846")]
    kind: String,
    /// Its name.
    #[schema(example = "Remote System Discovery")]
    name: String,
    /// The tactic of the technique.
    tactic: Option<String>,
    /// Web attacks that were seen.
    #[schema(example = json!(["web-injection"]))]
    web_attacks: Vec<&'static str>,
    /// How much it matters.
    severity: SeverityName,
    /// What people have done about it.
    status: StatusName,
    /// How sure all detectors together are, from 0 to 1.
    confidence: f32,
    /// What happened, in a line.
    title: String,
    /// What happened, in a few sentences.
    description: String,
    /// Who did it.
    src_assets: Vec<String>,
    /// To whom.
    dst_assets: Vec<String>,
    /// In which protocol above all.
    #[schema(example = "http")]
    protocol: String,
    /// How many findings went into it.
    count: u64,
    /// The last packet so far.
    last_seen: Time,
}

impl From<Stored> for ThreatBody {
    fn from(stored: Stored) -> Self {
        let alert = stored.alert;
        let web_attacks = web::kinds(&alert);
        let web = web_attacks.first().copied().unwrap_or_default();
        let kind = alert.attack_type.clone().unwrap_or_else(|| web.to_owned());
        let name = alert.attack_name.unwrap_or_else(|| match &alert.attack_type {
            Some(technique) => technique.clone(),
            None => web.replace('-', " "),
        });
        Self {
            id: alert.id.to_string(),
            timestamp: Time(alert.timestamp),
            facility_id: alert.facility_id,
            kind,
            name,
            tactic: alert.tactic,
            web_attacks,
            severity: alert.severity.into(),
            status: alert.status.into(),
            confidence: alert.correlation_confidence,
            title: alert.title,
            description: alert.description,
            src_assets: alert.src_assets,
            dst_assets: alert.dst_assets,
            protocol: alert.protocol,
            count: alert.count,
            last_seen: Time(alert.last_seen),
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
    #[param(minimum = 1, maximum = 500, default = 20)]
    limit: Option<u32>,
}

/// The newest threats.
#[derive(Serialize, ToSchema)]
struct RecentThreats {
    /// The newest first, none older than a day.
    threats: Vec<ThreatBody>,
    /// When this was read.
    as_of: Time,
}

/// The newest threats
#[utoipa::path(get, path = "/api/threats/recent", operation_id = "get_recent_threats", params(RecentQuery),
    responses((status = 200, body = RecentThreats)))]
async fn recent(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<RecentQuery>,
) -> Result<axum::Json<RecentThreats>, ApiError> {
    let (limit, now) = (page::limit(query.limit, 20)?, now());
    let since = Some(Range::of(None, None, None, "24h", now)?.since);
    let stored = match facilities(query.facility.as_deref(), &principal)? {
        Some(facilities) => {
            let filter = Filter { facilities, since, threat: Some(Threat::Any), ..Filter::default() };
            api.store.alerts(&filter, None, limit).await?
        }
        None => Vec::new(),
    };
    Ok(axum::Json(RecentThreats {
        threats: stored.into_iter().map(ThreatBody::from).collect(),
        as_of: Time(now),
    }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ThreatQuery {
    /// `critical`, `high`, `medium`, `low`, several with commas, or from one on: `gte:high`.
    severity: Option<String>,
    /// Of these plants, with commas; plants out of scope are passed over.
    facility: Option<String>,
    /// `new`, `acknowledged`, `resolved`, `false-positive`, several with commas.
    status: Option<String>,
    /// Raised within such a time before now: `24h`, `7d`.
    #[param(example = "24h")]
    range: Option<String>,
    /// Raised then or later.
    since: Option<String>,
    /// Raised before.
    until: Option<String>,
    /// Which page; the first is 1. Pages by number reach 10,000 rows.
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// Goes on after the page whose `next_cursor` this is, with the same filter.
    cursor: Option<String>,
}

impl ThreatQuery {
    fn check(self, api: &Api, principal: &Principal, technique: Option<String>) -> Result<Asked, ApiError> {
        let Self { severity, facility, status, range, since, until, page, limit, cursor } = self;
        let list = ListQuery {
            severity,
            facility,
            status,
            range,
            since,
            until,
            page,
            limit,
            cursor,
            technique,
            ..ListQuery::default()
        };
        list.check(principal, &[], &api.cursors)
    }
}

/// A page of threats.
#[derive(Serialize, ToSchema)]
struct ThreatPage {
    /// The newest first.
    threats: Vec<ThreatBody>,
    #[serde(flatten)]
    page: Page,
    /// When this was read.
    as_of: Time,
}

/// List threats
#[utoipa::path(get, path = "/api/threats", operation_id = "list_threats", params(ThreatQuery),
    responses((status = 200, body = ThreatPage)))]
async fn list(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<ThreatQuery>,
) -> Result<axum::Json<ThreatPage>, ApiError> {
    let asked = query.check(&api, &principal, None)?;
    show(&api, asked, Threat::Any).await
}

/// List threats of a type
#[utoipa::path(get, path = "/api/threats/type/{type}", operation_id = "list_threats_of_type",
    params(("type" = String, Path, description = "a technique like T0846, or web-command, web-injection, web-script, web-traversal"), ThreatQuery),
    responses((status = 200, body = ThreatPage), (status = 404, description = "there is no such type")))]
async fn by_type(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(kind): Path<String>,
    Query(query): Query<ThreatQuery>,
) -> Result<axum::Json<ThreatPage>, ApiError> {
    if let Some(kind) = web::KINDS.into_iter().find(|one| *one == kind) {
        let asked = query.check(&api, &principal, None)?;
        return show(&api, asked, Threat::Web(kind)).await;
    }
    let technique = technique(&kind).ok_or_else(|| ApiError::not_found("type of threats"))?;
    let asked = query.check(&api, &principal, Some(technique))?;
    show(&api, asked, Threat::Any).await
}

async fn show(api: &Api, mut asked: Asked, threat: Threat) -> Result<axum::Json<ThreatPage>, ApiError> {
    let as_of = Time(now());
    if let Some(filter) = &mut asked.filter {
        // A technique names an attack by itself.
        let is_said = threat == Threat::Any && !filter.techniques.is_empty();
        filter.threat = (!is_said).then_some(threat);
    }
    let (turn, page) = read(api, &asked).await?;
    Ok(axum::Json(ThreatPage {
        threats: turn.stored.into_iter().map(ThreatBody::from).collect(),
        page,
        as_of,
    }))
}

/// Threats of a type.
#[derive(Serialize, ToSchema)]
#[schema(as = ThreatType)]
pub(super) struct OfType {
    /// A technique, or a web attack.
    #[serde(rename = "type")]
    #[schema(example = "T0846")]
    pub kind: String,
    /// So many.
    pub count: u64,
    /// Of them, those that nobody has closed.
    pub unresolved: u64,
    /// Of them, critical ones.
    pub critical: u64,
}

/// Alerts of a plant.
#[derive(Serialize, ToSchema)]
#[schema(as = FacilityAlerts)]
pub(super) struct OfFacility {
    /// Which.
    #[schema(example = "north")]
    pub facility_id: String,
    /// So many.
    pub count: u64,
    /// Of them, those that nobody has closed.
    pub unresolved: u64,
    /// Of them, critical ones.
    pub critical: u64,
}

/// Figures of threats.
#[derive(Serialize, ToSchema)]
struct ThreatStats {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// Threats of the range.
    total: u64,
    /// Of the range of the same length before.
    previous_total: u64,
    /// Of them, those that nobody has closed.
    unresolved: u64,
    /// Of them, critical ones.
    critical: u64,
    /// Threats that were blocked: null, since Fieldward only listens.
    blocked: Option<u64>,
    /// How many there are of each severity.
    #[schema(example = json!({"critical": 1, "high": 2, "medium": 3, "low": 4}))]
    by_severity: BTreeMap<&'static str, u64>,
    /// How many there are in each status.
    #[schema(example = json!({"new": 6, "acknowledged": 2, "resolved": 1, "false-positive": 1}))]
    by_status: BTreeMap<&'static str, u64>,
    /// The commonest first, at most 100. An alert with a technique and a web attack is of both types.
    by_type: Vec<OfType>,
    /// The plants with the most of them first, at most 100.
    by_facility: Vec<OfFacility>,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
}

/// Figures of threats
#[utoipa::path(get, path = "/api/threats/stats", operation_id = "get_threat_stats", params(SeriesQuery),
    responses((status = 200, body = ThreatStats)))]
async fn stats(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<ThreatStats>, ApiError> {
    let span = query.check(&principal)?;
    let (tally, before, by_type, by_facility) = match span.filter() {
        Some(filter) => {
            let filter = Filter { threat: Some(Threat::Any), ..filter };
            let since = Some(span.before().since);
            let before = Filter { since, until: Some(span.range.since), ..filter.clone() };
            let found = Types::of(&api, &filter).await?;
            let mut by_type = found.types(TYPES);
            by_type.extend(web_attacks(&api, &filter).await?);
            by_type.sort_by(|one, other| (other.count, &one.kind).cmp(&(one.count, &other.kind)));
            by_type.truncate(TYPES);
            let before = api.store.tally(&before, now()).await?;
            (found.all(), before, by_type, plants(&api, &filter, TYPES).await?)
        }
        None => (Tally::default(), Tally::default(), Vec::new(), Vec::new()),
    };
    Ok(axum::Json(ThreatStats {
        since: Time(span.range.since),
        until: Time(span.range.until),
        total: tally.total(),
        previous_total: before.total(),
        unresolved: tally.statuses(OPEN),
        critical: tally.severity(Severity::Critical),
        blocked: None,
        by_severity: by_severity(&tally),
        by_status: by_status(&tally),
        by_type,
        by_facility,
        unknown: BTreeMap::from([("blocked", "Fieldward listens only: it blocks nothing")]),
    }))
}

/// What passes a filter, by technique, or web attack where none is named.
#[derive(Default)]
pub(super) struct Types(Vec<(String, Tally)>);

impl Types {
    /// Of a filter.
    pub(super) async fn of(api: &Api, filter: &Filter) -> Result<Self, ApiError> {
        Ok(Self(api.store.tallies(filter, By::Technique, now()).await?))
    }

    /// All that pass.
    pub(super) fn all(&self) -> Tally {
        sum(self.0.iter())
    }

    /// Those in which an attack is named.
    pub(super) fn threats(&self) -> Tally {
        sum(self.0.iter().filter(|(kind, _)| !kind.is_empty()))
    }

    /// The commonest techniques.
    pub(super) fn types(&self, most: usize) -> Vec<OfType> {
        let is_technique = |kind: &str| !kind.is_empty() && !web::KINDS.contains(&kind);
        let techniques = self.0.iter().filter(|(kind, _)| is_technique(kind)).cloned().collect();
        let of = |(kind, tally): (String, Tally)| OfType {
            kind,
            count: tally.total(),
            unresolved: tally.statuses(OPEN),
            critical: tally.severity(Severity::Critical),
        };
        first(techniques, most).map(of).collect()
    }
}

fn sum<'a>(tallies: impl Iterator<Item = &'a (String, Tally)>) -> Tally {
    tallies.fold(Tally::default(), |mut sum, (_, tally)| {
        sum.add(tally);
        sum
    })
}

/// The plants with the most of what passes a filter.
pub(super) async fn plants(api: &Api, filter: &Filter, most: usize) -> Result<Vec<OfFacility>, ApiError> {
    let tallies = api.store.tallies(filter, By::Facility, now()).await?;
    Ok(first(tallies, most)
        .map(|(facility_id, tally)| OfFacility {
            facility_id,
            count: tally.total(),
            unresolved: tally.statuses(OPEN),
            critical: tally.severity(Severity::Critical),
        })
        .collect())
}

fn first(mut tallies: Vec<(String, Tally)>, most: usize) -> impl Iterator<Item = (String, Tally)> {
    tallies.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.total()));
    tallies.into_iter().take(most)
}

async fn web_attacks(api: &Api, filter: &Filter) -> Result<Vec<OfType>, ApiError> {
    let mut all = Vec::new();
    for kind in web::KINDS {
        let filter = Filter { threat: Some(Threat::Web(kind)), ..filter.clone() };
        let tally = api.store.tally(&filter, now()).await?;
        if tally.total() > 0 {
            all.push(OfType {
                kind: kind.to_owned(),
                count: tally.total(),
                unresolved: tally.statuses(OPEN),
                critical: tally.severity(Severity::Critical),
            });
        }
    }
    Ok(all)
}

impl Span {
    /// Its alerts; none: the caller sees none of them.
    pub(super) fn filter(&self) -> Option<Filter> {
        let (since, until) = (Some(self.range.since), Some(self.range.until));
        self.facilities.clone().map(|facilities| Filter { facilities, since, until, ..Filter::default() })
    }
}

/// Types and plants of an answer.
const TYPES: usize = 100;
