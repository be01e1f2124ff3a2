//! Whether it works: for whoever watches the aggregator. Nobody need be known to ask, so no answer says more
//! than that: no names, no figures of plants, no versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use tokio::time::{Duration, timeout};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::route::{Policy, Routes};
use crate::bus::Bus;
use crate::fleet::Presence;
use crate::store::now;
use crate::vitals::{self, Part};

/// The resource.
pub fn routes() -> Routes {
    Routes::of("health", "Whether it works")
        .add(Policy::Public, routes!(health))
        .add(Policy::Public, routes!(livez))
        .add(Policy::Public, routes!(readyz))
}

/// How the aggregator is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `healthy`, `degraded` (it answers, but a part does not do all that it should) or `unhealthy`.
    #[schema(example = "healthy")]
    status: &'static str,
    /// From 0 to 100: the share of the weights of all parts there are that do what they should; half of its weight
    /// for a part that does some of it. Weights: database 40, intake 20, live 15, authority 10, redis 10, retention 5.
    #[schema(example = 100)]
    score: u32,
    /// Each part. `database` and `redis`: `connected` or `unavailable`. `agents`: `connected`, `delayed`, `offline`, or
    /// `none` since the start. The others: `working`, `slow`, `late` or `failing`. Each: `not_configured`.
    #[schema(example = json!({"agents": "connected", "authority": "working", "database": "connected", "intake": "working",
        "live": "working", "redis": "not_configured", "retention": "working"}))]
    services: BTreeMap<&'static str, &'static str>,
    /// The parts that do not do all that they should. Each answer of the API has them in the header
    /// `x-degraded`.
    degraded: Vec<&'static str>,
}

/// That it lives.
#[derive(Serialize, ToSchema)]
struct Alive {
    /// `alive`.
    #[schema(example = "alive")]
    status: &'static str,
}

/// A part as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Which.
    pub name: &'static str,
    /// How it is.
    pub word: &'static str,
    /// What it counts, and how much of it: of two.
    pub weight: Option<(u32, u32)>,
}

impl Told {
    const fn well(name: &'static str, word: &'static str, weight: u32) -> Self {
        Self { name, word, weight: Some((weight, 2)) }
    }

    const fn half(name: &'static str, word: &'static str, weight: u32) -> Self {
        Self { name, word, weight: Some((weight, 1)) }
    }

    const fn ill(name: &'static str, word: &'static str, weight: u32) -> Self {
        Self { name, word, weight: Some((weight, 0)) }
    }

    /// It does not count.
    const fn aside(name: &'static str, word: &'static str) -> Self {
        Self { name, word, weight: None }
    }

    fn is_degraded(&self) -> bool {
        self.weight.is_some_and(|(_, how)| how < 2)
    }
}

/// Health
#[utoipa::path(get, path = "/health", operation_id = "health",
    responses((status = 200, body = Health), (status = 503, body = Health, description = "the database is away")))]
async fn health(State(api): State<Arc<Api>>) -> Response {
    let is_there = database(&api).await.is_ok();
    let mut parts = api.parts();
    parts.push(match is_there {
        true => Told::well("database", "connected", 40),
        false => Told::ill("database", "unavailable", 40),
    });
    let degraded: Vec<&'static str> =
        parts.iter().filter(|part| part.is_degraded()).map(|part| part.name).collect();
    let (code, status) = match (is_there, degraded.is_empty()) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
        (true, false) => (StatusCode::OK, "degraded"),
        (true, true) => (StatusCode::OK, "healthy"),
    };
    let services = parts.iter().map(|part| (part.name, part.word)).collect();
    let body = Health { status, score: score(&parts), services, degraded };
    // It is an answer and no error, whatever its status.
    (code, axum::Extension(super::door::AsItIs), axum::Json(body)).into_response()
}

/// See [`Health::score`].
fn score(parts: &[Told]) -> u32 {
    let weights = parts.iter().filter_map(|part| part.weight);
    let (all, well) =
        weights.fold((0, 0), |(all, well), (weight, how)| (all + 2 * weight, well + how * weight));
    (100 * well + all / 2).checked_div(all).unwrap_or(100)
}

/// Whether the process lives
#[utoipa::path(get, path = "/livez", operation_id = "livez", responses((status = 200, body = Alive)))]
async fn livez() -> axum::Json<Alive> {
    axum::Json(Alive { status: "alive" })
}

/// Whether it can answer
#[utoipa::path(get, path = "/readyz", operation_id = "readyz",
    responses((status = 200, body = Alive), (status = 503, description = "the database is away")))]
async fn readyz(State(api): State<Arc<Api>>) -> Result<axum::Json<Alive>, ApiError> {
    database(&api).await?;
    Ok(axum::Json(Alive { status: "ready" }))
}

impl Api {
    /// How the parts are, but for the database.
    pub(super) fn parts(&self) -> Vec<Told> {
        let redis = match self.bus.as_ref().map(Bus::is_up) {
            None => Told::aside("redis", "not_configured"),
            Some(true) => Told::well("redis", "connected", 10),
            Some(false) => Told::ill("redis", "unavailable", 10),
        };
        let mut parts = vec![self.agents(), self.intake(), redis];
        for (part, weight) in [(Part::Authority, 10), (Part::Live, 15), (Part::Retention, 5)] {
            let name = part.name();
            parts.push(match self.vitals.state(part) {
                None => Told::aside(name, "not_configured"),
                Some(vitals::State::Working) => Told::well(name, "working", weight),
                Some(vitals::State::Late) => Told::half(name, "late", weight),
                Some(vitals::State::Failing) => Told::ill(name, "failing", weight),
            });
        }
        parts
    }

    /// Whether agents are there. Where none is, none need be: it does not count.
    fn agents(&self) -> Told {
        let standing = self.fleet.snapshot(now());
        let there_is = |presence| standing.iter().any(|one| one.presence == presence);
        Told::aside(
            "agents",
            match () {
                () if self.asker.is_none() && standing.is_empty() => "not_configured",
                () if there_is(Presence::Connected) => "connected",
                () if there_is(Presence::Delayed) => "delayed",
                () if there_is(Presence::Offline) => "offline",
                () => "none",
            },
        )
    }

    /// Whether what agents send is taken in.
    fn intake(&self) -> Told {
        match self.asker.as_ref().map(crate::intake::Asker::credit) {
            None => Told::aside("intake", "not_configured"),
            Some(0) => Told::ill("intake", "failing", 20),
            Some(credit) if credit < fieldward_shared::wire::WINDOW => Told::half("intake", "slow", 20),
            Some(_) => Told::well("intake", "working", 20),
        }
    }

    /// Looks which parts do not do all that they should, so that answers say it.
    pub(super) fn note_parts(&self) {
        let parts = self.parts();
        let names: Vec<&str> = parts.iter().filter(|part| part.is_degraded()).map(|part| part.name).collect();
        let text = names.join(",");
        if **self.degraded.load() != text {
            tracing::warn!(parts = text, "parts that do not do all that they should have changed");
            self.degraded.store(Arc::new(text));
        }
    }
}

/// Whether the database answers, and soon.
async fn database(api: &Api) -> Result<(), ApiError> {
    match timeout(SOON, api.store.has_users()).await {
        Ok(read) => read.map(drop).map_err(ApiError::from),
        Err(_) => {
            let said = "the database does not answer in time";
            Err(ApiError::later(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", said, 5))
        }
    }
}

const SOON: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_the_share_of_what_there_is() {
        let database = Told::well("database", "connected", 40);
        assert_eq!(score(&[database, Told::aside("redis", "not_configured")]), 100);
        assert_eq!(score(&[database, Told::half("intake", "slow", 20)]), 83);
        assert_eq!(score(&[Told::ill("database", "unavailable", 40), Told::well("live", "working", 10)]), 20);
        assert_eq!(score(&[]), 100);
    }
}
