//! Whether it works: for whoever watches the aggregator. Nobody need be known to ask, so no answer says more
//! than that.

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
    /// `healthy`, `degraded` (it answers, but a part is away) or `unhealthy`.
    #[schema(example = "healthy")]
    status: &'static str,
    /// Each part: `connected`, `unavailable` or `not_configured`.
    #[schema(example = json!({"database": "connected", "agents": "connected", "redis": "not_configured"}))]
    services: BTreeMap<&'static str, &'static str>,
}

/// That it lives.
#[derive(Serialize, ToSchema)]
struct Alive {
    /// `alive`.
    #[schema(example = "alive")]
    status: &'static str,
}

/// Health
#[utoipa::path(get, path = "/health", operation_id = "health",
    responses((status = 200, body = Health), (status = 503, body = Health, description = "the database is away")))]
async fn health(State(api): State<Arc<Api>>) -> Response {
    let database = database(&api).await.is_ok();
    let agents = match &api.asker {
        Some(_) => "connected",
        None => "not_configured",
    };
    let services = BTreeMap::from([
        ("agents", agents),
        ("database", if database { "connected" } else { "unavailable" }),
        // Between replicas, of which there is one as yet.
        ("redis", "not_configured"),
    ]);
    let (code, status) =
        if database { (StatusCode::OK, "healthy") } else { (StatusCode::SERVICE_UNAVAILABLE, "unhealthy") };
    // It is an answer and no error, whatever its status.
    (code, axum::Extension(super::door::AsItIs), axum::Json(Health { status, services })).into_response()
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
