//! The audit trail: who did what, and whether the chain is whole.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::Query;
use super::principal::Role;
use super::route::{Policy, Routes};
use super::time::Time;
use crate::store::StoreError;
use fieldward_shared::identity::to_hex;

/// The resource.
pub fn routes() -> Routes {
    Routes::of("audit", "Who did what")
        .add(Policy::Whole(Role::Admin), routes!(list))
        .add(Policy::Whole(Role::Admin), routes!(verify))
}

/// What was done.
#[derive(Serialize, ToSchema)]
struct Act {
    /// Its place in the chain.
    id: i64,
    /// When.
    timestamp: Time,
    /// Who.
    #[schema(example = "user ann")]
    actor: String,
    /// What.
    #[schema(example = "alert.status")]
    action: String,
    /// To what.
    object: String,
    /// What else is to be known.
    detail: String,
    /// SHA-256 over this row and the hash of the one before.
    hash: String,
}

/// A page of the trail.
#[derive(Serialize, ToSchema)]
struct Acts {
    /// The newest first.
    acts: Vec<Act>,
    /// To be given as `before` for the next page; null at the end.
    next_before: Option<i64>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Rows before this place in the chain.
    before: Option<i64>,
    /// So many of them, at most 500.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
}

/// Whether the chain is whole.
#[derive(Serialize, ToSchema)]
struct Verdict {
    /// Whether each row follows the one before it.
    whole: bool,
    /// Rows that were read.
    rows: i64,
    /// The hash at the end, to be compared with one that is kept elsewhere; null when the chain is broken.
    head: Option<String>,
    /// Where it is broken.
    broken: Option<String>,
}

/// List what was done
#[utoipa::path(get, path = "/api/audit", operation_id = "list_audit", params(Page), responses((status = 200, body = Acts)))]
async fn list(State(api): State<Arc<Api>>, Query(page): Query<Page>) -> Result<axum::Json<Acts>, ApiError> {
    let limit = super::page::limit(page.limit, 100)?;
    let before = page.before.unwrap_or(i64::MAX);
    let rows = api.store.acts(before, limit).await?;
    let next_before = rows.last().filter(|_| rows.len() == limit as usize).map(|last| last.id);
    let acts = rows.into_iter().map(|row| Act {
        id: row.id,
        timestamp: Time(row.at),
        actor: row.actor,
        action: row.action,
        object: row.object,
        detail: row.detail,
        hash: to_hex(&row.hash),
    });
    Ok(axum::Json(Acts { acts: acts.collect(), next_before }))
}

/// Verify the chain
#[utoipa::path(get, path = "/api/audit/verify", operation_id = "verify_audit", responses((status = 200, body = Verdict)))]
async fn verify(State(api): State<Arc<Api>>) -> Result<axum::Json<Verdict>, ApiError> {
    let verdict = match api.store.verify_audit().await {
        Ok(head) => Verdict { whole: true, rows: head.id, head: Some(to_hex(&head.hash)), broken: None },
        Err(StoreError::Damaged { detail, .. }) => {
            tracing::error!(security = true, detail, "the audit trail is broken");
            Verdict { whole: false, rows: 0, head: None, broken: Some(detail) }
        }
        Err(error) => return Err(error.into()),
    };
    Ok(axum::Json(verdict))
}
