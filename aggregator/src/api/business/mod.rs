//! Business figures: how long it takes to detect, acknowledge and resolve, whether that is as soon as was agreed,
//! and what it costs. From what people did; goals and prices from the configuration, and null without.

pub mod config;
mod spread;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use fieldward_shared::alert::{AlertId, Severity, Status};
use fieldward_shared::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Api;
use super::alerts::OPEN;
use super::error::ApiError;
use super::extract::Query;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::series::{SeriesQuery, Span};
use super::time::Time;
use crate::store::alerts::Filter;
use crate::store::business::TimedAct;
use crate::store::now;
use config::BusinessConfig;
use spread::Spread;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("business", "How long people take, and what it costs")
        .keep(look, routes!(kpi))
        .keep(look, routes!(sla))
        .add(look, routes!(cost))
}

/// Times of a facility, or of an analyst.
#[derive(Serialize, ToSchema)]
#[schema(as = BusinessTimes)]
struct Times {
    /// Whose.
    #[schema(example = "north")]
    name: String,
    /// From the first packet until an alert was raised; of an analyst null.
    time_to_detect: Option<Spread>,
    /// From then until somebody was at it.
    time_to_acknowledge: Spread,
    /// From then until it was closed.
    time_to_resolve: Spread,
}

/// Key figures.
#[derive(Serialize, ToSchema)]
struct Kpi {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// From the first packet until an alert was raised.
    time_to_detect: Spread,
    /// From then until somebody was at it.
    time_to_acknowledge: Spread,
    /// From then until it was closed.
    time_to_resolve: Spread,
    /// Of the alerts that were closed, those in which there was nothing, from 0 to 1; null when none was closed.
    false_positive_rate: Option<f64>,
    /// Alerts that nobody has closed.
    open: u64,
    /// Of each plant.
    facilities: Vec<Times>,
    /// Of each who acted; null for those who may not see how fast others are.
    analysts: Option<Vec<Times>>,
    /// Alerts whose detection was looked at: the newest.
    detections_examined: u64,
    /// Acts that were looked at: the newest.
    acts_examined: u64,
    /// Whether there were more than that.
    is_sample: bool,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
}

/// Key figures: time to detect, to acknowledge, to resolve
#[utoipa::path(get, path = "/api/business/kpi", operation_id = "get_kpi", params(SeriesQuery),
    responses((status = 200, body = Kpi)))]
async fn kpi(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<Kpi>, ApiError> {
    let span = query.check(&principal)?;
    let (first, acts) = first(&api, &span).await?;
    let when = (span.range.since, span.range.until);
    let (mut detect, mut by_facility) = (Vec::new(), BTreeMap::<String, [Vec<u64>; 3]>::new());
    let detections = match &span.facilities {
        Some(facilities) => api.store.detections(facilities, when, DETECTIONS).await?,
        None => Vec::new(),
    };
    for one in &detections {
        let took = one.raised.since(one.began);
        detect.push(took);
        by_facility.entry(one.facility.clone()).or_default()[0].push(took);
    }
    let mut by_actor = BTreeMap::<String, [Vec<u64>; 3]>::new();
    let (mut times, mut closed, mut nothing) = ([Vec::new(), Vec::new(), Vec::new()], 0_u64, 0_u64);
    let acknowledged = first.acknowledged.values().map(|act| (1, act));
    for (which, act) in acknowledged.chain(first.closed.values().map(|act| (2, act))) {
        let took = act.at.since(act.raised);
        times[which].push(took);
        by_facility.entry(act.facility.clone()).or_default()[which].push(took);
        by_actor.entry(act.actor.clone()).or_default()[which].push(took);
        if which == 2 {
            closed += 1;
            nothing += u64::from(act.after == Status::FalsePositive);
        }
    }
    let named = |(name, [detect, acknowledge, resolve]): (String, [Vec<u64>; 3]), is_plant: bool| Times {
        name,
        time_to_detect: is_plant.then(|| Spread::of(detect)),
        time_to_acknowledge: Spread::of(acknowledge),
        time_to_resolve: Spread::of(resolve),
    };
    let may_see_people = principal.role >= Role::Engineer;
    let mut unknown = BTreeMap::new();
    if !may_see_people {
        unknown.insert("analysts", "how fast people are is shown to engineers and administrators");
    }
    if closed == 0 {
        unknown.insert("false_positive_rate", "no alert was closed");
    }
    let open = match &span.facilities {
        Some(facilities) => {
            let filter =
                Filter { facilities: facilities.clone(), statuses: OPEN.to_vec(), ..Filter::default() };
            api.store.tally(&filter, now()).await?.total()
        }
        None => 0,
    };
    let [_, acknowledge, resolve] = times;
    Ok(axum::Json(Kpi {
        since: Time(span.range.since),
        until: Time(span.range.until),
        time_to_detect: Spread::of(detect),
        time_to_acknowledge: Spread::of(acknowledge),
        time_to_resolve: Spread::of(resolve),
        false_positive_rate: (closed > 0).then(|| nothing as f64 / closed as f64),
        open,
        facilities: by_facility.into_iter().map(|one| named(one, true)).collect(),
        analysts: may_see_people.then(|| by_actor.into_iter().map(|one| named(one, false)).collect()),
        detections_examined: detections.len() as u64,
        acts_examined: acts,
        is_sample: detections.len() >= DETECTIONS as usize || acts >= u64::from(ACTS),
        unknown,
    }))
}

/// What was done first about each alert.
#[derive(Default)]
struct First {
    acknowledged: BTreeMap<AlertId, TimedAct>,
    closed: BTreeMap<AlertId, TimedAct>,
}

/// What was done first, and how many acts were looked at for it.
async fn first(api: &Api, span: &Span) -> Result<(First, u64), ApiError> {
    let when = (span.range.since, span.range.until);
    let acts = match &span.facilities {
        Some(facilities) => api.store.timed_acts(facilities, when, ACTS).await?,
        None => Vec::new(),
    };
    let (mut first, count) = (First::default(), acts.len() as u64);
    // The newest come first, so what is put in last is the first that was done.
    for act in acts {
        if act.before == Status::New && act.after != Status::New {
            first.acknowledged.insert(act.alert, act.clone());
        }
        if OPEN.contains(&act.before) && !OPEN.contains(&act.after) {
            first.closed.insert(act.alert, act);
        }
    }
    Ok((first, count))
}

/// How far a goal was met.
#[derive(Serialize, ToSchema)]
struct Goal {
    /// Of alerts of this severity.
    #[schema(example = "critical")]
    severity: &'static str,
    /// `acknowledge` or `resolve`.
    #[schema(example = "acknowledge")]
    goal: &'static str,
    /// Within so many minutes; null: nothing was agreed.
    target_minutes: Option<u32>,
    /// Alerts for which it was done in time.
    met: Option<u64>,
    /// For which it was done too late.
    late: Option<u64>,
    /// For which it is not done, and the time is over.
    overdue: Option<u64>,
    /// Those in time of all these, from 0 to 1; null when there is none of them.
    attainment: Option<f64>,
}

/// Whether it is as soon as was agreed.
#[derive(Serialize, ToSchema)]
struct Sla {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// All goals together, from 0 to 1; null when none was agreed, or nothing happened.
    attainment: Option<f64>,
    /// Each.
    goals: Vec<Goal>,
    /// Whether there were more acts than were looked at.
    is_sample: bool,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
}

/// SLA attainment
#[utoipa::path(get, path = "/api/business/sla", operation_id = "get_sla", params(SeriesQuery),
    responses((status = 200, body = Sla)))]
async fn sla(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<Sla>, ApiError> {
    let span = query.check(&principal)?;
    let ((first, count), agreed) = (first(&api, &span).await?, agreed(&api));
    let mut goals = Vec::new();
    for severity in [Severity::Critical, Severity::High, Severity::Medium, Severity::Low] {
        let parts = [
            ("acknowledge", agreed.acknowledge(severity), &first.acknowledged, &[Status::New][..]),
            ("resolve", agreed.resolve(severity), &first.closed, OPEN),
        ];
        for (goal, target, acts, open) in parts {
            let acts = acts.values().filter(|act| act.severity == severity);
            goals.push(judged(&api, &span, (severity, goal), target, acts, open).await?);
        }
    }
    let sum = |of: fn(&Goal) -> Option<u64>| goals.iter().filter_map(of).sum::<u64>();
    let met = sum(|goal| goal.met);
    let all = met + sum(|goal| goal.late) + sum(|goal| goal.overdue);
    let mut unknown = BTreeMap::new();
    if goals.iter().any(|goal| goal.target_minutes.is_none()) {
        unknown.insert("goals", "goals without target_minutes are not in [business] of the configuration");
    }
    Ok(axum::Json(Sla {
        since: Time(span.range.since),
        until: Time(span.range.until),
        attainment: (all > 0).then(|| met as f64 / all as f64),
        goals,
        is_sample: count >= u64::from(ACTS),
        unknown,
    }))
}

async fn judged(
    api: &Api,
    span: &Span,
    (severity, goal): (Severity, &'static str),
    target: Option<u32>,
    acts: impl Iterator<Item = &TimedAct>,
    open: &[Status],
) -> Result<Goal, ApiError> {
    let Some(minutes) = target else {
        let severity = severity.name();
        let (met, late, overdue) = (None, None, None);
        return Ok(Goal { severity, goal, target_minutes: None, met, late, overdue, attainment: None });
    };
    let most = u64::from(minutes) * 60_000_000;
    let (mut met, mut late) = (0, 0);
    for act in acts {
        if act.at.since(act.raised) <= most { met += 1 } else { late += 1 }
    }
    let until = Timestamp::from_micros(now().as_micros().saturating_sub(most)).min(span.range.until);
    let overdue = match &span.facilities {
        Some(facilities) if until > span.range.since => {
            let filter = Filter {
                facilities: facilities.clone(),
                severities: vec![severity],
                statuses: open.to_vec(),
                techniques: Vec::new(),
                threat: None,
                since: Some(span.range.since),
                until: Some(until),
            };
            api.store.count_alerts(&filter, COUNTED).await?.value
        }
        _ => 0,
    };
    let all = met + late + overdue;
    Ok(Goal {
        severity: severity.name(),
        goal,
        target_minutes: Some(minutes),
        met: Some(met),
        late: Some(late),
        overdue: Some(overdue),
        attainment: (all > 0).then(|| met as f64 / all as f64),
    })
}

fn agreed(api: &Api) -> BusinessConfig {
    api.security.deployment().map(|known| known.config.business.clone()).unwrap_or_default()
}

/// What it costs.
#[derive(Serialize, ToSchema)]
struct Cost {
    /// From then on.
    since: Time,
    /// Until before.
    until: Time,
    /// In what; null when no price is known.
    #[schema(example = "EUR")]
    currency: Option<String>,
    /// Bytes of the whole database now; null for those who see some plants only.
    stored_bytes: Option<u64>,
    /// What they cost for the range; null without a price.
    stored_cost: Option<f64>,
    /// Bytes of traffic that agents watched.
    watched_bytes: u64,
    /// What they cost; null without a price.
    watched_cost: Option<f64>,
    /// Both; null unless both are known.
    total_cost: Option<f64>,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
}

/// Cost of traffic and storage
#[utoipa::path(get, path = "/api/business/cost", operation_id = "get_cost", params(SeriesQuery),
    responses((status = 200, body = Cost)))]
async fn cost(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<Cost>, ApiError> {
    let span = query.check(&principal)?;
    let prices = agreed(&api);
    let (_, sums) = span.traffic(&api).await?;
    let watched_bytes = sums.iter().fold(0_u64, |all, sum| all.saturating_add(sum.bytes));
    let stored_bytes = if principal.sees_all() { Some(api.store.size().await?) } else { None };
    let months = span.range.until.since(span.range.since) as f64 / MONTH;
    let gib = |bytes: u64| bytes as f64 / GIB;
    let stored_cost = stored_bytes.zip(prices.price_stored).map(|(bytes, price)| gib(bytes) * months * price);
    let watched_cost = prices.price_watched.map(|price| gib(watched_bytes) * price);
    let mut unknown = BTreeMap::new();
    let no_price = "its price is not in [business] of the configuration";
    if stored_bytes.is_none() {
        unknown.insert("stored_bytes", "the database holds all plants, and you see some of them");
        unknown.insert("stored_cost", "the database holds all plants, and you see some of them");
    } else if stored_cost.is_none() {
        unknown.insert("stored_cost", no_price);
    }
    if watched_cost.is_none() {
        unknown.insert("watched_cost", no_price);
    }
    if stored_cost.and(watched_cost).is_none() {
        unknown.insert("total_cost", "a part of it is not known");
    }
    Ok(axum::Json(Cost {
        since: Time(span.range.since),
        until: Time(span.range.until),
        currency: prices.currency,
        stored_bytes,
        stored_cost,
        watched_bytes,
        watched_cost,
        total_cost: stored_cost.zip(watched_cost).map(|(stored, watched)| stored + watched),
        unknown,
    }))
}

/// Acts that are looked at.
const ACTS: u32 = 5000;
/// Alerts whose detection is looked at.
const DETECTIONS: u32 = 2000;
/// How far what is overdue is counted.
const COUNTED: u32 = 10_000;
const GIB: f64 = (1_u64 << 30) as f64;
/// Microseconds of 30 days.
const MONTH: f64 = 30.0 * 86_400.0 * 1e6;
